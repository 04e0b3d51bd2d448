/* A line that is taken for a template, and any bytes behind it that each of its variables brings: whatever a client says,
 * a field stays a field and a URI stays made of the characters of one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/fields.h"
#include "route/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span brought;

static int bring(void *context, const struct conf_part *part, struct span *value)
{
    (void)context, (void)part;
    *value = brought;
    return 0;
}

/* Does the template's own text pass the test? Only then must the whole. */
static bool own_text(const struct conf_template *t, bool (*good)(struct span))
{
    for (size_t i = 0; i < t->count; i++)
        if (t->parts[i].variable == CONF_V_TEXT && !good(span_of(t->parts[i].text, t->parts[i].length)))
            return false;
    return true;
}

static bool is_field(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

static bool is_uri(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"<>\\^`{|}", s.p[i]))
            return false;
    return true;
}

static bool is_html(struct span s)
{
    return !memchr(s.p, '<', s.n) && !memchr(s.p, '"', s.n);
}

static void check(const struct conf_template *t, enum template_place place, bool (*good)(struct span),
                  struct buffers *buffers)
{
    struct memory memory;
    struct span out;

    memory_init(&memory, buffers);
    if (own_text(t, good) && template_fill(t, place, bring, NULL, &memory, &out) == 0 && out.n && !good(out))
        abort();
    if (template_decode(brought, &memory, &out) == 0 && out.n > brought.n)
        abort();
    memory_release(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t n = end ? (size_t)(end - data) : size;
    struct conf_arena arena = {0};
    struct buffers buffers;
    struct conf_template t;

    if (!n || memchr(data, 0, n))
        return 0; /* a configuration has none */
    brought = end ? span_of((const char *)end + 1, size - n - 1) : span_of(NULL, 0);
    const char *text = conf_arena_copy(&arena, (const char *)data, n);
    if (!conf_template_parse(&arena, text, ~0u, &t)) {
        buffers_init(&buffers);
        check(&t, TEMPLATE_FIELD, is_field, &buffers);
        check(&t, TEMPLATE_URI, is_uri, &buffers);
        check(&t, TEMPLATE_HTML, is_html, &buffers);
        buffers_destroy(&buffers);
    }
    conf_arena_free(&arena);
    return 0;
}
