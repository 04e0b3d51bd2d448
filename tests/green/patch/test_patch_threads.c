/* Threads that are greenlets, and libc's mutexes, conditions and semaphores between greenlets and threads. */
#include "patched.h"

#include <semaphore.h>
#include <threads.h>

static void patch_threads(void)
{
    green_patch(GREEN_PATCH_THREADS);
    ck_assert(green_is_patched("pthread_create"));
    ck_assert(green_is_patched("pthread_mutex_lock"));
}

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    pthread_barrier_t barrier;
    pthread_rwlock_t rwlock;
    sem_t semaphore;
    int inside, most, total, turn;
};

static void *in_and_out(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(pthread_mutex_lock(&s->mutex), 0);
        if (++s->inside > s->most)
            s->most = s->inside;
        usleep(i % 4 ? 0 : 100);
        s->total++;
        s->inside--;
        ck_assert_int_eq(pthread_mutex_unlock(&s->mutex), 0);
    }
    return arg;
}

static void mutex_of(pthread_mutex_t *m, int type)
{
    pthread_mutexattr_t attr;
    ck_assert_int_eq(pthread_mutexattr_init(&attr), 0);
    ck_assert_int_eq(pthread_mutexattr_settype(&attr, type), 0);
    ck_assert_int_eq(pthread_mutex_init(m, &attr), 0);
    pthread_mutexattr_destroy(&attr);
}

START_TEST(test_mutual_exclusion)
{
    const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                         PTHREAD_MUTEX_ADAPTIVE_NP};
    struct shared s = {0};
    pthread_t all[20], native;
    void *result;
    mutex_of(&s.mutex, types[_i]);
    ck_assert_int_eq(pthread_create(&native, NULL, in_and_out, &s),
                     0); /* not patched yet: a thread of the system */
    patch_threads();
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(pthread_create(&all[i], NULL, in_and_out, &s), 0);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(pthread_join(all[i], &result), 0);
        ck_assert_ptr_eq(result, &s);
    }
    ck_assert_int_eq(pthread_join(native, &result), 0);
    ck_assert_ptr_eq(result, &s);
    ck_assert_int_eq(s.total, 21 * 20);
    ck_assert_int_eq(s.most, 1);
    ck_assert_int_eq(pthread_mutex_destroy(&s.mutex), 0);
}
END_TEST

static void *find_it_locked(void *arg)
{
    struct shared *s = arg;
    struct timespec until;
    ck_assert_int_eq(pthread_mutex_trylock(&s->mutex), EBUSY);
    ck_assert_int_ne(pthread_mutex_unlock(&s->mutex), 0);
    clock_gettime(CLOCK_REALTIME, &until);
    ck_assert_int_eq(pthread_mutex_timedlock(&s->mutex, &until), ETIMEDOUT);
    return NULL;
}

START_TEST(test_owners_are_greenlets)
{
    struct shared s = {0};
    pthread_t thread;
    patch_threads();
    mutex_of(&s.mutex, PTHREAD_MUTEX_RECURSIVE);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_mutex_lock(&s.mutex), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, find_it_locked, &s), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_mutex_unlock(&s.mutex), 0);
    ck_assert_int_ne(pthread_mutex_unlock(&s.mutex), 0);
    ck_assert_int_eq(pthread_mutex_destroy(&s.mutex), 0);
    mutex_of(&s.mutex, PTHREAD_MUTEX_ERRORCHECK);
    ck_assert_int_eq(pthread_mutex_lock(&s.mutex), 0);
    ck_assert_int_eq(pthread_mutex_lock(&s.mutex), EDEADLK);
    ck_assert_int_eq(pthread_mutex_unlock(&s.mutex), 0);
    ck_assert_int_eq(pthread_mutex_unlock(&s.mutex), EPERM);
}
END_TEST

