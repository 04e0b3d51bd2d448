/* Collecting names, and looking at what they lead to (inventory.h). */
#include "inventory.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "reach.h"

/* --- names ----------------------------------------------------------------------------------------------------------- */

static void add(struct inventory *v, char *path, bool pattern)
{
    struct inventory_item *items = path ? realloc(v->items, (v->count + 1) * sizeof *items) : NULL;
    if (!items) {
        free(path);
        v->no_memory = true;
        return;
    }
    v->items = items;
    v->items[v->count++] = (struct inventory_item){.path = path, .pattern = pattern};
}

void inventory_add_sources(struct inventory *v, const struct conf_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(v, strdup(sources[i].path), sources[i].pattern);
}

/* Neither what is looked at while it is served, nor what certificate_watch looks after. */
static int add_reached(void *arg, const char *path, bool writes, const struct reach_place *place)
{
    static const char *const others[] = {"include",   "maintenance_file", "certificate",    "certificate_key",
                                         "client_ca", "client_crl",       "ticket_key_file"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(place->key, others[i]))
            return 0;
    if (place->file && !writes)
        add(arg, strdup(place->file), false);
    return 0;
}

void inventory_add_files(struct inventory *v, const struct conf *conf)
{
    reach_of(conf, add_reached, v);
}

void inventory_free(struct inventory *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->items[i].path);
    free(v->items);
    *v = (struct inventory){.items = NULL};
}

/* --- state ----------------------------------------------------------------------------------------------------------- */

struct hash {
    uint64_t hash; /* FNV-1a */
    int64_t since;
    bool recent;
};

static void mix(struct hash *s, const void *bytes, size_t n)
{
    for (const unsigned char *p = bytes; n--; p++)
        s->hash = (s->hash ^ *p) * UINT64_C(0x100000001b3);
}

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* 0, or -1: there is nothing. */
static int mix_file(struct hash *s, const char *path)
{
    struct stat st;
    mix(s, path, strlen(path) + 1);
    if (stat(path, &st) < 0) {
        mix(s, &errno, sizeof errno);
        return -1;
    }
    int64_t facts[] = {(int64_t)st.st_dev, (int64_t)st.st_ino,      st.st_mode,
                       st.st_size,         nanoseconds(st.st_mtim), nanoseconds(st.st_ctim)};
    mix(s, facts, sizeof facts);
    s->recent |= nanoseconds(st.st_ctim) >= s->since;
    return 0;
}

static void mix_pattern(struct hash *s, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        mix_file(s, found.gl_pathv[i]);
    globfree(&found);
}

struct inventory_state inventory_look(const struct inventory *v, int64_t since)
{
    struct hash s = {.hash = UINT64_C(0xcbf29ce484222325), .since = since};
    size_t missing = 0;
    for (size_t i = 0; i < v->count; i++)
        if (v->items[i].pattern)
            mix_pattern(&s, v->items[i].path);
        else if (mix_file(&s, v->items[i].path) < 0)
            missing++;
    return (struct inventory_state){.hash = s.recent ? ~s.hash : s.hash, .missing = missing};
}

int64_t inventory_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return nanoseconds(now);
}

/* --- folders --------------------------------------------------------------------------------------------------------- */

/* Of a pattern the part before the first special character; changes `path`. */
static void tell_folder(char *path, bool pattern, void (*fn)(void *arg, const char *folder), void *arg)
{
    if (pattern)
        path[strcspn(path, "*?[\\")] = 0;
    char *slash = strrchr(path, '/');
    if (!slash)
        fn(arg, ".");
    else if (slash == path)
        fn(arg, "/");
    else
        fn(arg, (*slash = 0, path));
}

void inventory_folders(const struct inventory *v, void (*fn)(void *arg, const char *folder), void *arg)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < v->count; i++) {
        const struct inventory_item *item = &v->items[i];
        if (strlen(item->path) >= sizeof path)
            continue;
        strcpy(path, item->path);
        tell_folder(path, item->pattern, fn, arg);
        if (!item->pattern && realpath(item->path, path))
            tell_folder(path, false, fn, arg);
    }
}
