/*
 * What is different between two configurations, section by section.
 */
#ifndef CONF_DIFF_H
#define CONF_DIFF_H

#include "conf.h"

#include <stdio.h>

enum conf_diff_form {
    CONF_DIFF_BRIEF, /* "[listener web] changed: bind, max_connections" */
    CONF_DIFF_FULL   /* "[listener web] changed", then a line for each key: "  max_connections: 100 -> 200" */
};

/*
 * Prints a line for each section that was added, removed, changed, or moved where the order counts; in full with the
 * values of its keys, but for those that are secret. Of files that keys name only tokens and users are looked at. Returns
 * how many lines about sections there were, or -1: out of memory.
 */
long conf_diff(FILE *out, const struct conf *from, const struct conf *to, enum conf_diff_form form);

/* The keys of [greenway] that are different and that only the start of a process takes over, one after the other: those
 * behind `after`, NULL at first. NULL: no more. */
const struct conf_key *conf_diff_restart(const struct conf *from, const struct conf *to,
                                         const struct conf_key *after);

#endif
