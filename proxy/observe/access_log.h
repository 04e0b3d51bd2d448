/*
 * The access log: one line for each request or TCP connection. A worker formats lines into a buffer of its
 * own; the log's thread writes full or aged buffers to the file, so that no disk, pipe or terminal ever holds
 * traffic up. What does not fit any more while the file is stuck is dropped and counted.
 */
#ifndef OBSERVE_ACCESS_LOG_H
#define OBSERVE_ACCESS_LOG_H

#include <green.h>

#include "conf.h"
#include "http/span.h"

/* What is known of one request when it ends. Times are green_turn_time(); 0: that phase was not reached. */
struct access_entry {
    const struct conf_listener *listener;
    const struct conf_route *route;        /* NULL: none matched */
    const struct conf_upstream *upstream;  /* NULL: none chosen */
    const struct conf_server *server;      /* NULL: none reached, or one that no configuration names ... */
    const green_address_t *server_address; /* ... which is then told by its address */
    const green_address_t *client;
    const green_address_t *peer;      /* the trusted proxy that named the client; NULL: the client itself */
    struct span method, host, target; /* as received; empty for TCP or if the head was bad */
    struct span referer, user_agent;  /* for the combined format */
    struct span user;                 /* who was found to ask; empty: nobody in particular */
    int minor;                        /* HTTP/1.minor; -1: TCP */
    int status;                       /* 0: none was sent */
    uint64_t bytes_in, bytes_out;     /* body bytes from and to the client (TCP: all bytes) */
    const char *reason;               /* stable token, "" when all went well */
    const char *directive;            /* the configuration key that fired ("timeout_response"), or NULL */
    const struct conf_origin *origin; /* where the section of that key stands, or NULL */
    green_time started, connected, first_byte, ended;
};

struct access_log;      /* one per process */
struct access_log_tail; /* one per worker */

/* Opens "-" (standard output), "off" or a file (made with mode 0640, appended to) and starts the writing
 * thread. NULL and an error line on standard error if the file cannot be opened; "off" gives a log that
 * ignores everything. */
struct access_log *access_log_open(const char *target, enum conf_log_format format);
struct access_log_tail *access_log_tail(struct access_log *log);

/* Adds a line. Never waits, never switches. */
void access_log_write(struct access_log_tail *tail, const struct access_entry *entry);

/* Is anybody interested at all? Saves the work of collecting when not. */
bool access_log_wanted(const struct access_log_tail *tail);

/* Hands what the worker holds to the writing thread if it is older than about a second (call now and then),
 * or at once when `now`. */
void access_log_flush(struct access_log_tail *tail, bool now);

/* Reopens the file under its name (rotation). 0 or -errno; on error the old file stays in use. */
int access_log_reopen(struct access_log *log);

/* Lines lost because the file was stuck or full. */
uint64_t access_log_dropped(const struct access_log *log);

/* Writes out what is left (bounded in time when the file is stuck), ends the thread, frees all, tails
 * included: no worker may use one any more. */
void access_log_close(struct access_log *log);

/* For a process that is about to _exit() while workers still run: writes out what they have handed over,
 * bounded in time, and frees nothing. Lines that come later are lost. */
void access_log_finish(struct access_log *log);

#endif
