/*
 * Collects findings while a configuration loads, sorts them by place and prints them.
 */
#include "errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *conf_errors_file(struct conf_errors *errors, const char *file)
{
    for (size_t i = 0; i < errors->file_count; i++)
        if (!strcmp(errors->files[i], file))
            return errors->files[i];
    errors->files =
        conf_arena_extend(&errors->arena, errors->files, errors->file_count, sizeof(errors->files[0]));
    errors->files[errors->file_count] = conf_arena_copy(&errors->arena, file, strlen(file));
    return errors->files[errors->file_count++];
}

void conf_errors_source(struct conf_errors *errors, const char *path, bool pattern)
{
    errors->sources =
        conf_arena_extend(&errors->arena, errors->sources, errors->source_count, sizeof(errors->sources[0]));
    errors->sources[errors->source_count++] =
        (struct conf_source){conf_arena_copy(&errors->arena, path, strlen(path)), pattern};
}

static size_t file_number(struct conf_errors *errors, const char *name)
{
    size_t i = 0;

    while (i < errors->file_count && errors->files[i] != name)
        i++;
    return i;
}

static void add(struct conf_errors *errors, bool warning, struct conf_origin at, const char *section,
                const char *key, const char *format, va_list args)
{
    *(warning ? &errors->warnings : &errors->errors) += 1;
    if (errors->count >= CONF_ERRORS_KEPT)
        return;

    const char *file = at.file ? conf_errors_file(errors, at.file) : "default";
    const char *what = conf_arena_vprint(&errors->arena, format, args);
    const char *text = section && key ? conf_arena_print(&errors->arena, "[%s] %s: %s", section, key, what)
                       : section      ? conf_arena_print(&errors->arena, "[%s]: %s", section, what)
                       : key          ? conf_arena_print(&errors->arena, "%s: %s", key, what)
                                      : what;

    errors->items = conf_arena_extend(&errors->arena, errors->items, errors->count, sizeof(errors->items[0]));
    errors->items[errors->count] = (struct conf_error){
        .origin = {.file = file, .line = at.line},
        .text = text,
        .warning = warning,
        .order = errors->count,
        .file = file_number(errors, file),
    };
    errors->count++;
}

void conf_error(struct conf_errors *errors, struct conf_origin at, const char *section, const char *key,
                const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(errors, false, at, section, key, format, args);
    va_end(args);
}

void conf_warning(struct conf_errors *errors, struct conf_origin at, const char *section, const char *key,
                  const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(errors, true, at, section, key, format, args);
    va_end(args);
}

static int by_place(const void *a, const void *b)
{
    const struct conf_error *x = a, *y = b;

    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->origin.line != y->origin.line)
        return x->origin.line < y->origin.line ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

void conf_errors_sort(struct conf_errors *errors)
{
    if (errors->count)
        qsort(errors->items, errors->count, sizeof(errors->items[0]), by_place);
}

void conf_print_visible(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            putc(c, out);
    }
}

void conf_errors_print(FILE *out, const struct conf_errors *errors, bool colour)
{
    const char *strong = colour ? "\033[1m" : "", *red = colour ? "\033[31m" : "";
    const char *yellow = colour ? "\033[33m" : "", *plain = colour ? "\033[0m" : "";

    for (size_t i = 0; i < errors->count; i++) {
        const struct conf_error *e = &errors->items[i];

        fputs(strong, out);
        conf_print_visible(out, e->origin.file);
        if (e->origin.line)
            fprintf(out, ":%d", e->origin.line);
        fprintf(out, ":%s %s%s", plain, e->warning ? yellow : red, e->warning ? "warning: " : "");
        conf_print_visible(out, e->text);
        fprintf(out, "%s\n", plain);
    }
    if (errors->errors + errors->warnings > errors->count)
        fprintf(out, "and %zu more\n", errors->errors + errors->warnings - errors->count);
    if (errors->no_memory)
        fputs("out of memory\n", out);
}

void conf_errors_free(struct conf_errors *errors)
{
    conf_arena_free(&errors->arena);
    memset(errors, 0, sizeof(*errors));
}
