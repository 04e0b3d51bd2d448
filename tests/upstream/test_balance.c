/* Which server is chosen, by every algorithm: how often, how evenly, and who never is. */
#include "groups.h"

#include "upstream/latency.h"

static const char *const weighted = "server = a:1 weight=5\nserver = b:1 weight=3\nserver = c:1 weight=2\n";
static const int64_t weights[] = {5, 3, 2};

static const char *const methods[] = {"round_robin", "least_connections", "least_time", "random_two",
                                      "first",       "hash:source"};

enum { METHODS = sizeof methods / sizeof methods[0], WITH_TURNS = 3 /* the first of them */ };

static void begin_method(struct trial *t, const char *servers, const char *method)
{
    char keys[1024];
    snprintf(keys, sizeof keys, "%sbalance = %s\n", servers, method);
    trial_begin(t, keys);
}

/* Nobody is further than that from its share. */
static void assert_shares(const size_t *counts, const int64_t *shares, size_t n, double most)
{
    double sum = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)shares[i];
        total += (double)counts[i];
    }
    for (size_t i = 0; i < n; i++) {
        double distance = (double)counts[i] - total * (double)shares[i] / sum;
        ck_assert_msg(distance <= most && distance >= -most, "server %zu: %zu of %.0f, %.1f from its share",
                      i, counts[i], total, distance);
    }
}

static void assert_active(struct trial *t, const int64_t *shares, size_t n, double most)
{
    size_t counts[64];
    for (size_t i = 0; i < n; i++)
        counts[i] = (size_t)trial_active(t, (int)i);
    assert_shares(counts, shares, n, most);
}

/* --- round robin ---------------------------------------------------------------------------------------------------- */

/* At no time is anybody more than three turns from its share, not even beside much lighter ones. */
START_TEST(turns_are_exact)
{
    enum { N = 12 };
    struct trial t;
    char keys[1024] = "";
    size_t counts[N] = {0};
    int64_t shares[N];
    for (int i = 0; i < N; i++) {
        shares[i] = i == 0 ? 256 : (int64_t)(HASH(i) % 20) + 1;
        snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "server = s%d:1 weight=%d\n", i,
                 (int)shares[i]);
    }
    trial_begin(&t, keys);
    for (int i = 0; i < 500; i++) {
        trial_count(&t, 7, counts);
        assert_shares(counts, shares, N, 3);
    }
    trial_end(&t);
}
END_TEST

START_TEST(turns_are_interleaved)
{
    struct trial t;
    size_t counts[3] = {0};
    int last = -1, longest = 0, run = 0;
    trial_begin(&t, weighted);
    for (int i = 0; i < 1000; i++) {
        int chosen = trial_choose(&t);
        counts[chosen]++;
        run = chosen == last ? run + 1 : 1;
        longest = run > longest ? run : longest;
        last = chosen;
    }
    assert_shares(counts, weights, 3, 1);
    ck_assert_int_le(longest, 2);
    trial_end(&t);
}
END_TEST

START_TEST(equal_servers_take_turns_in_order)
{
    struct trial t;
    trial_begin_many(&t, "", 7, _i + 1);
    for (int i = 0; i < 70; i++)
        ck_assert_int_eq(trial_choose(&t), i % 7);
    trial_end(&t);
}
END_TEST

/* Of as many servers as workers each is the first of one; whoever comes first goes on in order. */
START_TEST(workers_begin_at_different_places)
{
    bool seen[8] = {false};
    for (unsigned worker = 0; worker < 8; worker++) {
        struct trial t;
        char keys[64];
        snprintf(keys, sizeof keys, "balance = %s\n", methods[_i]);
        trial_begin_many(&t, keys, 8, 1);
        t.group.worker = worker;
        int first = trial_lease(&t);
        ck_assert(!seen[first]);
        seen[first] = true;
        for (int i = 1; i < 16; i++)
            ck_assert_int_eq(trial_lease(&t), (first + i) % 8);
        trial_end(&t);
    }
}
END_TEST

