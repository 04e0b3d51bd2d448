/* The table behind error.h. */
#include "error.h"

#define SLOT(code) ((code)-HTTP_ERROR_BASE - 1)

const struct http_error_info *http_error_info(int code)
{
    static const struct http_error_info table[] = {
#define HTTP_ERROR_ROW(name, reason, status, sentence) [SLOT(HTTP_E_##name)] = {reason, sentence, status},
        HTTP_ERRORS(HTTP_ERROR_ROW)
#undef HTTP_ERROR_ROW
    };
    static const struct http_error_info unknown = {"unknown_error", "an error without a name", 500};

    return http_is_error(code) ? &table[SLOT(code)] : &unknown;
}
