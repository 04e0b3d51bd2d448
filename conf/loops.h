/* By what a request that comes round again is known, and how often it may. */
#ifndef CONF_LOOPS_H
#define CONF_LOOPS_H

/* A name for this proxy in Via: a token. */
struct conf_pseudonym {
    CONF_WRITTEN;
};

struct conf_loops {
    struct conf_pseudonym via; /* not set: one that no other instance has is made at the start */
    int64_t max;
};

#endif
