/*
 * Field lines: the names that the proxy knows, what each means to an intermediary, and the checks for names
 * and values. Splitting a head into fields is head.h's work, trailers are chunked.h's.
 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "span.h"

/* clang-format off */
/*      id                    name                        what it means here (enum http_field_rule, or'ed) */
#define HTTP_KNOWN_FIELDS(X) \
    X(HOST,                   "host",                     HTTP_RULE_OURS | HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(CONNECTION,             "connection",               HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(CONTENT_LENGTH,         "content-length",           HTTP_RULE_OURS | HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(TRANSFER_ENCODING,      "transfer-encoding",        HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(TE,                     "te",                       HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(TRAILER,                "trailer",                  HTTP_RULE_NO_TRAILER) \
    X(UPGRADE,                "upgrade",                  HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(KEEP_ALIVE,             "keep-alive",               HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(PROXY_CONNECTION,       "proxy-connection",         HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(PROXY_AUTHENTICATE,     "proxy-authenticate",       HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(PROXY_AUTHORIZATION,    "proxy-authorization",      HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(PROXY_AUTHENTICATION_INFO, "proxy-authentication-info", HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(PROXY,                  "proxy",                    HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(HTTP2_SETTINGS,         "http2-settings",           HTTP_RULE_HOP | HTTP_RULE_NO_TRAILER) \
    X(EXPECT,                 "expect",                   HTTP_RULE_NO_TRAILER) \
    X(VIA,                    "via",                      HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(DATE,                   "date",                     HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(SERVER,                 "server",                   0) \
    X(FORWARDED,              "forwarded",                HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(X_FORWARDED_FOR,        "x-forwarded-for",          HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(X_FORWARDED_PROTO,      "x-forwarded-proto",        HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(X_FORWARDED_HOST,       "x-forwarded-host",         HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(X_FORWARDED_PORT,       "x-forwarded-port",         HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(X_FORWARDED_OTHER,      "x-forwarded-",             HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) /* any other */ \
    X(CLIENT_CERT,            "client-cert",              HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) /* RFC 9440 */ \
    X(CLIENT_CERT_CHAIN,      "client-cert-chain",        HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(X_CLIENT_CERT,          "x-client-cert-",           HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) /* any */ \
    X(X_REAL_IP,              "x-real-ip",                HTTP_RULE_KEEP | HTTP_RULE_NO_TRAILER) \
    X(AUTHORIZATION,          "authorization",            HTTP_RULE_NO_TRAILER) \
    X(WWW_AUTHENTICATE,       "www-authenticate",         HTTP_RULE_NO_TRAILER) \
    X(COOKIE,                 "cookie",                   HTTP_RULE_NO_TRAILER) \
    X(SET_COOKIE,             "set-cookie",               HTTP_RULE_NO_TRAILER) \
    X(CONTENT_TYPE,           "content-type",             HTTP_RULE_NO_TRAILER) \
    X(CONTENT_ENCODING,       "content-encoding",         HTTP_RULE_NO_TRAILER) \
    X(CONTENT_RANGE,          "content-range",            HTTP_RULE_NO_TRAILER) \
    X(CACHE_CONTROL,          "cache-control",            HTTP_RULE_NO_TRAILER) \
    X(MAX_FORWARDS,           "max-forwards",             HTTP_RULE_NO_TRAILER) \
    X(LOCATION,               "location",                 HTTP_RULE_NO_TRAILER) \
    X(RETRY_AFTER,            "retry-after",              HTTP_RULE_NO_TRAILER) \
    X(AGE,                    "age",                      HTTP_RULE_NO_TRAILER) \
    X(VARY,                   "vary",                     HTTP_RULE_NO_TRAILER) \
    X(RANGE,                  "range",                    HTTP_RULE_NO_TRAILER) \
    X(USER_AGENT,             "user-agent",               0) \
    X(REFERER,                "referer",                  0) \
    X(ORIGIN,                 "origin",                   0) \
    X(ACCEPT_ENCODING,        "accept-encoding",          0)
/* clang-format on */

enum http_field_id {
    HTTP_F_OTHER = 0, /* a name that the proxy has no rule for */
#define HTTP_FIELD_ENUM(id, name, rule) HTTP_F_##id,
    HTTP_KNOWN_FIELDS(HTTP_FIELD_ENUM)
#undef HTTP_FIELD_ENUM
        HTTP_F_COUNT
};

enum http_field_rule {
    HTTP_RULE_HOP = 1,        /* says something about one connection only: never forwarded as received */
    HTTP_RULE_OURS = 2,       /* regenerated from parsed facts: the received line itself is never forwarded */
    HTTP_RULE_KEEP = 4,       /* a Connection option of this name removes nothing */
    HTTP_RULE_NO_TRAILER = 8, /* dropped when it comes in a trailer section (RFC 9110 section 6.5.1) */
};

struct http_field {
    struct span name;  /* as received */
    struct span value; /* as received, without the whitespace around it; may be empty */
    uint8_t id;        /* enum http_field_id */
    bool hop;          /* must not be forwarded: hop-by-hop, nominated by Connection, or unsafe to pass on */
};

/* The id of a name, in any case; HTTP_F_OTHER when it is none of ours. */
uint8_t http_field_id(struct span name);

/* The enum http_field_rule bits of an id. */
unsigned http_field_rules(uint8_t id);

/* A non-empty run of tchar (RFC 9110 section 5.6.2). */
bool http_field_name_valid(struct span name);

/* Field content: visible bytes, SP, HTAB and obs-text only; no whitespace at the ends; may be empty. */
bool http_field_value_valid(struct span value);

/*
 * Changes to a head that a configuration asks for. Names and values must have passed the two checks above and
 * http_field_editable(): the proxy makes framing and connection fields itself, nobody edits them.
 */
enum http_edit_op { HTTP_EDIT_SET, HTTP_EDIT_ADD, HTTP_EDIT_REMOVE };

struct http_edit {
    enum http_edit_op op;
    struct span name;
    struct span value; /* empty for HTTP_EDIT_REMOVE */
};

struct http_edits {
    const struct http_edit *list;
    size_t count;
};

/* Do they take away the fields of that name that are there already? */
bool http_edits_drop(const struct http_edits *edits, struct span name);

/* How many bytes they add to a head at most. */
size_t http_edits_size(const struct http_edits *edits);

/* May a configuration set, add or remove this field? (Host is set elsewhere: http_forward_facts.host.) */
bool http_field_editable(struct span name);

#endif
