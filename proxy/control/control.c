/* The control socket: binding it, and one greenlet for each client. */
#include "control/control.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/call.h"
#include "observe/error_log.h"

#define CLIENTS_MOST     16
#define BACKLOG          128
#define COMMAND_PATIENCE GREEN_S(600) /* from one command to the next */
#define LINE_PATIENCE    GREEN_S(10)  /* for the rest of a line */
#define WRITE_PATIENCE   GREEN_S(10)  /* for each part of an answer to be read */
#define WRITE_BYTES      ((size_t)64 * 1024)

struct client {
    LIST_ENTRY(client) link;
    struct control *control;
    green_t *greenlet;
    int fd;
    size_t have;
    bool eof;
    char buffer[CONTROL_LINE_BYTES + 1];
};

struct control {
    struct process *process;
    green_address_t address;
    int fd;
    dev_t device; /* with inode: what we have made there */
    ino_t inode;
    green_t *acceptor;
    LIST_HEAD(, client) clients;
    size_t count;
};

/* --- answering ---------------------------------------------------------------------------------------------------- */

int call_send(struct control_call *call, const char *text, size_t n)
{
    while (n) {
        size_t part = n < WRITE_BYTES ? n : WRITE_BYTES;
        int r = green_write_all(call->fd, text, part, NULL, green_in(WRITE_PATIENCE));
        if (r < 0)
            return r;
        text += part;
        n -= part;
    }
    return 0;
}

static char *json_form(const struct control_call *call, int result, size_t *size)
{
    json_t *answer = result == 0 ? json_incref(call->reply)
                                 : json_pack("{s:o}", "error", reply_text(span_str(call->error)));
    char *text = answer ? json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(answer);
    char *whole = NULL;
    int n = text ? asprintf(&whole, "%s\n\n", text) : -1;
    free(text);
    *size = n < 0 ? 0 : (size_t)n;
    return n < 0 ? NULL : whole;
}

