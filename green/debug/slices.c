/* How long greenlets keep their thread at a time, in buckets of powers of two. */
#include "monitor.h"

#include "../core/internal.h"

#include <stdlib.h>
#include <string.h>

struct slices {
    green_time begun; /* of the present turn */
    uint64_t counts[GREEN_SLICE_BUCKETS];
};

void green__slice_begins(struct slices *s)
{
    s->begun = green_now();
}

void green__slice_ends(struct slices *s)
{
    int64_t took = green_now() - s->begun;
    int bucket = took > 0 ? 63 - __builtin_clzll((unsigned long long)took) : 0;
    s->counts[bucket < GREEN_SLICE_BUCKETS ? bucket : GREEN_SLICE_BUCKETS - 1]++;
}

int green_slices(bool on)
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return -ENOMEM;
    if (!on) {
        free(hub->slices);
        hub->slices = NULL;
        green__hooks_changed(hub);
    } else if (!hub->slices) {
        struct slices *s = calloc(1, sizeof *s);
        if (!s)
            return -ENOMEM;
        green__slice_begins(s);
        hub->slices = s;
        green__hooks_changed(hub);
    }
    return 0;
}

int green_slices_read(uint64_t counts[GREEN_SLICE_BUCKETS])
{
    green_hub_t *hub = green_hub();
    if (!hub || !hub->slices)
        return -ENOENT;
    memcpy(counts, hub->slices->counts, sizeof hub->slices->counts);
    return 0;
}
