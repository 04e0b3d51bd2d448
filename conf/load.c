/*
 * The loader's outside: read, apply, check, and either hand over the configuration or free it.
 */
#include "load.h"
#include "loader.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct input {
    const char *name;
    const char *text; /* NULL: name is a file */
    size_t n;
};

/* The findings end before the configuration does. */
static void keep_sources(struct conf_loader *l)
{
    struct conf *conf = l->conf;

    conf->source_count = l->errors->source_count;
    conf->sources = conf_arena_alloc(&l->arena, (conf->source_count + 1) * sizeof(*conf->sources));
    for (size_t i = 0; i < conf->source_count; i++) {
        const struct conf_source *from = &l->errors->sources[i];

        conf->sources[i] =
            (struct conf_source){conf_arena_copy(&l->arena, from->path, strlen(from->path)), from->pattern};
    }
}

static bool work(struct conf_loader *l, const struct input *input)
{
    struct timespec now;

    if (setjmp(l->out_of_memory)) {
        l->errors->no_memory = true;
        l->errors->errors++;
        return false;
    }
    l->conf = conf_arena_alloc(&l->arena, sizeof(*l->conf));
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    l->conf->read_at = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    l->conf->file = conf_arena_copy(&l->arena, input->name, strlen(input->name));
    if (input->text)
        conf_read_string(l, input->name, input->text, input->n);
    else
        conf_read_file(l, input->name);
    keep_sources(l);
    conf_apply(l);
    conf_check(l);
    if (conf_tls_read && l->errors->errors == 0)
        conf_tls_read(l->conf, l->errors);
    /* The arena moves into itself, so that one pointer owns everything. */
    l->conf->arena = conf_arena_alloc(&l->arena, sizeof(*l->conf->arena));
    return l->errors->errors == 0;
}

static struct conf *load(const struct input *input, struct conf_errors *errors)
{
    struct conf_loader l = {.errors = errors, .fd = -1};

    l.arena.out_of_memory = errors->arena.out_of_memory = &l.out_of_memory;
    bool good = work(&l, input);

    l.arena.out_of_memory = errors->arena.out_of_memory = NULL;
    if (l.fd >= 0)
        close(l.fd);
    if (l.matched)
        globfree(&l.matches);
    conf_errors_sort(errors);
    if (!good) {
        if (conf_tls_free && l.conf)
            conf_tls_free(l.conf);
        conf_arena_free(&l.arena);
        return NULL;
    }
    *l.conf->arena = l.arena;
    return l.conf;
}

struct conf *conf_load(const char *path, struct conf_errors *errors)
{
    struct input input = {.name = path};

    return load(&input, errors);
}

struct conf *conf_load_text(const char *name, const char *text, size_t n, struct conf_errors *errors)
{
    struct input input = {.name = name, .text = text, .n = n};

    return load(&input, errors);
}

void conf_free(struct conf *conf)
{
    if (conf) {
        if (conf_tls_free)
            conf_tls_free(conf);
        struct conf_arena arena = *conf->arena;

        conf_arena_free(&arena);
    }
}

static struct conf_origin origin_of(enum conf_kind kind, const struct conf_origin *origins, const char *key)
{
    const struct conf_key *row = conf_key_find(kind, key);

    return row ? origins[row - conf_keys] : (struct conf_origin){.file = "default"};
}

struct conf_origin conf_origin_of(const struct conf *conf, const char *key)
{
    return origin_of(CONF_GREENWAY, conf->origins, key);
}

struct conf_origin conf_listener_origin(const struct conf_listener *listener, const char *key)
{
    return origin_of(CONF_LISTENER, listener->origins, key);
}

struct conf_origin conf_route_origin(const struct conf_route *route, const char *key)
{
    return origin_of(CONF_ROUTE, route->origins, key);
}

struct conf_origin conf_upstream_origin(const struct conf_upstream *upstream, const char *key)
{
    return origin_of(CONF_UPSTREAM, upstream->origins, key);
}
