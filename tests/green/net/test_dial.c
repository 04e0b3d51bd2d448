/* Connecting by name: who wins, in which order, what is said when nobody does, and that nothing is left behind. */
#include "support.h"

#include <sys/resource.h>

#include "name_server.h"
#include "tls_pair.h"

/* --- addresses that answer, refuse, or say nothing ------------------------------------------------------------------------ */

static int listen_on(green_address_t *address, const char *host, int backlog)
{
    ck_assert_int_eq(green_address_parse(address, host, 0), 0);
    int fd = green_listen(address, backlog, 0);
    if (fd >= 0)
        ck_assert_int_eq(green_local_address(fd, address), 0);
    return fd;
}

/* Nobody listens there any more. */
static green_address_t refusing(void)
{
    green_address_t address;
    int fd = listen_on(&address, "127.0.0.1", 1);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_close(fd), 0);
    return address;
}

/* A listener whose queue is full: the system drops what comes, like a firewall. */
struct black_hole {
    green_address_t address;
    int listener, fillers[8], count;
};

static void open_hole(struct black_hole *hole)
{
    hole->listener = listen_on(&hole->address, "127.0.0.1", 0);
    ck_assert_int_ge(hole->listener, 0);
    for (hole->count = 0; hole->count < 8; hole->count++) {
        int fd = green_connect(&hole->address, green_in_ms(100));
        if (fd == -ETIMEDOUT)
            return;
        ck_assert_int_ge(fd, 0);
        hole->fillers[hole->count] = fd;
    }
    ck_abort_msg("the listener's queue is never full");
}

static void close_hole(struct black_hole *hole)
{
    for (int i = 0; i < hole->count; i++)
        ck_assert_int_eq(green_close(hole->fillers[i]), 0);
    ck_assert_int_eq(green_close(hole->listener), 0);
}

/* Connects; the descriptor must be of a connection to `expected`, and the only one that is new. */
static void dial_and_expect(const green_address_t *addresses, size_t count,
                            const green_dial_options_t *options, const green_address_t *expected)
{
    char got[GREEN_ADDRESS_TEXT], wanted[GREEN_ADDRESS_TEXT];
    green_address_t peer;
    int before = open_descriptors();
    int fd = green_dial_addresses(addresses, count, options, soon());
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(open_descriptors(), before + 1);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(green_peer_address(fd, &peer), 0);
    ck_assert_str_eq(green_address_text(&peer, true, got), green_address_text(expected, true, wanted));
    ck_assert_int_eq(green_close(fd), 0);
}

#define NEVER GREEN_S(100000) /* an attempt delay that no test waits for */

START_TEST(the_first_that_answers)
{
    green_address_t good, other, refused = refusing();
    int listener = listen_on(&good, "127.0.0.1", 64), second = listen_on(&other, "127.0.0.1", 64);
    green_dial_options_t patient = {.attempt_delay = NEVER};
    dial_and_expect(&good, 1, NULL, &good);
    dial_and_expect((green_address_t[]){good, other}, 2, &patient, &good);
    /* one that fails does not hold up the next */
    dial_and_expect((green_address_t[]){refused, refused, refused, good, other}, 5, &patient, &good);
    ck_assert_int_eq(green_close(listener), 0);
    ck_assert_int_eq(green_close(second), 0);
}
END_TEST

START_TEST(silence_is_not_waited_for)
{
    struct black_hole hole;
    green_address_t good, refused = refusing();
    open_hole(&hole);
    int listener = listen_on(&good, "127.0.0.1", 64);
    green_dial_options_t hasty = {.attempt_delay = GREEN_MS(20)};
    green_time began = green_now();
    dial_and_expect((green_address_t[]){hole.address, good}, 2, &hasty, &good);
    ck_assert_int_ge(green_now() - began, GREEN_MS(20));
    dial_and_expect((green_address_t[]){hole.address, hole.address, refused, good}, 4, &hasty, &good);
    began = green_now();
    dial_and_expect((green_address_t[]){hole.address, good}, 2, NULL, &good);
    ck_assert_int_ge(green_now() - began, GREEN_MS(250));
    ck_assert_int_eq(green_close(listener), 0);
    close_hole(&hole);
}
END_TEST

