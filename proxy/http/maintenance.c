/* Maintenance (maintenance.h). */
#include "maintenance.h"

#include "network.h"
#include "runtime/presence.h"

static int check(struct exchange *x, const struct conf_maintenance *rules, int64_t retry_after,
                 enum exchange_blame blame)
{
    bool on = rules->on > 0; /* a route's may be CONF_INHERIT */
    if (!on && (!rules->file.written || !presence_of(&x->worker->presences, rules->file.written)))
        return 0;
    if (conf_networks_have(rules->allow, rules->allow_count, &exchange_client(x)->any))
        return 0;
    int r = exchange_fail(x, 503, "maintenance", "destination_unavailable", blame,
                          on ? "maintenance" : "maintenance_file");
    x->page.retry_after = (int)(retry_after / GREEN_S(1));
    return r;
}

int check_maintenance(struct exchange *x)
{
    const struct conf_maintenance *wide = &x->listener->maintenance,
                                  *narrow = x->route ? &x->route->maintenance : NULL;
    bool exempt = narrow && narrow->on == 0;
    int r = exempt ? 0 : check(x, wide, wide->retry_after, BLAME_LISTENER);
    if (r == 0 && narrow)
        r = check(x, narrow, conf_pick(narrow->retry_after, wide->retry_after), BLAME_ROUTE);
    return r;
}
