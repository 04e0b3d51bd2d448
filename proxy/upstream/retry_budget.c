/* Reckoning up budgets (retry_budget.h). */
#include "retry_budget.h"

#define WINDOW     10  /* seconds of traffic that are remembered */
#define PER_SECOND 10  /* retries that are always allowed */
#define RETRY      100 /* what one costs: each request adds its percentage */

static void reckon(struct retry_budget *b, unsigned percent, green_time now)
{
    uint64_t reserve = (uint64_t)WINDOW * PER_SECOND * RETRY;
    uint64_t added = (b->requests - b->reckoned) * percent;
    uint64_t passed = b->at ? (uint64_t)(now - b->at) : (uint64_t)GREEN_S(WINDOW);
    b->reckoned = b->requests;
    b->at = now;
    if (passed > (uint64_t)GREEN_S(WINDOW)) { /* what is older is forgotten */
        added = (uint64_t)((double)added * (double)GREEN_S(WINDOW) / (double)passed);
        passed = (uint64_t)GREEN_S(WINDOW);
    }
    uint64_t most = reserve > added ? reserve : added;
    b->balance += added + passed / (uint64_t)GREEN_MS(1) * (PER_SECOND * RETRY) / 1000;
    if (b->balance > most)
        b->balance = most;
}

bool retry_budget_spend(struct retry_budget *b, unsigned percent, green_time now)
{
    if (!b->at || b->balance < RETRY || now - b->at > GREEN_S(1))
        reckon(b, percent, now);
    if (b->balance < RETRY)
        return false;
    b->balance -= RETRY;
    return true;
}
