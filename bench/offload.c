/*
 * What it costs to have a function run on another thread: a round trip of one greenlet, and of each of many at a time,
 * beside the same hand-over between two bare threads (a condition there, an eventfd in an epoll set back), which is
 * what the kernel takes for it on this machine. Prints microseconds of time passed, and of CPU in all threads, the
 * median and the best of some rounds.
 *
 *     bench/offload [rounds]
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "green.h"

enum { TRIPS = 20000, MANY = 64, MAX_ROUNDS = 101 };

struct sample {
    double passed, cpu; /* us for a trip */
};

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "offload: %s: %s\n", what, green_strerror(rc));
        exit(1);
    }
}

static double now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void *nothing(void *arg)
{
    return arg;
}

/* --- through libgreen ------------------------------------------------------------------------------------------- */

static void *trips(void *count)
{
    for (int n = *(int *)count; n > 0; n--)
        check(green_blocking(nothing, NULL, NULL, GREEN_FOREVER), "green_blocking");
    return NULL;
}

static void one_greenlet(void)
{
    int count = TRIPS;
    trips(&count);
}

static void many_greenlets(void)
{
    int count = TRIPS / MANY;
    green_group_t group = GREEN_GROUP_INIT;
    for (int i = 0; i < MANY; i++)
        check(green_group_spawn(&group, trips, &count), "green_group_spawn");
    check(green_group_join(&group, GREEN_FOREVER), "green_group_join");
}

/* --- two bare threads --------------------------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int wanted;
    int event;
} bare = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void *answer(void *arg)
{
    uint64_t one = 1;
    for (int i = 0; i < TRIPS; i++) {
        pthread_mutex_lock(&bare.lock);
        while (!bare.wanted)
            pthread_cond_wait(&bare.wake, &bare.lock);
        bare.wanted--;
        pthread_mutex_unlock(&bare.lock);
        check((int)write(bare.event, &one, sizeof one), "write");
    }
    return NULL;
}

static void bare_threads(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    uint64_t count;
    int set = epoll_create1(EPOLL_CLOEXEC);
    pthread_t other;
    bare.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    check(epoll_ctl(set, EPOLL_CTL_ADD, bare.event, &event), "epoll_ctl");
    check(-pthread_create(&other, NULL, answer, NULL), "pthread_create");
    for (int i = 0; i < TRIPS; i++) {
        pthread_mutex_lock(&bare.lock);
        bare.wanted++;
        pthread_cond_signal(&bare.wake);
        pthread_mutex_unlock(&bare.lock);
        check(epoll_wait(set, &event, 1, -1), "epoll_wait");
        check((int)read(bare.event, &count, sizeof count), "read");
    }
    pthread_join(other, NULL);
    close(bare.event);
    close(set);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static struct sample measure(void (*fn)(void))
{
    double passed = now_us(CLOCK_MONOTONIC), cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    fn();
    return (struct sample){.passed = (now_us(CLOCK_MONOTONIC) - passed) / TRIPS,
                           .cpu = (now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / TRIPS};
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct sample *)a)->passed, y = ((const struct sample *)b)->passed;
    return (x > y) - (x < y);
}

static void print(const char *what, struct sample *samples, int rounds)
{
    qsort(samples, (size_t)rounds, sizeof *samples, by_time);
    printf("%-28s %9.2f us (best %.2f), CPU %.2f us\n", what, samples[rounds / 2].passed, samples[0].passed,
           samples[rounds / 2].cpu);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 11;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: offload [rounds]\n");
        return 2;
    }
    struct sample one[MAX_ROUNDS], many[MAX_ROUNDS], threads[MAX_ROUNDS];
    for (int i = 0; i < rounds; i++) { /* in turn: the machine's mood hits all alike */
        one[i] = measure(one_greenlet);
        many[i] = measure(many_greenlets);
        threads[i] = measure(bare_threads);
    }
    print("offload", one, rounds);
    print("offload, 64 at a time", many, rounds);
    print("offload by bare threads", threads, rounds);
    return 0;
}
