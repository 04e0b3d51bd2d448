/* Content codings and media types; and what only several keys about bodies together can tell. */
#include "loader.h"
#include "syntax.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- content codings ---- */

static const struct {
    const char *name;
    int least, usual, most; /* levels */
} codings[] = {
    [CONF_CODING_OFF] = {"off", 0, 0, 0},
    [CONF_CODING_GZIP] = {"gzip", 1, 5, 9},
    [CONF_CODING_BR] = {"br", 0, 3, 6}, /* those above need megabytes, and seconds for each of a body */
    [CONF_CODING_ZSTD] = {"zstd", 1, 3, 9},
};

#define CODINGS (sizeof(codings) / sizeof(codings[0]))

static const char *parse_level(struct conf_arena *arena, const char *option, struct conf_coding *coding)
{
    const char *digits = option + strlen("level=");
    int least = codings[coding->coding].least, most = codings[coding->coding].most;

    if (coding->coding == CONF_CODING_OFF)
        return "has something behind it, but 'off' takes no options and stands alone";
    if (strncmp(option, "level=", strlen("level=")) != 0)
        return conf_arena_print(
            arena, "has the option '%s', which is not level=N; codings are separated by commas", option);
    if (!isdigit((unsigned char)digits[0]) || digits[1] || digits[0] - '0' < least || digits[0] - '0' > most)
        return conf_arena_print(arena, "has a level that %s does not have; there are %d to %d",
                                codings[coding->coding].name, least, most);
    coding->level = digits[0] - '0';
    return NULL;
}

static const char *parse_coding(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_coding *coding = out;
    char *rest = conf_arena_copy(arena, text, strlen(text));
    const char *name = strsep(&rest, " \t"), *wrong;
    size_t i = 0;

    while (i < CODINGS && strcmp(codings[i].name, name) != 0)
        i++;
    if (i == CODINGS)
        return !strcmp(name, "deflate") ? "means two things to clients; use gzip" : "is not a known coding";
    coding->coding = (enum conf_coding_name)i;
    coding->level = codings[i].usual;
    for (char *option; (option = strsep(&rest, " \t"));)
        if (*option && (wrong = parse_level(arena, option, coding)))
            return wrong;
    coding->written =
        i == CONF_CODING_OFF ? "off" : conf_arena_print(arena, "%s level=%d", name, coding->level);
    return NULL;
}

const struct conf_syntax conf_coding_syntax = {
    .allowed = "off; or gzip, br and zstd, each perhaps with level=N: 1 to 9, for br 0 to 6",
    .separators = ",",
    .size = sizeof(struct conf_coding),
    .parse = parse_coding,
};

/* ---- media types ---- */

static bool is_token(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
            return false;
    return n > 0;
}

static const char *parse_media_type(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_media_type *type = out;
    char *name = conf_arena_copy(arena, text, strlen(text));
    char *slash = strchr(name, '/'), *star = slash ? strchr(slash, '*') : NULL;

    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    if (strchr(name, ';'))
        return "has parameters; a type is matched without";
    if (!slash || !is_token(name, (size_t)(slash - name)) || !is_token(slash + 1, strlen(slash + 1)))
        return "is not TYPE/SUBTYPE";
    type->written = conf_arena_copy(arena, name, strlen(name));
    type->prefix = name;
    type->suffix = "";
    if (!strcmp(name, "*/*")) {
        type->prefix = "";
        type->wildcard = true;
        return NULL;
    }
    if (memchr(name, '*', (size_t)(slash - name)))
        return "has a '*' for its type; only */* is every type";
    if (!star)
        return NULL;
    if (star != slash + 1 || strchr(star + 1, '*') || (star[1] && star[1] != '+'))
        return "has a '*' that is not the whole subtype, nor all of it before a '+'";
    type->wildcard = true;
    type->suffix = star + 1;
    type->prefix = conf_arena_copy(arena, name, (size_t)(star - name));
    return NULL;
}

const struct conf_syntax conf_media_type_syntax = {
    .allowed = "TYPE/SUBTYPE, TYPE/*, TYPE/*+SUFFIX or */*",
    .separators = ", \t",
    .size = sizeof(struct conf_media_type),
    .parse = parse_media_type,
};

#define EXACT(name)                                                                                          \
    {                                                                                                        \
        .prefix = (name), .suffix = ""                                                                       \
    }
#define ANY(before, behind)                                                                                  \
    {                                                                                                        \
        .prefix = (before), .suffix = (behind), .wildcard = true                                             \
    }

