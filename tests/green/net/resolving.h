/* What the tests of the resolver share: a hub that asks a name server of our own, and short words for
 * resolving. */
#ifndef TESTS_RESOLVING_H
#define TESTS_RESOLVING_H

#include "name_server.h"
#include "net/dns_lookup.h"
#include "support.h"

static struct name_server *server;

static inline void setup(void)
{
    unsetenv("LOCALDOMAIN");
    unsetenv("RES_OPTIONS");
    unsetenv("GREEN_RESOLVER");
    begin();
    server = name_server_start();
    ck_assert_int_eq(green_dns_servers(name_server_address(server)), 0);
}

static inline void teardown(void)
{
    ck_assert_int_eq(green_hub_close(), 0);
    name_server_stop(server);
    end();
}

static inline int resolve(const char *host, int family, green_dns_answer_t **out)
{
    return green_resolve(host, 80, family, out, soon());
}

static inline green_dns_answer_t *found(const char *host, int family)
{
    green_dns_answer_t *answer;
    ck_assert_int_eq(resolve(host, family, &answer), 0);
    ck_assert_ptr_nonnull(answer);
    ck_assert_uint_ge(answer->count, 1);
    return answer;
}

static inline int failure(const char *host, int family)
{
    green_dns_answer_t *answer;
    int r = resolve(host, family, &answer);
    ck_assert_ptr_null(answer);
    return r;
}

static inline void release_found(const char *host, int family)
{
    green_dns_release(found(host, family));
}

static inline void assert_address(const green_address_t *address, const char *text)
{
    char written[GREEN_ADDRESS_TEXT];
    ck_assert_str_eq(green_address_text(address, true, written), text);
}

static inline bool contains(const green_dns_answer_t *answer, const char *text)
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

static inline void *run_task(void *arg)
{
    struct task *t = arg;
    t->result = green_resolve(t->host, t->port, AF_INET, &t->answer, t->deadline);
    return NULL;
}

static inline green_t *start(struct task *t, const char *host, int port, green_time deadline)
{
    *t = (struct task){.host = host, .port = port, .deadline = deadline, .result = 1};
    green_t *g = green_spawn(run_task, t);
    ck_assert_ptr_nonnull(g);
    return g;
}

static inline int run_dns_tests(const struct test *tests, size_t count)
{
    Suite *suite = suite_create("dns");
    TCase *tc = tcase_create("dns");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    for (size_t i = 0; i < count; i++)
        tcase_add_loop_test(tc, tests[i].test, 0, tests[i].times ? tests[i].times : 1);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define RUN_DNS_TESTS(tests) run_dns_tests(tests, sizeof(tests) / sizeof(tests)[0])

#endif
