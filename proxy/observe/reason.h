/*
 * The reasons for which requests and connections are refused or fail, each with the key of the configuration that fires:
 * a fixed table, so that what is counted by reason is bounded, and a hint for each at what to look at or to change.
 */
#ifndef OBSERVE_REASON_H
#define OBSERVE_REASON_H

#include <stddef.h>

/* Whose doing it is. */
enum reason_side {
    REASON_PROXY,    /* ours: memory, descriptors, a file */
    REASON_CLIENT,   /* broke the protocol, was too slow, left */
    REASON_RULE,     /* a rule of the configuration said no */
    REASON_UPSTREAM, /* the server failed */
    REASON_MESSAGE,  /* malformed: of whoever sent it */
};

struct reason {
    const char *name;
    const char *directive; /* the key that fired; "": none */
    enum reason_side side;
    const char *hint;
};

#define REASONS_MOST 256

/* All of them: reasons[0 .. reason_count). The first is "other", for what is not in the table. */
extern const size_t reason_count;
const struct reason *reason_at(size_t index);

/* The place of a reason in the table; of one that has several keys, that with this one (NULL: none), or the first. */
size_t reason_find(const char *name, const char *directive);

/* "client", "rule", ... */
const char *reason_side_name(enum reason_side side);

#endif
