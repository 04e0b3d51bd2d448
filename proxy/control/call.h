/* A command that a client has given, on its way to an answer. */
#ifndef CONTROL_CALL_H
#define CONTROL_CALL_H

#include <green.h>

#include "control/reply.h"
#include "control/command.h"
#include "conf.h"

struct process;

/* How long workers have for an answer. One that is slower than this is stuck. */
#define CONTROL_ASK_TIMEOUT GREEN_S(2)

/* How long a command waits for a reload to be over. */
#define CONTROL_TURN_TIMEOUT GREEN_S(10)

struct control_call {
    struct process *process;
    int fd; /* of the client, for commands that go on answering */
    bool json;
    int count; /* words behind the command's name */
    char **words;
    json_t *reply; /* an object, empty at first; what a refusal comes with, too */
    bool told;     /* the command has sent its answer itself; the connection ends with it */
    char error[512];
};

/* Notes why the command is refused. Returns -1. */
int call_refuse(struct control_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
int call_no_memory(struct control_call *call);

/* An address or a network that the client has named. 0, or -1 after call_refuse(). */
int call_network(struct control_call *call, const char *text, struct conf_network *network);

/* Adds the lines of a text as a list. 0 or -1: no memory. */
int call_add_lines(struct control_call *call, const char *text, size_t n);

/* Sends text to the client, which has a while to read each part of it. 0, or a negative code: the client is gone. */
int call_send(struct control_call *call, const char *text, size_t n);

struct control_verb {
    const char *name;      /* one word, or two */
    const char *arguments; /* for people */
    const char *summary;
    int least, most;                       /* words behind the name */
    int (*run)(struct control_call *call); /* 0: call->reply is the answer; -1: call->error says why not */
};

extern const struct control_verb control_verbs[];
extern const size_t control_verb_count;

/* Runs the command; what it answers is in the call. 0, or -1 with call->error. */
int call_run(struct control_call *call, struct control_command *command);

/* status.c */
int call_status(struct control_call *call);
int call_listeners(struct control_call *call);
/* Adds the sum of some durations, half of which and 99 of 100 were no longer than p50_s and p99_s. */
struct histogram_reading;
int reply_add_times(json_t *row, const struct histogram_reading *times);
/* servers.c */
int call_upstreams(struct control_call *call);
int call_servers(struct control_call *call);
int call_drain(struct control_call *call);
int call_enable(struct control_call *call);
int call_disable(struct control_call *call);
int call_weight(struct control_call *call);
/* connections.c */
int call_connections(struct control_call *call);
int call_kill(struct control_call *call);
/* busiest.c */
int call_sessions_top(struct control_call *call);
/* operate.c */
int call_greenlets(struct control_call *call);
int call_log_level(struct control_call *call);
int call_logs_reopen(struct control_call *call);
/* renew.c */
int call_reload(struct control_call *call);
int call_upgrade(struct control_call *call);
/* certificates.c */
int call_certificates(struct control_call *call);
/* trace.c */
int call_trace(struct control_call *call);

#endif
