/* A connection of the HTTP server and the exchange that goes on there. Private to libgreen. */
#ifndef GREEN_HTTP_EXCHANGE_H
#define GREEN_HTTP_EXCHANGE_H

#include "server.h"
#include "text.h"
#include "wire.h"

struct green_http_exchange {
    struct list link; /* in server->connections */
    green_http_server_t *server;
    green_t *greenlet;
    const green_address_t *peer;
    bool idle; /* waits for the first byte of a request: may be cancelled without harm */
    struct wire wire;

    /* Of the present request. */
    struct head head;
    struct wire_body body;
    bool understood; /* head is valid */
    bool continued;  /* 100 has been sent, or need not be */
    uint64_t received;

    /* Of its answer. */
    int status;     /* 0: not begun */
    bool close;     /* the connection ends with it */
    bool head_sent; /* has left, or begun to */
    bool bodiless;  /* content is dropped */
    bool chunked;
    int broken;    /* for which sending failed; no more will be sent */
    uint64_t left; /* bytes of content still to be written; UINT64_MAX: unknown */
    uint64_t sent;
    struct text fields; /* lines set by the handler */
    struct text text;   /* the head being sent */
};

struct green_http_server {
    green_http_server_options_t options;
    green_server_t *streams;
    green_http_handler fn;
    void *arg;
    bool stopping;
    struct list connections;
    time_t date_second;
    char date[30]; /* "Sun, 06 Nov 1994 08:49:37 GMT" of that second */
};

/* Forgets the last answer. */
void green__exchange_begin(green_http_exchange_t *x);

/* Sends what is missing to a complete answer: 0 or for what it cannot be completed. May switch. */
int green__exchange_finish(green_http_exchange_t *x);

/* An answer that is nothing but its status and a sentence; the connection is closed. May switch. */
int green__exchange_refuse(green_http_exchange_t *x, int status, const char *text);

#endif
