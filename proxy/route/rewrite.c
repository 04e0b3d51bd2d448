/* Rewriting paths (rewrite.h). */
#include "rewrite.h"

#include <errno.h>

#include "http/target.h"
#include "regexp.h"

/* Of several slashes at the start one stays: a server might read a host out of two. */
static struct span strip(const struct conf_prefix *prefix, struct span path)
{
    size_t n = prefix->length;
    if (path.n < n || memcmp(path.p, prefix->written, n) != 0 || (path.n > n && path.p[n] != '/'))
        return path;
    path = span_of(path.p + n, path.n - n);
    while (path.n > 1 && path.p[1] == '/')
        path = span_of(path.p + 1, path.n - 1);
    return path.n ? path : SPAN("/");
}

static int join(struct span a, struct span b, struct memory *memory, struct span *out)
{
    if (a.n + b.n > MEMORY_MOST)
        return -EMSGSIZE;
    char *text = memory_take(memory, a.n + b.n);
    if (!text)
        return -ENOMEM;
    memcpy(mempcpy(text, a.p, a.n), b.p, b.n);
    *out = span_of(text, a.n + b.n);
    return 0;
}

/* What $N stands for is found here. */
struct found {
    const struct rewriting *r;
    struct conf_capture captures[CONF_CAPTURES];
};

static int look_up(void *context, const struct conf_part *part, struct span *value)
{
    const struct found *f = context;
    if (part->variable != CONF_V_CAPTURE)
        return f->r->lookup(f->r->context, part, value);
    const struct conf_capture *c = &f->captures[part->number];
    *value = span_of(f->r->path.p + c->from, c->to - c->from);
    return 0;
}

/* Whatever came of it: a path in its normal form, or an error. */
static int settle(struct rewriting *r, struct span made)
{
    int n = made.n && made.p[0] == '/' ? http_path_normalise(made, 0, r->scratch, r->room) : HTTP_E_TARGET;
    if (n < 0)
        return n;
    if ((size_t)n >= MEMORY_MOST)
        return -EMSGSIZE;
    const char *kept = memory_copy(r->memory, r->scratch, (size_t)n);
    r->path = span_of(kept, (size_t)n);
    return kept ? 0 : -ENOMEM;
}

static int make_query(struct rewriting *r, const struct conf_template *t, struct found *found,
                      struct span *query)
{
    struct span text;
    int e = template_fill(t, TEMPLATE_URI, look_up, found, r->memory, &text);
    *query = span_of(NULL, 0);
    if (e < 0 || !text.n)
        return e;
    return join(SPAN("?"), text, r->memory, query);
}

static int apply(const struct conf_rewrite *rule, struct rewriting *r)
{
    struct found found = {.r = r};
    struct span made, query = r->query;
    int e = conf_regex_find(rule->regex, r->path.p, r->path.n, found.captures);
    if (e <= 0)
        return e;
    e = template_fill(&rule->path, TEMPLATE_URI, look_up, &found, r->memory, &made);
    if (e == 0 && rule->replaces_query)
        e = make_query(r, &rule->query, &found, &query);
    if (e < 0)
        return e;
    if (made.n && (memchr(made.p, '?', made.n) || memchr(made.p, '#', made.n)))
        return HTTP_E_TARGET; /* a variable brought it: the path would end there */
    r->query = query;
    return settle(r, made);
}

int rewrite_target(const struct conf_rewriting *rules, struct rewriting *r, const char **key)
{
    int e = 0;
    if (rules->strip.written)
        r->path = strip(&rules->strip, r->path);
    *key = "rewrite";
    for (size_t i = 0; i < rules->rewrite_count && e == 0; i++)
        e = apply(&rules->rewrites[i], r);
    if (e < 0 || !rules->add.written)
        return e;
    *key = "add_prefix";
    return join(span_of(rules->add.written, rules->add.length), r->path, r->memory, &r->path);
}
