/* The resolver, against a name server of our own (name_server.h). */
#include <green.h>

#include <check.h>
#include <uv.h>

#include "name_server.h"
#include "net/dns_cache.h"

static struct name_server *server;

static void setup(void)
{
    unsetenv("LOCALDOMAIN");
    unsetenv("RES_OPTIONS");
    server = name_server_start();
    ck_assert_int_eq(green_dns_servers(name_server_address(server)), 0);
}

static void teardown(void)
{
    ck_assert_int_eq(green_hub_close(), 0);
    name_server_stop(server);
}

static green_time
soon(void) /* long enough for a slow machine, short enough to fail before the test's own timeout */
{
    return green_in_ms(20000);
}

static int resolve(const char *host, int family, green_dns_answer_t **out)
{
    return green_resolve(host, 80, family, out, soon());
}

static green_dns_answer_t *found(const char *host, int family)
{
    green_dns_answer_t *answer;
    ck_assert_int_eq(resolve(host, family, &answer), 0);
    ck_assert_ptr_nonnull(answer);
    ck_assert_uint_ge(answer->count, 1);
    return answer;
}

static int failure(const char *host, int family)
{
    green_dns_answer_t *answer;
    int r = resolve(host, family, &answer);
    ck_assert_ptr_null(answer);
    return r;
}

static void release_found(const char *host, int family)
{
    green_dns_release(found(host, family));
}

static void assert_address(const green_address_t *address, const char *text)
{
    char written[GREEN_ADDRESS_TEXT];
    ck_assert_str_eq(green_address_text(address, true, written), text);
}

static bool contains(const green_dns_answer_t *answer, const char *text)
{
    char written[GREEN_ADDRESS_TEXT];
    for (size_t i = 0; i < answer->count; i++)
        if (strcmp(green_address_text(&answer->addresses[i], true, written), text) == 0)
            return true;
    return false;
}

/* A greenlet that resolves; the fields below `deadline` are its result. */
struct task {
    const char *host;
    int port;
    green_time deadline;
    int result;
    green_dns_answer_t *answer;
};

static void *run_task(void *arg)
{
    struct task *t = arg;
    t->result = green_resolve(t->host, t->port, AF_INET, &t->answer, t->deadline);
    return NULL;
}

static green_t *start(struct task *t, const char *host, int port, green_time deadline)
{
    *t = (struct task){.host = host, .port = port, .deadline = deadline, .result = 1};
    green_t *g = green_spawn(run_task, t);
    ck_assert_ptr_nonnull(g);
    return g;
}

static void finish(green_t *g)
{
    ck_assert_int_eq(green_join(g, soon()), 0);
    green_release(g);
}

/* --- without a query --- */

START_TEST(numeric_names_cost_no_query)
{
    static const struct {
        const char *host;
        int family;
        const char *text;
    } rows[] = {{"192.0.2.1", AF_UNSPEC, "192.0.2.1:80"},
                {"192.0.2.1", AF_INET, "192.0.2.1:80"},
                {"2001:db8::1", AF_UNSPEC, "[2001:db8::1]:80"},
                {"2001:DB8::1", AF_INET6, "[2001:db8::1]:80"},
                {"[::1]", AF_INET6, "[::1]:80"},
                {"::ffff:192.0.2.1", AF_INET6, "[::ffff:192.0.2.1]:80"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        green_dns_answer_t *answer = found(rows[i].host, rows[i].family);
        ck_assert_uint_eq(answer->count, 1);
        ck_assert(answer->expires == GREEN_FOREVER);
        assert_address(&answer->addresses[0], rows[i].text);
        green_dns_release(answer);
    }
    green_dns_answer_t *zone = found("fe80::1%1", AF_UNSPEC);
    ck_assert_uint_eq(zone->addresses[0].in6.sin6_scope_id, 1);
    green_dns_release(zone);
    ck_assert_int_eq(failure("192.0.2.1", AF_INET6), GREEN_EAI_NODATA);
    ck_assert_int_eq(failure("::1", AF_INET), GREEN_EAI_NODATA);
    ck_assert_int_eq(name_server_count(server, NULL), 0);
}
END_TEST

START_TEST(bad_names_make_no_query)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        ".test",
        "a..test",
        "test..",
        "a b.test",
        "a/b",
        "/run/socket",
        "a:80",
        "a@b",
        "a\\b",
        "a\tb",
        "a\nb",
        "[one.test]",
        "[127.0.0.1]",
        "fe80::1%nosuchzone",
        "127.1",
        "1.2.3.4.",
        "1.2.3.256",
        "0x7f000001",
        "0x7F.1",
        "2130706433",
        "one.test.0",
        "b\303\274cher.test",
        "a*b",
        "*.test",
        "a%00b",
        "a\"b",
        "a;b",
        "0123456789012345678901234567890123456789012345678901234567890123.test" /* a label of 64 */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(failure(bad[i], AF_UNSPEC) == GREEN_EAI_BADNAME, "\"%s\"", bad[i]);
    ck_assert_int_eq(name_server_count(server, NULL), 0);
}
END_TEST

