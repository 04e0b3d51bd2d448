/*
 * Pools of OS threads: a queue under a lock, workers that take from it, and their number. A worker without work sleeps
 * on a semaphore of its own; the one that fell asleep last is handed the next job, without a detour through the queue, so
 * that what is too many is left alone long enough to leave. What greenlets make of this is in offload.c.
 */
#include "threads.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEFAULT     10
#define IDLE_DEFAULT    GREEN_S(5)
#define BACKLOG_DEFAULT 1000

struct green_threads {
    pthread_mutex_t lock;
    struct green_chain queue; /* struct job */
    struct green_chain quiet; /* struct quiet: who waits for there being no job */
    struct green_chain idle;  /* struct worker: asleep, the last one first */
    size_t queued, droppable, running;
    size_t threads;  /* alive, or being started */
    size_t sleeping; /* of them; the others either run a job or are about to look for one */
    size_t max, backlog;
    int64_t idle_time;
    bool closed, permanent;
    bool has_left;
    pthread_t left;      /* the last who left, to be joined by the next who does */
    pthread_cond_t gone; /* the last thread leaves */
    green_threads_t *next, **before;
    char name[16];
};

/* On its thread's stack. It may be gone by the time that a sem_post() ends, which glibc allows for. */
struct worker {
    struct green_node node;    /* in idle, until it is handed something */
    _Atomic(struct job *) job; /* that */
    sem_t wake;
    bool has_previous;
    pthread_t previous; /* who left before it: to be joined */
};

#define PERMANENT(label)                                                                                     \
    {                                                                                                        \
        .lock = PTHREAD_MUTEX_INITIALIZER, .gone = PTHREAD_COND_INITIALIZER, .max = MAX_DEFAULT,             \
        .backlog = BACKLOG_DEFAULT, .idle_time = IDLE_DEFAULT, .permanent = true, .name = label              \
    }

static green_threads_t user = PERMANENT("green-user"), file = PERMANENT("green-file"),
                       dns = PERMANENT("green-dns");

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static green_threads_t *all; /* for fork() */
static atomic_uint generation;
static __thread bool on_pool_thread;

green_threads_t *green_threads_user(void)
{
    return &user;
}

green_threads_t *green_threads_file(void)
{
    return &file;
}

green_threads_t *green_threads_dns(void)
{
    return &dns;
}

bool green__on_pool_thread(void)
{
    return on_pool_thread;
}

unsigned green__threads_generation(void)
{
    return atomic_load_explicit(&generation, memory_order_relaxed);
}

/* --- fork ----------------------------------------------------------------------------------------------- */

static void enlist(green_threads_t *t)
{
    t->next = all;
    t->before = &all;
    if (all)
        all->before = &t->next;
    all = t;
}

static void before_fork(void)
{
    pthread_mutex_lock(&all_lock);
    for (green_threads_t *t = all; t; t = t->next)
        pthread_mutex_lock(&t->lock);
}

static void after_fork(void)
{
    for (green_threads_t *t = all; t; t = t->next)
        pthread_mutex_unlock(&t->lock);
    pthread_mutex_unlock(&all_lock);
}

/* The threads are gone, and those who waited for jobs never go on: green_hub() says so of all greenlets but one. */
static void after_fork_in_child(void)
{
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
    for (green_threads_t *t = all; t; t = t->next) {
        while (chain_pop(&t->queue))
            ;
        while (chain_pop(&t->quiet))
            ;
        t->idle = (struct green_chain){0};
        t->queued = t->droppable = t->running = t->threads = t->sleeping = 0;
        t->has_left = false;
        pthread_cond_init(&t->gone, NULL);
    }
    after_fork();
}

static void once_per_process(void)
{
    pthread_mutex_lock(&all_lock);
    enlist(&user);
    enlist(&file);
    enlist(&dns);
    pthread_mutex_unlock(&all_lock);
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static void prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, once_per_process);
}

/* --- workers -------------------------------------------------------------------------------------------- */

/* These are called under the lock. */

static void begin(green_threads_t *t, struct job *job)
{
    job->state = JOB_BEGUN;
    t->running++;
}

static struct job *take_job(green_threads_t *t)
{
    struct green_node *node = t->threads <= t->max ? chain_pop(&t->queue) : NULL;
    if (!node)
        return NULL;
    struct job *job = CONTAINER_OF(node, struct job, queued);
    t->queued--;
    t->droppable -= job->droppable;
    begin(t, job);
    return job;
}

/* Puts the job (NULL: go and look) into the hands of the one who fell asleep last; the caller is to wake him. */
static struct worker *hand_over(green_threads_t *t, struct job *job)
{
    struct worker *w = CONTAINER_OF(t->idle.first, struct worker, node);
    chain_remove(&w->node);
    t->sleeping--;
    if (job)
        begin(t, job);
    atomic_store_explicit(&w->job, job, memory_order_release);
    return w;
}

