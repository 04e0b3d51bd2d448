/* Dumps: a line for each greenlet, and the functions that it is in. */
#include "dump.h"

#include "census.h"
#include "inquiry.h"

#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES_MAX    64
#define LOOK_STACK    ((size_t)8 * 1024) /* what the unwinder needs of the stack that it looks at */
#define LOOK_PAGES    4096               /* at a time */
#define ANSWER_WITHIN GREEN_S(1)

/* --- backtraces --------------------------------------------------------------------------------------------------- */

struct look {
    void **frames;
    int max, count;
};

static void look(struct look *l)
{
    l->count = backtrace(l->frames, l->max);
}

/* Somebody looks at the stack of a greenlet that waits: it is switched to, reports, and goes `back`. */
struct inspection {
    struct look *look;
    struct context *back;
};

static void looked_at(green_hub_t *hub, green_t *g)
{
    struct inspection *i = hub->inspection;
    look(i->look);
    green__switch_context(&g->context, i->back, false);
}

int green_backtrace(green_t *g, void **frames, int max)
{
    green_hub_t *hub = green_hub();
    struct look l = {.frames = frames, .max = max};
    if (!hub || (g->hub != hub && g->state != GREEN_DONE))
        return -EXDEV;
    if (g == hub->current) {
        look(&l);
        return l.count;
    }
    bool roomy = !g->stack.low ||
                 (size_t)((char *)g->context.sp - g->stack.low) > LOOK_STACK + (size_t)sysconf(_SC_PAGESIZE);
    if (g->never_ran || g->state == GREEN_DONE || !roomy)
        return 0;
    struct context *here = hub->current ? &hub->current->context : &hub->context;
    struct inspection i = {.look = &l, .back = here};
    hub->inspection = &i;
    hub->arrival = looked_at;
    green__switch_context(here, &g->context, false);
    hub->arrival = NULL;
    return l.count;
}

void green_write_backtrace(FILE *out, void *const *frames, int count)
{
    char **names = count > 0 ? backtrace_symbols(frames, count) : NULL;
    for (int i = 0; i < count; i++)
        fprintf(out, "      %s\n", names ? names[i] : "?");
    free(names);
}

/* --- where they were made ----------------------------------------------------------------------------------------- */

struct green__spawn_trace {
    int count;
    void *frames[8];
};

static __thread green_hook_t spawn_hook;
static __thread bool spawn_traced;

static void note_spawn(green_hook_t *hook, enum green_event_kind kind, green_t *g)
{
    (void)hook;
    if (kind == GREEN_HOOK_END) {
        free(g->spawn_trace);
        g->spawn_trace = NULL;
        return;
    }
    void *frames[12];
    int count = backtrace(frames, 12) - 3; /* not this function, nor those that called it */
    struct green__spawn_trace *trace = count > 0 ? malloc(sizeof *trace) : NULL;
    if (!trace)
        return;
    trace->count = count < 8 ? count : 8;
    memcpy(trace->frames, frames + 3, (size_t)trace->count * sizeof frames[0]);
    g->spawn_trace = trace;
}

static void forget_spawns(green_hub_t *hub)
{
    for (struct list *node = hub->everyone.next; node != &hub->everyone; node = node->next) {
        green_t *g = CONTAINER_OF(node, green_t, everyone);
        free(g->spawn_trace);
        g->spawn_trace = NULL;
    }
}

int green_trace_spawn(bool on)
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return -ENOMEM;
    if (on == spawn_traced)
        return 0;
    int r = 0;
    if (on) {
        r = green_hook_add(&spawn_hook, GREEN_HOOK_SPAWN | GREEN_HOOK_END, note_spawn);
    } else {
        green_hook_remove(&spawn_hook);
        forget_spawns(hub);
    }
    spawn_traced = on && r == 0;
    return r;
}

static bool wished(const char *name)
{
    const char *wish = getenv(name);
    return wish && strcmp(wish, "1") == 0;
}

void green__debug_open(void)
{
    if (wished("GREEN_CENSUS"))
        green_census(true);
    if (wished("GREEN_TRACE_SPAWN") && green_trace_spawn(true) < 0)
        fprintf(stderr, "libgreen: GREEN_TRACE_SPAWN: out of memory\n");
}

