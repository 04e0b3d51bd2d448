/*
 * The figures of the system's own threads that have a counterpart in libgreen's, under the same names; on one core, as
 * bench/green runs everything. CPU of all threads, for here they take part.
 *
 *     bench/peers_pthread [rounds]
 *     bench/peers_pthread parked THREADS
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>

#include "measure.h"
#include "resident.h"

enum { SPAWNS = 3000, YIELDS = 50000, TRIPS = 20000, ELEMENTS = 20000, PAIRS = 1000000, ROOM = 64 };

static double all_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static pthread_t spawn(void *(*fn)(void *arg))
{
    pthread_t t;
    check(-pthread_create(&t, NULL, fn, NULL), "pthread_create");
    return t;
}

static void join(pthread_t t)
{
    check(-pthread_join(t, NULL), "pthread_join");
}

static void *nothing(void *arg)
{
    return arg;
}

static double spawn_round(void)
{
    double began = all_cpu_ns();
    for (int i = 0; i < SPAWNS; i++)
        join(spawn(nothing));
    return (all_cpu_ns() - began) / SPAWNS;
}

static void *yields(void *arg)
{
    for (int i = 0; i < YIELDS; i++)
        check(sched_yield() < 0 ? -errno : 0, "sched_yield");
    return arg;
}

static double yield_round(void)
{
    double began = all_cpu_ns();
    pthread_t a = spawn(yields), b = spawn(yields);
    join(a);
    join(b);
    return (all_cpu_ns() - began) / (2.0 * YIELDS);
}

/* --- semaphore ------------------------------------------------------------------------------------------------------ */

static sem_t ping, pong;

static void semaphore_init(sem_t *s, unsigned tokens)
{
    check(sem_init(s, 0, tokens) < 0 ? -errno : 0, "sem_init");
}

static void acquire(sem_t *s)
{
    while (sem_wait(s) < 0)
        check(errno == EINTR ? 0 : -errno, "sem_wait");
}

static void release(sem_t *s)
{
    check(sem_post(s) < 0 ? -errno : 0, "sem_post");
}

static double semaphore_round(void)
{
    sem_t s;
    semaphore_init(&s, 1);
    double began = all_cpu_ns();
    for (int i = 0; i < PAIRS; i++) {
        acquire(&s);
        release(&s);
    }
    double took = (all_cpu_ns() - began) / PAIRS;
    sem_destroy(&s);
    return took;
}

static void *semaphore_there(void *arg)
{
    for (int i = 0; i < TRIPS; i++) {
        acquire(&ping);
        release(&pong);
    }
    return arg;
}

static double semaphore_trip_round(void)
{
    semaphore_init(&ping, 0);
    semaphore_init(&pong, 0);
    double began = all_cpu_ns();
    pthread_t there = spawn(semaphore_there);
    for (int i = 0; i < TRIPS; i++) {
        release(&ping);
        acquire(&pong);
    }
    join(there);
    return (all_cpu_ns() - began) / (2.0 * TRIPS);
}

/* --- event, queue, channel: a mutex and condition variables --------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t tick = PTHREAD_COND_INITIALIZER, tock = PTHREAD_COND_INITIALIZER;
static int ticks, tocks;

static void take(int *flag, pthread_cond_t *c)
{
    pthread_mutex_lock(&lock);
    while (!*flag)
        pthread_cond_wait(c, &lock);
    *flag = 0;
    pthread_mutex_unlock(&lock);
}

static void give(int *flag, pthread_cond_t *c)
{
    pthread_mutex_lock(&lock);
    *flag = 1;
    pthread_cond_signal(c);
    pthread_mutex_unlock(&lock);
}

static void *event_there(void *arg)
{
    for (int i = 0; i < TRIPS; i++) {
        take(&ticks, &tick);
        give(&tocks, &tock);
    }
    return arg;
}

static double event_round(void)
{
    double began = all_cpu_ns();
    pthread_t there = spawn(event_there);
    for (int i = 0; i < TRIPS; i++) {
        give(&ticks, &tick);
        take(&tocks, &tock);
    }
    join(there);
    return (all_cpu_ns() - began) / (2.0 * TRIPS);
}

/* A ring under a mutex: with a room of one element it is the channel, where the two have to meet. */
static struct {
    uintptr_t elements[ROOM];
    unsigned in, out, room;
} ring;

