/*
 * Starting a child by clone(2) the way vfork(2) does: it borrows our memory until it calls execve, while this thread,
 * and no other, stands still. So the cost does not grow with our memory, no atfork handler runs, and an error comes
 * back by a store. In return the child's side may do next to nothing: no allocation, no lock, no errno that matters.
 */
#include "process_start.h"

#include "../core/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_STACK ((size_t)64 * 1024)

/* The sanitizers keep notes in memory that a borrower would spoil: there, the child gets a copy. */
#if defined(GREEN_ASAN) || defined(GREEN_TSAN)
#define BORROWED 0
#else
#define BORROWED CLONE_VM
#endif

/* What both sides see. It lies at the low end of the child's stack, in a mapping that a copy shares, too. */
struct plan {
    const green_process_options_t *options;
    const char *file;
    char *const *argv, *const *env;
    int sources[3]; /* what becomes 0, 1, 2; -1: stays as it is */
    const int *kept;
    size_t kept_count; /* ascending, each once */
    int error;         /* why it failed, positive */
};

/* --- the child's side ------------------------------------------------------------------------------------------- */

static int reset_signals(const struct plan *p)
{
    struct sigaction action;
    for (int number = 1; number < NSIG; number++) {
        if (sigaction(number, NULL, &action) < 0)
            continue; /* the C library's own */
        bool ignored = action.sa_handler == SIG_IGN;
        if (action.sa_handler == SIG_DFL || (ignored && number != SIGPIPE && !p->options->default_signals))
            continue;
        action = (struct sigaction){.sa_handler = SIG_DFL};
        if (sigaction(number, &action, NULL) < 0)
            return -1;
    }
    return 0;
}

