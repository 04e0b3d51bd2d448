/*
 * What is odd about rate limits and trust beyond a single value.
 */
#include "loader.h"

#include <string.h>

/* By FNV-1a: of the section that has it, of what it says, and of its place. */
static uint64_t identify(const char *title, const struct conf_rate_limit *limit, size_t place)
{
    uint64_t id = UINT64_C(14695981039346656037) + place;

    for (const char *p = title; *p; p++)
        id = (id ^ (unsigned char)*p) * UINT64_C(1099511628211);
    for (const char *p = limit->written; *p; p++)
        id = (id ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return id;
}

/* Each limit once, though several listeners may have it from [limits]. */
static void check_rates(struct conf_loader *l, enum conf_kind kind, const char *name,
                        const struct conf_demand *demand, struct conf_origin *told)
{
    struct conf_rate_limit *rates = demand->rates;
    const char *title = conf_arena_print(&l->arena, "%s %s", conf_kinds[kind].name, name);

    if (!demand->rate_count || (told->file == rates[0].origin.file && told->line == rates[0].origin.line))
        return;
    *told = rates[0].origin;
    if (demand->rate_count > CONF_RATES_MOST)
        conf_error(l->errors, rates[CONF_RATES_MOST].origin, title, "rate_limit",
                   "there are more than %d limits", CONF_RATES_MOST);
    for (size_t i = 0; i < demand->rate_count; i++)
        rates[i].id = identify(title, &rates[i], i);
    for (size_t i = 0; i < demand->rate_count; i++)
        if (rates[i].off && demand->rate_count > 1) {
            conf_error(l->errors, rates[i].origin, title, "rate_limit",
                       "off stands beside other limits; it is right only alone");
            return;
        }
}

/* All of IPv4 is a part of IPv6 here. */
static bool everybody(const struct conf_network *network)
{
    static const unsigned char ipv4[16] = {[10] = 0xff, [11] = 0xff};

    return !network->is_unix &&
           (network->bits == 0 || (network->bits == 96 && !memcmp(network->bytes, ipv4, sizeof(ipv4))));
}

static void check_trusted(struct conf_loader *l, const char *title, const struct conf_network *trusted,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (everybody(&trusted[i]))
            conf_warning(l->errors, trusted[i].origin, title, "trusted",
                         "'%s' is everybody: clients can claim whatever address they like",
                         trusted[i].written);
}

void conf_check_demands(struct conf_loader *l)
{
    const struct conf *c = l->conf;
    struct conf_origin told = {NULL, 0};

    check_trusted(l, conf_kinds[CONF_GREENWAY].name, c->trusted, c->trusted_count);
    for (size_t i = 0; i < c->listener_count; i++) {
        const struct conf_listener *listener = &c->listeners[i];
        const struct conf_client *client = &listener->client;
        bool inherited = c->trusted_count && client->trusted_count &&
                         c->trusted[0].origin.file == client->trusted[0].origin.file &&
                         c->trusted[0].origin.line == client->trusted[0].origin.line;

        check_rates(l, CONF_LISTENER, listener->name, &listener->demand, &told);
        if (!inherited)
            check_trusted(l, conf_arena_print(&l->arena, "listener %s", listener->name), client->trusted,
                          client->trusted_count);
    }
    for (size_t i = 0; i < c->route_count; i++)
        check_rates(l, CONF_ROUTE, c->routes[i].name, &c->routes[i].demand, &told);
}
