/* Whether a request is sent once more, and what has to happen before. */
#ifndef HTTP_RETRY_H
#define HTTP_RETRY_H

#include "converse.h"

#define TRIED_TEXT_MOST 512

/* A try has ended with this error, or with an answer (error 0, x->response): is there to be another one? */
bool retry_wanted(struct conversation *t, int error);

/* Within the budget of requests that are sent twice: true, and it is spent. */
bool retry_spend(struct exchange *x);

/* May the request go to another server while this one has it? */
bool retry_may_hedge(const struct conversation *t);

/* Before it, when the last one has been cleared away: waits a while if it is not the first. 0, or -1 after
 * exchange_fail(). May switch. */
int retry_pause(struct conversation *t);

/* When it has ended: what the log says of the tries. */
void retry_tell(struct conversation *t);

/* When this try is to be given up: by timeout_try, or by timeout_response, which is for all of them. */
green_time retry_deadline(struct conversation *t, int64_t timeout_response);

#endif
