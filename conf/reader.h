/*
 * The ini text of one file, split by inih into sections and entries, each with its line. Nothing is
 * interpreted here: values are text as written, with comments and surrounding blanks gone.
 */
#ifndef CONF_READER_H
#define CONF_READER_H

#include "conf.h"
#include "errors.h"

#include <stdbool.h>
#include <stddef.h>

/* inih keeps at most so many bytes of a section's name and would cut the rest without a word. */
#define CONF_SECTION_BYTES 49

/* One line's share of a value; a value continued on indented lines has several. */
struct conf_piece {
    const char *text;
    struct conf_origin origin;
    struct conf_piece *next;
};

struct conf_entry {
    const char *key;
    struct conf_origin origin;
    struct conf_piece *pieces; /* at least one, perhaps with empty text */
    struct conf_entry *next;
};

struct conf_section {
    const char *title; /* what stands between the brackets, blanks squeezed: "upstream app" */
    struct conf_origin origin;
    struct conf_entry *entries;
    struct conf_section *next;
};

/* The sections of `text`, in order. What is wrong with a line goes to errors and the line is left out; *lost
 * is set if a section went with it. `file` must live as long as the arena. */
struct conf_section *conf_read_text(struct conf_arena *arena, struct conf_errors *errors, const char *file,
                                    const char *text, size_t n, bool *lost);

#endif
