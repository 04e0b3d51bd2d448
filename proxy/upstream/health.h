/*
 * Active health checks, once for all of the process: a greenlet of the main thread knows when whom to ask, and each check
 * is a greenlet of its own, so many at a time. What comes of them is in the servers' standings, where all workers see it.
 */
#ifndef UPSTREAM_HEALTH_H
#define UPSTREAM_HEALTH_H

#include <green.h>

#include "runtime/buffer.h"

struct process;
struct snapshot;
struct health_subject;

struct health {
    struct process *process;
    struct snapshot *of;             /* what the following is of: held */
    struct health_subject *subjects; /* all servers */
    size_t count;
    unsigned round; /* of looking for subjects */
    green_time began, looked;
    size_t under_way;
    uint64_t random;
    struct buffers buffers;
    green_group_t checks;
    green_t *greenlet;
};

/* Begins; from then on it goes by the process's present snapshot. 0 or a negative code. */
int health_begin(struct health *h, struct process *p);

/* The snapshot is another: to be called before any worker uses it, or it might not know who starts as down. */
void health_follow(struct health *h);

/* Ends, with all checks. May switch. */
void health_end(struct health *h);

#endif
