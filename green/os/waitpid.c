/*
 * waitpid(2) that lets other greenlets run. One child is watched by a pidfd; several by an epoll set of pidfds. There
 * is no descriptor that tells of children to come, so a wait for any looks for them anew from time to time.
 */
#include "waitpid.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_INTERVAL GREEN_MS(100)
#define SEVERAL_MAX   64 /* watched at a time; the end of any other is noticed when it is time to look again */

struct several {
    int set;
    int pidfds[SEVERAL_MAX];
    int count;
};

static void watch_children(struct several *s, const char *task)
{
    char path[64];
    int pid;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/children", task);
    FILE *f = fopen(path, "re");
    while (f && s->count < SEVERAL_MAX && fscanf(f, "%d", &pid) == 1) {
        int fd = pidfd_open(pid, 0);
        struct epoll_event event = {.events = EPOLLIN};
        if (fd < 0)
            continue; /* gone meanwhile; or out of descriptors, and the next look does it */
        s->pidfds[s->count++] = fd;
        epoll_ctl(s->set, EPOLL_CTL_ADD, fd, &event);
    }
    if (f)
        fclose(f);
}

static int open_several(struct several *s)
{
    s->count = 0;
    s->set = epoll_create1(EPOLL_CLOEXEC);
    if (s->set < 0)
        return -errno;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir(tasks));)
        if (task->d_name[0] != '.')
            watch_children(s, task->d_name);
    if (tasks)
        closedir(tasks);
    return 0;
}

static int close_several(struct several *s)
{
    for (int i = 0; i < s->count; i++)
        close(s->pidfds[i]);
    return green_close(s->set);
}

/* Until one of them may have ended: 0. */
static int wait_for_several(green_time deadline)
{
    struct several s;
    int r = open_several(&s);
    if (r < 0)
        return r;
    green_time look = green_in(LOOK_INTERVAL);
    r = green_wait_fd(s.set, POLLIN, look < deadline ? look : deadline);
    close_several(&s);
    /* An interruption by anybody else than our own clock ends the whole wait. */
    return r == -ETIMEDOUT && look < deadline ? green__interruption(green_self()) : r;
}

static int wait_for_one(pid_t pid, green_time deadline)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0)
        return errno == ESRCH ? 0 : -errno; /* waitpid knows why */
    int r = green_wait_fd(fd, POLLIN, deadline);
    green_close(fd);
    return r;
}

int green__wait_child(pid_t pid, green_time deadline)
{
    return pid > 0 ? wait_for_one(pid, deadline) : wait_for_several(deadline);
}

pid_t green_waitpid(pid_t pid, int *status, int options, green_time deadline)
{
    int ignored;
    if (options & ~WNOHANG)
        return -EINVAL;
    for (;;) {
        pid_t child = waitpid(pid, status ? status : &ignored, WNOHANG);
        if (child < 0 && errno == EINTR)
            continue;
        if (child != 0 || (options & WNOHANG))
            return child < 0 ? -errno : child;
        if (deadline <= GREEN_NOWAIT)
            return -EAGAIN;
        int r = green__wait_child(pid, deadline);
        if (r < 0)
            return r;
    }
}
