/* An HTTP server under test, a book of what it logs, and clients that speak in bytes. */
#ifndef TESTS_GREEN_HTTP_SERVING_H
#define TESTS_GREEN_HTTP_SERVING_H

#include <http/server.h>

#include "support.h"

static green_http_server_t *server;
static struct {
    int calls, errors, last_error;
    int logged, status, log_error;
    char reason[100], line[200];
    uint64_t received, sent;
} book;

static inline void take_note(const green_http_record_t *r, void *arg)
{
    book.logged++;
    book.status = r->status;
    book.log_error = r->error;
    book.received = r->received;
    book.sent = r->sent;
    ck_assert_int_ge(r->duration, 0);
    snprintf(book.reason, sizeof book.reason, "%s", r->reason ? r->reason : "");
    snprintf(book.line, sizeof book.line, "%s %s?%s 1.%d", r->method, r->path, r->query ? r->query : "",
             r->minor);
}

static inline void note_error(green_server_t *streams, const green_address_t *peer, int error, void *arg)
{
    book.errors++;
    book.last_error = error;
}

/* Says what it understood, body included. */
static inline int mirror(green_http_exchange_t *x, void *arg)
{
    static char text[100000];
    const char *query = green_http_query(x), *host = green_http_host(x);
    book.calls++;
    int n = snprintf(text, sizeof text, "%s [%s] [%s] [%s] %d:", green_http_method(x), green_http_path(x),
                     query ? query : "-", host ? host : "-", (int)green_http_body_length(x));
    for (ssize_t got; (got = green_http_read(x, text + n, sizeof text - (size_t)n, soon())) != 0;
         n += (int)got)
        if (got < 0)
            return (int)got;
    return green_http_answer(x, 200, "text/plain", text, (size_t)n, soon());
}

static inline void start(green_http_handler fn, green_http_server_options_t options)
{
    options.log = take_note;
    options.server.on_error = note_error;
    ck_assert_int_eq(green_http_server_new(&server, "127.0.0.1:0", fn, NULL, &options), 0);
    ck_assert_int_eq(green_http_server_start(server, soon()), 0);
}

static inline void end_server(void)
{
    ck_assert_int_eq(green_http_server_stop(server, soon()), 0);
    green_http_server_free(server);
}

/* --- clients ----------------------------------------------------------------------------------------------------- */

static char answer[1 << 19];
static size_t answer_n;

static inline int dial(void)
{
    green_address_t address;
    ck_assert_int_eq(green_server_address(green_http_server_streams(server), &address), 0);
    int fd = green_connect(&address, soon());
    ck_assert_int_ge(fd, 0);
    return fd;
}

static inline void send_text(int fd, const char *text)
{
    ck_assert_int_eq(green_write_all(fd, text, strlen(text), NULL, soon()), 0);
}

/* Until the answer ends with `tail`; NULL: until the connection ends. */
static inline const char *receive(int fd, const char *tail)
{
    size_t tail_n = tail ? strlen(tail) : 0;
    for (answer_n = 0;;) {
        ssize_t n = green_read(fd, answer + answer_n, sizeof answer - 1 - answer_n, soon());
        answer_n += n > 0 ? (size_t)n : 0;
        answer[answer_n] = 0;
        ck_assert_msg(n > 0 || (n == 0 && !tail), "%s after: %s", n ? green_strerror((int)n) : "the end",
                      answer);
        if (n == 0 || (tail && answer_n >= tail_n && !strcmp(answer + answer_n - tail_n, tail)))
            return answer;
    }
}

/* On a connection of its own, whose sending side is closed behind it. */
static inline const char *ask(const char *request)
{
    int fd = dial();
    send_text(fd, request);
    ck_assert_int_eq(green_shutdown_write(fd), 0);
    receive(fd, NULL);
    ck_assert_int_eq(green_close(fd), 0);
    return answer;
}

static inline void assert_has(const char *part)
{
    ck_assert_msg(strstr(answer, part) != NULL, "no %s in: %s", part, answer);
}

static inline void assert_lacks(const char *part)
{
    ck_assert_msg(!strstr(answer, part), "%s in: %s", part, answer);
}

static inline int count(const char *part)
{
    int n = 0;
    for (const char *p = answer; (p = strstr(p, part)); p++)
        n++;
    return n;
}

#define CHUNKED  "Transfer-Encoding: chunked\r\n\r\n"
#define POST     "POST / HTTP/1.1\r\nHost: h\r\n"
#define SMUGGLED "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

/* A line of "X: aaa..." fields and the like, of any size. */
static inline char *long_request(const char *before, size_t n, const char *after)
{
    size_t length = strlen(before);
    char *text = malloc(length + n + strlen(after) + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, before, length);
    memset(text + length, 'a', n);
    strcpy(text + length + n, after);
    return text;
}

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

#endif
