/*
 * Routes beside one another: what each asks, put in order, and those that an earlier one leaves nothing for.
 */
#include "loader.h"
#include "network.h"
#include "pattern.h"
#include "regexp.h"

#include <string.h>
#include <strings.h>

bool conf_route_takes(const struct conf_route *route, const struct conf_listener *listener)
{
    if (route->listener_count == 0)
        return true;
    for (size_t i = 0; i < route->listener_count; i++)
        if (route->listeners[i] == listener)
            return true;
    return false;
}

/* ---- conditions, put in order ---- */

static bool same_name(const struct conf_condition *a, const struct conf_condition *b)
{
    return a->name_length == b->name_length && !memcmp(a->name, b->name, a->name_length);
}

/* Those of one name stand together, each behind the last one of its name: so they are told apart while a request is
 * matched, and are printed in an order that means the same. */
static void group(struct conf_condition *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct conf_condition moved = list[i];
        size_t to = i;

        while (to > 0 && !same_name(&list[to - 1], &moved))
            to--;
        if (to == 0)
            continue;
        memmove(&list[to + 1], &list[to], (i - to) * sizeof(*list));
        list[to] = moved;
    }
}

static void check_conditions(struct conf_loader *l, const struct conf_route *route, const char *key,
                             struct conf_condition *list, size_t count)
{
    if (count > CONF_CONDITIONS_MAX)
        conf_error(l->errors, list[CONF_CONDITIONS_MAX].origin,
                   conf_arena_print(&l->arena, "route %s", route->name), key,
                   "the route has %zu of these; allowed: %d", count, CONF_CONDITIONS_MAX);
    else
        group(list, count);
}

void conf_check_matches(struct conf_loader *l)
{
    for (size_t i = 0; i < l->conf->route_count && l->errors->count < CONF_ERRORS_KEPT; i++) {
        struct conf_route *route = &l->conf->routes[i];
        struct conf_match *m = &route->match;

        check_conditions(l, route, "header", m->headers, m->header_count);
        check_conditions(l, route, "query", m->queries, m->query_count);
        check_conditions(l, route, "cookie", m->cookies, m->cookie_count);
    }
}

/* ---- does a take all that b takes? Where that cannot be known the answer is no. ---- */

static bool takes_listeners(const struct conf *c, const struct conf_route *a, const struct conf_route *b)
{
    for (size_t i = 0; i < c->listener_count; i++)
        if (c->listeners[i].protocol == CONF_HTTP && conf_route_takes(b, &c->listeners[i]) &&
            !conf_route_takes(a, &c->listeners[i]))
            return false;
    return true;
}

static bool takes_hosts(const struct conf_match *a, const struct conf_match *b)
{
    if (a->host_count == 0)
        return true;
    for (size_t i = 0; i < b->host_count; i++) {
        size_t j = 0;

        while (j < a->host_count && !conf_host_covers(&a->hosts[j], &b->hosts[i]))
            j++;
        if (j == a->host_count)
            return false;
    }
    return b->host_count > 0;
}

static bool takes_paths(const struct conf_match *a, const struct conf_match *b)
{
    static const struct conf_path every = {.text = ""};
    const struct conf_path *paths = b->path_count ? b->paths : &every;

    if (a->path_count == 0)
        return true;
    for (size_t i = 0; i < (b->path_count ? b->path_count : 1); i++) {
        size_t j = 0;

        while (j < a->path_count && !conf_path_covers(&a->paths[j], &paths[i]))
            j++;
        if (j == a->path_count)
            return false;
    }
    return true;
}

/* GET means HEAD too. */
static bool takes_method(const struct conf_method *a, const struct conf_method *b)
{
    return !strcmp(a->written, b->written) || (!strcmp(a->written, "GET") && !strcmp(b->written, "HEAD"));
}

