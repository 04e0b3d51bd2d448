/* `greenway ctl`: a command for a running greenway, by its control socket. */
#ifndef CONTROL_CTL_H
#define CONTROL_CTL_H

#include <stdbool.h>

enum { CTL_OK, CTL_REFUSED, CTL_USAGE };

/* Where to look for the socket: what the user has said, each NULL if nothing. */
struct ctl_place {
    const char *socket; /* its path */
    const char *file;   /* a configuration whose `control` names it */
};

/* Connects. The descriptor, or -1 after saying on standard error what is wrong and what to do. Blocks for as long as the
 * other side takes to accept. */
int ctl_connect(const struct ctl_place *place);

/* The commands there are. */
void ctl_print_help(void);

/* Runs one command: its words, `count` of them. Returns the exit status. */
int ctl_run(const struct ctl_place *place, bool json, char **words, int count);

#endif
