/* Child processes: the handle, the pidfd that a hub watches, waiting and killing. Starting is process_start.c. */
#include "../core/waiter.h"
#include "process_start.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct green_process {
    green_waitable_t waitable;
    green_hub_t *hub; /* NULL: closed before the handle was */
    uv_poll_t poll;   /* watches the pidfd until the end */
    struct list link; /* in `watched` as long as that */
    struct green_chain waiters;
    pid_t pid;
    int pidfd; /* -1: it has ended */
    int pipes[3];
    int result; /* 0 with a status, or -ECHILD */
    int status;
    unsigned references; /* the handle, the watch */
    bool talking;        /* somebody is in green_process_communicate() */
};

static __thread struct list watched; /* this thread's; zeroes before the first */

static bool has_ended(const green_waitable_t *w)
{
    return CONTAINER_OF(w, green_process_t, waitable)->pidfd < 0;
}

static void unreference(green_process_t *p)
{
    if (--p->references == 0)
        free(p);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void unwatched(uv_handle_t *handle)
{
    unreference(handle->data);
}

/* libuv lets go of the descriptor at once, of the handle later. */
static void unwatch(green_process_t *p)
{
    list_remove(&p->link);
    uv_close((uv_handle_t *)&p->poll, unwatched);
    close(p->pidfd);
    p->pidfd = -1;
}

static int wait_status(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED)
        return (info->si_status & 0xff) << 8;
    return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* Looks whether the child has ended; then all who want to know are told. */
static void look(green_process_t *p)
{
    siginfo_t info = {0};
    if (p->pidfd < 0)
        return;
    if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG) < 0)
        p->result = -ECHILD;
    else if (info.si_pid == 0)
        return;
    else
        p->status = wait_status(&info);
    green_uv_loop();
    unwatch(p);
    green__wake_all(&p->waiters, 0);
    green__notify(&p->waitable);
}

static void on_exit_event(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    look(poll->data);
}

static int watch(green_process_t *p)
{
    struct uv_loop_s *loop = green_uv_loop();
    if (!loop)
        return -ENOMEM;
    int r = uv_poll_init(loop, &p->poll, p->pidfd);
    if (r < 0)
        return r;
    p->poll.data = p;
    p->references++;
    if (!watched.next)
        list_init(&watched);
    list_push(&watched, &p->link);
    return uv_poll_start(&p->poll, UV_READABLE, on_exit_event);
}

void green__processes_close(void)
{
    if (!watched.next)
        return;
    for (struct list *node, *next = watched.next; (node = next) != &watched;) {
        green_process_t *p = CONTAINER_OF(node, green_process_t, link);
        next = node->next;
        p->hub = NULL;
        p->result = -ECHILD;
        unwatch(p);
    }
}

/* --- the handle --------------------------------------------------------------------------------------------------- */

int green_process_spawn(green_process_t **out, const green_process_options_t *options)
{
    green_hub_t *hub = green_hub();
    green_process_t *p = calloc(1, sizeof *p);
    if (!hub || !p) {
        free(p);
        return -ENOMEM;
    }
    struct started started;
    int r = green__process_start(&started, options);
    if (r < 0) {
        free(p);
        return r;
    }
    *p = (green_process_t){
        .waitable = {.ready = has_ended},
        .hub = hub,
        .pid = started.pid,
        .pidfd = started.pidfd,
        .pipes = {started.pipes[0], started.pipes[1], started.pipes[2]},
        .references = 1,
    };
    list_init(&p->link);
    r = watch(p);
    if (r < 0) { /* it runs already; without a watch it must not */
        siginfo_t info;
        pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
        waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED);
        if (p->references > 1)
            unwatch(p);
        else
            close(p->pidfd);
        green_process_close(p);
        return r;
    }
    *out = p;
    return 0;
}

int green_process_poll(green_process_t *p, int *status)
{
    if (p->hub && p->hub != green__hub)
        return -EXDEV;
    look(p);
    if (p->pidfd >= 0)
        return -EAGAIN;
    if (p->result == 0 && status)
        *status = p->status;
    return p->result;
}

int green_process_wait(green_process_t *p, int *status, green_time deadline)
{
    int r = green_process_poll(p, status);
    if (r != -EAGAIN || deadline <= GREEN_NOWAIT)
        return r;
    struct waiter me;
    r = green__wait_in(&p->waiters, &me, "a child process", p, deadline);
    return r < 0 ? r : green_process_poll(p, status);
}

int green_process_kill(green_process_t *p, int signal)
{
    if (p->hub && p->hub != green__hub)
        return -EXDEV;
    if (signal < 0 || signal >= NSIG)
        return -EINVAL;
    if (p->pidfd < 0 || pidfd_send_signal(p->pidfd, signal, NULL, 0) == 0 || errno == ESRCH)
        return 0;
    return -errno;
}

pid_t green_process_pid(const green_process_t *p)
{
    return p->pid;
}

green_waitable_t *green_process_waitable(green_process_t *p)
{
    return &p->waitable;
}

/* --- pipes -------------------------------------------------------------------------------------------------------- */

int green_process_fd(const green_process_t *p, int which)
{
    return which >= 0 && which < 3 && p->pipes[which] >= 0 ? p->pipes[which] : -EBADF;
}

int green_process_take_fd(green_process_t *p, int which)
{
    int fd = green_process_fd(p, which);
    if (fd >= 0)
        p->pipes[which] = -1;
    return fd;
}

int green_process_close_fd(green_process_t *p, int which)
{
    int fd = green_process_take_fd(p, which);
    return fd < 0 ? fd : green_close(fd);
}

bool green__process_talk_begin(green_process_t *p)
{
    if (p->talking)
        return false;
    p->references++;
    return p->talking = true;
}

void green__process_talk_end(green_process_t *p)
{
    p->talking = false;
    unreference(p);
}

/* Those who wait for it hear of it now or never. */
void green_process_close(green_process_t *p)
{
    if (!p)
        return;
    for (int n = 0; n < 3; n++)
        if (p->pipes[n] >= 0)
            green_process_close_fd(p, n);
    green__wake_all(&p->waiters, -EBADF);
    green__notify(&p->waitable);
    unreference(p);
}
