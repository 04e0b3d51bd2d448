/* URLs: the parts and their grammar, and references relative to another URL. */
#include "../core/internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fields.h"
#include "url.h"

/* --- grammar ----------------------------------------------------------------------------------------------------- */

static bool escapes_valid(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == '%' && (n - i < 3 || !http_is(p[i + 1], HTTP_HEX) || !http_is(p[i + 2], HTTP_HEX)))
            return false;
    return true;
}

bool green__http_path(const char *p, size_t n)
{
    return n && p[0] == '/' && http_all(p, n, HTTP_PATH) && escapes_valid(p, n);
}

bool green__http_query(const char *p, size_t n)
{
    return http_all(p, n, HTTP_TARGET) && escapes_valid(p, n);
}

static bool literal_valid(const char *p, size_t n)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (n < 2 || n - 2 >= sizeof text || p[n - 1] != ']')
        return false;
    memcpy(text, p + 1, n - 2);
    text[n - 2] = 0;
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* What looks like an IPv4 address must be one: resolvers disagree about "1.2.3" and "010.0.0.1". */
static bool name_valid(const char *p, size_t n)
{
    char text[GREEN_HTTP_HOST_SIZE];
    struct in_addr address;
    if (!n || n >= sizeof text || !http_all(p, n, HTTP_HOST))
        return false;
    memcpy(text, p, n);
    text[n] = 0;
    const char *label = strrchr(text, '.');
    label = label ? label + 1 : text;
    if (!*label || label[strspn(label, "0123456789")])
        return true;
    return inet_pton(AF_INET, text, &address) == 1;
}

bool green__http_authority(const char *p, size_t n, size_t *host_n, int *port)
{
    const char *end = p + n, *host_end = n && p[0] == '[' ? memchr(p, ']', n) : memchr(p, ':', n);
    if (n && p[0] == '[' && host_end)
        host_end++;
    if (!host_end)
        host_end = end;
    *host_n = (size_t)(host_end - p);
    *port = -1;
    if (host_end < end) {
        unsigned long long number;
        if (*host_end != ':' || end - host_end > 6 ||
            !green__http_decimal(host_end + 1, (size_t)(end - host_end - 1), &number) || number > 65535)
            return false;
        *port = (int)number;
    }
    return n && p[0] == '[' ? literal_valid(p, *host_n) : name_valid(p, *host_n);
}

/* --- absolute URLs ----------------------------------------------------------------------------------------------- */

static int set_target(green_http_url_t *out, const char *p, size_t n)
{
    size_t skip = n && p[0] == '/' ? 0 : 1;
    if (n + skip >= sizeof out->target)
        return -ENAMETOOLONG;
    memmove(out->target + skip, p, n);
    out->target[0] = '/';
    out->target[n + skip] = 0;
    size_t path = strcspn(out->target, "?");
    return green__http_path(out->target, path) &&
                   green__http_query(out->target + path, strlen(out->target + path))
               ? 0
               : -EINVAL;
}

/* "host[:port][/path][?query]", after the two slashes. */
static int parse_rest(green_http_url_t *out, const char *text)
{
    size_t n = strcspn(text, "/?#"), host_n;
    int port;
    if (!green__http_authority(text, n, &host_n, &port) || port == 0)
        return -EINVAL;
    const char *host = text;
    if (host[0] == '[') {
        host++;
        host_n -= 2;
    }
    for (size_t i = 0; i < host_n; i++)
        out->host[i] = (char)tolower((unsigned char)host[i]);
    out->host[host_n] = 0;
    out->port = port > 0 ? port : out->secure ? 443 : 80;
    text += n;
    return set_target(out, text, strcspn(text, "#"));
}

int green_http_url_parse(green_http_url_t *out, const char *text)
{
    out->secure = !strncasecmp(text, "https://", 8);
    if (!out->secure && strncasecmp(text, "http://", 7) != 0)
        return -EINVAL;
    return parse_rest(out, text + (out->secure ? 8 : 7));
}

/* --- references -------------------------------------------------------------------------------------------------- */

static bool has_scheme(const char *reference)
{
    size_t n = strcspn(reference, ":/?#");
    return reference[n] == ':';
}

/* The last segment of the path before p goes. */
static char *drop_segment(char *start, char *p)
{
    while (p > start && *--p != '/')
        ;
    return p;
}

/* RFC 3986 section 5.2.4: "." and ".." segments of the path take effect. In place. */
static void remove_dots(char *target)
{
    char *in = target, *out = target, *end = target + strcspn(target, "?");
    while (in < end) { /* at a '/' */
        size_t n = 1;
        while (in + n < end && in[n] != '/')
            n++;
        bool last = in + n == end, one = n == 2 && in[1] == '.', two = n == 3 && in[1] == '.' && in[2] == '.';
        if (two)
            out = drop_segment(target, out);
        if (one || two) {
            if (last)
                *out++ = '/';
        } else {
            memmove(out, in, n);
            out += n;
        }
        in += n;
    }
    memmove(out, end, strlen(end) + 1);
}

/* How much of the base's target stays before a reference that begins like this. */
static size_t kept(const char *target, char first)
{
    size_t path = strcspn(target, "?");
    if (first == '/')
        return 0;
    if (first == '?')
        return path;
    if (!first)
        return strlen(target);
    while (target[path - 1] != '/')
        path--;
    return path;
}

int green_http_url_resolve(green_http_url_t *out, const green_http_url_t *base, const char *reference)
{
    char merged[GREEN_HTTP_TARGET_SIZE];
    if (has_scheme(reference)) {
        int r = green_http_url_parse(out, reference);
        if (r == 0)
            remove_dots(out->target);
        return r;
    }
    if (out != base)
        *out = *base;
    if (!strncmp(reference, "//", 2))
        return parse_rest(out, reference + 2);
    size_t n = strcspn(reference, "#"), keep = kept(out->target, n ? reference[0] : 0);
    if (keep + n >= sizeof merged)
        return -ENAMETOOLONG;
    memcpy(merged, out->target, keep);
    memcpy(merged + keep, reference, n);
    merged[keep + n] = 0;
    int r = set_target(out, merged, keep + n);
    if (r == 0)
        remove_dots(out->target);
    return r;
}
