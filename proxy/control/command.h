/*
 * A line that a client of the control socket sends: a command and its words, `json` in front of it when the answer is
 * wanted as one JSON object. No sockets here; whatever comes is looked at with suspicion.
 */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_LINE_BYTES 4096 /* longest line, its end included */
#define CONTROL_WORDS      16   /* most words in it */

struct control_command {
    bool json;
    int count; /* of words, `json` not counted; 0: an empty line */
    char *words[CONTROL_WORDS + 1];
};

/* Takes n bytes apart, without the end of line, in place: line[n] has to be there and is overwritten. NULL, or what is
 * wrong with it. */
const char *control_parse(char *line, size_t n, struct control_command *out);

/* A number in decimal digits from min to max; false: it is something else. */
bool control_number(const char *word, unsigned long long min, unsigned long long max,
                    unsigned long long *out);

/* The value behind "name=" if the word is that, else NULL. */
const char *control_option(const char *word, const char *name);

#endif
