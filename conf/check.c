/*
 * What no single key can tell: names that lead nowhere, listeners that nothing is behind, addresses bound
 * twice, routes that do nothing. What routes ask of requests is in routes.c.
 */
#include "address.h"
#include "loader.h"
#include "pattern.h"
#include "suggest.h"

#include <stdlib.h>
#include <string.h>

struct check {
    struct conf_loader *l;
    struct conf *c;
    struct conf_listener **listeners; /* sorted by name */
    struct conf_upstream **upstreams;
    bool *used; /* of each upstream: something refers to it */
};

static const char *title(struct check *k, enum conf_kind kind, const char *name)
{
    return conf_arena_print(&k->l->arena, "%s %s", conf_kinds[kind].name, name);
}

static int listener_by_name(const void *a, const void *b)
{
    return strcmp((*(struct conf_listener *const *)a)->name, (*(struct conf_listener *const *)b)->name);
}

static int upstream_by_name(const void *a, const void *b)
{
    return strcmp((*(struct conf_upstream *const *)a)->name, (*(struct conf_upstream *const *)b)->name);
}

static void sort_names(struct check *k)
{
    struct conf *c = k->c;

    k->listeners = conf_arena_alloc(&k->l->arena, (c->listener_count + 1) * sizeof(*k->listeners));
    k->upstreams = conf_arena_alloc(&k->l->arena, (c->upstream_count + 1) * sizeof(*k->upstreams));
    k->used = conf_arena_alloc(&k->l->arena, (c->upstream_count + 1) * sizeof(*k->used));
    for (size_t i = 0; i < c->listener_count; i++)
        k->listeners[i] = &c->listeners[i];
    for (size_t i = 0; i < c->upstream_count; i++)
        k->upstreams[i] = &c->upstreams[i];
    qsort(k->listeners, c->listener_count, sizeof(*k->listeners), listener_by_name);
    qsort(k->upstreams, c->upstream_count, sizeof(*k->upstreams), upstream_by_name);
}

/* ---- references ---- */

/* Where a name stands that leads nowhere. */
struct place {
    const char *title, *key;
    struct conf_origin origin;
};

static void unknown_name(struct check *k, const struct place *at, enum conf_kind kind, const char *name,
                         const struct conf_suggestion *nearest)
{
    const char *what = conf_kinds[kind].name;

    if (k->l->incomplete)
        return; /* it may be in what could not be read */
    if (nearest->best)
        conf_error(k->l->errors, at->origin, at->title, at->key, "there is no [%s %s]; did you mean '%s'?",
                   what, name, nearest->best);
    else
        conf_error(k->l->errors, at->origin, at->title, at->key, "there is no [%s %s]", what, name);
}

static void resolve_upstream(struct check *k, const struct place *at, struct conf_upstream_name *to)
{
    struct conf *c = k->c;
    struct conf_upstream key = {.name = to->name}, *wanted = &key;
    struct conf_upstream **found =
        bsearch(&wanted, k->upstreams, c->upstream_count, sizeof(*k->upstreams), upstream_by_name);
    struct conf_suggestion nearest;

    if (found) {
        to->upstream = *found;
        k->used[*found - c->upstreams] = true;
        return;
    }
    conf_suggest_start(&nearest, to->name);
    for (size_t i = 0; i < c->upstream_count && k->l->errors->count < CONF_ERRORS_KEPT; i++)
        conf_suggest_offer(&nearest, c->upstreams[i].name);
    unknown_name(k, at, CONF_UPSTREAM, to->name, &nearest);
}

/* The upstreams that the values of one key of an object name. */
static void resolve_key(struct check *k, const struct conf_key *key, const char *title_, char *field)
{
    struct list {
        char *items;
        size_t count;
    } one = {field, 1}, *list = key->type == CONF_MANY ? (struct list *)(void *)field : &one;

    for (size_t i = 0; i < list->count; i++) {
        char *item = list->items + i * key->syntax->size;
        const struct conf_written *written = (const void *)item;
        struct conf_upstream_name *to = (void *)(item + key->syntax->upstream - 1);

        if (to->name) /* else it is not set, or was refused */
            resolve_upstream(k, &(struct place){title_, key->name, written->origin}, to);
    }
}

