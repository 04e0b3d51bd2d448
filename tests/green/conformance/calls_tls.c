/* TLS: shaking hands with a peer that says nothing for a while, and streams whose connection is full or empty. */
#include "generic.h"

#include "net/tls_pair.h"

/* --- handshakes: each with a peer of its own ----------------------------------------------------------------------- */

struct silent {
    struct list link;
    int fd; /* the peer's end; -1: somebody answers there */
};

static struct list silent;
static green_tls_context_t *client, *server;
static green_group_t answering;
static bool answers_as_server;

static void begin_handshakes(bool as_server)
{
    list_init(&silent);
    client = client_context();
    server = server_context();
    answers_as_server = as_server;
    green_group_init(&answering, 0);
}

static void begin_connecting(void)
{
    begin_handshakes(true);
}

static void begin_accepting(void)
{
    begin_handshakes(false);
}

static int shake_hands(green_stream_t **tls, bool as_server, bool resume, int fd, green_time deadline)
{
    green_stream_t *below = stream_over(fd);
    *tls = NULL;
    int r = as_server ? green_tls_accept(tls, server, below, deadline)
            : resume  ? green_tls_resume(tls, client, below, "localhost", NULL, deadline)
                      : green_tls_connect(tls, client, below, "localhost", deadline);
    ck_assert((r == 0) == (*tls != NULL));
    return r;
}

static int meet(bool as_server, bool resume, green_time deadline)
{
    int fds[2];
    ck_assert_int_eq(green_socketpair(SOCK_STREAM, fds), 0);
    struct silent peer = {.fd = fds[1]};
    list_push(&silent, &peer.link);
    green_stream_t *tls;
    int r = shake_hands(&tls, as_server, resume, fds[0], deadline);
    green_stream_close(tls);
    list_remove(&peer.link);
    if (peer.fd >= 0)
        ck_assert_int_eq(green_close(peer.fd), 0);
    return r;
}

static int wait_connect(green_time deadline)
{
    return meet(false, false, deadline);
}

static int wait_resume(green_time deadline)
{
    return meet(false, true, deadline);
}

static int wait_accept(green_time deadline)
{
    return meet(true, false, deadline);
}

/* Stays until the other side is gone, which may give up before it is done. */
static void *answer(void *arg)
{
    green_stream_t *tls;
    char end;
    int r = shake_hands(&tls, answers_as_server, false, (int)(intptr_t)arg, soon());
    if (r == 0)
        ck_assert_int_le((int)green_stream_read(tls, &end, 1, soon()), 0);
    else
        ck_assert(r == GREEN_ETLS_TRUNCATED || r == -EPIPE || r == -ECONNRESET);
    green_stream_close(tls);
    return NULL;
}

static void let_handshake(void)
{
    struct list *first = list_pop(&silent);
    if (!first)
        return;
    struct silent *peer = CONTAINER_OF(first, struct silent, link);
    ck_assert_int_eq(green_group_spawn(&answering, answer, (void *)(intptr_t)peer->fd), 0);
    peer->fd = -1;
}

static void end_handshakes(void)
{
    ck_assert_int_eq(green_group_join(&answering, soon()), 0);
    green_tls_context_release(client);
    green_tls_context_release(server);
}

/* --- streams ------------------------------------------------------------------------------------------------------ */

static struct pair both;
static green_t *drainer;
static char block[4096];

/* Not over TCP: there a full connection may find room again although nobody reads. */
static void begin_empty(void)
{
    int fds[2];
    green_tls_context_t *c = client_context(), *s = server_context();
    ck_assert_int_eq(green_socketpair(SOCK_STREAM, fds), 0);
    both = connect_pair_over(fds, c, s);
    green_tls_context_release(c);
    green_tls_context_release(s);
}

/* Reads until it is stopped: what is under way in TLS has to go before there is room. */
static void *drain_server(void *arg)
{
    static char taken[4096];
    ssize_t n;
    while ((n = green_stream_read(arg, taken, sizeof taken, GREEN_FOREVER)) > 0)
        ;
    ck_assert(n == 0 || n == -ECANCELED);
    return NULL;
}

static void stop_draining(void)
{
    if (drainer)
        ck_assert_int_eq(green_kill(drainer, soon()), 0);
    green_release(drainer);
    drainer = NULL;
}

static void fill_up(void)
{
    ssize_t n;
    stop_draining();
    while ((n = green_stream_write(both.client.tls, block, sizeof block, GREEN_NOWAIT)) > 0)
        ;
    ck_assert_int_eq((int)n, -EAGAIN);
}

static void begin_full(void)
{
    begin_empty();
    fill_up();
}

static void let_read(void)
{
    ck_assert_int_eq(green_stream_write_all(both.server.tls, "x", 1, NULL, soon()), 0);
}

static void let_write(void)
{
    if (!drainer)
        drainer = spawn(drain_server, both.server.tls);
}

static char byte;

static int wait_read(green_time deadline)
{
    return (int)green_stream_read(both.client.tls, &byte, 1, deadline);
}

static int wait_read_all(green_time deadline)
{
    return green_stream_read_all(both.client.tls, &byte, 1, NULL, deadline);
}

static int wait_write(green_time deadline)
{
    return (int)green_stream_write(both.client.tls, "x", 1, deadline);
}

static int wait_write_all(green_time deadline)
{
    return green_stream_write_all(both.client.tls, "x", 1, NULL, deadline);
}

static int wait_flush(green_time deadline)
{
    return green_tls_flush(both.client.tls, deadline);
}

static int wait_shutdown(green_time deadline)
{
    return green_stream_shutdown(both.client.tls, deadline);
}

static void end_streams(void)
{
    stop_draining();
    close_both(&both);
}

#define SHAKES(call, start, what)                                                                            \
    {                                                                                                        \
        .name = call, .flags = CALL_OWN, .begin = start, .wait = what, .let = let_handshake,                 \
        .end = end_handshakes                                                                                \
    }
#define READS(call, what)                                                                                    \
    {                                                                                                        \
        .name = call, .flags = CALL_ALONE, .begin = begin_empty, .wait = what, .let = let_read,              \
        .end = end_streams                                                                                   \
    }
#define WRITES(call, what)                                                                                   \
    {                                                                                                        \
        .name = call, .flags = CALL_ALONE, .begin = begin_full, .wait = what, .let = let_write,              \
        .again = fill_up, .end = end_streams                                                                 \
    }

static const struct call rows[] = {
    SHAKES("green_tls_connect", begin_connecting, wait_connect),
    SHAKES("green_tls_resume", begin_connecting, wait_resume),
    SHAKES("green_tls_accept", begin_accepting, wait_accept),
    READS("green_stream_read, tls", wait_read),
    READS("green_stream_read_all, tls", wait_read_all),
    WRITES("green_stream_write, tls", wait_write),
    WRITES("green_stream_write_all, tls", wait_write_all),
    WRITES("green_tls_flush", wait_flush),
    {.name = "green_stream_shutdown, tls",
     .flags = CALL_ALONE | CALL_LAST,
     .begin = begin_full,
     .wait = wait_shutdown,
     .let = let_write,
     .end = end_streams},
};

const struct calls calls_tls = CALLS(rows);
