/*
 * What a route asks of a request. Every key that is set has to hold; the items of one key are alternatives, and for
 * fields, parameters and cookies those of one name.
 */
#ifndef CONF_MATCH_H
#define CONF_MATCH_H

#include "types.h"

struct conf_regex;

/* host patterns: exact "a.example", wildcard "*.example" (one or more labels), or a regular expression. Lower case. */
struct conf_host {
    CONF_WRITTEN;
    const char *text; /* of a wildcard the suffix with its dot: ".example" */
    size_t length;
    bool wildcard;
    const struct conf_regex *regex; /* NULL: it is none */
};

// path patterns: whole segments "/v1/*" (also matches "/v1"), exact "=/exact", or a regular expression. "/*" matches
// everything.
struct conf_path {
    CONF_WRITTEN;
    const char *text; // without the "=" or the "/*"
    size_t length;
    bool exact;
    const struct conf_regex *regex; /* NULL: it is none */
};

struct conf_method;

enum conf_condition_test { CONF_PRESENT, CONF_ABSENT, CONF_EQUAL, CONF_REGEX };

/* Asked of a header field, a query parameter or a cookie. */
struct conf_condition {
    CONF_WRITTEN;
    enum conf_condition_test test;
    const char *name;
    size_t name_length;
    const char *value; /* CONF_EQUAL */
    size_t value_length;
    const struct conf_regex *regex; /* CONF_REGEX */
};

/* Conditions of a key in one route. Each costs time in every request that comes so far. */
#define CONF_CONDITIONS_MAX 64

/* A list without an item asks nothing. Conditions of one name stand together. */
struct conf_match {
    CONF_LIST(struct conf_host, hosts, host_count);
    CONF_LIST(struct conf_path, paths, path_count);
    CONF_LIST(struct conf_method, methods, method_count);
    CONF_LIST(struct conf_condition, headers, header_count);
    CONF_LIST(struct conf_condition, queries, query_count);
    CONF_LIST(struct conf_condition, cookies, cookie_count);
    CONF_LIST(struct conf_network, sources, source_count);
};

#endif
