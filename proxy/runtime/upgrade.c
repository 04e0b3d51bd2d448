/* From one executable to the next (upgrade.h). */
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/control.h"
#include "control/socket.h"
#include "endpoint.h"
#include "inherited.h"
#include "launcher.h"
#include "notify.h"
#include "observe/admin.h"
#include "observe/error_log.h"
#include "upstream/inheritance.h"

#define HELLO         "greenway 1"
#define MESSAGE_BYTES 512
#define MOMENT        GREEN_S(10) /* for what takes no time but on a machine that is busy with something else */

/* --- telling ---------------------------------------------------------------------------------------------------------- */

struct explanation {
    char *text;
    size_t size;
};

static void fail(const struct explanation *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(const struct explanation *why, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_log(LOG_LEVEL_ERROR, "the upgrade failed, and this process goes on: %s", text);
    if (why->text)
        snprintf(why->text, why->size, "%s", text);
}

/* --- the old process ------------------------------------------------------------------------------------------------ */

static int send_text(int fd, const char *text, const int *passed, green_time deadline)
{
    size_t n = strlen(text);
    ssize_t sent =
        passed ? green_send_fds(fd, text, n, passed, 1, deadline) : green_send(fd, text, n, 0, deadline);
    return sent < 0 ? (int)sent : 0;
}

static int send_socket(int fd, const char *listener, const char *words, int passed, green_time deadline)
{
    char text[MESSAGE_BYTES];
    int n = snprintf(text, sizeof text, "socket %s %s", listener, words);
    return n >= (int)sizeof text ? -EMSGSIZE : send_text(fd, text, &passed, deadline);
}

static int hand_over_control(const struct process *p, int fd, green_time deadline)
{
    char words[MESSAGE_BYTES];
    int passed = control_descriptor(p->control);
    if (passed < 0)
        return 0;
    snprintf(words, sizeof words, CONTROL_SOCKET_WORDS "%s", p->snapshot->conf->control.socket.path);
    return send_socket(fd, CONTROL_SOCKET_LISTENER, words, passed, deadline);
}

/* What was said at the control socket, and stands in no file. */
static int hand_over_orders(const struct process *p, int fd, green_time deadline)
{
    char text[MESSAGE_BYTES];
    const struct order *o;
    int r = 0;
    LIST_FOREACH(o, &p->orders.list, link)
    {
        int n = snprintf(text, sizeof text, "server %lld %d %s %s", (long long)o->weight, (int)o->duty,
                         o->upstream, o->server);
        if (n >= (int)sizeof text)
            error_log(LOG_LEVEL_WARNING,
                      "upgrade: what was ordered of %s in upstream %s is too long to be handed over",
                      o->server, o->upstream);
        else if (r == 0)
            r = send_text(fd, text, NULL, deadline);
    }
    snprintf(text, sizeof text, "log %d", (int)error_log_level());
    return r < 0 ? r : send_text(fd, text, NULL, deadline);
}

/* What all workers know of servers. */
static int hand_over_health(struct process *p, int fd, green_time deadline)
{
    char *text = inheritance_tell(&p->standings, green_now());
    int r = text ? 0 : -ENOMEM;
    for (const char *line = text; r == 0 && *line; line += strlen(line) + 1)
        if (strlen(line) < MESSAGE_BYTES)
            r = send_text(fd, line, NULL, deadline);
        else
            error_log(LOG_LEVEL_WARNING, "upgrade: this is too long to be handed over: %s", line);
    free(text);
    return r;
}

/* Reloads wait meanwhile: nothing may change of what is described. */
static int hand_over(struct process *p, int fd, green_time deadline)
{
    const struct snapshot *s = p->snapshot;
    int r = send_text(fd, HELLO, NULL, deadline);
    for (size_t i = 0; i < s->bind_count && r == 0; i++)
        for (size_t k = 0; k < s->binds[i].endpoint->socket_count && r == 0; k++)
            r = send_socket(fd, s->conf->listeners[s->binds[i].listener].name, s->binds[i].conf->text,
                            s->binds[i].endpoint->sockets[k].fd, deadline);
    if (r == 0)
        r = hand_over_control(p, fd, deadline);
    if (r == 0)
        r = hand_over_orders(p, fd, deadline);
    if (r == 0)
        r = hand_over_health(p, fd, deadline);
    return r < 0 ? r : send_text(fd, "end", NULL, deadline);
}

/* Unless this process is told to end meanwhile. */
static int await_ready(const struct process *p, int fd, green_time deadline)
{
    char text[MESSAGE_BYTES];
    int r = -ETIMEDOUT;
    while (r == -ETIMEDOUT && !p->told && green_now() < deadline)
        r = green_wait_fd(fd, POLLIN, green_in_ms(200));
    if (r < 0)
        return p->told ? -ECANCELED : r;
    ssize_t n = green_recv(fd, text, sizeof text, 0, deadline);
    if (n < 0)
        return n == -ECONNRESET ? -EPIPE : (int)n;
    return n == 5 && memcmp(text, "ready", 5) == 0 ? 0 : -EPIPE;
}

static int converse(struct process *p, int fd, pid_t pid, const struct explanation *why)
{
    int64_t patience = p->snapshot->conf->service.upgrade_timeout;
    green_time deadline = green_in(patience);
    int r = hand_over(p, fd, deadline);
    if (r == 0)
        r = await_ready(p, fd, deadline);
    if ((r == -ETIMEDOUT || r == -ECANCELED) && launcher_kill(green_in(MOMENT)) < 0)
        error_log(LOG_LEVEL_WARNING, "process %ld could not be ended", (long)pid);
    if (r == -ETIMEDOUT) {
        fail(why, "process %ld did not serve within %lld s (upgrade_timeout), and was ended", (long)pid,
             (long long)(patience / GREEN_S(1)));
    } else if (r == -EPIPE) {
        fail(why, "process %ld ended before it served; what it had to say of that is in its own messages",
             (long)pid);
    } else if (r < 0) {
        fail(why, "%s", green_strerror(r));
    }
    return r;
}

/* Nothing can go wrong any more: the other one serves already. */
static void step_back(struct process *p, int fd, pid_t pid)
{
    admin_close(p->admin); /* its addresses are not handed over, but bound anew */
    p->admin = NULL;
    control_cede(p->control);
    notify_successor(pid);
    int r = send_text(fd, "go", NULL, green_in(MOMENT));
    if (r < 0)
        error_log(LOG_LEVEL_WARNING, "process %ld, which has taken over, is gone: %s", (long)pid,
                  green_strerror(r));
    p->succeeded = true;
    error_log(LOG_LEVEL_NOTICE, "process %ld has taken over: draining %ld connections, at most %lld s",
              (long)pid, atomic_load(&p->connections),
              (long long)(p->snapshot->conf->shutdown_grace / GREEN_S(1)));
    process_end(p);
}

/* With p->reloading held. */
static int start_successor(struct process *p, const struct explanation *why, pid_t *successor)
{
    int ends[2];
    if (p->told) {
        fail(why, "this process is ending");
        return -ECANCELED;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        fail(why, "%s", strerror(errno));
        return -errno;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    green_fd_reset(ends[0]);
    pid_t pid = launcher_start(ends[1], green_in(MOMENT));
    close(ends[1]);
    int r = pid < 0 ? pid : 0;
    if (r < 0)
        fail(why,
             r == -ENOTCONN ? "there is nobody to start the executable (it was started without a file, or "
                              "its helper is gone)"
                            : "the executable cannot be started: %s",
             green_strerror(r));
    else
        r = converse(p, ends[0], pid, why);
    if (r == 0)
        step_back(p, ends[0], pid);
    green_close(ends[0]);
    if (r == 0 && successor)
        *successor = pid;
    return r;
}

int process_upgrade(struct process *p, pid_t *successor, char *text, size_t size)
{
    struct explanation why = {text, size};
    if (p->upgrading) {
        fail(&why, "another upgrade is under way");
        return -EALREADY;
    }
    p->upgrading = true;
    int r = green_mutex_lock(&p->reloading, GREEN_FOREVER);
    if (r == 0) {
        r = start_successor(p, &why, successor);
        green_mutex_unlock(&p->reloading);
    }
    p->upgrading = false;
    return r;
}

/* --- the new process ------------------------------------------------------------------------------------------------ */

static int predecessor = -1;

/* The other end of the pair, if it is what the environment says. */
static int find_predecessor(void)
{
    const char *text = getenv(LAUNCHER_VARIABLE);
    int type = 0;
    socklen_t size = sizeof type;
    char *end;
    if (!text)
        return -ENOENT;
    long fd = strtol(text, &end, 10);
    bool number = *text && !*end && fd > STDERR_FILENO && fd < 65536;
    unsetenv(LAUNCHER_VARIABLE);
    if (!number || getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET) {
        error_log(LOG_LEVEL_WARNING, "%s is set, and names no process to take over from: ignored",
                  LAUNCHER_VARIABLE);
        return -ENOENT;
    }
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    fcntl((int)fd, F_SETFL, O_NONBLOCK);
    return (int)fd;
}

/* "LISTENER WORDS"; takes fd over. */
static int take_socket(char *text, int fd)
{
    char *words = strchr(text, ' ');
    if (!words || fd < 0) {
        if (fd >= 0)
            green_close(fd);
        return -EPROTO;
    }
    *words++ = 0;
    int r = inherited_add(fd, text, words);
    if (r < 0)
        green_close(fd);
    return r;
}

/* "WEIGHT DUTY UPSTREAM SERVER" */
static int take_order(struct process *p, const char *text)
{
    long long weight;
    int duty, used = 0;
    char upstream[MESSAGE_BYTES];
    if (sscanf(text, "%lld %d %511s %n", &weight, &duty, upstream, &used) != 3 || !used || !text[used] ||
        weight < 0 || weight > 256 || duty < SERVER_ENABLED || duty > SERVER_DISABLED)
        return -EPROTO;
    struct order *o = orders_find(&p->orders, upstream, text + used);
    if (!o)
        return -ENOMEM;
    o->weight = weight;
    o->duty = (enum server_duty)duty;
    return 0;
}

static int take_level(const char *text)
{
    int level = *text - '0';
    if (level < LOG_LEVEL_ERROR || level > LOG_LEVEL_INFO || text[1])
        return -EPROTO;
    error_log_set_level((enum log_level)level);
    return 0;
}

/* One message. 1: it was the last. */
static int receive_one(struct process *p, bool first)
{
    char text[MESSAGE_BYTES + 1];
    int fd = -1;
    size_t count = 1;
    ssize_t n = green_recv_fds(predecessor, text, MESSAGE_BYTES, &fd, &count, green_in(MOMENT));
    if (n <= 0)
        return n < 0 ? (int)n : -EPIPE;
    text[n] = 0;
    fd = count ? fd : -1;
    if (!first && strncmp(text, "socket ", 7) == 0)
        return take_socket(text + 7, fd);
    if (fd >= 0)
        green_close(fd);
    if (!first && strncmp(text, "server ", 7) == 0)
        return take_order(p, text + 7);
    if (!first && strncmp(text, "log ", 4) == 0)
        return take_level(text + 4);
    if (!first && strncmp(text, "health ", 7) == 0)
        return inheritance_take_health(&p->standings, text + 7, green_now());
    if (!first && strncmp(text, "secret ", 7) == 0)
        return inheritance_take_secret(&p->standings, text + 7);
    if (first)
        return strcmp(text, HELLO) == 0 ? 0 : -EPROTONOSUPPORT;
    return strcmp(text, "end") == 0 ? 1 : -EPROTO;
}

int upgrade_receive(struct process *p)
{
    int fd = find_predecessor(), r;
    if (fd < 0)
        return 0;
    predecessor = fd;
    for (r = receive_one(p, true); r == 0; r = receive_one(p, false))
        ;
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot take over from the process before: %s",
                  r == -EPROTONOSUPPORT ? "it is of a version that hands over in another way"
                                        : green_strerror(r));
    return r < 0 ? r : 0;
}

bool upgrade_is_under_way(void)
{
    return predecessor >= 0;
}

void upgrade_take_over(void)
{
    char text[MESSAGE_BYTES];
    if (predecessor < 0)
        return;
    int r = send_text(predecessor, "ready", NULL, green_in(MOMENT));
    ssize_t n = r < 0 ? r : green_recv(predecessor, text, sizeof text, 0, green_in(MOMENT));
    if (n <= 0)
        error_log(LOG_LEVEL_WARNING, "the process before this one did not say that it goes: %s",
                  n < 0 ? green_strerror((int)n) : "it is gone");
    green_close(predecessor);
    predecessor = -1;
}
