/* Reckoning up budgets (retry_budget.h). */
#include "retry_budget.h"

#define WINDOW     10  /* seconds of traffic that are remembered */
#define PER_SECOND 10  /* retries that are always allowed */
#define RETRY      100 /* what one costs: each request adds its percentage */

static void reckon(struct retry_budget *b, unsigned percent, green_time now)
{
    uint64_t reserve = (uint64_t)WINDOW * PER_SECOND * RETRY;
    double added = (double)((b->requests - b->reckoned) * percent);
    double passed = b->at ? (double)(now - b->at) : (double)GREEN_S(WINDOW);
    double windows = passed / (double)GREEN_S(WINDOW);
    b->reckoned = b->requests;
    b->at = now;
    if (windows >= 1) { /* what is older is forgotten */
        added /= windows;
        windows = 1;
    }
    b->recent = (uint64_t)((double)b->recent * (1 - windows) + added);
    b->balance += (uint64_t)(added + windows * (double)reserve);
    uint64_t most = reserve > b->recent ? reserve : b->recent;
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
