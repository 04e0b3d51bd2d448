/* URLs of http and https, taken apart strictly (RFC 3986, RFC 9110 section 4.2). */
#ifndef GREEN_HTTP_URL_H
#define GREEN_HTTP_URL_H

#include <stdbool.h>

#include "../core/error.h"

#define GREEN_HTTP_HOST_SIZE   256
#define GREEN_HTTP_TARGET_SIZE 8192

typedef struct green_http_url {
    bool secure;                         /* https */
    int port;                            /* 1 to 65535: the scheme's own if none was given */
    char host[GREEN_HTTP_HOST_SIZE];     /* a name or an address; IPv6 without brackets; lower case */
    char target[GREEN_HTTP_TARGET_SIZE]; /* path and query, at least "/" */
} green_http_url_t;

/* Takes a URL apart. A fragment is left away, for it is never sent; user names are refused, since they are used for
 * deception mostly. 0; -EINVAL: not a valid absolute URL of http or https; -ENAMETOOLONG. Never switches. */
int green_http_url_parse(green_http_url_t *out, const char *text) GREEN_MUST_CHECK;

/* The URL that `reference` (an absolute URL, "//host/path", "/path", "path" or "?query") means where `base` is at hand,
 * as in a Location field. out and base may be the same. Errors as above. Never switches. */
int green_http_url_resolve(green_http_url_t *out, const green_http_url_t *base,
                           const char *reference) GREEN_MUST_CHECK;

#ifdef GREEN_INTERNAL
#include <stddef.h>

/* Is it "name", "1.2.3.4" or "[::1]", with an optional ":port"? *port is -1 when none is given; *host_n is the host's
 * length, brackets included. */
bool green__http_authority(const char *p, size_t n, size_t *host_n, int *port);

/* Is it an absolute path without a query; what may stand behind a '?' ? Every '%' needs two hexadecimal digits. */
bool green__http_path(const char *p, size_t n);
bool green__http_query(const char *p, size_t n);
#endif

#endif