/* Families take turns: the other one's address comes second, wherever it stands. */
START_TEST(families_take_turns)
{
    struct black_hole hole;
    green_address_t six, good;
    int listener = listen_on(&six, "::1", 64), four = listen_on(&good, "127.0.0.1", 64);
    if (listener < 0) {
        fprintf(stderr, "skipped: this machine has no IPv6 loopback: %s\n", green_strerror(listener));
        ck_assert_int_eq(green_close(four), 0);
        return;
    }
    open_hole(&hole);
    green_dial_options_t two = {.attempt_delay = GREEN_MS(10), .attempts = 2};
    dial_and_expect((green_address_t[]){hole.address, hole.address, good, six}, 4, &two, &six);
    green_dial_options_t family = {.attempt_delay = NEVER, .family = AF_INET};
    dial_and_expect((green_address_t[]){six, six, good}, 3, &family, &good);
    family.family = AF_INET6;
    dial_and_expect((green_address_t[]){good, good, six}, 3, &family, &six);
    ck_assert_int_eq(green_dial_addresses(&good, 1, &family, soon()), -EAFNOSUPPORT);
    close_hole(&hole);
    ck_assert_int_eq(green_close(listener), 0);
    ck_assert_int_eq(green_close(four), 0);
}
END_TEST

START_TEST(attempts_are_bounded)
{
    struct black_hole hole;
    green_address_t good, many[40];
    open_hole(&hole);
    int listener = listen_on(&good, "127.0.0.1", 64);
    for (size_t i = 0; i < 40; i++)
        many[i] = i == 39 ? good : hole.address;
    green_dial_options_t hasty = {.attempt_delay = GREEN_MS(10)};
    int before = open_descriptors();
    ck_assert_int_eq(green_dial_addresses(many, 40, &hasty, green_in_ms(800)),
                     -ETIMEDOUT); /* never got to the good one */
    ck_assert_int_eq(open_descriptors(), before);
    hasty.attempts = 1;
    ck_assert_int_eq(green_dial_addresses(many + 38, 2, &hasty, green_in_ms(100)), -ETIMEDOUT);
    hasty.attempts = 2;
    dial_and_expect(many + 38, 2, &hasty, &good);
    ck_assert_int_eq(green_close(listener), 0);
    close_hole(&hole);
}
END_TEST

START_TEST(the_error_that_says_most)
{
    green_address_t refused = refusing(), nowhere;
    ck_assert_int_eq(green_address_parse(&nowhere, "/nowhere/at/all", 0), 0);
    green_address_t both[] = {refused, nowhere, refused};
    int before = open_descriptors();
    ck_assert_int_eq(green_dial_addresses(both, 2, NULL, soon()), -ECONNREFUSED);
    ck_assert_int_eq(green_dial_addresses(both + 1, 2, NULL, soon()), -ECONNREFUSED);
    ck_assert_int_eq(green_dial_addresses(both + 1, 1, NULL, soon()), -ENOENT);
    ck_assert_int_eq(green_dial_addresses(both, 0, NULL, soon()), -EINVAL);
    green_dial_options_t wrong = {.attempt_delay = GREEN_MS(10) - 1};
    ck_assert_int_eq(green_dial_addresses(both, 1, &wrong, soon()), -EINVAL);
    wrong = (green_dial_options_t){.family = AF_INET6, .source = &refused};
    ck_assert_int_eq(green_dial_addresses(both, 1, &wrong, soon()), -EINVAL);
    ck_assert_int_eq(open_descriptors(), before);
    struct rlimit limit, less;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    less = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &less), 0);
    int r = green_dial_addresses(both, 3, NULL, soon());
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(r, -EMFILE);
}
END_TEST

START_TEST(from_an_address_of_ones_own)
{
    green_address_t good, source, peer, nobodys;
    char text[GREEN_ADDRESS_TEXT];
    int listener = listen_on(&good, "127.0.0.1", 64);
    ck_assert_int_eq(green_address_parse(&source, "127.0.0.5", 0), 0);
    green_dial_options_t options = {.source = &source};
    int fd = green_dial_addresses(&good, 1, &options, soon());
    ck_assert_int_ge(fd, 0);
    int server = green_accept(listener, &peer, soon());
    ck_assert_str_eq(green_address_text(&peer, false, text), "127.0.0.5");
    ck_assert_int_eq(green_close(server), 0);
    ck_assert_int_eq(green_close(fd), 0);
    ck_assert_int_eq(green_address_parse(&nobodys, "192.0.2.1", 0), 0);
    options.source = &nobodys;
    ck_assert_int_eq(green_dial_addresses(&good, 1, &options, soon()), -EADDRNOTAVAIL);
    ck_assert_int_eq(green_address_parse(&nobodys, "::1", 0), 0);
    ck_assert_int_eq(green_dial_addresses(&good, 1, &options, soon()), -EAFNOSUPPORT);
    ck_assert_int_eq(green_close(listener), 0);
}
END_TEST

