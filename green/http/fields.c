/* Fields and the alphabet they are written in. */
#include "../core/internal.h"

#include <string.h>
#include <strings.h>

#include "fields.h"

/* clang-format off */
#define T HTTP_TOKEN
#define V HTTP_VALUE
#define U (HTTP_VALUE | HTTP_TARGET)
#define P (U | HTTP_PATH)
#define H (P | HTTP_HOST)
const unsigned char green__http_class[256] = {
    ['\t'] = V, [' '] = V,
    ['!'] = T | H, ['"'] = V, ['#'] = T | V, ['$'] = T | H, ['%'] = T | P, ['&'] = T | H, ['\''] = T | H,
    ['('] = H, [')'] = H, ['*'] = T | H, ['+'] = T | H, [','] = P, ['-'] = T | H, ['.'] = T | H, ['/'] = P,
    ['0' ... '9'] = T | H | HTTP_HEX,
    [':'] = P, [';'] = H, ['<'] = V, ['='] = H, ['>'] = V, ['?'] = U, ['@'] = P,
    ['A' ... 'F'] = T | H | HTTP_HEX, ['G' ... 'Z'] = T | H,
    ['['] = P, ['\\'] = U, [']'] = P, ['^'] = T | U, ['_'] = T | H, ['`'] = T | U,
    ['a' ... 'f'] = T | H | HTTP_HEX, ['g' ... 'z'] = T | H,
    ['{'] = U, ['|'] = T | P, ['}'] = U, ['~'] = T | H,
    [0x80 ... 0xff] = V,
};
#undef T
#undef V
#undef U
#undef P
#undef H
/* clang-format on */

const char *green_http_find(const green_http_field_t *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(fields[i].name, name))
            return fields[i].value;
    return NULL;
}

bool green_http_name_valid(const char *name)
{
    return *name && http_all(name, strlen(name), HTTP_TOKEN);
}

bool green_http_value_valid(const char *value)
{
    return http_all(value, strlen(value), HTTP_VALUE);
}

bool green__http_element(const char **list, const char **element, size_t *n)
{
    const char *p = *list + strspn(*list, ", \t"), *end = p + strcspn(p, ",");
    *list = end;
    *element = p;
    while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *n = (size_t)(end - p);
    return *n != 0;
}

bool green__http_same(const char *p, size_t n, const char *text)
{
    return strlen(text) == n && !strncasecmp(p, text, n);
}

bool green__http_decimal(const char *p, size_t n, unsigned long long *out)
{
    unsigned long long value = 0;
    if (!n || n > 19) /* nineteen digits cannot overflow 64 bits */
        return false;
    for (; n; n--, p++) {
        if (*p < '0' || *p > '9')
            return false;
        value = value * 10 + (unsigned)(*p - '0');
    }
    *out = value;
    return value <= INT64_MAX;
}

const char *green_http_reason(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } known[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {103, "Early Hints"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {203, "Non-Authoritative Information"},
        {204, "No Content"},
        {205, "Reset Content"},
        {206, "Partial Content"},
        {207, "Multi-Status"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {423, "Locked"},
        {424, "Failed Dependency"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
        {511, "Network Authentication Required"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].status == status)
            return known[i].phrase;
    return "Unknown";
}
