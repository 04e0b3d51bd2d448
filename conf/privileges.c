/*
 * Names of users and groups, from text. Whether there is such a user is a question for the machine that the file runs
 * on, and asked there.
 */
#include "privileges.h"
#include "syntax.h"

#include <ctype.h>
#include <string.h>

#define LENGTH_MAX 256

const char conf_command_line[] = "the command line";

static const char *parse(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    (void)out;
    if (!*text)
        return "is empty";
    if (strlen(text) > LENGTH_MAX)
        return "is too long";
    if (*text == '-')
        return "begins with '-'";
    for (const char *p = text; *p; p++)
        if (isspace((unsigned char)*p) || iscntrl((unsigned char)*p) || strchr(":,/", *p))
            return "is not a name";
    if (strspn(text, "0123456789") == strlen(text) && strlen(text) > 9)
        return "is too large a number";
    return NULL;
}

const struct conf_syntax conf_account_syntax = {
    .allowed = "a name, or a number",
    .separators = "",
    .size = sizeof(struct conf_account),
    .parse = parse,
};
