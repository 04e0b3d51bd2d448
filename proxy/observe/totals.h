/* What the workers have counted, added up. For the main thread. */
#ifndef OBSERVE_TOTALS_H
#define OBSERVE_TOTALS_H

#include <stdint.h>

#include "metrics.h"

/* A counter that lies so many bytes into the set's block, over all workers. */
uint64_t total_at(const struct metrics_set *set, size_t offset);

#define TOTAL(set, type, member) total_at(set, offsetof(struct type, member))

/* A histogram there; adds to what is in `out`. */
void total_histogram(const struct metrics_set *set, size_t offset, struct histogram_reading *out);

/* The same of what each worker tells of itself. */
uint64_t total_of_workers(const struct metrics *m, size_t offset);

/* Requests of a class (0: without an answer, 1 to 5), over all methods; traffic lies at the beginning of the block. */
uint64_t total_requests(const struct metrics_set *set, unsigned class);

/* The answers of all servers of an upstream, by its index: of a class (1 to 5), and how long they took to begin. */
uint64_t total_responses(const struct metrics_view *v, size_t upstream, unsigned class);
void total_first_byte(const struct metrics_view *v, size_t upstream, struct histogram_reading *out);

/* A server that an upstream names twice has one set: does it stand before this place? */
bool total_seen(struct metrics_set *const *sets, size_t index);

/* What the process uses: bytes of resident memory, open descriptors and how many it may have. */
struct usage {
    uint64_t resident, descriptors, descriptors_most;
    double cpu_seconds;
};
void usage_read(struct usage *usage);

#endif
