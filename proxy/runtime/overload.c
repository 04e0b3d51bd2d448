/* Measuring, and going from level to level (overload.h). */
#include "overload.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>

#include "observe/error_log.h"
#include "system_usage.h"

#define LOOK_INTERVAL GREEN_S(1)
#define TRIM_INTERVAL GREEN_S(10)

/* Percent of the limit. */
static const int from[OVERLOAD_LEVELS] = {0, 80, 85, 90, 95};
#define SLACK 5

static const char *const measures[OVERLOAD_LEVELS] = {
    [OVERLOAD_HURRY] = "idle clients are waited for a tenth of timeout_keepalive",
    [OVERLOAD_SHED] = "idle connections are closed, the oldest first",
    [OVERLOAD_REFUSE] = "what is new is answered with 503",
    [OVERLOAD_STOP] = "new connections are reset",
};

enum overload_level overload_level_of(int64_t used, int64_t limit, enum overload_level before)
{
    enum overload_level level = OVERLOAD_NONE;
    if (limit <= 0 || used < 0)
        return OVERLOAD_NONE;
    int64_t percent = used >= limit ? 100 : (int64_t)((double)used * 100 / (double)limit);
    for (int i = OVERLOAD_HURRY; i < OVERLOAD_LEVELS; i++)
        if (percent >= from[i] - (i <= (int)before ? SLACK : 0))
            level = (enum overload_level)i;
    return level;
}

void overload_exhausted(struct overload *o, int error)
{
    bool descriptors = error == -EMFILE || error == -ENFILE;
    struct overload_gauge *g = &o->gauges[descriptors ? OVERLOAD_DESCRIPTORS : OVERLOAD_MEMORY];
    if (!o->on)
        return;
    atomic_store(&g->exhausted, true);
    atomic_store(&o->level, OVERLOAD_STOP); /* until the next look */
}

static void tell(const struct overload_gauge *g, enum overload_resource what, enum overload_level now,
                 enum overload_level before)
{
    int64_t unit = what == OVERLOAD_MEMORY ? 1 << 20 : 1;
    const char *name = what == OVERLOAD_MEMORY ? "MiB of memory" : "descriptors";
    char counts[96];
    snprintf(counts, sizeof counts, "%" PRId64 " of %" PRId64 " %s are in use",
             (int64_t)atomic_load(&g->used) / unit, (int64_t)atomic_load(&g->limit) / unit, name);
    if (now > before)
        error_log(LOG_LEVEL_WARNING, "overload: %s: %s", counts, measures[now]);
    else if (now == OVERLOAD_NONE)
        error_log(LOG_LEVEL_NOTICE, "overload is over: %s", counts);
    else
        error_log(LOG_LEVEL_NOTICE, "overload is less: %s: %s", counts, measures[now]);
}

static void settle(struct overload *o, enum overload_resource what, int64_t used, int64_t limit)
{
    struct overload_gauge *g = &o->gauges[what];
    enum overload_level before = (enum overload_level)atomic_load(&g->level);
    atomic_store(&g->used, used < 0 ? 0 : used);
    atomic_store(&g->limit, limit < 0 ? 0 : limit);
    enum overload_level now = overload_level_of(used, limit, before);
    if (atomic_exchange(&g->exhausted, false))
        now = OVERLOAD_STOP;
    if (now == before)
        return;
    for (int i = (int)before + 1; i <= (int)now; i++)
        overload_count(&o->entered[i]);
    atomic_store(&g->level, now);
    tell(g, what, now, before);
}

/* What was freed is the allocator's until it is asked to give it back: memory would seem to be short for ever. */
static void give_back(struct overload *o)
{
    green_time now = green_now();
    if (atomic_load(&o->gauges[OVERLOAD_MEMORY].level) < OVERLOAD_SHED || now - o->trimmed < TRIM_INTERVAL)
        return;
    o->trimmed = now;
    malloc_trim(0);
}

void overload_look(struct overload *o)
{
    int64_t limit = usage_descriptor_limit(), used = usage_descriptors();
    if (used == -EMFILE || used == -ENFILE) /* there is not even one to count them with */
        used = limit;
    settle(o, OVERLOAD_DESCRIPTORS, used, limit);
    atomic_store(&o->refuse_from, limit > 0 ? limit * from[OVERLOAD_REFUSE] / 100 : INT64_MAX);
    settle(o, OVERLOAD_MEMORY, usage_memory(), o->max_memory ? o->max_memory : usage_memory_limit());
    int descriptors = atomic_load(&o->gauges[OVERLOAD_DESCRIPTORS].level);
    int memory = atomic_load(&o->gauges[OVERLOAD_MEMORY].level);
    atomic_store(&o->level, descriptors > memory ? descriptors : memory);
    give_back(o);
}

void overload_init(struct overload *o, const struct conf *conf)
{
    *o = (struct overload){.max_memory = 0};
    overload_configure(o, conf);
}

void overload_configure(struct overload *o, const struct conf *conf)
{
    o->max_memory = conf->overload.max_memory;
    atomic_store(&o->on, conf->overload.on);
    if (conf->overload.on) {
        overload_look(o);
        return;
    }
    for (int i = 0; i < OVERLOAD_RESOURCES; i++)
        atomic_store(&o->gauges[i].level, OVERLOAD_NONE);
    atomic_store(&o->level, OVERLOAD_NONE);
    atomic_store(&o->refuse_from, INT64_MAX);
}

void *overload_watch(void *arg)
{
    struct overload *o = arg;
    while (green_sleep(LOOK_INTERVAL) == 0)
        if (atomic_load(&o->on))
            overload_look(o);
    return NULL;
}
