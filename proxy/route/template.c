/* Filling in templates (template.h). */
#include "template.h"

#include <errno.h>

#include "http/fields.h"

/* Spells one byte for a place, in at most 6 bytes; how many. `encoded`: the value is a piece of a URI already. */
typedef size_t (*spell)(unsigned char c, bool encoded, char *out);

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

static size_t spell_field(unsigned char c, bool encoded, char *out)
{
    *out = (c < ' ' && c != '\t') || c == 0x7f ? '?' : (char)c;
    return 1;
}

static size_t spell_uri(unsigned char c, bool encoded, char *out)
{
    static const char digits[] = "0123456789ABCDEF";

    out[0] = (char)c;
    if (is_unreserved(c) || (encoded && c && strchr(":/?#[]@!$&'()*+,;=%", c)))
        return 1;
    out[0] = '%';
    out[1] = digits[c >> 4];
    out[2] = digits[c & 15];
    return 3;
}

static size_t spell_text(unsigned char c, bool encoded, char *out)
{
    *out = (char)c;
    return 1;
}

static size_t put(char *out, struct span text)
{
    memcpy(out, text.p, text.n);
    return text.n;
}

static size_t spell_html(unsigned char c, bool encoded, char *out)
{
    switch (c) {
    case '&':
        return put(out, SPAN("&amp;"));
    case '<':
        return put(out, SPAN("&lt;"));
    case '>':
        return put(out, SPAN("&gt;"));
    case '"':
        return put(out, SPAN("&quot;"));
    case '\'':
        return put(out, SPAN("&#39;"));
    default:
        return spell_text(c, encoded, out);
    }
}

/* '<' as well: JSON often ends up within a script element. */
static size_t spell_json(unsigned char c, bool encoded, char *out)
{
    static const char digits[] = "0123456789abcdef";

    if (c == '"' || c == '\\')
        return put(out, span_of((char[]){'\\', (char)c}, 2));
    if (c >= ' ' && c != 0x7f && c != '<')
        return spell_text(c, encoded, out);
    return put(out, span_of((char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6));
}

static const spell spellings[] = {
    [TEMPLATE_FIELD] = spell_field, [TEMPLATE_URI] = spell_uri,   [TEMPLATE_TEXT] = spell_text,
    [TEMPLATE_HTML] = spell_html,   [TEMPLATE_JSON] = spell_json,
};

/* Values that are pieces of a URI as they come. */
static bool is_encoded(enum conf_variable variable)
{
    switch (variable) {
    case CONF_V_SCHEME:
    case CONF_V_HOST:
    case CONF_V_AUTHORITY:
    case CONF_V_URI:
    case CONF_V_PATH:
    case CONF_V_QUERY:
    case CONF_V_PATH_CAPTURE:
    case CONF_V_HOST_CAPTURE:
    case CONF_V_CAPTURE:
        return true;
    default:
        return false;
    }
}

static size_t spelled(struct span value, enum template_place place, bool encoded, char *out)
{
    char unit[6];
    size_t n = 0;

    for (size_t i = 0; i < value.n; i++)
        n += spellings[place]((unsigned char)value.p[i], encoded, out ? out + n : unit);
    return n;
}

static size_t spell_part(const struct conf_part *part, struct span value, enum template_place place,
                         char *out)
{
    if (part->variable == CONF_V_TEXT || place == TEMPLATE_TEXT)
        return out && value.n ? put(out, value) : value.n;
    return spelled(value, place, is_encoded(part->variable), out);
}

static int look_up(const struct conf_part *part, template_lookup lookup, void *context, struct span *value)
{
    *value = span_of(part->text, part->length);
    return part->variable == CONF_V_TEXT ? 0 : lookup(context, part, value);
}

int template_fill(const struct conf_template *t, enum template_place place, template_lookup lookup,
                  void *context, struct memory *memory, struct span *out)
{
    struct span values[CONF_TEMPLATE_PARTS];
    size_t total = 0;

    *out = span_of(NULL, 0);
    for (size_t i = 0; i < t->count; i++) {
        int r = look_up(&t->parts[i], lookup, context, &values[i]);
        if (r < 0)
            return r;
        total += spell_part(&t->parts[i], values[i], place, NULL);
        if (total > MEMORY_MOST)
            return -EMSGSIZE;
    }
    bool as_it_is = t->count == 1 && (t->parts[0].variable == CONF_V_TEXT || place == TEMPLATE_TEXT ||
                                      (place == TEMPLATE_FIELD && http_field_value_valid(values[0])));
    if (as_it_is)
        *out = values[0];
    if (as_it_is || !total)
        return 0;
    char *text = memory_take(memory, total);
    if (!text)
        return -ENOMEM;
    *out = span_of(text, total);
    for (size_t i = 0; i < t->count; i++)
        text += spell_part(&t->parts[i], values[i], place, text);
    if (place == TEMPLATE_FIELD)
        *out = span_trim(*out);
    return 0;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int template_decode(struct span text, struct memory *memory, struct span *out)
{
    size_t n = 0;

    *out = text;
    if (!text.n || (!memchr(text.p, '%', text.n) && !memchr(text.p, '+', text.n)))
        return 0;
    char *to = memory_take(memory, text.n);
    if (!to)
        return -ENOMEM;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool triple = c == '%' && text.n - i > 2 && hex(text.p[i + 1]) >= 0 && hex(text.p[i + 2]) >= 0;
        to[n++] = triple ? (char)(hex(text.p[i + 1]) << 4 | hex(text.p[i + 2])) : c == '+' ? ' ' : c;
        i += triple ? 2 : 0;
    }
    *out = span_of(to, n);
    return 0;
}