/* --- giving up ------------------------------------------------------------------------------------------------------------ */

struct dialling {
    green_address_t addresses[3];
    int result;
};

static void *run_dial(void *arg)
{
    struct dialling *d = arg;
    green_dial_options_t hasty = {.attempt_delay = GREEN_MS(10)};
    d->result = green_dial_addresses(d->addresses, 3, &hasty, GREEN_FOREVER);
    return NULL;
}

/* Case 111: however it is given up, all attempts are closed. */
START_TEST(giving_up)
{
    struct black_hole hole;
    open_hole(&hole);
    struct dialling d = {.addresses = {hole.address, hole.address, hole.address}};
    int before = open_descriptors();
    green_dial_options_t hasty = {.attempt_delay = GREEN_MS(10)};
    green_time deadline = green_in_ms(50);
    ck_assert_int_eq(green_dial_addresses(d.addresses, 3, &hasty, deadline), -ETIMEDOUT);
    ck_assert_int_ge(green_now(), deadline);
    ck_assert_int_eq(green_dial_addresses(d.addresses, 3, &hasty, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(open_descriptors(), before);
    green_timeout_t outer;
    green_timeout_start(&outer, GREEN_MS(30));
    run_dial(&d);
    ck_assert_int_eq(d.result, -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    run_dial(&d);
    ck_assert_int_eq(d.result, -ETIMEDOUT); /* does not even begin */
    green_timeout_stop(&outer);
    ck_assert_int_eq(open_descriptors(), before);
    for (int moment = 0; moment < 2; moment++) {
        green_t *g = spawn(run_dial, &d);
        while (open_descriptors() < before + 1 + 2 * moment) /* one attempt is under way, or all are */
            ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
        ck_assert_int_eq(green_kill(g, soon()), 0);
        green_release(g);
        ck_assert_int_eq(d.result, -ECANCELED);
        ck_assert_int_eq(open_descriptors(), before);
    }
    close_hole(&hole);
}
END_TEST

static void in_the_hub(green_post_t *post)
{
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, "127.0.0.1", 1), 0);
    ck_assert_int_eq(green_dial_addresses(&address, 1, NULL, soon()), -EPERM);
    post->fn = NULL;
}

START_TEST(not_in_the_hub)
{
    green_post_t post = {.fn = in_the_hub};
    green_post(green_hub(), &post);
    while (post.fn)
        yields(1);
}
END_TEST

/* --- by name -------------------------------------------------------------------------------------------------------------- */

static struct name_server *use_name_server(void)
{
    unsetenv("LOCALDOMAIN");
    unsetenv("RES_OPTIONS");
    struct name_server *server = name_server_start();
    ck_assert_int_eq(green_dns_servers(name_server_address(server)), 0);
    return server;
}

/* Closing the hub is what closes the resolver's sockets to it. */
static void stop_name_server(struct name_server *server)
{
    ck_assert_int_eq(green_hub_close(), 0);
    name_server_stop(server);
}

/* The name has an address of each family, and only one of them is listened on. */
START_TEST(by_name)
{
    struct name_server *server = use_name_server();
    green_address_t address;
    green_stream_t *s;
    int listener = listen_on(&address, _i ? "::1" : "127.0.0.1", 64);
    if (_i && listener < 0)
        fprintf(stderr, "skipped: this machine has no IPv6 loopback: %s\n", green_strerror(listener));
    if (listener >= 0) {
        ck_assert_int_eq(green_tcp_connect(&s, "loopback.test", green_address_port(&address), soon()), 0);
        ck_assert_str_eq(s->type->name, "tcp");
        int fd = green_accept(listener, NULL, soon());
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(green_stream_write_all(s, "hello", 5, NULL, soon()), 0);
        char text[8];
        ck_assert_int_eq(green_read(fd, text, sizeof text, soon()), 5);
        ck_assert_int_eq(green_close(fd), 0);
        ck_assert_int_eq(green_stream_close(s), 0);
        ck_assert_int_eq(green_close(listener), 0);
        ck_assert_int_eq(green_tcp_connect(&s, "loopback.test", green_address_port(&address), soon()),
                         -ECONNREFUSED);
        ck_assert_ptr_null(s);
    }
    stop_name_server(server);
}
END_TEST

static void *dial_silent(void *arg)
{
    green_stream_t *s;
    return (void *)(intptr_t)green_tcp_connect(&s, arg, 80, GREEN_FOREVER);
}

START_TEST(names_that_lead_nowhere)
{
    struct name_server *server = use_name_server();
    green_stream_t *s = (green_stream_t *)1;
    ck_assert_int_eq(green_tcp_connect(&s, "missing.test", 80, soon()), GREEN_EAI_NONAME);
    ck_assert_ptr_null(s);
    green_time deadline = green_in_ms(30);
    ck_assert_int_eq(green_tcp_connect(&s, "silent.test", 80, deadline),
                     -ETIMEDOUT); /* the deadline is for this too */
    ck_assert_int_ge(green_now(), deadline);
    green_t *g = spawn(dial_silent, "silent-2.test");
    yields(2);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    ck_assert_int_eq(green_tcp_connect(&s, "127.0.0.1", 65536, soon()), -EINVAL);
    ck_assert_int_gt(name_server_count(server, "silent.test"), 0);
    name_server_release(server);
    stop_name_server(server);
}
END_TEST

/* --- by where ------------------------------------------------------------------------------------------------------------- */

static void dial_unix(const char *form, const char *path, int listener)
{
    char where[128];
    green_stream_t *s;
    snprintf(where, sizeof where, form, path);
    ck_assert_int_eq(green_dial(&s, where, NULL, soon()), 0);
    ck_assert_str_eq(s->type->name, "unix");
    int fd = green_accept(listener, NULL, soon());
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_close(fd), 0);
    ck_assert_int_eq(green_stream_close(s), 0);
}

