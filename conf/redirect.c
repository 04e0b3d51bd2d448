/*
 * "308 https://www.example.com${uri}": where a redirect leads. Nothing in a request may make it lead to a host that the
 * configuration does not mean (an open redirect), so what may stand at the start and within the host is looked at.
 */
#include "conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "syntax.h"

static bool is_path(const struct conf_part *part)
{
    return part->variable == CONF_V_URI || part->variable == CONF_V_PATH;
}

static bool is_host(const struct conf_part *part)
{
    return part->variable == CONF_V_HOST || part->variable == CONF_V_AUTHORITY ||
           part->variable == CONF_V_PORT;
}

/* Values that come percent-encoded, so that nothing in them can end a host. */
static bool is_harmless(const struct conf_part *part)
{
    return part->variable >= CONF_V_CLIENT && part->variable <= CONF_V_COOKIE_NAMED;
}

/* The host from `text` of part i on, up to the '/', '?' or '#' behind it or to the end. */
static const char *check_host(const struct conf_template *t, size_t i, const char *text)
{
    bool any = false;

    for (;;) {
        if (strpbrk(text, "/?#"))
            return any || !strchr("/?#", *text) ? NULL : "has no host";
        any |= *text != 0;
        if (++i == t->count || is_path(&t->parts[i]))
            return any ? NULL : "has no host";
        const struct conf_part *part = &t->parts[i], *next = i + 1 < t->count ? part + 1 : NULL;

        any = true;
        text = "";
        if (part->variable == CONF_V_TEXT) {
            text = part->text;
            continue;
        }
        if (!is_host(part) &&
            !(is_harmless(part) && next && next->variable == CONF_V_TEXT && *next->text == '.'))
            return "lets what a client sends choose the host, or go on with it; there must be a '/' before "
                   "that "
                   "variable, or a '.' and the rest of the host behind it";
    }
}

static const char *check_start(const struct conf_template *t, bool *local)
{
    const struct conf_part *first = &t->parts[0];
    const char *text = first->variable == CONF_V_TEXT ? first->text : "";
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");

    *local = is_path(first) || (*text == '/' && text[1] != '/');
    if (*local)
        return NULL;
    if (!strncmp(text, "//", 2))
        return check_host(t, 0, text + 2);
    if (islower((unsigned char)*text) && !strncmp(text + scheme, "://", 3))
        return check_host(t, 0, text + scheme + 3);
    if (first->variable == CONF_V_SCHEME && t->count > 1 && t->parts[1].variable == CONF_V_TEXT &&
        !strncmp(t->parts[1].text, "://", 3))
        return check_host(t, 1, t->parts[1].text + 3);
    return "leads nowhere: a URL begins with https://HOST, ${scheme}://HOST, '/', ${uri} or ${path}";
}

static const char *check_text(const struct conf_template *t)
{
    for (size_t i = 0; i < t->count; i++)
        for (const char *p = t->parts[i].variable == CONF_V_TEXT ? t->parts[i].text : ""; *p; p++)
            if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}", *p))
                return "has a character that no URL has; write it as %XX";
    return NULL;
}

static const char *parse(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_redirect *redirect = out;
    char *end;
    long status = strtol(text, &end, 10);
    const char *wrong, *url = end + strspn(end, " \t");

    if (end == text || url == end)
        return "does not begin with a status and a blank";
    if (status < 301 || status > 308 || (status > 303 && status < 307))
        return "has a status that is no redirect";
    redirect->status = (int)status;
    if ((wrong = conf_template_parse(arena, url, 0, &redirect->location)) ||
        (wrong = check_text(&redirect->location)))
        return wrong;
    return redirect->location.count ? check_start(&redirect->location, &redirect->local) : "has no URL";
}

const struct conf_syntax conf_redirect_syntax = {
    .allowed = "301, 302, 303, 307 or 308 and a URL, which may have variables in it",
    .separators = "",
    .size = sizeof(struct conf_redirect),
    .variables = true,
    .parse = parse,
};
