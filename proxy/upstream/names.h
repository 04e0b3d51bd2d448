/*
 * The names of servers: each is asked for once for all of the process, by a greenlet of the main thread, and again when its
 * records expire. Workers read what the last answer was. While name servers fail, the last good answer stays.
 *
 * Everything but reading belongs to the main thread.
 */
#ifndef UPSTREAM_NAMES_H
#define UPSTREAM_NAMES_H

#include <sys/queue.h>

#include "conf.h"
#include "name_answer.h"

struct name;
LIST_HEAD(name_list, name);

/* All names of a process; embedded there. */
struct names {
    struct name_list list;
    green_group_t refreshers;
    struct conf_names conf;
};

void names_init(struct names *n);

/* What rules from now on; `again`: the name servers are others, so everything is asked for again. */
void names_configure(struct names *n, const struct conf_names *conf, bool again);

/* The name of a server, which is asked for from now on. NULL: no memory. */
struct name *names_join(struct names *n, const struct conf_server *server);

/* Whoever joined it reads it no more. NULL is fine. */
void name_leave(struct name *name);

/* Waits for what is still being asked. Those who joined may leave later. May switch. */
void names_end(struct names *n);

/* How often it was asked for, and in vain. */
uint64_t name_asked(const struct name *name);
uint64_t name_failed(const struct name *name);

/* The last look-up failed. */
bool name_failing(const struct name *name);

/* Any thread. The version changes with each other answer; name_read() gives a reference and the version that it has. */
unsigned name_version(const struct name *name);
struct name_answer *name_read(struct name *name, unsigned *version);

/* Until there is a first answer, be it an error: 0, or -ETIMEDOUT, -ECANCELED. Any thread. May switch. */
int name_wait(struct name *name, green_time deadline);

/* This thread's hub asks the configuration's name servers from now on. 0 or -ENOMEM. */
int names_use_servers(const struct conf *conf);

#endif
