/*
 * Everything that can be wrong with a received message, each with a stable reason token for logs, metrics and
 * Proxy-Status, the status that a client is answered for it, and a sentence for people.
 *
 * The codes are negative and lie far below errno and the codes of libgreen, so one int can carry any of them.
 */
#ifndef HTTP_ERROR_H
#define HTTP_ERROR_H

#include <stdbool.h>

/* clang-format off */
#define HTTP_ERRORS(X) \
    X(TLS_ON_PLAIN,       "tls_on_plain_port",      400, "a TLS handshake arrived where plain HTTP is spoken") \
    X(HTTP2_PREFACE,      "http2_preface",          505, "an HTTP/2 preface arrived where HTTP/1 is spoken") \
    X(REQUEST_LINE,       "bad_request_line",       400, "the request line is not 'method SP target SP version CRLF'") \
    X(METHOD_SYNTAX,      "bad_method",             400, "the method holds a byte that is not allowed in a token") \
    X(METHOD_UNKNOWN,     "unknown_method",         501, "the method is not known here") \
    X(METHOD_REFUSED,     "method_refused",         405, "the method is not served here") \
    X(TARGET,             "bad_target",             400, "the request target is not valid") \
    X(TARGET_TOO_LONG,    "target_too_long",        414, "the request target is longer than the limit") \
    X(VERSION,            "bad_version",            400, "the version is not HTTP/1.0 or HTTP/1.1") \
    X(VERSION_OTHER,      "unsupported_version",    505, "the major version of HTTP is not supported") \
    X(STATUS_LINE,        "bad_status_line",        502, "the answer does not start with a valid HTTP/1 status line") \
    X(FIELD_NAME,         "bad_field_name",         400, "a field name is empty or holds a byte that is not allowed") \
    X(FIELD_FOLDED,       "folded_field",           400, "a line of the header section starts with whitespace") \
    X(FIELD_VALUE,        "bad_field_value",        400, "a field value holds a control byte") \
    X(LINE_END,           "bad_line_end",           400, "a line does not end in exactly CR LF") \
    X(FIELDS_TOO_MANY,    "too_many_fields",        431, "there are more fields than the limit") \
    X(HEAD_TOO_LARGE,     "head_too_large",         431, "the head is longer than the limit") \
    X(HOST_MISSING,       "missing_host",           400, "an HTTP/1.1 request needs a Host field") \
    X(HOST_DUPLICATE,     "duplicate_host",         400, "there is more than one Host field") \
    X(HOST,               "bad_host",               400, "the host is not 'name' or 'name:port'") \
    X(HOST_MISMATCH,      "host_mismatch",          400, "the Host field and the request target name different hosts") \
    X(LENGTH,             "bad_content_length",     400, "Content-Length is not one plain decimal number") \
    X(LENGTH_DUPLICATE,   "duplicate_content_length", 400, "there is more than one Content-Length field") \
    X(LENGTH_AND_CODING,  "length_and_encoding",    400, "Content-Length and Transfer-Encoding came together") \
    X(CODING,             "bad_transfer_encoding",  400, "Transfer-Encoding is not exactly 'chunked'") \
    X(CODING_UNKNOWN,     "unsupported_transfer_coding", 501, "a transfer coding other than chunked is not supported") \
    X(CODING_OLD,         "encoding_in_http10",     400, "Transfer-Encoding came in an HTTP/1.0 message") \
    X(BODY_REFUSED,       "body_not_allowed",       400, "this method cannot carry a body") \
    X(OPTIONS_TOO_MANY,   "too_many_connection_options", 400, "Connection names too many options") \
    X(EXPECTATION,        "unsupported_expectation", 417, "the expectation is not 100-continue") \
    X(SWITCH_UNASKED,     "unexpected_upgrade",     502, "the answer switches protocols though nothing of the kind was asked") \
    X(DISAGREEMENT,       "parsers_disagree",       400, "two parsers read the message differently") \
    X(CHUNK_SIZE,         "bad_chunk_size",         400, "a chunk size is not a plain hexadecimal number") \
    X(CHUNK_TOO_LARGE,    "chunk_too_large",        413, "a chunk size is larger than the limit") \
    X(CHUNK_EXTENSION,    "bad_chunk_extension",    400, "a chunk extension is not valid") \
    X(CHUNK_EXTENSIONS,   "chunk_extensions_too_large", 413, "chunk extensions are longer than the limit") \
    X(CHUNK_END,          "bad_chunk_end",          400, "chunk data is not followed by exactly CR LF") \
    X(TRAILER,            "bad_trailer",            400, "a trailer field is not valid") \
    X(TRAILER_TOO_LARGE,  "trailer_too_large",      431, "the trailer section is longer than the limit") \
    X(PATH_ENCODING,      "bad_path_encoding",      400, "the path holds an invalid or dangerous percent-encoding") \
    X(PATH_CLIMBS,        "path_climbs",            400, "the path climbs above its root") \
    X(PATH_AMBIGUOUS,     "ambiguous_path",         400, "servers disagree about what the path means") \
    X(PATH_TOO_LONG,      "path_too_long",          414, "the path is longer than the buffer for it")
/* clang-format on */

enum http_error {
    HTTP_ERROR_BASE = -20000, /* not an error itself: the list counts up from here */
#define HTTP_ERROR_ENUM(name, reason, status, sentence) HTTP_E_##name,
    HTTP_ERRORS(HTTP_ERROR_ENUM)
#undef HTTP_ERROR_ENUM
        HTTP_ERROR_END
};

struct http_error_info {
    const char *reason;   /* stable token, [a-z0-9_]+ */
    const char *sentence; /* for people, no full stop */
    int status; /* what a client is answered when its request is at fault; an upstream's fault is 502 */
};

/* Is the code one of enum http_error? */
static inline bool http_is_error(int code)
{
    return code > HTTP_ERROR_BASE && code < HTTP_ERROR_END;
}

/* Never NULL: a code that is not one of ours gives {"unknown_error", ..., 500}. */
const struct http_error_info *http_error_info(int code);

#endif