START_TEST(any_worker_begins_somewhere)
{
    struct trial t;
    size_t counts[3] = {0};
    trial_begin(&t, weighted);
    t.group.worker = (unsigned)_i;
    trial_count(&t, 1000, counts);
    assert_shares(counts, weights, 3, 2);
    trial_end(&t);
}
END_TEST

START_TEST(who_comes_back_makes_up_for_nothing)
{
    struct trial t;
    size_t counts[3] = {0};
    trial_begin(&t, ABC);
    trial_set_down(&t, 1, true);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_ne(trial_choose(&t), 1);
    trial_set_down(&t, 1, false);
    trial_count(&t, 30, counts);
    ck_assert_uint_ge(counts[1], 9);
    ck_assert_uint_le(counts[1], 11);
    trial_end(&t);
}
END_TEST

/* Turns are numbers that only grow; when they are large they begin anew. */
START_TEST(turns_never_overflow)
{
    struct trial t;
    const uint64_t large = TOURNAMENT_TURN_MOST / 2 - 1000;
    size_t counts[3] = {0};
    trial_begin(&t, weighted);
    for (int i = 0; i < 3; i++)
        t.group.servers[i].turn += large;
    t.group.balance.clock += large;
    trial_count(&t, 1000, counts);
    ck_assert_uint_lt(t.group.balance.clock, TOURNAMENT_TURN_MOST / 4);
    assert_shares(counts, weights, 3, 2);
    trial_end(&t);
}
END_TEST

START_TEST(turns_go_on_in_the_next_configuration)
{
    struct trial t;
    struct group next;
    trial_begin(&t, ABC);
    ck_assert_int_eq(trial_choose(&t), 0);
    struct conf *conf = trial_conf("server = c:1\nserver = b:1\nserver = a:1\nserver = d:1\n");
    ck_assert_int_eq(group_init(&next, conf->upstreams, &t.standings, NULL, &t.group), 0);
    group_settle(&next, &t.group);
    struct lease_request request;
    lease_request_init(&request, NULL, true);
    ck_assert_str_ne(group_choose(&next, &request)->conf->text, "a:1");
    ck_assert_str_ne(group_choose(&next, &request)->conf->text, "a:1");
    struct group old = t.group;
    struct conf *before = t.conf;
    t.group = next;
    t.conf = conf;
    for (size_t i = 0; i < t.group.count; i++) {
        t.group.servers[i].group = &t.group;
        t.group.servers[i].state->group = &t.group;
    }
    group_retire(&old);
    group_destroy(&old);
    conf_free(before);
    trial_end(&t);
}
END_TEST

/* --- by load ---------------------------------------------------------------------------------------------------------- */

START_TEST(the_least_loaded_is_chosen)
{
    struct trial t;
    trial_begin(&t, ABC "balance = least_connections\n");
    trial_set_active(&t, 0, 7);
    trial_set_active(&t, 1, 3);
    trial_set_active(&t, 2, 5);
    for (int i = 0; i < 6; i++)
        trial_lease(&t);
    assert_active(&t, (const int64_t[]){1, 1, 1}, 3, 0);
    trial_end(&t);
}
END_TEST

START_TEST(connections_follow_weights)
{
    struct trial t;
    begin_method(&t, weighted, "least_connections");
    for (int i = 0; i < 1000; i++) {
        trial_lease(&t);
        assert_active(&t, weights, 3, 1.5);
    }
    trial_end(&t);
}
END_TEST

