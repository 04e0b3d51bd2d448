/* The command lines of `greenway ctl` and `greenway top`. */
#ifndef CONTROL_ARGUMENTS_H
#define CONTROL_ARGUMENTS_H

/* What `--help` says of them. */
#define CTL_HELP                                                                                             \
    "COMMAND is for the greenway whose control socket this is; `greenway ctl help` lists them all.\n\n"      \
    "  -s, --socket SOCKET   the socket's path\n"                                                            \
    "  -c, --config FILE     the configuration that names it, by its key control\n"                          \
    "  --json                the answer as one JSON object\n\n"                                              \
    "Without -s and -c the socket is that of /etc/greenway/greenway.ini, /run/greenway/control.sock,\n"      \
    "or greenway/control.sock in $XDG_RUNTIME_DIR. Exit status: 0 done, 1 refused or not running,\n"         \
    "2 not understood.\n\n"                                                                                  \
    "  greenway ctl status\n"                                                                                \
    "  greenway ctl --json connections client=192.0.2.0/24\n"                                                \
    "  greenway ctl drain app 10.0.0.11:8080\n"

#define TOP_HELP                                                                                             \
    "Shows what goes on at each listener, upstream and worker. Keys: q quits, s sorts, p pauses.\n"          \
    "When standard output is no terminal, one block of lines for each look.\n\n"                             \
    "  -s, --socket SOCKET    the socket's path\n"                                                           \
    "  -c, --config FILE      the configuration that names it, by its key control\n"                         \
    "  --interval SECONDS     from one look to the next; 1 unless told otherwise\n"                          \
    "  -n COUNT               so many looks, then end\n"

/* Says what is wrong with an argument of the command, or with all of them (NULL), and returns the exit status. */
typedef int arguments_complaint(const char *command, const char *argument, const char *what);

/* argv[0] is the command's name. Return the exit status. */
int ctl_arguments(int argc, char **argv, arguments_complaint *wrong);
int top_arguments(int argc, char **argv, arguments_complaint *wrong);

#endif
