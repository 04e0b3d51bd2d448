/*
 * What keys of authentication say together: a request has but one field Authorization.
 */
#include "loader.h"

/* Does a route, or a listener without one (NULL), need a password and a token that come in the same field? */
static bool share_field(const struct conf_authentication *route, const struct conf_authentication *listener)
{
    const struct conf_users *users = route && route->users.written ? &route->users : &listener->users;
    const struct conf_jwt *jwt = route && route->jwt.written ? &route->jwt : &listener->jwt;

    return users->count && jwt->source != CONF_JWT_OFF && !listener->cookie.written &&
           !(route && route->cookie.written);
}

static void complain(struct conf_loader *l, enum conf_kind kind, const char *name, struct conf_origin origin)
{
    conf_error(l->errors, origin, conf_arena_print(&l->arena, "%s %s", conf_kinds[kind].name, name), "jwt",
               "together with basic_auth the token needs another place than the field Authorization; set "
               "jwt_cookie, or one of both to off");
}

static bool is_used(const struct conf_authentication *a)
{
    return a->users.count || a->jwt.source != CONF_JWT_OFF || a->claim_field_count || a->ask.to.name ||
           a->ask_field_count;
}

void conf_check_authentication(struct conf_loader *l)
{
    struct conf *c = l->conf;

    for (size_t i = 0; i < c->listener_count; i++)
        c->listeners[i].authentication.used = is_used(&c->listeners[i].authentication);
    for (size_t i = 0; i < c->route_count; i++)
        c->routes[i].authentication.used = is_used(&c->routes[i].authentication);
    if (l->incomplete)
        return; /* what is missing may be what is complained of */
    for (const struct conf_listener *listener = c->listeners; listener < c->listeners + c->listener_count;
         listener++)
        if (share_field(NULL, &listener->authentication))
            complain(l, CONF_LISTENER, listener->name, listener->authentication.jwt.origin);
    for (const struct conf_route *route = c->routes; route < c->routes + c->route_count; route++)
        for (size_t i = 0; i < c->listener_count; i++)
            if (conf_route_takes(route, &c->listeners[i]) &&
                (route->authentication.users.written || route->authentication.jwt.written) &&
                share_field(&route->authentication, &c->listeners[i].authentication)) {
                complain(l, CONF_ROUTE, route->name, route->origin);
                break;
            }
}
