/*
 * The promises that every call which can wait makes, held against each of them by one table. A row says how to bring
 * about a state in which the call must wait, and how to let one of those who wait succeed.
 */
#ifndef TESTS_GREEN_GENERIC_H
#define TESTS_GREEN_GENERIC_H

#include "support.h"

#define CASES 6

enum call_flags {
    CALL_LAST = 1,  /* what it waits for comes once: after a success there is nothing more to try */
    CALL_ALONE = 2, /* one greenlet at a time */
    CALL_OWN = 4,   /* each call works on something of its own, so that nobody else can get what one leaves */
    CALL_MAIN = 8,  /* for the main greenlet only */
    CALL_ELAPSES = 16 /* succeeds when its deadline has come */
};

struct call {
    const char *name;
    unsigned flags;
    void (*begin)(void);
    int (*wait)(
        green_time
            deadline);   /* the call; >= 0: it succeeded, and what only it can give back was given back */
    void (*let)(void);   /* one who waits now succeeds; harmless when nobody does */
    void (*again)(void); /* after a success: the next call has to wait; NULL: it has to anyway */
    void (*mend)(void);  /* after a failure, where the header asks for it; else NULL */
    void (*end)(void);   /* fails the test if the object is not clean */
    const char *not_for[CASES]; /* why a case does not apply; NULL: it does */
};

struct calls {
    const struct call *rows;
    size_t count;
};

#define CALLS(rows)                                                                                          \
    {                                                                                                        \
        (rows), sizeof(rows) / sizeof(rows)[0]                                                               \
    }

#endif
