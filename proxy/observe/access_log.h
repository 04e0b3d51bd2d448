/*
 * The access log: one line for each request or TCP connection that is asked for. A worker formats lines into a block of
 * its own for each place that it writes to, and log_writer.h takes full or aged blocks there.
 */
#ifndef OBSERVE_ACCESS_LOG_H
#define OBSERVE_ACCESS_LOG_H

#include <green.h>

#include "conf.h"
#include "http/span.h"

enum access_hedge { ACCESS_HEDGE_NONE, ACCESS_HEDGE_WON, ACCESS_HEDGE_LOST };

/* What is known of one request when it ends. Times are green_turn_time(); 0: that phase was not reached. */
struct access_entry {
    const struct conf_listener *listener;
    const struct conf_route *route;       /* NULL: none matched */
    const struct conf_upstream *upstream; /* NULL: none chosen */
    const struct conf_server *server;     /* NULL: none reached, or one that no configuration names */
    const green_address_t
        *server_address; /* of a server that is not configured by its address; NULL: it is */
    const green_address_t *client;
    const green_address_t *peer;      /* the trusted proxy that named the client; NULL: the client itself */
    struct span method, host, target; /* as received; empty for TCP or if the head was bad */
    struct span referer, user_agent;  /* for the combined format */
    struct span request_id, trace_id, span_id; /* empty: it has none */
    struct span user;                          /* who was found to ask; empty: nobody in particular */
    int minor;                                 /* HTTP/1.minor; -1: TCP */
    int status;                                /* 0: none was sent */
    uint64_t bytes_in, bytes_out;              /* body bytes from and to the client (TCP: all bytes) */
    const char *reason;                        /* stable token, "" when all went well */
    const char *directive;            /* the configuration key that fired ("timeout_response"), or NULL */
    const struct conf_origin *origin; /* where the section of that key stands, or NULL */
    const struct span
        *values;             /* of a custom format's parts, where format_needs_value(); NULL: all are empty */
    enum access_hedge hedge; /* did a second try run beside the first? */
    uint32_t tries;          /* requests sent and connections that could not be made; 0: none */
    struct span tried;       /* servers of the tries that failed; empty: none, or they are not known */
    green_time started, queued, connected, first_byte, ended; /* queued: when it had waited for a server */
};

struct access_log;      /* one per process: everything that lines go to */
struct access_log_tail; /* one per worker */

/* Opens what listeners and routes of a configuration write to. NULL and an error line for each that cannot be. */
struct access_log *access_log_open(const struct conf *conf);

/* The same for one configuration more (a reload): what is open already stays open. 0, or -1 after those lines, and then
 * nothing has changed. Each has to be released when no request that it rules is left; what no other one writes to is
 * closed then, when it has been written out. */
int access_log_add(struct access_log *log, const struct conf *conf);
void access_log_release(struct access_log *log, const struct conf *conf);

/* NULL: no memory. */
struct access_log_tail *access_log_tail(struct access_log *log);

/* How lines about this entry are written, by its listener and route; NULL: not at all, or not about this one, as its
 * status, reason and times say. Saves the work of collecting the rest. */
const struct conf_log_format *access_log_wants(struct access_log_tail *tail,
                                               const struct access_entry *entry);

/* The format alone, whether there is a line or not. */
const struct conf_log_format *access_log_format(const struct access_entry *entry);

/* Adds a line, to be asked for by access_log_wants(). Never waits, never switches. */
void access_log_write(struct access_log_tail *tail, const struct access_entry *entry);

/* Hands what the worker holds to the writing threads if it is older than about a second (call now and then),
 * or at once when `now`. */
void access_log_flush(struct access_log_tail *tail, bool now);

/* Reopens all files under their names (rotation), between two lines, losing none. 0 or -errno of the first that could
 * not be; that one goes on with its old file. Any thread. */
int access_log_reopen(struct access_log *log);

/* Lines lost because something was stuck or full. Any thread. */
uint64_t access_log_dropped(struct access_log *log);

/* Writes out what is left (bounded in time when something is stuck), ends the threads, frees all, tails
 * included: no worker may use one any more. */
void access_log_close(struct access_log *log);

/* For a process that is about to _exit() while workers still run: writes out what they have handed over,
 * bounded in time, and frees nothing. Lines that come later are lost. */
void access_log_finish(struct access_log *log);

#endif
