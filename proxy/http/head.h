/*
 * The head of a request or response: received bytes to checked facts (RFC 9110, RFC 9112).
 *
 * Three stages, in this order: a strict resumable scanner (scan.h) looks at every received byte once and
 * refuses the first one that is out of place; when the head is complete it is taken apart and framing.c works out
 * what the message means; where that is delicate (a body, an upgrade) llhttp must read it alike (opinion.h). A head that passes can be
 * regenerated without any byte of it being open to a second reading.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "error.h"
#include "fields.h"
#include "scan.h"
#include "span.h"
#include "target.h"

#define HTTP_MAX_FIELDS 128
#define HTTP_MAX_LENGTH ((UINT64_C(1) << 60) - 1) /* largest Content-Length taken for true */

enum http_kind { HTTP_KIND_REQUEST, HTTP_KIND_RESPONSE };

enum http_method {
    HTTP_METHOD_OTHER = 0, /* known to llhttp (WebDAV and the like), nothing special about it here */
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_TRACE,
    HTTP_METHOD_CONNECT,
};

enum http_framing {
    HTTP_FRAMING_NONE,        /* no body at all */
    HTTP_FRAMING_LENGTH,      /* content_length bytes, which may be 0 */
    HTTP_FRAMING_CHUNKED,     /* chunked.h */
    HTTP_FRAMING_UNTIL_CLOSE, /* responses only: the body ends where the connection does */
};

/* 0 in a number means its default. The object must outlive the parser. */
struct http_limits {
    uint32_t head_bytes;   /* start line to empty line; default 32 KiB, at most 1 MiB */
    uint32_t target_bytes; /* default 8 KiB */
    uint32_t fields;       /* default 100, at most HTTP_MAX_FIELDS */
    bool allow_connect;    /* requests: take CONNECT host:port; else it is refused */
    bool allow_trace;      /* requests: take TRACE; else it is refused */
    bool keep_underscores; /* requests: forward fields with '_' in their name; else they are dropped, since
                              many applications cannot tell X_A from X-A */
};

/* All spans point into the buffer given to the last http_head_feed() and are valid as long as it is. */
struct http_head {
    enum http_kind kind;
    enum http_method method; /* a response: of the request that it answers */
    uint8_t minor;           /* HTTP/1.minor: 0 or 1 */
    uint16_t status;         /* responses: 100..599 */
    uint16_t count;          /* fields in use */
    uint16_t underscored;    /* requests: fields marked hop for a '_' in their name */

    enum http_framing framing;
    bool has_length; /* content_length was given (also on answers to HEAD and on 304, which have no body) */
    bool keepalive;  /* the sender lets the connection be used again after this message */
    bool upgrade;    /* request: well-formed websocket upgrade; response: 101 that accepts it */
    bool upgrade_required; /* responses: 426 that names websocket */
    bool expect_continue;  /* requests (1.1): the client waits for 100 */
    bool te_trailers;      /* requests: TE: trailers */
    bool has_date;         /* responses */
    bool has_via;
    uint64_t content_length; /* valid if has_length */
    int32_t max_forwards;    /* OPTIONS, TRACE: Max-Forwards; 0: to be answered here; -1 when not said */
    int32_t
        keepalive_timeout; /* responses: Keep-Alive: timeout= in seconds, 0 also for max=0; -1 when not said */
    size_t bytes;          /* length of the head with its empty line: the body starts here */

    struct span method_name; /* requests */
    struct span target;      /* requests: as received */
    struct http_target uri;  /* requests: target taken apart */
    struct span host; /* requests: checked host[:port] from the target or Host; empty: HTTP/1.0 without */
    struct http_authority authority; /* requests: `host` taken apart */
    struct span reason;              /* responses: reason phrase, may be empty */

    struct http_field fields[HTTP_MAX_FIELDS]; /* in received order */
};

/* Lives in a connection or on a stack; no destruction needed. The fields are private. */
struct http_parser {
    const struct http_limits *limits;
    struct http_scan scan;
    uint8_t kind;
    uint8_t request_method;
    bool upgrade_offered;
    int failed; /* the error that ended it, else 0 */
};

/* Gets ready for a request. limits may be NULL for the defaults. */
void http_request_begin(struct http_parser *p, const struct http_limits *limits);

/*
 * Gets ready for one response head (call again after each 1xx). method is that of the request;
 * upgrade_offered says that an upgrade was forwarded with it: a 101 is refused otherwise.
 */
void http_response_begin(struct http_parser *p, const struct http_limits *limits, enum http_method method,
                         bool upgrade_offered);

/*
 * Looks at the head received so far: buf[0..n) is all of it from its first byte (the same bytes as in earlier
 * calls with more appended; the buffer may have moved), and may go on into the body or the next message.
 *
 * Returns 1: complete, *out is filled and out->bytes says how much of buf it took. 0: more bytes are needed.
 * Negative: an enum http_error, at the first byte that makes the message impossible; the parser then keeps
 * returning it. *out is unspecified unless 1 is returned. Each byte is scanned once, however the input is
 * split.
 */
int http_head_feed(struct http_parser *p, const char *buf, size_t n, struct http_head *out);

/* True when nothing has arrived yet but (for requests) an empty line: the peer is idle, not slow. */
bool http_head_idle(const struct http_parser *p);

/* The first field with this id or name (any case), or NULL. */
const struct http_field *http_head_field(const struct http_head *head, uint8_t id);
const struct http_field *http_head_find(const struct http_head *head, struct span name);

/* The method of that (case-sensitive) name; HTTP_METHOD_OTHER when it has no enum of its own. */
enum http_method http_method_of(struct span name);

#endif
