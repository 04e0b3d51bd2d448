/* What the process may do once it listens: who it is, and what it gives up. */
#ifndef CONF_PRIVILEGES_H
#define CONF_PRIVILEGES_H

#include "types.h"

/* A user or a group, by name or number; looked up when the process starts. */
struct conf_account {
    CONF_WRITTEN;
};

enum conf_sandbox { CONF_SANDBOX_OFF, CONF_SANDBOX_ON, CONF_SANDBOX_LOG };
enum conf_low_ports { CONF_LOW_PORTS_OFF, CONF_LOW_PORTS_ON, CONF_LOW_PORTS_AUTO };

/* The file of a value's origin if it came from the command line; lives for ever. */
extern const char conf_command_line[];

struct conf_privileges {
    struct conf_account user, group; /* not set: whoever starts it; the user's */
    int sandbox;                     /* enum conf_sandbox */
    int core_dumps;
    int low_ports; /* enum conf_low_ports */
};

struct conf_syntax;
extern const struct conf_syntax conf_account_syntax;

#endif