void green__debug_close(void)
{
    green_trace_spawn(false);
}

/* --- dumps -------------------------------------------------------------------------------------------------------- */

/* The lowest page that the system has made for it. */
static size_t stack_used(const green_t *g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = g->stack.size / page;
    unsigned char present[LOOK_PAGES];
    for (size_t first = 1; first < pages; first += LOOK_PAGES) { /* the lowest is the guard */
        size_t count = pages - first < LOOK_PAGES ? pages - first : LOOK_PAGES;
        if (mincore(g->stack.low + first * page, count * page, present) < 0)
            return 0;
        for (size_t i = 0; i < count; i++)
            if (present[i] & 1)
                return (pages - first - i) * page;
    }
    return 0;
}

static const char *state_text(enum green_state state)
{
    switch (state) {
    case GREEN_READY:
        return "ready";
    case GREEN_RUNNING:
        return "running";
    case GREEN_WAITING:
        return "waiting";
    case GREEN_SCHEDULED:
        return "to start later";
    case GREEN_DONE:
        break;
    }
    return "done";
}

static void describe(FILE *out, green_t *g, unsigned flags)
{
    fprintf(out, "  %llu \"%s\" ", (unsigned long long)g->id, green_name(g));
    if (g->state == GREEN_WAITING) {
        fprintf(out, "waits for %s", g->waits_for ? g->waits_for : "somebody to wake it");
        if (g->waits_for && strstr(g->waits_for, "descriptor"))
            fprintf(out, " %d", (int)(intptr_t)g->waits_on);
        else if (g->waits_for && g->waits_on)
            fprintf(out, " %p", g->waits_on);
        fprintf(out, " since %.3f s", (double)(green_now() - g->waits_since) / 1e9);
    } else {
        fprintf(out, "%s%s", state_text(g->state), g->never_ran ? ", has not begun" : "");
    }
    if (g->cancelled)
        fprintf(out, ", cancelled%s", g->shields ? " and shielded" : "");
    if (g->parent)
        fprintf(out, ", made by %llu", (unsigned long long)g->parent);
    if (g->stack.low)
        fprintf(out, ", stack %zu of %zu KiB", stack_used(g) / 1024, (g->stack.size - 4096) / 1024);
    fputc('\n', out);
    if (g->spawn_trace) {
        fprintf(out, "    made at\n");
        green_write_backtrace(out, g->spawn_trace->frames, g->spawn_trace->count);
    }
    if (flags & GREEN_DUMP_STACKS) {
        void *frames[FRAMES_MAX];
        green_write_backtrace(out, frames, green_backtrace(g, frames, FRAMES_MAX));
    }
}

void green__dump_greenlets(FILE *out, green_hub_t *hub, unsigned flags)
{
    for (struct list *node = hub->everyone.next; node != &hub->everyone; node = node->next)
        describe(out, CONTAINER_OF(node, green_t, everyone), flags);
}

void green_dump(FILE *out, unsigned flags)
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return;
    fprintf(out, "thread %d: %zu greenlets, %zu ready, %llu switches\n", (int)hub->tid, hub->alive,
            (size_t)green__ready(hub), (unsigned long long)hub->turns);
    green__dump_greenlets(out, hub, flags);
}

static void dump_one(FILE *out, const void *arg)
{
    green_dump(out, *(const unsigned *)arg);
}

int green_dump_all(FILE *out, unsigned flags, green_time deadline)
{
    return green__ask_hubs(out, dump_one, &flags, sizeof flags, deadline);
}

static void dump_to_stderr(int signal, void *arg)
{
    (void)signal, (void)arg;
    int r = green_dump_all(stderr, GREEN_DUMP_STACKS, green_in(ANSWER_WITHIN));
    if (r < 0)
        fprintf(stderr, "libgreen: dump: %s\n", green_strerror(r));
}

int green_dump_on_signal(green_signal_handler_t **out, int signal)
{
    return green_on_signal(out, signal, dump_to_stderr, NULL);
}
