/* Endpoints: addresses that are bound, and their sockets, one for each worker. Main thread, but for endpoint_release(). */
#ifndef RUNTIME_ENDPOINT_H
#define RUNTIME_ENDPOINT_H

#include "snapshot.h"

/*
 * Binds every address of the snapshot that `old` (or NULL) does not have, and takes over those that it has; says so in
 * the error log, with a line for each that cannot be bound: then nothing has changed, and -1 is returned.
 */
int endpoints_open(struct snapshot *s, const struct snapshot *old);

/* Sees to it that each of `workers` has a socket at every endpoint, and says in `next` who is to have which. 0, or -1
 * after saying in the error log why there are too few. */
int endpoints_share(struct snapshot *s, unsigned workers);

/* The sockets belong to this user from now on, who may add others that share their ports. */
void endpoints_give(const struct snapshot *s, uid_t user, gid_t group);

/* The snapshot is not to be used after all: sockets that nobody has taken yet are closed. */
void endpoints_abandon(struct snapshot *s);

/* It is used: endpoints lead to its listeners from now on, and no longer to those of `old` (or NULL). */
void endpoints_settle(struct snapshot *s, struct snapshot *old);

/* Every worker has taken the sockets that were to be its own. */
void endpoints_taken(struct snapshot *s);

/* Removes what the snapshot's listeners left in the file system, unless `but` (or NULL) has it too. */
void endpoints_unlink(const struct snapshot *s, const struct snapshot *but);

void endpoint_release(struct endpoint *e);

#endif
