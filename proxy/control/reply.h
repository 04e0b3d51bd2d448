/*
 * What a command answers: an object of JSON, from which the text for people is made, so that the two forms cannot
 * disagree. A member that is a list of objects becomes a table, a list of strings becomes lines, anything else a line
 * "name: value". There is no empty line in the text.
 */
#ifndef CONTROL_REPLY_H
#define CONTROL_REPLY_H

#include <jansson.h>
#include <stdio.h>

#include "http/span.h"

/* Writes the answer as text. 0 or -ENOMEM. */
int reply_print(FILE *out, const json_t *answer);

/* A value in one word or so, in which nothing steers a terminal or ends a line; NULL or null is "-". Returns its width in
 * characters. */
#define REPLY_CELL_BYTES 512
size_t reply_cell(const json_t *value, char *out);

/* A string of JSON from whatever bytes: what is no UTF-8 comes as \xNN. NULL: no memory. */
json_t *reply_text(struct span bytes);

/* Adds a member; the value is taken over. NULL (there was no memory to make it) makes the answer fail: -1. */
int reply_add(json_t *object, const char *name, json_t *value);
int reply_add_text(json_t *object, const char *name, const char *text);  /* NULL: null */
int reply_add_known(json_t *object, const char *name, const char *text); /* "": null */
int reply_add_count(json_t *object, const char *name, uint64_t n);
int reply_add_seconds(json_t *object, const char *name, int64_t ns);

#endif
