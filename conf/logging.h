/*
 * What is written into logs, of which requests, in what form, and where to.
 */
#ifndef CONF_LOGGING_H
#define CONF_LOGGING_H

#include "template.h"
#include "types.h"

/* Where lines go. Zero is standard output, which is what is written to unless a file says otherwise. */
enum conf_log_target_kind { CONF_LOG_STANDARD, CONF_LOG_OFF, CONF_LOG_FILE, CONF_LOG_SYSLOG };

/* `written` is the same for all that go to one place. */
struct conf_log_target {
    CONF_WRITTEN;
    enum conf_log_target_kind kind;
    const char
        *host; /* CONF_LOG_SYSLOG: whom to send datagrams to, or the path of a socket; NULL: the daemon of
                         this machine */
    int port;
};

enum conf_log_form { CONF_LOG_JSON, CONF_LOG_COMBINED, CONF_LOG_CUSTOM };

struct conf_log_format {
    CONF_WRITTEN;
    enum conf_log_form form;
    /* CONF_LOG_CUSTOM: */
    struct conf_template text;
    const bool *quoted; /* of each part of the text: it stands between quotes */
    bool json;          /* the text is a JSON object, else columns */
};

enum conf_log_when { CONF_LOG_ALL, CONF_LOG_STATUS, CONF_LOG_SLOWER, CONF_LOG_ERROR };

/* One reason to write a line; one that is true is enough. */
struct conf_log_condition {
    CONF_WRITTEN;
    enum conf_log_when when;
    int status;          /* CONF_LOG_STATUS: 404, or 4 for all of its class */
    int64_t longer_than; /* CONF_LOG_SLOWER */
};

/* "1/100" */
struct conf_log_sample {
    CONF_WRITTEN;
    int64_t of; /* 100 */
};

/* In a route, what is not written is its listener's. */
struct conf_logging {
    struct conf_log_target target;
    struct conf_log_format format;
    CONF_LIST(struct conf_log_condition, when, when_count);
    struct conf_log_sample sample;
};

#endif
