/*
 * What a file gives away of the safe defaults, by the bounds in the key table.
 */
#include "describe.h"
#include "errors.h"
#include "value.h"

/* The safe one of several choices is the default. */
static bool weak(const struct conf_key *key, int64_t value)
{
    int64_t usual;

    if (key->type == CONF_CHOICE)
        return conf_value_parse(key, key->fallback, &usual) == 0 && value != usual;
    return (key->safe_min && value < key->safe_min) || (key->safe_max && value > key->safe_max);
}

static bool same(struct conf_origin a, struct conf_origin b)
{
    return a.file == b.file && a.line == b.line;
}

/* Each item of a list that is an exception to a safe default. */
static size_t print_items(FILE *out, const struct conf_key *key, const void *field)
{
    const struct {
        const char *items;
        size_t count;
    } *list = field;

    for (size_t i = 0; i < list->count; i++) {
        const struct conf_written *w = (const void *)(list->items + i * key->syntax->size);

        conf_print_visible(out, w->origin.file);
        fprintf(out, ":%d: %s = %s: %s\n", w->origin.line, key->name, w->written, key->weakens);
    }
    return list->count;
}

/* Says it of one object's value, and only once of a value that many inherit. */
static size_t print_weak(FILE *out, const struct conf *conf, const struct conf_key *key, enum conf_kind kind,
                         const void *object, const struct conf_origin *origins, bool *inherited)
{
    struct conf_origin origin = origins[key - conf_keys];
    char text[CONF_VALUE_BYTES];

    if (!key->weakens || !key->at[kind] || !origin.line)
        return 0;
    const char *field = (const char *)object + key->at[kind] - 1;

    if (key->type == CONF_MANY)
        return print_items(out, key, field);
    int64_t value = key->type == CONF_CHOICE ? *(const int *)field : *(const int64_t *)field;

    if (value == CONF_INHERIT || !weak(key, value))
        return 0;
    if (same(origin, conf->origins[key - conf_keys])) {
        if (*inherited)
            return 0;
        *inherited = true;
    }
    conf_print_visible(out, origin.file);
    fprintf(out, ":%d: %s = %s in place of %s: %s\n", origin.line, key->name,
            conf_value_print(key, value, text), key->fallback, key->weakens);
    return 1;
}

size_t conf_print_weakened(FILE *out, const struct conf *conf)
{
    size_t count = 0;

    for (const struct conf_key *key = conf_keys; key < conf_keys + conf_key_count; key++) {
        bool inherited = false;

        count += print_weak(out, conf, key, CONF_GREENWAY, conf, conf->origins, &inherited);
        for (size_t i = 0; i < conf->listener_count; i++)
            count += print_weak(out, conf, key, CONF_LISTENER, &conf->listeners[i],
                                conf->listeners[i].origins, &inherited);
        for (size_t i = 0; i < conf->route_count; i++)
            count +=
                print_weak(out, conf, key, CONF_ROUTE, &conf->routes[i], conf->routes[i].origins, &inherited);
        for (size_t i = 0; i < conf->upstream_count; i++)
            count += print_weak(out, conf, key, CONF_UPSTREAM, &conf->upstreams[i],
                                conf->upstreams[i].origins, &inherited);
    }
    return count;
}
