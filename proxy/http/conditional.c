/* The If-* fields (conditional.h). */
#include "conditional.h"

#include "date.h"

/* --- entity-tags --- */

/* Takes [W/]"..." off the list. */
static bool take_etag(struct span *list, bool *weak, struct span *etag)
{
    const char *end = list->p + list->n, *p = list->p;

    *weak = list->n > 2 && p[0] == 'W' && p[1] == '/';
    p += *weak ? 2 : 0;
    const char *start = p;
    if (p == end || *p++ != '"')
        return false;
    while (p < end && *p != '"' && (unsigned char)*p > ' ' && *p != 0x7f)
        p++;
    if (p == end || *p++ != '"')
        return false;
    *etag = span_of(start, (size_t)(p - start));
    *list = span_of(p, (size_t)(end - p));
    return true;
}

static void skip(struct span *s, const char *set)
{
    while (s->n && strchr(set, s->p[0]))
        s->p++, s->n--;
}

bool http_etag_listed(struct span list, struct span etag, bool weak)
{
    if (span_equal(span_trim(list), SPAN("*")))
        return true;
    for (skip(&list, ", \t"); list.n; skip(&list, ", \t")) {
        struct span one;
        bool one_weak;

        if (!take_etag(&list, &one_weak, &one))
            return false;
        if (span_equal(one, etag) && (weak || !one_weak))
            return true;
        skip(&list, " \t");
        if (list.n && list.p[0] != ',')
            return false;
    }
    return false;
}

/* --- the fields --- */

/* Those of a request: the lists may come on several lines, a date or If-Range that does is no good. */
struct conditions {
    unsigned match, none_match, modified, unmodified, range; /* lines of each */
    bool match_listed, none_match_listed;
    struct span modified_since, unmodified_since, if_range;
};

static void collect(const struct http_head *request, const struct http_validators *is, struct conditions *c)
{
    *c = (struct conditions){0};
    for (unsigned i = 0; i < request->count; i++) {
        const struct http_field *f = &request->fields[i];

        if (f->id != HTTP_F_OTHER || !span_starts_nocase(f->name, SPAN("if-")))
            continue;
        if (span_equal_nocase(f->name, SPAN("if-match"))) {
            c->match++;
            c->match_listed |= http_etag_listed(f->value, is->etag, false);
        } else if (span_equal_nocase(f->name, SPAN("if-none-match"))) {
            c->none_match++;
            c->none_match_listed |= http_etag_listed(f->value, is->etag, true);
        } else if (span_equal_nocase(f->name, SPAN("if-modified-since"))) {
            c->modified++;
            c->modified_since = f->value;
        } else if (span_equal_nocase(f->name, SPAN("if-unmodified-since"))) {
            c->unmodified++;
            c->unmodified_since = f->value;
        } else if (span_equal_nocase(f->name, SPAN("if-range"))) {
            c->range++;
            c->if_range = f->value;
        }
    }
}

enum http_precondition http_preconditions(const struct http_head *request, const struct http_validators *is)
{
    struct conditions c;
    time_t since;

    collect(request, is, &c);
    if (c.match ? !c.match_listed
                : c.unmodified == 1 && http_date_parse(c.unmodified_since, is->now, &since) &&
                      is->modified > since)
        return HTTP_PRECONDITION_FAILED;
    if (c.none_match
            ? c.none_match_listed
            : c.modified == 1 && http_date_parse(c.modified_since, is->now, &since) && is->modified <= since)
        return HTTP_PRECONDITION_NOT_MODIFIED;
    return HTTP_PRECONDITION_HOLDS;
}

bool http_if_range(const struct http_head *request, const struct http_validators *is)
{
    struct conditions c;
    time_t since;

    collect(request, is, &c);
    if (!c.range)
        return true;
    if (c.range > 1)
        return false;
    if (span_equal(c.if_range, is->etag)) /* a weak one never is */
        return true;
    /* A date is a strong validator only once a second has passed in which the file could have changed again. */
    return http_date_parse(c.if_range, is->now, &since) && since == is->modified && is->now - since > 1;
}
