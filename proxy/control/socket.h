/*
 * The control socket in the file system: made where the configuration says, or taken over from the process before; open to
 * its owner alone, or to a group by choice; removed when it is ours and nobody listens at it any more.
 */
#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include <sys/types.h>

#include <green.h>

#include "conf.h"

struct control_socket {
    int fd; /* -1: there is none */
    green_address_t address;
    dev_t device; /* with inode: what we have at that path */
    ino_t inode;
};

/* How it is called when it is handed over (runtime/upgrade.h): no listener can be. */
#define CONTROL_SOCKET_LISTENER "-"
#define CONTROL_SOCKET_WORDS    "control:" /* then its path */

/*
 * Listens where the configuration says. 0, with fd -1 if there is to be no control socket; or -1 after saying in the error
 * log what is wrong. A socket that is left over from a dead process is replaced; one that somebody listens at is not.
 */
int control_socket_open(struct control_socket *s, const struct conf_control *conf);

/* Opens it to the group that the configuration names, or to its owner alone. 0, or -1 after saying what is wrong. */
int control_socket_admit(const struct control_socket *s, const struct conf_control *conf);

/* Whoever serves is to be its owner. What goes wrong is said in the error log. */
void control_socket_give(const struct control_socket *s, const struct conf_control *conf, uid_t user,
                         gid_t group);

/* Closes it; removes what is at its path if that is still ours and nobody else listens there. Never switches. */
void control_socket_close(struct control_socket *s);

#endif
