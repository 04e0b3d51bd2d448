/* JSON to text for people: names and values, tables with aligned columns. */
#include "control/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MOST 24

/* --- making ------------------------------------------------------------------------------------------------------- */

json_t *reply_text(struct span bytes)
{
    static const char hex[] = "0123456789abcdef";
    json_t *text = json_stringn(bytes.p ? bytes.p : "", bytes.n);
    if (text)
        return text;
    char *escaped = malloc(bytes.n * 4 + 1), *at = escaped;
    if (!escaped)
        return NULL;
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (c < 0x80) {
            *at++ = (char)c;
            continue;
        }
        *at++ = '\\';
        *at++ = 'x';
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
    }
    text = json_stringn(escaped, (size_t)(at - escaped));
    free(escaped);
    return text;
}

int reply_add(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}

int reply_add_text(json_t *object, const char *name, const char *text)
{
    return reply_add(object, name, text ? reply_text(span_str(text)) : json_null());
}

int reply_add_known(json_t *object, const char *name, const char *text)
{
    return reply_add_text(object, name, *text ? text : NULL);
}

int reply_add_count(json_t *object, const char *name, uint64_t n)
{
    return reply_add(object, name, json_integer(n <= INT64_MAX ? (json_int_t)n : INT64_MAX));
}

int reply_add_seconds(json_t *object, const char *name, int64_t ns)
{
    return reply_add(object, name, json_real((double)(ns / 1000) / 1e6));
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

/* The i-th byte of a text as it may be shown: into `out`, and how many bytes that are. A control character of two bytes is
 * taken whole. */
static size_t show(const char *text, size_t *i, char out[5])
{
    unsigned char c = (unsigned char)text[*i], next = c ? (unsigned char)text[*i + 1] : 0;
    bool high = c == 0xc2 && (next & 0xe0) == 0x80; /* U+0080 to U+009F */
    if (c >= ' ' && c != 0x7f && !high) {
        *out = (char)c;
        return 1;
    }
    *i += high;
    return (size_t)snprintf(out, 5, "\\x%02x", high ? next : c);
}

size_t reply_cell(const json_t *value, char *out)
{
    size_t n = 0, width = 0;
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        break;
    case JSON_INTEGER:
        return (size_t)snprintf(out, REPLY_CELL_BYTES, "%lld", (long long)json_integer_value(value));
    case JSON_REAL:
        return (size_t)snprintf(out, REPLY_CELL_BYTES, "%.3f", json_real_value(value));
    case JSON_TRUE:
    case JSON_FALSE:
        return (size_t)snprintf(out, REPLY_CELL_BYTES, "%s", json_is_true(value) ? "yes" : "no");
    default:
        return (size_t)snprintf(out, REPLY_CELL_BYTES, "-");
    }
    const char *text = json_string_value(value);
    for (size_t i = 0; i < json_string_length(value); i++) {
        unsigned char c = (unsigned char)text[i];
        bool begins = (c & 0xc0) != 0x80; /* a character of UTF-8 */
        char shown[5];
        if (begins && n + 8 > REPLY_CELL_BYTES)
            break;
        size_t k = show(text, &i, shown);
        memcpy(out + n, shown, k);
        n += k;
        width += k > 1 ? k : begins;
    }
    if (!n) { /* a cell is never empty, or columns could not be told apart */
        out[n++] = '-';
        width = 1;
    }
    out[n] = 0;
    return width;
}

static bool is_number(const json_t *value)
{
    return json_is_number(value);
}

struct column {
    const char *name;
    size_t width;
    bool right; /* of numbers */
};

/* The columns are the members of the first row, in their order. */
static size_t measure(const json_t *rows, struct column *columns)
{
    char text[REPLY_CELL_BYTES];
    size_t count = 0, index;
    const char *name;
    json_t *value, *row;
    json_object_foreach(json_array_get(rows, 0), name, value)
    {
        if (count == COLUMNS_MOST)
            break;
        columns[count++] = (struct column){.name = name, .width = strlen(name), .right = is_number(value)};
    }
    json_array_foreach(rows, index, row) for (size_t i = 0; i < count; i++)
    {
        value = json_object_get(row, columns[i].name);
        size_t width = reply_cell(value, text);
        if (width > columns[i].width)
            columns[i].width = width;
    }
    return count;
}

static void print_cell(FILE *out, const struct column *column, const char *text, size_t width, bool last)
{
    int space = column->width > width ? (int)(column->width - width) : 0;
    if (column->right)
        fprintf(out, "%*s%s", space, "", text);
    else
        fprintf(out, "%s%*s", text, last ? 0 : space, "");
    fputs(last ? "\n" : "  ", out);
}

static void print_table(FILE *out, const json_t *rows)
{
    struct column columns[COLUMNS_MOST];
    char text[REPLY_CELL_BYTES];
    size_t count = measure(rows, columns), index;
    json_t *row;
    for (size_t i = 0; i < count; i++)
        print_cell(out, &columns[i], columns[i].name, strlen(columns[i].name), i + 1 == count);
    json_array_foreach(rows, index, row) for (size_t i = 0; i < count; i++)
    {
        const json_t *value = json_object_get(row, columns[i].name);
        size_t width = 1;
        if (value)
            width = reply_cell(value, text);
        print_cell(out, &columns[i], value ? text : "-", width, i + 1 == count);
    }
}

/* As long as it is. */
static void print_line(FILE *out, const json_t *line)
{
    const char *text = json_string_value(line);
    for (size_t i = 0; text && i < json_string_length(line); i++) {
        char shown[5];
        size_t k = show(text, &i, shown);
        fwrite(shown, 1, k, out);
    }
    fputc('\n', out);
}

static void print_list(FILE *out, const char *name, const json_t *list)
{
    size_t index;
    json_t *item;
    if (!json_array_size(list))
        fprintf(out, "%s: none\n", name);
    else if (json_is_object(json_array_get(list, 0)))
        print_table(out, list);
    else
        json_array_foreach(list, index, item) print_line(out, item);
}

int reply_print(FILE *out, const json_t *answer)
{
    char text[REPLY_CELL_BYTES];
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)answer, name, value)
    {
        if (json_is_array(value)) {
            print_list(out, name, value);
        } else {
            reply_cell(value, text);
            fprintf(out, "%s: %s\n", name, text);
        }
    }
    if (!json_object_size(answer))
        fputs("done\n", out);
    return ferror(out) ? -ENOMEM : 0;
}
