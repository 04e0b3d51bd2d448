/* The value of health_check: what is asked, how often, and what answer means that a server is well. */
#include "loader.h"
#include "regexp.h"
#include "syntax.h"
#include "value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

struct word {
    char *text; /* with a NUL behind it, and maybe others within */
    size_t n;
};

static int hex(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* What stands behind a backslash within quotes. What means nothing stays as it is, for expressions. */
static size_t unescape(const char *p, char *out, size_t *n)
{
    static const char letters[] = "rnt0\"\\", bytes[] = {'\r', '\n', '\t', 0, '"', '\\'};
    const char *at = *p ? strchr(letters, *p) : NULL;

    if (*p == 'x' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
        out[(*n)++] = (char)(hex(p[1]) * 16 + hex(p[2]));
        return 3;
    }
    if (at) {
        out[(*n)++] = bytes[at - letters];
        return 1;
    }
    out[(*n)++] = '\\';
    return 0;
}

/* The next word of the text: blanks within quotes belong to it. False at the end; *wrong if quotes are open. */
static bool next_word(struct conf_arena *arena, const char **rest, struct word *word, const char **wrong)
{
    const char *p = *rest + strspn(*rest, " \t");
    bool quoted = false;

    if (!*p)
        return false;
    *word = (struct word){.text = conf_arena_alloc(arena, strlen(p) + 1)};
    for (; *p && (quoted || (*p != ' ' && *p != '\t')); p++)
        if (*p == '"')
            quoted = !quoted;
        else if (quoted && *p == '\\')
            p += unescape(p + 1, word->text, &word->n);
        else
            word->text[word->n++] = *p;
    if (quoted)
        *wrong = "has a '\"' without the one that closes it";
    *rest = p;
    return true;
}

/* ---- what is asked ---- */

#define TEXT(s) s, sizeof(s) - 1

/* Greetings of protocols. PostgreSQL is asked to begin a session, which it answers by asking for a password, or by an
 * error of another kind than "starting up" and "shutting down" (57P03, 57P01). */
static const struct {
    const char *name;
    enum conf_check kind;
    const char *send;
    size_t send_size;
    const char *expect;
    size_t expect_size;
    const char *match;
} forms[] = {
    {"tcp", CONF_CHECK_TCP, NULL, 0, NULL, 0, NULL},
    {"tls", CONF_CHECK_TLS, NULL, 0, NULL, 0, NULL},
    {"smtp", CONF_CHECK_DIALOGUE, NULL, 0, TEXT("220"), NULL},
    {"redis", CONF_CHECK_DIALOGUE, TEXT("PING\r\n"), NULL, 0, "^(\\+PONG|-NOAUTH)"},
    {"postgresql", CONF_CHECK_DIALOGUE, TEXT("\0\0\0\x17\0\3\0\0user\0greenway\0\0"), NULL, 0,
     "^(R|E(?s:.*)C(?!57P|53))"},
    {"mysql", CONF_CHECK_DIALOGUE, NULL, 0, NULL, 0, "^(?s:....)\\x0a"},
};

static const char *begin_request(struct conf_arena *arena, struct conf_health_check *check, const char **rest)
{
    struct word path;
    const char *wrong = NULL;

    check->kind = CONF_CHECK_HTTP;
    if (!next_word(arena, rest, &path, &wrong) || *path.text != '/')
        return "has no path behind the method";
    for (size_t i = 0; i < path.n; i++)
        if (path.text[i] <= ' ' || path.text[i] > '~')
            return "has a path with a byte that no path has";
    check->path = path.text;
    return wrong;
}

static const char *begin(struct conf_arena *arena, struct conf_health_check *check, const char **rest)
{
    struct word first;
    const char *before = *rest, *wrong = NULL;

    if (!next_word(arena, rest, &first, &wrong) || wrong)
        return wrong ? wrong : "is empty";
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(first.text, forms[i].name) != 0)
            continue;
        check->kind = forms[i].kind;
        check->send = forms[i].send;
        check->send_size = forms[i].send_size;
        check->expect = forms[i].expect;
        check->expect_size = forms[i].expect_size;
        return forms[i].match ? conf_regex_parse(arena, forms[i].match, &check->match) : NULL;
    }
    if (strchr(first.text, '=')) {
        check->kind = CONF_CHECK_DIALOGUE;
        *rest = before;
        return NULL;
    }
    if (strcmp(first.text, "GET") != 0 && strcmp(first.text, "HEAD") != 0 &&
        strcmp(first.text, "OPTIONS") != 0)
        return "does not begin with GET, HEAD or OPTIONS and a path, nor with tcp, tls, smtp, redis, "
               "postgresql, "
               "mysql, send= or expect=";
    check->method = first.text;
    return begin_request(arena, check, rest);
}

/* ---- options ---- */

static const char *parse_statuses(const char *value, struct conf_health_check *check)
{
    char *end;

    check->status_min = check->status_max = strtol(value, &end, 10);
    if (*end == '-')
        check->status_max = strtol(end + 1, &end, 10);
    return *end || check->status_min < 100 || check->status_max > 599 || check->status_min > check->status_max
               ? "has no status from 100 to 599, or range of such as 200-399"
               : NULL;
}

