/* What this process uses of what the system gives it. All of it is read from /proc and /sys: not for workers. */
#ifndef RUNTIME_SYSTEM_USAGE_H
#define RUNTIME_SYSTEM_USAGE_H

#include <stdint.h>

/* Descriptors that are open, and how many may be. -errno if that cannot be told. */
int64_t usage_descriptors(void);
int64_t usage_descriptor_limit(void);

/* Bytes of memory that are resident. -errno if that cannot be told. */
int64_t usage_memory(void);

/* The least of the machine's memory and what memory.max and memory.high (control groups, version 2) allow this process
 * and those above it; 0: not known. */
int64_t usage_memory_limit(void);

/* The same of one group and those above it: `group` is a path below `root`, "/system.slice/greenway.service". */
int64_t usage_group_limit(const char *root, const char *group);

#endif
