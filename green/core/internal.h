/* What the files of libgreen share: the hub and the greenlet as they really are. Private to libgreen. */
#ifndef GREEN_CORE_INTERNAL_H
#define GREEN_CORE_INTERNAL_H

#ifndef GREEN_INTERNAL
#error "private to libgreen: include <green.h>"
#endif

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <uv.h>

#include "../green.h"
#include "list.h"
#include "sanitize.h"
#include "stack.h"
#include "context.h"
#include "timer.h"

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum green_entry { ENTRY_PLAIN, ENTRY_DETACHED, ENTRY_PARKED }; /* which function a greenlet begins with */

struct green {
    struct context context;
    struct stack
        stack; /* low is NULL before the first turn (unless its size is special), for main, and when done */
    struct list queued;   /* in hub->ready while GREEN_READY */
    struct list everyone; /* in hub->everyone while alive */
    green_hub_t *hub;
    struct timer wait_timer; /* deadline of its park */
    uint64_t id;
    const char *name;
    union {
        green_fn plain;
        void (*detached)(void *arg);
        void (*parked)(void *arg, int status);
    } fn;
    void *arg;
    const void *waits_on; /* with waits_for: for reports */
    green_time waits_since;
    unsigned references;
    enum green_state state;
    bool never_ran;

    uint64_t parent; /* the id of who made it; 0: the hub */

    /* All zero again when a run is over. */
    green_park_t *park;                     /* set while GREEN_WAITING in a green_park() */
    struct green__spawn_trace *spawn_trace; /* debug/dump.c */
    green_waitable_t waitable;              /* its end */
    struct green_chain joiners;             /* struct waiter */
    struct green_node member;               /* of a group (pool/group.c) */
    struct green_chain timeouts;            /* started ones: they go when it ends */
    struct green_cleanup *cleanups;
    struct green__locals *locals;

    /* From here on zeroed for each run (init() in greenlet.c). */
    void *result;
    const char *waits_for; /* "an event" */
    int status;            /* how it ended: green_status() */
    int parked_status;
    enum green_entry entry;
    unsigned slot; /* 0: nobody asked for it */
    unsigned shields;
    unsigned fired; /* timeouts that fired and were not stopped */
    int cancelled;  /* the reason, a negative code; 0: it was not */
    bool background;
    bool counted;     /* by the stack census, when it ends */
    bool unmonitored; /* green_monitor_ignore() */
    bool interrupt;   /* cancelled or fired, and not shielded: looked at by every call that can wait */
};

struct fd_state;

struct green_hub {
    struct context context; /* of the hub itself */
    struct stack stack;     /* it runs on */
    green_t *current;       /* NULL while the hub itself runs */
    struct list ready;
    uint64_t made_ready; /* greenlets so far */
    uint64_t turns;      /* given to them so far; the difference is how many are ready */
    uint64_t round_end;  /* `turns` once those who were ready when this round began have had theirs */
    unsigned hook_kinds; /* somebody wants to hear of these */
    int *errno_at;       /* this thread's errno */
    size_t streak;       /* what the running greenlet has moved in this turn (net/fd.c) */
    void (*arrival)(green_hub_t *hub,
                    green_t *g); /* what whoever is switched to has to do first; g: NULL in the hub */
    green_t *departed;           /* for green__put_away() */
    struct green_chain due;      /* links to be called */
    struct timers timers;
    green_time now;     /* the clock at the last poll */
    uint64_t polled_at; /* `turns` at the last poll, less those that moved bytes count for */
    uint64_t look_at;   /* at so many turns it is time for a look at the clock; 0: something is due at once */
    green_time tick;    /* of the coarse clock at the last look since the poll; 0: there was none */
    uint64_t next_id, ids_end; /* a block of ids that are this hub's to give */

    struct fd_state **fds; /* chunks of FD_CHUNK states, by descriptor */
    size_t fd_chunks;
    size_t parked;   /* descriptors with a parked record */
    size_t waiting;  /* greenlets that wait for a descriptor */
    size_t outside;  /* waits that something outside may end: green_expect_outside() */
    bool strict_fds; /* green_strict_fds() */
    int epoll;       /* the edge-triggered set (poller_epoll.c) */