static int start_thread(green_threads_t *t);

/* Enough threads for what is queued, as far as the maximum goes. Those that neither run a job nor sleep are about to
 * look into the queue. */
static void attend(green_threads_t *t)
{
    for (;;) {
        size_t looking = t->threads - t->running - t->sleeping;
        if (looking >= t->queued || t->threads > t->max)
            return;
        if (t->sleeping)
            sem_post(&hand_over(t, take_job(t))->wake);
        else if (t->threads == t->max || start_thread(t) < 0)
            return;
    }
}

static void note_quiet(green_threads_t *t);

/* What a worker does next: the job that it is given; sleep, if there is none (it is among the idle then); false: leave. */
static bool settle(green_threads_t *t, struct worker *me, struct job **job, bool patient)
{
    *job = take_job(t);
    note_quiet(t);
    if (*job)
        return true;
    if (patient && !t->closed && t->threads <= t->max) {
        chain_push_front(&t->idle, &me->node);
        t->sleeping++;
        return true;
    }
    me->has_previous = t->has_left;
    me->previous = t->left;
    t->has_left = true;
    t->left = pthread_self();
    if (--t->threads == 0)
        pthread_cond_broadcast(&t->gone);
    attend(t); /* a thread too many may have kept others from being woken */
    return false;
}

/* These are not. */

/* Nothing came for as long as a thread may idle: true if nothing will. */
static bool give_up(green_threads_t *t, struct worker *me)
{
    pthread_mutex_lock(&t->lock);
    bool idle = me->node.chain;
    if (idle) {
        chain_remove(&me->node);
        t->sleeping--;
    }
    pthread_mutex_unlock(&t->lock);
    return idle;
}

/* Until somebody hands over a job, or NULL. */
static struct job *sleep_until_woken(green_threads_t *t, struct worker *me, bool *patient)
{
    green_time until = green_in(t->idle_time);
    struct timespec when = {.tv_sec = until / GREEN_S(1), .tv_nsec = until % GREEN_S(1)};
    while (sem_clockwait(&me->wake, CLOCK_MONOTONIC, &when) < 0) {
        if (errno != ETIMEDOUT)
            continue;
        if (give_up(t, me)) {
            *patient = false;
            return NULL;
        }
        when.tv_sec += 3600; /* somebody is about to wake me */
    }
    return atomic_load_explicit(&me->job, memory_order_acquire);
}

static void run(struct job *job)
{
    unsigned before = green__threads_generation();
    errno = 0;
    job->result = job->fn(job->arg);
    job->error = errno;
    if (green__threads_generation() != before)
        _exit(0); /* it forked, and this is the child: whoever waits for the job is not here */
}

/* A worker says that it is free before anybody hears of the end of its job: whoever submits the next one then needs no
 * other. */
static void *work(void *arg)
{
    green_threads_t *t = arg;
    struct worker me = {0};
    struct job *job, *done = NULL;
    bool patient = true;
    sem_init(&me.wake, 0, 0);
    on_pool_thread = true;
    for (;;) {
        pthread_mutex_lock(&t->lock);
        if (done)
            t->running--;
        bool stays = settle(t, &me, &job, patient);
        pthread_mutex_unlock(&t->lock);
        if (done)
            done->ended(done);
        if (!stays)
            break;
        done = job ? job : sleep_until_woken(t, &me, &patient);
        if (done)
            run(done);
    }
    if (me.has_previous) /* so that at most one thread that has ended is left over, for the end of the pool */
        pthread_join(me.previous, NULL);
    sem_destroy(&me.wake);
    return NULL;
}

static int start_thread(green_threads_t *t)
{
    sigset_t every, before;
    pthread_t thread;
    sigfillset(&every); /* signals are for the application's own threads */
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int r = pthread_create(&thread, NULL, work, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r)
        return -ENOMEM;
    pthread_setname_np(thread, t->name);
    t->threads++;
    return 0;
}

/* --- jobs ----------------------------------------------------------------------------------------------- */

static int enqueue(green_threads_t *t, struct job *job)
{
    if (job->droppable && t->droppable >= t->backlog)
        return -EAGAIN;
    job->state = JOB_QUEUED;
    chain_push(&t->queue, &job->queued);
    t->queued++;
    t->droppable += job->droppable;
    attend(t);
    if (t->threads || !t->max)
        return 0;
    chain_remove(&job->queued); /* no thread could be started, and nobody will ever look */
    t->queued--;
    t->droppable -= job->droppable;
    return -ENOMEM;
}

int green__threads_submit(green_threads_t *t, struct job *job)
{
    struct worker *sleeper = NULL;
    int r = 0;
    prepare();
    job->threads = t;
    pthread_mutex_lock(&t->lock);
    if (t->closed)
        r = -EPIPE;
    else if (t->sleeping && !t->queued && t->threads <= t->max)
        sleeper = hand_over(t, job);
    else
        r = enqueue(t, job);
    pthread_mutex_unlock(&t->lock);
    if (sleeper)
        sem_post(&sleeper->wake);
    return r;
}

