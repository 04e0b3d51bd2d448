/* Starting the executable again (launcher.h). Its whole protocol is one byte, and what was done in answer. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START 's'
#define KILL  'k'

static int launcher = -1; /* the process's end */

/* --- the launcher ------------------------------------------------------------------------------------------------------ */

/* A request, with the descriptor that came with it or -1. 0: the process is gone. */
static int receive(int fd, char *request, int *passed)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = request, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    *passed = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); n > 0 && c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(passed, CMSG_DATA(c), sizeof(int));
    return n > 0;
}

/* As the first one was started, but for what was meant for that one alone. Does not return. */
static void execute(char **argv, int passed, int failed)
{
    char number[16];
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    snprintf(number, sizeof number, "%d", passed);
    if (fcntl(passed, F_SETFD, 0) == 0 && setenv(LAUNCHER_VARIABLE, number, 1) == 0) {
        static const char *const first_only[] = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
                                                 "WATCHDOG_PID"};
        for (size_t i = 0; i < sizeof first_only / sizeof *first_only; i++)
            unsetenv(first_only[i]);
        execvp(argv[0], argv);
    }
    int error = errno;
    ssize_t told = write(failed, &error, sizeof error);
    _exit(told < 0 ? 126 : 127);
}

/* Knows whether the program could be run: the pipe is closed when it is. */
static pid_t start(char **argv, int passed)
{
    int pipes[2], error = 0;
    if (passed < 0)
        return -EINVAL;
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0)
        execute(argv, passed, pipes[1]);
    int r = pid < 0 ? -errno : 0;
    close(pipes[1]);
    if (r == 0 && read(pipes[0], &error, sizeof error) == sizeof error)
        r = -error;
    close(pipes[0]);
    return r < 0 ? r : pid;
}

static _Noreturn void serve(int fd, char **argv)
{
    pid_t last = -1, answer;
    char request;
    int passed;
    while (receive(fd, &request, &passed)) {
        if (request == START)
            answer = start(argv, passed);
        else
            answer = last <= 0 || kill(last, SIGKILL) < 0 ? -ESRCH : 0;
        if (passed >= 0)
            close(passed);
        if (request == START)
            last = answer;
        if (send(fd, &answer, sizeof answer, MSG_NOSIGNAL) < 0)
            break;
    }
    _exit(0);
}

/* Signals of the terminal and of service managers are meant for the process; this one ends with it. Children are not waited
 * for. */
static _Noreturn void become_launcher(int fd, char **argv)
{
    static const int ignored[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1,
                                  SIGUSR2, SIGPIPE, SIGTSTP, SIGCHLD};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    prctl(PR_SET_NAME, "greenway-start", 0, 0, 0);
    if (fd != 3 && dup2(fd, 3) < 0)
        _exit(1);
    close_range(4, ~0U, 0);
    fcntl(3, F_SETFD, FD_CLOEXEC);
    serve(3, argv);
}

/* --- the process ------------------------------------------------------------------------------------------------------- */

int launcher_make(char **argv)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0)
        become_launcher(ends[1], argv);
    int r = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (r == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
        r = -errno;
    if (r < 0)
        close(ends[0]);
    else
        launcher = ends[0];
    return r;
}

static int ask(char request, const int *fd, green_time deadline)
{
    pid_t answer;
    if (launcher < 0)
        return -ENOTCONN;
    ssize_t n = fd ? green_send_fds(launcher, &request, 1, fd, 1, deadline)
                   : green_send(launcher, &request, 1, 0, deadline);
    if (n >= 0)
        n = green_recv(launcher, &answer, sizeof answer, 0, deadline);
    if (n < 0)
        return n == -EPIPE || n == -ECONNRESET ? -ENOTCONN : (int)n;
    return n == sizeof answer ? answer : -ENOTCONN;
}

pid_t launcher_start(int fd, green_time deadline)
{
    return ask(START, &fd, deadline);
}

int launcher_kill(green_time deadline)
{
    return ask(KILL, NULL, deadline);
}