    uv_loop_t loop;
    uv_async_t async; /* the one handle that is always there: green__run_loop(); poller_uv.c knocks by it */
    atomic_int knock; /* eventfd by which other threads knock (poller_epoll.c) */
#ifdef GREEN_POLLER_UV
    uv_timer_t loop_timer; /* the heap's next deadline */
    uv_prepare_t loop_prepare;
#endif
    bool
        more_events; /* the last look at the poller took all that it could: others may have happened before now */
    unsigned overdue;  /* rounds for which timers have waited for those */
    bool loop_touched; /* somebody asked for the loop: run it before waiting */
    _Atomic(green_post_t *) posts;
    atomic_uint posting; /* threads inside green_post() */

    struct stack_cache stacks;
    size_t unstarted; /* greenlets that will take a stack from the cache at their first turn */
    struct list free_greenlets;
    size_t free_count;
    green_t main;
    green_t *root; /* the main greenlet: &main, or in the child of a fork() the one that forked */
    struct list everyone;
    size_t alive;
    size_t background;         /* of them */
    struct green_chain idlers; /* struct waiter: those in green_idle() */
    struct green_chain enders; /* struct waiter: the main greenlet in green_run() */
    struct green_chain hooks;
    uint64_t *slots; /* bitmap of those in use */
    size_t slot_words;
    uint64_t polls;
    green_time tidy_at;    /* when to give memory back; GREEN_FOREVER: nothing happened since the last time */
    uint64_t tidied_turns; /* `turns` then */
    void (*on_idle)(void *arg);
    void *on_idle_arg;
    struct green__dns *dns;
    struct tls_spares *tls_spares; /* net/tls_wire.c */

    struct inspection *inspection; /* debug/dump.c */
    struct slices *slices;         /* debug/slices.c; NULL: switched off */
    bool polling; /* waits in the kernel; for the monitor, which also reads turns and polls */
    struct watched {
        uint64_t progress;
        green_time since;
        bool told;
    } watched;              /* the monitor's notes */
    struct list everywhere; /* of all hubs: hubs.c */
    pthread_t thread;
    pid_t tid;
};

extern __thread green_hub_t *green__hub;

#ifdef GREEN_PATCHED
/* For programs that know nothing of libgreen (patch/threads.c): what SIGPIPE does is theirs, and a signal that comes while
 * the thread is idle ends a call of their main thread. */
extern bool green__keep_sigpipe;
extern void (*green__on_signal)(green_hub_t *hub);
extern __thread volatile sig_atomic_t green__signalled;
#endif

/* For what other threads look at without a lock: as cheap as a plain store. */
#define SHOW(variable, value) __atomic_store_n(&(variable), (value), __ATOMIC_RELAXED)

static inline uint64_t green__ready(const green_hub_t *hub)
{
    return hub->made_ready - hub->turns;
}

/* hubs.c: how often this process was forked off: in a child, objects made before know a smaller number. And, if that
 * was by another greenlet than main, the one which is the main greenlet now. */
extern unsigned green__forks;
extern __thread green_t *green__forked;

/* All hubs, linked by `everywhere`; none closes while the lock is held. */
struct list *green__hubs_lock(void);
void green__hubs_unlock(void);
void green__hub_enlist(green_hub_t *hub);
void green__hub_delist(green_hub_t *hub);
void green__watch_forks(void);
void green__hub_abandon(void); /* hub.c */

/* The code that every call that can wait returns first if the caller was interrupted; 0 if not. */
int green__interruption(const green_t *g);

/* Says what the running greenlet is about to wait for; forgotten when that wait is over. */
static inline void green__waits_for(const char *what, const void *object)
{
    green_hub_t *hub = LIKELY(green__hub) ? green__hub : green_hub();
    if (LIKELY(hub && hub->current)) {
        hub->current->waits_for = what;
        hub->current->waits_on = object;
    }
}

