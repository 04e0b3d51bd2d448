/*
 * Talking to a child through its pipes: a greenlet for each pipe, so that neither side waits for the other for ever,
 * and the whole conversation as one call that can be interrupted and goes on where it was.
 */
#include "../core/internal.h"
#include "process_start.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT ((size_t)16 * 1024 * 1024)
#define READ_SIZE     ((size_t)16 * 1024) /* room made at a time, at least */

struct talk {
    green_process_t *process;
    green_communication_t *c;
    green_park_t park; /* of the caller, until all pipes are done or one has failed */
    unsigned open;
};

/* One of the pipes. */
struct strand {
    struct talk *talk;
    green_t *greenlet; /* NULL: nothing to do there */
    char **data;
    size_t *size, *room;
    int which;
};

static int make_room(struct strand *s)
{
    size_t limit = s->talk->c->limit ? s->talk->c->limit : LIMIT_DEFAULT;
    if (*s->size + 1 < *s->room)
        return 0;
    if (*s->size >= limit)
        return -EMSGSIZE;
    size_t room = *s->room ? *s->room * 2 : READ_SIZE;
    if (room > limit + 1)
        room = limit + 1;
    char *data = realloc(*s->data, room);
    if (!data)
        return -ENOMEM;
    data[*s->size] = 0;
    *s->data = data;
    *s->room = room;
    return 0;
}

static int read_all(struct strand *s)
{
    int fd = green_process_fd(s->talk->process, s->which);
    for (;;) {
        char beyond;
        int r = make_room(s);
        if (r == -EMSGSIZE) { /* exactly at the limit: fine if that is the end */
            r = (int)green_read(fd, &beyond, 1, GREEN_FOREVER);
            return r > 0 ? -EMSGSIZE : r;
        }
        if (r < 0)
            return r;
        ssize_t n = green_read(fd, *s->data + *s->size, *s->room - 1 - *s->size, GREEN_FOREVER);
        if (n <= 0)
            return (int)n;
        *s->size += (size_t)n;
        (*s->data)[*s->size] = 0;
    }
}

static int write_all(struct strand *s)
{
    green_communication_t *c = s->talk->c;
    size_t done = 0;
    int fd = green_process_fd(s->talk->process, s->which);
    int r = green_write_all(fd, (const char *)c->input + c->input_done, c->input_size - c->input_done, &done,
                            GREEN_FOREVER);
    c->input_done += done;
    return r == -EPIPE ? 0 : r; /* it has read all that it wants */
}

static void *run_strand(void *arg)
{
    struct strand *s = arg;
    int r = s->which == 0 ? write_all(s) : read_all(s);
    if (r == 0)
        green_process_close_fd(s->talk->process, s->which);
    if (r < 0 || --s->talk->open == 0)
        green_wake(&s->talk->park, r);
    return NULL;
}

static int begin(struct strand *s)
{
    const green_attr_t attr = {.name = "a pipe of a child process"};
    if (green_process_fd(s->talk->process, s->which) < 0)
        return 0;
    int r = green_spawn_ex(&s->greenlet, &attr, run_strand, s);
    if (r == 0)
        s->talk->open++;
    return r;
}

/* After this none of them runs, and what each has read is in `c`. */
static void finish(struct strand *strands)
{
    green_shield();
    for (int i = 0; i < 3; i++) {
        if (!strands[i].greenlet)
            continue;
        if (green_kill(strands[i].greenlet, GREEN_FOREVER) < 0)
            abort(); /* it ends at its next call, and nothing interrupts us */
        green_release(strands[i].greenlet);
    }
    green_unshield();
}

int green_process_communicate(green_process_t *p, green_communication_t *c, green_time deadline)
{
    if (!green_self())
        return -EPERM;
    if (!green__process_talk_begin(p))
        return -EBUSY;
    struct talk talk = {.process = p, .c = c, .park = GREEN_PARK_INIT};
    struct strand strands[3] = {
        {.talk = &talk, .which = 0},
        {.talk = &talk, .which = 1, .data = &c->out, .size = &c->out_size, .room = &c->out_room},
        {.talk = &talk, .which = 2, .data = &c->err, .size = &c->err_size, .room = &c->err_room},
    };
    int r = 0;
    for (int i = 0; i < 3 && r == 0; i++)
        r = begin(&strands[i]);
    if (r == 0 && talk.open) {
        green__waits_for("a conversation with a child process", p);
        r = green_park(&talk.park, deadline);
    }
    finish(strands);
    if (r == 0)
        r = green_process_wait(p, NULL, deadline);
    green__process_talk_end(p);
    return r;
}

void green_communication_free(green_communication_t *c)
{
    free(c->out);
    free(c->err);
    c->out = c->err = NULL;
    c->out_size = c->out_room = c->err_size = c->err_room = 0;
}

/* --- in one call ---------------------------------------------------------------------------------------------------- */

/* The child does not outlive a call that failed. */
static int conclude(green_process_t *p, int r, int *status)
{
    if (r < 0) {
        green_process_kill(p, SIGKILL);
        green_shield();
        int gone = green_process_wait(p, NULL, GREEN_FOREVER);
        green_unshield();
        if (gone < 0 && gone != -ECHILD)
            r = gone;
    } else {
        r = green_process_poll(p, status);
    }
    green_process_close(p);
    return r;
}

int green_run_process(const green_process_options_t *options, int *status, green_time deadline)
{
    green_process_t *p;
    int r = green_process_spawn(&p, options);
    if (r < 0)
        return r;
    return conclude(p, green_process_wait(p, status, deadline), status);
}

int green_capture(const green_process_options_t *options, green_communication_t *c, int *status,
                  green_time deadline)
{
    green_process_options_t o = *options;
    if (o.out.kind == GREEN_STDIO_INHERIT)
        o.out.kind = GREEN_STDIO_PIPE;
    if (o.in.kind == GREEN_STDIO_INHERIT)
        o.in.kind = c->input_size ? GREEN_STDIO_PIPE : GREEN_STDIO_NULL;
    green_process_t *p;
    int r = green_process_spawn(&p, &o);
    if (r < 0)
        return r;
    return conclude(p, green_process_communicate(p, c, deadline), status);
}
