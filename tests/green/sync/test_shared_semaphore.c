/* Semaphores across threads: duels, and those who give up. */
#include "threads.h"

static green_shared_semaphore_t sem = GREEN_SHARED_SEMAPHORE_INIT(0);
static pthread_barrier_t all_done;

static void *take(void *arg)
{
    return (void *)(intptr_t)green_shared_semaphore_acquire(&sem, GREEN_FOREVER);
}

static int result_of(green_t *g)
{
    void *result;
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    green_release(g);
    return (int)(intptr_t)result;
}

START_TEST(counting)
{
    uint64_t before = switches();
    ck_assert_int_eq(green_shared_semaphore_init(&sem, -1), -EINVAL);
    ck_assert_int_eq(green_shared_semaphore_init_bounded(&sem, 0, 0), -EINVAL);
    ck_assert_int_eq(green_shared_semaphore_init_bounded(&sem, 3, 2), -EINVAL);
    ck_assert_int_eq(green_shared_semaphore_init_bounded(&sem, 2, 2), 0);
    ck_assert_int_eq(green_shared_semaphore_release(&sem), -EOVERFLOW);
    ck_assert_int_eq(green_shared_semaphore_acquire(&sem, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_shared_semaphore_try_acquire(&sem), 0);
    ck_assert_int_eq(green_shared_semaphore_try_acquire(&sem), -EAGAIN);
    ck_assert_int_eq(green_shared_semaphore_acquire(&sem, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_shared_semaphore_count(&sem), 0);
    ck_assert_int_eq(green_shared_semaphore_release(&sem), 1);
    ck_assert_int_eq(green_shared_semaphore_release(&sem), 2);
    ck_assert_int_eq(green_shared_semaphore_destroy(&sem), 0);
    ck_assert_uint_eq(switches(), before);
}
END_TEST

/* Cases 58 and 61 within one hub: who gives up takes nothing, who waits gets the token before the releaser does. */
START_TEST(within_one_hub)
{
    ck_assert_int_eq(green_shared_semaphore_acquire(&sem, green_in_ms(1)), -ETIMEDOUT);
    green_t *killed = spawn(take, NULL), *next = spawn(take, NULL);
    yields(1);
    ck_assert_int_eq(green_shared_semaphore_destroy(&sem), -EBUSY);
    ck_assert_int_eq(green_kill(killed, soon()), 0);
    ck_assert_int_eq(result_of(killed), -ECANCELED);
    ck_assert_int_eq(green_shared_semaphore_release(&sem), 0);
    ck_assert_int_eq(green_shared_semaphore_try_acquire(&sem), -EAGAIN);
    ck_assert_int_eq(result_of(next), 0);
    ck_assert_int_eq(green_shared_semaphore_count(&sem), 0);
    ck_assert_int_eq(green_shared_semaphore_destroy(&sem), 0);
}
END_TEST

static void *release_without_hub(void *arg)
{
    until_waiting(&sem.lock, &sem.waiters, (int)(intptr_t)arg);
    intptr_t bad = green_shared_semaphore_try_acquire(&sem) != -EAGAIN;
    bad |= green_shared_semaphore_acquire(&sem, GREEN_NOWAIT) != -EAGAIN;
    bad |= green_shared_semaphore_release(&sem) != 0;
    return (void *)(bad | (green__hub != NULL));
}

/* Case 62 across threads: the token is handed over while the hub is held up, the waiter is cancelled before it hears of
 * that. It has the token. */
START_TEST(a_token_handed_over_stays)
{
    green_t *first = spawn(take, NULL), *second = spawn(take, NULL);
    yields(1);
    ck_assert_ptr_null(end_of(start(release_without_hub, (void *)2)));
    ck_assert_int_eq(green_cancel(first), 0);
    ck_assert_int_eq(result_of(first), 0);
    ck_assert(!green_done(second));
    ck_assert_int_eq(green_shared_semaphore_release(&sem), 0);
    ck_assert_int_eq(result_of(second), 0);
    ck_assert_int_eq(green_shared_semaphore_count(&sem), 0);
    ck_assert_uint_eq(green_hub()->outside, 0);
}
END_TEST

static void *give_up(void *arg)
{
    intptr_t bad = green_shared_semaphore_acquire(&sem, green_in_ms(2)) != -ETIMEDOUT;
    bad |= green_hub_close() != 0;
    return (void *)bad;
}

/* Case 65: one waits, one in another thread waits behind it and gives up; the third, behind both, gets its token. */
START_TEST(the_third_gets_it_when_the_second_gives_up)
{
    green_t *first = spawn(take, NULL);
    yields(1);
    ck_assert_ptr_null(end_of(start(give_up, NULL)));
    green_t *third = spawn(take, NULL);
    yields(1);
    for (intptr_t i = 2; i > 0; i--)
        ck_assert_ptr_null(end_of(start(release_without_hub, (void *)i)));
    ck_assert_int_eq(result_of(first), 0);
    ck_assert_int_eq(result_of(third), 0);
    ck_assert_int_eq(green_shared_semaphore_count(&sem), 0);
}
END_TEST

enum { DUELISTS = 8, GREENLETS = 4 };

static struct duel {
    int tokens, each;
    bool impatient;
} duel;
static atomic_int inside, most_inside, entered, gave_up, wrong;

static void *duel_greenlet(void *arg)
{
    for (int i = 0; i < duel.each; i++) {
        bool impatient = duel.impatient && i % 2;
        int r = green_shared_semaphore_acquire(&sem, impatient ? green_in(GREEN_US(20)) : soon());
        if (r == -ETIMEDOUT && impatient) {
            gave_up++;
            continue;
        }
        wrong |= r != 0;
        int now = ++inside;
        if (now > most_inside)
            most_inside = now;
        wrong |= now > duel.tokens;
        if (i % 16 == 0)
            wrong |= green_yield() != 0;
        inside--;
        entered++;
        wrong |= green_shared_semaphore_release(&sem) < 0;
    }
    return arg;
}

static void *duel_thread(void *arg)
{
    green_t *g[GREENLETS];
    for (int i = 0; i < GREENLETS; i++)
        wrong |= !(g[i] = green_spawn(duel_greenlet, NULL));
    for (int i = 0; i < GREENLETS && !wrong; i++) {
        wrong |= green_join(g[i], GREEN_FOREVER) != 0;
        green_release(g[i]);
    }
    return close_hub(&all_done, 0);
}

/* Case 64: hubs compete for few tokens, ten thousand times each, with patience and without. */
static void fight(int threads, int tokens, int each, bool impatient)
{
    pthread_t t[DUELISTS];
    duel = (struct duel){tokens, each / GREENLETS, impatient};
    ck_assert_int_eq(green_shared_semaphore_init_bounded(&sem, tokens, tokens), 0);
    pthread_barrier_init(&all_done, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++)
        t[i] = start(duel_thread, NULL);
    for (int i = 0; i < threads; i++)
        ck_assert_ptr_null(end_of(t[i]));
    pthread_barrier_destroy(&all_done);
    ck_assert(!wrong);
    ck_assert_int_eq(entered + gave_up, threads * GREENLETS * duel.each);
    ck_assert_int_gt(most_inside, 0);
    ck_assert_int_eq(green_shared_semaphore_count(&sem), tokens);
    ck_assert_int_eq(green_shared_semaphore_destroy(&sem), 0);
}

START_TEST(dueling_hubs)
{
    fight(2, 1 + _i % 2, rounds(10000), _i >= 2);
}
END_TEST

START_TEST(many_hubs)
{
    fight(DUELISTS, 3, rounds(1000), _i == 1);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {counting, 0},
        {within_one_hub, 0},
        {a_token_handed_over_stays, 0},
        {the_third_gets_it_when_the_second_gives_up, 0},
        {dueling_hubs, 4},
        {many_hubs, 2},
    };
    return RUN_TESTS("shared_semaphore", tests);
}
