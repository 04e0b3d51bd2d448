/* Read-write locks: who gets in with whom, and after whom. */
#include "support.h"

static green_rwlock_t lock = GREEN_RWLOCK_INIT;
static char story[64];

static void tell(char c)
{
    story[strlen(story)] = c;
}

struct actor {
    char letter; /* capital: a writer */
    int result;
    green_event_t go; /* leaves when set */
};

static struct actor actors[8];

static void *act(void *arg)
{
    struct actor *a = arg;
    bool writes = a->letter < 'a';
    a->result =
        writes ? green_rwlock_write_lock(&lock, GREEN_FOREVER) : green_rwlock_read_lock(&lock, GREEN_FOREVER);
    if (a->result < 0)
        return NULL;
    tell(a->letter);
    green_shield();
    ck_assert_int_eq(green_event_wait(&a->go, GREEN_FOREVER), 0);
    green_unshield();
    ck_assert_int_eq(green_rwlock_unlock(&lock), 0);
    return NULL;
}

static green_t *enter(int i, char letter)
{
    actors[i] = (struct actor){.letter = letter, .result = 1, .go = GREEN_EVENT_INIT};
    green_t *g = spawn(act, &actors[i]);
    yields(1);
    return g;
}

static void leave(int i)
{
    green_event_set(&actors[i].go);
    yields(3);
}

