/*
 * How a line of the access log is written. No printf on this path: a line is put together by copying runs of
 * bytes and turning integers into digits, and the date is kept until its second is over.
 */
#ifndef OBSERVE_FORMAT_H
#define OBSERVE_FORMAT_H

#include "access_log.h"

/* No line is longer: whatever a peer chose the length of is cut and ends in "..." then. */
#define FORMAT_LINE_BYTES  (32 * 1024)
#define FORMAT_VALUE_BYTES (16 * 1024) /* nor is any value in it */

/* The text of the last second that a line was written for; zeroed to begin with. */
struct format_date {
    int64_t second;
    char rfc3339[20];  /* "2026-01-31T23:59:59", no NUL */
    char combined[20]; /* "31/Jan/2026:23:59:59", no NUL */
};

/* Writes a line with its newline; out has room for FORMAT_LINE_BYTES. started is the wall clock in
 * nanoseconds when the entry began. Returns the end of the line. */
char *format_json(char *out, const struct access_entry *entry, struct format_date *date, int64_t started);

/* The format of Apache and nginx of that name, in UTC. */
char *format_combined(char *out, const struct access_entry *entry, struct format_date *date, int64_t started);

/* The format of a configuration's own making. Values that the entry does not have itself come from entry->values. */
char *format_custom(char *out, const struct access_entry *entry, const struct conf_log_format *format,
                    struct format_date *date, int64_t started);

/* Must the variable's value be in entry->values, or is it known from the rest of the entry? */
bool format_needs_value(enum conf_variable variable);

/* For all of the formats: the texts of a second; "2026-01-31T23:59:59.123Z"; milliseconds with three decimals from the
 * start of the entry, and null or - for a phase that was not reached. */
void format_date_update(struct format_date *date, int64_t started);
char *format_time(char *out, struct format_date *date, int64_t started);
char *format_phase(char *out, green_time started, green_time at, bool json);
const char *format_protocol(int minor);

#endif
