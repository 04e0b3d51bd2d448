/*
 * Names of header fields that the proxy sets, from text.
 */
#include "syntax.h"
#include "value.h"

#include <string.h>

#define LENGTH_MAX 64

static const char *parse(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    (void)out;
    if (!conf_is_token(text))
        return "has a character that no name of a field has";
    if (conf_header_reserved(text))
        return "is a field that the proxy needs for something else";
    return strlen(text) > LENGTH_MAX ? "is too long" : NULL;
}

const struct conf_syntax conf_field_name_syntax = {
    .allowed = "the name of a header field, of 64 bytes at most",
    .separators = "",
    .size = sizeof(struct conf_field_name),
    .parse = parse,
};