START_TEST(forms_of_where)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    char where[128], path[] = "/tmp/green-dial-XXXXXX", name[64];
    green_address_t address;
    green_stream_t *s;
    for (int i = 0; i < 2; i++) {
        int listener = listen_on(&address, hosts[i], 16);
        if (listener < 0)
            continue; /* no IPv6 */
        snprintf(where, sizeof where, i ? "tcp://[%s]:%d" : "tcp://%s:%d", hosts[i],
                 green_address_port(&address));
        ck_assert_int_eq(green_dial(&s, where, NULL, soon()), 0);
        ck_assert_int_eq(green_stream_close(s), 0);
        ck_assert_int_eq(green_close(listener), 0);
        ck_assert_int_eq(green_dial(&s, where, NULL, soon()), -ECONNREFUSED);
        ck_assert_ptr_null(s);
    }
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(name, sizeof name, "%s/s", path);
    int listener = listen_on(&address, name, 16);
    ck_assert_int_ge(listener, 0);
    dial_unix("unix:%s", name, listener);
    dial_unix("unix://%s", name, listener);
    ck_assert_int_eq(green_close(listener), 0);
    unlink(name);
    rmdir(path);
    ck_assert_int_eq(green_unix_connect(&s, name, soon()), -ENOENT);
}
END_TEST

static const struct {
    const char *where;
    int result;
} not_where[] = {
    {"", -EINVAL},
    {"127.0.0.1", -EINVAL},
    {"127.0.0.1:80", -EPROTONOSUPPORT},
    {"udp://127.0.0.1:80", -EPROTONOSUPPORT},
    {"tcp:127.0.0.1:80", -EPROTONOSUPPORT},
    {"tcp://", -EINVAL},
    {"tcp://127.0.0.1", -EINVAL},
    {"tcp://127.0.0.1:", -EINVAL},
    {"tcp://:80", -EINVAL},
    {"tcp://127.0.0.1:0", -EINVAL},
    {"tcp://127.0.0.1:65536", -EINVAL},
    {"tcp://127.0.0.1:99999999999999999999", -EINVAL},
    {"tcp://127.0.0.1:+80", -EINVAL},
    {"tcp://127.0.0.1:-80", -EINVAL},
    {"tcp://127.0.0.1: 80", -EINVAL},
    {"tcp://127.0.0.1:80/", -EINVAL},
    {"tcp://::1:80", -EINVAL},
    {"tcp://[::1:80", -EINVAL},
    {"tcp://[::1]80", -EINVAL},
    {"tcp://[]:80", -EINVAL},
    {"tcp://[:80", -EINVAL},
    {"tcp://no such name:80", GREEN_EAI_BADNAME},
    {"unix:", -EINVAL},
    {"unix:relative", -EINVAL},
    {"unix://relative", -EINVAL},
};

