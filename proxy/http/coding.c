/* Reading Accept-Encoding (coding.h). */
#include "coding.h"

#define NOT_NAMED (-1)

static const struct span names[HTTP_CODINGS + 1] = {SPAN("br"), SPAN("zstd"), SPAN("gzip"), SPAN("identity")};

struct span http_coding_name(enum http_coding coding)
{
    return names[coding];
}

/* The weight behind a ';' in thousandths; one that is not well-formed counts as 0: what is offered in doubt may be more
 * than the client can read. */
static int weight(struct span parameters)
{
    struct span q = span_trim(parameters);
    int value = 0, unit = 1000;

    if (q.n < 3 || span_lower(q.p[0]) != 'q' || q.p[1] != '=' || (q.p[2] != '0' && q.p[2] != '1') ||
        q.n > 7 || (q.n > 3 && q.p[3] != '.'))
        return 0;
    for (size_t i = 2; i < q.n; i++) {
        if (i == 3)
            continue;
        if (q.p[i] < '0' || q.p[i] > '9')
            return 0;
        value += (q.p[i] - '0') * unit;
        unit /= 10;
    }
    return value <= 1000 ? value : 0;
}

static void read_element(struct span element, int *weights, int *any)
{
    const char *semicolon = memchr(element.p, ';', element.n);
    struct span name = span_trim(span_of(element.p, semicolon ? (size_t)(semicolon - element.p) : element.n));
    int value =
        semicolon ? weight(span_of(semicolon + 1, (size_t)(element.p + element.n - semicolon) - 1)) : 1000;

    if (span_equal(name, SPAN("*")))
        *any = value;
    if (span_equal_nocase(name, SPAN("x-gzip")))
        name = names[HTTP_CODING_GZIP];
    for (int i = 0; i <= HTTP_CODINGS; i++)
        if (span_equal_nocase(name, names[i]))
            weights[i] = value;
}

void http_codings_accepted(const struct http_head *request, struct http_codings *out)
{
    int weights[HTTP_CODINGS + 1] = {NOT_NAMED, NOT_NAMED, NOT_NAMED, NOT_NAMED}, any = NOT_NAMED;

    for (unsigned i = 0; i < request->count; i++) {
        struct span list = request->fields[i].value, element;
        if (request->fields[i].id == HTTP_F_ACCEPT_ENCODING)
            while (span_next_element(&list, &element))
                read_element(element, weights, &any);
    }
    *out = (struct http_codings){.count = 0};
    for (int i = 0; i < HTTP_CODINGS; i++) {
        int mine = weights[i] != NOT_NAMED ? weights[i] : any;
        unsigned at = out->count;

        if (mine <= 0 || mine < weights[HTTP_CODING_NONE])
            continue;
        weights[i] = mine;
        out->weights[i] = (uint16_t)mine;
        for (; at > 0 && weights[out->list[at - 1]] < mine; at--)
            out->list[at] = out->list[at - 1];
        out->list[at] = (enum http_coding)i;
        out->count++;
    }
}

enum http_coding http_coding_choose(const struct http_codings *accepted, const enum http_coding *offered,
                                    size_t count)
{
    enum http_coding best = HTTP_CODING_NONE;

    for (size_t i = 0; i < count; i++)
        if (offered[i] < HTTP_CODINGS &&
            accepted->weights[offered[i]] > (best == HTTP_CODING_NONE ? 0 : accepted->weights[best]))
            best = offered[i];
    return best;
}
