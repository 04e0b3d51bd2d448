/* Places at servers and the queue in front of them, within a thread and across several. */
#include <errno.h>
#include <pthread.h>

#include "groups.h"

enum { WAITERS = 5, THREADS = 4, EACH = 8, ROUNDS = 100 };

/* The server that has a place now; NULL: none has. */
static struct server *take(struct trial *t)
{
    struct connect_failure failure = {.code = 0};
    struct lease_request request;
    lease_request_init(&request, NULL, true);
    request.no_wait = true;
    struct server *s = place_choose(&t->group, &request, &failure);
    if (!s)
        ck_assert_int_eq(failure.status, 503);
    return s;
}

/* --- limits ---------------------------------------------------------------------------------------------------------- */

START_TEST(full_servers_are_passed_over)
{
    struct trial t;
    trial_begin(&t, "server = a:1\nserver = b:1 max_connections=3\nserver = c:1\nmax_connections = 2\n");
    ck_assert(t.group.limited);
    for (int i = 0; i < 7; i++)
        ck_assert_ptr_nonnull(take(&t));
    ck_assert_ptr_null(take(&t));
    ck_assert_int_eq(trial_active(&t, 0), 2);
    ck_assert_int_eq(trial_active(&t, 1), 3);
    ck_assert_int_eq(trial_active(&t, 2), 2);
    ck_assert_int_eq(atomic_load(&t.group.queue->active), 7);
    place_give_back(t.group.servers[1].state);
    ck_assert_ptr_eq(take(&t), &t.group.servers[1]);
    ck_assert_ptr_null(take(&t));
    for (int i = 0; i < 7; i++)
        place_give_back(t.group.servers[i % 3 == 2 ? 1 : i % 2 ? 0 : 2].state);
    trial_end(&t);
}
END_TEST

START_TEST(all_together_have_a_limit)
{
    struct trial t;
    trial_begin(&t, ABC "max_requests = 2\n");
    ck_assert_ptr_nonnull(take(&t));
    ck_assert_ptr_nonnull(take(&t));
    ck_assert_ptr_null(take(&t));
    ck_assert_int_eq(atomic_load(&t.group.queue->active), 2);
    ck_assert_int_eq(trial_active(&t, 0) + trial_active(&t, 1) + trial_active(&t, 2), 2);
    trial_end(&t);
}
END_TEST

static const char *const methods[] = {"round_robin", "least_connections", "random_two",
                                      "least_time",  "hash:uri",          "first"};

/* More are full than are left out for one request. */
START_TEST(the_last_free_one_is_found)
{
    enum { SERVERS = 200 };
    struct trial t;
    char keys[100];
    snprintf(keys, sizeof keys, "max_connections = 1\nbalance = %s\n", methods[_i]);
    trial_begin_many(&t, keys, SERVERS, 1);
    for (int i = 0; i < SERVERS; i++) {
        const struct server *s = take(&t);
        ck_assert_ptr_nonnull(s);
        if (!strcmp(methods[_i], "first"))
            ck_assert_ptr_eq(s, &t.group.servers[i]);
    }
    ck_assert_ptr_null(take(&t));
    for (int i = 0; i < SERVERS; i++)
        ck_assert_int_eq(trial_active(&t, i), 1);
    trial_end(&t);
}
END_TEST

START_TEST(servers_that_are_down_have_no_places)
{
    struct trial t;
    trial_begin(&t, ABC "max_connections = 1\n");
    trial_set_down(&t, 1, true);
    ck_assert_ptr_ne(take(&t), &t.group.servers[1]);
    ck_assert_ptr_ne(take(&t), &t.group.servers[1]);
    ck_assert_ptr_null(take(&t));
    ck_assert_int_eq(trial_active(&t, 1), 0);
    trial_end(&t);
}
END_TEST

/* --- the queue --------------------------------------------------------------------------------------------------------- */

static struct trial queued;
static int order[WAITERS], arrived;

struct one {
    int number;
    bool leaves_out_the_first;
    struct connect_failure failure;
    struct server *got;
};

static void *wait_for_a_place(void *arg)
{
    struct one *me = arg;
    struct lease_request request;
    lease_request_init(&request, NULL, true);
    if (me->leaves_out_the_first)
        tried_add(&request.tried, &queued.group.servers[0]);
    me->failure.code = 0;
    me->got = place_choose(&queued.group, &request, &me->failure);
    if (me->got)
        order[arrived++] = me->number;
    return NULL;
}

