/* Values about automatic certificates, and which names they are for. */
#include "address.h"
#include "arena.h"
#include "load.h"
#include "loader.h"
#include "syntax.h"
#include "value.h"

#include <ctype.h>
#include <string.h>

#define DIRECTORY "https://acme-v02.api.letsencrypt.org/directory"
#define STORAGE   "/var/lib/greenway/acme"

/* ---- values ---- */

static const char *parse_email(struct conf_arena *arena, const char *text, void *out)
{
    const char *at = strchr(text, '@');
    (void)arena;
    (void)out;
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~' || strchr("\"<>,\\", *p))
            return "is no address of mail";
    return !at || at == text || !at[1] || strchr(at + 1, '@') ? "is no address of mail" : NULL;
}

const struct conf_syntax conf_email_syntax = {
    .allowed = "an address of mail",
    .separators = "",
    .size = sizeof(struct conf_written),
    .parse = parse_email,
};

static const char *parse_https(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    (void)out;
    if (strncmp(text, "https://", 8) != 0 || !text[8])
        return "is no URL that begins with https://";
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~')
            return "has a character in it that no URL has";
    return strlen(text) > 2000 ? "is too long" : NULL;
}

const struct conf_syntax conf_https_syntax = {
    .allowed = "a URL that begins with https://",
    .separators = "",
    .size = sizeof(struct conf_written),
    .parse = parse_https,
};

static const char *parse_binding(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_acme_binding *binding = out;
    char *rest = conf_arena_copy(arena, text, strlen(text));
    binding->id = strsep(&rest, " \t");
    binding->key = rest ? rest + strspn(rest, " \t") : "";
    size_t n = strspn(binding->key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    if (n < 22 || binding->key[n] || n > 1000)
        return "does not consist of an identifier and a key of 16 bytes or more in base64url";
    return NULL;
}

const struct conf_syntax conf_acme_binding_syntax = {
    .allowed = "IDENTIFIER KEY, as the authority gave them out",
    .separators = "",
    .size = sizeof(struct conf_acme_binding),
    .secret = true,
    .parse = parse_binding,
};

static const char *why_not(const char *name)
{
    const char *last = strrchr(name, '.');
    if (!last || !strcmp(name, "localhost"))
        return "is no name that an authority can look up; it needs a domain";
    return last[1] >= '0' && last[1] <= '9' ? "is an address, which certificates of this kind are not for"
                                            : NULL;
}

static const char *parse_acme_name(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_acme_name *name = out;
    char *lower = conf_arena_copy(arena, text, strlen(text));
    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    name->name = lower;
    if (text[0] == '*')
        return "is a wildcard, which this way of proving who one is cannot get certificates for";
    const char *wrong = strchr(text, ':') ? "is no host name" : conf_host_name_check(lower, strlen(lower));
    return wrong ? wrong : why_not(lower);
}

const struct conf_syntax conf_acme_name_syntax = {
    .allowed = "host names",
    .separators = ", \t",
    .size = sizeof(struct conf_acme_name),
    .parse = parse_acme_name,
};

/* ---- together ---- */

static bool leads_here(const struct conf_route *route, const struct conf_listener *listener)
{
    for (size_t i = 0; i < route->listener_count; i++)
        if (route->listeners[i] == listener)
            return true;
    return !route->listener_count;
}

static bool known(const struct conf_acme_listener *acme, const char *name)
{
    for (size_t i = 0; i < acme->name_count; i++)
        if (!strcmp(acme->names[i].name, name))
            return true;
    return false;
}

/* The hosts of routes, where no names were written down. */
static void take_from_routes(struct conf_loader *l, struct conf_listener *listener)
{
    struct conf_acme_listener *acme = &listener->acme;
    for (size_t i = 0; i < l->conf->route_count; i++) {
        const struct conf_route *route = &l->conf->routes[i];
        for (size_t k = 0; leads_here(route, listener) && k < route->match.host_count; k++) {
            const struct conf_host *host = &route->match.hosts[k];
            if (host->wildcard || host->regex || host->text[0] == '[' || why_not(host->text) ||
                known(acme, host->text))
                continue;
            acme->names = conf_arena_extend(&l->arena, acme->names, acme->name_count, sizeof *acme->names);
            acme->names[acme->name_count++] =
                (struct conf_acme_name){.origin = host->origin, .written = host->written, .name = host->text};
        }
    }
}

void conf_check_acme(struct conf_loader *l)
{
    struct conf *conf = l->conf;
    if (!conf->acme.directory.written)
        conf->acme.directory.written = DIRECTORY;
    if (!conf->acme.storage.written)
        conf->acme.storage.written = STORAGE;
    for (size_t i = 0; i < conf->listener_count; i++) {
        struct conf_listener *listener = &conf->listeners[i];
        struct conf_acme_listener *acme = &listener->acme;
        const char *section = conf_arena_print(&l->arena, "listener %s", listener->name);
        acme->process = &conf->acme;
        if (!acme->on) {
            if (acme->name_count)
                conf_warning(l->errors, acme->names[0].origin, section, "acme_names",
                             "no certificates are fetched for them; set acme to on");
            continue;
        }
        if (!acme->name_count)
            take_from_routes(l, listener);
        if (!acme->name_count && !l->incomplete)
            conf_error(l->errors, conf_listener_origin(listener, "acme"), section, "acme",
                       "there is no name to get a certificate for; set acme_names, or host in a route");
    }
}