static void *take_turns(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(pthread_mutex_lock(&s->mutex), 0);
        int mine = s->turn;
        s->turn++;
        ck_assert_int_eq(pthread_cond_broadcast(&s->condition), 0);
        while (s->turn == mine + 1 && s->total < 2)
            ck_assert_int_eq(pthread_cond_wait(&s->condition, &s->mutex), 0);
        ck_assert_int_eq(pthread_mutex_unlock(&s->mutex), 0);
    }
    ck_assert_int_eq(pthread_mutex_lock(&s->mutex), 0);
    s->total += 2; /* the other need not wait for us any more */
    ck_assert_int_eq(pthread_cond_broadcast(&s->condition), 0);
    ck_assert_int_eq(pthread_mutex_unlock(&s->mutex), 0);
    return NULL;
}

/* Between two greenlets, or a greenlet and a thread of the system. */
START_TEST(test_conditions)
{
    struct shared s = {.mutex = PTHREAD_MUTEX_INITIALIZER, .condition = PTHREAD_COND_INITIALIZER};
    pthread_t a, b;
    struct timespec until;
    if (_i == 0)
        patch_threads();
    ck_assert_int_eq(pthread_create(&a, NULL, take_turns, &s), 0);
    patch_threads();
    ck_assert_int_eq(pthread_create(&b, NULL, take_turns, &s), 0);
    ck_assert_int_eq(pthread_join(a, NULL), 0);
    ck_assert_int_eq(pthread_join(b, NULL), 0);
    ck_assert_int_eq(s.turn, 100);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec = (until.tv_nsec + 5000000) % 1000000000;
    pthread_mutex_lock(&s.mutex);
    ck_assert_int_eq(pthread_cond_timedwait(&s.condition, &s.mutex, &until), ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &until);
    ck_assert_int_eq(pthread_cond_clockwait(&s.condition, &s.mutex, CLOCK_MONOTONIC, &until), ETIMEDOUT);
    pthread_mutex_unlock(&s.mutex);
}
END_TEST

static void *post_all(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(sem_post(&s->semaphore), 0);
        usleep(0);
    }
    return NULL;
}

START_TEST(test_semaphores)
{
    struct shared s = {0};
    pthread_t thread;
    struct timespec until = {0};
    ck_assert_int_eq(sem_init(&s.semaphore, 0, 0), 0);
    if (_i == 0)
        patch_threads();
    ck_assert_int_eq(pthread_create(&thread, NULL, post_all, &s), 0);
    patch_threads();
    ck_assert_ptr_nonnull(green_hub());
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(sem_wait(&s.semaphore), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(sem_timedwait(&s.semaphore, &until), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
}
END_TEST

static void *meet(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 10; i++) {
        int r = pthread_barrier_wait(&s->barrier);
        ck_assert_int_eq(pthread_rwlock_wrlock(&s->rwlock), 0);
        s->total += r == PTHREAD_BARRIER_SERIAL_THREAD;
        sched_yield();
        ck_assert_int_eq(pthread_rwlock_unlock(&s->rwlock), 0);
        ck_assert_int_eq(pthread_rwlock_rdlock(&s->rwlock), 0);
        sched_yield();
        ck_assert_int_eq(pthread_rwlock_unlock(&s->rwlock), 0);
    }
    return NULL;
}

START_TEST(test_barriers_and_rwlocks)
{
    struct shared s = {.rwlock = PTHREAD_RWLOCK_INITIALIZER};
    pthread_t all[5];
    patch_threads();
    ck_assert_int_eq(pthread_barrier_init(&s.barrier, NULL, 5), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(pthread_create(&all[i], NULL, meet, &s), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(pthread_join(all[i], NULL), 0);
    ck_assert_int_eq(s.total, 10);
    ck_assert_int_eq(pthread_barrier_destroy(&s.barrier), 0);
}
END_TEST

/* --- life ----------------------------------------------------------------------------------------------------------- */

static pthread_key_t key;
static int destroyed, cleaned;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int times;

static void slowly(void)
{
    usleep(2000);
    times++;
}

static void destroy(void *value)
{
    destroyed += value != NULL;
}

static void clean(void *arg)
{
    usleep(100); /* handlers may wait */
    cleaned += *(int *)arg;
}

static void *have_a_value(void *arg)
{
    ck_assert_ptr_null(pthread_getspecific(key));
    ck_assert_int_eq(pthread_setspecific(key, arg), 0);
    ck_assert_int_eq(pthread_once(&once, slowly), 0);
    ck_assert_int_eq(times, 1);
    usleep(500);
    ck_assert_ptr_eq(pthread_getspecific(key), arg);
    ck_assert_int_eq(pthread_setname_np(pthread_self(), "mine"), 0);
    char name[16];
    ck_assert_int_eq(pthread_getname_np(pthread_self(), name, sizeof name), 0);
    ck_assert_str_eq(name, "mine");
    return (void *)pthread_self();
}

START_TEST(test_values)
{
    pthread_t all[8];
    void *self;
    patch_threads();
    ck_assert_int_eq(pthread_key_create(&key, destroy), 0);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&all[i], NULL, have_a_value, (void *)(intptr_t)(i + 1)), 0);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_join(all[i], &self), 0);
        ck_assert(pthread_equal((pthread_t)self, all[i]));
    }
    ck_assert_int_eq(destroyed, 8);
    ck_assert_ptr_null(pthread_getspecific(key));
    ck_assert_int_eq(pthread_key_delete(key), 0);
}
END_TEST

