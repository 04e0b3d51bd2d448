/* Reading the Range field (range.h). */
#include "range.h"

#include <errno.h>
#include <stdlib.h>

#define SPECS_MAX 64 /* those that cannot be satisfied included */
#define GAP       80 /* what a part of a multipart answer costs at least, its boundary and fields */

/* Digits at the start of *s; one that no uint64_t holds is as far as any can be. */
static bool take_number(struct span *s, uint64_t *out)
{
    size_t n = 0;
    uint64_t value = 0;

    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        unsigned digit = (unsigned)(s->p[n] - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *out = value;
    s->p += n;
    s->n -= n;
    return n > 0;
}

/* first-last, first- or -suffix. 1: *out is set; 0: it cannot be satisfied; -EINVAL. */
static int parse_spec(struct span spec, uint64_t size, struct http_range *out)
{
    uint64_t first = 0, last = UINT64_MAX;
    bool has_first = take_number(&spec, &first);

    if (!spec.n || spec.p[0] != '-')
        return -EINVAL;
    spec.p++;
    spec.n--;
    bool has_last = take_number(&spec, &last);
    if (spec.n || (!has_first && !has_last) || (has_first && has_last && last < first))
        return -EINVAL;
    if (!has_first) { /* the last so many bytes */
        out->length = last < size ? last : size;
        out->first = size - out->length;
        return out->length > 0;
    }
    if (first >= size)
        return 0;
    if (!has_last || last >= size)
        last = size - 1;
    *out = (struct http_range){first, last - first + 1};
    return 1;
}

static bool close_together(const struct http_range *a, const struct http_range *b)
{
    if (a->first > b->first)
        return close_together(b, a);
    return b->first < a->first + a->length || b->first - (a->first + a->length) < GAP;
}

static bool any_close(const struct http_ranges *r)
{
    for (unsigned i = 1; i < r->count; i++)
        for (unsigned j = 0; j < i; j++)
            if (close_together(&r->list[i], &r->list[j]))
                return true;
    return false;
}

static int by_first(const void *a, const void *b)
{
    const struct http_range *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

static void merge(struct http_ranges *r)
{
    unsigned n = 0;

    qsort(r->list, r->count, sizeof(r->list[0]), by_first);
    for (unsigned i = 1; i < r->count; i++) {
        struct http_range *last = &r->list[n], *next = &r->list[i];
        if (!close_together(last, next)) {
            r->list[++n] = *next;
            continue;
        }
        uint64_t end = next->first + next->length;
        if (end > last->first + last->length)
            last->length = end - last->first;
    }
    r->count = n + 1;
}

int http_ranges_parse(struct span value, uint64_t size, struct http_ranges *out)
{
    struct span spec;
    unsigned specs = 0;

    out->count = 0;
    if (!span_starts_nocase(value, SPAN("bytes=")))
        return 0;
    value = span_of(value.p + 6, value.n - 6);
    while (span_next_element(&value, &spec)) {
        struct http_range range;
        int r = parse_spec(spec, size, &range);

        if (r < 0 || ++specs > SPECS_MAX || (r > 0 && out->count == HTTP_RANGES_MAX))
            return 0;
        if (r > 0)
            out->list[out->count++] = range;
    }
    if (!specs || !size)
        return 0;
    if (!out->count)
        return -ERANGE;
    if (any_close(out))
        merge(out);
    return (int)out->count;
}
