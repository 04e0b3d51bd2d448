/* The progress of a peer that is written to. */
#include "write_pace.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#define SAMPLE GREEN_S(5)  /* waiting for so long is reason to look */
#define WINDOW GREEN_S(10) /* a rate is judged over this much waiting */

green_time write_pace_deadline(const struct write_pace *p, green_time now)
{
    int64_t slice = p->timeout / 4;
    return now + (slice < SAMPLE ? slice : SAMPLE);
}

/* What the peer has yet to acknowledge. Where that cannot be known, what the kernel takes is all that counts. */
static int64_t outstanding(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

static int look(struct write_pace *p, int fd)
{
    int64_t delivered = (int64_t)p->written - outstanding(fd);
    int64_t progress = p->sampled ? delivered - p->delivered : 0;
    p->idle = progress > 0 ? 0 : p->idle + p->waited;
    if (p->sampled) {
        p->window += p->waited;
        p->progress += progress;
    }
    p->sampled = true;
    p->delivered = delivered;
    p->waited = 0;
    if (p->idle >= p->timeout)
        return -ETIMEDOUT;
    if (p->window < WINDOW)
        return 0;
    bool slow = p->progress < p->min_rate * (p->window / GREEN_S(1));
    p->window = p->progress = 0;
    return slow ? -ETIME : 0;
}

int write_pace_note(struct write_pace *p, int fd, green_time start, ssize_t result)
{
    green_time waited = green_turn_time() - start;
    if (result < 0 && result != -ETIMEDOUT)
        return (int)result;
    if (result > 0) {
        p->written += (uint64_t)result;
        p->idle = 0;
    }
    p->waited += waited;
    return result < 0 || p->waited >= SAMPLE ? look(p, fd) : 0;
}
