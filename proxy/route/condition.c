/*
 * Conditions: the list of a key is walked name by name. A name's conditions stand together and are alternatives; each
 * name has to have one that holds.
 */
#include "condition.h"

#include "regexp.h"

/* What a condition is about: all values of one name in the request, handed out one by one. */
struct values {
    const struct http_head *head;
    struct span query;
    char *scratch;
    bool (*next)(struct values *v, const struct conf_condition *c, struct span *value);
    /* where it is */
    size_t field;
    struct route_cookie_place cookie;
    struct span rest;
};

static bool value_fits(const struct conf_condition *c, struct span value, int *error)
{
    if (c->test == CONF_EQUAL)
        return value.n == c->value_length && !memcmp(value.p, c->value, value.n);
    if (c->test == CONF_PRESENT)
        return true;
    int r = conf_regex_find(c->regex, value.n ? value.p : "", value.n, NULL);
    if (r < 0)
        *error = r;
    return r > 0;
}

static bool holds(const struct conf_condition *c, struct values *v, int *error)
{
    struct span value;
    v->field = 0;
    v->cookie = (struct route_cookie_place){0, 0};
    v->rest = v->query;
    if (c->test == CONF_ABSENT)
        return !v->next(v, c, &value);
    while (*error == 0 && v->next(v, c, &value))
        if (value_fits(c, value, error))
            return true;
    return false;
}

static bool same_name(const struct conf_condition *a, const struct conf_condition *b)
{
    return a->name_length == b->name_length && !memcmp(a->name, b->name, a->name_length);
}

static bool all_hold(const struct conf_condition *list, size_t count, struct values *v, int *error)
{
    for (size_t i = 0; i < count;) {
        const struct conf_condition *name = &list[i];
        bool any = false;
        for (; i < count && same_name(name, &list[i]); i++)
            any = any || holds(&list[i], v, error);
        if (!any || *error < 0)
            return false;
    }
    return true;
}

/* --- header fields ----------------------------------------------------------------------------------- */

static bool next_header(struct values *v, const struct conf_condition *c, struct span *value)
{
    while (v->field < v->head->count) {
        const struct http_field *f = &v->head->fields[v->field++];
        if (f->name.n == c->name_length && span_equal_nocase(f->name, span_of(c->name, c->name_length))) {
            *value = f->value;
            return true;
        }
    }
    return false;
}

bool route_headers_hold(const struct conf_match *match, const struct http_head *head, int *error)
{
    struct values v = {.head = head, .next = next_header};
    return all_hold(match->headers, match->header_count, &v, error);
}

/* --- query parameters ---------------------------------------------------------------------------------- */

static int hex(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

struct span route_query_decode(struct span text, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int high, low;
        if (text.p[i] == '%' && text.n - i > 2 && (high = hex(text.p[i + 1])) >= 0 &&
            (low = hex(text.p[i + 2])) >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = text.p[i] == '+' ? ' ' : text.p[i];
        }
    }
    return span_of(out, n);
}

static bool next_parameter(struct values *v, const struct conf_condition *c, struct span *value)
{
    while (v->rest.n) { /* at the '?' or '&' before a parameter */
        const char *p = v->rest.p + 1, *end = memchr(p, '&', v->rest.n - 1);
        size_t n = end ? (size_t)(end - p) : v->rest.n - 1;
        const char *equals = memchr(p, '=', n);
        size_t name = equals ? (size_t)(equals - p) : n;
        v->rest = span_of(p + n, v->rest.n - 1 - n);
        if (name < c->name_length ||
            !span_equal(route_query_decode(span_of(p, name), v->scratch), span_of(c->name, c->name_length)))
            continue;
        *value = equals ? route_query_decode(span_of(equals + 1, n - name - 1), v->scratch) : span_of("", 0);
        return true;
    }
    return false;
}

bool route_queries_hold(const struct conf_match *match, struct span query, char *scratch, int *error)
{
    struct values v = {.query = query, .scratch = scratch, .next = next_parameter};
    return all_hold(match->queries, match->query_count, &v, error);
}

/* --- cookies ------------------------------------------------------------------------------------------- */

static struct span unquoted(struct span value)
{
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        return span_of(value.p + 1, value.n - 2);
    return value;
}

bool route_next_cookie(const struct http_head *head, struct route_cookie_place *at,
                       struct route_cookie *cookie)
{
    for (; at->field < head->count; at->field++, at->byte = 0) {
        const struct http_field *f = &head->fields[at->field];
        while (f->id == HTTP_F_COOKIE && at->byte < f->value.n) {
            const char *p = f->value.p + at->byte, *end = memchr(p, ';', f->value.n - at->byte);
            size_t n = end ? (size_t)(end - p) : f->value.n - at->byte;
            const char *equals = memchr(p, '=', n);
            at->byte += n + (end != NULL);
            if (!equals)
                continue;
            cookie->name = span_trim(span_of(p, (size_t)(equals - p)));
            cookie->value = unquoted(span_trim(span_of(equals + 1, n - (size_t)(equals - p) - 1)));
            return true;
        }
    }
    return false;
}

static bool next_cookie(struct values *v, const struct conf_condition *c, struct span *value)
{
    struct route_cookie cookie;
    while (route_next_cookie(v->head, &v->cookie, &cookie))
        if (span_equal(cookie.name, span_of(c->name, c->name_length))) {
            *value = cookie.value;
            return true;
        }
    return false;
}

bool route_cookies_hold(const struct conf_match *match, const struct http_head *head, int *error)
{
    struct values v = {.head = head, .next = next_cookie};
    return all_hold(match->cookies, match->cookie_count, &v, error);
}
