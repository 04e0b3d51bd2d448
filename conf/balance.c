/* Values of balance and sticky. */
#include "loader.h"
#include "syntax.h"
#include "value.h"

#include <string.h>

/* ---- balance ---- */

static const struct {
    const char *word; /* one that ends with ':' has a name behind it */
    enum conf_balance_method method;
    enum conf_hash_by by;
} methods[] = {
    {"round_robin", CONF_ROUND_ROBIN, 0},
    {"least_connections", CONF_LEAST_CONNECTIONS, 0},
    {"random_two", CONF_RANDOM_TWO, 0},
    {"least_time", CONF_LEAST_TIME, 0},
    {"first", CONF_FIRST, 0},
    {"hash:source", CONF_HASH, CONF_HASH_SOURCE},
    {"hash:uri", CONF_HASH, CONF_HASH_URI},
    {"hash:path", CONF_HASH, CONF_HASH_PATH},
    {"hash:sni", CONF_HASH, CONF_HASH_SNI},
    {"hash:header:", CONF_HASH, CONF_HASH_HEADER},
    {"hash:cookie:", CONF_HASH, CONF_HASH_COOKIE},
    {"hash:query:", CONF_HASH, CONF_HASH_QUERY},
};

static const char *parse_balance(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_balance *balance = out;

    (void)arena;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        size_t n = strlen(methods[i].word);
        bool named = methods[i].word[n - 1] == ':';

        if (named ? strncmp(text, methods[i].word, n) : strcmp(text, methods[i].word))
            continue;
        balance->method = methods[i].method;
        balance->by = methods[i].by;
        balance->name = named ? text + n : NULL;
        if (named && !text[n])
            return "has no name behind its last ':'";
        if (named && methods[i].by != CONF_HASH_QUERY && !conf_is_token(text + n))
            return "has a character that no such name has";
        return named && text[n + strcspn(text + n, " \t&=#")] ? "has a character that no such name has"
                                                              : NULL;
    }
    return "is not known";
}

const struct conf_syntax conf_balance_syntax = {
    .allowed =
        "round_robin, least_connections, random_two, least_time, first, hash:source, hash:uri, hash:path, "
        "hash:header:NAME, hash:cookie:NAME, hash:query:NAME, or for tcp hash:sni",
    .separators = "",
    .size = sizeof(struct conf_balance),
    .parse = parse_balance,
};

/* ---- sticky ---- */

static bool is_path(const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == ';')
            return false;
    return *text == '/';
}

static const char *parse_sticky_option(struct conf_sticky *sticky, const char *word, const char *value)
{
    static const struct conf_key age = {
        .type = CONF_DURATION, .min = 1000000000, .max = INT64_C(400) * 86400 * 1000000000};

    if (!strcmp(word, "path")) {
        sticky->path = value;
        return is_path(value) ? NULL : "has a path that does not begin with '/', or that no cookie may have";
    }
    if (!strcmp(word, "max_age"))
        return conf_value_parse(&age, value, &sticky->max_age) == 0 ? NULL : "has no max_age from 1s to 400d";
    if (!strcmp(word, "same_site")) {
        sticky->same_site = !strcmp(value, "lax")      ? "Lax"
                            : !strcmp(value, "strict") ? "Strict"
                            : !strcmp(value, "none")   ? "None"
                                                       : NULL;
        return sticky->same_site ? NULL : "has a same_site that is not lax, strict or none";
    }
    if (!strcmp(word, "key")) {
        sticky->key = value;
        return strlen(value) >= 16 ? NULL : "has a key of less than 16 bytes";
    }
    return "has an option that is not path, max_age, same_site, key or secure";
}

static const char *parse_sticky(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_sticky *sticky = out;
    char *rest = conf_arena_copy(arena, text, strlen(text));
    const char *kind = strsep(&rest, " \t"), *wrong = NULL;

    sticky->path = "/";
    sticky->same_site = "Lax";
    if (strcmp(kind, "cookie") != 0)
        return "does not begin with cookie";
    for (char *word; !wrong && (word = strsep(&rest, " \t"));) {
        char *value = strchr(word, '=');

        if (!*word)
            continue;
        if (value)
            *value++ = 0;
        if (!value && !strcmp(word, "secure"))
            sticky->always_secure = true;
        else if (!value && !sticky->cookie && conf_is_token(word))
            sticky->cookie = word;
        else if (!value)
            return "has more words than the cookie's name and its options, or a name that no cookie has";
        else
            wrong = parse_sticky_option(sticky, word, value);
    }
    if (!wrong && !sticky->cookie)
        return "has no name for the cookie";
    if (!wrong && strlen(sticky->cookie) + strlen(sticky->path) > 512)
        return "has a name and a path that are too long for a cookie";
    if (!wrong && !strcmp(sticky->same_site, "None") && !sticky->always_secure)
        return "has same_site=none without secure; browsers refuse such cookies";
    if (sticky->key) /* never printed; what is, is too short to be read as one */
        sticky->written = conf_arena_print(arena, "cookie %s key=(hidden)", sticky->cookie);
    return wrong;
}

const struct conf_syntax conf_sticky_syntax = {
    .allowed = "cookie NAME, and path=/, max_age=1h, same_site=lax|strict|none, secure, key=SECRET",
    .separators = "",
    .size = sizeof(struct conf_sticky),
    .secret = true,
    .parse = parse_sticky,
};
