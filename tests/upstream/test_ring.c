/* Which server a hash belongs to, and what moves when servers come and go. */
#include "groups.h"

enum { KEYS = 20000, SERVERS = 20, GONE = -1 };

/* Where each key is at home, by the number in its server's name. */
static void map(const char *keys, const int *down, int *homes)
{
    struct trial t;
    trial_begin(&t, keys);
    for (int i = 0; down && down[i] >= 0; i++)
        trial_set_down(&t, down[i], true);
    for (int i = 0; i < KEYS; i++)
        homes[i] = atoi(t.group.servers[trial_choose_hashed(&t, HASH(i), NULL)].conf->text + 1);
    trial_end(&t);
}

/* Servers s0 to s19, in this order or the other way round, but for one; one of them may have another weight. */
static char *servers(bool backwards, int without, int heavy, int weight)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    for (int i = 0; i < SERVERS; i++) {
        int which = backwards ? SERVERS - 1 - i : i;
        if (which != without)
            fprintf(out, "server = s%d:1 weight=%d\n", which, which == heavy ? weight : 2);
    }
    fputs("balance = hash:uri\n", out);
    fclose(out);
    return text;
}

static void map_servers(bool backwards, int without, int heavy, int weight, int *homes)
{
    char *text = servers(backwards, without, heavy, weight);
    map(text, NULL, homes);
    free(text);
}

static int before[KEYS], after[KEYS];

/* It has about its share of all keys. */
static void assert_share(const int *homes, int server, double share)
{
    int has = 0;
    for (int i = 0; i < KEYS; i++)
        has += homes[i] == server;
    ck_assert_msg(has > 0.7 * share * KEYS && has < 1.4 * share * KEYS, "s%d has %d of %d keys", server, has,
                  KEYS);
}

START_TEST(each_has_its_share)
{
    map_servers(false, GONE, GONE, 0, before);
    for (int i = 0; i < SERVERS; i++)
        assert_share(before, i, 1.0 / SERVERS);
}
END_TEST

/* Whichever leaves, all it had moves, and nothing else; to all others. */
START_TEST(only_what_has_to_moves)
{
    static const int down[] = {3, GONE};
    int to[SERVERS] = {0}, failing[KEYS], others = 0;
    map_servers(false, GONE, GONE, 0, before);
    map_servers(true, 3, GONE, 0, after); /* in another order */
    for (int i = 0; i < KEYS; i++) {
        if (before[i] == 3)
            to[after[i]]++;
        else
            ck_assert_int_eq(before[i], after[i]);
    }
    assert_share(before, 3, 1.0 / SERVERS);
    for (int i = 0; i < SERVERS; i++)
        others += to[i] > 0;
    ck_assert_int_ge(others, SERVERS - 3);
    char *text = servers(false, GONE, GONE, 0);
    map(text, down, failing); /* as when it is only down */
    free(text);
    ck_assert_mem_eq(failing, after, sizeof failing);
}
END_TEST

/* More weight takes from others, and gives nothing. */
START_TEST(weights_move_keys_one_way)
{
    map_servers(false, GONE, GONE, 0, before);
    map_servers(false, GONE, 7, 4, after);
    for (int i = 0; i < KEYS; i++)
        ck_assert(before[i] == after[i] || after[i] == 7);
    assert_share(after, 7, 2.0 / (SERVERS + 1));
}
END_TEST

/* A restart changes nothing: these were computed by another run. */
START_TEST(hashes_are_the_same_for_ever)
{
    struct trial t;
    char text[17] = "";
    trial_begin(&t, ABCD "balance = hash:uri\n");
    for (int i = 0; i < 16; i++)
        text[i] = (char)('a' + trial_choose_hashed(&t, HASH(i), NULL));
    ck_assert_str_eq(text, "cdcbcbdacccdbdad");
    trial_end(&t);
}
END_TEST

START_TEST(a_thousand_servers)
{
    struct trial t;
    size_t counts[1000] = {0};
    trial_begin_many(&t, "balance = hash:uri\n", 1000, 256);
    ck_assert_uint_le(t.group.balance.ring.count, RING_POINTS_MOST);
    for (int i = 0; i < 200000; i++)
        counts[trial_choose_hashed(&t, HASH(i), NULL)]++;
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_ge(counts[i], 60); /* of 200 */
    trial_end(&t);
}
END_TEST

START_TEST(who_has_no_hash_goes_anywhere)
{
    struct trial t;
    size_t counts[3] = {0};
    struct lease_request request;
    trial_begin(&t, ABC "balance = hash:header:X-Key\n");
    lease_request_init(&request, NULL, true);
    for (int i = 0; i < 3000; i++)
        counts[group_choose(&t.group, &request) - t.group.servers]++;
    for (int i = 0; i < 3; i++)
        ck_assert_uint_gt(counts[i], 700);
    trial_end(&t);
}
END_TEST

/* --- bounded load ------------------------------------------------------------------------------------------------------- */

/* One key that everybody wants, and many: nobody ever has more than its share by the factor, rounded up. */
START_TEST(load_is_bounded)
{
    static const int weights[] = {1, 1, 4, 2};
    struct trial t;
    trial_begin(&t, "server = a:1\nserver = b:1\nserver = c:1 weight=4\nserver = d:1 weight=2\n"
                    "balance = hash:uri\nhash_balance_factor = 125\n");
    for (int n = 1; n <= 800; n++) {
        int chosen = trial_lease_hashed(&t, _i ? HASH(n) : HASH(1));
        int share = (n * 125 * weights[chosen] + 799) / 800;
        ck_assert_int_le(trial_active(&t, chosen), share);
    }
    int all = 0;
    for (int i = 0; i < 4; i++)
        all += trial_active(&t, i);
    ck_assert_int_eq(all, 800);
    trial_end(&t);
}
END_TEST

/* As long as nobody has too much keys stay at home. */
START_TEST(bounds_that_are_not_reached_change_nothing)
{
    struct trial bounded, free_of_it;
    trial_begin(&bounded, ABCD "balance = hash:uri\nhash_balance_factor = 300\n");
    trial_begin(&free_of_it, ABCD "balance = hash:uri\n");
    for (int i = 0; i < 4; i++)
        trial_set_active(&bounded, i, 100);
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(trial_choose_hashed(&bounded, HASH(i), NULL),
                         trial_choose_hashed(&free_of_it, HASH(i), NULL));
    trial_end(&bounded);
    trial_end(&free_of_it);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("ring");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, each_has_its_share);
    tcase_add_test(tc, only_what_has_to_moves);
    tcase_add_test(tc, weights_move_keys_one_way);
    tcase_add_test(tc, hashes_are_the_same_for_ever);
    tcase_add_test(tc, a_thousand_servers);
    tcase_add_test(tc, who_has_no_hash_goes_anywhere);
    tcase_add_test(tc, bounds_that_are_not_reached_change_nothing);
    tcase_add_loop_test(tc, load_is_bounded, 0, 2);
    return run_suite(tc, "upstream/ring");
}
