/* Which of many keys is the least, as they change. */
#include <errno.h>

#include "groups.h"

START_TEST(the_winner_is_the_least)
{
    for (size_t n = 1; n <= 40; n++) {
        struct tournament t;
        struct tournament_key keys[40];
        ck_assert_int_eq(tournament_init(&t, n), 0);
        for (size_t i = 0; i < n; i++)
            keys[i] = tournament_key(i, TOURNAMENT_OUT, 0);
        for (size_t step = 0; step < 2000; step++) {
            uint64_t random = HASH(step * 64 + n), turn = (random >> 16) % 4;
            size_t place = random % n, best = 0;
            uint64_t load = random % 50 == 0 ? TOURNAMENT_OUT : (random >> 8) % 4;
            keys[place] = tournament_key(place, load, turn);
            tournament_set(&t, place, load, turn);
            for (size_t i = 1; i < n; i++)
                if (tournament_less(&keys[i], &keys[best]))
                    best = i;
            if (keys[best].load == TOURNAMENT_OUT) /* then any, who is out too */
                ck_assert_uint_eq(t.keys[tournament_winner(&t)].load, TOURNAMENT_OUT);
            else
                ck_assert_uint_eq(tournament_winner(&t), best); /* the first of equals */
        }
        tournament_destroy(&t);
    }
}
END_TEST

START_TEST(many_keys_at_once)
{
    struct tournament t;
    ck_assert_int_eq(tournament_init(&t, 1000), 0);
    for (size_t i = 0; i < 1000; i++)
        t.keys[i] = tournament_key(i, HASH(i) % 1000 + 5, HASH(i) >> 40);
    t.keys[771] = tournament_key(771, 4, TOURNAMENT_TURN_MOST - 1);
    tournament_play(&t);
    ck_assert_uint_eq(tournament_winner(&t), 771);
    tournament_destroy(&t);
}
END_TEST

START_TEST(load_goes_before_turn_and_turn_before_place)
{
    struct tournament_key first = tournament_key(9, 1, 9), second = tournament_key(8, 2, 1),
                          third = tournament_key(3, 2, 2), fourth = tournament_key(4, 2, 2),
                          last = tournament_key(0, TOURNAMENT_OUT, 0);
    const struct tournament_key *order[] = {&first, &second, &third, &fourth, &last};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 5; k++)
            ck_assert_int_eq(tournament_less(order[i], order[k]), i < k);
}
END_TEST

START_TEST(more_than_places_can_be_numbered)
{
    struct tournament t;
    ck_assert_int_eq(tournament_init(&t, ((size_t)1 << TOURNAMENT_PLACE_BITS) + 1), -ENOMEM);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("tournament");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, the_winner_is_the_least);
    tcase_add_test(tc, many_keys_at_once);
    tcase_add_test(tc, load_goes_before_turn_and_turn_before_place);
    tcase_add_test(tc, more_than_places_can_be_numbered);
    return run_suite(tc, "upstream/tournament");
}
