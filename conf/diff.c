/*
 * Comparing configurations by what their keys say (diff.h).
 */
#include "diff.h"

#include "counterpart.h"
#include "describe.h"
#include "errors.h"

#include <stdlib.h>
#include <string.h>

struct diff {
    FILE *out;
    enum conf_diff_form form;
    long sections;
    bool no_memory;
};

/* --- are they the same? --------------------------------------------------------------------------- */

struct list {
    const char *items;
    size_t count;
};

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static const struct conf_written *item(const struct conf_key *key, const struct list *list, size_t i)
{
    return (const void *)(list->items + i * key->syntax->size);
}

static bool same_value(const struct conf_key *key, const struct conf_written *a, const struct conf_written *b)
{
    return same_text(a->written, b->written) &&
           (!a->written || !key->syntax->same || key->syntax->same(a, b));
}

static bool same_list(const struct conf_key *key, const struct list *a, const struct list *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++)
        same = same_value(key, item(key, a, i), item(key, b, i));
    return same;
}

static bool same_names(const struct conf_route *a, const struct conf_route *b)
{
    bool same = a->listener_count == b->listener_count;

    for (size_t i = 0; same && i < a->listener_count; i++)
        same = same_text(a->listeners[i]->name, b->listeners[i]->name);
    return same;
}

/* Without making text of them: most keys of most sections are. */
static bool same(const struct conf_key *key, const struct conf_object *from, const struct conf_object *to)
{
    if (key->type == CONF_FILES)
        return true; /* what they hold is compared in its place */
    if (key->type == CONF_NAMES)
        return same_names(from->of, to->of);

    const void *a = (const char *)from->of + key->at[from->kind] - 1,
               *b = (const char *)to->of + key->at[to->kind] - 1;

    if (key->type == CONF_MANY)
        return same_list(key, a, b);
    if (key->type == CONF_ONE)
        return same_value(key, a, b);
    if (key->type == CONF_CHOICE)
        return *(const int *)a == *(const int *)b;
    if (key->type < CONF_CHOICE)
        return *(const int64_t *)a == *(const int64_t *)b;
    return same_text(*(const char *const *)a, *(const char *const *)b);
}

/* --- values --------------------------------------------------------------------------------------- */

static void print_value(void *arg, const char *value, struct conf_origin origin)
{
    (void)origin;
    conf_print_visible(arg, value);
}

static void print_single(struct diff *d, const struct conf_key *key, const struct conf_object *from,
                         const struct conf_object *to)
{
    const char *nothing;

    fprintf(d->out, "  %s: ", key->name);
    if ((nothing = conf_each_value(key, from, print_value, d->out)))
        fputs(nothing, d->out);
    fputs(" -> ", d->out);
    if ((nothing = conf_each_value(key, to, print_value, d->out)))
        fputs(nothing, d->out);
    putc('\n', d->out);
}

/* Of a list, sorted. What they point to belongs to the configuration. */
struct items {
    const char **texts;
    size_t count, room;
    bool no_memory;
};