START_TEST(what_is_not_where)
{
    green_stream_t *s = (green_stream_t *)1;
    ck_assert_int_eq(green_dial(&s, not_where[_i].where, NULL, soon()), not_where[_i].result);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(hosts_and_paths_too_long)
{
    char where[512];
    green_stream_t *s;
    for (int n = 250; n < 300; n++) {
        snprintf(where, sizeof where, "tcp://%0*d:80", n, 0);
        ck_assert_int_lt(green_dial(&s, where, NULL, soon()), 0);
        snprintf(where, sizeof where, "unix:/%0*d", n, 0);
        ck_assert_int_eq(green_dial(&s, where, NULL, soon()), -EINVAL);
    }
}
END_TEST

static void *serve_tls(void *arg)
{
    green_tls_context_t *context = server_context();
    green_stream_t *s;
    int fd = green_accept(*(int *)arg, NULL, soon());
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_tls_accept(&s, context, stream_over(fd), soon()), 0);
    ck_assert_int_eq(green_stream_write_all(s, "over tls", 8, NULL, soon()), 0);
    ck_assert_int_eq(green_stream_shutdown(s, soon()), 0);
    ck_assert_int_eq(green_stream_close(s), 0);
    green_tls_context_release(context);
    return NULL;
}

static void *serve_nonsense(void *arg)
{
    int fd = green_accept(*(int *)arg, NULL, soon());
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_write_all(fd, "220 ready when you are\r\n", 24, NULL, soon()), 0);
    char block[512]; /* until the client has gone: closing at once could overtake the text by a reset */
    while (green_read(fd, block, sizeof block, soon()) > 0)
        ;
    ck_assert_int_eq(green_close(fd), 0);
    return NULL;
}

START_TEST(with_tls)
{
    green_address_t address;
    char where[64], text[16];
    green_stream_t *s;
    int listener = listen_on(&address, "127.0.0.1", 16);
    green_tls_context_t *context = client_context();
    green_dial_options_t options = {.tls = context};
    snprintf(where, sizeof where, "tls://127.0.0.1:%d", green_address_port(&address));
    green_t *g = spawn(serve_tls, &listener);
    ck_assert_int_eq(green_dial(&s, where, &options, soon()), 0);
    ck_assert(green_stream_is_tls(s));
    ck_assert_int_eq(green_stream_read_all(s, text, 8, NULL, soon()), 0);
    ck_assert_mem_eq(text, "over tls", 8);
    ck_assert_int_eq(green_stream_close(s), 0);
    finish(g);
    g = spawn(serve_nonsense, &listener);
    int before = open_descriptors();
    ck_assert_int_eq(green_dial(&s, where, &options, soon()), GREEN_ETLS_PLAINTEXT);
    ck_assert_ptr_null(s);
    finish(g);
    ck_assert_int_eq(open_descriptors(), before);
    green_tls_context_release(context);
    ck_assert_int_eq(green_close(listener), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {the_first_that_answers, 0},
        {silence_is_not_waited_for, 0},
        {families_take_turns, 0},
        {attempts_are_bounded, 0},
        {the_error_that_says_most, 0},
        {from_an_address_of_ones_own, 0},
        {giving_up, 0},
        {not_in_the_hub, 0},
        {by_name, 2},
        {names_that_lead_nowhere, 0},
        {forms_of_where, 0},
        {what_is_not_where, sizeof not_where / sizeof not_where[0]},
        {hosts_and_paths_too_long, 0},
        {with_tls, 0},
    };
    return RUN_TESTS("dial", tests);
}