bool green__threads_withdraw(struct job *job)
{
    green_threads_t *t = job->threads;
    pthread_mutex_lock(&t->lock);
    bool here = job->state == JOB_QUEUED && job->queued.chain;
    if (here) {
        chain_remove(&job->queued);
        job->state = JOB_NEW;
        t->queued--;
        t->droppable -= job->droppable;
        note_quiet(t);
    }
    pthread_mutex_unlock(&t->lock);
    return here;
}

/* --- the pool as a whole -------------------------------------------------------------------------------- */

int green_threads_open(green_threads_t **out, const green_threads_attr_t *attr)
{
    static const green_threads_attr_t defaults;
    if (!attr)
        attr = &defaults;
    if (attr->max > GREEN_THREADS_MOST || attr->idle < 0)
        return -EINVAL;
    green_threads_t *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    prepare();
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->gone, NULL);
    t->max = attr->max ? attr->max : MAX_DEFAULT;
    t->idle_time = attr->idle ? attr->idle : IDLE_DEFAULT;
    t->backlog = attr->backlog ? attr->backlog : BACKLOG_DEFAULT;
    snprintf(t->name, sizeof t->name, "%s", attr->name ? attr->name : "threads");
    pthread_mutex_lock(&all_lock);
    enlist(t);
    pthread_mutex_unlock(&all_lock);
    *out = t;
    return 0;
}

int green_threads_resize(green_threads_t *t, size_t max)
{
    if (max > GREEN_THREADS_MOST)
        return -EINVAL;
    pthread_mutex_lock(&t->lock);
    t->max = max;
    attend(t);
    for (size_t surplus = t->threads > max ? t->threads - max : 0; surplus && t->sleeping; surplus--)
        sem_post(&hand_over(t, NULL)->wake);
    pthread_mutex_unlock(&t->lock);
    return 0;
}

void green_threads_stats(green_threads_t *t, green_threads_stats_t *out)
{
    pthread_mutex_lock(&t->lock);
    *out = (green_threads_stats_t){
        .max = t->max, .threads = t->threads, .running = t->running, .queued = t->queued};
    pthread_mutex_unlock(&t->lock);
}

struct quiet {
    struct green_node node;
    struct outside outside;
    green_threads_t *threads;
};

static bool is_quiet(const green_threads_t *t)
{
    return !t->running && !t->queued;
}

static void note_quiet(green_threads_t *t)
{
    if (!is_quiet(t))
        return;
    for (struct green_node *node; (node = chain_pop(&t->quiet));)
        green__outside_over(&CONTAINER_OF(node, struct quiet, node)->outside);
}

static bool stop_waiting(struct outside *o)
{
    struct quiet *q = CONTAINER_OF(o, struct quiet, outside);
    pthread_mutex_lock(&q->threads->lock);
    bool here = q->node.chain;
    chain_remove(&q->node);
    pthread_mutex_unlock(&q->threads->lock);
    return here;
}

int green_threads_join(green_threads_t *t, green_time deadline)
{
    struct quiet me = {.threads = t};
    if (on_pool_thread)
        return -EDEADLK;
    pthread_mutex_lock(&t->lock);
    bool quiet = is_quiet(t);
    int r = quiet ? 0 : green__outside_begin(&me.outside, deadline);
    if (!quiet && r == 0)
        chain_push(&t->quiet, &me.node);
    pthread_mutex_unlock(&t->lock);
    if (quiet || r < 0)
        return r;
    return green__outside_wait(&me.outside, "the end of all jobs of a pool of threads", stop_waiting,
                               deadline);
}

/* They all sleep, or are about to: this is short. */
static void end_threads(green_threads_t *t)
{
    pthread_mutex_lock(&t->lock);
    while (t->sleeping)
        sem_post(&hand_over(t, NULL)->wake);
    while (t->threads)
        pthread_cond_wait(&t->gone, &t->lock);
    pthread_mutex_unlock(&t->lock);
    if (t->has_left)
        pthread_join(t->left, NULL);
}

int green_threads_close(green_threads_t *t, green_time deadline)
{
    if (t->permanent)
        return -EPERM;
    if (on_pool_thread)
        return -EDEADLK;
    pthread_mutex_lock(&t->lock);
    t->closed = true;
    pthread_mutex_unlock(&t->lock);
    int r = green_threads_join(t, deadline);
    if (r < 0)
        return r;
    end_threads(t);
    pthread_mutex_lock(&all_lock);
    *t->before = t->next;
    if (t->next)
        t->next->before = t->before;
    pthread_mutex_unlock(&all_lock);
    pthread_cond_destroy(&t->gone);
    pthread_mutex_destroy(&t->lock);
    free(t);
    return 0;
}
