/* What every call that can wait promises, for each of those that ask a name server; and how the two that libc has go
 * on with a silent one. */
#include <netdb.h>

#include "resolving.h"

/* A lookup of something that gets no answer before the server is told to; then it succeeds. */
struct call {
    const char *name;
    int (*fn)(green_time deadline);
};

static int call_resolve(green_time deadline)
{
    green_dns_answer_t *answer;
    int r = green_resolve("held.test", 80, AF_INET, &answer, deadline);
    ck_assert((r == 0) == (answer != NULL));
    green_dns_release(answer);
    return r;
}

static int call_getaddrinfo(green_time deadline)
{
    struct addrinfo hints = {.ai_family = AF_INET}, *list;
    int r = green_getaddrinfo("held.test", "80", &hints, &list, deadline);
    ck_assert((r == 0) == (list != NULL));
    green_freeaddrinfo(list);
    return r;
}

static int call_srv(green_time deadline)
{
    green_records_t *records;
    int r = green_resolve_srv("held-srv.test", &records, deadline);
    ck_assert((r == 0) == (records != NULL));
    green_records_release(records);
    return r;
}

static const green_address_t *somebody(void)
{
    static green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, "192.0.2.200", 80), 0);
    return &address;
}

static int call_resolve_address(green_time deadline)
{
    char name[GREEN_NAME_SIZE];
    return green_resolve_address(somebody(), name, deadline);
}

static int call_getnameinfo(green_time deadline)
{
    char host[GREEN_NAME_SIZE];
    return green_getnameinfo(&somebody()->any, somebody()->length, host, sizeof host, NULL, 0, 0, deadline);
}

static const struct call calls[] = {
    {"green_resolve", call_resolve},         {"green_getaddrinfo", call_getaddrinfo},
    {"green_resolve_srv", call_srv},         {"green_resolve_address", call_resolve_address},
    {"green_getnameinfo", call_getnameinfo},
};

#define CALLS (sizeof calls / sizeof calls[0])

/* The object, that is the question on its way, still serves whoever asks. */
static void works_afterwards(const struct call *call)
{
    name_server_release(server);
    ck_assert_msg(call->fn(soon()) == 0, "%s", call->name);
    ck_assert_int_eq(call->fn(GREEN_NOWAIT), 0);
    ck_assert_int_eq(name_server_count(server, NULL), 1);
}

/* G1, G6 */
START_TEST(times_out_and_works_afterwards)
{
    const struct call *call = &calls[_i];
    green_time deadline = green_in_ms(20);
    ck_assert_int_eq(call->fn(deadline), -ETIMEDOUT);
    ck_assert(green_now() >= deadline);
    works_afterwards(call);
}
END_TEST

/* G2 */
START_TEST(nowait_does_not_switch)
{
    const struct call *call = &calls[_i];
    uint64_t before = switches();
    ck_assert_int_eq(call->fn(GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(switches(), before);
    works_afterwards(call);
}
END_TEST

/* G3, G4 */
START_TEST(an_outer_timeout_is_its_own)
{
    const struct call *call = &calls[_i];
    green_timeout_t outer;
    green_timeout_start(&outer, GREEN_MS(10));
    ck_assert_int_eq(call->fn(soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    ck_assert_int_eq(call->fn(soon()), -ETIMEDOUT); /* until it is stopped */
    green_timeout_stop(&outer);
    works_afterwards(call);
}
END_TEST

struct waiting {
    const struct call *call;
    int result;
};

static void *wait_for_it(void *arg)
{
    struct waiting *w = arg;
    w->result = w->call->fn(GREEN_FOREVER);
    return NULL;
}

/* G5: the one that is cancelled leaves, also if it was the one that asked; the next is served. */
START_TEST(a_cancelled_waiter_leaves_the_others)
{
    struct waiting waiting[3];
    green_t *greenlets[3];
    for (int i = 0; i < 3; i++) {
        waiting[i] = (struct waiting){.call = &calls[_i], .result = 1};
        greenlets[i] = spawn(wait_for_it, &waiting[i]);
    }
    yields(1);
    ck_assert_int_eq(green_kill(greenlets[0], soon()), 0);
    ck_assert_int_eq(green_kill(greenlets[1], soon()), 0);
    ck_assert_int_eq(waiting[0].result, -ECANCELED);
    ck_assert_int_eq(waiting[1].result, -ECANCELED);
    green_release(greenlets[0]);
    green_release(greenlets[1]);
    name_server_release(server);
    finish(greenlets[2]);
    ck_assert_int_eq(waiting[2].result, 0);
    works_afterwards(&calls[_i]);
}
END_TEST

/* Case 114: a server that says nothing ends the wait by itself, and not by the caller's deadline. */
START_TEST(a_silent_server)
{
    struct addrinfo *list;
    ck_assert_int_eq(green_dns_patience(GREEN_MS(30), 2), 0);
    ck_assert_int_eq(green_getaddrinfo("silent.test", NULL, NULL, &list, GREEN_FOREVER), GREEN_EAI_AGAIN);
    ck_assert_ptr_null(list);
    int queries = name_server_count(server, "silent.test");
    ck_assert_int_ge(queries, 2); /* tried again */
    ck_assert_int_eq(green_getaddrinfo("silent.test", NULL, NULL, &list, GREEN_FOREVER), GREEN_EAI_AGAIN);
}
END_TEST

/* Many at a time, of different names: all wait together. */
START_TEST(a_silent_server_holds_up_nobody_else)
{
    enum { MANY = 100 };
    struct task tasks[MANY];
    green_t *greenlets[MANY];
    char names_of_them[MANY][32];
    ck_assert_int_eq(green_dns_patience(GREEN_MS(100), 1), 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(names_of_them[i], sizeof names_of_them[i], "%s%d.test", i % 2 ? "silent" : "number", i);
        greenlets[i] = start(&tasks[i], names_of_them[i], 80, soon());
    }
    for (int i = 0; i < MANY; i += 2) {
        finish(greenlets[i]);
        ck_assert_int_eq(tasks[i].result, 0);
        green_dns_release(tasks[i].answer);
    }
    for (int i = 1; i < MANY; i += 2) {
        finish(greenlets[i]);
        ck_assert_int_eq(tasks[i].result, GREEN_EAI_AGAIN);
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {times_out_and_works_afterwards, CALLS},
        {nowait_does_not_switch, CALLS},
        {an_outer_timeout_is_its_own, CALLS},
        {a_cancelled_waiter_leaves_the_others, CALLS},
        {a_silent_server, 0},
        {a_silent_server_holds_up_nobody_else, 0},
    };
    return RUN_DNS_TESTS(tests);
}
