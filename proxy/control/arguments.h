/* The command lines of `greenway ctl` and `greenway top`. */
#ifndef CONTROL_ARGUMENTS_H
#define CONTROL_ARGUMENTS_H

/* Says what is wrong with an argument, or with all of them (NULL), and returns the exit status. */
typedef int arguments_complaint(const char *argument, const char *what);

/* argv[0] is the command's name. Return the exit status. */
int ctl_arguments(int argc, char **argv, arguments_complaint *wrong);
int top_arguments(int argc, char **argv, arguments_complaint *wrong);

#endif
