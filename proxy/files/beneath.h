/*
 * Opening what lies beneath a folder, and nothing else: no name, symbolic link or mount of /proc leads out of it,
 * whatever changes while the name is walked. The calls are blocking ones for any thread; when asked for what is at hand
 * alone, they answer from the kernel's caches and never wait for a disk.
 */
#ifndef FILES_BENEATH_H
#define FILES_BENEATH_H

#include <stdbool.h>

/* The folder, to open beneath it: a descriptor or -errno; -EAGAIN: not all of its path is at hand. */
int beneath_folder(const char *path, bool at_hand);

/* Opens a relative name for reading, without ever waiting for the other end of a fifo: a descriptor or -errno. "" is the
 * folder itself. -EAGAIN: not at hand. -EXDEV, -ELOOP: it leads out, or in circles. */
int beneath_open(int folder, const char *name, bool at_hand);

/* The same for kernels without openat2(2), a segment at a time; no symbolic link is followed. (For the test.) */
int beneath_open_by_steps(int folder, const char *name);

#endif