/* A thousand of them, taken and given back in no order. */
START_TEST(a_thousand_stay_even)
{
    enum { N = 1000, OPEN = 5000 };
    static int open[OPEN];
    struct trial t;
    char keys[64];
    snprintf(keys, sizeof keys, "balance = %s\n", methods[_i]);
    trial_begin_many(&t, keys, N, 1);
    for (int i = 0; i < N; i++)
        latency_observe(trial_standing(&t, i), GREEN_MS(5), green_turn_time());
    for (int i = 0; i < OPEN; i++)
        open[i] = trial_lease(&t);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(trial_active(&t, i), OPEN / N);
    for (int i = 0; i < 100000; i++) {
        int which = (int)(HASH(i) % OPEN);
        trial_give_back(&t, open[which]);
        open[which] = trial_lease(&t);
    }
    for (int i = 0; i < N; i++) {
        ck_assert_int_ge(trial_active(&t, i), OPEN / N - 4);
        ck_assert_int_le(trial_active(&t, i), OPEN / N + 2);
    }
    trial_end(&t);
}
END_TEST

START_TEST(idle_servers_take_turns)
{
    struct trial t;
    size_t counts[3] = {0};
    begin_method(&t, ABC, methods[_i]);
    for (int i = 0; i < 300; i++) {
        int chosen = trial_lease(&t);
        counts[chosen]++;
        trial_give_back(&t, chosen);
    }
    assert_shares(counts, (const int64_t[]){1, 1, 1}, 3, 0);
    trial_end(&t);
}
END_TEST

/* What other workers do is noticed, within a round of looking at all. */
START_TEST(loads_that_change_elsewhere_are_noticed)
{
    struct trial t;
    trial_begin_many(&t, "balance = least_connections\n", 100, 1);
    for (int i = 0; i < 100; i++)
        trial_set_active(&t, i, 50);
    for (int i = 0; i < 200; i++)
        trial_choose(&t);
    trial_set_active(&t, 77, 0);
    int chosen = 0;
    for (int i = 0; i < 150; i++)
        chosen += trial_lease(&t) == 77;
    ck_assert_int_ge(chosen, 48);
    trial_end(&t);
}
END_TEST

START_TEST(of_two_the_less_loaded)
{
    struct trial t;
    size_t counts[10] = {0};
    trial_begin_many(&t, "balance = random_two\n", 10, 1);
    atomic_store(&trial_standing(&t, 4)->active, 1000);
    trial_count(&t, 10000, counts);
    ck_assert_uint_eq(counts[4], 0); /* it never wins against anybody */
    for (int i = 0; i < 10; i++)
        if (i != 4)
            ck_assert_uint_ge(counts[i], 900);
    trial_end(&t);
}
END_TEST

/* Among servers that have nothing to do it is chance alone, by weight. */
START_TEST(chance_follows_weights)
{
    struct trial t;
    size_t counts[3] = {0};
    begin_method(&t, weighted, "random_two");
    trial_count(&t, 100000, counts);
    assert_by_chance(counts, weights, 3);
    for (int i = 0; i < 1000; i++)
        trial_lease(&t);
    assert_active(&t, weights, 3, 30); /* with leases much less than chance is left */
    trial_end(&t);
}
END_TEST

/* What is under way at each is in inverse proportion to its time, and in proportion to its weight. */
START_TEST(work_follows_speed)
{
    struct trial t;
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1 weight=3\nbalance = least_time\n");
    latency_observe(trial_standing(&t, 0), GREEN_MS(10), green_turn_time());
    latency_observe(trial_standing(&t, 1), GREEN_MS(40), green_turn_time());
    latency_observe(trial_standing(&t, 2), GREEN_MS(20), green_turn_time());
    for (int i = 0; i < 1100; i++)
        trial_lease(&t);
    assert_active(&t, (const int64_t[]){4, 1, 6}, 3, 8);
    trial_end(&t);
}
END_TEST

