/*
 * The error log: what the proxy has to say about itself, one line at a time, on standard error or in a file.
 * Any thread may write; lines never mix. A line that cannot be written without waiting (standard error is a
 * full pipe) is dropped and counted, so that no reader of logs ever holds traffic up.
 */
#ifndef OBSERVE_ERROR_LOG_H
#define OBSERVE_ERROR_LOG_H

#include <stdio.h>

enum log_level {
    LOG_LEVEL_ERROR,   /* something asked for does not work */
    LOG_LEVEL_WARNING, /* it works, but not as it should */
    LOG_LEVEL_NOTICE,  /* a milestone: listening, draining */
    LOG_LEVEL_INFO,    /* a detail */
};

/* Lines go to standard error until this names a file (made with mode 0640, appended to); "-" is standard
 * error. 0 or -errno: then lines go where they went before. Never switches. */
int error_log_open(const char *target);

/* Opens the file again under its name, after a rotation. 0 or -errno: the old file stays in use. Never
 * switches. */
int error_log_reopen(void);

/* Lines of less importance than this are not written: LOG_LEVEL_INFO unless told otherwise. Any thread. */
void error_log_set_level(enum log_level level);
enum log_level error_log_level(void);

/* Writes "greenway: warning: MESSAGE" to standard error, or "2026-01-31T23:59:59.123Z warning: MESSAGE" to a
 * file; notices and details go without their level on standard error. At most about 2 KiB are kept, control
 * characters come out as \xNN. Of errors and warnings with one format 50 are written in ten seconds; how many more there
 * were is told before the next one. Never waits, never switches. */
void error_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Until it is called with NULL, what the calling greenlet has to say is written to `copy` too, a line for each message. One
 * greenlet of a thread at a time. */
void error_log_copy(FILE *copy);

#endif
