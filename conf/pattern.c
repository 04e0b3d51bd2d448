/*
 * Host and path patterns. A pattern that could never match, or whose meaning one would have to guess, is
 * refused.
 */
#include "pattern.h"
#include "address.h"
#include "regexp.h"
#include "syntax.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

/* Blanks end an expression in a list, commas do not: of two with only a comma between them the second would be taken
 * for a part of the first. */
static const char *parse_regex(struct conf_arena *arena, const char *text, const struct conf_regex **regex)
{
    if (strstr(text, ",~"))
        return "has a ',' right before a '~'; put a blank behind it if another expression begins there, and "
               "write '[~]' if not";
    return conf_regex_parse(arena, text, regex);
}

static const char *parse_host_name(struct conf_arena *arena, const char *text, struct conf_host *host)
{
    char *name = conf_arena_copy(arena, text, strlen(text));
    const char *wrong;

    host->wildcard = !strncmp(name, "*.", 2);
    if (host->wildcard)
        name++;
    host->text = name;
    if (*name == '[') {
        unsigned char bytes[sizeof(struct in6_addr)];
        char canonical[INET6_ADDRSTRLEN];
        char *close = strchr(name, ']');

        if (!close)
            return "has no ']'";
        if (close[1])
            return close[1] == ':' ? "has a port; a host is matched without" : "goes on behind its ']'";
        *close = 0;
        if (inet_pton(AF_INET6, name + 1, bytes) != 1)
            return "is not an IPv6 address within its brackets";
        inet_ntop(AF_INET6, bytes, canonical, sizeof(canonical));
        host->text = conf_arena_print(arena, "[%s]", canonical);
        return NULL;
    }
    if (!strcmp(name, "*"))
        return "is every host; leave the key out for that";
    if (strchr(name, '*'))
        return "has a '*' that is not the whole first label";
    if (strchr(name, ':'))
        return "has a ':'; a host is matched without its port, and an IPv6 address stands in brackets";
    if ((wrong = conf_host_name_check(name + host->wildcard, strlen(name + host->wildcard))))
        return wrong;
    size_t n = strlen(name);

    if (name[n - 1] == '.')
        return "ends with a '.'; leave it out";
    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return NULL;
}

const char *conf_host_parse(struct conf_arena *arena, const char *text, struct conf_host *host)
{
    const char *wrong;

    host->regex = NULL;
    if (*text == '~') {
        host->text = text + 1;
        host->wildcard = false;
        wrong = parse_regex(arena, host->text, &host->regex);
    } else {
        wrong = parse_host_name(arena, text, host);
    }
    host->length = wrong ? 0 : strlen(host->text);
    return wrong;
}

static int hex(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

/* Brings %XX into the form that paths have when they are matched: in upper case, and decoded where it stands
 * for a character that needs none (RFC 3986 section 6.2.2). */
static const char *normalise(char *path)
{
    static const char digits[] = "0123456789ABCDEF";
    char *to = path;

    for (const char *p = path; *p; p++) {
        if (*p != '%') {
            *to++ = *p;
            continue;
        }
        int high = hex(p[1]), low = high < 0 ? -1 : hex(p[2]), c = high * 16 + low;

        if (low < 0)
            return "has a '%' without two hexadecimal digits behind it";
        if (c == 0 || c == '/' || c == '\\')
            return "has %00, %2F or %5C, which no request has when it is matched";
        if (isalnum(c) || strchr("-._~", c))
            *to++ = (char)c;
        else
            to = mempcpy(to, (char[]){'%', digits[high], digits[low]}, 3);
        p += 2;
    }
    *to = 0;
    return NULL;
}

static const char *check_path(const char *path)
{
    for (const char *p = path; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c >= 0x80)
            return "is not ASCII; write other characters as %XX";
        if (c == '?' || c == '#')
            return "has a '?' or '#'; only the path is matched";
        if (c == '*')
            return "has a '*' that is not its last segment";
        if (c <= ' ' || c == 0x7f || strchr("\"<>\\^`{|}", c))
            return "has a character that no path has; write it as %XX";
        if (c == '/' && p[1] == '/')
            return "has an empty segment";
        if (c == '/' && p[1] == '.') {
            const char *dots = p + 1 + strspn(p + 1, ".");

            if (dots - p <= 3 && (!*dots || *dots == '/'))
                return "has a '.' or '..' segment, which no request has when it is matched";
        }
    }
    return NULL;
}

