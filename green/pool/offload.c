/* Greenlets that wait for OS threads: a call that is made elsewhere, and jobs that may be walked away from. */
#include "threads.h"
#include "../core/waiter.h"

#include <pthread.h>
#include <stdlib.h>

/* --- waiting for something outside the hub -------------------------------------------------------------- */

int green__outside_begin(struct outside *o, green_time deadline)
{
    green_t *self = green_self();
    if (!self)
        return green_hub() ? -EPERM : -ENOMEM;
    int r = green__interruption(self);
    if (r < 0)
        return r;
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    *o = (struct outside){.hub = green_hub()};
    return 0;
}

static void note_over(green_post_t *post)
{
    struct outside *o = CONTAINER_OF(post, struct outside, post);
    o->over = true;
    if (o->park)
        green_wake(o->park, 0);
}

void green__outside_over(struct outside *o)
{
    o->post.fn = note_over;
    green_post(o->hub, &o->post);
}

static int wait_once(struct outside *o, const char *what, green_time deadline)
{
    green_park_t park = GREEN_PARK_INIT;
    o->park = &park;
    green__waits_for(what, o);
    int r = green_park(&park, deadline);
    o->park = NULL;
    return r;
}

int green__outside_wait(struct outside *o, const char *what, bool (*withdraw)(struct outside *o),
                        green_time deadline)
{
    green_expect_outside();
    int r = wait_once(o, what, deadline);
    if (r < 0 && !o->over && !withdraw(o)) {
        green_shield();
        while (!o->over)
            (void)wait_once(o, what, GREEN_FOREVER); /* it will be over, and nothing else may end this */
        green_unshield();
    }
    green_unexpect_outside();
    return r;
}

/* --- green_blocking ------------------------------------------------------------------------------------- */

struct blocking {
    struct job job;
    struct outside outside;
};

static void blocking_ended(struct job *job)
{
    green__outside_over(&CONTAINER_OF(job, struct blocking, job)->outside);
}

static bool withdraw(struct outside *o)
{
    return green__threads_withdraw(&CONTAINER_OF(o, struct blocking, outside)->job);
}

static int run_here(void *(*fn)(void *arg), void *arg, void **out)
{
    void *result = fn(arg);
    if (out)
        *out = result;
    return 0;
}

int green_blocking_in(green_threads_t *threads, void *(*fn)(void *arg), void *arg, void **out,
                      green_time deadline)
{
    struct blocking me = {.job = {.fn = fn, .arg = arg, .ended = blocking_ended}};
    if (out)
        *out = NULL;
    if (!fn)
        return -EINVAL;
    if (green__on_pool_thread())
        return run_here(fn, arg, out);
    int r = green__outside_begin(&me.outside, deadline);
    if (r == 0)
        r = green__threads_submit(threads ? threads : green_threads_user(), &me.job);
    if (r < 0)
        return r;
    r = green__outside_wait(&me.outside, "a function on another thread", withdraw, deadline);
    if (!me.outside.over)
        return r;
    if (out)
        *out = me.job.result;
    errno = me.job.error;
    return r;
}

int green_blocking(void *(*fn)(void *arg), void *arg, void **out, green_time deadline)
{
    return green_blocking_in(NULL, fn, arg, out, deadline);
}

/* --- green_offload -------------------------------------------------------------------------------------- */

struct green_offload {
    struct job job;
    green_post_t post;
    green_hub_t *hub;
    unsigned generation;
    void (*destroy)(void *arg);
    struct green_chain waiters; /* struct waiter */
    green_waitable_t waitable;
    bool ended; /* known in the hub */
    pthread_mutex_t lock;
    bool released; /* the handle is gone */
    bool posted;   /* the hub will hear of the end; the pool may be gone */
};

static bool has_ended(const green_waitable_t *w)
{
    return CONTAINER_OF(w, green_offload_t, waitable)->ended;
}

static void dispose(green_offload_t *o)
{
    pthread_mutex_destroy(&o->lock);
    if (o->destroy)
        o->destroy(o->job.arg);
    free(o);
}

static void note_ended(green_post_t *post)
{
    green_offload_t *o = CONTAINER_OF(post, green_offload_t, post);
    if (o->generation != green__threads_generation())
        return;                   /* posted before a fork, in the parent */
    pthread_mutex_lock(&o->lock); /* the thread that posted may still hold it */
    pthread_mutex_unlock(&o->lock);
    if (!o->released)
        o->hub->outside--;
    o->ended = true;
    if (o->released) {
        dispose(o);
        return;
    }
    green__wake_all(&o->waiters, 0);
    green__notify(&o->waitable);
}

/* The post is made under the lock: a release that finds it made knows that it has reached the hub, which may be closed
 * from then on. */
static void offload_ended(struct job *job)
{
    green_offload_t *o = CONTAINER_OF(job, green_offload_t, job);
    pthread_mutex_lock(&o->lock);
    bool released = o->released;
    if (!released) {
        o->posted = true;
        green_post(o->hub, &o->post);
    }
    pthread_mutex_unlock(&o->lock);
    if (released)
        dispose(o);
}

int green_offload(green_offload_t **out, green_threads_t *threads, void *(*fn)(void *arg), void *arg,
                  void (*destroy)(void *arg))
{
    if (!fn)
        return -EINVAL;
    green_hub_t *hub = green_hub();
    green_offload_t *o = hub ? calloc(1, sizeof *o) : NULL;
    if (!o)
        return -ENOMEM;
    o->job = (struct job){.fn = fn, .arg = arg, .droppable = true, .ended = offload_ended};
    o->post.fn = note_ended;
    o->hub = hub;
    o->generation = green__threads_generation();
    o->destroy = destroy;
    o->waitable.ready = has_ended;
    pthread_mutex_init(&o->lock, NULL);
    if (green__on_pool_thread()) {
        (void)run_here(fn, arg, &o->job.result);
        o->job.error = errno;
        o->ended = true;
    } else {
        hub->outside++;
        int r = green__threads_submit(threads ? threads : green_threads_user(), &o->job);
        if (r < 0) {
            hub->outside--;
            pthread_mutex_destroy(&o->lock);
            free(o);
            return r;
        }
    }
    *out = o;
    return 0;
}

int green_offload_get(green_offload_t *o, void **out, green_time deadline)
{
    if (o->hub != green_hub() || (!o->ended && o->generation != green__threads_generation()))
        return -EXDEV; /* after a fork, the thread that had the job is not there */
    if (!o->ended) {
        struct waiter me;
        if (!green_self())
            return -EPERM;
        int r = green__wait_in(&o->waiters, &me, "a job on another thread", o, deadline);
        if (r < 0)
            return r;
    }
    if (out)
        *out = o->job.result;
    errno = o->job.error;
    return 0;
}

green_waitable_t *green_offload_waitable(green_offload_t *o)
{
    return &o->waitable;
}

/* True: nothing will touch the job any more. Until it is posted the job keeps its pool from being closed. */
static bool give_up(green_offload_t *o)
{
    pthread_mutex_lock(&o->lock);
    bool withdrawn = !o->posted && green__threads_withdraw(&o->job);
    o->released = true;
    o->hub->outside--;
    pthread_mutex_unlock(&o->lock);
    return withdrawn;
}

void green_offload_release(green_offload_t *o)
{
    if (!o)
        return;
    /* in the child of a fork neither the thread that had the job exists nor the hub that waited for it */
    if (o->ended || green__threads_generation() != o->generation || give_up(o))
        dispose(o);
}
