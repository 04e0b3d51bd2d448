/* Samples of a second, windows of a minute. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "totals.h"

#define TURN GREEN_S(30)

/* --- readings ----------------------------------------------------------------------------------------------------- */

static void read_whole(const struct metrics_view *v, struct histogram_reading *out)
{
    *out = (struct histogram_reading){0};
    for (size_t i = 0; i < v->conf->listener_count; i++)
        total_histogram(v->listeners[i], offsetof(struct listener_metrics, traffic.duration), out);
}

static void read_window(const struct metrics_view *v, size_t window, struct histogram_reading *out)
{
    const struct conf *c = v->conf;
    *out = (struct histogram_reading){0};
    if (window < c->listener_count)
        total_histogram(v->listeners[window], offsetof(struct listener_metrics, traffic.duration), out);
    else if ((window -= c->listener_count) < c->route_count)
        total_histogram(v->routes[window], offsetof(struct route_metrics, traffic.duration), out);
    else
        total_first_byte(v, window - c->route_count, out);
}

/* --- windows ------------------------------------------------------------------------------------------------------ */

static void watch(struct history *h, const struct metrics_view *view)
{
    const struct conf *c = view->conf;
    free(h->windows);
    h->view = view;
    h->window_count = c->listener_count + c->route_count + c->upstream_count;
    h->windows = calloc(h->window_count + 1, sizeof *h->windows);
    if (!h->windows)
        h->window_count = 0; /* without memory there are no percentiles by name */
    for (size_t i = 0; i < h->window_count; i++) {
        read_window(view, i, &h->windows[i].before);
        h->windows[i].between = h->windows[i].before;
    }
    read_whole(view, &h->whole.before);
    h->whole.between = h->durations = h->whole.before;
}

static void turn(struct history *h)
{
    for (size_t i = 0; i < h->window_count; i++) {
        h->windows[i].before = h->windows[i].between;
        read_window(h->view, i, &h->windows[i].between);
    }
    h->whole.before = h->whole.between;
    read_whole(h->view, &h->whole.between);
    h->turned = green_now();
}

static void recent(const struct history *h, size_t window, struct histogram_reading *out)
{
    struct histogram_reading now;
    *out = (struct histogram_reading){0};
    if (window >= h->window_count)
        return;
    read_window(h->view, window, &now);
    histogram_since(out, &now, &h->windows[window].before);
}

void history_recent(const struct history *h, struct histogram_reading *out)
{
    struct histogram_reading now;
    read_whole(h->view, &now);
    histogram_since(out, &now, &h->whole.before);
}

void history_recent_listener(const struct history *h, size_t index, struct histogram_reading *out)
{
    recent(h, index, out);
}

void history_recent_route(const struct history *h, size_t index, struct histogram_reading *out)
{
    recent(h, h->view->conf->listener_count + index, out);
}

void history_recent_upstream(const struct history *h, size_t index, struct histogram_reading *out)
{
    recent(h, h->view->conf->listener_count + h->view->conf->route_count + index, out);
}

/* --- samples ------------------------------------------------------------------------------------------------------ */

struct sums {
    uint64_t requests, failed, received, sent;
};

static struct sums add_up(const struct metrics_view *v)
{
    struct sums s = {0};
    for (size_t i = 0; i < v->conf->listener_count; i++) {
        for (unsigned class = 0; class < METRICS_CLASSES; class ++)
            s.requests += total_requests(v->listeners[i], class);
        s.failed += total_requests(v->listeners[i], 0) + total_requests(v->listeners[i], 5);
        s.received += TOTAL(v->listeners[i], traffic, bytes_in);
        s.sent += TOTAL(v->listeners[i], traffic, bytes_out);
    }
    return s;
}

/* A listener that is gone takes its counts along. */
static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static void remember(struct history *h, const struct sums *s)
{
    h->requests = s->requests;
    h->failed = s->failed;
    h->received = s->received;
    h->sent = s->sent;
}

void history_begin(struct history *h, const struct metrics_view *view)
{
    *h = (struct history){0};
    watch(h, view);
    struct sums s = add_up(view);
    remember(h, &s);
    h->turned = green_now();
}

void history_end(struct history *h)
{
    free(h->windows);
    h->windows = NULL;
}

void history_follow(struct history *h, const struct metrics_view *view)
{
    if (view == h->view)
        return;
    watch(h, view);
    struct sums s = add_up(view);
    remember(h, &s);
}

void history_tick(struct history *h, const struct metrics_view *view, long connections)
{
    struct histogram_reading now, second;
    history_follow(h, view);
    struct sums s = add_up(view);
    read_whole(view, &now);
    histogram_since(&second, &now, &h->durations);
    h->samples[h->count++ % HISTORY_SECONDS] =
        (struct history_sample){.requests = grown(s.requests, h->requests),
                                .failed = grown(s.failed, h->failed),
                                .received = grown(s.received, h->received),
                                .sent = grown(s.sent, h->sent),
                                .connections = connections > 0 ? (uint64_t)connections : 0,
                                .p50 = histogram_percentile(&second, 0.5),
                                .p90 = histogram_percentile(&second, 0.9),
                                .p99 = histogram_percentile(&second, 0.99)};
    h->durations = now;
    remember(h, &s);
    if (green_now() - h->turned >= TURN)
        turn(h);
}

size_t history_length(const struct history *h)
{
    return h->count < HISTORY_SECONDS ? (size_t)h->count : HISTORY_SECONDS;
}

const struct history_sample *history_at(const struct history *h, size_t i)
{
    return &h->samples[(h->count - history_length(h) + i) % HISTORY_SECONDS];
}
