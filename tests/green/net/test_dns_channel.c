/* The c-ares channel: servers, transports, configuration, limits, and that it leaves nothing behind. */
#include <uv.h>

#include "resolving.h"

START_TEST(truncated_answers_come_over_tcp)
{
    green_dns_answer_t *answer = found("big.test", AF_INET);
    ck_assert_uint_eq(answer->count, DNS_ADDRESSES_MAX); /* of 200 */
    ck_assert(contains(answer, "198.51.100.0:80"));
    green_dns_release(answer);
    ck_assert_int_eq(name_server_count(server, "big.test"), 2);
}
END_TEST

/* A datagram that is larger than was allowed for is not believed either. */
START_TEST(oversize_answers_come_over_tcp)
{
    green_dns_answer_t *answer = found("oversize.test", AF_INET);
    ck_assert_uint_eq(answer->count, DNS_ADDRESSES_MAX);
    green_dns_release(answer);
    ck_assert_int_eq(name_server_count(server, "oversize.test"), 2);
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

START_TEST(silence_ends_by_the_deadline_or_by_the_tries)
{
    green_dns_answer_t *answer;
    ck_assert_int_eq(green_dns_patience(GREEN_MS(100), 2), 0);
    green_time begin = green_now();
    ck_assert_int_eq(green_resolve("silent.test", 80, AF_INET, &answer, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_resolve("silent.test", 80, AF_INET, &answer, green_in_ms(50)), -ETIMEDOUT);
    ck_assert(green_now() - begin >= GREEN_MS(50));
    ck_assert_int_eq(green_resolve("silent.test", 80, AF_INET, &answer, GREEN_FOREVER), GREEN_EAI_AGAIN);
    ck_assert(green_now() - begin >= GREEN_MS(200)); /* 100 ms, then as much or more for the second try */
    ck_assert_int_eq(name_server_count(server, "silent.test"), 2);
}
END_TEST

START_TEST(no_server_there)
{
    green_address_t nobody;
    char text[GREEN_ADDRESS_TEXT];
    ck_assert_int_eq(green_address_parse(&nobody, "127.0.0.1", 0), 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, &nobody.any, nobody.length), 0); /* so that nobody else gets the number, */
    ck_assert_int_eq(green_local_address(fd, &nobody), 0);
    ck_assert_int_eq(connect(fd, &nobody.any, nobody.length),
                     0); /* to itself: it takes nothing from others */
    ck_assert_int_eq(green_dns_servers(green_address_text(&nobody, true, text)), 0);
    ck_assert_int_eq(failure("one.test", AF_UNSPEC), GREEN_EAI_AGAIN);
    close(fd);
}
END_TEST

/* Names that never get an answer pile up to a limit; more of them fail at once, and known ones still work. */
START_TEST(queries_on_their_way_are_bounded)
{
    char name[32];
    green_dns_answer_t *answer;
    release_found("one.test", AF_INET);
    for (int i = 0; i < DNS_QUERIES_MAX; i++) {
        snprintf(name, sizeof name, "silent%d.test", i);
        ck_assert_int_eq(green_resolve(name, 80, AF_INET, &answer, GREEN_NOWAIT), -EAGAIN);
    }
    ck_assert_int_eq(green_resolve("four.test", 80, AF_INET, &answer, GREEN_FOREVER), GREEN_EAI_AGAIN);
    ck_assert_int_eq(green_resolve("silent0.test", 80, AF_INET, &answer, GREEN_NOWAIT), -EAGAIN);
    release_found("one.test", AF_INET);
}
END_TEST

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
    ck_assert_int_eq(green__dns_paths(&(struct dns_paths){.resolv_conf = path}), 0);
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

int main(void)
{
    const struct test tests[] = {
        {truncated_answers_come_over_tcp, 0},
        {oversize_answers_come_over_tcp, 0},
        {search_domains, 0},
        {silence_ends_by_the_deadline_or_by_the_tries, 0},
        {no_server_there, 0},
        {queries_on_their_way_are_bounded, 0},
        {other_servers_forget_the_old_answers, 0},
        {changes_of_resolv_conf_are_noticed, 0},
        {nothing_stays_active_after_the_last_query, 0},
        {a_hub_closes_with_queries_on_their_way, 0},
    };
    return RUN_DNS_TESTS(tests);
}
