/*
 * "set NAME VALUE", "add NAME VALUE" and "remove NAME", for requests and for answers.
 */
#include "conf.h"

#include <string.h>
#include <strings.h>

#include "loader.h"
#include "syntax.h"
#include "value.h"

bool conf_header_reserved(const char *name)
{
    static const char *const reserved[] = {
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    };

    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (!strcasecmp(name, reserved[i]))
            return true;
    return false;
}

/* The next word of a line, and the line behind it. */
static const char *next_word(struct conf_arena *arena, const char **rest)
{
    const char *p = *rest;
    size_t n = strcspn(p, " \t");

    *rest = p + n + strspn(p + n, " \t");
    return conf_arena_copy(arena, p, n);
}

static const char *parse_op(const char *word, struct conf_header_rule *rule)
{
    static const char *const ops[] = {
        [CONF_HEADER_SET] = "set", [CONF_HEADER_ADD] = "add", [CONF_HEADER_REMOVE] = "remove"};

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (!strcmp(word, ops[i])) {
            rule->op = (enum conf_header_op)i;
            return NULL;
        }
    return "does not say first what to do";
}

static const char *parse_name(struct conf_arena *arena, const char *name)
{
    size_t n = strlen(name);

    if (!n)
        return "names no field";
    if (name[n - 1] == ':')
        return "has a ':' behind the name; write the value right behind it, without one";
    if (!conf_is_token(name))
        return conf_arena_print(arena, "has '%s', which has a character that no name of a field has", name);
    if (!strcasecmp(name, "host"))
        return "is about Host, which says where a request goes; set upstream_host for that";
    if (conf_header_reserved(name))
        return conf_arena_print(
            arena, "is about %s, which the proxy writes itself: messages end and connections live by it",
            name);
    return NULL;
}

static const char *parse(struct conf_arena *arena, const char *text, unsigned scope,
                         struct conf_header_rule *rule)
{
    const char *rest = text, *wrong = parse_op(next_word(arena, &rest), rule);

    if (wrong)
        return wrong;
    rule->name = next_word(arena, &rest);
    if ((wrong = parse_name(arena, rule->name)))
        return wrong;
    if (rule->op == CONF_HEADER_REMOVE)
        return *rest ? "has something behind the name of a field to remove" : NULL;
    if (!*rest)
        return "has no value; write remove to be rid of the field";
    return conf_template_parse(arena, rest, scope, &rule->value);
}

static const char *parse_request(struct conf_arena *arena, const char *text, void *out)
{
    return parse(arena, text, 0, out);
}

static const char *parse_response(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_header_rule *rule = out;
    const char *rest = text;

    rule->always = !strcmp(next_word(arena, &rest), "always");
    return parse(arena, rule->always ? rest : text, CONF_KNOWS_SERVER | CONF_KNOWS_STATUS, rule);
}

static const char *parse_host(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_upstream_host *host = out;

    if (strpbrk(text, " \t/@?#"))
        return "has a character that no host and port has";
    return conf_template_parse(arena, text, CONF_KNOWS_SERVER, &host->value);
}

const struct conf_syntax conf_upstream_host_syntax = {
    .allowed = "HOST or HOST:PORT, which may have variables in it",
    .separators = "",
    .size = sizeof(struct conf_upstream_host),
    .variables = true,
    .parse = parse_host,
};

const struct conf_syntax conf_request_header_syntax = {
    .allowed = "set NAME VALUE, add NAME VALUE or remove NAME",
    .separators = "",
    .size = sizeof(struct conf_header_rule),
    .variables = true,
    .parse = parse_request,
};

const struct conf_syntax conf_response_header_syntax = {
    .allowed = "set NAME VALUE, add NAME VALUE or remove NAME, each perhaps with always before it",
    .separators = "",
    .size = sizeof(struct conf_header_rule),
    .variables = true,
    .parse = parse_response,
};

static void check_list(struct conf_loader *l, enum conf_kind kind, const char *name, const char *key,
                       const struct conf_header_rule *rules, size_t count)
{
    if (count > CONF_HEADER_RULES_MAX)
        conf_error(l->errors, rules[CONF_HEADER_RULES_MAX].origin,
                   conf_arena_print(&l->arena, "%s %s", conf_kinds[kind].name, name), key,
                   "there are %zu of them, and a section may have %d", count, CONF_HEADER_RULES_MAX);
}

static void check_rules(struct conf_loader *l, enum conf_kind kind, const char *name,
                        const struct conf_header_rules *rules)
{
    check_list(l, kind, name, "request_header", rules->request, rules->request_count);
    check_list(l, kind, name, "response_header", rules->response, rules->response_count);
}

void conf_check_header_rules(struct conf_loader *l)
{
    for (size_t i = 0; i < l->conf->listener_count; i++)
        check_rules(l, CONF_LISTENER, l->conf->listeners[i].name, &l->conf->listeners[i].headers);
    for (size_t i = 0; i < l->conf->route_count; i++)
        check_rules(l, CONF_ROUTE, l->conf->routes[i].name, &l->conf->routes[i].headers);
}