static void put(uintptr_t element)
{
    pthread_mutex_lock(&lock);
    while (ring.in - ring.out == ring.room)
        pthread_cond_wait(&tock, &lock);
    ring.elements[ring.in++ % ring.room] = element;
    pthread_cond_signal(&tick);
    pthread_mutex_unlock(&lock);
}

static uintptr_t get(void)
{
    pthread_mutex_lock(&lock);
    while (ring.in == ring.out)
        pthread_cond_wait(&tick, &lock);
    uintptr_t element = ring.elements[ring.out++ % ring.room];
    pthread_cond_signal(&tock);
    pthread_mutex_unlock(&lock);
    return element;
}

static void *sends(void *arg)
{
    for (uintptr_t i = 0; i < ELEMENTS; i++)
        put(i);
    return arg;
}

static double transfer(unsigned room)
{
    ring.room = room;
    ring.in = ring.out = 0;
    double began = all_cpu_ns();
    pthread_t sender = spawn(sends);
    for (uintptr_t i = 0; i < ELEMENTS; i++)
        check(get() == i ? 0 : -EPROTO, "the order of the elements");
    join(sender);
    return (all_cpu_ns() - began) / ELEMENTS;
}

static double channel_round(void)
{
    return transfer(1);
}

static double room_round(void)
{
    return transfer(ROOM);
}

static double queue_round(void)
{
    ring.room = ROOM;
    ring.in = ring.out = 0;
    double began = all_cpu_ns();
    for (uintptr_t i = 0; i < PAIRS; i++) {
        put(i);
        check(get() == i ? 0 : -EPROTO, "the order of the elements");
    }
    return (all_cpu_ns() - began) / PAIRS;
}

/* --- parked --------------------------------------------------------------------------------------------------------- */

static sem_t gate, arrived;

static void *waits(void *arg)
{
    release(&arrived);
    acquire(&gate);
    return arg;
}

static int parked(long count)
{
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    check(threads ? 0 : -ENOMEM, "calloc");
    semaphore_init(&gate, 0);
    semaphore_init(&arrived, 0);
    double resident = resident_kib(), tables = page_tables_kib(), began = all_cpu_ns();
    for (long i = 0; i < count; i++)
        threads[i] = spawn(waits);
    for (long i = 0; i < count; i++)
        acquire(&arrived);
    double made = all_cpu_ns();
    resident = resident_kib() - resident;
    tables = page_tables_kib() - tables;
    double measured = all_cpu_ns();
    for (long i = 0; i < count; i++)
        release(&gate);
    for (long i = 0; i < count; i++)
        join(threads[i]);
    double ended = all_cpu_ns(), n = (double)count;
    free(threads);
    printf("parked %ld: %.3f KiB each, page tables %.3f KiB each, %.0f ns to make, %.0f ns to end\n", count,
           resident / n, tables / n, (made - began) / n, (ended - measured) / n);
    return 0;
}

int main(int argc, char **argv)
{
    static struct figure figures[] = {
        {.name = "spawn and join", .unit = "ns", .round = spawn_round},
        {.name = "yield", .unit = "ns", .round = yield_round},
        {.name = "channel", .unit = "ns", .round = channel_round},
        {.name = "channel with room", .unit = "ns", .round = room_round},
        {.name = "semaphore", .unit = "ns", .round = semaphore_round},
        {.name = "semaphore handed over", .unit = "ns", .round = semaphore_trip_round},
        {.name = "event", .unit = "ns", .round = event_round},
        {.name = "queue put and get", .unit = "ns", .round = queue_round},
    };
    if (argc > 2 && strcmp(argv[1], "parked") == 0)
        return parked(atol(argv[2]));
    return MEASURE(figures, argc, argv);
}
