/* Small files that a configuration names and that are read when it is loaded: lists of users, keys. */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include "arena.h"

/* All of a regular file, in the arena, with a NUL behind it. NULL, or what is wrong, to be said behind its name. */
const char *conf_file_read(struct conf_arena *arena, const char *path, size_t most, const char **bytes,
                           size_t *n);

#endif
