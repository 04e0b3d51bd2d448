/*
 * What operators want of the servers of a group (`greenway ctl drain`, `weight`). It is said of a server as it stands in the
 * configuration; a name is drained whatever it stands for, also while it stands for nobody.
 */
#ifndef UPSTREAM_WANTED_H
#define UPSTREAM_WANTED_H

#include "server.h"

struct wanted {
    enum server_duty duty;
    int64_t weight; /* 0: as configured */
};

/* What was wanted in `old` (or NULL) stays so. 0 or -ENOMEM. */
int wanted_init(struct group *g, const struct group *old);
void wanted_destroy(struct group *g);

/* Of the servers of this line. */
const struct wanted *wanted_of(const struct group *g, const struct conf_server *conf);

/* From now on, of the servers whose line has this text. Never switch. */
void group_want_duty(struct group *g, const char *server, enum server_duty duty);
void group_want_weight(struct group *g, const char *server, int64_t weight);

#endif
