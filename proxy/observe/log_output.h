/*
 * Where lines end up: standard output, a file, or a syslog daemon, one datagram for each line. Everything here may
 * wait, so it is for the thread of a log alone (log_writer.h), but for opening.
 */
#ifndef OBSERVE_LOG_OUTPUT_H
#define OBSERVE_LOG_OUTPUT_H

#include <stddef.h>

#include <green.h>

#include "conf.h"

struct log_output {
    struct conf_log_target target; /* its texts are the caller's, and stay */
    int fd;                        /* -1: nothing is open */
    bool torn;                     /* a file: the last write stopped in mid-line */
    /* syslog: */
    int severity;
    green_address_t to;      /* length 0: the name could not be looked up ... */
    green_time look_up_at;   /* ... and is not again before */
    struct timespec stamped; /* the second that the following was made for */
    char stamp[160];         /* what each datagram begins with */
    size_t stamp_length;
};

/*
 * Opens it. A file is made with mode 0640 and appended to; a FIFO that nobody reads is an error and not a wait. 0 or
 * -errno, or -EHOSTUNREACH for a name without an address. What speaks syslog need not be there yet: writing tries
 * again.
 */
int log_output_open(struct log_output *o, const struct conf_log_target *target);

/* Writes lines, each with its newline, however slowly it goes; *lines says how many went out whole. 0 or -errno. */
int log_output_write(struct log_output *o, const char *bytes, size_t n, size_t *lines);

void log_output_close(struct log_output *o);

#endif