static void collect(void *arg, const char *value, struct conf_origin origin)
{
    struct items *items = arg;

    (void)origin;
    if (items->count == items->room) {
        size_t room = items->room ? items->room * 2 : 16;
        const char **texts = realloc(items->texts, room * sizeof(*texts));

        if (!texts) {
            items->no_memory = true;
            return;
        }
        items->texts = texts;
        items->room = room;
    }
    items->texts[items->count++] = value;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct items items_of(struct diff *d, const struct conf_key *key, const struct conf_object *object)
{
    struct items items = {0};

    conf_each_value(key, object, collect, &items);
    if (items.count)
        qsort(items.texts, items.count, sizeof(*items.texts), compare_texts);
    d->no_memory |= items.no_memory;
    return items;
}

static void print_item(struct diff *d, const struct conf_key *key, char sign, const char *text)
{
    fprintf(d->out, "  %s: %c ", key->name, sign);
    conf_print_visible(d->out, text);
    putc('\n', d->out);
}

/* Which items went, and which came. */
static void print_list(struct diff *d, const struct conf_key *key, const struct conf_object *from,
                       const struct conf_object *to)
{
    struct items old = items_of(d, key, from), new = items_of(d, key, to);
    size_t i = 0, k = 0, changes = 0;

    while (i < old.count || k < new.count) {
        int order = i == old.count ? 1 : k == new.count ? -1 : strcmp(old.texts[i], new.texts[k]);

        changes += order != 0;
        if (order < 0)
            print_item(d, key, '-', old.texts[i]);
        else if (order > 0)
            print_item(d, key, '+', new.texts[k]);
        i += order <= 0;
        k += order >= 0;
    }
    if (!changes)
        fprintf(d->out, "  %s: in another order\n", key->name);
    free(old.texts);
    free(new.texts);
}

static const char *text_of(const struct conf_key *key, const struct conf_object *object)
{
    return ((const struct conf_written *)(const void *)((const char *)object->of + key->at[object->kind] - 1))
        ->written;
}

static void print_change(struct diff *d, const struct conf_key *key, const struct conf_object *from,
                         const struct conf_object *to)
{
    if (key->syntax && key->syntax->secret)
        fprintf(d->out, "  %s: another secret\n", key->name);
    else if (conf_key_is_list(key))
        print_list(d, key, from, to);
    else if (key->type == CONF_ONE && same_text(text_of(key, from), text_of(key, to)))
        fprintf(d->out, "  %s: the file has other contents\n", key->name);
    else
        print_single(d, key, from, to);
}

/* --- sections ------------------------------------------------------------------------------------- */

static void print_title(struct diff *d, enum conf_kind kind, const char *name, const char *what)
{
    fprintf(d->out, "[%s%s%s] %s", conf_kinds[kind].name, *name ? " " : "", name, what);
    d->sections++;
}

static void print_section(struct diff *d, enum conf_kind kind, const char *name, const char *what)
{
    print_title(d, kind, name, what);
    putc('\n', d->out);
}

/* Some keys mean nothing to some protocols. */
static bool counts(const struct conf_key *key, const struct conf_object *object)
{
    return object->kind != CONF_LISTENER ||
           conf_key_means(key, ((const struct conf_listener *)object->of)->protocol);
}

/* Both are there. */
static void compare(struct diff *d, const char *name, const struct conf_object *from,
                    const struct conf_object *to)
{
    size_t changed = 0;

    for (size_t i = 0; i < conf_key_count; i++) {
        const struct conf_key *key = &conf_keys[i];

        if (!conf_key_in(key, from->kind) || !(counts(key, from) || counts(key, to)) || same(key, from, to))
            continue;
        if (!changed++)
            print_title(d, from->kind, name, d->form == CONF_DIFF_FULL ? "changed\n" : "changed: ");
        else if (d->form == CONF_DIFF_BRIEF)
            fputs(", ", d->out);
        if (d->form == CONF_DIFF_FULL)
            print_change(d, key, from, to);
        else
            fputs(key->name, d->out);
    }
    if (changed && d->form == CONF_DIFF_BRIEF)
        putc('\n', d->out);
}

#define OBJECT(kind, object) (&(const struct conf_object){kind, object, (object)->origins})

static void compare_listeners(struct diff *d, const struct conf *from, const struct conf *to)
{
    for (size_t i = 0; i < from->listener_count; i++)
        if (!conf_listener_named(to, from->listeners[i].name, i))
            print_section(d, CONF_LISTENER, from->listeners[i].name, "removed");
    for (size_t i = 0; i < to->listener_count; i++) {
        const struct conf_listener *now = &to->listeners[i],
                                   *before = conf_listener_named(from, now->name, i);

        if (before)
            compare(d, now->name, OBJECT(CONF_LISTENER, before), OBJECT(CONF_LISTENER, now));
        else
            print_section(d, CONF_LISTENER, now->name, "added");
    }
}

/* The first that matches wins, so their order is a setting too. */
static void compare_routes(struct diff *d, const struct conf *from, const struct conf *to)
{
    const struct conf_route *furthest = NULL; /* of those in `from` that were met */

    for (size_t i = 0; i < from->route_count; i++)
        if (!conf_route_named(to, from->routes[i].name, i))
            print_section(d, CONF_ROUTE, from->routes[i].name, "removed");
    for (size_t i = 0; i < to->route_count; i++) {
        const struct conf_route *now = &to->routes[i], *before = conf_route_named(from, now->name, i);

        if (!before) {
            print_section(d, CONF_ROUTE, now->name, "added");
            continue;
        }
        compare(d, now->name, OBJECT(CONF_ROUTE, before), OBJECT(CONF_ROUTE, now));
        if (furthest && before < furthest)
            print_section(d, CONF_ROUTE, now->name, "moved behind others");
        else
            furthest = before;
    }
}

static void compare_upstreams(struct diff *d, const struct conf *from, const struct conf *to)
{
    for (size_t i = 0; i < from->upstream_count; i++)
        if (!conf_upstream_named(to, from->upstreams[i].name, i))
            print_section(d, CONF_UPSTREAM, from->upstreams[i].name, "removed");
    for (size_t i = 0; i < to->upstream_count; i++) {
        const struct conf_upstream *now = &to->upstreams[i],
                                   *before = conf_upstream_named(from, now->name, i);

        if (before)
            compare(d, now->name, OBJECT(CONF_UPSTREAM, before), OBJECT(CONF_UPSTREAM, now));
        else
            print_section(d, CONF_UPSTREAM, now->name, "added");
    }
}

long conf_diff(FILE *out, const struct conf *from, const struct conf *to, enum conf_diff_form form)
{
    struct diff d = {.out = out, .form = form};

    compare(&d, "", OBJECT(CONF_GREENWAY, from), OBJECT(CONF_GREENWAY, to));
    compare_listeners(&d, from, to);
    compare_routes(&d, from, to);
    compare_upstreams(&d, from, to);
    return d.no_memory ? -1 : d.sections;
}

const struct conf_key *conf_diff_restart(const struct conf *from, const struct conf *to,
                                         const struct conf_key *after)
{
    for (const struct conf_key *key = after ? after + 1 : conf_keys; key < conf_keys + conf_key_count; key++)
        if (key->restart && conf_key_in(key, CONF_GREENWAY) &&
            !same(key, OBJECT(CONF_GREENWAY, from), OBJECT(CONF_GREENWAY, to)))
            return key;
    return NULL;
}