static green_t *begin_waiting(struct one *one, int number, bool leaves_out_the_first)
{
    green_t *g;
    *one = (struct one){.number = number, .leaves_out_the_first = leaves_out_the_first};
    ck_assert_int_eq(green_spawn_ex(&g, &(green_attr_t){.name = "waiter"}, wait_for_a_place, one), 0);
    ck_assert_int_eq(green_yield(), 0);
    return g;
}

static void end(green_t *g)
{
    ck_assert_int_eq(green_join(g, green_in(GREEN_S(60))), 0);
    green_release(g);
}

START_TEST(first_come_first_served)
{
    struct one ones[WAITERS];
    green_t *g[WAITERS];
    trial_begin(&queued, "server = a:1\nmax_connections = 1\nqueue_timeout = 10m\n");
    struct server *s = take(&queued);
    ck_assert_ptr_nonnull(s);
    for (int i = 0; i < WAITERS; i++)
        g[i] = begin_waiting(&ones[i], i, false);
    ck_assert_int_eq(atomic_load(&queued.group.queue->waiting), WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        place_give_back(s->state);
        ck_assert_ptr_null(take(&queued)); /* nobody overtakes */
        end(g[i]);
        ck_assert_int_eq(arrived, i + 1);
        ck_assert_int_eq(order[i], i);
    }
    place_give_back(s->state);
    ck_assert_int_eq(atomic_load(&queued.group.queue->waiting), 0);
    ck_assert_int_eq(atomic_load(&queued.group.queue->active), 0);
    trial_end(&queued);
}
END_TEST

START_TEST(one_that_leaves_servers_out_holds_nobody_up)
{
    struct one picky, plain;
    trial_begin(&queued, "server = a:1\nserver = b:1\nmax_connections = 1\nqueue_timeout = 10m\n");
    ck_assert_ptr_nonnull(take(&queued));
    ck_assert_ptr_nonnull(take(&queued));
    green_t *first = begin_waiting(&picky, 0, true), *second = begin_waiting(&plain, 1, false);
    place_give_back(queued.group.servers[0].state);
    end(second);
    ck_assert_ptr_eq(plain.got, &queued.group.servers[0]);
    ck_assert_ptr_null(picky.got);
    place_give_back(queued.group.servers[1].state);
    end(first);
    ck_assert_ptr_eq(picky.got, &queued.group.servers[1]);
    trial_end(&queued);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
    struct one ones[3];
    trial_begin(&queued, "server = a:1\nmax_connections = 1\nqueue_max = 2\nqueue_timeout = 10m\n");
    struct server *s = take(&queued);
    green_t *one = begin_waiting(&ones[0], 0, false), *two = begin_waiting(&ones[1], 1, false);
    end(begin_waiting(&ones[2], 2, false));
    ck_assert_ptr_null(ones[2].got);
    ck_assert_str_eq(ones[2].failure.reason, "queue_full");
    ck_assert_int_eq(ones[2].failure.retry_after, 1);
    ck_assert_int_eq(green_kill(one, green_in(GREEN_S(60))), 0); /* its place in the queue is free again */
    green_release(one);
    place_give_back(s->state);
    end(two);
    ck_assert_ptr_eq(ones[1].got, s);
    ck_assert_int_eq(atomic_load(&queued.group.queue->waiting), 0);
    trial_end(&queued);
}
END_TEST

START_TEST(waits_end)
{
    struct one one;
    trial_begin(&queued, "server = a:1\nmax_connections = 1\nqueue_timeout = 20ms\n");
    take(&queued);
    end(begin_waiting(&one, 0, false));
    ck_assert_ptr_null(one.got);
    ck_assert_str_eq(one.failure.reason, "queue_timeout");
    ck_assert_int_eq(atomic_load(&queued.group.queue->waiting), 0);
    ck_assert_int_eq(atomic_load(&queued.group.queue->active), 1);
    trial_end(&queued);
}
END_TEST

