/*
 * What a route asks of the request's header fields, query parameters and cookies: "X-Name: value", "name=~regex",
 * "!name".
 */
#include "regexp.h"
#include "syntax.h"

#include <ctype.h>
#include <string.h>

static bool is_token(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
            return false;
    return n > 0;
}

/* The value behind the name: what it has to be equal to, or an expression. */
static const char *parse_value(struct conf_arena *arena, const char *value, struct conf_condition *c)
{
    if (*value == '~') {
        c->test = CONF_REGEX;
        return conf_regex_parse(arena, value + 1, &c->regex);
    }
    c->test = CONF_EQUAL;
    c->value = value;
    c->value_length = strlen(value);
    return NULL;
}

static const char *parse_condition(struct conf_arena *arena, const char *text, char separator,
                                   struct conf_condition *c)
{
    bool absent = *text == '!';
    const char *name = text + absent, *end = strchr(name, separator);
    size_t n = end ? (size_t)(end - name) : strlen(name);

    c->test = absent ? CONF_ABSENT : CONF_PRESENT;
    c->name = conf_arena_copy(arena, name, n);
    c->name_length = n;
    if (!end)
        return NULL;
    if (absent)
        return "has a '!' and a value; '!' asks that there is none of that name";
    end += 1 + strspn(end + 1, " \t");
    return parse_value(arena, end, c);
}

static const char *write_condition(struct conf_arena *arena, const struct conf_condition *c,
                                   const char *separator)
{
    switch (c->test) {
    case CONF_PRESENT:
    case CONF_ABSENT:
        break;
    case CONF_EQUAL:
        return conf_arena_print(arena, "%s%s%s", c->name, separator, c->value);
    case CONF_REGEX:
        return conf_arena_print(arena, "%s%s~%s", c->name, separator, conf_regex_text(c->regex));
    }
    return conf_arena_print(arena, "%s%s", c->test == CONF_ABSENT ? "!" : "", c->name);
}

/* Names of fields have no case; they are kept in small letters. */
static const char *parse_header(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_condition *c = out;
    const char *wrong = parse_condition(arena, text, ':', c);

    if (wrong)
        return wrong;
    if (!is_token(c->name, c->name_length))
        return "has no name of a header field before its ':'";
    if (c->test == CONF_EQUAL && !c->value_length)
        return "has no value behind its ':'; leave the ':' out if any value will do";
    for (char *p = (char *)(uintptr_t)c->name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    c->written = write_condition(arena, c, ": ");
    return NULL;
}

/* Names of parameters and values of both are given as they are when decoded, hence any byte may be in them. */
static const char *parse_query(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_condition *c = out;
    const char *wrong = parse_condition(arena, text, '=', c);

    if (!wrong && !c->name_length)
        wrong = "has no name before its '='";
    if (!wrong)
        c->written = write_condition(arena, c, "=");
    return wrong;
}

static const char *parse_cookie(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_condition *c = out;
    const char *wrong = parse_condition(arena, text, '=', c);

    if (!wrong && !is_token(c->name, c->name_length))
        wrong = "has no name of a cookie before its '='";
    if (!wrong && c->test == CONF_EQUAL && strpbrk(c->value, ";\""))
        wrong = "has a ';' or '\"', which no value of a cookie has";
    if (!wrong)
        c->written = write_condition(arena, c, "=");
    return wrong;
}

const struct conf_syntax conf_header_syntax = {
    .allowed = "NAME, NAME: VALUE, NAME: ~REGEX, or !NAME",
    .separators = "",
    .size = sizeof(struct conf_condition),
    .parse = parse_header,
};

const struct conf_syntax conf_query_syntax = {
    .allowed = "NAME, NAME=VALUE, NAME=~REGEX, or !NAME",
    .separators = "",
    .size = sizeof(struct conf_condition),
    .parse = parse_query,
};

const struct conf_syntax conf_cookie_syntax = {
    .allowed = "NAME, NAME=VALUE, NAME=~REGEX, or !NAME",
    .separators = "",
    .size = sizeof(struct conf_condition),
    .parse = parse_cookie,
};
