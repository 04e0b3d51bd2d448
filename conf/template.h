/*
 * Templates: values with variables in them, "https://www.example.com${uri}", taken apart when the configuration is
 * loaded. What a variable stands for is found out when a request is served; here are their names.
 *
 * ${name} and ${name:argument} are variables, $$ is a dollar, any other $ stands for itself.
 */
#ifndef CONF_TEMPLATE_H
#define CONF_TEMPLATE_H

#include <stddef.h>

#include "arena.h"

/* What is known where the template is used (flags of conf_template_parse); all else is known everywhere. */
enum conf_template_scope {
    CONF_KNOWS_SERVER = 1,   /* a server has been chosen */
    CONF_KNOWS_STATUS = 2,   /* there is an answer */
    CONF_KNOWS_CAPTURES = 4, /* a regular expression has matched: $0 to $9 are its captures */
    CONF_KNOWS_END = 8,      /* the request is over */
};

/* clang-format off */
/*      id             name             scope               what it stands for */
#define CONF_VARIABLES(X) \
    X(METHOD,          "method",        0,                  "the method: GET") \
    X(SCHEME,          "scheme",        0,                  "http or https, as the client sees it") \
    X(HOST,            "host",          0,                  "the host that was asked for, in lower case, without a port") \
    X(PORT,            "port",          0,                  "the port that was asked for, that of the scheme if none was named") \
    X(AUTHORITY,       "authority",     0,                  "host and port as the client named them") \
    X(URI,             "uri",           0,                  "path and query as received") \
    X(PATH,            "path",          0,                  "the path as received") \
    X(QUERY,           "query",         0,                  "the query as received, without its '?'") \
    X(CLIENT,          "client",        0,                  "the client's address") \
    X(CLIENT_PORT,     "client_port",   0,                  "the client's port") \
    X(TLS_VERSION,     "tls_version",   0,                  "TLSv1.3; empty without TLS, as the following") \
    X(TLS_CIPHER,      "tls_cipher",    0,                  "the cipher that was agreed on") \
    X(TLS_NAME,        "tls_name",      0,                  "the name that the client asked for in its handshake (SNI)") \
    X(TLS_RESUMED,     "tls_resumed",   0,                  "yes or no: whether an earlier session was resumed") \
    X(CLIENT_SUBJECT,  "client_subject", 0,                 "whom the client's certificate names, as in RFC 2253; empty without one, as the following") \
    X(CLIENT_ISSUER,   "client_issuer", 0,                  "who has signed it") \
    X(CLIENT_FINGERPRINT, "client_fingerprint", 0,          "its SHA-256 in hexadecimal") \
    X(LISTENER,        "listener",      0,                  "the listener's name") \
    X(ROUTE,           "route",         0,                  "the route's name, empty if none matched") \
    X(UPSTREAM,        "upstream",      0,                  "the upstream's name, empty if there is none") \
    X(SERVER,          "server",        CONF_KNOWS_SERVER,  "the server that was asked, as configured") \
    X(STATUS,          "status",        CONF_KNOWS_STATUS,  "the answer's status: 200") \
    X(REQUEST_ID,      "request_id",    0,                  "the request's name: see `request_id`; without that, 32 hexadecimal digits") \
    X(TRACE_ID,        "trace_id",      0,                  "the trace that the request is a part of: see `trace_context`") \
    X(SPAN_ID,         "span_id",       0,                  "our step in that trace") \
    X(TIME,            "time",          0,                  "the time of day: 2026-01-31T12:00:00Z") \
    X(QUERY_NAMED,     "query:NAME",    0,                  "the first parameter of that name in the query, decoded") \
    X(HEADER_NAMED,    "header:NAME",   0,                  "the request's header field of that name; several are joined by commas") \
    X(COOKIE_NAMED,    "cookie:NAME",   0,                  "the request's cookie of that name") \
    X(PATH_CAPTURE,    "path.N",        0,                  "what group N of the route's path expression matched; 0 is all that it matched") \
    X(HOST_CAPTURE,    "host.N",        0,                  "the same of its host expression") \
    X(TARGET,          "target",        CONF_KNOWS_END,     "the request's target as received: the URI, or what else stood there") \
    X(PROTOCOL,        "protocol",      CONF_KNOWS_END,     "HTTP/1.1, HTTP/1.0 or TCP") \
    X(PEER,            "peer",          CONF_KNOWS_END,     "the trusted proxy that named the client") \
    X(USER,            "user",          CONF_KNOWS_END,     "who was found to ask, by a password or a token") \
    X(BYTES_IN,        "bytes_in",      CONF_KNOWS_END,     "bytes of the body that came from the client") \
    X(BYTES_OUT,       "bytes_out",     CONF_KNOWS_END,     "bytes of the body that went to the client") \
    X(REASON,          "reason",        CONF_KNOWS_END,     "why it was refused or broke off: response_timeout") \
    X(DIRECTIVE,       "directive",     CONF_KNOWS_END,     "the key of the configuration that was responsible: timeout_response") \
    X(ORIGIN,          "origin",        CONF_KNOWS_END,     "where that key stands: greenway.ini:12") \
    X(T_QUEUE,         "t_queue",       CONF_KNOWS_END,     "milliseconds until a place at a server was free, if it was waited for") \
    X(T_CONNECT,       "t_connect",     CONF_KNOWS_END,     "milliseconds until a server was connected") \
    X(T_FIRST_BYTE,    "t_first_byte",  CONF_KNOWS_END,     "milliseconds until the first byte of the answer") \
    X(T_TOTAL,         "t_total",       CONF_KNOWS_END,     "milliseconds until the end") \
    X(DATE,            "date",          CONF_KNOWS_END,     "when the request began, as combined has it: 31/Jan/2026:23:59:59 +0000")
/* clang-format on */

enum conf_variable {
    CONF_V_TEXT, /* none: a piece of the template's own text */
#define CONF_VARIABLE_ENUM(id, name, scope, doc) CONF_V_##id,
    CONF_VARIABLES(CONF_VARIABLE_ENUM)
#undef CONF_VARIABLE_ENUM
        CONF_V_CAPTURE, /* $N */
    CONF_VARIABLE_COUNT
};

struct conf_part {
    enum conf_variable variable;
    unsigned number; /* ..._CAPTURE: the group, 0 to 9 */
    const char
        *text; /* CONF_V_TEXT: the text; ..._NAMED: the name; with a NUL that `length` does not count */
    size_t length;
};

/* Parts of one template at most. */
#define CONF_TEMPLATE_PARTS 64

struct conf_template {
    const struct conf_part *parts;
    size_t count; /* 0: empty */
};

/* Takes a text apart. `scope` is made of enum conf_template_scope. NULL, or what is wrong, to be said behind the text. */
const char *conf_template_parse(struct conf_arena *arena, const char *text, unsigned scope,
                                struct conf_template *out);

/* "${method}, ${scheme}, ...": the variables known in a scope. */
const char *conf_template_variables(struct conf_arena *arena, unsigned scope);

#endif
