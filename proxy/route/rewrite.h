/* Targets rewritten before they go on (conf/rewriting.h). */
#ifndef ROUTE_REWRITE_H
#define ROUTE_REWRITE_H

#include "template.h"

/* A target on its way through the rules: a path in its normal form, and a query with its '?' or nothing. */
struct rewriting {
    struct span path, query;
    template_lookup lookup; /* of what is not $N */
    void *context;
    struct memory *memory; /* that results live in */
    char *scratch;         /* room for any path */
    size_t room;
};

/* Puts the target through all rules. 0; -ENOMEM; -EMSGSIZE if it gets too long; -E2BIG if an expression takes too long;
 * or an enum http_error if a path comes of it that is none. *key is that of the rule then. */
int rewrite_target(const struct conf_rewriting *rules, struct rewriting *r, const char **key);

#endif
