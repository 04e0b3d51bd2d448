/*
 * Prints a configuration as the ini file that says all of it.
 */
#include "describe.h"
#include "errors.h"
#include "value.h"

#include <inttypes.h>
#include <string.h>

#define COMMENT_COLUMN 40

static void print_line(FILE *out, const char *key, const char *before, const char *value, const char *after,
                       struct conf_origin origin)
{
    int column = fprintf(out, "%s = %s", key, before);

    for (; *value; value++, column++) {
        putc(*value, out);
        if (*value == '$') {
            putc('$', out);
            column++;
        }
    }
    column += fprintf(out, "%s", after);
    fprintf(out, "%*s ; ", column < COMMENT_COLUMN ? COMMENT_COLUMN - column : 0, "");
    conf_print_visible(out, origin.file);
    if (origin.line)
        fprintf(out, ":%d", origin.line);
    putc('\n', out);
}

static void print_list(FILE *out, const struct conf_key *key, const void *object, struct conf_origin origin)
{
    const struct conf_listener *listener = object;
    const struct conf_route *route = object;
    const struct conf_upstream *upstream = object;
    char weight[32];

    switch (key->type) {
    case CONF_ADDRESSES:
        for (size_t i = 0; i < listener->binds; i++)
            print_line(out, key->name, "", listener->bind[i].text, "", listener->bind[i].origin);
        break;
    case CONF_SERVERS:
        for (const struct conf_server *s = upstream->servers; s < upstream->servers + upstream->server_count;
             s++) {
            snprintf(weight, sizeof(weight), " weight=%" PRId64, s->weight);
            print_line(out, key->name, "", s->text, weight, s->origin);
        }
        break;
    case CONF_HOSTS:
        for (size_t i = 0; i < route->host_count; i++)
            print_line(out, key->name, route->hosts[i].wildcard ? "*" : "", route->hosts[i].text, "",
                       route->hosts[i].origin);
        if (!route->host_count)
            fprintf(out, "; host: every host\n");
        break;
    case CONF_PATHS:
        for (const struct conf_path *p = route->paths; p < route->paths + route->path_count; p++)
            print_line(out, key->name, p->exact ? "=" : "", p->text, p->exact ? "" : "/*", p->origin);
        if (!route->path_count)
            fprintf(out, "; path: every path\n");
        break;
    case CONF_NAMES:
        for (size_t i = 0; i < route->listener_count; i++)
            print_line(out, key->name, "", route->listeners[i]->name, "", origin);
        if (!route->listener_count)
            fprintf(out, "; listener: every http listener\n");
        break;
    default: /* CONF_FILES: what they hold is printed in their place */
        break;
    }
}

static void print_key(FILE *out, const struct conf_key *key, enum conf_kind kind, const void *object,
                      const struct conf_origin *origins)
{
    struct conf_origin origin = origins[key - conf_keys];
    const char *field = key->at[kind] ? (const char *)object + key->at[kind] - 1 : NULL;
    char text[CONF_VALUE_BYTES];

    if (conf_key_is_list(key)) {
        print_list(out, key, object, origin);
    } else if (key->type == CONF_CHOICE) {
        conf_value_print(key, *(const int *)field, text);
        print_line(out, key->name, "", text, "", origin);
    } else if (key->type < CONF_CHOICE) {
        int64_t number = *(const int64_t *)field;

        if (number == CONF_INHERIT)
            fprintf(out, "; %s: inherited\n", key->name);
        else
            print_line(out, key->name, "", conf_value_print(key, number, text), "", origin);
    } else if (*(const char *const *)field) {
        print_line(out, key->name, "", *(const char *const *)field, "", origin);
    } else {
        fprintf(out, "; %s: none\n", key->name);
    }
}

static void print_section(FILE *out, enum conf_kind kind, const char *name, const void *object,
                          const struct conf_origin *origins)
{
    bool tcp = kind == CONF_LISTENER && ((const struct conf_listener *)object)->protocol == CONF_TCP;

    fprintf(out, "%s[%s%s%s]\n", kind == CONF_GREENWAY ? "" : "\n", conf_kinds[kind].name, *name ? " " : "",
            name);
    for (size_t i = 0; i < conf_key_count; i++)
        if (conf_key_in(&conf_keys[i], kind) && !(conf_keys[i].http_only && tcp))
            print_key(out, &conf_keys[i], kind, object, origins);
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
