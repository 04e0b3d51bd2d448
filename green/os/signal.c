/* Signals: libuv catches them; a small queue keeps them until a greenlet takes them, or each makes a greenlet. */
#include "../core/internal.h"

#include <stdlib.h>
#include <string.h>

#define SIGNALS_MAX 16

struct green_signals {
    uv_signal_t handles[SIGNALS_MAX];
    size_t count, closing;
    int queue[SIGNALS_MAX]; /* what came and was not taken, each number once: there is always room */
    size_t length;
    green_park_t *waiter;
};

static void on_signal(uv_signal_t *handle, int number)
{
    green_signals_t *s = handle->data;
    size_t i = 0;
    while (i < s->length && s->queue[i] != number)
        i++;
    if (i == s->length)
        s->queue[s->length++] = number;
    if (s->waiter)
        green_wake(s->waiter, 0);
}

static void freed(uv_handle_t *handle)
{
    green_signals_t *s = handle->data;
    if (--s->closing == 0)
        free(s);
}

int green_signals_open(green_signals_t **out, const int *signals, size_t count)
{
    if (count == 0 || count > SIGNALS_MAX)
        return -EINVAL;
    green_signals_t *s = calloc(1, sizeof *s);
    struct uv_loop_s *loop = green_uv_loop();
    if (!s || !loop) {
        free(s);
        return -ENOMEM;
    }
    int r = 0;
    while (s->count < count && r == 0) {
        uv_signal_t *handle = &s->handles[s->count];
        r = uv_signal_init(loop, handle);
        if (r < 0)
            break;
        handle->data = s;
        s->count++;
        uv_unref((uv_handle_t *)handle); /* a signal that may never come holds nobody back */
        r = uv_signal_start(handle, on_signal, signals[s->count - 1]);
    }
    if (r < 0) {
        if (s->count)
            green_signals_close(s);
        else
            free(s);
        return r;
    }
    *out = s;
    return 0;
}

int green_signals_wait(green_signals_t *s, green_time deadline)
{
    if (s->waiter)
        return -EBUSY;
    while (!s->length) {
        green_park_t me = GREEN_PARK_INIT;
        s->waiter = &me;
        green_expect_outside();
        int r = green_park(&me, deadline);
        green_unexpect_outside();
        s->waiter = NULL;
        if (r < 0)
            return r;
    }
    int number = s->queue[0];
    memmove(s->queue, s->queue + 1, --s->length * sizeof s->queue[0]);
    return number;
}

void green_signals_close(green_signals_t *s)
{
    green_uv_loop();
    s->closing = s->count;
    for (size_t i = s->count; i-- > 0;)
        uv_close((uv_handle_t *)&s->handles[i], freed);
}

/* --- a greenlet for each ------------------------------------------------------------------------------------------ */

struct green_signal_handler {
    uv_signal_t watch;
    void (*fn)(int signal, void *arg);
    void *arg;
    int number;
    unsigned references; /* the watch, and greenlets that have not ended */
    bool cancelled;
};

static void unreference(green_signal_handler_t *h)
{
    if (--h->references == 0)
        free(h);
}

static void handle(void *arg)
{
    green_signal_handler_t *h = arg;
    if (!h->cancelled)
        h->fn(h->number, h->arg);
    unreference(h);
}

static void spawn_handler(uv_signal_t *watch, int number)
{
    green_signal_handler_t *h = watch->data;
    (void)number;
    h->references++;
    if (green_spawn_detached("signal handler", handle, h) < 0)
        unreference(h); /* no memory for a stack: as if it had folded into the next */
}

static void unwatched(uv_handle_t *watch)
{
    unreference(watch->data);
}

int green_on_signal(green_signal_handler_t **out, int signal, void (*fn)(int signal, void *arg), void *arg)
{
    if (!fn)
        return -EINVAL;
    struct uv_loop_s *loop = green_uv_loop();
    green_signal_handler_t *h = loop ? calloc(1, sizeof *h) : NULL;
    if (!h)
        return -ENOMEM;
    *h = (green_signal_handler_t){.fn = fn, .arg = arg, .number = signal, .references = 1};
    int r = uv_signal_init(loop, &h->watch);
    if (r < 0) {
        free(h);
        return r;
    }
    h->watch.data = h;
    uv_unref((uv_handle_t *)&h->watch);
    r = uv_signal_start(&h->watch, spawn_handler, signal);
    if (r < 0) {
        green_signal_cancel(h);
        return r;
    }
    *out = h;
    return 0;
}

void green_signal_cancel(green_signal_handler_t *h)
{
    if (!h)
        return;
    green_uv_loop();
    h->cancelled = true;
    uv_close((uv_handle_t *)&h->watch, unwatched);
}
