/* Limits on what is asked of servers at a time, and on those who wait. */
#include "loading.h"

#define LISTENER "[listener l]\nbind = :1\nupstream = u\n"
#define UPSTREAM "[upstream u]\nserver = a:1\n"

START_TEST(defaults)
{
    struct conf *c = load(LISTENER UPSTREAM);
    const struct conf_concurrency *u = &c->upstreams[0].concurrency;

    ck_assert_int_eq(u->max_connections, 0);
    ck_assert_int_eq(u->max_requests, 0);
    ck_assert_int_eq(u->queue_max, 1000);
    ck_assert_int_eq(u->queue_timeout, 5000000000);
    ck_assert_int_eq(u->keepalive_age, 3600000000000);
    ck_assert_int_eq(c->upstreams[0].servers[0].max_connections, 0);
    conf_free(c);
}
END_TEST

START_TEST(values)
{
    struct conf *c =
        load("[timeouts]\nqueue_timeout = 250ms\n" LISTENER "[listener m]\nbind = :2\nupstream = v\n"
             "[upstream u]\nserver = a:1 max_connections=7 backup, b:1\nmax_connections = 100\n"
             "max_requests = 200\nqueue_max = 0\nkeepalive_age = 10m\n[upstream v]\nserver = a:2\n"
             "max_connections = off\nqueue_timeout = 1s\n");
    const struct conf_concurrency *u = &c->upstreams[0].concurrency, *v = &c->upstreams[1].concurrency;

    ck_assert_int_eq(u->max_connections, 100);
    ck_assert_int_eq(u->max_requests, 200);
    ck_assert_int_eq(u->queue_max, 0);
    ck_assert_int_eq(u->queue_timeout, 250000000);
    ck_assert_int_eq(u->keepalive_age, 600000000000);
    ck_assert_int_eq(c->upstreams[0].servers[0].max_connections, 7);
    ck_assert_str_eq(c->upstreams[0].servers[0].written, "a:1 weight=1 backup max_connections=7");
    ck_assert_int_eq(c->upstreams[0].servers[1].max_connections, 0);
    ck_assert_int_eq(v->max_connections, 0);
    ck_assert_int_eq(v->queue_timeout, 1000000000);
    conf_free(c);
}
END_TEST

#define DURATION "a duration from 1ms to 365d, with its unit: ms, s, m, h or d"
#define HEDGE    "off, a duration from 1ms to 10m, or a percentage from 50% to 99%"
#define REFUSED(name, line, word, allowed)                                                                   \
    {                                                                                                        \
        LISTENER UPSTREAM name " = " line "\n",                                                              \
            "t:6: [upstream u] " name ": " word "; allowed: " allowed "\n"                                   \
    }

static const struct {
    const char *text, *findings;
} bad[] = {
    REFUSED("max_connections", "0", "'0' is out of range", "off, or a number from 1 to 10000000"),
    REFUSED("max_requests", "many", "'many' is not understood", "off, or a number from 1 to 10000000"),
    REFUSED("queue_max", "10000001", "'10000001' is out of range", "a number from 0 to 10000000"),
    REFUSED("queue_timeout", "off", "'off' is not understood", DURATION),
    REFUSED("hedge_after", "49%", "'49%' is not a percentage from 50% to 99%", HEDGE),
    REFUSED("hedge_after", "100%", "'100%' is not a percentage from 50% to 99%", HEDGE),
    REFUSED("hedge_after", "95", "'95' is neither a duration nor a percentage", HEDGE),
    REFUSED("hedge_after", "0ms", "'0ms' is neither a duration nor a percentage", HEDGE),
    REFUSED("hedge_after", "11m", "'11m' is neither a duration nor a percentage", HEDGE),
    REFUSED("timeout_tls", "off", "'off' is not understood", DURATION),
    REFUSED("keepalive_age", "366d", "'366d' is out of range", DURATION),
};

START_TEST(hedging)
{
    struct conf *c = load(LISTENER UPSTREAM "hedge_after = 95%\n");

    ck_assert_int_eq(c->upstreams[0].hedge_after.percent, 95);
    ck_assert_int_eq(c->upstreams[0].hedge_after.time, 0);
    conf_free(c);
    c = load(LISTENER UPSTREAM "hedge_after = 1500ms\n");
    ck_assert_int_eq(c->upstreams[0].hedge_after.percent, 0);
    ck_assert_int_eq(c->upstreams[0].hedge_after.time, 1500000000);
    conf_free(c);
    c = load(LISTENER UPSTREAM "hedge_after = off\n");
    ck_assert_int_eq(c->upstreams[0].hedge_after.percent, 0);
    ck_assert_int_eq(c->upstreams[0].hedge_after.time, 0);
    conf_free(c);
}
END_TEST

START_TEST(bad_values)
{
    refuse(bad[_i].text, bad[_i].findings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/concurrency");
    TCase *tests = tcase_create("concurrency");

    tcase_add_test(tests, defaults);
    tcase_add_test(tests, values);
    tcase_add_test(tests, hedging);
    tcase_add_loop_test(tests, bad_values, 0, sizeof(bad) / sizeof(bad[0]));
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
