/* Values of the keys that ask who somebody is. */
#include "file.h"
#include "syntax.h"
#include "users.h"

#include <string.h>

#define USERS_BYTES ((size_t)4 * 1024 * 1024)

static bool is_off(const char *text)
{
    return !strcmp(text, "off");
}

static const char *parse_users(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_users *users = out;
    const char *bytes, *wrong;
    size_t n;

    if (is_off(text))
        return NULL;
    wrong = conf_file_read(arena, text, USERS_BYTES, &bytes, &n);
    return wrong ? wrong : conf_users_parse(arena, bytes, n, users);
}

const struct conf_syntax conf_users_syntax = {
    .allowed =
        "a file of lines 'name:hash', as `greenway hash-password` and `htpasswd -B` print them, or off",
    .separators = "",
    .size = sizeof(struct conf_users),
    .parse = parse_users,
};

static const char *parse_realm(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena, (void)out;
    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p >= 0x7f || *p == '"' || *p == '\\')
            return "has a character that a realm cannot have";
    return strlen(text) > 100 ? "is longer than 100 characters" : NULL;
}

const struct conf_syntax conf_realm_syntax = {
    .allowed = "up to 100 characters of ASCII, without '\"' and '\\'",
    .separators = "",
    .size = sizeof(struct conf_text),
    .parse = parse_realm,
};
