/* Files for a worker: its thread never waits for a disk, its greenlets do. All of these may switch. */
#ifndef RUNTIME_DISK_H
#define RUNTIME_DISK_H

#include <green.h>

/* Up to n bytes from that place: how many, 0 at the end. What the page cache has comes at once. */
ssize_t disk_read(int fd, char *buffer, size_t n, uint64_t from, green_time deadline);

/* All of it, or the error. */
int disk_write(int fd, const char *data, size_t n, uint64_t to, green_time deadline);

/* A new file in that folder, without a name, to be read and written by nobody else: the descriptor. */
int disk_temporary(const char *folder, green_time deadline);

#endif
