/* Who the process is once it listens, and what it gives up for good. */
#ifndef RUNTIME_PRIVILEGES_H
#define RUNTIME_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf.h"

struct privileges {
    uid_t uid;
    gid_t gid;
    bool change;    /* to them: it was started by root, who is to become somebody else */
    char name[257]; /* of the user */
    bool low_ports; /* can be bound afterwards: that capability alone is kept */
};

/* Looks up whom the configuration names, before anything else happens. 0, or -1 after saying what is wrong: root did not
 * say who is to serve, there is no such user, or only root could become it. */
int privileges_find(struct privileges *p, const struct conf *conf);

/* Becomes that user, keeps no capability but the one for low ports, makes sure that there is no way back, and that no
 * program that is run has more privileges. To be called before any thread is made, and after all that only root can do.
 * 0, or -1 after saying why not: the process must not go on then. */
int privileges_drop(const struct privileges *p, const struct conf *conf);

#endif
