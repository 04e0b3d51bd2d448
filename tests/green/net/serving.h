/* Stream servers under test: handlers that keep a book of what happens, and clients. */
#ifndef TESTS_GREEN_NET_SERVING_H
#define TESTS_GREEN_NET_SERVING_H

#include <net/server.h>

#include "support.h"

struct book {
    struct gate gate; /* handlers that wait */
    int begun, ended;
    int errors, last_error;
    bool last_error_had_peer;
    green_server_t *server;
    int from_inside;
};

static inline int echo(green_stream_t *stream, const green_address_t *peer, void *arg)
{
    struct book *book = arg;
    char buffer[4096];
    ssize_t n;
    book->begun++;
    while ((n = green_stream_read(stream, buffer, sizeof buffer, soon())) > 0) {
        int r = green_stream_write_all(stream, buffer, (size_t)n, NULL, soon());
        if (r < 0)
            return r;
    }
    book->ended++;
    return (int)n;
}

static inline int wait_inside(green_stream_t *stream, const green_address_t *peer, void *arg)
{
    struct book *book = arg;
    book->begun++;
    int r = gate_wait(&book->gate, soon());
    book->ended++;
    return r;
}

static inline int go_wrong(green_stream_t *stream, const green_address_t *peer, void *arg)
{
    ((struct book *)arg)->begun++;
    return -EPROTO;
}

static inline void note_error(green_server_t *server, const green_address_t *peer, int error, void *arg)
{
    struct book *book = arg;
    book->errors++;
    book->last_error = error;
    book->last_error_had_peer = peer != NULL;
}

static inline green_server_t *make(const char *address, green_server_fn fn, struct book *book,
                                   green_server_options_t options)
{
    green_server_t *server;
    gate_init(&book->gate);
    options.on_error = note_error;
    ck_assert_int_eq(green_server_new(&server, address, fn, book, &options), 0);
    book->server = server;
    return server;
}

static inline green_server_t *started(green_server_fn fn, struct book *book, green_server_options_t options)
{
    green_server_t *server = make("127.0.0.1:0", fn, book, options);
    ck_assert_int_eq(green_server_start(server, soon()), 0);
    return server;
}

static inline void end_server(green_server_t *server)
{
    ck_assert_int_eq(green_server_stop(server, soon()), 0);
    green_server_free(server);
}

static inline int dial(const green_server_t *server)
{
    green_address_t address;
    ck_assert_int_eq(green_server_address(server, &address), 0);
    int fd = green_connect(&address, soon());
    ck_assert_int_ge(fd, 0);
    return fd;
}

static inline void assert_echo(int fd, const char *text)
{
    char buffer[64];
    size_t length = strlen(text);
    ck_assert_int_eq(green_write_all(fd, text, length, NULL, soon()), 0);
    for (size_t have = 0; have < length;) {
        ssize_t n = green_read(fd, buffer + have, sizeof buffer - have, soon());
        ck_assert_int_gt(n, 0);
        have += (size_t)n;
    }
    ck_assert_int_eq(memcmp(buffer, text, length), 0);
}

static inline void assert_closed(int fd)
{
    char byte;
    ck_assert_int_eq(green_read(fd, &byte, 1, soon()), 0);
    ck_assert_int_eq(green_close(fd), 0);
}

static inline green_server_stats_t stats_of(const green_server_t *server)
{
    green_server_stats_t stats;
    green_server_stats(server, &stats);
    return stats;
}

/* Lets the hub run until a number has been reached. */
static inline void until(const int *number, int value)
{
    green_time deadline = soon();
    while (*number < value) {
        ck_assert_int_lt(green_now(), deadline);
        ck_assert_int_eq(green_yield(), 0);
    }
}

static inline void until_active(const green_server_t *server, size_t value)
{
    green_time deadline = soon();
    while (stats_of(server).active != value) {
        ck_assert_int_lt(green_now(), deadline);
        ck_assert_int_eq(green_yield(), 0);
    }
}

/* green_server_run() in a greenlet: its result. */
static inline void *run(void *arg)
{
    static int result;
    result = green_server_run(arg, soon());
    return &result;
}

#endif
