/* Servers: stopping one whose handler does not heed its cancellation, and running one until it is closed. */
#include "generic.h"

static green_server_t *server;
static struct gate gate;
static int client = -1;
static bool busy;

static int handle(green_stream_t *stream, const green_address_t *peer, void *arg)
{
    (void)stream;
    (void)peer;
    (void)arg;
    busy = true;
    green_shield();
    int r = gate_wait(&gate, GREEN_FOREVER);
    green_unshield();
    busy = false;
    return r;
}

static void begin_running(void)
{
    gate_init(&gate);
    ck_assert_int_eq(green_server_new(&server, "127.0.0.1:0", handle, NULL, NULL), 0);
    ck_assert_int_eq(green_server_start(server, soon()), 0);
}

static void until_busy(void)
{
    green_time limit = soon();
    while (!busy) {
        ck_assert_int_lt(green_now(), limit);
        ck_assert_int_eq(green_yield(), 0);
    }
}

static void begin_busy(void)
{
    green_address_t address;
    begin_running();
    ck_assert_int_eq(green_server_address(server, &address), 0);
    client = green_connect(&address, soon());
    ck_assert_int_ge(client, 0);
    until_busy();
}

static void let_handler(void)
{
    gate_open(&gate);
}

static int wait_stop(green_time deadline)
{
    return green_server_stop(server, deadline);
}

static void end_busy(void)
{
    gate_open(&gate);
    ck_assert_int_eq(green_server_stop(server, soon()), 0);
    green_server_free(server);
    ck_assert_int_eq(green_close(client), 0);
}

static int wait_run(green_time deadline)
{
    return green_server_run(server, deadline);
}

static void let_run(void)
{
    green_server_close(server);
}

static void end_running(void)
{
    ck_assert_int_eq(green_server_stop(server, soon()), 0);
    green_server_free(server);
}

/* --- of datagrams ------------------------------------------------------------------------------------------------- */

static green_datagram_server_t *datagrams;

static int handle_datagram(green_datagram_server_t *s, const green_datagram_t *d, void *arg)
{
    (void)s;
    (void)d;
    return handle(NULL, NULL, arg);
}

static void begin_datagrams(void)
{
    gate_init(&gate);
    ck_assert_int_eq(green_datagram_server_new(&datagrams, "127.0.0.1:0", handle_datagram, NULL, NULL), 0);
    ck_assert_int_eq(green_datagram_server_start(datagrams, soon()), 0);
}

static void begin_busy_datagrams(void)
{
    green_address_t address;
    begin_datagrams();
    ck_assert_int_eq(green_datagram_server_address(datagrams, &address), 0);
    client = green_socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_ge(client, 0);
    ck_assert_int_eq((int)green_sendto(client, "x", 1, 0, &address, soon()), 1);
    until_busy();
}

static int wait_datagram_stop(green_time deadline)
{
    return green_datagram_server_stop(datagrams, deadline);
}

static int wait_datagram_run(green_time deadline)
{
    return green_datagram_server_run(datagrams, deadline);
}

static void let_datagram_run(void)
{
    green_datagram_server_close(datagrams);
}

static void end_datagrams(void)
{
    ck_assert_int_eq(green_datagram_server_stop(datagrams, soon()), 0);
    green_datagram_server_free(datagrams);
}

static void end_busy_datagrams(void)
{
    gate_open(&gate);
    end_datagrams();
    ck_assert_int_eq(green_close(client), 0);
}

static const struct call rows[] = {
    {.name = "green_server_stop",
     .flags = CALL_LAST,
     .begin = begin_busy,
     .wait = wait_stop,
     .let = let_handler,
     .end = end_busy},
    {.name = "green_server_run",
     .flags = CALL_LAST,
     .begin = begin_running,
     .wait = wait_run,
     .let = let_run,
     .end = end_running},
    {.name = "green_datagram_server_stop",
     .flags = CALL_LAST,
     .begin = begin_busy_datagrams,
     .wait = wait_datagram_stop,
     .let = let_handler,
     .end = end_busy_datagrams},
    {.name = "green_datagram_server_run",
     .flags = CALL_LAST,
     .begin = begin_datagrams,
     .wait = wait_datagram_run,
     .let = let_datagram_run,
     .end = end_datagrams},
};

const struct calls calls_server = CALLS(rows);