START_TEST(without_a_queue)
{
    static const struct {
        const char *keys, *directive;
    } limits[] = {{"server = a:1\nmax_connections = 1\n", "max_connections"},
                  {"server = a:1\nmax_requests = 1\n", "max_requests"},
                  {"server = a:1 max_connections=1\n", "server"}};
    struct one one;
    char keys[200];
    snprintf(keys, sizeof keys, "%squeue_max = 0\n", limits[_i].keys);
    trial_begin(&queued, keys);
    take(&queued);
    end(begin_waiting(&one, 0, false));
    ck_assert_ptr_null(one.got);
    ck_assert_str_eq(one.failure.reason, "servers_full");
    ck_assert_str_eq(one.failure.directive, limits[_i].directive);
    trial_end(&queued);
}
END_TEST

/* --- across threads ---------------------------------------------------------------------------------------------------- */

static struct standings shared;
static struct conf *shared_conf;
static atomic_int at_servers, most_at_servers, served;

static void *come_again(void *arg)
{
    struct group *g = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct connect_failure failure = {.code = 0};
        struct lease_request request;
        lease_request_init(&request, NULL, true);
        struct server *s = place_choose(g, &request, &failure);
        if (!s)
            continue;
        int now = atomic_fetch_add(&at_servers, 1) + 1, most = atomic_load(&most_at_servers);
        while (now > most && !atomic_compare_exchange_weak(&most_at_servers, &most, now))
            ;
        int r = green_yield();
        atomic_fetch_sub(&at_servers, 1);
        atomic_fetch_add(&served, r == 0);
        place_give_back(s->state);
    }
    return NULL;
}

/* A worker, with a group of its own over what all share. */
static void *work(void *arg)
{
    struct group g;
    green_t *each[EACH];
    intptr_t bad = group_init(&g, shared_conf->upstreams, &shared, NULL, NULL) != 0;
    (void)arg;
    group_settle(&g, NULL);
    for (int i = 0; i < EACH; i++)
        bad |= green_spawn_ex(&each[i], &(green_attr_t){.name = "client"}, come_again, &g) != 0;
    for (int i = 0; !bad && i < EACH; i++) {
        bad |= green_join(each[i], green_in(GREEN_S(100))) != 0;
        green_release(each[i]);
    }
    bad |= atomic_load(&g.queue->waiting) < 0;
    group_retire(&g);
    group_destroy(&g);
    return (void *)bad;
}

START_TEST(nobody_is_forgotten_nor_one_too_many)
{
    pthread_t threads[THREADS];
    shared_conf = trial_conf(
        "server = a:1\nserver = b:1\nmax_connections = 2\nmax_requests = 3\nqueue_timeout = 10m\n");
    standings_init(&shared);
    struct standing *a = standing_hold(&shared, "app", "a:1"); /* so that it stays */
    struct queue *q = queue_hold(&shared, "app");
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *bad;
        ck_assert_int_eq(pthread_join(threads[i], &bad), 0);
        ck_assert_ptr_null(bad);
    }
    ck_assert_int_eq(atomic_load(&served), THREADS * EACH * ROUNDS);
    ck_assert_int_le(atomic_load(&most_at_servers), 3);
    ck_assert_int_eq(atomic_load(&q->active), 0);
    ck_assert_int_eq(atomic_load(&q->waiting), 0);
    ck_assert_int_eq(atomic_load(&a->active), 0);
    queue_release(q);
    standing_release(a);
    ck_assert(LIST_EMPTY(&shared.queues));
    standings_destroy(&shared);
    conf_free(shared_conf);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("places");
    tcase_set_timeout(tc, 110);
    tcase_add_test(tc, full_servers_are_passed_over);
    tcase_add_test(tc, all_together_have_a_limit);
    tcase_add_loop_test(tc, the_last_free_one_is_found, 0, sizeof methods / sizeof methods[0]);
    tcase_add_test(tc, servers_that_are_down_have_no_places);
    tcase_add_test(tc, first_come_first_served);
    tcase_add_test(tc, one_that_leaves_servers_out_holds_nobody_up);
    tcase_add_test(tc, the_queue_is_bounded);
    tcase_add_test(tc, waits_end);
    tcase_add_loop_test(tc, without_a_queue, 0, 3);
    tcase_add_test(tc, nobody_is_forgotten_nor_one_too_many);
    return run_suite(tc, "upstream/places");
}