START_TEST(slow_servers_get_less)
{
    struct trial t;
    size_t counts[3] = {0};
    trial_begin(&t, ABC "balance = least_time\n");
    for (int i = 0; i < 3; i++)
        latency_observe(trial_standing(&t, i), i == 1 ? GREEN_MS(100) : GREEN_MS(1), green_turn_time());
    int open[30];
    for (int i = 0; i < 3000; i++) { /* 30 at a time */
        if (i >= 30)
            trial_give_back(&t, open[i % 30]);
        open[i % 30] = trial_lease(&t);
        counts[open[i % 30]]++;
    }
    ck_assert_uint_lt(counts[1], 60);
    ck_assert_uint_gt(counts[0], 1200);
    ck_assert_uint_gt(counts[2], 1200);
    trial_end(&t);
}
END_TEST

START_TEST(the_first_is_filled)
{
    struct trial t;
    struct tried tried = {.count = 1, .index = {0}};
    trial_begin(&t, ABC "balance = first\n");
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(trial_choose(&t), 0);
    ck_assert_int_eq(trial_choose_hashed(&t, 0, &tried), 1);
    ck_assert_int_eq(trial_choose(&t), 0);
    trial_set_down(&t, 0, true);
    ck_assert_int_eq(trial_choose(&t), 1);
    trial_end(&t);
}
END_TEST

/* --- who takes part --------------------------------------------------------------------------------------------------- */

START_TEST(who_was_tried_or_is_down_is_left_out)
{
    struct trial t;
    char keys[256];
    snprintf(keys, sizeof keys, "balance = %s\n", methods[_i]);
    trial_begin_many(&t, keys, 40, 1);
    struct tried tried = {.count = 0};
    trial_set_down(&t, 3, true);
    trial_set_down(&t, 33, true);
    for (int i = 0; i < TRIED_MOST; i++) {
        int chosen = trial_choose_hashed(&t, HASH(i), &tried);
        ck_assert_int_ge(chosen, 0);
        ck_assert_int_ne(chosen, 3);
        ck_assert_int_ne(chosen, 33);
        ck_assert(!was_tried(&tried, (size_t)chosen));
        tried_add(&tried, &t.group.servers[chosen]);
    }
    ck_assert_int_eq(trial_choose_hashed(&t, 1, &tried), -1); /* it was enough */
    for (int i = 0; i < 40; i++)
        trial_set_down(&t, i, i != 20);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(trial_choose_hashed(&t, HASH(i), NULL), 20);
    trial_set_down(&t, 20, true);
    ck_assert_int_eq(trial_choose(&t), -1);
    trial_set_down(&t, 7, false);
    ck_assert_int_eq(trial_choose(&t), 7);
    trial_end(&t);
}
END_TEST

START_TEST(tiers_stand_in_for_one_another)
{
    struct trial t;
    begin_method(&t, ABC "server = d:1 tier=2\nserver = e:1 tier=1\nserver = f:1 backup\n", methods[_i]);
    for (int i = 0; i < 50; i++)
        ck_assert_int_le(trial_choose_hashed(&t, HASH(i), NULL), 2);
    static const int order[] = {0, 1, 2, 4, 3, 5};
    for (int i = 0; i < 5; i++) {
        trial_set_down(&t, order[i], true);
        if (i >= 1)
            ck_assert_int_eq(trial_choose(&t), order[i + 1]);
    }
    trial_set_down(&t, 5, true);
    ck_assert_int_eq(trial_choose(&t), -1);
    trial_set_down(&t, 1, false);
    ck_assert_int_eq(trial_choose(&t), 1);
    server_set_duty(&t.group.servers[1], SERVER_DRAINING);
    ck_assert_int_eq(trial_choose(&t), -1);
    trial_end(&t);
}
END_TEST

START_TEST(in_a_panic_all_get_requests)
{
    struct trial t;
    size_t counts[4] = {0};
    begin_method(&t, ABC "server = d:1 backup\npanic_threshold = 50\n", methods[_i]);
    trial_set_down(&t, 0, true);
    trial_set_down(&t, 1, true); /* half are well */
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(trial_choose_hashed(&t, HASH(i), NULL), 2);
    trial_set_down(&t, 2, true);
    server_set_duty(&t.group.servers[1], SERVER_DISABLED); /* that is still an operator's word */
    for (int i = 0; i < 100; i++)
        counts[trial_choose_hashed(&t, HASH(i), NULL)]++;
    bool one = !strcmp(methods[_i], "first"); /* which takes the first of all */
    ck_assert(counts[0] && !counts[1] && (one || (counts[2] && counts[3])));
    trial_end(&t);
}
END_TEST