static void resolve_upstreams(struct check *k, enum conf_kind kind, const char *name, void *object)
{
    for (size_t i = 0; i < conf_key_count; i++) {
        const struct conf_key *key = &conf_keys[i];

        if (key->syntax && key->syntax->upstream && key->at[kind])
            resolve_key(k, key, title(k, kind, name), (char *)object + key->at[kind] - 1);
    }
}

static void resolve_listener(struct check *k, const struct conf_reference *r)
{
    struct conf *c = k->c;
    struct conf_listener key = {.name = r->name}, *wanted = &key;
    struct conf_listener **found =
        bsearch(&wanted, k->listeners, c->listener_count, sizeof(*k->listeners), listener_by_name);
    struct conf_route *route = r->route;
    struct conf_suggestion nearest;

    if (found) {
        if ((*found)->protocol != CONF_HTTP)
            conf_error(k->l->errors, r->origin, r->section->title, r->key,
                       (*found)->protocol == CONF_TCP
                           ? "[listener %s] has protocol = tcp, which has no routes; set its upstream instead"
                           : "[listener %s] has protocol = forward, which has no routes",
                       r->name);
        route->listeners = conf_arena_extend(&k->l->arena, route->listeners, route->listener_count,
                                             sizeof(*route->listeners));
        route->listeners[route->listener_count++] = *found;
        return;
    }
    conf_suggest_start(&nearest, r->name);
    for (size_t i = 0; i < c->listener_count && k->l->errors->count < CONF_ERRORS_KEPT; i++)
        conf_suggest_offer(&nearest, c->listeners[i].name);
    unknown_name(k, &(struct place){r->section->title, r->key, r->origin}, CONF_LISTENER, r->name, &nearest);
}

/* ---- listeners ---- */

static void check_listener(struct check *k, const struct conf_listener *listener)
{
    bool leads = listener->split.share_count > 0;

    if (listener->protocol == CONF_TCP) {
        if (!leads && !listener->tls.route_count)
            conf_error(k->l->errors, listener->origin, title(k, CONF_LISTENER, listener->name), "upstream",
                       "the key is required with protocol = tcp: the name of an [upstream NAME]");
        return;
    }
    if (listener->protocol == CONF_FORWARD) {
        conf_check_forward(k->l, listener, title(k, CONF_LISTENER, listener->name));
        return;
    }
    leads |= listener->tls.redirect_https && !listener->tls.on;
    for (size_t i = 0; !leads && i < k->c->route_count; i++)
        leads = conf_route_takes(&k->c->routes[i], listener);
    if (!leads)
        conf_error(k->l->errors, listener->origin, title(k, CONF_LISTENER, listener->name), "upstream",
                   "the listener leads nowhere: it has no upstream, and no [route NAME] is for it");
}

/* An address with the listener that binds it, to be sorted so that equal ones meet. */
struct binding {
    const struct conf_address *address;
    const struct conf_listener *listener;
    size_t order;
};

static int by_address(const void *a, const void *b)
{
    const struct binding *x = a, *y = b;
    int order;

    if (x->address->is_unix != y->address->is_unix)
        return x->address->is_unix ? 1 : -1;
    if (x->address->port != y->address->port)
        return x->address->port < y->address->port ? -1 : 1;
    order = strcmp(x->address->host, y->address->host);
    return order ? order : x->order < y->order ? -1 : 1;
}

static void bound_twice(struct check *k, const struct binding *a, const struct binding *b)
{
    const struct binding *first = a->order < b->order ? a : b, *second = first == a ? b : a;

    conf_error(k->l->errors, second->address->origin, title(k, CONF_LISTENER, second->listener->name), "bind",
               "'%s' is already bound as '%s' by [listener %s] at %s:%d", second->address->text,
               first->address->text, first->listener->name, first->address->origin.file,
               first->address->origin.line);
}

