/*
 * What becomes of a path before it goes on: a prefix taken off, expressions replaced, a prefix put before it.
 */
#ifndef CONF_REWRITING_H
#define CONF_REWRITING_H

#include "template.h"
#include "types.h"

/* A path in the form that paths have when they are matched, without a '/' at its end: "/v1". */
struct conf_prefix {
    CONF_WRITTEN;
    size_t length; /* of the text in `written` */
};

struct conf_regex;

/* What an expression finds of the path, and what all of the path becomes then. */
struct conf_rewrite {
    CONF_WRITTEN;
    const struct conf_regex *regex;
    struct conf_template path, query;
    bool replaces_query;
};

struct conf_rewriting {
    CONF_LIST(struct conf_rewrite, rewrites, rewrite_count);
    struct conf_prefix strip, add;
};

struct conf_syntax;
extern const struct conf_syntax conf_prefix_syntax, conf_rewrite_syntax;

#endif
