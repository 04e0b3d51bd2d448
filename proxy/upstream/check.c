/* Checks of servers (check.h). */
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connect.h"
#include "http/h1.h"
#include "regexp.h"
#include "runtime/wire.h"
#include "tcp/announced.h"
#include "tls/client.h"

#define HEAD_BYTES     16384
#define BODY_BYTES     ((size_t)64 * 1024) /* of an answer that are looked at */
#define DIALOGUE_BYTES 4096
#define REQUEST_BYTES  8192

struct check {
    const struct check_subject *subject;
    const struct conf_health_check *conf;
    struct buffers *buffers;
    struct wire wire;
    green_time deadline;
    char *why;
};

__attribute__((format(printf, 2, 3))) static bool say(const struct check *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->why, CHECK_WHY_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool failed(const struct check *c, const char *what, int error)
{
    return say(c, "%s: %s", what, error == 0 ? "closed by the server" : green_strerror(error));
}

/* --- connecting ------------------------------------------------------------------------------------------------------- */

static int dial(const struct check *c)
{
    int fd = -EHOSTUNREACH;
    for (unsigned i = 0; i < c->subject->address_count && fd < 0 && fd != -ECANCELED; i++)
        fd = green_connect(&c->subject->addresses[i], c->deadline);
    return fd;
}

static bool open_wire(struct check *c)
{
    const struct conf_upstream *u = c->subject->upstream;
    green_tls_session_t *session = NULL;
    struct connect_failure failure;
    char header[PROXY_WRITE_BYTES];
    int fd = dial(c);
    if (fd < 0)
        return failed(c, "cannot connect", fd);
    c->wire.fd = fd;
    int r = 0;
    if (u->send_proxy != CONF_SEND_PROXY_OFF)
        r = green_write_all(fd, header, announce(u, NULL, header), NULL, c->deadline);
    if (r < 0) {
        green_close(fd);
        c->wire.fd = -1;
        return failed(c, "cannot send the PROXY header", r);
    }
    if (!u->tls.client)
        return true;
    r = tls_client_connect(u->tls.client, c->subject->server, fd, &session, &c->wire.tls, &failure,
                           c->deadline);
    green_tls_session_free(session);
    if (r >= 0)
        return true;
    c->wire.fd = -1; /* the handshake has closed it */
    return say(c, "TLS: %s", failure.reason);
}

/* --- HTTP -------------------------------------------------------------------------------------------------------------- */

static int write_request(struct check *c)
{
    const char *host = c->conf->host                 ? c->conf->host
                       : c->subject->server->is_unix ? "localhost"
                                                     : c->subject->server->text;
    char request[REQUEST_BYTES];
    int n = snprintf(
        request, sizeof request,
        "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: greenway-health-check\r\nAccept: */*\r\nConnection: "
        "close\r\n\r\n",
        c->conf->method, c->conf->path, host);
    if (n < 0 || (size_t)n >= sizeof request)
        return -EMSGSIZE;
    return wire_write_all(&c->wire, &(struct iovec){request, (size_t)n}, 1, c->deadline);
}

static bool judge_text(struct check *c, const char *text, size_t n)
{
    int r = conf_regex_find(c->conf->match, text, n, NULL);
    return r > 0 || say(c, r == 0 ? "the answer does not match" : "the expression takes too long");
}

static bool judge_body(struct check *c, struct h1 *h)
{
    char *text = malloc(BODY_BYTES);
    size_t n = 0;
    ssize_t got = 1;
    if (!text)
        return say(c, "out of memory");
    while (n < BODY_BYTES && got > 0) {
        struct span data;
        got = h->stream.ops->read_body(&h->stream, &data, c->deadline);
        size_t more = got > 0 ? data.n : 0;
        more = more < BODY_BYTES - n ? more : BODY_BYTES - n;
        if (more)
            memcpy(text + n, data.p, more);
        n += more;
    }
    bool good = got < 0 ? failed(c, "the body", (int)got) : judge_text(c, text, n);
    free(text);
    return good;
}

static bool ask_http(struct check *c, struct h1 *h)
{
    static const struct http_limits limits = {.head_bytes = HEAD_BYTES, .fields = HTTP_MAX_FIELDS};
    unsigned method = !strcmp(c->conf->method, "HEAD")  ? HTTP_METHOD_HEAD
                      : !strcmp(c->conf->method, "GET") ? HTTP_METHOD_GET
                                                        : HTTP_METHOD_OPTIONS;
    struct http_head head = {.status = 100};
    int r = write_request(c);
    if (r < 0)
        return failed(c, "cannot send the request", r);
    for (int i = 0; i < 10 && head.status < 200; i++) {
        http_response_begin(&h->parser, &limits, method, false);
        r = h->stream.ops->read_head(&h->stream, &head, c->deadline);
        if (http_is_error(r))
            return say(c, "the answer is malformed");
        if (r < 0)
            return failed(c, "no answer", r);
    }
    if (head.status < c->conf->status_min || head.status > c->conf->status_max)
        return say(c, "status %d", head.status);
    if (c->conf->match && !judge_body(c, h))
        return false;
    say(c, "status %d", head.status);
    return true;
}

static bool check_http(struct check *c)
{
    struct h1 h;
    h1_init(&h, c->wire, c->buffers, HEAD_BYTES, c->conf->timeout);
    bool good = ask_http(c, &h);
    h1_release(&h);
    return good;
}

/* --- dialogues ---------------------------------------------------------------------------------------------------------- */

/* 1: it is what was expected, 0: there may be more to come, -1: it is something else. */
static int judge_dialogue(const struct check *c, const char *text, size_t n)
{
    const struct conf_health_check *conf = c->conf;
    size_t some = n < conf->expect_size ? n : conf->expect_size;
    if (conf->expect && memcmp(text, conf->expect, some) != 0)
        return -1;
    if (conf->expect && n < conf->expect_size)
        return 0;
    if (!conf->match)
        return 1;
    return conf_regex_find(conf->match, text, n, NULL) > 0;
}

static bool check_dialogue(struct check *c)
{
    char text[DIALOGUE_BYTES];
    size_t n = 0;
    int r = 0;
    if (c->conf->send)
        r = wire_write_all(&c->wire, &(struct iovec){(void *)(uintptr_t)c->conf->send, c->conf->send_size}, 1,
                           c->deadline);
    if (r < 0)
        return failed(c, "cannot send", r);
    while (n < sizeof text) {
        ssize_t got = wire_read(&c->wire, text + n, sizeof text - n, c->deadline);
        if (got <= 0)
            return n && got == 0 ? say(c, "the answer is not what was expected")
                                 : failed(c, "no such answer", (int)got);
        n += (size_t)got;
        int verdict = judge_dialogue(c, text, n);
        if (verdict > 0) {
            say(c, "answered as expected");
            return true;
        }
        if (verdict < 0)
            break;
    }
    return say(c, "the answer is not what was expected");
}

/* --- together ----------------------------------------------------------------------------------------------------------- */

bool check_server(const struct check_subject *subject, struct buffers *buffers, char why[CHECK_WHY_BYTES])
{
    const struct conf_health_check *conf = &subject->upstream->health_check;
    struct check c = {.subject = subject,
                      .conf = conf,
                      .buffers = buffers,
                      .wire = {.fd = -1},
                      .deadline = green_in(conf->timeout),
                      .why = why};
    if (!open_wire(&c))
        return false;
    say(&c, conf->kind == CONF_CHECK_TLS ? "TLS handshake done" : "connected");
    bool good = conf->kind == CONF_CHECK_HTTP       ? check_http(&c)
                : conf->kind == CONF_CHECK_DIALOGUE ? check_dialogue(&c)
                                                    : true;
    wire_close(&c.wire, true);
    return good;
}
