/*
 * Targets, formats, conditions and samples of logs, from text (logging.h).
 */
#include "address.h"
#include "loader.h"
#include "suggest.h"
#include "syntax.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT_BYTES 4000 /* of a format's own text: a line has room for it beside the values */
#define SAMPLE_MOST  1000000

/* ---- targets ---- */

static const char *parse_syslog(struct conf_arena *arena, const char *text, struct conf_log_target *target)
{
    struct conf_server server = {0};
    const char *wrong =
        strpbrk(text, " \t") ? "has something behind the address" : conf_server_parse(arena, text, &server);

    if (wrong)
        return wrong;
    if (server.service)
        return "is a service; a collector has a host and a port";
    target->host = server.host;
    target->port = server.port;
    return NULL;
}

static const char *parse_target(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_log_target *target = out;
    size_t n = strlen(text);

    target->kind = CONF_LOG_FILE;
    if (!strcmp(text, "-"))
        target->kind = CONF_LOG_STANDARD;
    else if (!strcmp(text, "off"))
        target->kind = CONF_LOG_OFF;
    else if (!strcmp(text, "syslog") || !strncmp(text, "syslog:", 7))
        target->kind = CONF_LOG_SYSLOG;
    if (target->kind == CONF_LOG_SYSLOG && text[6])
        return parse_syslog(arena, text + 7, target);
    if (target->kind != CONF_LOG_FILE)
        return NULL;
    if (!strchr(text, '/'))
        return "is not known, and no path, which has a '/' in it";
    if (text[n - 1] == '/')
        return "is a folder";
    return strstr(text, " #") ? "ends in what looks like a comment; comments begin with ' ;'" : NULL;
}

const struct conf_syntax conf_log_target_syntax = {
    .allowed = "- for standard output, off, syslog, syslog:HOST:PORT, syslog:unix:/PATH, or the path of a "
               "file, with a '/' in it",
    .separators = "",
    .size = sizeof(struct conf_log_target),
    .parse = parse_target,
};

/* ---- formats ---- */

/* Variables that are numbers, or null, in JSON. */
static bool is_number(enum conf_variable variable)
{
    switch (variable) {
    case CONF_V_STATUS:
    case CONF_V_CLIENT_PORT:
    case CONF_V_BYTES_IN:
    case CONF_V_BYTES_OUT:
    case CONF_V_T_QUEUE:
    case CONF_V_T_CONNECT:
    case CONF_V_T_FIRST_BYTE:
    case CONF_V_T_TOTAL:
        return true;
    default:
        return false;
    }
}

/* Where text is between quotes; in JSON a backslash takes the meaning of a quote away. */
static bool quote_state(const struct conf_part *part, bool json, bool quoted)
{
    for (size_t i = 0; i < part->length; i++) {
        if (json && quoted && part->text[i] == '\\')
            i++;
        else if (part->text[i] == '"')
            quoted = !quoted;
    }
    return quoted;
}

/* What is between quotes cannot get out of them, and what is not can only be one word: so it is known here. */
static const char *find_quotes(struct conf_arena *arena, struct conf_log_format *format)
{
    bool *marks = conf_arena_alloc(arena, format->text.count * sizeof(*marks)), quoted = false;

    for (size_t i = 0; i < format->text.count; i++) {
        const struct conf_part *part = &format->text.parts[i];

        marks[i] = quoted;
        if (part->variable == CONF_V_TEXT)
            quoted = quote_state(part, format->json, quoted);
        else if (format->json && !quoted && !is_number(part->variable))
            return "has a variable outside of quotes that is no number, in what begins as JSON does";
    }
    format->quoted = marks;
    return quoted ? "has a quote without its counterpart" : NULL;
}