static const char *parse_number(struct conf_arena *arena, const char *name, const char *value, int64_t most,
                                int64_t *out)
{
    const struct conf_key number = {.type = CONF_INTEGER, .min = 1, .max = most};

    return conf_value_parse(&number, value, out) == 0
               ? NULL
               : conf_arena_print(arena, "has no %s from 1 to %d", name, (int)most);
}

static const char *parse_time(struct conf_arena *arena, const char *name, const char *value, int64_t *out)
{
    static const struct conf_key time = {.type = CONF_DURATION, .min = SECOND / 100, .max = 86400 * SECOND};

    return conf_value_parse(&time, value, out) == 0
               ? NULL
               : conf_arena_print(arena, "has no %s from 10ms to 1d, such as 2s", name);
}

static const char *parse_bytes(const struct word *word, const char *value, const char **bytes, size_t *size)
{
    *bytes = value;
    *size = word->n - (size_t)(value - word->text);
    return *size == 0                 ? "has nothing to send or to expect"
           : *size > CONF_CHECK_BYTES ? "sends or expects more than 1024 bytes"
                                      : NULL;
}

static bool is_host(const char *value)
{
    for (const char *p = value; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr(".-_:[]", *p))
            return false;
    return *value;
}

static const char *parse_option(struct conf_arena *arena, struct conf_health_check *check,
                                const struct word *word)
{
    char *value = memchr(word->text, '=', word->n);

    if (!value)
        return "has a word that is no option";
    *value++ = 0;
    const char *name = word->text;

    if (!strcmp(name, "every"))
        return parse_time(arena, name, value, &check->every);
    if (!strcmp(name, "timeout"))
        return parse_time(arena, name, value, &check->timeout);
    if (!strcmp(name, "rise"))
        return parse_number(arena, name, value, 1000, &check->rise);
    if (!strcmp(name, "fall"))
        return parse_number(arena, name, value, 1000, &check->fall);
    if (!strcmp(name, "port"))
        return parse_number(arena, name, value, 65535, &check->port);
    if (!strcmp(name, "start")) {
        check->start_down = !strcmp(value, "down");
        return check->start_down || !strcmp(value, "up") ? NULL : "has a start that is not up or down";
    }
    if (check->kind == CONF_CHECK_HTTP && !strcmp(name, "status"))
        return parse_statuses(value, check);
    if (check->kind == CONF_CHECK_HTTP && !strcmp(name, "host")) {
        check->host = value;
        return is_host(value) ? NULL : "has a host with a byte that no host has";
    }
    if (!strcmp(name, "match") && (check->kind == CONF_CHECK_HTTP || check->kind == CONF_CHECK_DIALOGUE))
        return conf_regex_parse(arena, value, &check->match);
    if (check->kind == CONF_CHECK_DIALOGUE && !strcmp(name, "send"))
        return parse_bytes(word, value, &check->send, &check->send_size);
    if (check->kind == CONF_CHECK_DIALOGUE && !strcmp(name, "expect"))
        return parse_bytes(word, value, &check->expect, &check->expect_size);
    return conf_arena_print(arena, "has the option %s=, which this kind of check does not know", name);
}

static const char *parse_check(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_health_check *check = out;
    struct word word;
    const char *wrong;

    check->every = 2 * SECOND;
    check->timeout = SECOND;
    check->rise = 2;
    check->fall = 3;
    check->status_min = 200;
    check->status_max = 399;
    wrong = begin(arena, check, &text);
    while (!wrong && next_word(arena, &text, &word, &wrong))
        if (!wrong)
            wrong = parse_option(arena, check, &word);
    if (!wrong && check->kind == CONF_CHECK_DIALOGUE && !check->expect && !check->match)
        return "expects nothing; expect= or match= says what an answer has to have";
    if (!wrong && check->method && !strcmp(check->method, "HEAD") && check->match)
        return "looks for something in the body, which HEAD has not";
    return wrong;
}

const struct conf_syntax conf_health_check_syntax = {
    .allowed =
        "GET /PATH, tcp, tls, smtp, redis, postgresql, mysql, or send=TEXT expect=TEXT; and every=2s, "
        "timeout=1s, rise=2, fall=3, status=200-399, match=REGEX, host=NAME, port=NUMBER, start=up|down",
    .separators = "",
    .size = sizeof(struct conf_health_check),
    .parse = parse_check,
};

/* ---- together ---- */

void conf_check_health(struct conf_loader *l)
{
    for (size_t i = 0; i < l->conf->upstream_count; i++) {
        const struct conf_upstream *u = &l->conf->upstreams[i];
        const char *title = conf_arena_print(&l->arena, "upstream %s", u->name);

        if (u->health_check.kind == CONF_CHECK_TLS && !u->tls.on)
            conf_error(
                l->errors, u->health_check.origin, title, "health_check",
                "the check is a TLS handshake, and the upstream has no TLS; set tls = on, or check by tcp");
        if (u->ejection.time > u->ejection.time_max)
            conf_error(l->errors, u->origins[conf_key_find(CONF_UPSTREAM, "eject_time") - conf_keys], title,
                       "eject_time", "the time is longer than eject_time_max; raise that as well");
    }
}
