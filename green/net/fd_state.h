/* What a hub remembers of a descriptor. Private to libgreen. */
#ifndef GREEN_NET_FD_STATE_H
#define GREEN_NET_FD_STATE_H

#include "../core/internal.h"

#include <poll.h>

#define FD_READ   1u /* worth trying to read: no EAGAIN or short read since the last event */
#define FD_WRITE  2u
#define FD_EOF    4u  /* the peer closed its direction (EPOLLRDHUP): reading must go on until it returns 0 */
#define FD_HUP    8u  /* reset, or closed in both directions */
#define FD_URGENT 16u /* TCP urgent data and other exceptional conditions (EPOLLPRI) */

/* Somebody who wants to hear of conditions and takes nothing away (green_poll). */
struct fd_watcher {
    struct green_node node;
    green_park_t *park;
    unsigned conditions;
    unsigned told;  /* what the poller has said since */
    bool contested; /* and somebody was woken who may take it away first */
    bool closed;    /* set when the descriptor was closed meanwhile */
};

struct fd_state {
    struct list waiters[2];      /* struct fd_waiter: readers, writers; first come, first served */
    struct green_chain watchers; /* struct fd_watcher: all of them are told */
    void (*parked_fn)(void *arg, int status); /* set while a record is parked here */
    void *parked_arg;
    struct timer parked_timer;
    uint32_t generation; /* of the descriptor's number: events for an older one are stale */
    uint8_t ready;       /* FD_* */
    uint8_t
        handed; /* FD_READ, FD_WRITE: the first waiter was woken and has not run yet; it goes before others */
    uint8_t
        type; /* of a socket: SOCK_*, and recv and send work, which cost less than read and write; else 0 */
    uint8_t family;  /* of a socket: AF_*; else 0 */
    bool watched;    /* registered with the poller */
    bool stream;     /* a short read means drained (stream sockets, pipes), or it will be said otherwise */
    bool classified; /* these are known; until then nothing is claimed */
    bool always;     /* cannot be polled (a regular file): never waits */
#ifdef GREEN_PATCHED
    unsigned made; /* what green__fd_made() said when it was registered */
#endif
#ifdef GREEN_POLLER_UV
    uv_poll_t *poll;
    int polled; /* events it was started with */
#endif
};

/* Is `ready` kept up to date while nobody waits? A uv_poll_t runs only while somebody does. */
#ifdef GREEN_POLLER_UV
#define FD_REMEMBERED(f) false
#else
#define FD_REMEMBERED(f) ((f)->watched)
#endif

#define FD_CHUNK 256

/* NULL if its like was never seen. A negative descriptor lies beyond every table. */
static inline struct fd_state *green__fd_find(const green_hub_t *hub, int fd)
{
    size_t chunk = (unsigned)fd / FD_CHUNK;
    return LIKELY(chunk < hub->fd_chunks) && hub->fds[chunk] ? &hub->fds[chunk][(unsigned)fd % FD_CHUNK]
                                                             : NULL;
}

int green__fd_make(green_hub_t *hub, int fd, struct fd_state **out);

/* Made if needed. */
static inline int green__fd_get(green_hub_t *hub, int fd, struct fd_state **out)
{
    *out = green__fd_find(hub, fd);
    return LIKELY(*out != NULL) ? 0 : green__fd_make(hub, fd, out);
}

/* From the poller: these FD_* conditions hold now. Wakes whom they concern. */
void green__fd_event(green_hub_t *hub, int fd, struct fd_state *f, unsigned conditions);

/* Waits for a direction (FD_READ or FD_WRITE) of a descriptor: at the head of the queue (who was there before, and
 * found nothing) or at its end. */
int green__fd_wait(green_hub_t *hub, int fd, struct fd_state *f, unsigned direction, bool at_head,
                   green_time deadline);

/* After an operation: lets the next waiter of that direction try, if there may be something for it. */
void green__fd_pass_on(struct fd_state *f, unsigned direction);

static inline bool green__fd_queue(const struct fd_state *f, unsigned direction)
{
    return !list_empty(&f->waiters[direction == FD_WRITE]);
}

/* One operation on a descriptor: how to try it, and what would be all. */
struct operation {
    ssize_t (*attempt)(int fd, const struct fd_state *f,
                       struct operation *op); /* like read(2): -1 and errno */
    void *buffer;
    size_t
        size; /* fewer bytes than this mean that the kernel has no more; 0: the result says nothing of the kind (an attempt may set it so) */
    const struct iovec *iov;
    int count;
};

/* What every call that moves something does: try, wait when the kernel says so, try again; in the order of arrival. */
ssize_t green__fd_perform(int fd, unsigned direction, struct operation *op, green_time deadline);

/* Makes sure that the poller tells of these conditions (FD_*). -errno. Sets f->always if it never will. */
int green__fd_watch(green_hub_t *hub, int fd, struct fd_state *f, unsigned conditions);

/* green_poll() from where the kernel has said that none of them is ready. */
int green__poll_on(struct pollfd *fds, nfds_t count, green_time deadline);

/* The kernel has said that there is nothing to read: so it is until the poller says otherwise. */
static inline void green__fd_drained(struct fd_state *f)
{
    if (f->watched && !f->always && !(f->ready & (FD_EOF | FD_HUP)))
        f->ready &= (uint8_t)~FD_READ;
}

#ifdef GREEN_PATCHED
/* Whether the poller is known to have nothing to tell of the only descriptor, which is to be read: poll(2) need not be asked
 * before waiting. */
bool green__poll_is_idle(const struct pollfd *fds, nfds_t count);

/* Another one for each descriptor that the program has made under this number; 0 if that was not seen. */
unsigned green__fd_made(int fd);
#endif

/* Finds out what kind of descriptor it is, if that is not known. */
void green__fd_classify(int fd, struct fd_state *f);

/* A socket that the kernel has just given out: its number means nothing that was known of it before. 0 or -ENOMEM. */
int green__fd_fresh(int fd, int family, int type);

/* socket.c: a stream socket that is about to be connected, from `source` if that is not NULL. */
int green__connecting_socket(int family, const green_address_t *source);

/* Forgets all about a descriptor whose number now means something else; waiters get -EBADF. */
void green__fd_forget(green_hub_t *hub, int fd, struct fd_state *f);

#endif
