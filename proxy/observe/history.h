/*
 * What the last minutes were like: a sample each second of the process as a whole, and for each listener, route and
 * upstream how long requests took during the last minute. Main thread.
 */
#ifndef OBSERVE_HISTORY_H
#define OBSERVE_HISTORY_H

#include "metrics.h"

#define HISTORY_SECONDS 300

/* One second. Latencies are ns, -1: nothing ended. */
struct history_sample {
    uint64_t requests, failed; /* that ended; of them with 5xx or without an answer */
    uint64_t received, sent;   /* bytes */
    uint64_t connections;      /* open */
    int64_t p50, p90, p99;
};

/* A reading of a histogram from half a minute to a minute ago: what has come since is the last minute. */
struct history_window {
    struct histogram_reading before, between;
};

struct history {
    const struct metrics_view *view; /* what the windows are of */
    struct history_window *windows;  /* listeners, then routes, then upstreams */
    size_t window_count;
    struct history_window whole;
    green_time turned; /* when the windows moved on */
    uint64_t count;    /* samples so far: the last one is at (count - 1) % HISTORY_SECONDS */
    struct history_sample samples[HISTORY_SECONDS];
    /* Sums at the last sample. */
    uint64_t requests, failed, received, sent;
    struct histogram_reading durations;
};

void history_begin(struct history *h, const struct metrics_view *view);
void history_end(struct history *h);

/* Another view rules from now on, whose windows begin anew; to be called before the old one is freed. */
void history_follow(struct history *h, const struct metrics_view *view);

/* Once a second, as well with a view that it is to follow. */
void history_tick(struct history *h, const struct metrics_view *view, long connections);

/* The last minute of all listeners together, or of one of the view's sets. */
void history_recent(const struct history *h, struct histogram_reading *out);
void history_recent_listener(const struct history *h, size_t index, struct histogram_reading *out);
void history_recent_route(const struct history *h, size_t index, struct histogram_reading *out);
void history_recent_upstream(const struct history *h, size_t index, struct histogram_reading *out);

/* The i-th of the samples that there are, the oldest first. */
size_t history_length(const struct history *h);
const struct history_sample *history_at(const struct history *h, size_t i);

#endif
