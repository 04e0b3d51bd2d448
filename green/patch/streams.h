/*
 * Streams whose bytes go through the hooks of read(2) and write(2), which libc's own cannot be made to use. Private to
 * libgreen-patch.
 */
#ifndef GREEN_PATCH_STREAMS_H
#define GREEN_PATCH_STREAMS_H

#include "real.h"

struct stream {
    struct green_node node;
    FILE *file;
    int fd;
    pid_t pid; /* the command that popen(3) has begun, or 0 */
};

/* Makes one for fd, which closing it closes; NULL and errno. It has no lock: libc's would be the thread's. */
FILE *green__stream_open(int fd, const char *mode, pid_t pid);

/* The one that this is; NULL: any other. */
struct stream *green__stream_of(const FILE *file);

#endif
