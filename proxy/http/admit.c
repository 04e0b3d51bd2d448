/* Admission, the cheap questions first: the network a request comes from, then what it asks for and how
 * often, then who asks. */
#include "admit.h"

#include "authenticate.h"
#include "demand.h"
#include "network.h"

static int refuse_source(struct exchange *x, enum exchange_blame blame, const char *directive)
{
    return exchange_fail(x, 403, "source_denied", "http_request_denied", blame, directive);
}

/* What is denied stays out; where something is allowed, everything else stays out too. */
static int check_source(struct exchange *x, const struct conf_access *rules, enum exchange_blame blame)
{
    const struct sockaddr *source = &exchange_client(x)->any;
    if (rules->deny_count && conf_networks_have(rules->deny, rules->deny_count, source))
        return refuse_source(x, blame, "deny");
    if (rules->allow_count && !conf_networks_have(rules->allow, rules->allow_count, source))
        return refuse_source(x, blame, "allow");
    return 0;
}

int exchange_admit_source(struct exchange *x)
{
    int r = check_source(x, &x->listener->access, BLAME_LISTENER);
    return r == 0 && x->route ? check_source(x, &x->route->access, BLAME_ROUTE) : r;
}

int exchange_admit(struct exchange *x)
{
    int r = exchange_admit_source(x);
    if (r == 0)
        r = exchange_demand(x);
    if (r == 0)
        r = exchange_authenticate(x);
    return r;
}