/* waitable.c: w has become ready. The object's own waiters are its own business; these are the links on it. */
void green__notify_links(green_waitable_t *w);
static inline void green__notify(green_waitable_t *w)
{
    if (UNLIKELY(!chain_empty(&w->links)))
        green__notify_links(w);
}

/* A link of libgreen's own: fn may run inside the notification, or inside this call if w is ready. */
void green__link_at_once(green_waitable_t *w, green_link_t *link, void (*fn)(green_link_t *link));

/* Calls the links that are due, in the hub. */
void green__run_due(green_hub_t *hub);

/* greenlet.c */
void green__make_ready(green_t *g);
void green__start(green_hub_t *hub, green_t *g);
void green__update_interrupt(green_t *g);
void green__interrupt_park(green_t *g, int result);
/* A new greenlet; the caller sets what it begins with (entry, fn, arg) and has it begin. One reference: the run's. */
int green__spawn(green_hub_t *hub, green_t **out, size_t stack_size, const char *name);
void green__begin(green_hub_t *hub, green_t *g);
/* In the hub, for one that will not run again: both halves of its end, announced and put away. */
void green__finish(green_hub_t *hub, green_t *g);
void green__put_away(green_hub_t *hub, green_t *arrived);
void green__main_init(green_hub_t *hub);
void green__free_cached(green_hub_t *hub);

/* exit.c */
_Noreturn void green__end(green_t *g);

/* local.c */
int green__locals_inherit(green_t *child, const green_t *parent);
void green__locals_destroy(green_t *g);

/* hook.c */
#define HOOK_SLICES                                                                                          \
    0x8000u /* no event for others: turns go by way of the hub, which times them (debug/slices.c) */
void green__hooks_changed(green_hub_t *hub);
void green__call_hooks(green_hub_t *hub, enum green_event_kind kind, green_t *g);
static inline void green__tell(green_hub_t *hub, enum green_event_kind kind, green_t *g)
{
    if (UNLIKELY(hub->hook_kinds & (unsigned)kind))
        green__call_hooks(hub, kind, g);
}

/* timeout.c: stops those that g left running. */
void green__timeouts_end(green_t *g);

/* slot.c */
void green__slot_free(green_hub_t *hub, unsigned slot);

/* pool/group.c */
void green__leave_group(green_t *g);

/* hub.c */
_Noreturn void green__depart(green_hub_t *hub, green_t *g);
void green__run_posts(green_hub_t *hub);
/* uv_run() for the pollers */
void green__run_loop(green_hub_t *hub, uv_run_mode mode);

/* poller_epoll.c or poller_uv.c */
int green__poller_open(green_hub_t *hub);
void green__poller_close(green_hub_t *hub);
void green__poller_knock(green_hub_t *hub);  /* from any thread: have green__run_posts() called soon */
void green__loop_knocked(uv_async_t *async); /* what hub->async calls */
int green__poller_watch(green_hub_t *hub, int fd, struct fd_state *f, unsigned conditions);
int green__poller_fork(green_hub_t *hub); /* in the child, after uv_loop_fork() */
void green__poller_unwatch(green_hub_t *hub, int fd, struct fd_state *f);
void green__poller_wait(green_hub_t *hub, green_time until);

/* debug/dump.c */
void green__debug_open(void); /* for this thread's new hub, as the environment wishes */
void green__debug_close(void);
void green__dump_greenlets(FILE *out, green_hub_t *hub, unsigned flags);

/* debug/census.c */
extern atomic_bool green__census;
void green__census_begin(green_t *g);
void green__census_end(green_t *g);

/* debug/slices.c */
void green__slice_begins(struct slices *s);
void green__slice_ends(struct slices *s);

/* net/dns.c */
void green__dns_close(green_hub_t *hub);

/* net/tls_wire.c */
void green__tls_close(green_hub_t *hub);

/* os/process.c: lets go of this thread's children. */
void green__processes_close(void);

#endif
