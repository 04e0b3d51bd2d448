/*
 * Lines on their way to one place: blocks of them, filled by whoever has something to say, wait in a queue for the
 * writer's thread. So no disk, pipe, terminal or daemon ever holds anybody up. When too much waits, lines are lost;
 * they are counted, and the error log is told once when it begins and once when it is over.
 */
#ifndef OBSERVE_LOG_WRITER_H
#define OBSERVE_LOG_WRITER_H

#include <stdatomic.h>
#include <sys/queue.h>

#include <green.h>

#include "conf.h"

#define LOG_BLOCK_BYTES ((size_t)64 * 1024)

struct log_block {
    STAILQ_ENTRY(log_block) link;
    size_t used, lines;
    green_time first; /* for its owner: when its first line came */
    char bytes[LOG_BLOCK_BYTES];
};

struct log_writer;

/* Opens the target and starts the thread. `what` ("access log") is what complaints call it. 0 or -errno. */
int log_writer_open(struct log_writer **out, const struct conf_log_target *target, const char *what);

/* An empty block, or NULL when too many wait already. Never waits. */
struct log_block *log_writer_take(struct log_writer *w);

/* Puts a block into the queue. Never waits. */
void log_writer_give(struct log_writer *w, struct log_block *b);

/* Counts lines that there was no block for. */
void log_writer_lose(struct log_writer *w, uint64_t lines);

/* Lines lost in all. */
uint64_t log_writer_lost(const struct log_writer *w);

/* Goes over to a new file of that name (after a rotation), between two lines. 0 or -errno: the old one stays. */
int log_writer_reopen(struct log_writer *w);

/* From now on blocks are lost. What waits is written out; log_writer_wait() says whether that has been done by the
 * deadline, and complains if not. */
void log_writer_end(struct log_writer *w);
bool log_writer_wait(struct log_writer *w, green_time deadline);

/* After log_writer_end(): frees it now, or when the thread gets there if it is stuck. */
void log_writer_close(struct log_writer *w);

#endif
