/*
 * How many of something each source has at a time, exactly and for all workers: a record for each source that has any,
 * so that memory is bounded by the number of what is counted.
 */
#ifndef RUNTIME_SOURCES_H
#define RUNTIME_SOURCES_H

#include "route/keyed_hash.h"
#include "route/source.h"

struct sources;
struct source_count;

/* A table for about that many sources at a time (more only make it slower); NULL: no memory. The key outlives it. */
struct sources *sources_new(const struct hash_key *key, size_t expected);
void sources_free(struct sources *s);

/* One more for this source within a scope (whatever is counted apart). 0 and *out, to be given to source_leave();
 * -EDQUOT: it has `most` already; -ENOMEM. Any thread; never switches. */
int source_enter(struct sources *s, const void *scope, struct source source, int64_t most,
                 struct source_count **out);
void source_leave(struct sources *s, struct source_count *count);

#endif
