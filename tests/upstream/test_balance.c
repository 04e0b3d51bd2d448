/* Which server is chosen, by every algorithm: how often, how evenly, and who never is. */
#include "groups.h"

#include "upstream/latency.h"

#define HASH(i) ring_mix((uint64_t)(i) + 1)

/* The counts are as the weights say, within so many standard deviations of drawing by chance. */
static void assert_shares(const size_t *counts, const int64_t *weights, size_t n, double deviations)
{
    double sum = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)weights[i];
        total += (double)counts[i];
    }
    for (size_t i = 0; i < n; i++) {
        double p = (double)weights[i] / sum, expected = total * p;
        double distance = (double)counts[i] - expected, variance = expected * (1 - p);
        ck_assert_msg(distance * distance <= deviations * deviations * variance + 1,
                      "server %zu: %zu of %.0f, expected %.0f", i, counts[i], total, expected);
    }
}

static const char *const weighted = "server = a:1 weight=5\nserver = b:1 weight=3\nserver = c:1 weight=2\n";
static const int64_t weights[] = {5, 3, 2};

static void begin_weighted(struct trial *t, const char *balance)
{
    char keys[512];
    snprintf(keys, sizeof keys, "%sbalance = %s\n", weighted, balance);
    trial_begin(t, keys);
}

/* --- round robin ---------------------------------------------------------------------------------------------------- */

START_TEST(turns_are_exact)
{
    struct trial t;
    size_t counts[3] = {0};
    int last = -1, longest = 0, run = 0;
    begin_weighted(&t, "round_robin");
    for (int i = 0; i < 1000; i++) {
        int chosen = trial_choose(&t);
        counts[chosen]++;
        run = chosen == last ? run + 1 : 1;
        longest = run > longest ? run : longest;
        last = chosen;
    }
    for (int i = 0; i < 3; i++) /* at no time is anybody more than a turn from its share */
        ck_assert_int_le(llabs((long long)counts[i] - weights[i] * 100), 1);
    ck_assert_int_le(longest, 2);
    trial_end(&t);
}
END_TEST

START_TEST(equal_servers_take_turns_in_order)
{
    struct trial t;
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\n");
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(trial_choose(&t), i % 3);
    trial_end(&t);
}
END_TEST

START_TEST(who_comes_back_makes_up_for_nothing)
{
    struct trial t;
    size_t counts[3] = {0};
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\n");
    trial_set_down(&t, 1, true);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_ne(trial_choose(&t), 1);
    trial_set_down(&t, 1, false);
    for (int i = 0; i < 30; i++)
        counts[trial_choose(&t)]++;
    ck_assert_uint_ge(counts[1], 9);
    ck_assert_uint_le(counts[1], 11);
    trial_end(&t);
}
END_TEST

START_TEST(turns_never_overflow)
{
    struct trial t;
    size_t counts[3] = {0};
    begin_weighted(&t, "round_robin");
    for (int i = 0; i < 3; i++)
        t.group.servers[i].turn += (UINT64_C(1) << 62) - 1000;
    t.group.balance.clock += (UINT64_C(1) << 62) - 1000;
    for (int i = 0; i < 1000; i++)
        counts[trial_choose(&t)]++;
    ck_assert_uint_lt(t.group.balance.clock, UINT64_C(1) << 61);
    for (int i = 0; i < 3; i++)
        ck_assert_int_le(llabs((long long)counts[i] - weights[i] * 100), 2);
    trial_end(&t);
}
END_TEST

START_TEST(turns_go_on_in_the_next_configuration)
{
    struct trial t;
    struct group next;
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\n");
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
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\nbalance = least_connections\n");
    atomic_store(&trial_standing(&t, 0)->active, 7);
    atomic_store(&trial_standing(&t, 1)->active, 3);
    atomic_store(&trial_standing(&t, 2)->active, 5);
    for (int i = 0; i < 6; i++)
        trial_lease(&t);
    ck_assert_int_eq(atomic_load(&trial_standing(&t, 0)->active), 7);
    ck_assert_int_eq(atomic_load(&trial_standing(&t, 1)->active), 7);
    ck_assert_int_eq(atomic_load(&trial_standing(&t, 2)->active), 7);
    trial_end(&t);
}
END_TEST