/* By turns, by load and by chance alike: a tenth at first, half after half of the time. */
START_TEST(a_server_that_comes_back_warms_up)
{
    struct trial t;
    begin_method(&t, "server = a:1 weight=10\nserver = b:1 weight=10\nslow_start = 1h\n", methods[_i]);
    for (int i = 0; i < 2; i++)
        latency_observe(trial_standing(&t, i), GREEN_MS(5), green_turn_time());
    for (int half = 0; half < 2; half++) {
        green_time since = green_turn_time() - half * GREEN_S(1800);
        atomic_store(&trial_standing(&t, 1)->recovered, since);
        standings_changed(&t.standings);
        trial_set_active(&t, 0, 0);
        trial_set_active(&t, 1, 0);
        for (int i = 0; i < 1100; i++)
            trial_lease(&t);
        assert_active(&t, half ? (const int64_t[]){2, 1} : (const int64_t[]){10, 1}, 2, 30);
    }
    trial_end(&t);
}
END_TEST

START_TEST(weights_change_by_an_operators_word)
{
    struct trial t;
    size_t counts[2] = {0};
    if (!strcmp(methods[_i], "first"))
        return; /* where they mean nothing */
    begin_method(&t, "server = a:1\nserver = b:1\n", methods[_i]);
    for (int i = 0; i < 2; i++)
        latency_observe(trial_standing(&t, i), GREEN_MS(5), green_turn_time());
    group_want_weight(&t.group, "a:1", 9);
    for (int i = 0; i < 10000; i++)
        counts[trial_lease_hashed(&t, HASH(i))]++;
    assert_shares(counts, (const int64_t[]){9, 1}, 2, 300);
    trial_end(&t);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("balance");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, turns_are_exact);
    tcase_add_test(tc, turns_are_interleaved);
    tcase_add_test(tc, who_comes_back_makes_up_for_nothing);
    tcase_add_test(tc, turns_never_overflow);
    tcase_add_test(tc, turns_go_on_in_the_next_configuration);
    tcase_add_test(tc, the_least_loaded_is_chosen);
    tcase_add_test(tc, connections_follow_weights);
    tcase_add_test(tc, loads_that_change_elsewhere_are_noticed);
    tcase_add_test(tc, of_two_the_less_loaded);
    tcase_add_test(tc, chance_follows_weights);
    tcase_add_test(tc, work_follows_speed);
    tcase_add_test(tc, slow_servers_get_less);
    tcase_add_test(tc, the_first_is_filled);
    tcase_add_loop_test(tc, equal_servers_take_turns_in_order, 0, 5);
    tcase_add_loop_test(tc, workers_begin_at_different_places, 0, WITH_TURNS);
    tcase_add_loop_test(tc, any_worker_begins_somewhere, 0, 33);
    tcase_add_loop_test(tc, idle_servers_take_turns, 1, WITH_TURNS);
    tcase_add_loop_test(tc, a_thousand_stay_even, 1, WITH_TURNS);
    tcase_add_loop_test(tc, a_server_that_comes_back_warms_up, 1, WITH_TURNS + 1);
    tcase_add_loop_test(tc, who_was_tried_or_is_down_is_left_out, 0, METHODS);
    tcase_add_loop_test(tc, tiers_stand_in_for_one_another, 0, METHODS);
    tcase_add_loop_test(tc, in_a_panic_all_get_requests, 0, METHODS);
    tcase_add_loop_test(tc, weights_change_by_an_operators_word, 0, METHODS);
    return run_suite(tc, "upstream/balance");
}