static int place_descriptors(struct plan *p)
{
    for (int n = 0; n < 3; n++) /* out of the way of one another */
        if (p->sources[n] >= 0 && p->sources[n] < 3 &&
            (p->sources[n] = fcntl(p->sources[n], F_DUPFD_CLOEXEC, 3)) < 0)
            return -1;
    for (int n = 0; n < 3; n++)
        if (p->sources[n] >= 0 && dup2(p->sources[n], n) < 0)
            return -1;
    if (p->options->err.kind == GREEN_STDIO_STDOUT && dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        return -1;
    for (size_t i = 0; i < p->kept_count; i++)
        if (fcntl(p->kept[i], F_SETFD, 0) < 0)
            return -1;
    return 0;
}

static void close_range_of(unsigned first, unsigned last)
{
    if (first > last || close_range(first, last, 0) == 0)
        return;
    long limit = sysconf(_SC_OPEN_MAX); /* before Linux 5.9 */
    for (unsigned fd = first; fd <= last && (long)fd < limit; fd++)
        close((int)fd);
}

static void close_others(const struct plan *p)
{
    unsigned first = 3;
    for (size_t i = 0; i < p->kept_count; i++) {
        close_range_of(first, (unsigned)p->kept[i] - 1);
        first = (unsigned)p->kept[i] + 1;
    }
    close_range_of(first, UINT_MAX);
}

/* By system calls: the C library's functions would change the ids of all threads of the parent. */
static int become_user(const green_process_options_t *o)
{
    if (!o->set_user)
        return 0;
    if (syscall(SYS_setgroups, o->group_count, o->groups) < 0 ||
        syscall(SYS_setresgid, o->gid, o->gid, o->gid) < 0)
        return -1;
    return syscall(SYS_setresuid, o->uid, o->uid, o->uid) < 0 ? -1 : 0;
}

static int prepare(struct plan *p)
{
    const green_process_options_t *o = p->options;
    if (reset_signals(p) < 0)
        return -1;
    if ((o->new_session && setsid() < 0) || (o->set_group && setpgid(0, o->group) < 0))
        return -1;
    if (place_descriptors(p) < 0)
        return -1;
    close_others(p);
    if (o->set_umask)
        umask(o->umask);
    if (o->cwd && chdir(o->cwd) < 0)
        return -1;
    return become_user(o);
}

static int run_child(void *arg)
{
    struct plan *p = arg;
    if (prepare(p) == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execvpe(p->file, p->argv, p->env);
    }
    p->error = errno;
    return 127;
}

/* --- our side --------------------------------------------------------------------------------------------------- */

/* The program's name may be tried in every folder of PATH, and a script without #! gets a longer argv: both are built
 * on the child's stack. */
static size_t stack_size(const struct plan *p)
{
    const char *path = getenv("PATH");
    size_t count = 0;
    while (p->argv[count])
        count++;
    size_t size = sizeof *p + CHILD_STACK + (path ? strlen(path) : 0) + strlen(p->file) + NAME_MAX +
                  (count + 4) * sizeof(char *);
    return (size + 4095) & ~(size_t)4095;
}

static void reap(int pidfd)
{
    siginfo_t info;
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ;
}

/* No handler of ours may run on borrowed memory, so this thread hears of no signal until the child has it no more. */
static int launch(struct plan *wanted, struct started *out)
{
    size_t size = stack_size(wanted);
    char *low = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (low == MAP_FAILED)
        return -ENOMEM;
    struct plan *p = (struct plan *)(void *)low;
    *p = *wanted;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int flags = BORROWED | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
    int pid = clone(run_child, low + size, flags, p, &out->pidfd);
    int r = pid < 0 ? -errno : -p->error;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(low, size);
    out->pid = pid;
    if (pid >= 0 && r < 0) {
        reap(out->pidfd);
        close(out->pidfd);
    }
    return r;
}

static int ascending(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int sort_kept(struct plan *p, const green_process_options_t *o)
{
    if (!o->pass_count)
        return 0;
    int *kept = calloc(o->pass_count, sizeof *kept);
    if (!kept)
        return -ENOMEM;
    memcpy(kept, o->pass_fds, o->pass_count * sizeof *kept);
    qsort(kept, o->pass_count, sizeof *kept, ascending);
    size_t count = 0;
    int r = 0;
    for (size_t i = 0; i < o->pass_count && r == 0; i++) {
        if (kept[i] < 3)
            r = -EINVAL;
        else if (fcntl(kept[i], F_GETFD) < 0)
            r = -errno;
        else if (!count || kept[count - 1] != kept[i])
            kept[count++] = kept[i];
    }
    p->kept = kept;
    p->kept_count = count;
    return r;
}

/* One standard descriptor: what the child is to have there, and our end of it. `opened` is to be closed afterwards. */
static int open_stdio(const green_stdio_option_t *o, int n, int *source, int *opened, int *ours)
{
    int ends[2];
    switch (o->kind) {
    case GREEN_STDIO_INHERIT:
        return 0;
    case GREEN_STDIO_STDOUT:
        return n == STDERR_FILENO ? 0 : -EINVAL;
    case GREEN_STDIO_FD:
        if (fcntl(o->fd, F_GETFD) < 0)
            return -errno;
        *source = o->fd;
        return 0;
    case GREEN_STDIO_NULL:
        *source = *opened = open("/dev/null", O_RDWR | O_CLOEXEC);
        return *opened < 0 ? -errno : 0;
    case GREEN_STDIO_PIPE:
        if (pipe2(ends, O_CLOEXEC) < 0)
            return -errno;
        *ours = ends[n == STDIN_FILENO];
        *source = *opened = ends[n != STDIN_FILENO];
        return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0; /* the child's end blocks, as it expects */
    }
    return -EINVAL;
}

static int choose_program(struct plan *p, const green_process_options_t *o, const char *shell_argv[4])
{
    if ((o->argv && o->argv[0]) == (o->shell != NULL))
        return -EINVAL;
    const char *const *argv = o->shell ? shell_argv : o->argv;
    p->file = o->file ? o->file : o->shell ? "/bin/sh" : argv[0];
    p->argv = (char *const *)argv;
    p->env = o->env ? (char *const *)o->env : environ;
    return 0;
}

int green__process_start(struct started *out, const green_process_options_t *options)
{
    const char *shell_argv[] = {"sh", "-c", options->shell, NULL};
    struct plan p = {.options = options, .sources = {-1, -1, -1}};
    const green_stdio_option_t *stdio[] = {&options->in, &options->out, &options->err};
    int opened[3] = {-1, -1, -1};
    *out = (struct started){.pidfd = -1, .pipes = {-1, -1, -1}};
    int r = choose_program(&p, options, shell_argv);
    if (r == 0)
        r = sort_kept(&p, options);
    for (int n = 0; n < 3 && r == 0; n++)
        r = open_stdio(stdio[n], n, &p.sources[n], &opened[n], &out->pipes[n]);
    if (r == 0)
        r = launch(&p, out);
    for (int n = 0; n < 3; n++) {
        if (opened[n] >= 0)
            close(opened[n]);
        if (r < 0 && out->pipes[n] >= 0)
            close(out->pipes[n]);
    }
    free((int *)p.kept);
    return r;
}
