/*
 * Prefixes of paths, as strip_prefix and add_prefix have them, and "REGEX REPLACEMENT".
 */
#include "conf.h"

#include <string.h>

#include "pattern.h"
#include "regexp.h"
#include "syntax.h"

static const char *parse_prefix(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_prefix *prefix = out;
    struct conf_path path = {0};
    size_t n = strlen(text);

    if (*text != '/')
        return "does not start with '/'";
    if (n > 1 && text[n - 1] == '*')
        return "has a '*'; a prefix has all that is below it anyway";
    while (n && text[n - 1] == '/')
        n--;
    if (!n)
        return "is every path's prefix";
    const char *wrong = conf_path_parse(arena, conf_arena_print(arena, "=%.*s", (int)n, text), &path);

    prefix->written = path.text;
    prefix->length = path.length;
    return wrong;
}

const struct conf_syntax conf_prefix_syntax = {
    .allowed = "a path such as /v1",
    .separators = "",
    .size = sizeof(struct conf_prefix),
    .parse = parse_prefix,
};

/* Where the query begins: at the first '?' that is not within the name of a variable. */
static size_t path_length(const char *text)
{
    size_t n = 0;

    for (bool name = false; text[n] && (name || text[n] != '?'); n++)
        name = name ? text[n] != '}' : text[n] == '$' && text[n + 1] == '{';
    return n;
}

static const char *check_groups(struct conf_arena *arena, const struct conf_template *t, unsigned groups)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->parts[i].variable == CONF_V_CAPTURE && t->parts[i].number > groups)
            return conf_arena_print(arena, "has $%u, and its expression has %u group%s", t->parts[i].number,
                                    groups, groups == 1 ? "" : "s");
    return NULL;
}

static const char *check_characters(const struct conf_template *t)
{
    for (size_t i = 0; i < t->count; i++)
        for (const char *p = t->parts[i].variable == CONF_V_TEXT ? t->parts[i].text : ""; *p; p++)
            if (*p <= ' ' || *p > '~' || strchr("\"#<>\\^`{|}", *p))
                return "has a character in its replacement that no path has; write it as %XX";
    return NULL;
}

static const char *parse_rewrite(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_rewrite *rewrite = out;
    size_t n = strcspn(text, " \t");
    const char *to = text + n + strspn(text + n, " \t"), *wrong;
    size_t path = path_length(to);

    if (!*to)
        return "has no replacement behind its expression";
    if (*to != '/' && *to != '$')
        return "has a replacement that does not start with '/'";
    if ((wrong = conf_regex_parse(arena, conf_arena_copy(arena, text, n), &rewrite->regex)))
        return wrong;
    rewrite->replaces_query = to[path] == '?';
    if ((wrong = conf_template_parse(arena, conf_arena_copy(arena, to, path), CONF_KNOWS_CAPTURES,
                                     &rewrite->path)))
        return wrong;
    if (rewrite->replaces_query &&
        (wrong = conf_template_parse(arena, to + path + 1, CONF_KNOWS_CAPTURES, &rewrite->query)))
        return wrong;
    if ((wrong = check_characters(&rewrite->path)) || (wrong = check_characters(&rewrite->query)) ||
        (wrong = check_groups(arena, &rewrite->path, conf_regex_groups(rewrite->regex))))
        return wrong;
    return check_groups(arena, &rewrite->query, conf_regex_groups(rewrite->regex));
}

const struct conf_syntax conf_rewrite_syntax = {
    .allowed = "a regular expression, a blank, and a path, which may have $1 and variables in it",
    .separators = "",
    .size = sizeof(struct conf_rewrite),
    .variables = true,
    .parse = parse_rewrite,
};
