/* Sums over workers, and what the system says of the process. */
#include "totals.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const counter_t *at(const void *block, size_t offset)
{
    return (const counter_t *)(const void *)((const char *)block + offset);
}

/* What two threads count up and down together may be seen half: below zero is none. */
static uint64_t not_negative(uint64_t n)
{
    return n > UINT64_MAX / 2 ? 0 : n;
}

uint64_t total_at(const struct metrics_set *set, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < METRICS_WORKERS; i++)
        if (set->by_worker[i])
            sum += counter_read(at(set->by_worker[i], offset));
    return not_negative(sum);
}

void total_histogram(const struct metrics_set *set, size_t offset, struct histogram_reading *out)
{
    for (unsigned i = 0; i < METRICS_WORKERS; i++)
        if (set->by_worker[i])
            histogram_read(out, (const struct histogram *)(const void *)((char *)set->by_worker[i] + offset));
}

uint64_t total_of_workers(const struct metrics *m, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < m->worker_count; i++)
        sum += counter_read(at(m->workers[i], offset));
    return not_negative(sum);
}

uint64_t total_requests(const struct metrics_set *set, unsigned class)
{
    uint64_t sum = 0;
    for (unsigned method = 0; method < METRICS_METHODS; method++)
        sum += total_at(set, offsetof(struct traffic, requests) +
                                 (method * METRICS_CLASSES + class) * sizeof(counter_t));
    return sum;
}

bool total_seen(struct metrics_set *const *sets, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (sets[i] == sets[index])
            return true;
    return false;
}

uint64_t total_responses(const struct metrics_view *v, size_t upstream, unsigned class)
{
    uint64_t sum = 0;
    struct metrics_set *const *servers = v->servers[upstream];
    for (size_t i = 0; i < v->conf->upstreams[upstream].server_count; i++)
        if (!total_seen(servers, i))
            sum +=
                total_at(servers[i], offsetof(struct server_metrics, responses) + class * sizeof(counter_t));
    return sum;
}

void total_first_byte(const struct metrics_view *v, size_t upstream, struct histogram_reading *out)
{
    struct metrics_set *const *servers = v->servers[upstream];
    for (size_t i = 0; i < v->conf->upstreams[upstream].server_count; i++)
        if (!total_seen(servers, i))
            total_histogram(servers[i], offsetof(struct server_metrics, first_byte), out);
}

/* --- the process -------------------------------------------------------------------------------------------------- */

static uint64_t resident_memory(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    int found = fscanf(file, "%*u %llu", &pages);
    fclose(file);
    return found == 1 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t open_descriptors(void)
{
    uint64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count > 3 ? count - 3 : 0; /* . and .. and the folder itself */
}

void usage_read(struct usage *usage)
{
    struct rlimit limit = {0};
    struct rusage used = {0};
    *usage = (struct usage){.resident = resident_memory(), .descriptors = open_descriptors()};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        usage->descriptors_most = limit.rlim_cur;
    if (getrusage(RUSAGE_SELF, &used) == 0)
        usage->cpu_seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                             (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}
