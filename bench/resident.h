/* What a process occupies, from /proc: for the figures of memory. */
#ifndef BENCH_RESIDENT_H
#define BENCH_RESIDENT_H

#include <stdio.h>
#include <stdlib.h>

static inline double proc_kib(const char *path, const char *format)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen(path, "r");
    while (file && kib < 0 && fgets(line, sizeof line, file))
        sscanf(line, format, &kib);
    if (!file || kib < 0) {
        fprintf(stderr, "%s: no %s\n", path, format);
        exit(1);
    }
    fclose(file);
    return (double)kib;
}

/* Resident KiB: walks the pages, where statm's counters lag behind. */
static inline double resident_kib(void)
{
    return proc_kib("/proc/self/smaps_rollup", "Rss: %ld kB");
}

/* KiB of page tables, which are not in it. */
static inline double page_tables_kib(void)
{
    return proc_kib("/proc/self/status", "VmPTE: %ld kB");
}

#endif
