/*
 * The monitor: a thread that looks at every hub from outside and tells when one is blocked: by which greenlet, and in
 * which function it is at that moment. It also watches the memory of the process and calls functions of the
 * application from time to time. One per process; a forked child has one, too, if its parent had.
 */
#ifndef GREEN_DEBUG_MONITOR_H
#define GREEN_DEBUG_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../core/error.h"
#include "../core/time.h"

enum green_monitor_kind {
    GREEN_MONITOR_BLOCKED,      /* a hub has not had a turn for longer than max_blocking */
    GREEN_MONITOR_MEMORY_OVER,  /* resident memory is over max_memory; again when it is more than last told */
    GREEN_MONITOR_MEMORY_UNDER, /* it has fallen back by a twentieth; once */
};

#define GREEN_MONITOR_FRAMES 32

typedef struct green_monitor_event {
    enum green_monitor_kind kind;
    pid_t thread;      /* BLOCKED: gettid(2) of it */
    uint64_t greenlet; /* its number; 0: a callback in the hub, or not known */
    char name[48];
    int64_t blocked; /* ns so far */
    void *frames[GREEN_MONITOR_FRAMES];
    int frame_count; /* 0: the thread did not answer (it has our signal blocked, or hangs in the kernel) */
    size_t memory;   /* resident bytes */
} green_monitor_event_t;

/* Zero in every field is the default. */
typedef struct green_monitor_options {
    int64_t max_blocking;  /* ns; 0: 100 ms */
    size_t max_memory;     /* bytes; 0: memory is not watched */
    int64_t memory_period; /* ns between looks at it; 0: 1 s */
    int signal; /* what asks a thread where it is, a realtime signal nobody else uses; 0: SIGRTMAX - 1 */
    bool quiet; /* nothing on standard error; else a report each second at most */
    void (*on_event)(const green_monitor_event_t *event,
                     void *arg); /* on the monitor's thread; may be NULL */
    void *arg;
} green_monitor_options_t;

/*
 * Starts it. Hubs that wait for I/O or timers, and threads with no other greenlet than main, are never reported; each
 * blockage is reported once. Asking interrupts slow system calls of the blocked thread (SA_RESTART). 0; -EALREADY;
 * -EBUSY: the signal has a handler; -EINVAL; -EAGAIN: no thread. NULL: all defaults. Never switches.
 */
int green_monitor_start(const green_monitor_options_t *options) GREEN_MUST_CHECK;

/* Ends it: nothing of it runs any more. -ESRCH: there is none; -EDEADLK: called by one of its functions. Never
 * switches. */
int green_monitor_stop(void);

/* Has fn(arg) called on the monitor's thread every `period` ns, first when that has passed, also before the start and
 * after a stop and new start. -EINVAL: no fn, or a period that is not positive; -EEXIST: there already; -ENOMEM.
 * Never switches. */
int green_monitor_add(void (*fn)(void *arg), void *arg, int64_t period) GREEN_MUST_CHECK;

/* After this fn(arg) neither runs nor will. -ENOENT. Never switches. */
int green_monitor_remove(void (*fn)(void *arg), void *arg);

/* Blockages by the running greenlet are not reported (any more, or again): it knows what it does. Never switches. */
void green_monitor_ignore(bool on);

typedef struct green_monitor_stats {
    uint64_t looks, blockages, memory_events;
} green_monitor_stats_t;

/* Since the start of the process. Never switches. */
void green_monitor_stats(green_monitor_stats_t *out);

/*
 * How long greenlets keep this thread at a time. While switched on each turn costs two looks at the clock. Bucket i
 * counts turns of at least 2^i ns and less than twice that; the last one whatever is longer. Never switch.
 */
#define GREEN_SLICE_BUCKETS 40
int green_slices(bool on) GREEN_MUST_CHECK; /* 0 or -ENOMEM; switching off forgets */
int green_slices_read(uint64_t counts[GREEN_SLICE_BUCKETS]) GREEN_MUST_CHECK; /* -ENOENT: switched off */

#endif
