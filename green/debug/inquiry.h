/* Asking all hubs of the process for a text. Private to libgreen. */
#ifndef GREEN_DEBUG_INQUIRY_H
#define GREEN_DEBUG_INQUIRY_H

#include <stdio.h>

#include "../core/internal.h"

#define INQUIRY_ARG_SIZE 64

/*
 * Has fn(out, arg) called in every hub, inside the hub, on its thread; what they write goes to `out` hub by hub, ours
 * first. `arg` is copied (at most INQUIRY_ARG_SIZE bytes). Hubs that have not answered at the deadline are named.
 */
int green__ask_hubs(FILE *out, void (*fn)(FILE *out, const void *arg), const void *arg, size_t size,
                    green_time deadline);

#endif