/* clang-format off */
const struct conf_media_type conf_media_types_usual[] = {
    ANY("text/", ""), EXACT("application/json"), EXACT("application/javascript"), ANY("application/", "+json"),
    ANY("application/", "+xml"), EXACT("application/xml"), EXACT("application/x-ndjson"),
    EXACT("application/x-javascript"), EXACT("application/wasm"), EXACT("image/svg+xml"), EXACT("image/x-icon"),
    EXACT("image/vnd.microsoft.icon"), EXACT("image/bmp"), EXACT("font/ttf"), EXACT("font/otf"),
    EXACT("application/vnd.ms-fontobject"),
};
/* clang-format on */

const size_t conf_media_type_usual_count = sizeof(conf_media_types_usual) / sizeof(conf_media_types_usual[0]);

static bool matches(const struct conf_media_type *pattern, const char *type, size_t n)
{
    size_t prefix = strlen(pattern->prefix), suffix = strlen(pattern->suffix);

    if (pattern->wildcard ? n <= prefix + suffix : n != prefix)
        return false;
    return !strncasecmp(pattern->prefix, type, prefix) &&
           !strncasecmp(pattern->suffix, type + n - suffix, suffix);
}

bool conf_media_type_among(const struct conf_media_type *types, size_t count, const char *type, size_t n)
{
    for (size_t i = 0; i < count; i++)
        if (matches(&types[i], type, n))
            return true;
    return false;
}

/* ---- together ---- */

struct section {
    struct conf_loader *l;
    enum conf_kind kind;
    const char *name;
};

static const char *title(const struct section *s)
{
    return conf_arena_print(&s->l->arena, "%s %s", conf_kinds[s->kind].name, s->name);
}

static void check_codings(const struct section *s, const struct conf_compress *c)
{
    for (size_t i = 0; i < c->coding_count; i++)
        for (size_t j = 0; j < i; j++)
            if (c->codings[i].coding == c->codings[j].coding)
                conf_error(s->l->errors, c->codings[i].origin, title(s), "compress",
                           "%s is in the list already", codings[c->codings[i].coding].name);
            else if (c->codings[i].coding == CONF_CODING_OFF || c->codings[j].coding == CONF_CODING_OFF)
                conf_error(s->l->errors, c->codings[i].origin, title(s), "compress",
                           "'off' stands in the list beside a coding; allowed: one or the other");
}

/* What is stored must have a limit. */
static void check_buffering(const struct section *s, bool on, int64_t max_body, struct conf_origin origin)
{
    if (on && max_body == 0)
        conf_error(s->l->errors, origin, title(s), "request_buffering",
                   "bodies would be stored without any limit; set max_body to a size");
}

static bool takes(const struct conf_route *route, const struct conf_listener *listener)
{
    for (size_t i = 0; i < route->listener_count; i++)
        if (route->listeners[i] == listener)
            return true;
    return route->listener_count == 0 && listener->protocol == CONF_HTTP;
}

static void check_route(struct conf_loader *l, const struct conf_route *route)
{
    struct section s = {l, CONF_ROUTE, route->name};
    struct conf_origin origin = route->origin;

    for (size_t i = 0; i < conf_key_count; i++)
        if (!strcmp(conf_keys[i].name, "request_buffering") && route->origins[i].line)
            origin = route->origins[i];
    check_codings(&s, &route->compress);
    for (size_t i = 0; i < l->conf->listener_count; i++) {
        const struct conf_listener *listener = &l->conf->listeners[i];

        if (!takes(route, listener))
            continue;
        check_buffering(&s, conf_pick(route->buffering.request, listener->buffering.request),
                        conf_pick(route->max_body, listener->max_body), origin);
        return; /* said once is enough */
    }
}

static void check_folder(struct conf_loader *l, struct conf_origin origin)
{
    if (access(l->conf->temp_path, W_OK | X_OK) != 0)
        conf_warning(l->errors, origin, "greenway", "temp_path",
                     "'%s' is no folder that can be written to here, so that long bodies cannot be buffered",
                     l->conf->temp_path);
}

void conf_check_bodies(struct conf_loader *l)
{
    struct conf *c = l->conf;
    bool buffering = false;

    for (size_t i = 0; i < c->listener_count; i++) {
        struct section s = {l, CONF_LISTENER, c->listeners[i].name};

        check_codings(&s, &c->listeners[i].compress);
        check_buffering(&s, c->listeners[i].buffering.request, c->listeners[i].max_body,
                        c->listeners[i].origin);
        buffering |= c->listeners[i].buffering.request;
    }
    for (size_t i = 0; i < c->route_count; i++) {
        check_route(l, &c->routes[i]);
        buffering |= c->routes[i].buffering.request > 0;
    }
    if (buffering)
        check_folder(l, (struct conf_origin){.file = c->file});
}
