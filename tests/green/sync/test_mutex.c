/* Mutexes: ownership, hand-over, and what a fork makes of them. */
#include "support.h"

#include <pthread.h>

static green_mutex_t mutex = GREEN_MUTEX_INIT;

struct locker {
    int result, unlocked;
    green_event_t go; /* unlocks when set */
};

#define LOCKER                                                                                               \
    {                                                                                                        \
        .go = GREEN_EVENT_INIT                                                                               \
    }

static void *lock_and_hold(void *arg)
{
    struct locker *l = arg;
    l->unlocked = 1;
    l->result = green_mutex_lock(&mutex, GREEN_FOREVER);
    if (l->result < 0)
        return NULL;
    ck_assert(green_mutex_is_mine(&mutex));
    green_shield();
    ck_assert_int_eq(green_event_wait(&l->go, GREEN_FOREVER), 0);
    green_unshield();
    l->unlocked = green_mutex_unlock(&mutex);
    return NULL;
}

START_TEST(one_owner)
{
    uint64_t before = switches();
    ck_assert_int_eq(green_mutex_unlock(&mutex), -EPERM);
    ck_assert_int_eq(green_mutex_lock(&mutex, GREEN_NOWAIT), 0);
    ck_assert(green_mutex_is_mine(&mutex));
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), -EDEADLK);
    ck_assert_int_eq(green_mutex_try_lock(&mutex), -EDEADLK);
    ck_assert_int_eq(green_mutex_destroy(&mutex), -EBUSY);
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(green_mutex_unlock(&mutex), -EPERM);
    ck_assert(!green_mutex_is_mine(&mutex));
    ck_assert_int_eq(green_mutex_try_lock(&mutex), 0);
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(green_mutex_destroy(&mutex), 0);
    ck_assert_uint_eq(switches(), before);
}
END_TEST

START_TEST(only_the_owner_unlocks)
{
    struct locker l = LOCKER;
    green_mutex_init(&mutex);
    green_t *g = spawn(lock_and_hold, &l);
    yields(1);
    ck_assert_int_eq(green_mutex_unlock(&mutex), -EPERM);
    ck_assert_int_eq(green_mutex_try_lock(&mutex), -EAGAIN);
    ck_assert_int_eq(green_mutex_lock(&mutex, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_mutex_lock(&mutex, green_in_ms(1)), -ETIMEDOUT);
    ck_assert(!green_mutex_is_mine(&mutex));
    green_event_set(&l.go);
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    finish(g);
    ck_assert_int_eq(l.unlocked, 0);
}
END_TEST

/* Unlocked and locked again at once: in between it belongs to the one who waited. */
START_TEST(handed_over_in_order)
{
    struct locker l[3] = {LOCKER, LOCKER, LOCKER};
    green_t *g[3];
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    for (int i = 0; i < 3; i++) {
        g[i] = spawn(lock_and_hold, &l[i]);
        l[i].result = 1;
    }
    yields(1);
    ck_assert_int_eq(green_mutex_destroy(&mutex), -EBUSY);
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(green_mutex_try_lock(&mutex), -EAGAIN);
    for (int i = 0; i < 3; i++) {
        yields(2);
        for (int j = 0; j < 3; j++)
            ck_assert_int_eq(l[j].result, j <= i ? 0 : 1);
        green_event_set(&l[i].go);
        finish(g[i]);
    }
    ck_assert_int_eq(green_mutex_destroy(&mutex), 0);
}
END_TEST

/* Cancelled while waiting: the next one gets it. Cancelled when it was handed over: it holds it. */
START_TEST(cancelled_waiters)
{
    struct locker first = LOCKER, second = LOCKER;
    bool handed_over_first = _i == 0;
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    green_t *a = spawn(lock_and_hold, &first), *b = spawn(lock_and_hold, &second);
    yields(1);
    if (handed_over_first)
        ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(green_cancel(a), 0);
    if (!handed_over_first)
        ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    green_event_set(&first.go);
    finish(a);
    ck_assert_int_eq(first.result, handed_over_first ? 0 : -ECANCELED);
    green_event_set(&second.go);
    finish(b);
    ck_assert_int_eq(second.result, 0);
    ck_assert_int_eq(second.unlocked, 0);
    ck_assert_int_eq(green_mutex_destroy(&mutex), 0);
}
END_TEST

static void lock_in_hub(green_post_t *node)
{
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), -EPERM);
    ck_assert_int_eq(green_mutex_try_lock(&mutex), -EPERM);
    ck_assert_int_eq(green_mutex_unlock(&mutex), -EPERM);
    ck_assert(!green_mutex_is_mine(&mutex));
    node->fn = NULL;
}

