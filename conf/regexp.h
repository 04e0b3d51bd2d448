/*
 * Regular expressions of the configuration, by PCRE2: compiled when the file is loaded, and matched within limits, so
 * that no pattern and no text can hold up a worker.
 *
 * They are found anywhere in the text; ^ and $ say where it has to begin and to end. Text is bytes: . is one of them,
 * and (?i) at the start makes case not matter for ASCII letters.
 */
#ifndef CONF_REGEXP_H
#define CONF_REGEXP_H

#include "arena.h"

#include <stdbool.h>

#define CONF_CAPTURES 10 /* that are kept: the whole, and nine groups */

struct conf_regex;

/* A part of the text that was searched; from == to: it is empty, or the group took no part. */
struct conf_capture {
    size_t from, to;
};

/* NULL and *regex, or what is wrong, to be said behind the text. It goes with the arena. */
const char *conf_regex_parse(struct conf_arena *arena, const char *pattern, const struct conf_regex **regex);

/* The pattern as it was written, and how many groups it has. */
const char *conf_regex_text(const struct conf_regex *regex);
unsigned conf_regex_groups(const struct conf_regex *regex);

/*
 * 1 and, unless NULL, all CONF_CAPTURES of `captures`; 0: it is not in there; -ENOMEM; -E2BIG: the search was given up,
 * since it would have taken too long. Never blocks for more than a few milliseconds; any thread may call.
 */
int conf_regex_find(const struct conf_regex *regex, const char *text, size_t n,
                    struct conf_capture *captures);

#endif
