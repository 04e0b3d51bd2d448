/*
 * Rules that set, add and remove header fields: request_header and response_header.
 */
#ifndef CONF_HEADER_RULES_H
#define CONF_HEADER_RULES_H

#include "template.h"
#include "types.h"

enum conf_header_op { CONF_HEADER_SET, CONF_HEADER_ADD, CONF_HEADER_REMOVE };

struct conf_header_rule {
    CONF_WRITTEN;
    enum conf_header_op op;
    bool always;      /* also for the pages that the proxy answers with itself */
    const char *name; /* a valid one, of a field that may be edited */
    struct conf_template value;
};

/* Rules of a key in one section. */
#define CONF_HEADER_RULES_MAX 100

/* In the order in which they are applied; those of the route come after those of the listener. */
struct conf_header_rules {
    CONF_LIST(struct conf_header_rule, request, request_count);
    CONF_LIST(struct conf_header_rule, response, response_count);
};

/* The Host field that a server is sent. */
struct conf_upstream_host {
    CONF_WRITTEN;
    struct conf_template value;
};

struct conf_syntax;
extern const struct conf_syntax conf_request_header_syntax, conf_response_header_syntax,
    conf_upstream_host_syntax;

/* Is this a field that the proxy writes itself, and lets nobody edit? Framing and connections depend on it. */
bool conf_header_reserved(const char *name);

#endif
