/* Connections of the HTTP client: made, leased, kept, reused. Private to libgreen. */
#ifndef GREEN_HTTP_CHANNEL_H
#define GREEN_HTTP_CHANNEL_H

#include "../core/internal.h"
#include "../sync/semaphore.h"
#include "client.h"
#include "url.h"
#include "wire.h"

struct channel {
    struct list link; /* in client->idle, else in none */
    struct wire wire;
    bool secure;
    bool reused; /* it has carried a request before */
    int port;
    green_time idle_since;
    char host[GREEN_HTTP_HOST_SIZE];
};

struct green_http_client {
    green_http_client_options_t options;
    green_semaphore_t free; /* one token for each connection that may still be leased */
    struct list idle;       /* the one used last comes last */
    unsigned idle_count, leased;
    bool one_off; /* goes with its only response */
};

/* A connection to the URL's host, a kept one if `reuse` and there is a live one. To be given back in any case. May
 * switch. */
int green__channel_lease(green_http_client_t *client, const green_http_url_t *url, bool reuse,
                         struct channel **out, green_time deadline);

/* Gives it back: kept if it can carry another request, else closed. Never switches. */
void green__channel_return(green_http_client_t *client, struct channel *c, bool keep);

#endif
