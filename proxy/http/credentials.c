/* Credentials in heads: credentials.h. */
#include "credentials.h"

bool http_authorization(const struct http_head *head, uint8_t field, struct span scheme,
                        struct span *credentials)
{
    const struct http_field *only = NULL;

    for (unsigned i = 0; i < head->count; i++)
        if (head->fields[i].id == field) {
            if (only)
                return false;
            only = &head->fields[i];
        }
    if (!only || !span_starts_nocase(only->value, scheme))
        return false;
    *credentials = span_of(only->value.p + scheme.n, only->value.n - scheme.n);
    if (!credentials->n || credentials->p[0] != ' ')
        return false;
    *credentials = span_trim(*credentials);
    return true;
}

/* Takes the next "name=value" off a list with semicolons. */
static bool next_cookie(struct span *list, struct span *name, struct span *value)
{
    while (list->n) {
        const char *semicolon = memchr(list->p, ';', list->n);
        size_t n = semicolon ? (size_t)(semicolon - list->p) : list->n, step = semicolon ? n + 1 : n;
        struct span pair = span_trim(span_of(list->p, n));
        const char *equals = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
        list->p += step;
        list->n -= step;
        if (!equals)
            continue;
        *name = span_trim(span_of(pair.p, (size_t)(equals - pair.p)));
        *value = span_trim(span_of(equals + 1, pair.n - (size_t)(equals - pair.p) - 1));
        return true;
    }
    return false;
}

bool http_cookie(const struct http_head *head, struct span name, struct span *value)
{
    for (unsigned i = 0; i < head->count; i++) {
        struct span list = head->fields[i].value, found;
        if (head->fields[i].id != HTTP_F_COOKIE)
            continue;
        while (next_cookie(&list, &found, value))
            if (span_equal(found, name)) {
                if (value->n >= 2 && value->p[0] == '"' && value->p[value->n - 1] == '"')
                    *value = span_of(value->p + 1, value->n - 2);
                return true;
            }
    }
    return false;
}
