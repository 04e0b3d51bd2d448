/*
 * How many requests may be sent twice: a share of all of them, and a few in any case. Each worker has a budget of its own
 * for each upstream. What traffic adds to it is reckoned up when somebody wants to spend, so that a request costs an addition.
 */
#ifndef UPSTREAM_RETRY_BUDGET_H
#define UPSTREAM_RETRY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include <green.h>

struct retry_budget {
    uint64_t requests; /* so far; */
    uint64_t reckoned; /* those of them that are in the balance */
    uint64_t balance;  /* hundredths of a retry; */
    uint64_t recent;   /* what about the last ten seconds have added to it, which is what may be saved up */
    green_time at;     /* when it was reckoned up; 0: never */
};

static inline void retry_budget_request(struct retry_budget *b)
{
    b->requests++;
}

/* A retry, if that is within `percent` of the requests: true, and it is spent. */
bool retry_budget_spend(struct retry_budget *b, unsigned percent, green_time now);

#endif
