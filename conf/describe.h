/*
 * Configuration in words: what it is in full, what each key means, what a file weakens.
 */
#ifndef CONF_DESCRIBE_H
#define CONF_DESCRIBE_H

#include "conf.h"
#include "keys.h"

#include <stdbool.h>
#include <stdio.h>

/* Every key with its value, as an ini file that loads to the same configuration, each with a comment that
 * says where the value came from. */
void conf_print_effective(FILE *out, const struct conf *conf);

/* An object of a configuration: a listener, a route, an upstream. */
struct conf_object {
    enum conf_kind kind;
    const void *of;
    const struct conf_origin *origins;
};

typedef void conf_value_fn(void *arg, const char *value, struct conf_origin origin);

/* Calls fn with each value that an object has under one of its keys, as text. Returns NULL, or if there is none what that
 * means: "inherited", "every host", "none". */
const char *conf_each_value(const struct conf_key *key, const struct conf_object *object, conf_value_fn *fn,
                            void *arg);

/* What an object says under one key, as it is printed above, each line behind `indent`; nothing if it says nothing. */
void conf_print_key(FILE *out, const char *indent, const struct conf_key *key,
                    const struct conf_object *object);

/* A line for each setting that a file made less safe than its default: "file:line: key = value ...". Returns
 * how many there are. */
size_t conf_print_weakened(FILE *out, const struct conf *conf);

/* key NULL: all sections with their keys. A key: everything about it, in every section that has it; the name
 * of a section: its keys. Returns 0, or -ENOENT for a word that is neither, having printed a suggestion. */
int conf_print_help(FILE *out, const char *key, bool colour);

/* The reference page, docs/configuration.md. */
void conf_print_markdown(FILE *out);

#endif
