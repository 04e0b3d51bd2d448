/* The values of the keys about files. */
#include "loader.h"
#include "syntax.h"

#include <string.h>

static const char *parse_root(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_file *file = out;
    size_t n = strlen(text);

    while (n && text[n - 1] == '/')
        n--;
    if (!n)
        return "is the whole file system";
    file->text = conf_arena_copy(arena, text, n);
    return NULL;
}

/* A name below the root, without a leading slash. */
static const char *parse_name(const char *text)
{
    for (const char *p = text;; p++) {
        size_t n = strcspn(p, "/");

        if (!n || (n <= 2 && !strncmp(p, "..", n)))
            return "has an empty, '.' or '..' segment";
        p += n;
        if (!*p)
            return NULL;
    }
}

static const char *parse_index(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    ((struct conf_file *)out)->text = text;
    return strchr(text, '/') ? "has a '/'; it is a name within the folder that was asked for"
                             : parse_name(text);
}

static const char *parse_fallback(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    if (*text != '/')
        return "does not start with '/', which is the root";
    ((struct conf_file *)out)->text = text + 1;
    return parse_name(text + 1);
}

static const char *parse_field_value(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    (void)out;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
            return "has a character that is not printable ASCII";
    return NULL;
}

const struct conf_syntax conf_root_syntax = {
    .allowed = "the path of a folder, such as /srv/www",
    .separators = "",
    .size = sizeof(struct conf_file),
    .parse = parse_root,
};

const struct conf_syntax conf_index_syntax = {
    .allowed = "the name of a file, such as index.html",
    .separators = ", \t",
    .size = sizeof(struct conf_file),
    .parse = parse_index,
};

const struct conf_syntax conf_fallback_syntax = {
    .allowed = "the path of a file within the root, such as /index.html",
    .separators = "",
    .size = sizeof(struct conf_file),
    .parse = parse_fallback,
};

const struct conf_syntax conf_field_value_syntax = {
    .allowed = "the value of a field, such as public, max-age=3600",
    .separators = "",
    .size = sizeof(struct conf_field_value),
    .parse = parse_field_value,
};

void conf_check_files(struct conf_loader *l, const struct conf_route *route)
{
    const struct conf_files *f = &route->files;
    const struct {
        const char *key;
        bool set;
    } keys[] = {
        {"index", f->index_count},
        {"fallback", f->fallback.written},
        {"list", f->list},
        {"dotfiles", f->dotfiles},
        {"precompressed", f->precompressed},
        {"cache_control", f->cache_control.written},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !f->root.written; i++)
        if (keys[i].set)
            conf_error(l->errors, route->origins[conf_key_find(CONF_ROUTE, keys[i].key) - conf_keys],
                       conf_arena_print(&l->arena, "route %s", route->name), keys[i].key,
                       "the key is about files, and the route serves none; set root, or leave it out");
}
