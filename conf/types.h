/*
 * What the structs of every subject are made of.
 */
#ifndef CONF_TYPES_H
#define CONF_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONF_INHERIT (-1)

/* Where a value came from, for errors and for `greenway check --effective`. line 0: a built-in default. */
struct conf_origin {
    const char *file;
    int line;
};

/* What a value that is more than a number or a word begins with. */
#define CONF_WRITTEN                                                                                         \
    const char *written; /* the text, in normal form; NULL: not set */                                       \
    struct conf_origin origin

struct conf_written {
    CONF_WRITTEN;
};

/* A list: the key table has the place of the pointer, and the count follows it. */
#define CONF_LIST(type, name, count)                                                                         \
    type *name;                                                                                              \
    size_t count

struct conf_network;
struct conf_upstream;

/* A value that names an upstream. What is behind the name is found when the whole file has been read. */
struct conf_upstream_name {
    const char *name;
    const struct conf_upstream *upstream;
};

#endif
