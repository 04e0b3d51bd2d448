/*
 * Limits on how much one client may ask for: how often, how many connections, which methods.
 */
#ifndef CONF_RATE_H
#define CONF_RATE_H

#define CONF_RATE_PARTS 4
#define CONF_RATES_MOST 64 /* in one section */

enum conf_rate_by {
    CONF_BY_SOURCE,
    CONF_BY_HEADER,
    CONF_BY_COOKIE,
    CONF_BY_QUERY,
    CONF_BY_PATH,
    CONF_BY_HOST,
    CONF_BY_ROUTE,
};

/* "100/s burst=50 by=source+path": what is counted has one part or several. */
struct conf_rate_limit {
    CONF_WRITTEN;
    uint64_t id;      /* of what is counted under it; a reload does not change it unless the limit does */
    bool off;         /* there is no limit: a route's way to be rid of its listener's */
    int64_t interval; /* ns from one request to the next at the full rate */
    int64_t count, period; /* as written: so many in so long, in ns */
    int64_t burst;         /* so many more may come at once */
    int64_t delay;         /* how long one that comes too early may be held back instead of refused, in ns */
    bool dry_run;          /* only say what would be refused */
    size_t parts;
    struct {
        enum conf_rate_by by;
        const char *name; /* of the header, cookie or query parameter */
        size_t length;
    } by[CONF_RATE_PARTS];
};

struct conf_method {
    CONF_WRITTEN;
    size_t length; /* of the written text, which is the method */
};

/* What may stand in a listener and in a route: the route's rules. */
struct conf_demand {
    CONF_LIST(struct conf_rate_limit, rates, rate_count);
    int64_t rate_status;
    CONF_LIST(struct conf_method, methods, method_count); /* none: every method */
};

#endif
