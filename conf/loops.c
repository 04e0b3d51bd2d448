/*
 * The name of this proxy in Via, from text.
 */
#include "syntax.h"
#include "value.h"

#include <string.h>

#define LENGTH_MAX 64

static const char *parse(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    (void)out;
    if (strlen(text) > LENGTH_MAX)
        return "is too long";
    return conf_is_token(text) ? NULL : "is not a name";
}

const struct conf_syntax conf_pseudonym_syntax = {
    .allowed = "a name of letters, digits, '-', '.' and '_', of 64 bytes at most",
    .separators = "",
    .size = sizeof(struct conf_pseudonym),
    .parse = parse,
};
