/*
 * Upstreams and their shares: "app weight=90, canary weight=10".
 */
#include "loader.h"

#include <ctype.h>
#include <string.h>

static const char *parse_weight(const char *option, int64_t *weight)
{
    const char *p = option + strlen("weight=");
    int64_t number = 0;

    if (strncmp(option, "weight=", strlen("weight=")))
        return strchr(option, '=') ? "has an unknown option"
                                   : "has more than one word; upstreams are separated by commas";
    for (; isdigit((unsigned char)*p) && number <= CONF_WEIGHT_MAX; p++)
        number = number * 10 + (*p - '0');
    if (*p || p == option + strlen("weight=") || number > CONF_WEIGHT_MAX)
        return "has a weight that is not a number from 0 to 10000";
    if (*weight >= 0)
        return "has more than one weight";
    *weight = number;
    return NULL;
}

static const char *parse_share(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_share *share = out;
    char *rest = conf_arena_copy(arena, text, strlen(text)), *name = strsep(&rest, " \t");
    int64_t weight = -1;
    const char *wrong = NULL;

    for (char *option; !wrong && (option = strsep(&rest, " \t"));)
        if (*option)
            wrong = parse_weight(option, &weight);
    if (wrong)
        return wrong;
    share->to.name = name;
    share->weight = weight < 0 ? 1 : weight;
    share->written = weight < 0 ? name : conf_arena_print(arena, "%s weight=%d", name, (int)share->weight);
    return NULL;
}

static const char *parse_split_key(struct conf_arena *arena, const char *text, void *out)
{
    static const struct {
        const char *word;
        enum conf_split_by by;
    } words[] = {
        {"request", CONF_SPLIT_REQUEST},
        {"source", CONF_SPLIT_SOURCE},
        {"header:", CONF_SPLIT_HEADER},
        {"cookie:", CONF_SPLIT_COOKIE},
    };
    struct conf_split_key *key = out;

    (void)arena;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = strlen(words[i].word);
        bool named = words[i].word[n - 1] == ':';

        if (named ? strncmp(text, words[i].word, n) : strcmp(text, words[i].word))
            continue;
        key->by = words[i].by;
        key->name = named ? text + n : NULL;
        if (named && !text[n])
            return "has no name behind its ':'";
        return named && text[n + strcspn(text + n, " \t,;=:\"")] ? "has a character that no such name has"
                                                                 : NULL;
    }
    return "is not known";
}

/* ---- shares of one route or listener ---- */

static void check_split(struct conf_loader *l, const char *title, struct conf_split *split)
{
    for (size_t i = 0; i < split->share_count; i++) {
        const struct conf_share *share = &split->shares[i];

        split->total += share->weight;
        for (size_t j = 0; share->to.name && j < i && l->errors->count < CONF_ERRORS_KEPT; j++)
            if (split->shares[j].to.name && !strcmp(split->shares[j].to.name, share->to.name)) {
                conf_error(l->errors, share->origin, title, "upstream", "'%s' has a share already",
                           share->to.name);
                break;
            }
    }
    if (split->share_count && split->total == 0 && l->errors->errors == 0)
        conf_error(l->errors, split->shares[0].origin, title, "upstream",
                   "all weights are 0, so no upstream would get anything");
    if (split->by.written && split->share_count < 2)
        conf_warning(l->errors, split->by.origin, title, "split_by",
                     "the key means nothing without several upstreams");
}

void conf_check_splits(struct conf_loader *l)
{
    for (size_t i = 0; i < l->conf->listener_count; i++) {
        struct conf_listener *listener = &l->conf->listeners[i];

        check_split(l, conf_arena_print(&l->arena, "listener %s", listener->name), &listener->split);
    }
    for (size_t i = 0; i < l->conf->route_count; i++) {
        struct conf_route *route = &l->conf->routes[i];

        check_split(l, conf_arena_print(&l->arena, "route %s", route->name), &route->split);
    }
}

const struct conf_syntax conf_share_syntax = {
    .allowed = "the name of an upstream, or several with their shares: NAME weight=90, NAME weight=10",
    .separators = ",",
    .size = sizeof(struct conf_share),
    .upstream = 1 + offsetof(struct conf_share, to),
    .parse = parse_share,
};

const struct conf_syntax conf_split_key_syntax = {
    .allowed = "request, source, header:NAME or cookie:NAME",
    .separators = "",
    .size = sizeof(struct conf_split_key),
    .parse = parse_split_key,
};
