/*
 * Rate limits and methods, from text.
 */
#include "syntax.h"
#include "value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SECOND    INT64_C(1000000000)
#define COUNT_MAX INT64_C(1000000000)
#define BURST_MAX INT64_C(1000000000)
#define DELAY_MAX (60 * SECOND)

/* A number up to `most` off the front of *p. */
static bool take_number(const char **p, int64_t most, int64_t *number)
{
    const char *start = *p;

    for (*number = 0; isdigit((unsigned char)**p); ++*p)
        if ((*number = *number * 10 + (**p - '0')) > most)
            return false;
    return *p > start;
}

/* ---- "100/s" ---- */

static const char *parse_rate(const char *text, struct conf_rate_limit *limit)
{
    static const struct {
        const char *name;
        int64_t ns;
    } periods[] = {{"s", SECOND}, {"m", 60 * SECOND}, {"h", 3600 * SECOND}, {"d", 86400 * SECOND}};

    if (!take_number(&text, COUNT_MAX, &limit->count) || !limit->count)
        return "has no number from 1 to 1000000000 at its front";
    if (*text++ != '/')
        return "has no '/' between number and time";
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++)
        if (!strcmp(text, periods[i].name)) {
            limit->period = periods[i].ns;
            limit->interval = periods[i].ns / limit->count;
            return NULL;
        }
    return "is not per s, m, h or d";
}

/* ---- options ---- */

static const char *parse_burst(struct conf_arena *arena, char *text, struct conf_rate_limit *limit)
{
    const char *p = text;

    return take_number(&p, BURST_MAX, &limit->burst) && !*p
               ? NULL
               : "has a burst that is not a number from 0 to 1000000000";
}

static const char *parse_delay(struct conf_arena *arena, char *text, struct conf_rate_limit *limit)
{
    const char *p = text;
    int64_t number, unit = 0;

    if (take_number(&p, DELAY_MAX, &number))
        unit = !strcmp(p, "ms")  ? SECOND / 1000
               : !strcmp(p, "s") ? SECOND
               : !strcmp(p, "m") ? 60 * SECOND
                                 : 0;
    if (!unit || !number || number > DELAY_MAX / unit)
        return "has a delay that is not a duration from 1ms to 1m";
    limit->delay = number * unit;
    return NULL;
}

static const char *parse_part(struct conf_arena *arena, const char *text, struct conf_rate_limit *limit)
{
    static const struct {
        const char *name;
        enum conf_rate_by by;
        bool named;
    } kinds[] = {{"source", CONF_BY_SOURCE, false}, {"header:", CONF_BY_HEADER, true},
                 {"cookie:", CONF_BY_COOKIE, true}, {"query:", CONF_BY_QUERY, true},
                 {"path", CONF_BY_PATH, false},     {"host", CONF_BY_HOST, false},
                 {"route", CONF_BY_ROUTE, false}};

    if (limit->parts == CONF_RATE_PARTS)
        return "is by more than 4 things at once";
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t n = strlen(kinds[i].name);
        const char *name = text + n;

        if (kinds[i].named ? strncmp(text, kinds[i].name, n) != 0 : strcmp(text, kinds[i].name) != 0)
            continue;
        if (kinds[i].named && !conf_is_token(name))
            return "has no valid name behind its ':'";
        limit->by[limit->parts].by = kinds[i].by;
        limit->by[limit->parts].name = kinds[i].named ? conf_arena_copy(arena, name, strlen(name)) : "";
        limit->by[limit->parts++].length = kinds[i].named ? strlen(name) : 0;
        return NULL;
    }
    return "is by something unknown";
}

static const char *parse_by(struct conf_arena *arena, char *text, struct conf_rate_limit *limit)
{
    const char *wrong = NULL;

    for (char *part; !wrong && (part = strsep(&text, "+"));)
        wrong = parse_part(arena, part, limit);
    return wrong;
}

static const char *parse_dry_run(struct conf_arena *arena, char *text, struct conf_rate_limit *limit)
{
    limit->dry_run = true;
    return *text ? "has a dry_run with a value; it is a word alone" : NULL;
}

static const struct {
    const char *name;
    const char *(*parse)(struct conf_arena *arena, char *text, struct conf_rate_limit *limit);
} options[] = {
    {"burst=", parse_burst}, {"delay=", parse_delay}, {"by=", parse_by}, {"dry_run", parse_dry_run}};

static const char *parse_option(struct conf_arena *arena, char *text, struct conf_rate_limit *limit,
                                unsigned *seen)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        size_t n = strlen(options[i].name);

        if (strncmp(text, options[i].name, n) != 0)
            continue;
        if (*seen & 1u << i)
            return "has an option twice";
        *seen |= 1u << i;
        return options[i].parse(arena, text + n, limit);
    }
    return "has an unknown option";
}

static const char *parse_limit(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_rate_limit *limit = out;
    char *rest = conf_arena_copy(arena, text, strlen(text)), *rate = strsep(&rest, " \t");
    unsigned seen = 0;
    const char *wrong;

    if (!strcmp(text, "off")) {
        limit->off = true;
        return NULL;
    }
    wrong = parse_rate(rate, limit);
    for (char *option; !wrong && (option = strsep(&rest, " \t"));)
        if (*option)
            wrong = parse_option(arena, option, limit, &seen);
    if (!limit->parts)
        limit->parts = 1; /* by source */
    return wrong;
}

static const char *parse_method(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_method *method = out;

    method->length = strlen(text);
    for (const char *p = text; *p; p++)
        if (islower((unsigned char)*p))
            return "has small letters, and methods differ by case";
    return conf_is_token(text) ? NULL : "is not a method";
}

const struct conf_syntax conf_rate_limit_syntax = {
    .allowed = "N/s, N/m, N/h or N/d, then burst=N, delay=DURATION, dry_run, and by=source, header:NAME, "
               "cookie:NAME, "
               "query:NAME, path, host, route or several of them with '+' between them; or off",
    .separators = ",",
    .size = sizeof(struct conf_rate_limit),
    .parse = parse_limit,
};

const struct conf_syntax conf_method_syntax = {
    .allowed = "names of methods, such as GET or POST",
    .separators = ", \t",
    .size = sizeof(struct conf_method),
    .parse = parse_method,
};
