/* The control socket: who comes to it, and one greenlet for each client. */
#include "control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "control/call.h"
#include "control/socket.h"
#include "observe/error_log.h"

#define CLIENTS_MOST     16
#define COMMAND_PATIENCE GREEN_S(600) /* from one command to the next */
#define LINE_PATIENCE    GREEN_S(10)  /* for the first line, and for the rest of one */
#define WRITE_PATIENCE   GREEN_S(10)  /* for each part of an answer to be read */
#define WRITE_BYTES      ((size_t)64 * 1024)

struct client {
    LIST_ENTRY(client) link;
    struct control *control;
    green_t *greenlet;
    int fd;
    size_t have;
    bool known; /* it has sent a line */
    bool eof;
    char buffer[CONTROL_LINE_BYTES + 1];
};

struct control {
    struct process *process;
    struct control_socket socket;
    struct control_socket next; /* between control_prepare() and what follows */
    green_t *acceptor;          /* NULL: nobody is let in */
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
    if (answer && result < 0 && call->reply && json_object_update_missing(answer, call->reply) < 0) {
        json_decref(answer);
        answer = NULL;
    }
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
    if (result < 0)
        fprintf(out, "error: %s\n", call->error);
    if (result == 0 || json_object_size(call->reply))
        r = reply_print(out, call->reply);
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
        client->known = true;
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
    green_time deadline = green_in(client->known && !client->have ? COMMAND_PATIENCE : LINE_PATIENCE);
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
        int fd = green_accept(c->socket.fd, NULL, GREEN_FOREVER);
        if (fd >= 0)
            welcome(c, fd);
        else if (fd == -ECANCELED || fd == -EBADF || green_sleep(GREEN_MS(100)) < 0) /* out of descriptors */
            return NULL;
    }
}

/* --- its life ------------------------------------------------------------------------------------------------------ */

int control_open(struct process *p, const struct conf_control *conf, struct control **out)
{
    struct control *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) {
        error_log(LOG_LEVEL_ERROR, "control: out of memory");
        return -1;
    }
    LIST_INIT(&c->clients);
    c->process = p;
    c->next.fd = -1;
    if (control_socket_open(&c->socket, conf) < 0) {
        free(c);
        return -1;
    }
    *out = c;
    return 0;
}

int control_serve(struct control *c)
{
    const green_attr_t attr = {.name = "control", .background = true};
    return c->socket.fd >= 0 ? green_spawn_ex(&c->acceptor, &attr, accept_clients, c) : 0;
}

static void end(green_t *g)
{
    if (green_kill(g, GREEN_FOREVER) == 0)
        green_release(g);
}

static void stop_accepting(struct control *c)
{
    green_shield();
    if (c->acceptor)
        end(c->acceptor);
    c->acceptor = NULL;
    green_unshield();
}

void control_cede(struct control *c)
{
    if (!c)
        return;
    stop_accepting(c);
    control_socket_close(&c->socket);
}

void control_unlink(struct control *c)
{
    if (c)
        control_socket_close(&c->socket);
}

void control_give(const struct control *c, const struct conf_control *conf, uid_t user, gid_t group)
{
    control_socket_give(&c->socket, conf, user, group);
}

int control_descriptor(const struct control *c)
{
    return c ? c->socket.fd : -1;
}

void control_close(struct control *c)
{
    struct client *client;
    if (!c)
        return;
    control_cede(c);
    green_shield();
    while ((client = LIST_FIRST(&c->clients))) {
        end(green_retain(client->greenlet));
        if (LIST_FIRST(&c->clients) == client) /* it never had its first turn */
            forget(client);
    }
    green_unshield();
    free(c);
}

/* --- from one configuration to the next ---------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool stays(const struct conf_control *before, const struct conf_control *now)
{
    return same_text(before->socket.path, now->socket.path);
}

int control_prepare(struct control *c, const struct conf_control *before, const struct conf_control *now)
{
    if (!stays(before, now))
        return control_socket_open(&c->next, now);
    if (c->socket.fd < 0 || same_text(before->group.written, now->group.written))
        return 0;
    return control_socket_admit(&c->socket, now);
}

void control_abandon(struct control *c, const struct conf_control *before, const struct conf_control *now)
{
    control_socket_close(&c->next);
    if (c->socket.fd >= 0 && stays(before, now) && !same_text(before->group.written, now->group.written) &&
        control_socket_admit(&c->socket, before) < 0)
        error_log(LOG_LEVEL_ERROR, "control_group: who may use the control socket is not as it was before");
}

void control_follow(struct control *c, const struct conf_control *before, const struct conf_control *now)
{
    if (stays(before, now))
        return;
    control_cede(c);
    c->socket = c->next;
    c->next.fd = -1;
    int r = control_serve(c);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "no control socket: %s", green_strerror(r));
}
