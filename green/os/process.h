/*
 * Child processes. A child is started from any thread, watched by its pidfd (Linux 5.4 or newer) and reaped as soon
 * as it ends and its hub runs; SIGCHLD is left to the application. What the child gets: three standard descriptors,
 * those in pass_fds, an empty signal mask and default signal actions (ignored signals stay ignored, except SIGPIPE,
 * which libgreen itself ignores); nothing else that is open here.
 *
 *     const char *argv[] = {"sort", "-u", NULL};
 *     green_process_options_t o = {.argv = argv};
 *     green_communication_t c = {.input = text, .input_size = strlen(text)};
 *     int status, r = green_capture(&o, &c, &status, green_in_ms(5000));
 *     ... c.out, c.out_size ...
 *     green_communication_free(&c);
 */
#ifndef GREEN_OS_PROCESS_H
#define GREEN_OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../core/error.h"
#include "../core/time.h"
#include "../core/waitable.h"

typedef struct green_process green_process_t;

/* What a standard descriptor of the child is. */
enum green_stdio {
    GREEN_STDIO_INHERIT, /* ours */
    GREEN_STDIO_NULL,    /* /dev/null */
    GREEN_STDIO_PIPE,    /* a new pipe; our end is green_process_fd() */
    GREEN_STDIO_FD,      /* a descriptor of ours, which stays ours; its flags are shared */
    GREEN_STDIO_STDOUT,  /* for stderr: where stdout goes */
};

typedef struct green_stdio_option {
    enum green_stdio kind;
    int fd; /* GREEN_STDIO_FD */
} green_stdio_option_t;

/* How to start a child; zero in every field is the default. Nothing of it is kept. */
typedef struct green_process_options {
    const char *const *argv; /* ends with NULL; argv[0] is looked for in our PATH unless it has a slash */
    const char *file;        /* what to execute instead of argv[0] */
    const char *shell;       /* a command for /bin/sh -c, instead of argv */
    const char *const *env;  /* "NAME=value", ends with NULL; NULL: our environment */
    const char *cwd;         /* NULL: ours */
    green_stdio_option_t in, out, err;
    const int
        *pass_fds; /* open there under the same numbers, each above 2; whatever their close-on-exec flag */
    size_t pass_count;
    bool new_session; /* setsid(2) */
    bool set_group;   /* setpgid(2) to `group`; 0: a group of its own */
    pid_t group;
    bool set_umask;
    mode_t umask;
    bool set_user; /* all of uid, gid and supplementary groups; takes root */
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t group_count;
    bool default_signals; /* ignored signals, too, have their default effect */
} green_process_options_t;

/*
 * Starts a child; the handle is given back with green_process_close(), in the same thread. If the child cannot become
 * the program asked for, the reason is the result: -ENOENT, -EACCES, -ENOEXEC, -E2BIG, ... from execve(2), chdir(2),
 * setsid(2) and so on. -EINVAL: neither argv nor shell, or both, a pass_fds entry below 3, STDOUT for another than
 * stderr; -EBADF: a given descriptor is not open; -ENOSYS: no pidfds here. On any error nothing is left behind. This
 * thread stands still until the child has called execve(2). Never switches.
 */
int green_process_spawn(green_process_t **out, const green_process_options_t *options) GREEN_MUST_CHECK;

/* Waits for the child's end: 0, *status (may be NULL) as of waitpid(2). -ECHILD: somebody else has reaped it (waitpid
 * for any child, or SIGCHLD is ignored); -EXDEV: another thread's. Any number of greenlets may wait, and ask again
 * later. May switch. */
int green_process_wait(green_process_t *p, int *status, green_time deadline) GREEN_MUST_CHECK;

/* The same without waiting: -EAGAIN while the child runs. Never switches. */
int green_process_poll(green_process_t *p, int *status) GREEN_MUST_CHECK;

/* Sends a signal to the child itself, never to a later process with its number: 0, also when it has ended; -EINVAL,
 * -EPERM, -EXDEV. Never switches. */
int green_process_kill(green_process_t *p, int signal);

/* Its number, also when it has ended. Never switches. */
pid_t green_process_pid(const green_process_t *p);

/* Our end of the child's descriptor 0, 1 or 2 if that is a pipe: non-blocking, for green_read() and green_write().
 * -EBADF if there is none, or no longer. Never switches. */
int green_process_fd(const green_process_t *p, int which);

/* Closes that end (the child sees the end of its input), or hands it over: it is the caller's then. 0 or the
 * descriptor, else -EBADF. Never switch. */
int green_process_close_fd(green_process_t *p, int which);
int green_process_take_fd(green_process_t *p, int which) GREEN_MUST_CHECK;

/* Its end, to wait for along with other things. Lives as long as the handle. Never switches. */
green_waitable_t *green_process_waitable(green_process_t *p);

/* Gives the handle and the pipes back; NULL is fine. The child, if it still runs, runs on and is reaped when it ends
 * as long as the hub lives. Greenlets that wait for it get -EBADF. Never switches. */
void green_process_close(green_process_t *p);

/* A conversation with a child: what it is to read, what it wrote. Zero is the default; free with
 * green_communication_free(). */
typedef struct green_communication {
    const void *input; /* the caller's, kept by it until the end */
    size_t input_size;
    size_t limit;      /* bytes of out, and of err, at most; 0: 16 MiB */
    size_t input_done; /* so much of the input went */
    char *out, *err;   /* what came from the pipes, with a NUL behind it; NULL: nothing yet, or no pipe */
    size_t out_size, err_size;
    size_t out_room, err_room; /* private */
} green_communication_t;

/*
 * Writes the input to the child's stdin and closes it, reads stdout and stderr to their ends, all at the same time, and
 * waits for the child's end. 0: all of that is done, ask green_process_poll() for the status. A child that does not
 * read all of its input is no error (input_done tells). On -ETIMEDOUT, -ECANCELED and -ENOMEM nothing is lost: `c` has
 * what came so far and the same call goes on from there. -EMSGSIZE: the child wrote more than the limit; what came
 * beyond it is lost. -EBUSY: another greenlet is at it. May switch.
 */
int green_process_communicate(green_process_t *p, green_communication_t *c,
                              green_time deadline) GREEN_MUST_CHECK;

void green_communication_free(green_communication_t *c);

/* Starts a child and waits for its end. If that does not come (deadline, cancellation), the child is killed with
 * SIGKILL and reaped before the error is returned. What green_process_spawn() and _wait() return. May switch. */
int green_run_process(const green_process_options_t *options, int *status,
                      green_time deadline) GREEN_MUST_CHECK;

/* The same with a conversation: stdout is a pipe unless the options say otherwise, so is stdin if there is input (else
 * an inherited one becomes /dev/null), and stderr if they say so. On an error `c` has what came until then. May
 * switch. */
int green_capture(const green_process_options_t *options, green_communication_t *c, int *status,
                  green_time deadline) GREEN_MUST_CHECK;

/*
 * waitpid(2) for children of whatever origin (fork(2), libraries): the child's number and *status (may be NULL). pid
 * and its meaning are waitpid's: a child, -1 any, 0 or a negative number those of a process group; so is WNOHANG, which
 * returns 0 while there is nothing to report, and the only option (else -EINVAL). -ECHILD: no such child. While it
 * waits for several children, one that is started meanwhile is noticed within a tenth of a second. Waiting for any
 * child also takes those of green_process_spawn(). May switch.
 */
pid_t green_waitpid(pid_t pid, int *status, int options, green_time deadline) GREEN_MUST_CHECK;

#endif