START_TEST(name_length_is_limited_to_253)
{
    char name[300];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 50 == 49 ? '.' : 'a';
    memcpy(name + 243, "a.missing.", 10);
    name[252] = 'g';
    name[253] = 0;
    ck_assert_int_eq(failure(name, AF_INET), GREEN_EAI_NONAME);
    strcpy(name + 253, ".");
    ck_assert_int_eq(failure(name, AF_INET), GREEN_EAI_NONAME);
    ck_assert_int_eq(name_server_count(server, NULL), 2);
    strcpy(name + 253, "g");
    ck_assert_int_eq(failure(name, AF_INET), GREEN_EAI_BADNAME);
    strcpy(name + 253, "..");
    ck_assert_int_eq(failure(name, AF_INET), GREEN_EAI_BADNAME);
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = 0;
    ck_assert_int_eq(failure(name, AF_INET), GREEN_EAI_BADNAME);
    ck_assert_int_eq(name_server_count(server, NULL), 2);
}
END_TEST

START_TEST(bad_arguments)
{
    green_dns_answer_t *answer;
    ck_assert_int_eq(green_resolve("one.test", -1, AF_INET, &answer, soon()), -EINVAL);
    ck_assert_int_eq(green_resolve("one.test", 65536, AF_INET, &answer, soon()), -EINVAL);
    ck_assert_int_eq(green_resolve("one.test", 80, AF_UNIX, &answer, soon()), -EINVAL);
    green_dns_release(NULL);
    static const char *const bad[] = {
        "",           "localhost",    "127.0.0.1:",  "127.0.0.1:0", "127.0.0.1:65536",
        "127.0.0.1,", "127.0.0.1:5x", "[::1",        ":53",         "/run/socket",
        "fe80::1%1",  "127.0.0.1:-1", "127.0.0.1 5", "[::1]x",      "[::1]:"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(green_dns_servers(bad[i]) == -EINVAL, "\"%s\"", bad[i]);
    release_found("one.test", AF_INET); /* refused lists change nothing */
}
END_TEST

START_TEST(localhost_comes_from_the_hosts_file)
{
    green_dns_answer_t *answer = found("localhost", AF_INET);
    ck_assert(contains(answer, "127.0.0.1:80"));
    ck_assert(answer->expires <= green_in_ms(1000));
    green_dns_release(answer);
    release_found("LOCALHOST", AF_UNSPEC);
    ck_assert_int_eq(name_server_count(server, NULL), 0);
}
END_TEST

/* --- answers
 * ----------------------------------------------------------------------------------------------------------
 */

START_TEST(both_families_or_one)
{
    green_dns_answer_t *answer = found("one.test", AF_UNSPEC);
    ck_assert_uint_eq(answer->count, 2);
    ck_assert(contains(answer, "192.0.2.1:80"));
    ck_assert(contains(answer, "[2001:db8::1]:80"));
    green_dns_release(answer);
    ck_assert_int_eq(name_server_count(server, "one.test"), 2);

    answer = found("one.test", AF_INET);
    ck_assert_uint_eq(answer->count, 1);
    assert_address(&answer->addresses[0], "192.0.2.1:80");
    ck_assert_uint_eq(answer->addresses[0].length, sizeof(struct sockaddr_in));
    green_dns_release(answer);

    answer = found("one.test", AF_INET6);
    ck_assert_uint_eq(answer->count, 1);
    assert_address(&answer->addresses[0], "[2001:db8::1]:80");
    ck_assert_uint_eq(answer->addresses[0].length, sizeof(struct sockaddr_in6));
    green_dns_release(answer);
    ck_assert_int_eq(name_server_count(server, "one.test"), 4);
}
END_TEST

START_TEST(one_family_is_enough)
{
    green_dns_answer_t *answer = found("four.test", AF_UNSPEC);
    ck_assert_uint_eq(answer->count, 1);
    green_dns_release(answer);
    answer = found("six.test", AF_UNSPEC); /* and its A query gets NXDOMAIN, as broken servers do */
    assert_address(&answer->addresses[0], "[2001:db8::6]:80");
    green_dns_release(answer);
}
END_TEST

START_TEST(aliases_are_followed_and_the_shortest_ttl_counts)
{
    green_time before = green_now();
    green_dns_answer_t *answer = found("chain.test", AF_INET);
    assert_address(&answer->addresses[0], "192.0.2.7:80");
    ck_assert(answer->expires >= before + GREEN_S(20));
    ck_assert(answer->expires <= green_in(GREEN_S(20)));
    green_dns_release(answer);
    ck_assert_int_eq(failure("alias-only.test", AF_INET), GREEN_EAI_NODATA);
}
END_TEST

START_TEST(ttl_is_clamped)
{
    static const struct {
        const char *host;
        int64_t ttl;
    } rows[] = {{"ttl0.test", 1},
                {"ttl1.test", 1},
                {"ttl60.test", 60},
                {"ttl2147483647.test", 86400},
                {"ttl4294967295.test", 1} /* RFC 2181: the top bit set means 0 */};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        green_time before = green_now();
        green_dns_answer_t *answer = found(rows[i].host, AF_INET);
        ck_assert(answer->expires >= before + GREEN_S(rows[i].ttl));
        ck_assert(answer->expires <= green_in(GREEN_S(rows[i].ttl)));
        green_dns_release(answer);
    }
}
END_TEST

