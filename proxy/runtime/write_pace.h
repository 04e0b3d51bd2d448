/*
 * How fast a peer takes what it is sent. The kernel takes megabytes at once and then nothing for long, so what it takes
 * says little: what counts is what the peer has acknowledged, and that is asked for only when a write had to wait.
 */
#ifndef RUNTIME_WRITE_PACE_H
#define RUNTIME_WRITE_PACE_H

#include <green.h>
#include <sys/types.h>

struct write_pace {
    int64_t timeout; /* ns without progress after which the peer is stuck */
    int64_t
        min_rate; /* bytes a second below which it is too slow, over some ten seconds of waiting; 0: any */

    /* private */
    uint64_t written;  /* taken by the kernel */
    int64_t delivered; /* of that acknowledged, when it was last looked at */
    bool sampled;      /* it was */
    green_time waited; /* for the peer, since then */
    green_time idle;   /* without progress, up to then */
    green_time window; /* waited in the present window, ... */
    int64_t progress;  /* and what was delivered in it */
};

/* The deadline for one write that starts now: rather soon, so that progress is looked at. */
green_time write_pace_deadline(const struct write_pace *p, green_time now);

/* To be told of each write: when it started, and its result. 0: go on (also after -ETIMEDOUT, if the peer goes on);
 * -ETIMEDOUT: it is stuck; -ETIME: it is too slow; any other error as it was. */
int write_pace_note(struct write_pace *p, int fd, green_time start, ssize_t result);

#endif