const char *conf_path_parse(struct conf_arena *arena, const char *text, struct conf_path *path)
{
    path->regex = NULL;
    if (*text == '~') {
        path->text = text + 1;
        path->length = 0;
        path->exact = false;
        return parse_regex(arena, path->text, &path->regex);
    }
    path->exact = *text == '=';
    char *copy = conf_arena_copy(arena, text + path->exact, strlen(text + path->exact));
    const char *wrong = *copy == '/' ? normalise(copy) : "does not start with '/'";
    size_t n = strlen(copy);
    bool below = n >= 2 && !strcmp(copy + n - 2, "/*");

    if (!path->exact && below)
        copy[n -= 2] = 0;
    path->text = copy;
    path->length = n;
    if (!wrong)
        wrong = check_path(copy);
    if (!wrong && !path->exact && below && n && copy[n - 1] == '/')
        wrong = "has an empty segment";
    if (wrong || path->exact || below)
        return wrong;
    return conf_arena_print(
        arena,
        "could mean either of two things; write '%.*s/*' for it and everything below it, or '=%s' for "
        "it alone",
        (int)(copy[n - 1] == '/' ? n - 1 : n), copy, copy);
}

/* An expression takes what is found by it, and surely no more than itself of another one. */
static bool regex_covers(const struct conf_regex *a, const struct conf_regex *b, bool whole, const char *text,
                         size_t n)
{
    if (b)
        return !strcmp(conf_regex_text(a), conf_regex_text(b));
    return whole && conf_regex_find(a, text, n, NULL) > 0;
}

bool conf_host_covers(const struct conf_host *a, const struct conf_host *b)
{
    if (a->regex)
        return regex_covers(a->regex, b->regex, !b->wildcard, b->text, b->length);
    if (!a->wildcard)
        return !b->wildcard && !b->regex && !strcmp(a->text, b->text);
    if (b->regex || b->length < a->length || strcmp(b->text + b->length - a->length, a->text))
        return false;
    return b->wildcard || b->length > a->length;
}

bool conf_path_covers(const struct conf_path *a, const struct conf_path *b)
{
    bool every = !a->exact && !a->regex && !a->length;

    if (every)
        return true;
    if (a->regex)
        return regex_covers(a->regex, b->regex, b->exact, b->text, b->length);
    if (b->regex)
        return false;
    if (a->exact)
        return b->exact && a->length == b->length && !memcmp(a->text, b->text, a->length);
    if (b->length < a->length || memcmp(a->text, b->text, a->length))
        return false;
    return b->length == a->length || b->text[a->length] == '/';
}

static const char *parse_host(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_host *host = out;
    const char *wrong = conf_host_parse(arena, text, host);

    if (!wrong)
        host->written = conf_arena_print(arena, "%s%s",
                                         host->regex      ? "~"
                                         : host->wildcard ? "*"
                                                          : "",
                                         host->text);
    return wrong;
}

static const char *parse_path(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_path *path = out;
    const char *wrong = conf_path_parse(arena, text, path);

    if (!wrong)
        path->written = conf_arena_print(arena, "%s%s%s",
                                         path->regex   ? "~"
                                         : path->exact ? "="
                                                       : "",
                                         path->text, path->regex || path->exact ? "" : "/*");
    return wrong;
}

const struct conf_syntax conf_host_syntax = {
    .allowed = "a host such as example.com, *.example.com, or ~REGEX",
    .separators = ", \t",
    .size = sizeof(struct conf_host),
    .parse = parse_host,
};

const struct conf_syntax conf_path_syntax = {
    .allowed = "/PATH/* for a path and all below it, =/PATH for it alone, or ~REGEX",
    .separators = ", \t",
    .size = sizeof(struct conf_path),
    .parse = parse_path,
};