START_TEST(one_writer_or_many_readers)
{
    uint64_t before = switches();
    green_rwlock_init(&lock);
    ck_assert_int_eq(green_rwlock_unlock(&lock), -EPERM);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(i ? green_rwlock_try_read_lock(&lock) : green_rwlock_read_lock(&lock, GREEN_NOWAIT),
                         0);
    ck_assert_int_eq(green_rwlock_try_write_lock(&lock), -EAGAIN);
    ck_assert_int_eq(green_rwlock_write_lock(&lock, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_rwlock_destroy(&lock), -EBUSY);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(green_rwlock_unlock(&lock), -EPERM);
    ck_assert_int_eq(green_rwlock_write_lock(&lock, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_rwlock_write_lock(&lock, soon()), -EDEADLK);
    ck_assert_int_eq(green_rwlock_try_write_lock(&lock), -EDEADLK);
    ck_assert_int_eq(green_rwlock_read_lock(&lock, soon()), -EDEADLK);
    ck_assert_int_eq(green_rwlock_try_read_lock(&lock), -EAGAIN);
    ck_assert_int_eq(green_rwlock_destroy(&lock), -EBUSY);
    ck_assert_int_eq(green_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(green_rwlock_try_write_lock(&lock), 0);
    ck_assert_int_eq(green_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(green_rwlock_destroy(&lock), 0);
    ck_assert_uint_eq(switches(), before);
}
END_TEST

/* A writer who waits keeps new readers out; leaving, it lets those in before the next writer. */
START_TEST(nobody_is_kept_out_for_good)
{
    green_t *g[] = {enter(0, 'a'), enter(1, 'B'), enter(2, 'c'), enter(3, 'D'), enter(4, 'e'), enter(5, 'F')};
    ck_assert_str_eq(story, "a");
    ck_assert_int_eq(green_rwlock_unlock(&(green_rwlock_t)GREEN_RWLOCK_INIT), -EPERM);
    leave(0);
    ck_assert_str_eq(story, "aB");
    ck_assert_int_eq(green_rwlock_unlock(&lock), -EPERM); /* B's */
    leave(1);
    ck_assert_str_eq(story, "aBce");
    leave(2);
    ck_assert_str_eq(story, "aBce");
    leave(4);
    ck_assert_str_eq(story, "aBceD");
    leave(3);
    ck_assert_str_eq(story, "aBceDF");
    leave(5);
    for (int i = 0; i < 6; i++)
        finish(g[i]);
    ck_assert_int_eq(green_rwlock_destroy(&lock), 0);
}
END_TEST

/* A writer who gives up lets the readers in who waited for it, but not past another writer. */
START_TEST(writers_who_give_up)
{
    green_t *a = enter(0, 'a'), *b = enter(1, 'B'), *c = enter(2, 'C'), *d = enter(3, 'd');
    ck_assert_int_eq(green_kill(b, soon()), 0);
    ck_assert_int_eq(actors[1].result, -ECANCELED);
    yields(1);
    ck_assert_str_eq(story, "a");
    ck_assert_int_eq(green_kill(c, soon()), 0);
    yields(1);
    ck_assert_str_eq(story, "ad");
    ck_assert_int_eq(green_rwlock_write_lock(&lock, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_rwlock_try_read_lock(&lock), 0);
    ck_assert_int_eq(green_rwlock_unlock(&lock), 0);
    leave(0);
    leave(3);
    green_t *all[] = {a, b, c, d};
    for (int i = 0; i < 4; i++)
        finish(all[i]);
    ck_assert_int_eq(green_rwlock_destroy(&lock), 0);
}
END_TEST

/* The last reader leaves when the only writer has just been cancelled and has not run yet. */
START_TEST(a_dead_writer_blocks_nobody)
{
    green_t *a = enter(0, 'a'), *b = enter(1, 'B'), *c = enter(2, 'c');
    green_event_set(&actors[0].go); /* a is ready before b */
    ck_assert_int_eq(green_cancel(b), 0);
    yields(3);
    ck_assert_str_eq(story, "ac");
    leave(2);
    finish(a);
    finish(b);
    finish(c);
    ck_assert_int_eq(green_rwlock_destroy(&lock), 0);
}
END_TEST

/* Let in and cancelled before it runs: it is in. A cancelled reader leaves nothing. */
START_TEST(late_and_early_cancellation)
{
    green_t *a = enter(0, 'A'), *b = enter(1, 'b'), *c = enter(2, 'c'), *d = enter(3, 'D');
    ck_assert_int_eq(green_cancel(b), 0);
    green_event_set(&actors[0].go);
    yields(1); /* A leaves and lets c in */
    ck_assert_int_eq(green_cancel(c), 0);
    yields(1);
    ck_assert_int_eq(actors[1].result, -ECANCELED);
    ck_assert_int_eq(actors[2].result, 0);
    ck_assert_str_eq(story, "Ac");
    leave(2);
    ck_assert_str_eq(story, "AcD");
    leave(3);
    green_t *all[] = {a, b, c, d};
    for (int i = 0; i < 4; i++)
        finish(all[i]);
    ck_assert_int_eq(green_rwlock_destroy(&lock), 0);
}
END_TEST

static int readers, writers, reads, writes;

static void *read_or_write(void *arg)
{
    int seed = (int)(intptr_t)arg;
    for (int i = 0; i < 50; i++) {
        bool write = (i + seed) % 4 == 0;
        green_time deadline = (i + seed) % 7 ? soon() : green_in(GREEN_US(30));
        int r = write ? green_rwlock_write_lock(&lock, deadline) : green_rwlock_read_lock(&lock, deadline);
        if (r == -ETIMEDOUT)
            continue;
        ck_assert_int_eq(r, 0);
        *(write ? &writers : &readers) += 1;
        ck_assert(writers == 0 || (writers == 1 && readers == 0));
        ck_assert_int_eq(i % 3 ? green_yield() : green_sleep(GREEN_US(10)), 0);
        *(write ? &writers : &readers) -= 1;
        *(write ? &writes : &reads) += 1;
        ck_assert_int_eq(green_rwlock_unlock(&lock), 0);
    }
    return NULL;
}

START_TEST(many_of_both)
{
    green_t *g[20];
    for (int i = 0; i < 20; i++)
        g[i] = spawn(read_or_write, (void *)(intptr_t)i);
    for (int i = 0; i < 20; i++)
        finish(g[i]);
    ck_assert_int_gt(reads, 0);
    ck_assert_int_gt(writes, 0);
    ck_assert_int_eq(green_rwlock_destroy(&lock), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {one_writer_or_many_readers, 0},  {nobody_is_kept_out_for_good, 0}, {writers_who_give_up, 0},
        {a_dead_writer_blocks_nobody, 0}, {late_and_early_cancellation, 0}, {many_of_both, 0},
    };
    return RUN_TESTS("rwlock", tests);
}