START_TEST(connections_follow_weights)
{
    struct trial t;
    begin_weighted(&t, "least_connections");
    for (int i = 0; i < 100; i++)
        trial_lease(&t);
    for (int i = 0; i < 3; i++)
        ck_assert_int_le(llabs(atomic_load(&trial_standing(&t, i)->active) - weights[i] * 10), 1);
    trial_end(&t);
}
END_TEST

START_TEST(idle_servers_take_turns)
{
    struct trial t;
    size_t counts[3] = {0};
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\nbalance = least_connections\n");
    for (int i = 0; i < 300; i++) {
        int chosen = trial_lease(&t);
        counts[chosen]++;
        trial_give_back(&t, chosen);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(counts[i], 100);
    trial_end(&t);
}
END_TEST

/* What other workers do is noticed, within a round of looking at all. */
START_TEST(loads_that_change_elsewhere_are_noticed)
{
    struct trial t;
    trial_begin_many(&t, "balance = least_connections\n", 100, 1);
    for (int i = 0; i < 100; i++)
        atomic_store(&trial_standing(&t, i)->active, 50);
    for (int i = 0; i < 200; i++)
        trial_choose(&t);
    atomic_store(&trial_standing(&t, 77)->active, 0);
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
    for (int i = 0; i < 10000; i++)
        counts[trial_choose(&t)]++;
    ck_assert_uint_eq(counts[4], 0); /* it never wins against anybody */
    for (int i = 0; i < 10; i++)
        if (i != 4)
            ck_assert_uint_ge(counts[i], 900);
    trial_end(&t);
}
END_TEST

START_TEST(chance_follows_weights)
{
    struct trial t;
    size_t counts[3] = {0};
    struct alias a;
    const uint32_t drawn[] = {5, 3, 2};
    ck_assert_int_eq(alias_init(&a, 3), 0);
    alias_fill(&a, drawn, 3);
    for (uint64_t i = 0; i < 100000; i++)
        counts[alias_draw(&a, HASH(i))]++;
    assert_shares(counts, weights, 3, 6);
    alias_destroy(&a);
    /* With leases, shares of what is in use are as weights say. */
    begin_weighted(&t, "random_two");
    for (int i = 0; i < 1000; i++)
        trial_lease(&t);
    for (int i = 0; i < 3; i++)
        ck_assert_int_le(llabs(atomic_load(&trial_standing(&t, i)->active) - weights[i] * 100), 30);
    trial_end(&t);
}
END_TEST

START_TEST(any_weights_can_be_drawn_by)
{
    enum { N = 97 };
    struct alias a;
    uint32_t w[N];
    size_t counts[N] = {0};
    int64_t expected[N];
    ck_assert_int_eq(alias_init(&a, N), 0);
    for (int i = 0; i < N; i++)
        expected[i] = w[i] = i % 7 == 3 ? 0 : (uint32_t)(HASH(i) % 256) + 1;
    alias_fill(&a, w, N);
    for (uint64_t i = 0; i < 1000000; i++)
        counts[alias_draw(&a, HASH(i))]++;
    assert_shares(counts, expected, N, 6);
    const uint32_t one[] = {0, 0, 9, 0};
    alias_fill(&a, one, 4);
    for (uint64_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(alias_draw(&a, HASH(i)), 2);
    alias_destroy(&a);
}
END_TEST

START_TEST(slow_servers_get_less)
{
    struct trial t;
    size_t counts[3] = {0};
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\nbalance = least_time\n");
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

START_TEST(a_slow_answer_is_believed_at_once_and_forgotten_slowly)
{
    struct standing s = {.latency = 0};
    green_time now = GREEN_S(1000);
    latency_observe(&s, GREEN_MS(10), now);
    latency_observe(&s, GREEN_MS(500), now += GREEN_MS(1));
    ck_assert_int_eq(atomic_load(&s.latency), GREEN_MS(500));
    latency_observe(&s, GREEN_MS(10), now += GREEN_MS(1));
    ck_assert_int_gt(atomic_load(&s.latency), GREEN_MS(400));
    for (int i = 0; i < 1000; i++)
        latency_observe(&s, GREEN_MS(10), now += GREEN_MS(20));
    ck_assert_int_lt(atomic_load(&s.latency), GREEN_MS(20));
    ck_assert_int_lt(latency_now(&s, now + GREEN_S(100)), GREEN_MS(2));
}
END_TEST

START_TEST(the_first_is_filled)
{
    struct trial t;
    struct tried tried = {.count = 1, .index = {0}};
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\nbalance = first\n");
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(trial_choose(&t), 0);
    ck_assert_int_eq(trial_choose_hashed(&t, 0, &tried), 1);
    ck_assert_int_eq(trial_choose(&t), 0);
    trial_set_down(&t, 0, true);
    ck_assert_int_eq(trial_choose(&t), 1);
    trial_end(&t);
}
END_TEST

/* --- by hash ---------------------------------------------------------------------------------------------------------- */

START_TEST(hashes_are_spread_by_weight)
{
    struct trial t;
    size_t counts[3] = {0};
    begin_weighted(&t, "hash:source");
    for (int i = 0; i < 100000; i++)
        counts[trial_choose_hashed(&t, HASH(i), NULL)]++;
    for (int i = 0; i < 3; i++) { /* points are drawn too: a tenth more or less */
        ck_assert_uint_gt(counts[i], (size_t)weights[i] * 9000);
        ck_assert_uint_lt(counts[i], (size_t)weights[i] * 11000);
    }
    trial_end(&t);
}
END_TEST

enum { KEYS = 20000 };

static void map(struct trial *t, const char **where)
{
    for (int i = 0; i < KEYS; i++)
        where[i] = strdup(t->group.servers[trial_choose_hashed(t, HASH(i), NULL)].conf->text);
}

static void forget(const char **where)
{
    for (int i = 0; i < KEYS; i++)
        free((void *)(uintptr_t)where[i]);
}

/* When a server leaves, by failing or out of the configuration, only what it had moves. */
START_TEST(only_what_has_to_moves)
{
    static const char *before[KEYS], *down[KEYS], *gone[KEYS];
    struct trial t;
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\nserver = d:1\nbalance = hash:uri\n");
    map(&t, before);
    trial_set_down(&t, 2, true);
    map(&t, down);
    trial_end(&t);
    trial_begin(&t, "server = d:1\nserver = b:1\nserver = a:1\nbalance = hash:uri\n"); /* in another order */
    map(&t, gone);
    trial_end(&t);
    size_t moved = 0, other_moved = 0, different = 0, to_a = 0;
    for (int i = 0; i < KEYS; i++) {
        bool was_c = !strcmp(before[i], "c:1");
        moved += was_c;
        other_moved += !was_c && strcmp(before[i], down[i]);
        different += strcmp(down[i], gone[i]) != 0;
        to_a += was_c && !strcmp(down[i], "a:1");
    }
    ck_assert_uint_eq(other_moved, 0);
    ck_assert_uint_eq(different, 0);
    ck_assert_uint_gt(moved, KEYS / 5);
    ck_assert_uint_lt(moved, KEYS * 3 / 10);
    ck_assert_uint_gt(to_a, moved / 6); /* what it had is spread over all others */
    ck_assert_uint_lt(to_a, moved / 2);
    forget(before), forget(down), forget(gone);
}
END_TEST

/* A restart changes nothing: these were computed by another run. */
START_TEST(hashes_are_the_same_for_ever)
{
    struct trial t;
    char text[17] = "";
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\nserver = d:1\nbalance = hash:uri\n");
    for (int i = 0; i < 16; i++)
        text[i] = (char)('a' + trial_choose_hashed(&t, HASH(i), NULL));
    ck_assert_str_eq(text, "cdcbcbdacccdbdad");
    trial_end(&t);
}
END_TEST

START_TEST(load_is_bounded)
{
    struct trial t;
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\nserver = d:1\nbalance = "
                    "hash:uri\nhash_balance_factor = 125\n");
    for (int i = 0; i < 400; i++) { /* one key that everybody wants */
        int chosen = trial_choose_hashed(&t, HASH(1), NULL);
        atomic_fetch_add(&trial_standing(&t, chosen)->active, 1);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_le(atomic_load(&trial_standing(&t, i)->active), 126);
    trial_end(&t);
}
END_TEST

START_TEST(who_has_no_hash_goes_anywhere)
{
    struct trial t;
    size_t counts[3] = {0};
    struct lease_request request;
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\nbalance = hash:header:X-Key\n");
    lease_request_init(&request, NULL, true);
    for (int i = 0; i < 3000; i++)
        counts[group_choose(&t.group, &request) - t.group.servers]++;
    for (int i = 0; i < 3; i++)
        ck_assert_uint_gt(counts[i], 700);
    trial_end(&t);
}
END_TEST

/* --- who takes part --------------------------------------------------------------------------------------------------- */

static const char *const methods[] = {"round_robin", "least_connections", "random_two", "least_time",
                                      "first",       "hash:source"};

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
    char keys[512];
    snprintf(keys, sizeof keys,
             "server = a:1\nserver = b:1\nserver = c:1 tier=2\nserver = d:1 tier=1\nserver = e:1 "
             "backup\nbalance = %s\n",
             methods[_i]);
    trial_begin(&t, keys);
    for (int i = 0; i < 50; i++)
        ck_assert_int_le(trial_choose_hashed(&t, HASH(i), NULL), 1);
    trial_set_down(&t, 0, true);
    ck_assert_int_eq(trial_choose(&t), 1);
    trial_set_down(&t, 1, true);
    ck_assert_int_eq(trial_choose(&t), 3);
    trial_set_down(&t, 3, true);
    ck_assert_int_eq(trial_choose(&t), 2);
    trial_set_down(&t, 2, true);
    ck_assert_int_eq(trial_choose(&t), 4);
    trial_set_down(&t, 4, true);
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
    bool seen[4] = {false};
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1\nserver = d:1 backup\npanic_threshold = 50\n");
    trial_set_down(&t, 0, true);
    trial_set_down(&t, 1, true); /* half are well */
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(trial_choose(&t), 2);
    trial_set_down(&t, 2, true);
    server_set_duty(&t.group.servers[1], SERVER_DISABLED); /* that is still an operator's word */
    for (int i = 0; i < 20; i++)
        seen[trial_choose(&t)] = true;
    ck_assert(seen[0] && !seen[1] && seen[2] && seen[3]);
    trial_end(&t);
}
END_TEST

START_TEST(a_server_that_comes_back_warms_up)
{
    struct trial t;
    trial_begin(&t, "server = a:1 weight=10\nserver = b:1 weight=10\nslow_start = 1h\n");
    atomic_store(&trial_standing(&t, 1)->recovered, green_turn_time());
    standings_changed(&t.standings);
    size_t counts[2] = {0};
    for (int i = 0; i < 1100; i++)
        counts[trial_choose(&t)]++;
    ck_assert_uint_ge(counts[1], 90);
    ck_assert_uint_le(counts[1], 110);
    atomic_store(&trial_standing(&t, 1)->recovered, green_turn_time() - GREEN_S(1800));
    standings_changed(&t.standings);
    counts[0] = counts[1] = 0;
    for (int i = 0; i < 1500; i++)
        counts[trial_choose(&t)]++;
    ck_assert_uint_ge(counts[1], 480);
    ck_assert_uint_le(counts[1], 520);
    trial_end(&t);
}
END_TEST

START_TEST(weights_change_by_an_operators_word)
{
    struct trial t;
    char keys[256];
    size_t counts[2] = {0};
    snprintf(keys, sizeof keys, "server = a:1\nserver = b:1\nbalance = %s\n",
             _i ? "hash:uri" : "round_robin");
    trial_begin(&t, keys);
    server_set_weight(&t.group.servers[0], 9);
    for (int i = 0; i < 10000; i++)
        counts[trial_choose_hashed(&t, HASH(i), NULL)]++;
    ck_assert_uint_ge(counts[0], 8700);
    ck_assert_uint_le(counts[0], 9300);
    trial_end(&t);
}
END_TEST

/* --- the tournament ----------------------------------------------------------------------------------------------------- */

START_TEST(the_winner_is_the_least)
{
    for (size_t n = 1; n <= 40; n++) {
        struct tournament t;
        struct tournament_key keys[40];
        ck_assert_int_eq(tournament_init(&t, n), 0);
        for (size_t i = 0; i < n; i++)
            keys[i] = (struct tournament_key){.load = TOURNAMENT_OUT, .turn = UINT64_MAX};
        for (size_t step = 0; step < 2000; step++) {
            uint64_t random = HASH(step * 64 + n);
            size_t place = random % n, best = 0;
            keys[place] = (struct tournament_key){
                .load = random % 50 == 0 ? TOURNAMENT_OUT : (random >> 8) % 4, .turn = (random >> 16) % 4};
            tournament_set(&t, place, keys[place].load, keys[place].turn);
            for (size_t i = 1; i < n; i++)
                if (tournament_less(&keys[i], &keys[best]))
                    best = i;
            uint32_t winner = tournament_winner(&t);
            if (keys[best].load != TOURNAMENT_OUT)
                ck_assert_uint_eq(winner, best); /* the first of equals */
            else
                ck_assert_uint_eq(t.keys[winner].load, TOURNAMENT_OUT);
        }
        tournament_destroy(&t);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("balance");
    TCase *turns = tcase_create("turns"), *loads = tcase_create("loads"), *hashes = tcase_create("hashes"),
          *part = tcase_create("who takes part");
    tcase_add_test(turns, turns_are_exact);
    tcase_add_test(turns, equal_servers_take_turns_in_order);
    tcase_add_test(turns, who_comes_back_makes_up_for_nothing);
    tcase_add_test(turns, turns_never_overflow);
    tcase_add_test(turns, turns_go_on_in_the_next_configuration);
    tcase_add_test(turns, the_winner_is_the_least);
    tcase_add_test(loads, the_least_loaded_is_chosen);
    tcase_add_test(loads, connections_follow_weights);
    tcase_add_test(loads, idle_servers_take_turns);
    tcase_add_test(loads, loads_that_change_elsewhere_are_noticed);
    tcase_add_test(loads, of_two_the_less_loaded);
    tcase_add_test(loads, chance_follows_weights);
    tcase_add_test(loads, any_weights_can_be_drawn_by);
    tcase_add_test(loads, slow_servers_get_less);
    tcase_add_test(loads, a_slow_answer_is_believed_at_once_and_forgotten_slowly);
    tcase_add_test(loads, the_first_is_filled);
    tcase_add_test(hashes, hashes_are_spread_by_weight);
    tcase_add_test(hashes, only_what_has_to_moves);
    tcase_add_test(hashes, hashes_are_the_same_for_ever);
    tcase_add_test(hashes, load_is_bounded);
    tcase_add_test(hashes, who_has_no_hash_goes_anywhere);
    int count = (int)(sizeof methods / sizeof methods[0]);
    tcase_add_loop_test(part, who_was_tried_or_is_down_is_left_out, 0, count);
    tcase_add_loop_test(part, tiers_stand_in_for_one_another, 0, count);
    tcase_add_test(part, in_a_panic_all_get_requests);
    tcase_add_test(part, a_server_that_comes_back_warms_up);
    tcase_add_loop_test(part, weights_change_by_an_operators_word, 0, 2);
    suite_add_tcase(suite, turns);
    suite_add_tcase(suite, loads);
    suite_add_tcase(suite, hashes);
    suite_add_tcase(suite, part);
    tcase_set_timeout(turns, 60), tcase_set_timeout(loads, 60), tcase_set_timeout(hashes, 60),
        tcase_set_timeout(part, 60);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
