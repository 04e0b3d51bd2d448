/* Children: waiting for them, system(3), popen(3). fork(2) needs no help, vfork(2) can have none. */
#include "signals.h"
#include "streams.h"

#include "../os/waitpid.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOPPED_SLICE GREEN_MS(20) /* how often one looks for children that stopped or went on */

/* --- waiting -------------------------------------------------------------------------------------------------------- */

/* Until asking again makes sense. No descriptor tells that a child has stopped. */
static int wait_for_news(pid_t pid, bool stops)
{
    green_time slice = green_in(STOPPED_SLICE);
    int r = INTERRUPTIBLY(UNRESTARTED, green__wait_child(pid, stops ? slice : GREEN_FOREVER));
    return own_time_is_over(r) ? 0 : r;
}

HOOK pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    if (!COOPERATIVE(PROCESS) || (options & WNOHANG))
        return REAL(wait4)(pid, status, options, usage);
    for (;;) {
        pid_t child = REAL(wait4)(pid, status, options | WNOHANG, usage);
        if (child != 0)
            return child;
        int r = wait_for_news(pid, (options & (WUNTRACED | WCONTINUED)) != 0);
        if (r < 0)
            return fail(r);
    }
}

HOOK pid_t wait3(int *status, int options, struct rusage *usage)
{
    return COOPERATIVE(PROCESS) ? wait4(-1, status, options, usage) : REAL(wait3)(status, options, usage);
}

HOOK pid_t waitpid(pid_t pid, int *status, int options)
{
    return COOPERATIVE(PROCESS) ? wait4(pid, status, options, NULL) : REAL(waitpid)(pid, status, options);
}

HOOK pid_t __waitpid(pid_t pid, int *status, int options) __attribute__((alias("waitpid")));

HOOK pid_t wait(int *status)
{
    return COOPERATIVE(PROCESS) ? wait4(-1, status, 0, NULL) : REAL(wait)(status);
}

HOOK pid_t __wait(int *status) __attribute__((alias("wait")));

HOOK int waitid(idtype_t which, id_t id, siginfo_t *info, int options)
{
    siginfo_t ignored;
    if (!COOPERATIVE(PROCESS) || (options & WNOHANG))
        return REAL(waitid)(which, id, info, options);
    if (!info)
        info = &ignored;
    for (;;) {
        info->si_pid = 0;
        int r = REAL(waitid)(which, id, info, options | WNOHANG);
        if (r < 0 || info->si_pid)
            return r;
        r = wait_for_news(which == P_PID ? (pid_t)id : -1,
                          (options & (WSTOPPED | WCONTINUED)) != 0 || which == P_PIDFD);
        if (r < 0)
            return fail(r);
    }
}

/* --- system --------------------------------------------------------------------------------------------------------- */

/* While any of them runs, the terminal's signals are for the commands. The same for all threads, as with libc. */
static pthread_mutex_t systems_lock = PTHREAD_MUTEX_INITIALIZER;
static int systems;
static struct sigaction interrupt_before, quit_before;

static void system_begins(sigset_t *defaults)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    pthread_mutex_lock(&systems_lock);
    if (systems++ == 0) {
        sigaction(SIGINT, &ignore, &interrupt_before);
        sigaction(SIGQUIT, &ignore, &quit_before);
    }
    sigemptyset(defaults);
    if (interrupt_before.sa_handler != SIG_IGN)
        sigaddset(defaults, SIGINT);
    if (quit_before.sa_handler != SIG_IGN)
        sigaddset(defaults, SIGQUIT);
    pthread_mutex_unlock(&systems_lock);
}

static void system_ends(void)
{
    pthread_mutex_lock(&systems_lock);
    if (--systems == 0) {
        sigaction(SIGINT, &interrupt_before, NULL);
        sigaction(SIGQUIT, &quit_before, NULL);
    }
    pthread_mutex_unlock(&systems_lock);
}

static int start_shell(pid_t *pid, const char *command, const posix_spawn_file_actions_t *actions,
                       const sigset_t *defaults)
{
    posix_spawnattr_t attr;
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t) "--",
                    (char *)(uintptr_t)command, NULL};
    int r = posix_spawnattr_init(&attr);
    if (r != 0)
        return -r;
    if (defaults) {
        posix_spawnattr_setsigdefault(&attr, defaults);
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    }
    r = posix_spawn(pid, "/bin/sh", actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    return -r;
}

/* What cannot be waited for any longer is killed, as a cancelled system(3) is. */
static int end_of_shell(pid_t pid, int *status)
{
    for (;;) {
        if (wait4(pid, status, 0, NULL) == pid)
            return 0;
        if (errno == EINTR)
            continue;
        int saved = errno;
        if (saved != ECHILD) {
            kill(pid, SIGKILL);
            REAL(waitpid)(pid, status, 0);
        }
        return -saved;
    }
}

HOOK int system(const char *command)
{
    if (!COOPERATIVE(PROCESS) || !command)
        return REAL(system)(command);
    int r = green__interruption(green__hub->current), status = 0;
    if (r < 0)
        return fail(r);
    sigset_t defaults;
    pid_t pid;
    system_begins(&defaults);
    if (start_shell(&pid, command, NULL, &defaults) < 0)
        status = 127 << 8; /* as if the shell could not be executed */
    else
        r = end_of_shell(pid, &status);
    system_ends();
    return r < 0 ? fail(r) : status;
}

/* --- popen ---------------------------------------------------------------------------------------------------------- */

/* The shell has its end of the pipe as standard input or output; the other ends of all such streams are close-on-exec. */
static int start_piped(struct stream *s, const char *command, bool reads, bool keep)
{
    int ends[2], child = reads ? 1 : 0;
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int r = -posix_spawn_file_actions_init(&actions);
    if (r == 0) {
        r = -posix_spawn_file_actions_adddup2(&actions, ends[child], reads ? STDOUT_FILENO : STDIN_FILENO);
        if (r == 0)
            r = start_shell(&s->pid, command, &actions, NULL);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[child]);
    s->fd = ends[!child];
    if (r < 0)
        close(s->fd);
    else if (keep)
        fcntl(s->fd, F_SETFD, 0);
    return r;
}

HOOK FILE *popen(const char *command, const char *mode)
{
    if (!COOPERATIVE(PROCESS))
        return REAL(popen)(command, mode);
    bool reads = strchr(mode, 'r') != NULL;
    if (reads == (strchr(mode, 'w') != NULL) || mode[strspn(mode, "rwe")]) {
        errno = EINVAL;
        return NULL;
    }
    struct stream made = {.pid = 0}; /* until it has begun */
    int r = start_piped(&made, command, reads, !strchr(mode, 'e'));
    if (r < 0) {
        errno = -r;
        return NULL;
    }
    FILE *file = green__stream_open(made.fd, reads ? "r" : "w", made.pid);
    if (!file) {
        int status;
        close(made.fd);
        end_of_shell(made.pid, &status);
        errno = ENOMEM;
    }
    return file;
}

HOOK int pclose(FILE *file)
{
    const struct stream *s = green__stream_of(file);
    if (!s || !s->pid)
        return REAL(pclose)(file);
    int status = 0;
    pid_t pid = s->pid;
    REAL(fclose)(file);
    int r = green__hub && green__hub->current ? end_of_shell(pid, &status)
                                              : (REAL(waitpid)(pid, &status, 0) == pid ? 0 : -errno);
    return r < 0 ? fail(r) : status;
}
