/* Request targets and authorities (target.h). */
#include "target.h"

#include <arpa/inet.h>

#include "scan.h"

/* The value of "%XY" at p, or -1. */
static int percent_byte(const char *p, const char *end)
{
    int value = 0;

    if (end - p < 3)
        return -1;
    for (int i = 1; i <= 2; i++) {
        unsigned char c = (unsigned char)p[i];
        if (!http_is(c, HTTP_C_HEX))
            return -1;
        value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

/* Path characters only, every '%' followed by two hexadecimal digits. */
static bool path_valid(struct span path)
{
    const char *end = path.p + path.n;

    for (const char *p = path.p; p < end; p++) {
        if (!http_is((unsigned char)*p, HTTP_C_PATH))
            return false;
        if (*p == '%' && percent_byte(p, end) < 0)
            return false;
    }
    return true;
}

static bool host_name_valid(struct span host)
{
    const char *end = host.p + host.n;

    for (const char *p = host.p; p < end; p++) {
        if (*p == '%') {
            int byte = percent_byte(p, end);
            if (byte <= ' ' || byte == 0x7f)
                return false;
        } else if (!http_is((unsigned char)*p, HTTP_C_HOST) && !(http_is((unsigned char)*p, HTTP_C_HEX))) {
            return false;
        }
    }
    return host.n > 0;
}

/* "[" IPv6 address "]" */
static bool ip_literal_valid(struct span host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (host.n < 4 || host.n - 2 >= sizeof(text))
        return false;
    memcpy(text, host.p + 1, host.n - 2);
    text[host.n - 2] = '\0';
    return memchr(text, '\0', host.n - 2) == NULL && inet_pton(AF_INET6, text, &address) == 1;
}

int http_authority_parse(struct span text, struct http_authority *out)
{
    struct span host = text, port = {0};
    const char *colon;
    uint64_t number;
    bool literal = text.n && text.p[0] == '[';

    if (literal) {
        const char *close = memchr(text.p, ']', text.n);
        if (!close)
            return HTTP_E_HOST;
        host.n = (size_t)(close + 1 - text.p);
        colon = host.n < text.n ? close + 1 : NULL;
        if (colon && *colon != ':')
            return HTTP_E_HOST;
    } else {
        colon = text.n ? memchr(text.p, ':', text.n) : NULL;
        if (colon)
            host.n = (size_t)(colon - text.p);
    }
    if (colon)
        port = span_of(colon + 1, (size_t)(text.p + text.n - colon - 1));
    if (literal ? !ip_literal_valid(host) : !host_name_valid(host))
        return HTTP_E_HOST;
    out->host = host;
    out->port = -1;
    if (port.n) {
        if (port.n > 5 || !span_decimal(port, &number) || number > 65535)
            return HTTP_E_HOST;
        out->port = (int)number;
    }
    return 0;
}

bool http_authority_same(const struct http_authority *a, const struct http_authority *b, int default_port)
{
    int a_port = a->port < 0 ? default_port : a->port;
    int b_port = b->port < 0 ? default_port : b->port;
    return a_port == b_port && span_equal_nocase(a->host, b->host);
}

/* Splits path?query at the first '?'. */
static int split_path(struct span rest, struct http_target *out)
{
    const char *question = rest.n ? memchr(rest.p, '?', rest.n) : NULL;
    size_t n = question ? (size_t)(question - rest.p) : rest.n;

    out->path = span_of(rest.p, n);
    out->query = span_of(rest.p + n, rest.n - n);
    return path_valid(out->path) ? 0 : HTTP_E_TARGET;
}

static int absolute_form(struct span target, struct http_target *out)
{
    size_t scheme = span_starts_nocase(target, SPAN("http://"))    ? 4
                    : span_starts_nocase(target, SPAN("https://")) ? 5
                                                                   : 0;
    struct span rest;
    struct http_authority authority;
    size_t n = 0;

    if (!scheme)
        return HTTP_E_TARGET;
    rest = span_of(target.p + scheme + 3, target.n - scheme - 3);
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    out->form = HTTP_TARGET_ABSOLUTE;
    out->scheme = span_of(target.p, scheme);
    out->authority = span_of(rest.p, n);
    if (http_authority_parse(out->authority, &authority) < 0)
        return HTTP_E_TARGET;
    return split_path(span_of(rest.p + n, rest.n - n), out);
}

int http_target_parse(struct span target, bool options, bool connect, struct http_target *out)
{
    struct http_authority authority;

    *out = (struct http_target){.form = HTTP_TARGET_ORIGIN};
    if (target.n == 0)
        return HTTP_E_TARGET;
    if (connect) {
        out->form = HTTP_TARGET_AUTHORITY;
        out->authority = target;
        return http_authority_parse(target, &authority) == 0 && authority.port > 0 ? 0 : HTTP_E_TARGET;
    }
    if (target.p[0] == '/')
        return split_path(target, out);
    if (target.n == 1 && target.p[0] == '*') {
        out->form = HTTP_TARGET_ASTERISK;
        out->path = target;
        return options ? 0 : HTTP_E_TARGET;
    }
    return absolute_form(target, out);
}

static size_t put_percent(char *out, int byte)
{
    static const char hex[] = "0123456789ABCDEF";

    out[0] = '%';
    out[1] = hex[byte >> 4 & 15];
    out[2] = hex[byte & 15];
    return 3;
}

/*
 * Copies one segment (up to '/' or the end) with its encodings normalised. *in is moved past it; *encoded_dot
 * is set when a dot in it was encoded. Returns the length written or an error. There is room for the input's
 * length.
 */
static int copy_segment(const char **in, const char *end, unsigned flags, char *out, bool *encoded_dot)
{
    const char *p = *in;
    size_t n = 0;

    *encoded_dot = false;
    while (p < end && *p != '/') {
        int byte;
        if (*p == '\\')
            return HTTP_E_PATH_AMBIGUOUS;
        if (*p != '%') {
            out[n++] = *p++;
            continue;
        }
        byte = percent_byte(p, end);
        if (byte <= 0)
            return HTTP_E_PATH_ENCODING;
        if ((byte == '/' || byte == '\\') && !(flags & HTTP_PATH_ENCODED_SLASH))
            return HTTP_E_PATH_AMBIGUOUS;
        if (http_is((unsigned char)byte, HTTP_C_UNRESERVED))
            out[n++] = (char)byte;
        else
            n += put_percent(out + n, byte);
        *encoded_dot |= byte == '.';
        p += 3;
    }
    *in = p;
    return (int)n;
}

enum dots { NO_DOTS, ONE_DOT, TWO_DOTS, DOTS_WITH_PARAMETER };

/* Is the segment ".", "..", or one of them with a ";parameter" that some servers cut off first? */
static enum dots dot_segment(const char *segment, size_t n)
{
    size_t dots = 0;

    while (dots < n && dots < 3 && segment[dots] == '.')
        dots++;
    if (dots == 0 || dots > 2)
        return NO_DOTS;
    if (dots == n)
        return dots == 1 ? ONE_DOT : TWO_DOTS;
    if (segment[dots] == ';' || (n - dots >= 3 && memcmp(segment + dots, "%3B", 3) == 0))
        return DOTS_WITH_PARAMETER;
    return NO_DOTS;
}

int http_path_normalise(struct span path, unsigned flags, char *out, size_t cap)
{
    const char *p = path.p, *end = path.p + path.n;
    size_t n = 0;

    if (path.n == 0)
        path = SPAN("/"), p = path.p, end = p + 1;
    if (path.n > cap || path.n > INT32_MAX)
        return HTTP_E_PATH_TOO_LONG;
    if (path.p[0] != '/') {
        memcpy(out, path.p, path.n);
        return span_equal(path, SPAN("*")) ? 1 : HTTP_E_TARGET;
    }
    while (p < end) { /* at a '/': it and the segment after it */
        bool encoded_dot, last;
        size_t slash = n;
        int length;
        enum dots dots;

        p++;
        out[n++] = '/';
        length = copy_segment(&p, end, flags, out + n, &encoded_dot);
        if (length < 0)
            return length;
        last = p == end;
        dots = dot_segment(out + n, (size_t)length);
        if (dots == DOTS_WITH_PARAMETER || (dots != NO_DOTS && encoded_dot))
            return HTTP_E_PATH_AMBIGUOUS;
        if (dots == NO_DOTS) {
            n += (size_t)length;
            continue;
        }
        n = slash;
        if (dots == TWO_DOTS) {
            if (n == 0)
                return HTTP_E_PATH_CLIMBS;
            while (out[--n] != '/')
                ;
        }
        if (last) /* "/a/." and "/a/b/.." name the folder "/a/" */
            out[n++] = '/';
    }
    return (int)n;
}
