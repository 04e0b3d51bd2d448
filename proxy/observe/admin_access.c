/* Tokens, cookies and hosts. */
#include "admin_access.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

bool admin_same_secret(const char *given, size_t n, const char *secret)
{
    size_t length = strlen(secret);
    volatile unsigned char differences = (unsigned char)(n != length);
    for (size_t i = 0; i < n; i++)
        differences |= (unsigned char)(given[i] ^ secret[length ? i % length : 0]);
    return !differences;
}

/* --- cookies ------------------------------------------------------------------------------------------------------ */

const char *admin_find_cookie(const char *field, size_t *n)
{
    const size_t name = sizeof ADMIN_COOKIE - 1;
    while (field && *field) {
        field += strspn(field, "; ");
        size_t length = strcspn(field, ";");
        if (length > name && !strncmp(field, ADMIN_COOKIE "=", name + 1)) {
            *n = length - name - 1;
            return field + name + 1;
        }
        field += length;
    }
    return NULL;
}

/* The place of the session that the request's cookie is of, or -1. All are compared in any case. */
static int find_session(const struct admin_sessions *sessions, const green_http_exchange_t *x)
{
    size_t n;
    const char *id = admin_find_cookie(green_http_field(x, "Cookie"), &n);
    int found = -1;
    for (int i = 0; id && i < ADMIN_SESSIONS; i++)
        if (sessions->list[i].ends > green_now() && admin_same_secret(id, n, sessions->list[i].id))
            found = i;
    return found;
}

int admin_session_begin(struct admin_sessions *sessions, const char **id)
{
    unsigned char bytes[ADMIN_SESSION_BYTES];
    int place = 0;
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return errno ? -errno : -EIO;
    for (int i = 1; i < ADMIN_SESSIONS; i++) /* a free one, or that which would end first */
        if (sessions->list[i].ends < sessions->list[place].ends)
            place = i;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(sessions->list[place].id + 2 * i, 3, "%02x", bytes[i]);
    sessions->list[place].ends = green_in(ADMIN_SESSION_LENGTH);
    *id = sessions->list[place].id;
    return 0;
}

void admin_session_end(struct admin_sessions *sessions, const green_http_exchange_t *x)
{
    int i = find_session(sessions, x);
    if (i >= 0)
        sessions->list[i].ends = 0;
}

bool admin_has_token(const struct admin_sessions *sessions, const char *token, const green_http_exchange_t *x)
{
    const char *authorization = green_http_field(x, "Authorization");
    if (authorization && !strncasecmp(authorization, "Bearer ", 7)) {
        const char *given = authorization + 7 + strspn(authorization + 7, " ");
        return admin_same_secret(given, strlen(given), token);
    }
    return find_session(sessions, x) >= 0;
}

/* --- hosts and sites ---------------------------------------------------------------------------------------------- */

bool admin_host_good(const char *host)
{
    char name[GREEN_ADDRESS_TEXT];
    green_address_t address;
    if (!host || !*host) /* HTTP/1.0, or a unix socket's client: no browser */
        return true;
    size_t n = *host == '[' ? strcspn(host, "]") : strcspn(host, ":");
    const char *begin = *host == '[' ? host + 1 : host;
    n -= (size_t)(begin - host);
    if (n >= sizeof name)
        return false;
    memcpy(name, begin, n);
    name[n] = 0;
    return !strcasecmp(name, "localhost") ||
           (green_address_parse(&address, name, 0) == 0 && address.any.sa_family != AF_UNIX);
}

bool admin_same_site(const green_http_exchange_t *x)
{
    const char *origin = green_http_field(x, "Origin"), *host = green_http_host(x);
    if (!origin)
        return true;
    const char *name = strstr(origin, "://");
    return name && host && !strcasecmp(name + 3, host);
}

/* --- forms -------------------------------------------------------------------------------------------------------- */

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

static int decode(const char *text, size_t n, char *out, size_t room)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i] == '+' ? ' ' : text[i];
        if (at + 1 >= room)
            return -1;
        if (c == '%') {
            if (i + 2 >= n || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
                return -1;
            c = (char)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
            i += 2;
        }
        if (!c)
            return -1;
        out[at++] = c;
    }
    out[at] = 0;
    return (int)at;
}

int admin_form_value(const char *form, const char *name, char *out, size_t room)
{
    size_t name_n = strlen(name);
    while (*form) {
        size_t n = strcspn(form, "&");
        if (n > name_n && !strncmp(form, name, name_n) && form[name_n] == '=')
            return decode(form + name_n + 1, n - name_n - 1, out, room);
        form += n + (form[n] == '&');
    }
    return -1;
}