START_TEST(truncated_answers_come_over_tcp)
{
    green_dns_answer_t *answer = found("big.test", AF_INET);
    ck_assert_uint_eq(answer->count, DNS_ADDRESSES_MAX); /* of 200 */
    ck_assert(contains(answer, "198.51.100.0:80"));
    green_dns_release(answer);
    ck_assert_int_eq(name_server_count(server, "big.test"), 2);
}
END_TEST

START_TEST(search_domains)
{
    setenv("LOCALDOMAIN", "search.test", 1);
    ck_assert_int_eq(green_dns_servers(name_server_address(server)), 0); /* a new channel reads it */
    release_found("short", AF_INET);
    ck_assert_int_eq(name_server_count(server, "short.search.test"), 1);
    ck_assert_int_eq(failure("missing.", AF_INET), GREEN_EAI_NONAME); /* a final dot: no search */
    ck_assert_int_eq(name_server_count(server, NULL), 2);
}
END_TEST

/* --- failures
 * ---------------------------------------------------------------------------------------------------------
 */

START_TEST(failures_are_told_apart)
{
    ck_assert_int_eq(failure("missing.test", AF_UNSPEC), GREEN_EAI_NONAME);
    ck_assert_int_eq(failure("missing_under-score.test", AF_INET6), GREEN_EAI_NONAME);
    ck_assert_int_eq(failure("empty.test", AF_UNSPEC), GREEN_EAI_NODATA);
    ck_assert_int_eq(failure("four.test", AF_INET6), GREEN_EAI_NODATA);
    ck_assert_int_eq(failure("broken.test", AF_UNSPEC), GREEN_EAI_AGAIN);
    int refused = failure("refused.test", AF_UNSPEC); /* c-ares 1.18 does not say which */
    ck_assert(refused == GREEN_EAI_AGAIN || refused == GREEN_EAI_FAIL);
}
END_TEST