static void *leave_early(void *arg)
{
    int one = 1, two = 2;
    pthread_cleanup_push(clean, &one);
    pthread_cleanup_push(clean, &two);
    pthread_exit(arg);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *wait_for_ever(void *arg)
{
    struct shared *s = arg;
    int one = 1, before;
    char byte;
    pthread_cleanup_push(clean, &one);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    usleep(3000); /* is not ended by that */
    cleaned += 10;
    pthread_setcancelstate(before, NULL);
    if (s->turn == 0)
        (void)!read(s->inside, &byte, 1);
    else if (s->turn == 1)
        sem_wait(&s->semaphore);
    else
        sleep(1000);
    ck_abort_msg("not reached");
    pthread_cleanup_pop(0);
    return NULL;
}

START_TEST(test_exit_and_cancel)
{
    struct shared s = {.turn = _i};
    pthread_t thread;
    void *result;
    int fds[2];
    patch_threads();
    ck_assert_int_eq(pthread_create(&thread, NULL, leave_early, &s), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, &s);
    ck_assert_int_eq(cleaned, 3);

    cleaned = 0;
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(sem_init(&s.semaphore, 0, 0), 0);
    s.inside = fds[0];
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_ever, &s), 0);
    usleep(100);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
    ck_assert_int_eq(cleaned, 11);
    close_both(fds);
}
END_TEST

static int c11(void *arg)
{
    mtx_t m;
    ck_assert_int_eq(mtx_init(&m, mtx_plain), thrd_success);
    ck_assert_int_eq(mtx_lock(&m), thrd_success);
    ck_assert_int_eq(mtx_trylock(&m), thrd_busy);
    thrd_yield();
    ck_assert_int_eq(mtx_unlock(&m), thrd_success);
    mtx_destroy(&m);
    return *(int *)arg;
}

START_TEST(test_c11)
{
    thrd_t thread;
    int seven = 7, result = 0;
    patch_threads();
    ck_assert_int_eq(thrd_create(&thread, c11, &seven), thrd_success);
    ck_assert_int_eq(thrd_join(thread, &result), thrd_success);
    ck_assert_int_eq(result, 7);
}
END_TEST

static void *post(void *arg)
{
    ck_assert_int_eq(sem_post(arg), 0);
    return NULL;
}

START_TEST(test_detached)
{
    pthread_t thread;
    sem_t done;
    patch_threads();
    ck_assert_int_eq(sem_init(&done, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, post, &done), 0);
    ck_assert_int_eq(pthread_detach(thread), 0);
    ck_assert_int_eq(sem_wait(&done), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, post, &done), 0);
    ck_assert_int_eq(sem_wait(&done), 0);
    usleep(100);
    ck_assert_int_eq(pthread_detach(thread), 0); /* it has ended */
    ck_assert_int_eq(pthread_join(pthread_self(), NULL), EDEADLK);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_mutual_exclusion, 4},
        {test_owners_are_greenlets, 0},
        {test_conditions, 2},
        {test_semaphores, 2},
        {test_barriers_and_rwlocks, 0},
        {test_values, 0},
        {test_exit_and_cancel, 3},
        {test_c11, 0},
        {test_detached, 0},
    };
    return RUN_TESTS("patch/threads", tests);
}
