/* green_resolve(): names, answers, failures, giving up; against a name server of our own (name_server.h). */
#include <uv.h>

#include "resolving.h"

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
    // clang-format off
    static const char *const bad[] = {
        "", ".", "..", ".test", "a..test", "test..", "a b.test", "a/b", "/run/socket", "a:80",
        "a@b", "a\\b", "a\tb", "a\nb", "[one.test]", "[127.0.0.1]", "fe80::1%nosuchzone", "127.1",
        "1.2.3.4.", "1.2.3.256", "0x7f000001", "0x7F.1", "2130706433", "one.test.0",
        "b\303\274cher.test", "a*b", "*.test", "a%00b", "a\"b", "a;b",
    };
    // clang-format on
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(failure(bad[i], AF_UNSPEC) == GREEN_EAI_BADNAME, "\"%s\"", bad[i]);
    char label_of_64[] = "0123456789012345678901234567890123456789012345678901234567890123.test";
    ck_assert_int_eq(failure(label_of_64, AF_UNSPEC), GREEN_EAI_BADNAME);
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
    ck_assert_int_eq(green_dns_patience(0, 2), -EINVAL);
    ck_assert_int_eq(green_dns_patience(GREEN_S(61), 2), -EINVAL);
    ck_assert_int_eq(green_dns_patience(GREEN_S(1), 0), -EINVAL);
    ck_assert_int_eq(green_dns_patience(GREEN_S(1), 11), -EINVAL);
    ck_assert_int_eq(green_dns_use((enum green_dns_method)4), -EINVAL);
    // clang-format off
    static const char *const bad[] = {
        "", "localhost", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1,",
        "127.0.0.1:5x", "[::1", ":53", "/run/socket", "fe80::1%1", "127.0.0.1:-1", "127.0.0.1 5",
        "[::1]x", "[::1]:",
    };
    // clang-format on
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

/* --- answers --- */

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
    } rows[] = {{"ttl0.test", 1},          {"ttl1.test", 1},
                {"ttl60.test", 60},        {"ttl2147483647.test", 86400},
                {"ttl2147483648.test", 1}, {"ttl4294967295.test", 1} /* RFC 2181: the top bit set means 0 */};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        green_time before = green_now();
        green_dns_answer_t *answer = found(rows[i].host, AF_INET);
        ck_assert(answer->expires >= before + GREEN_S(rows[i].ttl));
        ck_assert(answer->expires <= green_in(GREEN_S(rows[i].ttl)));
        green_dns_release(answer);
    }
}
END_TEST

/* --- failures --- */

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
    int noise = green_resolve("noise.test", 80, AF_INET, &answer, green_in_ms(200));
    ck_assert(noise == -ETIMEDOUT || noise == GREEN_EAI_FAIL); /* newer c-ares gives the server up */
    release_found("one.test", AF_INET);
}
END_TEST

START_TEST(circles_of_aliases)
{
    ck_assert_int_eq(failure("circle.test", AF_INET), GREEN_EAI_NODATA);
    green_dns_answer_t *answer;
    int r = resolve("circle-address.test", AF_INET, &answer); /* an address at the end of none of them */
    ck_assert(r == GREEN_EAI_NODATA || r == 0);
    green_dns_release(answer);
}
END_TEST

START_TEST(answers_to_other_questions_are_no_answers)
{
    static const char *const hostile[] = {"no-question.test", "another-question.test", "lying-counts.test"};
    ck_assert_int_eq(green_dns_patience(GREEN_MS(50), 1), 0);
    for (size_t i = 0; i < 3; i++) {
        int r = failure(hostile[i], AF_INET);
        ck_assert_msg(r == GREEN_EAI_FAIL || r == GREEN_EAI_AGAIN, "%s: %d", hostile[i], r);
    }
    ck_assert_int_eq(failure("victim.test", AF_INET), GREEN_EAI_NONAME);
    release_found("one.test", AF_INET);
}
END_TEST

START_TEST(localhost_and_all_below_it_are_here)
{
    static const char *const here[] = {"localhost.", "LocalHost", "app.localhost", "a.b.localhost."};
    for (size_t i = 0; i < 4; i++) {
        green_dns_answer_t *answer = found(here[i], AF_INET);
        ck_assert_str_eq(answer->name, "localhost");
        ck_assert(contains(answer, "127.0.0.1:80"));
        green_dns_release(answer);
    }
    ck_assert_int_eq(name_server_count(server, NULL), 0);
    ck_assert_int_eq(failure("notlocalhost", AF_INET), GREEN_EAI_NONAME);
    ck_assert_int_eq(failure("localhost.missing.test", AF_INET), GREEN_EAI_NONAME);
}
END_TEST

START_TEST(the_canonical_name)
{
    green_dns_answer_t *answer = found("Chain.test", AF_UNSPEC), *other;
    ck_assert_str_eq(answer->name, "second.chain.test");
    ck_assert_int_eq(green_resolve("chain.test", 443, AF_UNSPEC, &other, GREEN_NOWAIT), 0);
    ck_assert_ptr_ne(other, answer);
    ck_assert_str_eq(other->name, "second.chain.test");
    green_dns_release(answer);
    ck_assert_str_eq(other->name, "second.chain.test");
    green_dns_release(other);
    answer = found("192.0.2.1", AF_UNSPEC);
    ck_assert_str_eq(answer->name, "192.0.2.1");
    green_dns_release(answer);
}
END_TEST

/* --- giving up --- */

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
    const struct test tests[] = {
        {numeric_names_cost_no_query, 0},
        {bad_names_make_no_query, 0},
        {name_length_is_limited_to_253, 0},
        {bad_arguments, 0},
        {localhost_comes_from_the_hosts_file, 0},
        {both_families_or_one, 0},
        {one_family_is_enough, 0},
        {aliases_are_followed_and_the_shortest_ttl_counts, 0},
        {ttl_is_clamped, 0},
        {failures_are_told_apart, 0},
        {broken_packets_are_no_answer, 0},
        {what_is_no_answer_to_the_query_is_ignored, 0},
        {circles_of_aliases, 0},
        {answers_to_other_questions_are_no_answers, 0},
        {localhost_and_all_below_it_are_here, 0},
        {the_canonical_name, 0},
        {a_waiter_leaves_and_the_others_stay, 0},
        {the_first_waiter_may_leave, 0},
        {a_query_that_everybody_left_still_fills_the_cache, 0},
        {a_scoped_timeout_ends_the_wait, 0},
        {the_hub_itself_cannot_wait, 0},
    };
    return RUN_DNS_TESTS(tests);
}
