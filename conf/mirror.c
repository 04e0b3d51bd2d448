/* The value of mirror: "shadow" or "shadow 10%". */
#include "loader.h"
#include "syntax.h"

#include <stdlib.h>
#include <string.h>

static const char *parse_mirror(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_mirror *mirror = out;
    size_t n = strcspn(text, " \t");
    const char *rest = text + n + strspn(text + n, " \t");

    mirror->percent = 100;
    if (*rest) {
        char *end;
        long percent = strtol(rest, &end, 10);

        if (*rest < '1' || *rest > '9' || strcmp(end, "%") || percent > 100)
            return "has something behind the name that is not a percentage from 1% to 100%";
        mirror->percent = percent;
    }
    mirror->to.name = conf_arena_copy(arena, text, n);
    mirror->written = mirror->percent == 100
                          ? mirror->to.name
                          : conf_arena_print(arena, "%s %d%%", mirror->to.name, (int)mirror->percent);
    return strchr(mirror->to.name, ',') ? "names more than one upstream" : NULL;
}

const struct conf_syntax conf_mirror_syntax = {
    .allowed = "the name of an upstream, and a percentage: shadow, or shadow 10%",
    .separators = "",
    .size = sizeof(struct conf_mirror),
    .upstream = 1 + offsetof(struct conf_mirror, to),
    .parse = parse_mirror,
};

void conf_check_mirror(struct conf_loader *l, const struct conf_route *route)
{
    const struct conf_mirroring *m = &route->mirror;
    const struct {
        const char *key;
        bool alone; /* without what it is about */
    } keys[] = {
        {"mirror", m->to.written && !route->split.share_count},
        {"mirror_max_body", m->max_body != CONF_INHERIT && !m->to.written},
        {"mirror_timeout", m->timeout != CONF_INHERIT && !m->to.written},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].alone)
            conf_error(
                l->errors, route->origins[conf_key_find(CONF_ROUTE, keys[i].key) - conf_keys],
                conf_arena_print(&l->arena, "route %s", route->name), keys[i].key,
                i == 0 ? "the key copies what goes to an upstream, and the route has none"
                       : "the key is about a mirror, and the route has none; set mirror, or leave it out");
}
