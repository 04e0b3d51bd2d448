/*
 * Accepting, also when there is nothing to accept with: a descriptor is held in reserve, so that clients who wait in the
 * kernel's queue are told at once that it will not be, and nobody spins.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "listener.h"
#include "observe/error_log.h"
#include "process.h"

#define RESET_BATCH 256           /* pending clients that are reset in one turn */
#define STOP_PAUSE  GREEN_MS(100) /* between two such turns */
#define PAUSE_LEAST GREEN_MS(10)
#define PAUSE_MOST  GREEN_S(1)

static void hold_reserve(struct worker *w)
{
    if (w->reserve_fd < 0)
        w->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void reset(struct worker *w, int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    green_close(fd);
    overload_count(&w->process->overload.reset);
}

/* Those who wait in the kernel's queue, as far as one descriptor at a time allows it. */
static void reset_pending(struct worker *w, int listening)
{
    if (w->reserve_fd >= 0)
        close(w->reserve_fd);
    w->reserve_fd = -1;
    for (int i = 0; i < RESET_BATCH; i++) {
        green_address_t peer;
        int fd = green_accept(listening, &peer, GREEN_NOWAIT);
        if (fd < 0)
            break;
        reset(w, fd);
    }
    hold_reserve(w);
}

/* False: the greenlet has been cancelled. */
static bool pause_for(int64_t *pause)
{
    *pause = !*pause ? PAUSE_LEAST : *pause < PAUSE_MOST / 2 ? *pause * 2 : PAUSE_MOST;
    return green_sleep(*pause) == 0;
}

static bool means_shortage(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

void *listener_accept(void *arg)
{
    struct acceptor *a = arg;
    struct worker *w = a->at->worker;
    struct overload *overload = &w->process->overload;
    int64_t pause = 0;
    hold_reserve(w);
    for (;;) {
        if (overload_level(overload) == OVERLOAD_STOP) {
            reset_pending(w, a->fd);
            if (green_sleep(STOP_PAUSE) < 0)
                return NULL;
            continue;
        }
        green_address_t peer;
        int fd = green_accept(a->fd, &peer, GREEN_FOREVER);
        if (fd >= 0) {
            pause = 0;
            connection_open(a->at, fd, &peer);
            continue;
        }
        if (fd == -ECANCELED || fd == -EBADF)
            return NULL;
        if (!pause)
            error_log(LOG_LEVEL_WARNING, "cannot accept on listener %s: %s; trying again until it works",
                      a->at->view->conf->listeners[a->at->listener].name, green_strerror(fd));
        if (means_shortage(fd) &&
            pause) { /* the second time: what is over after a moment is nobody's concern */
            overload_exhausted(overload, fd);
            reset_pending(w, a->fd);
        }
        if (!pause_for(&pause)) /* trying at once again would only burn the processor */
            return NULL;
    }
}