START_TEST(the_hub_owns_nothing)
{
    green_post_t node = {.fn = lock_in_hub};
    green_post(green_hub(), &node);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    ck_assert(!node.fn);
}
END_TEST

static void *lock_from_elsewhere(void *arg)
{
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), -EXDEV);
    ck_assert_int_eq(green_mutex_try_lock(&mutex), -EXDEV);
    ck_assert_int_eq(green_mutex_unlock(&mutex), -EPERM);
    return arg;
}

START_TEST(another_thread_is_turned_away)
{
    pthread_t thread;
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, lock_from_elsewhere, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
}
END_TEST

static void *lock_once(void *arg)
{
    int r = green_mutex_lock(&mutex, GREEN_FOREVER);
    return (void *)(intptr_t)(r < 0 ? r : green_mutex_unlock(&mutex));
}

/* What the child does with the mutex, and whether all of that went well. */
static bool use_in_child(bool mine)
{
    bool good = green_mutex_is_mine(&mutex) == mine;
    if (mine)
        good = good && green_mutex_lock(&mutex, soon()) == -EDEADLK && green_mutex_unlock(&mutex) == 0;
    good = good && green_mutex_lock(&mutex, soon()) == 0;
    green_t *g = green_spawn(lock_once, NULL);
    void *result;
    good = good && g && green_yield() == 0 && green_mutex_unlock(&mutex) == 0;
    good = good && green_get(g, &result, soon()) == 0 && !result;
    green_release(g);
    return good && green_mutex_destroy(&mutex) == 0;
}

static int fork_and_use(bool mine)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(use_in_child(mine) ? 0 : 1);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void *fork_with_the_mutex(void *arg)
{
    bool mine = *(int *)arg;
    if (mine)
        ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    yields(2);
    ck_assert_int_eq(fork_and_use(mine), 0);
    if (mine)
        ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    return NULL;
}

/* Case 68: locked and waited for when a greenlet forks, the child can go on with it: as its owner, if it was locked
 * by the one who forked; else it is free. The parent notices nothing. */
START_TEST(usable_in_a_forked_child)
{
    int mine = _i;
    struct locker holder = LOCKER;
    green_t *h = mine ? NULL : spawn(lock_and_hold, &holder);
    green_t *forker = spawn(fork_with_the_mutex, &mine);
    yields(1);
    green_t *waiter = spawn(lock_once, NULL);
    void *result;
    ck_assert_int_eq(green_join(forker, soon()), 0);
    green_event_set(&holder.go);
    ck_assert_int_eq(green_get(waiter, &result, soon()), 0);
    ck_assert_ptr_null(result);
    if (h)
        finish(h);
    green_release(waiter);
    green_release(forker);
    ck_assert_int_eq(green_mutex_destroy(&mutex), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {one_owner, 0},
        {only_the_owner_unlocks, 0},
        {handed_over_in_order, 0},
        {cancelled_waiters, 2},
        {the_hub_owns_nothing, 0},
        {another_thread_is_turned_away, 0},
        {usable_in_a_forked_child, 2},
    };
    return RUN_TESTS("mutex", tests);
}
