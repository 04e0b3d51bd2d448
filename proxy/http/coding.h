/* Content codings, and which of them a client takes (RFC 9110 section 12.5.3). */
#ifndef HTTP_CODING_H
#define HTTP_CODING_H

#include "head.h"

/* The better ones first: where a client has no preference, this order is ours. */
enum http_coding {
    HTTP_CODING_BROTLI,
    HTTP_CODING_ZSTD,
    HTTP_CODING_GZIP,
    HTTP_CODINGS,
    HTTP_CODING_NONE = HTTP_CODINGS
};

/* Those that a client prefers to none at all, the most welcome first. */
struct http_codings {
    unsigned count;
    enum http_coding list[HTTP_CODINGS];
    uint16_t weights[HTTP_CODINGS]; /* of each coding, in thousandths; 0: not in the list */
};

/* By the Accept-Encoding fields of a request; without one, none. */
void http_codings_accepted(const struct http_head *request, struct http_codings *out);

/* The one of those offered that the client likes best, the first of them among equals; or none. */
enum http_coding http_coding_choose(const struct http_codings *accepted, const enum http_coding *offered,
                                    size_t count);

/* "br", "zstd", "gzip"; "identity" for none. */
struct span http_coding_name(enum http_coding coding);

#endif