static void check_bindings(struct check *k)
{
    size_t n = 0, count = 0;

    for (size_t i = 0; i < k->c->listener_count; i++)
        count += k->c->listeners[i].binds;
    struct binding *all = conf_arena_alloc(&k->l->arena, (count + 1) * sizeof(*all));

    for (size_t i = 0; i < k->c->listener_count; i++)
        for (size_t j = 0; j < k->c->listeners[i].binds; j++) {
            const struct conf_listener *listener = &k->c->listeners[i];

            if (listener->bind[j].host) /* else it was refused */
                all[n] = (struct binding){&listener->bind[j], listener, n}, n++;
        }
    qsort(all, n, sizeof(*all), by_address);
    /* Within a port, "" sorts first, and is the same as 0.0.0.0 and as [::]. */
    for (size_t i = 1, first = 0, port = 0; i < n; i++) {
        if (all[i].address->is_unix != all[port].address->is_unix ||
            all[i].address->port != all[port].address->port)
            port = i;
        if (!conf_address_same(all[first].address, all[i].address) ||
            strcmp(all[first].address->host, all[i].address->host))
            first = i;
        if (first != i)
            bound_twice(k, &all[first], &all[i]);
        else if (port != i && conf_address_same(all[port].address, all[i].address))
            bound_twice(k, &all[port], &all[i]);
    }
}

/* ---- routes ---- */

/* "upstream, redirect": the keys that say what becomes of a request. */
static const char *actions(struct check *k)
{
    const char *list = "";

    for (size_t i = 0; i < conf_key_count; i++)
        if (conf_keys[i].action && conf_key_in(&conf_keys[i], CONF_ROUTE))
            list = conf_arena_print(&k->l->arena, "%s%s%s", list, *list ? ", " : "", conf_keys[i].name);
    return list;
}

static void check_action(struct check *k, const struct conf_route *route)
{
    const struct conf_key *first = NULL;

    for (size_t i = 0; i < conf_key_count; i++) {
        const struct conf_key *key = &conf_keys[i];

        if (!key->action || !conf_key_in(key, CONF_ROUTE) || !route->origins[i].line)
            continue;
        if (first)
            conf_error(k->l->errors, route->origins[i], title(k, CONF_ROUTE, route->name), key->name,
                       "the route has '%s' already, and can do only one of both", first->name);
        first = key;
    }
    if (!first)
        conf_error(k->l->errors, route->origin, title(k, CONF_ROUTE, route->name), NULL,
                   "the route says nothing of what becomes of its requests; set one of: %s", actions(k));
}

static void check_whole(struct check *k)
{
    struct conf *c = k->c;

    if (c->listener_count == 0)
        conf_error(k->l->errors, (struct conf_origin){.file = c->file}, NULL, NULL,
                   "there is no [listener NAME], so nothing would be served");
    for (size_t i = 0; i < c->listener_count; i++)
        check_listener(k, &c->listeners[i]);
    for (size_t i = 0; i < c->route_count; i++) {
        check_action(k, &c->routes[i]);
        conf_check_files(k->l, &c->routes[i]);
        conf_check_mirror(k->l, &c->routes[i]);
    }
    check_bindings(k);
    conf_check_bodies(k->l);
    conf_check_header_rules(k->l);
    conf_check_answers(k->l);
    conf_check_demands(k->l);
    conf_check_admin(k->l);
    conf_check_control(k->l);
}

/* Oddities are told of a configuration that is otherwise right: what a broken list would match is anybody's
 * guess. */
static void warn(struct check *k)
{
    struct conf *c = k->c;

    conf_warn_of_routes(k->l);
    for (size_t i = 0; i < c->upstream_count; i++)
        if (!k->used[i])
            conf_warning(k->l->errors, c->upstreams[i].origin, title(k, CONF_UPSTREAM, c->upstreams[i].name),
                         NULL, "nothing refers to the upstream");
}

void conf_check(struct conf_loader *l)
{
    struct check k = {.l = l, .c = l->conf};

    sort_names(&k);
    for (size_t i = 0; i < l->reference_count; i++)
        resolve_listener(&k, &l->references[i]);
    for (size_t i = 0; i < k.c->listener_count; i++)
        resolve_upstreams(&k, CONF_LISTENER, k.c->listeners[i].name, &k.c->listeners[i]);
    for (size_t i = 0; i < k.c->route_count; i++)
        resolve_upstreams(&k, CONF_ROUTE, k.c->routes[i].name, &k.c->routes[i]);
    conf_check_matches(l);
    conf_check_splits(l);
    conf_check_authentication(l);
    conf_check_acme(l);
    conf_check_tls(l);
    conf_check_ocsp(l);
    conf_check_health(l);
    if (!l->incomplete)
        check_whole(&k);
    if (l->errors->errors == 0)
        warn(&k);
}
