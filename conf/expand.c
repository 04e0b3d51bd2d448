/*
 * Replaces ${NAME} in a value. What comes out is not expanded again.
 */
#include "expand.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct output {
    struct conf_arena *arena;
    char *text;
    size_t n, room;
    bool variables;
};

static void put(struct output *out, const char *text, size_t n)
{
    if (n >= out->room - out->n) {
        char *old = out->text;

        out->room = 2 * (out->room + n);
        out->text = conf_arena_alloc(out->arena, out->room);
        memcpy(out->text, old, out->n);
    }
    memcpy(out->text + out->n, text, n);
    out->n += n;
    out->text[out->n] = 0;
}

static size_t name_length(const char *p)
{
    size_t n = 0;

    while (isupper((unsigned char)p[n]) || p[n] == '_' || (n && isdigit((unsigned char)p[n])))
        n++;
    return n;
}

/* One variable, p behind its "${". Returns the place behind its "}", or NULL. */
static const char *put_variable(struct output *out, const char *p, const char **wrong)
{
    const char *end = strchr(p, '}');
    size_t n = name_length(p);

    if (!end) {
        *wrong = conf_arena_print(out->arena, "'${%s' has no '}'", p);
        return NULL;
    }
    bool fallback = !strncmp(p + n, ":-", 2);

    if (out->variables && end && islower((unsigned char)*p)) { /* not the environment's: for the parser */
        put(out, p - 2, (size_t)(end - p) + 3);
        return end + 1;
    }
    if (n == 0 || (p + n != end && !fallback)) {
        *wrong = conf_arena_print(
            out->arena,
            "'${%.*s}' is not ${NAME} or ${NAME:-default} with an upper-case NAME; write $$ for a "
            "plain '$'",
            (int)(end - p), p);
        return NULL;
    }
    const char *value = getenv(conf_arena_copy(out->arena, p, n));

    if (fallback && (!value || !*value))
        put(out, p + n + 2, (size_t)(end - p) - n - 2);
    else if (value)
        put(out, value, strlen(value));
    else {
        *wrong = conf_arena_print(out->arena,
                                  "%.*s is not set in the environment; write ${%.*s:-default} to do without",
                                  (int)n, p, (int)n, p);
        return NULL;
    }
    return end + 1;
}

/* A variable can smuggle in what a line cannot hold, and what would read differently when it is printed
 * again. */
static const char *check(const char *text)
{
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "a variable holds a control character";
        if (c == ';' && (p == text || p[-1] == ' ' || p[-1] == '\t'))
            return "a value cannot hold a ';' at its start or behind a blank, where it would be a comment";
    }
    return NULL;
}

const char *conf_expand(struct conf_arena *arena, const char *text, bool variables, const char **wrong)
{
    struct output out = {.arena = arena, .room = strlen(text) + 1, .variables = variables};

    if (!strchr(text, '$'))
        return (*wrong = check(text)) ? NULL : text;
    out.text = conf_arena_alloc(arena, out.room);
    for (const char *p = text; *p;) {
        size_t plain = strcspn(p, "$");

        put(&out, p, plain);
        p += plain;
        if (!strncmp(p, "${", 2)) {
            if (!(p = put_variable(&out, p + 2, wrong)))
                return NULL;
        } else if (*p) {
            size_t dollars = p[1] == '$' ? 2 : 1;

            put(&out, p, variables ? dollars : 1);
            p += dollars;
        }
    }
    while (out.n && strchr(" \t", out.text[out.n - 1]))
        out.text[--out.n] = 0;
    out.text += strspn(out.text, " \t");
    return (*wrong = check(out.text)) ? NULL : out.text;
}
