/* What is known of servers, told by one process and taken by the next. */
#include "upstream/inheritance.h"

#include <errno.h>

#include "groups.h"

static const green_time now = GREEN_S(100000), later = GREEN_S(5000);

/* Each line after its first word, as the other process gets it. */
static int take(struct standings *all, const char *text)
{
    int r = 0;
    for (; *text && r == 0; text += strlen(text) + 1)
        r = strncmp(text, "secret ", 7) == 0 ? inheritance_take_secret(all, text + 7)
                                             : inheritance_take_health(all, text + 7, later);
    return r;
}

static struct standing *make(struct standings *all, const char *server, bool known, bool down)
{
    struct standing *s = standing_hold(all, "app", server);
    s->check.known = known;
    atomic_store(&s->down, down);
    return s;
}

START_TEST(all_of_it_arrives)
{
    struct standings before, after;
    ck_assert_int_eq(standings_init(&before), 0);
    ck_assert_int_eq(standings_init(&after), 0);
    struct standing *down = make(&before, "down:1", true, true), *up = make(&before, "up:1", true, false),
                    *out = make(&before, "name with spaces:1 ([::1]:80)", false, false),
                    *dull = make(&before, "dull:1", false, false);
    atomic_store(&out->ejected_until, now + GREEN_S(7));
    atomic_store(&out->ejections, 3);
    atomic_store(&up->recovered, now - GREEN_S(2));
    atomic_store(&up->errors, 4);
    char *text = inheritance_tell(&before, now);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(take(&after, text), 0);
    free(text);
    ck_assert_mem_eq(before.secret, after.secret, sizeof before.secret);
    ck_assert_uint_eq(after.inherited_count, 3);

    struct standing *d = standing_hold(&after, "app", "down:1"), *u = standing_hold(&after, "app", "up:1"),
                    *o = standing_hold(&after, "app", "name with spaces:1 ([::1]:80)"),
                    *x = standing_hold(&after, "app", "dull:1");
    ck_assert(d->check.was_known && u->check.was_known && !o->check.was_known && !x->check.inherited);
    ck_assert_int_eq(standing_state(d, later), STANDING_DOWN);
    ck_assert_int_eq(standing_state(u, later), STANDING_UP);
    ck_assert_int_eq(standing_state(o, later + GREEN_S(7)), STANDING_EJECTED);
    ck_assert_int_eq(standing_state(o, later + GREEN_S(8)), STANDING_UP);
    ck_assert_uint_eq(atomic_load(&o->ejections), 3);
    ck_assert_int_eq(atomic_load(&u->recovered), later - GREEN_S(2));
    ck_assert_uint_eq(atomic_load(&u->errors), 4);

    ck_assert(inheritance_accept(u)); /* it is checked here too; nobody asks for the other */
    inheritance_end(&after);
    ck_assert_int_eq(standing_state(d, later), STANDING_UP);
    struct standing *all[] = {down, up, out, dull, d, u, o, x};
    for (int i = 0; i < 8; i++)
        standing_release(all[i]);
    standings_destroy(&before);
    standings_destroy(&after);
}
END_TEST

static const char *const wrongs[] = {"",
                                     "1 1 0 0 0",
                                     "1 1 0 0 0 -1 app",
                                     "1 1 0 0 0 -1 app ",
                                     "2 1 0 0 0 -1 app a:1",
                                     "1 -1 0 0 0 -1 app a:1",
                                     "1 1 0 -5 0 -1 app a:1",
                                     "1 1 0 99999999999999999 0 -1 app a:1",
                                     "1 1 0 0 0 -2 app a:1",
                                     "1 1 0 0 0 99999999999999999 app a:1",
                                     "x 1 0 0 0 -1 app a:1"};

START_TEST(nonsense_is_refused)
{
    struct standings all;
    ck_assert_int_eq(standings_init(&all), 0);
    ck_assert_int_eq(inheritance_take_health(&all, wrongs[_i], later), -EPROTO);
    ck_assert(LIST_EMPTY(&all.list));
    standings_destroy(&all);
}
END_TEST

START_TEST(nothing_is_taken_twice)
{
    struct standings all;
    ck_assert_int_eq(standings_init(&all), 0);
    ck_assert_int_eq(inheritance_take_health(&all, "1 1 0 0 0 -1 app a:1", later), 0);
    ck_assert_int_eq(inheritance_take_health(&all, "1 0 0 0 0 -1 app a:1", later), -EPROTO);
    standings_destroy(&all); /* which lets go of what nobody has asked for */
}
END_TEST

START_TEST(secrets_are_whole)
{
    struct standings all;
    unsigned char before[sizeof all.secret];
    char text[2 * sizeof all.secret + 3];
    ck_assert_int_eq(standings_init(&all), 0);
    memcpy(before, all.secret, sizeof before);
    memset(text, 'a', sizeof text);
    static const size_t lengths[] = {0, 1, sizeof all.secret, 2 * sizeof all.secret - 1,
                                     2 * sizeof all.secret + 1};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        text[lengths[i]] = 0;
        ck_assert_int_eq(inheritance_take_secret(&all, text), -EPROTO);
        text[lengths[i]] = 'a';
    }
    text[2 * sizeof all.secret] = 0;
    text[5] = 'g';
    ck_assert_int_eq(inheritance_take_secret(&all, text), -EPROTO);
    ck_assert_mem_eq(before, all.secret, sizeof before);
    text[5] = 'a';
    ck_assert_int_eq(inheritance_take_secret(&all, text), 0);
    ck_assert_int_eq(all.secret[7], 0xaa);
    standings_destroy(&all);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("inheritance");
    tcase_add_test(tc, all_of_it_arrives);
    tcase_add_loop_test(tc, nonsense_is_refused, 0, sizeof wrongs / sizeof wrongs[0]);
    tcase_add_test(tc, nothing_is_taken_twice);
    tcase_add_test(tc, secrets_are_whole);
    return run_suite(tc, "upstream/inheritance");
}