START_TEST(broken_packets_are_no_answer)
{
    static const char *const names_of_them[] = {"loop.test", "garbage.test", "short-record.test"};
    for (size_t i = 0; i < 3; i++) {
        int r = failure(names_of_them[i], AF_INET);
        ck_assert_msg(r == GREEN_EAI_FAIL || r == GREEN_EAI_AGAIN, "%s: %d", names_of_them[i], r);
    }
    release_found("one.test", AF_INET);
}
END_TEST

START_TEST(what_is_no_answer_to_the_query_is_ignored)
{
    green_dns_answer_t *answer;
    ck_assert_int_eq(green_resolve("another-id.test", 80, AF_INET, &answer, green_in_ms(200)), -ETIMEDOUT);
    ck_assert_int_eq(green_resolve("noise.test", 80, AF_INET, &answer, green_in_ms(200)), -ETIMEDOUT);
    release_found("one.test", AF_INET);
}
END_TEST

START_TEST(silence_ends_by_the_deadline_or_by_the_tries)
{
    green_dns_answer_t *answer;
    green_time begin = green_now();
    ck_assert_int_eq(green_resolve("silent.test", 80, AF_INET, &answer, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_resolve("silent.test", 80, AF_INET, &answer, green_in_ms(50)), -ETIMEDOUT);
    ck_assert(green_now() - begin >= GREEN_MS(50));
    ck_assert_int_eq(green_resolve("silent.test", 80, AF_INET, &answer, GREEN_FOREVER), GREEN_EAI_AGAIN);
    ck_assert(green_now() - begin >= GREEN_S(4)); /* 2 s, then 2 s or more for the second try */
    ck_assert_int_eq(name_server_count(server, "silent.test"), 2);
}
END_TEST

START_TEST(no_server_there)
{
    green_address_t nobody;
    char text[GREEN_ADDRESS_TEXT];
    ck_assert_int_eq(green_address_parse(&nobody, "127.0.0.1", 0), 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* bound, so that nobody else takes the number; */
    ck_assert_int_eq(bind(fd, &nobody.any, nobody.length), 0);
    ck_assert_int_eq(connect(fd, &nobody.any, nobody.length),
                     0); /* connected elsewhere, so that it takes nothing */
    ck_assert_int_eq(green_local_address(fd, &nobody), 0);
    ck_assert_int_eq(green_dns_servers(green_address_text(&nobody, true, text)), 0);
    ck_assert_int_eq(failure("one.test", AF_UNSPEC), GREEN_EAI_AGAIN);
    close(fd);
}
END_TEST

START_TEST(failures_are_remembered_for_a_moment)
{
    green_time begin = green_now();
    ck_assert_int_eq(failure("missing.test", AF_INET), GREEN_EAI_NONAME);
    ck_assert_int_eq(failure("missing.test", AF_INET), GREEN_EAI_NONAME);
    if (green_now() - begin < GREEN_S(1))
        ck_assert_int_eq(name_server_count(server, "missing.test"), 1);
    int so_far = name_server_count(server, "missing.test");
    green_sleep(GREEN_MS(1001)); /* it must have expired by then */
    ck_assert_int_eq(failure("missing.test", AF_INET), GREEN_EAI_NONAME);
    ck_assert_int_eq(name_server_count(server, "missing.test"), so_far + 1);
}
END_TEST

/* --- merging and caching --- */

#define CROWD 100

START_TEST(a_crowd_shares_one_query)
{
    struct task tasks[CROWD];
    green_t *greenlets[CROWD];
    for (int i = 0; i < CROWD; i++)
        greenlets[i] = start(&tasks[i], i % 3 ? "held.test" : "HELD.test", 80 + i % 2, soon());
    ck_assert_int_eq(green_yield(), 0); /* each has run until it waits */
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_eq(green_state(greenlets[i]), GREEN_WAITING);
    name_server_release(server);
    for (int i = 0; i < CROWD; i++) {
        finish(greenlets[i]);
        ck_assert_int_eq(tasks[i].result, 0);
        assert_address(&tasks[i].answer->addresses[0], i % 2 ? "192.0.2.4:81" : "192.0.2.4:80");
        ck_assert(i % 2 || tasks[i].answer == tasks[0].answer); /* the same port: the same object */
    }
    for (int i = 0; i < CROWD; i++)
        green_dns_release(tasks[i].answer);
    ck_assert_int_eq(name_server_count(server, "held.test"), 1);
}
END_TEST

START_TEST(a_crowd_shares_one_failure)
{
    struct task tasks[CROWD];
    green_t *greenlets[CROWD];
    for (int i = 0; i < CROWD; i++)
        greenlets[i] = start(&tasks[i], "missing.test", 80, soon());
    for (int i = 0; i < CROWD; i++) {
        finish(greenlets[i]);
        ck_assert_int_eq(tasks[i].result, GREEN_EAI_NONAME);
    }
    ck_assert_int_eq(name_server_count(server, "missing.test"), 1);
}
END_TEST

START_TEST(answers_are_kept)
{
    green_dns_answer_t *first = found("one.test", AF_INET);
    green_dns_answer_t *again = found("One.TEST", AF_INET);
    ck_assert_ptr_eq(first, again);
    green_dns_answer_t *other;
    ck_assert_int_eq(green_resolve("one.test", 443, AF_INET, &other, GREEN_NOWAIT), 0);
    assert_address(&other->addresses[0], "192.0.2.1:443");
    assert_address(&first->addresses[0], "192.0.2.1:80");
    ck_assert(other->expires == first->expires);
    green_dns_release(first);
    green_dns_release(again);
    green_dns_release(other);
    ck_assert_int_eq(name_server_count(server, "one.test"), 1);
}
END_TEST

START_TEST(answers_expire)
{
    green_dns_answer_t *first = found("ttl1.test", AF_INET);
    green_sleep_until(first->expires);
    green_dns_answer_t *second = found("ttl1.test", AF_INET);
    ck_assert_ptr_ne(first, second);
    ck_assert(second->expires > first->expires);
    assert_address(&first->addresses[0], "192.0.2.9:80"); /* ours as long as we hold it */
    green_dns_release(first);
    green_dns_release(second);
    ck_assert_int_eq(name_server_count(server, "ttl1.test"), 2);
}
END_TEST

START_TEST(the_cache_is_bounded)
{
    char name[32];
    for (int i = 0; i <= DNS_CACHE_MAX; i++) {
        snprintf(name, sizeof name, "number%d.test", i);
        release_found(name, AF_INET);
        if (i == DNS_CACHE_MAX / 2)
            release_found("number0.test", AF_INET); /* used again: no longer the oldest */
    }
    ck_assert_int_eq(name_server_count(server, NULL), DNS_CACHE_MAX + 1);
    release_found("number0.test", AF_INET);
    release_found(name, AF_INET);
    ck_assert_int_eq(name_server_count(server, NULL), DNS_CACHE_MAX + 1);
    release_found("number1.test", AF_INET); /* had to go */
    ck_assert_int_eq(name_server_count(server, NULL), DNS_CACHE_MAX + 2);
}
END_TEST

/* --- giving up
 * ----------------------------------------------------------------------------------------------------------
 */

START_TEST(a_waiter_leaves_and_the_others_stay)
{
    struct task tasks[4];
    green_t *stays = start(&tasks[0], "held.test", 80, soon());
    green_t *cancelled = start(&tasks[1], "held.test", 80, soon());
    green_t *late = start(&tasks[2], "held.test", 80, green_in_ms(10));
    green_t *impatient = start(&tasks[3], "held.test", 80, GREEN_NOWAIT);
    green_yield();
    ck_assert_int_eq(green_kill(cancelled, soon()), 0);
    ck_assert_int_eq(tasks[1].result, -ECANCELED);
    finish(late);
    ck_assert_int_eq(tasks[2].result, -ETIMEDOUT);
    finish(impatient);
    ck_assert_int_eq(tasks[3].result, -EAGAIN);
    ck_assert_int_eq(green_state(stays), GREEN_WAITING);
    name_server_release(server);
    finish(stays);
    ck_assert_int_eq(tasks[0].result, 0);
    green_dns_release(tasks[0].answer);
    green_release(cancelled);
    ck_assert_int_eq(name_server_count(server, "held.test"), 1);
}
END_TEST

START_TEST(the_first_waiter_may_leave)
{
    struct task tasks[2];
    green_t *first = start(&tasks[0], "held.test", 80, soon()),
            *second = start(&tasks[1], "held.test", 443, soon());
    green_yield();
    ck_assert_int_eq(green_kill(first, soon()), 0);
    name_server_release(server);
    finish(second);
    ck_assert_int_eq(tasks[1].result, 0);
    assert_address(&tasks[1].answer->addresses[0], "192.0.2.4:443");
    green_dns_release(tasks[1].answer);
    green_release(first);
    ck_assert_int_eq(name_server_count(server, "held.test"), 1);
}
END_TEST

START_TEST(a_query_that_everybody_left_still_fills_the_cache)
{
    struct task task;
    green_t *g = start(&task, "held.test", 80, soon());
    green_yield();
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    name_server_release(server);
    green_dns_answer_t *answer = NULL;
    for (green_time deadline = soon(); green_now() < deadline && !answer;)
        if (green_resolve("held.test", 80, AF_INET, &answer, GREEN_NOWAIT) < 0)
            green_sleep(GREEN_MS(1));
    ck_assert_ptr_nonnull(answer);
    green_dns_release(answer);
    ck_assert_int_eq(name_server_count(server, "held.test"), 1);
}
END_TEST

START_TEST(a_scoped_timeout_ends_the_wait)
{
    green_dns_answer_t *answer;
    green_timeout_t t;
    green_timeout_start(&t, GREEN_MS(10));
    ck_assert_int_eq(green_resolve("silent.test", 80, AF_INET, &answer, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&t));
    ck_assert_int_eq(green_resolve("192.0.2.1", 80, AF_INET, &answer, soon()),
                     -ETIMEDOUT); /* still inside it */
    green_timeout_stop(&t);
    release_found("one.test", AF_INET);
}
END_TEST

/* --- the channel
 * ------------------------------------------------------------------------------------------------------------
 */

START_TEST(other_servers_forget_the_old_answers)
{
    release_found("one.test", AF_INET);
    struct task task;
    green_t *g = start(&task, "held.test", 80, soon());
    green_yield(); /* its query is with the old server */
    struct name_server *second = name_server_start();
    char csv[64];
    snprintf(csv, sizeof csv, " %s , [::1]:1", name_server_address(second));
    ck_assert_int_eq(green_dns_servers(csv), 0);
    release_found("one.test", AF_INET);
    ck_assert_int_eq(name_server_count(second, "one.test"), 1);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    name_server_release(server);
    finish(g); /* gets what it asked for, */
    ck_assert_int_eq(task.result, 0);
    green_dns_release(task.answer);
    name_server_release(second);
    release_found("held.test", AF_INET); /* but later ones ask the new server */
    ck_assert_int_eq(name_server_count(second, "held.test"), 1);
    ck_assert_int_eq(green_dns_servers(NULL), 0);
    release_found("localhost", AF_INET);
    name_server_stop(second);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    char fresh[64];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(rename(fresh, path), 0);
}

START_TEST(changes_of_resolv_conf_are_noticed)
{
    char path[] = "/tmp/test_dns_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_file(path, "search before.test\n");
    ck_assert_int_eq(green__dns_resolv_conf(path), 0);
    release_found("short", AF_INET);
    ck_assert_int_eq(name_server_count(server, "short.before.test"), 1);
    write_file(path, "search afterwards.test\n");
    struct task task;
    green_t *g = start(&task, "held", 80, soon()); /* a query that the change overtakes */
    green_yield();
    green_sleep(GREEN_MS(1001)); /* it is looked at once a second */
    release_found("four", AF_INET);
    ck_assert_int_eq(name_server_count(server, "four.afterwards.test"), 1);
    ck_assert_int_eq(name_server_count(server, "four.before.test"), 0);
    name_server_release(server);
    finish(g);
    ck_assert_int_eq(task.result, 0);
    green_dns_release(task.answer);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(nothing_stays_active_after_the_last_query)
{
    release_found("one.test", AF_UNSPEC);
    release_found("big.test", AF_INET);
    green_sleep(GREEN_MS(1)); /* a turn of the loop, for handles that are closing */
    ck_assert_int_eq(uv_loop_alive(green_uv_loop()), 0);
    green_park_t never = GREEN_PARK_INIT;
    ck_assert_int_eq(green_park(&never, GREEN_FOREVER), -EDEADLK);
}
END_TEST

START_TEST(a_hub_closes_with_queries_on_their_way)
{
    green_dns_answer_t *answer;
    ck_assert_int_eq(green_resolve("silent.test", 80, AF_UNSPEC, &answer, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_resolve("held.test", 80, AF_UNSPEC, &answer, green_in_ms(5)), -ETIMEDOUT);
    ck_assert_int_eq(green_dns_servers("127.0.0.1:9"), 0); /* the channel with these queries is an old one */
    ck_assert_int_eq(green_resolve("one.test", 80, AF_UNSPEC, &answer, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_hub_close(), 0);
    ck_assert_int_eq(green_dns_servers(name_server_address(server)),
                     0); /* and a new hub knows nothing of it */
    release_found("one.test", AF_INET);
}
END_TEST

struct attempt {
    uv_timer_t timer;
    green_park_t done;
    int numeric, cached, unknown;
};

static void resolve_in_the_hub(uv_timer_t *timer)
{
    struct attempt *a = timer->data;
    green_dns_answer_t *answer;
    a->numeric = green_resolve("192.0.2.1", 80, AF_INET, &answer, GREEN_FOREVER);
    green_dns_release(answer);
    a->cached = green_resolve("one.test", 80, AF_INET, &answer, GREEN_FOREVER);
    green_dns_release(answer);
    a->unknown = green_resolve("four.test", 80, AF_INET, &answer, GREEN_FOREVER);
    green_wake(&a->done, 0);
}

START_TEST(the_hub_itself_cannot_wait)
{
    static struct attempt a; /* static: the handle must stay until the hub has closed */
    release_found("one.test", AF_INET);
    a.timer.data = &a;
    uv_timer_init(green_uv_loop(), &a.timer);
    uv_timer_start(&a.timer, resolve_in_the_hub, 0, 0);
    ck_assert_int_eq(green_park(&a.done, soon()), 0);
    ck_assert_int_eq(a.numeric, 0);
    ck_assert_int_eq(a.cached, 0);
    ck_assert_int_eq(a.unknown, -EPERM);
    ck_assert_int_eq(name_server_count(server, "four.test"), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {numeric_names_cost_no_query,
                                  bad_names_make_no_query,
                                  name_length_is_limited_to_253,
                                  bad_arguments,
                                  localhost_comes_from_the_hosts_file,
                                  both_families_or_one,
                                  one_family_is_enough,
                                  aliases_are_followed_and_the_shortest_ttl_counts,
                                  ttl_is_clamped,
                                  truncated_answers_come_over_tcp,
                                  search_domains,
                                  failures_are_told_apart,
                                  broken_packets_are_no_answer,
                                  what_is_no_answer_to_the_query_is_ignored,
                                  silence_ends_by_the_deadline_or_by_the_tries,
                                  no_server_there,
                                  failures_are_remembered_for_a_moment,
                                  a_crowd_shares_one_query,
                                  a_crowd_shares_one_failure,
                                  answers_are_kept,
                                  answers_expire,
                                  the_cache_is_bounded,
                                  a_waiter_leaves_and_the_others_stay,
                                  the_first_waiter_may_leave,
                                  a_query_that_everybody_left_still_fills_the_cache,
                                  a_scoped_timeout_ends_the_wait,
                                  other_servers_forget_the_old_answers,
                                  changes_of_resolv_conf_are_noticed,
                                  nothing_stays_active_after_the_last_query,
                                  a_hub_closes_with_queries_on_their_way,
                                  the_hub_itself_cannot_wait};
    Suite *suite = suite_create("dns");
    TCase *tc = tcase_create("dns");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
