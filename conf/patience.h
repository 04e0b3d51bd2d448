/*
 * How patient to be with clients beyond the single wait, and how many places each of them may take.
 */
#ifndef CONF_PATIENCE_H
#define CONF_PATIENCE_H

/* Belongs to a listener. 0 is off. */
struct conf_patience {
    int64_t min_rate_write;  /* bytes a second that a client has to take */
    int64_t timeout_request; /* ns for a request as a whole; routes may have their own */
    int64_t connections_per_source, requests_per_source;
};

#endif