static char *text_form(const struct control_call *call, int result, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return NULL;
    int r = 0;
    if (result == 0)
        r = reply_print(out, call->reply);
    else
        fprintf(out, "error: %s\n", call->error);
    fputc('\n', out);
    if (fclose(out) != 0 || r < 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* 0, or a negative code: the client cannot be told. */
static int answer(struct control_call *call, int result)
{
    size_t size;
    char *text = call->json ? json_form(call, result, &size) : text_form(call, result, &size);
    if (!text)
        return -ENOMEM;
    int r = call_send(call, text, size);
    free(text);
    return r;
}

/* A line of the client's. 0: it may send another one. */
static int obey(struct client *client, char *line, size_t n)
{
    struct control_command command;
    struct control_call call = {
        .process = client->control->process, .fd = client->fd, .reply = json_object()};
    if (!call.reply)
        return -ENOMEM;
    const char *wrong = control_parse(line, n, &command);
    call.json = command.json;
    int r = 0, result = 0;
    if (wrong || command.count)
        result = wrong ? call_refuse(&call, "%s", wrong) : call_run(&call, &command);
    if (call.told)
        r = -ECONNRESET;
    else if (wrong || command.count)
        r = answer(&call, result);
    json_decref(call.reply);
    return r;
}

/* --- clients ------------------------------------------------------------------------------------------------------- */

static int refuse_long_line(struct client *client)
{
    struct control_call call = {.fd = client->fd};
    answer(&call, call_refuse(&call, "a line may have %d bytes", CONTROL_LINE_BYTES));
    return -EMSGSIZE;
}

/* Runs the commands that are in the buffer; what is left is the beginning of the next one. */
static int run_lines(struct client *client)
{
    char *at = client->buffer, *end = client->buffer + client->have, *newline;
    int r = 0;
    while (r == 0 && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        r = obey(client, at, (size_t)(newline - at));
        at = newline + 1;
    }
    if (r == 0 && client->eof && at < end) {
        r = obey(client, at, (size_t)(end - at));
        at = end;
    }
    client->have = (size_t)(end - at);
    memmove(client->buffer, at, client->have);
    return r;
}

static int read_more(struct client *client)
{
    if (client->have == CONTROL_LINE_BYTES)
        return refuse_long_line(client);
    green_time deadline = green_in(client->have ? LINE_PATIENCE : COMMAND_PATIENCE);
    ssize_t n =
        green_read(client->fd, client->buffer + client->have, CONTROL_LINE_BYTES - client->have, deadline);
    if (n < 0)
        return (int)n;
    client->have += (size_t)n;
    client->eof = n == 0;
    return 0;
}

static void forget(struct client *client)
{
    green_close(client->fd);
    LIST_REMOVE(client, link);
    client->control->count--;
    green_release(client->greenlet);
    free(client);
}

static void *serve(void *arg)
{
    struct client *client = arg;
    int r = 0;
    while (r == 0 && !client->eof) {
        r = read_more(client);
        if (r == 0)
            r = run_lines(client);
    }
    forget(client);
    return NULL;
}

static void turn_away(int fd, const char *why)
{
    char text[128];
    int n = snprintf(text, sizeof text, "error: %s\n\n", why);
    /* A fresh socket takes this; and if not, there is nothing to be done about it. */
    if (green_write_all(fd, text, (size_t)n, NULL, GREEN_NOWAIT) < 0)
        error_log(LOG_LEVEL_INFO, "a client of the control socket left before it could be told: %s", why);
    green_close(fd);
}

static void welcome(struct control *c, int fd)
{
    const green_attr_t attr = {.name = "control", .background = true};
    if (c->count == CLIENTS_MOST) {
        turn_away(fd, "there are 16 clients already; try again when one has left");
        return;
    }
    struct client *client = calloc(1, sizeof *client);
    if (client) {
        client->control = c;
        client->fd = fd;
    }
    if (!client || green_spawn_ex(&client->greenlet, &attr, serve, client) < 0) {
        free(client);
        turn_away(fd, "there is no memory for one more client");
        return;
    }
    LIST_INSERT_HEAD(&c->clients, client, link);
    c->count++;
}

static void *accept_clients(void *arg)
{
    struct control *c = arg;
    for (;;) {
        int fd = green_accept(c->fd, NULL, GREEN_FOREVER);
        if (fd >= 0)
            welcome(c, fd);
        else if (fd == -ECANCELED || fd == -EBADF || green_sleep(GREEN_MS(100)) < 0) /* out of descriptors */
            return NULL;
    }
}

/* --- the socket ---------------------------------------------------------------------------------------------------- */

static int complain(struct conf_origin at, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(struct conf_origin at, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_log(LOG_LEVEL_ERROR, "%s:%d: %s", at.file, at.line, text);
    return -1;
}

static int find_group(const struct conf_user_group *group, gid_t *gid)
{
    unsigned long long number;
    if (control_number(group->written, 0, (gid_t)-2, &number)) {
        *gid = (gid_t)number;
        return 0;
    }
    errno = 0;
    const struct group *found = getgrnam(group->written);
    if (found) {
        *gid = found->gr_gid;
        return 0;
    }
    return complain(group->origin,
                    "control_group: there is no group '%s' on this machine; `getent group` lists them",
                    group->written);
}

/* Somebody answers there, or could, or it is no socket at all: then it is not ours to replace. */
static bool is_stale(const green_address_t *address)
{
    struct stat found;
    if (lstat(address->un.sun_path, &found) < 0 || !S_ISSOCK(found.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool stale = fd >= 0 && connect(fd, &address->any, address->length) < 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return stale;
}

/* The mode of the socket is that of the name that bind makes of it: nobody can be faster. */
static int bind_socket(int fd, const green_address_t *address)
{
    if (fchmod(fd, 0600) < 0)
        return -errno;
    if (bind(fd, &address->any, address->length) == 0)
        return 0;
    if (errno != EADDRINUSE || !is_stale(address))
        return -errno;
    if (unlink(address->un.sun_path) < 0 || bind(fd, &address->any, address->length) < 0)
        return -errno;
    return 0;
}

static int open_socket(struct control *c, const struct conf_control_path *conf)
{
    struct sockaddr_un *un = &c->address.un;
    un->sun_family = AF_UNIX;
    snprintf(un->sun_path, sizeof un->sun_path, "%s", conf->path); /* which is not too long: conf/control.c */
    c->address.length = sizeof *un;
    int r = c->fd = green_socket(AF_UNIX, SOCK_STREAM, 0);
    if (r >= 0)
        r = bind_socket(c->fd, &c->address);
    if (r == -EADDRINUSE)
        return complain(conf->origin,
                        "control: there is something at %s already: another greenway that runs, or no socket",
                        conf->path);
    if (r == -ENOENT)
        return complain(conf->origin, "control: the folder of %s does not exist", conf->path);
    if (r < 0)
        return complain(conf->origin, "control: cannot make the socket %s: %s", conf->path,
                        green_strerror(r));
    return 0;
}

static int open_to_group(struct control *c, const struct conf_control *conf)
{
    const char *path = c->address.un.sun_path;
    struct stat made;
    gid_t gid = 0;
    if (conf->group.written) {
        if (find_group(&conf->group, &gid) < 0)
            return -1;
        if (lchown(path, (uid_t)-1, gid) < 0 || chmod(path, 0660) < 0)
            return complain(conf->group.origin, "control_group: cannot open %s to the group %s: %s", path,
                            conf->group.written, strerror(errno));
    }
    if (stat(path, &made) < 0 || listen(c->fd, BACKLOG) < 0)
        return complain(conf->socket.origin, "control: cannot listen at %s: %s", path, strerror(errno));
    c->device = made.st_dev;
    c->inode = made.st_ino;
    return 0;
}

void control_unlink(const struct control *c)
{
    struct stat found;
    const char *path = c ? c->address.un.sun_path : "";
    if (c && stat(path, &found) == 0 && found.st_dev == c->device && found.st_ino == c->inode)
        unlink(path);
}

int control_open(struct process *p, const struct conf_control *conf, struct control **out)
{
    *out = NULL;
    if (!conf->socket.path)
        return 0;
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        return complain(conf->socket.origin, "control: out of memory");
    LIST_INIT(&c->clients);
    c->process = p;
    c->fd = -1;
    int r = open_socket(c, &conf->socket);
    bool made = r == 0;
    if (r == 0)
        r = open_to_group(c, conf);
    if (r == 0) {
        *out = c;
        return 0;
    }
    if (made)
        unlink(c->address.un.sun_path);
    if (c->fd >= 0)
        green_close(c->fd);
    free(c);
    return -1;
}

int control_serve(struct control *c)
{
    const green_attr_t attr = {.name = "control", .background = true};
    return c ? green_spawn_ex(&c->acceptor, &attr, accept_clients, c) : 0;
}

static void end(green_t *g)
{
    if (green_kill(g, GREEN_FOREVER) == 0)
        green_release(g);
}

void control_close(struct control *c)
{
    struct client *client;
    if (!c)
        return;
    control_unlink(c);
    green_shield();
    if (c->acceptor)
        end(c->acceptor);
    while ((client = LIST_FIRST(&c->clients))) {
        end(green_retain(client->greenlet));
        if (LIST_FIRST(&c->clients) == client) /* it never had its first turn */
            forget(client);
    }
    green_unshield();
    green_close(c->fd);
    free(c);
}