/* One character that closes or separates must not be missing, or every line would be worthless. */
static const char *check_json(const struct conf_log_format *format)
{
    const struct conf_part *last = &format->text.parts[format->text.count - 1];
    int depth = 0;

    for (size_t i = 0; i < format->text.count; i++) {
        const struct conf_part *part = &format->text.parts[i];
        bool quoted = format->quoted[i];

        for (size_t k = 0; part->variable == CONF_V_TEXT && k < part->length; k++) {
            char c = part->text[k];

            if (quoted && c == '\\')
                k++;
            else if (c == '"')
                quoted = !quoted;
            else if (!quoted)
                depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        }
    }
    if (depth || last->variable != CONF_V_TEXT || last->text[last->length - 1] != '}')
        return "begins with '{' as JSON does, but does not end as an object does";
    return NULL;
}

static const char *unknown_format(struct conf_arena *arena, const char *text)
{
    struct conf_suggestion nearest;

    conf_suggest_start(&nearest, text);
    conf_suggest_offer(&nearest, "json");
    conf_suggest_offer(&nearest, "combined");
    if (nearest.best)
        return conf_arena_print(arena, "is no format that is known; did you mean '%s'?", nearest.best);
    return "is no format that is known, and has no variables to be one of its own";
}

static const char *parse_format(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_log_format *format = out;
    const char *wrong;

    if (!strcmp(text, "json"))
        return NULL;
    format->form = strcmp(text, "combined") ? CONF_LOG_CUSTOM : CONF_LOG_COMBINED;
    if (format->form == CONF_LOG_COMBINED)
        return NULL;
    if (!strstr(text, "${"))
        return unknown_format(arena, text);
    if (strlen(text) > FORMAT_BYTES)
        return "is too long";
    wrong = conf_template_parse(arena, text, CONF_KNOWS_SERVER | CONF_KNOWS_STATUS | CONF_KNOWS_END,
                                &format->text);
    if (wrong)
        return wrong;
    format->json = *text == '{';
    wrong = find_quotes(arena, format);
    return wrong || !format->json ? wrong : check_json(format);
}

const struct conf_syntax conf_log_format_syntax = {
    .allowed = "json, combined, or a text with variables, such as ${client} ${status} \"${uri}\"",
    .separators = "",
    .size = sizeof(struct conf_log_format),
    .variables = true,
    .parse = parse_format,
};

/* ---- conditions ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *parse_condition(struct conf_arena *arena, const char *text, void *out)
{
    static const struct conf_key duration = {
        .type = CONF_DURATION, .min = INT64_C(1000000), .max = INT64_C(86400) * 1000000000};
    struct conf_log_condition *condition = out;

    (void)arena;
    if (!strcmp(text, "all"))
        return NULL;
    if (!strcmp(text, "error")) {
        condition->when = CONF_LOG_ERROR;
        return NULL;
    }
    if (*text == '>') {
        condition->when = CONF_LOG_SLOWER;
        return conf_value_parse(&duration, text + 1, &condition->longer_than) < 0
                   ? "has no duration from 1ms to 1d behind the '>'"
                   : NULL;
    }
    condition->when = CONF_LOG_STATUS;
    bool class = *text && !strcmp(text + 1, "xx");
    if (*text < '1' || *text > '5' || !(class || (is_digit(text[1]) && is_digit(text[2]) && !text[3])))
        return "is no status and no class of them";
    condition->status = class ? *text - '0' : atoi(text);
    return NULL;
}

const struct conf_syntax conf_log_condition_syntax = {
    .allowed = "all, error, statuses such as 404 or 4xx, and times such as >500ms",
    .separators = ", \t",
    .size = sizeof(struct conf_log_condition),
    .parse = parse_condition,
};

/* ---- samples ---- */

static const char *parse_sample(struct conf_arena *arena, const char *text, void *out)
{
    static const struct conf_key number = {.type = CONF_INTEGER, .min = 1, .max = SAMPLE_MOST};
    struct conf_log_sample *sample = out;

    (void)arena;
    if (strncmp(text, "1/", 2) != 0)
        return "does not begin with '1/'";
    return conf_value_parse(&number, text + 2, &sample->of) < 0
               ? "has no number from 1 to 1000000 behind the '/'"
               : NULL;
}

const struct conf_syntax conf_log_sample_syntax = {
    .allowed = "a part of the requests, such as 1/100",
    .separators = "",
    .size = sizeof(struct conf_log_sample),
    .parse = parse_sample,
};
