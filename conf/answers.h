/*
 * Answers that the configuration gives itself: redirects, fixed answers, pages for errors, and maintenance.
 */
#ifndef CONF_ANSWERS_H
#define CONF_ANSWERS_H

#include "template.h"
#include "types.h"

struct conf_redirect {
    CONF_WRITTEN;
    int status;
    struct conf_template location;
    bool local; /* it begins with a path: it must lead to no other host */
};

struct conf_respond {
    CONF_WRITTEN;
    int status;
    const char *type; /* NULL: there is no content */
    struct conf_template text;
};

#define CONF_PAGE_BYTES    ((size_t)1 << 20) /* of an error page's file at most */
#define CONF_PAGE_STATUSES 16                /* of one error page at most */

/* The content that answers with some statuses get. */
struct conf_error_page {
    CONF_WRITTEN;
    short statuses[CONF_PAGE_STATUSES]; /* 404, or 4 for all of 4xx */
    size_t status_count;
    const char *path; /* NULL: text is the content */
    const char *bytes;
    size_t size;
    const char *type; /* of the text; that of a file is told by its name */
    struct conf_template text;
};

struct conf_error_pages {
    CONF_LIST(struct conf_error_page, list, count);
    int intercept; /* answers of servers get them too: 0, 1 or CONF_INHERIT */
};

/* The name of a file, from the root. */
struct conf_file_name {
    CONF_WRITTEN;
};

struct conf_maintenance {
    int on;
    struct conf_file_name file; /* on while there is such a file */
    CONF_LIST(struct conf_network, allow, allow_count);
    int64_t retry_after; /* ns */
};

struct conf_syntax;
extern const struct conf_syntax conf_redirect_syntax, conf_respond_syntax, conf_error_page_syntax,
    conf_file_name_syntax;

#endif
