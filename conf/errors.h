/*
 * What is wrong with a configuration, and what is merely odd about it: every finding, each with its place.
 *
 *     struct conf_errors errors = {0};
 *     struct conf *conf = conf_load(path, &errors);
 *     conf_errors_print(stderr, &errors, isatty(2));
 *     conf_errors_free(&errors);
 */
#ifndef CONF_ERRORS_H
#define CONF_ERRORS_H

#include "conf.h"
#include "arena.h"

#include <stdbool.h>
#include <stdio.h>

/* At most so many findings are kept; the rest is only counted. */
#define CONF_ERRORS_KEPT 1000

struct conf_error {
    struct conf_origin origin; /* line 0: the file as a whole */
    const char *text;          /* "[section] key: what is wrong, what is allowed" */
    bool warning;
    size_t order; /* as found: keeps the order of findings at one place */
    size_t file;  /* which file it was, in order of reading */
};

struct conf_errors {
    struct conf_error *items; /* in the order of the text: by file, then by line */
    size_t count;
    size_t errors, warnings; /* how many there were, kept or not */
    const char **files;
    size_t file_count;
    CONF_LIST(struct conf_source, sources, source_count); /* what was read, or tried to be */
    bool no_memory;
    struct conf_arena arena;
};

/* "file:line: [section] key: text", one line each; warnings have "warning: " before the text. */
void conf_errors_print(FILE *out, const struct conf_errors *errors, bool colour);
void conf_errors_free(struct conf_errors *errors);

/* Text with control characters as \xNN: a file's name must not be able to steer the terminal. */
void conf_print_visible(FILE *out, const char *text);

/*
 * For the loader. section and key may be NULL.
 */
void conf_error(struct conf_errors *errors, struct conf_origin at, const char *section, const char *key,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
void conf_warning(struct conf_errors *errors, struct conf_origin at, const char *section, const char *key,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Announces a file, so that findings sort in the order of reading; returns a name that lives as long as
 * errors. */
const char *conf_errors_file(struct conf_errors *errors, const char *file);
void conf_errors_source(struct conf_errors *errors, const char *path, bool pattern);
void conf_errors_sort(struct conf_errors *errors);

#endif