static bool takes_methods(const struct conf_match *a, const struct conf_match *b)
{
    if (a->method_count == 0)
        return true;
    for (size_t i = 0; i < b->method_count; i++) {
        size_t j = 0;

        while (j < a->method_count && !takes_method(&a->methods[j], &b->methods[i]))
            j++;
        if (j == a->method_count)
            return false;
    }
    return b->method_count > 0;
}

static bool takes_sources(const struct conf_match *a, const struct conf_match *b)
{
    if (a->source_count == 0)
        return true;
    for (size_t i = 0; i < b->source_count; i++) {
        size_t j = 0;

        while (j < a->source_count && !conf_network_covers(&a->sources[j], &b->sources[i]))
            j++;
        if (j == a->source_count)
            return false;
    }
    return b->source_count > 0;
}

static bool condition_covers(const struct conf_condition *a, const struct conf_condition *b)
{
    if (a->test == CONF_ABSENT || b->test == CONF_ABSENT)
        return a->test == b->test;
    if (a->test == CONF_PRESENT)
        return true;
    if (a->test == CONF_EQUAL)
        return b->test == CONF_EQUAL && !strcmp(a->value, b->value);
    if (b->test == CONF_REGEX)
        return !strcmp(conf_regex_text(a->regex), conf_regex_text(b->regex));
    return b->test == CONF_EQUAL && conf_regex_find(a->regex, b->value, b->value_length, NULL) > 0;
}

/* Some item of the group at a takes what b's takes. */
static bool group_covers(const struct conf_condition *a, const struct conf_condition *end,
                         const struct conf_condition *b)
{
    for (const struct conf_condition *name = a; a < end && same_name(a, name); a++)
        if (condition_covers(a, b))
            return true;
    return false;
}

/* What a asks of a name, b has to ask too, and no less. */
static bool takes_conditions(const struct conf_condition *a, size_t a_count, const struct conf_condition *b,
                             size_t b_count)
{
    for (size_t i = 0; i < a_count; i++) {
        bool asked = false;

        if (i && same_name(&a[i - 1], &a[i]))
            continue;
        for (size_t j = 0; j < b_count; j++) {
            if (!same_name(&a[i], &b[j]))
                continue;
            if (!group_covers(&a[i], a + a_count, &b[j]))
                return false;
            asked = true;
        }
        if (!asked)
            return false;
    }
    return true;
}

static bool takes_all(const struct conf *c, const struct conf_route *earlier, const struct conf_route *later)
{
    const struct conf_match *a = &earlier->match, *b = &later->match;

    return takes_hosts(a, b) && takes_paths(a, b) && takes_methods(a, b) && takes_sources(a, b) &&
           takes_conditions(a->headers, a->header_count, b->headers, b->header_count) &&
           takes_conditions(a->queries, a->query_count, b->queries, b->query_count) &&
           takes_conditions(a->cookies, a->cookie_count, b->cookies, b->cookie_count) &&
           takes_listeners(c, earlier, later);
}

static void warn_of_route(struct conf_loader *l, const struct conf_route *route, bool reached)
{
    const char *title = conf_arena_print(&l->arena, "route %s", route->name);

    if (!reached) {
        conf_warning(l->errors, route->origin, title, NULL,
                     "the route is never used: there is no http listener");
        return;
    }
    for (const struct conf_route *earlier = l->conf->routes; earlier < route; earlier++)
        if (takes_all(l->conf, earlier, route)) {
            conf_warning(
                l->errors, route->origin, title, NULL,
                "the route is never reached: [route %s] at %s:%d comes first and takes all of its requests",
                earlier->name, earlier->origin.file, earlier->origin.line);
            return;
        }
}

void conf_warn_of_routes(struct conf_loader *l)
{
    bool reached = false;

    for (size_t i = 0; i < l->conf->listener_count; i++)
        reached |= l->conf->listeners[i].protocol == CONF_HTTP;
    for (size_t i = 0; i < l->conf->route_count; i++)
        warn_of_route(l, &l->conf->routes[i], reached);
}
