/* Links on what can be waited for, and waiting for several such things. */
#include "support.h"

#include "core/waiter.h"

/* The simplest object there is: a flag. */
struct flag {
    bool up;
    green_waitable_t waitable;
};

static bool is_up(const green_waitable_t *w)
{
    return CONTAINER_OF(w, struct flag, waitable)->up;
}

static void raise_flag(struct flag *f)
{
    f->up = true;
    green__notify(&f->waitable);
}

#define FLAG                                                                                                 \
    {                                                                                                        \
        .waitable = {.ready = is_up }                                                                        \
    }

struct note {
    green_link_t link;
    char letter;
    struct note *takes_off;
};

static char notes[32];
static size_t note_count;

static void take_note(green_link_t *link)
{
    struct note *n = CONTAINER_OF(link, struct note, link);
    notes[note_count++] = n->letter;
    if (n->takes_off)
        green_unlink(&n->takes_off->link);
    ck_assert_int_eq(green_yield(), -EPERM);
}

START_TEST(links_are_called_in_order_and_once)
{
    struct flag flag = FLAG;
    struct note a = {.letter = 'a'}, b = {.letter = 'b'};
    green_rawlink(&flag.waitable, &a.link, take_note);
    green_rawlink(&flag.waitable, &b.link, take_note);
    raise_flag(&flag);
    ck_assert_uint_eq(note_count, 0);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_str_eq(notes, "ab");
    raise_flag(&flag);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_str_eq(notes, "ab");
}
END_TEST

/* Case 21: on something ready already, in the next turn and not at once. */
START_TEST(a_late_link_is_called_in_the_next_turn)
{
    struct flag flag = FLAG;
    struct note a = {.letter = 'a'};
    raise_flag(&flag);
    green_rawlink(&flag.waitable, &a.link, take_note);
    ck_assert_uint_eq(note_count, 0);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_str_eq(notes, "a");
}
END_TEST

/* Cases 23 and 24. */
START_TEST(a_link_takes_off_a_later_one)
{
    struct flag flag = FLAG;
    struct note b = {.letter = 'b'}, a = {.letter = 'a', .takes_off = &b}, c = {.letter = 'c'};
    green_rawlink(&flag.waitable, &a.link, take_note);
    green_rawlink(&flag.waitable, &b.link, take_note);
    green_rawlink(&flag.waitable, &c.link, take_note);
    raise_flag(&flag);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_str_eq(notes, "ac");
    green_unlink(&b.link);
    green_unlink(&a.link);
}
END_TEST

START_TEST(an_unlinked_one_is_not_called)
{
    struct flag flag = FLAG;
    struct note a = {.letter = 'a'};
    green_rawlink(&flag.waitable, &a.link, take_note);
    green_unlink(&a.link);
    raise_flag(&flag);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_uint_eq(note_count, 0);
}
END_TEST

static void *raise_it(void *arg)
{
    ck_assert_int_eq(green_yield(), 0);
    raise_flag(arg);
    return NULL;
}

START_TEST(any_gives_the_one_that_is_ready)
{
    struct flag flags[3] = {FLAG, FLAG, FLAG};
    green_waitable_t *all[] = {&flags[0].waitable, &flags[1].waitable, &flags[2].waitable,
                               &flags[1].waitable};
    ck_assert_int_eq(green_wait_any(all, 4, GREEN_NOWAIT), -EAGAIN);
    green_t *g = green_spawn(raise_it, &flags[1]);
    ck_assert_int_eq(green_wait_any(all, 4, soon()), 1);
    ck_assert_int_eq(green_join(g, soon()), 0);
    green_release(g);
    ck_assert_int_eq(green_wait_any(all, 4, GREEN_NOWAIT), 1);
    ck_assert(chain_empty(&flags[0].waitable.links) && chain_empty(&flags[2].waitable.links));
    ck_assert_int_eq(green_wait_any(all, 0, soon()), -EINVAL);
    all[0] = NULL;
    ck_assert_int_eq(green_wait_any(all, 4, soon()), -EINVAL);
}
END_TEST

/* Cases 53 and 54. */
START_TEST(some_and_all_count)
{
    struct flag flags[3] = {FLAG, FLAG, FLAG};
    green_waitable_t *all[] = {&flags[0].waitable, &flags[1].waitable, &flags[2].waitable};
    size_t which[3], done;
    green_t *g = green_spawn(raise_it, &flags[2]);
    green_t *h = green_spawn(raise_it, &flags[0]);
    ck_assert_int_eq(green_wait_some(all, 3, 2, which, &done, soon()), 2);
    ck_assert_uint_eq(done, 2);
    ck_assert_uint_eq(which[0], 2);
    ck_assert_uint_eq(which[1], 0);
    ck_assert_int_eq(green_wait_some(all, 3, 3, which, &done, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_uint_eq(done, 2);
    ck_assert_int_eq(green_wait_all(all, 3, GREEN_NOWAIT), -EAGAIN);
    raise_flag(&flags[1]);
    ck_assert_int_eq(green_wait_all(all, 3, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_wait_all(all, 3, soon()), 0);
    ck_assert_int_eq(green_wait_all(all, 0, soon()), 0);
    ck_assert_int_eq(green_wait_some(all, 3, 4, which, &done, soon()), -EINVAL);
    ck_assert_int_eq(green_join(g, soon()), 0);
    ck_assert_int_eq(green_join(h, soon()), 0);
    green_release(g);
    green_release(h);
}
END_TEST

/* More than fit the frame, and a greenlet's end among them. */
START_TEST(many_objects)
{
    struct flag flags[99];
    green_waitable_t *all[100];
    for (int i = 0; i < 99; i++) {
        flags[i] = (struct flag)FLAG;
        all[i] = &flags[i].waitable;
    }
    green_t *g = green_spawn(raise_it, &flags[50]);
    all[99] = green_waitable(g);
    ck_assert_int_eq(green_wait_any(all, 100, soon()), 50);
    size_t which[100], done;
    ck_assert_int_eq(green_wait_some(all, 100, 2, which, &done, soon()), 2);
    ck_assert_uint_eq(which[1], 99);
    ck_assert(green_ready(all[99]));
    green_release(g);
}
END_TEST

static void *wait_for_both(void *arg)
{
    green_waitable_t *const *both = arg;
    return (void *)(intptr_t)green_wait_any(both, 2, GREEN_FOREVER);
}

START_TEST(a_cancelled_wait_leaves_nothing)
{
    struct flag a = FLAG, b = FLAG;
    green_waitable_t *both[] = {&a.waitable, &b.waitable};
    green_t *g = green_spawn(wait_for_both, both);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert(!chain_empty(&a.waitable.links));
    ck_assert_int_eq(green_kill(g, soon()), 0);
    void *result;
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((intptr_t)result, -ECANCELED);
    ck_assert(chain_empty(&a.waitable.links) && chain_empty(&b.waitable.links));
    green_release(g);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {links_are_called_in_order_and_once, 0},
        {a_late_link_is_called_in_the_next_turn, 0},
        {a_link_takes_off_a_later_one, 0},
        {an_unlinked_one_is_not_called, 0},
        {any_gives_the_one_that_is_ready, 0},
        {some_and_all_count, 0},
        {many_objects, 0},
        {a_cancelled_wait_leaves_nothing, 0},
    };
    return RUN_TESTS("waitable", tests);
}
