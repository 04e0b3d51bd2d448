/*
 * Patterns that requests are matched with: hosts and paths.
 */
#ifndef CONF_PATTERN_H
#define CONF_PATTERN_H

#include "arena.h"
#include "conf.h"

/* As in address.h: NULL, or what is wrong, to be said behind the text. */
const char *conf_host_parse(struct conf_arena *arena, const char *text, struct conf_host *host);
const char *conf_path_parse(struct conf_arena *arena, const char *text, struct conf_path *path);

/* True if everything that b matches is matched by a as well. */
bool conf_host_covers(const struct conf_host *a, const struct conf_host *b);
bool conf_path_covers(const struct conf_path *a, const struct conf_path *b);

#endif
