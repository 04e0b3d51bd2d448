/*
 * Prints a configuration as the ini file that says all of it.
 */
#include "describe.h"
#include "errors.h"
#include "value.h"

#define COMMENT_COLUMN 40

/* Where lines go, and what each begins with. "; key: none" is left out unless all is to be said. */
struct printer {
    FILE *out;
    const char *indent;
    bool all;
};

/* --- values --------------------------------------------------------------------------------------- */

struct visit {
    conf_value_fn *fn;
    void *arg;
};

static const char *visit_names(const struct conf_key *key, const struct conf_object *object,
                               const struct visit *v)
{
    const struct conf_route *route = object->of;

    for (size_t i = 0; i < route->listener_count; i++)
        v->fn(v->arg, route->listeners[i]->name, object->origins[key - conf_keys]);
    return route->listener_count ? NULL : key->none;
}

static const char *visit_list(const struct conf_key *key, const void *field, const struct visit *v)
{
    const struct {
        const char *items;
        size_t count;
    } *list = field;

    for (size_t i = 0; i < list->count; i++) {
        const struct conf_written *w = (const void *)(list->items + i * key->syntax->size);
        v->fn(v->arg, w->written, w->origin);
    }
    return list->count ? NULL : key->none ? key->none : "none";
}

const char *conf_each_value(const struct conf_key *key, const struct conf_object *object, conf_value_fn *fn,
                            void *arg)
{
    const struct visit v = {fn, arg};
    const char *field = key->at[object->kind] ? (const char *)object->of + key->at[object->kind] - 1 : NULL;
    const char *value = NULL, *nothing = "none";
    char text[CONF_VALUE_BYTES];

    if (key->type == CONF_FILES)
        return nothing; /* what they hold is printed in its place */
    if (key->type == CONF_NAMES)
        return visit_names(key, object, &v);
    if (key->type == CONF_MANY)
        return visit_list(key, field, &v);
    if (key->type == CONF_ONE) {
        value = ((const struct conf_written *)(const void *)field)->written;
    } else if (key->type <= CONF_CHOICE) {
        int64_t number = key->type == CONF_CHOICE ? *(const int *)field : *(const int64_t *)field;

        value = number == CONF_INHERIT ? NULL : conf_value_print(key, number, text);
        nothing = "inherited";
    } else {
        value = *(const char *const *)field;
    }
    if (value)
        fn(arg, value, object->origins[key - conf_keys]);
    return value ? NULL : nothing;
}

/* --- lines ---------------------------------------------------------------------------------------- */

struct line {
    const struct printer *printer;
    const struct conf_key *key;
};

/* A $ is doubled, unless the value is one whose own $ were left alone when it was read. */
static void print_line(void *arg, const char *value, struct conf_origin origin)
{
    const struct line *l = arg;
    FILE *out = l->printer->out;
    bool variables = l->key->syntax && l->key->syntax->variables;
    int column = fprintf(out, "%s%s = ", l->printer->indent, l->key->name);

    for (; *value; value++, column++) {
        putc(*value, out);
        if (*value == '$' && !variables) {
            putc('$', out);
            column++;
        }
    }
    fprintf(out, "%*s ; ", column < COMMENT_COLUMN ? COMMENT_COLUMN - column : 0, "");
    conf_print_visible(out, origin.file);
    if (origin.line)
        fprintf(out, ":%d", origin.line);
    putc('\n', out);
}

static void print_key(const struct printer *p, const struct conf_key *key, const struct conf_object *object)
{
    struct line line = {p, key};
    const char *nothing = conf_each_value(key, object, print_line, &line);

    if (nothing && p->all && key->type != CONF_FILES)
        fprintf(p->out, "%s; %s: %s\n", p->indent, key->name, nothing);
}

void conf_print_key(FILE *out, const char *indent, const struct conf_key *key,
                    const struct conf_object *object)
{
    const struct printer p = {out, indent, false};

    print_key(&p, key, object);
}

static void print_section(FILE *out, enum conf_kind kind, const char *name, const void *object,
                          const struct conf_origin *origins)
{
    const struct printer p = {out, "", true};
    const struct conf_listener *listener = kind == CONF_LISTENER ? object : NULL;
    const struct conf_object described = {kind, object, origins};

    fprintf(out, "%s[%s%s%s]\n", kind == CONF_GREENWAY ? "" : "\n", conf_kinds[kind].name, *name ? " " : "",
            name);
    for (size_t i = 0; i < conf_key_count; i++)
        if (conf_key_in(&conf_keys[i], kind) &&
            (!listener || conf_key_means(&conf_keys[i], listener->protocol)))
            print_key(&p, &conf_keys[i], &described);
}

void conf_print_effective(FILE *out, const struct conf *conf)
{
    fputs("; the whole configuration of ", out);
    conf_print_visible(out, conf->file);
    fputs(", each value with its place\n\n", out);
    print_section(out, CONF_GREENWAY, "", conf, conf->origins);
    for (const struct conf_listener *l = conf->listeners; l < conf->listeners + conf->listener_count; l++)
        print_section(out, CONF_LISTENER, l->name, l, l->origins);
    for (const struct conf_route *r = conf->routes; r < conf->routes + conf->route_count; r++)
        print_section(out, CONF_ROUTE, r->name, r, r->origins);
    for (const struct conf_upstream *u = conf->upstreams; u < conf->upstreams + conf->upstream_count; u++)
        print_section(out, CONF_UPSTREAM, u->name, u, u->origins);
}
