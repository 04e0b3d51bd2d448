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

static void print_nothing(const struct printer *p, const struct conf_key *key, const char *what)
{
    if (p->all)
        fprintf(p->out, "%s; %s: %s\n", p->indent, key->name, what);
}

/* A $ is doubled, unless the value is one whose own $ were left alone when it was read. */
static void print_line(const struct printer *p, const char *key, const char *value, bool variables,
                       struct conf_origin origin)
{
    FILE *out = p->out;
    int column = fprintf(out, "%s%s = ", p->indent, key);

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

static void print_names(const struct printer *p, const struct conf_key *key, const struct conf_route *route,
                        struct conf_origin origin)
{
    for (size_t i = 0; i < route->listener_count; i++)
        print_line(p, key->name, route->listeners[i]->name, false, origin);
    if (!route->listener_count)
        print_nothing(p, key, key->none);
}

static void print_list(const struct printer *p, const struct conf_key *key, const void *field)
{
    const struct {
        const char *items;
        size_t count;
    } *list = field;

    for (size_t i = 0; i < list->count; i++) {
        const struct conf_written *w = (const void *)(list->items + i * key->syntax->size);
        print_line(p, key->name, w->written, key->syntax->variables, w->origin);
    }
    if (!list->count)
        print_nothing(p, key, key->none ? key->none : "none");
}

static void print_key(const struct printer *p, const struct conf_key *key, enum conf_kind kind,
                      const void *object, const struct conf_origin *origins)
{
    struct conf_origin origin = origins[key - conf_keys];
    const char *field = key->at[kind] ? (const char *)object + key->at[kind] - 1 : NULL;
    char text[CONF_VALUE_BYTES];

    if (key->type == CONF_FILES) {
        return; /* what they hold is printed in its place */
    } else if (key->type == CONF_NAMES) {
        print_names(p, key, object, origin);
    } else if (key->type == CONF_MANY) {
        print_list(p, key, field);
    } else if (key->type == CONF_ONE && ((const struct conf_written *)(const void *)field)->written) {
        print_line(p, key->name, ((const struct conf_written *)(const void *)field)->written,
                   key->syntax->variables, origin);
    } else if (key->type == CONF_ONE) {
        print_nothing(p, key, "none");
    } else if (key->type == CONF_CHOICE && *(const int *)field == CONF_INHERIT) {
        print_nothing(p, key, "inherited");
    } else if (key->type == CONF_CHOICE) {
        conf_value_print(key, *(const int *)field, text);
        print_line(p, key->name, text, false, origin);
    } else if (key->type < CONF_CHOICE) {
        int64_t number = *(const int64_t *)field;

        if (number == CONF_INHERIT)
            print_nothing(p, key, "inherited");
        else
            print_line(p, key->name, conf_value_print(key, number, text), false, origin);
    } else if (*(const char *const *)field) {
        print_line(p, key->name, *(const char *const *)field, false, origin);
    } else {
        print_nothing(p, key, "none");
    }
}

void conf_print_key(FILE *out, const char *indent, const struct conf_key *key,
                    const struct conf_object *object)
{
    const struct printer p = {out, indent, false};

    print_key(&p, key, object->kind, object->of, object->origins);
}

static void print_section(FILE *out, enum conf_kind kind, const char *name, const void *object,
                          const struct conf_origin *origins)
{
    const struct printer p = {out, "", true};
    const struct conf_listener *listener = kind == CONF_LISTENER ? object : NULL;

    fprintf(out, "%s[%s%s%s]\n", kind == CONF_GREENWAY ? "" : "\n", conf_kinds[kind].name, *name ? " " : "",
            name);
    for (size_t i = 0; i < conf_key_count; i++)
        if (conf_key_in(&conf_keys[i], kind) &&
            (!listener || conf_key_means(&conf_keys[i], listener->protocol)))
            print_key(&p, &conf_keys[i], kind, object, origins);
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
