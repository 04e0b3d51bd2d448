/*
 * From files to blocks: reads a file and whatever it includes, tells the kinds of its sections, and refuses
 * sections that stand there twice.
 */
#include "expand.h"
#include "loader.h"
#include "suggest.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The files that are being read, innermost first: a file among them must not be included again. */
struct source {
    const struct source *by;
    dev_t device;
    ino_t inode;
    int depth;
};

struct place { /* who asked for a file: nobody (line 0) for the first */
    const struct source *by;
    struct conf_origin origin;
};

static void complain(struct conf_loader *l, const struct place *place, const char *file, const char *what)
{
    struct conf_origin whole = {.file = file};

    l->incomplete = true;
    if (place->by)
        conf_error(l->errors, place->origin, "greenway", "include", "%s: %s", file, what);
    else
        conf_error(l->errors, whole, NULL, NULL, "%s", what);
}

static void close_file(struct conf_loader *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* The whole of the open file in the arena. NULL with errno. A pipe has no size, so it is read until it ends.
 */
static char *read_all(struct conf_loader *l, size_t *size)
{
    size_t n = 0, room = 4096;
    char *text = conf_arena_alloc(&l->arena, room);

    for (;;) {
        ssize_t got = read(l->fd, text + n, room - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return NULL;
        if (got == 0)
            break;
        n += (size_t)got;
        if (n > CONF_FILE_BYTES) {
            errno = EFBIG;
            return NULL;
        }
        if (n == room) {
            char *old = text;

            text = conf_arena_alloc(&l->arena, room *= 4);
            memcpy(text, old, n);
        }
    }
    *size = n;
    return text;
}

static void read_path(struct conf_loader *l, const struct place *place, const char *path);

/* A relative path is relative to the file that it stands in. In a pattern, that file's folder is taken
 * literally. */
static const char *join(struct conf_arena *arena, const char *file, const char *path, bool pattern)
{
    const char *slash = strrchr(file, '/');

    if (*path == '/' || !slash)
        return path;
    char *out = conf_arena_alloc(arena, 2 * (size_t)(slash - file + 1) + strlen(path) + 1), *to = out;

    for (const char *p = file; p <= slash; p++) {
        if (pattern && strchr("*?[\\", *p))
            *to++ = '\\';
        *to++ = *p;
    }
    strcpy(to, path);
    return out;
}

/* A folder that is not there holds no files; one that cannot be read is an error. */
static int on_glob_error(const char *path, int error)
{
    (void)path;
    return error != ENOENT && error != ENOTDIR;
}

static void include_pattern(struct conf_loader *l, const struct place *place, const char *pattern)
{
    bool wild = strpbrk(pattern, "*?[") != NULL;
    const char *full = join(&l->arena, place->origin.file, pattern, wild);

    if (!wild) {
        read_path(l, place, full);
        return;
    }
    conf_errors_source(l->errors, full, true);
    l->matched = true;
    int rc = glob(full, 0, on_glob_error, &l->matches);
    int error = errno;
    size_t n = rc ? 0 : l->matches.gl_pathc;
    const char **paths = conf_arena_alloc(&l->arena, (n + 1) * sizeof(*paths));

    for (size_t i = 0; i < n; i++)
        paths[i] = conf_arena_copy(&l->arena, l->matches.gl_pathv[i], strlen(l->matches.gl_pathv[i]));
    globfree(&l->matches);
    l->matched = false;
    if (rc == GLOB_NOSPACE)
        longjmp(l->out_of_memory, 1);
    if (rc == GLOB_ABORTED)
        complain(l, place, full, strerror(error));
    for (size_t i = 0; i < n; i++)
        read_path(l, place, paths[i]);
}

static void include_entry(struct conf_loader *l, const struct source *source, const struct conf_entry *entry)
{
    for (const struct conf_piece *piece = entry->pieces; piece; piece = piece->next) {
        const char *wrong, *item, *rest = conf_expand(&l->arena, piece->text, false, &wrong);
        struct place place = {.by = source, .origin = piece->origin};

        if (!source)
            conf_error(l->errors, piece->origin, "greenway", "include", "only a file can include others");
        else if (!rest)
            l->incomplete = true; /* reported when the section is applied */
        else
            while (conf_next_item(&l->arena, ", \t", &rest, &item))
                include_pattern(l, &place, item);
    }
}

static bool known_kind(struct conf_loader *l, const struct conf_section *section, struct conf_block *block)
{
    const char *title = section->title;
    size_t n = strcspn(title, " ");
    struct conf_suggestion nearest;

    conf_suggest_start(&nearest, conf_arena_copy(&l->arena, title, n));
    block->section = section;
    block->name = title[n] ? title + n + 1 : "";
    for (block->kind = 0; block->kind < CONF_KINDS; block->kind++) {
        if (!strcmp(conf_kinds[block->kind].name, nearest.word))
            break;
        conf_suggest_offer(&nearest, conf_kinds[block->kind].name);
    }
    if (block->kind == CONF_KINDS && nearest.best)
        conf_error(l->errors, section->origin, title, NULL, "unknown section; did you mean '%s'?",
                   nearest.best);
    else if (block->kind == CONF_KINDS)
        conf_error(
            l->errors, section->origin, title, NULL,
            "unknown section; there are [greenway], [listener NAME], [route NAME], [upstream NAME], [limits] "
            "and [timeouts]");
    else if (!conf_kinds[block->kind].named && *block->name)
        conf_error(l->errors, section->origin, title, NULL, "the section takes no name; write [%s]",
                   nearest.word);
    else if (conf_kinds[block->kind].named && !*block->name)
        conf_error(l->errors, section->origin, title, NULL, "the section needs a name, as in [%s main]",
                   nearest.word);
    else {
        for (const char *p = block->name; *p; p++)
            if (!isalnum((unsigned char)*p) && !strchr("._-", *p)) {
                conf_error(l->errors, section->origin, title, NULL,
                           "the name '%s' is not made of letters, digits, '.', '_' and '-' alone",
                           block->name);
                return false;
            }
        return true;
    }
    return false;
}

static void add_sections(struct conf_loader *l, const struct source *source, const char *file,
                         const char *text, size_t n)
{
    const struct conf_section *section = conf_read_text(&l->arena, l->errors, file, text, n, &l->incomplete);

    for (; section; section = section->next) {
        struct conf_block block;

        if (!known_kind(l, section, &block)) {
            /* With a name, it may have been meant as one that others refer to. */
            l->incomplete |= strchr(section->title, ' ') != NULL;
            continue;
        }
        if (l->block_count == CONF_SECTIONS_MAX) {
            conf_error(l->errors, section->origin, section->title, NULL, "more than %d sections",
                       CONF_SECTIONS_MAX);
            l->incomplete = true;
            return;
        }
        l->blocks = conf_arena_extend(&l->arena, l->blocks, l->block_count, sizeof(block));
        block.order = l->block_count;
        l->blocks[l->block_count++] = block;
        for (const struct conf_entry *e = section->entries; e; e = e->next)
            if (block.kind == CONF_GREENWAY && !strcmp(e->key, "include"))
                include_entry(l, source, e);
    }
}

static void read_path(struct conf_loader *l, const struct place *place, const char *path)
{
    struct source source = {.by = place->by, .depth = place->by ? place->by->depth + 1 : 0};
    const char *file = conf_arena_copy(&l->arena, path, strlen(path));
    struct stat st;
    size_t n;

    if (!place->by)
        conf_errors_file(l->errors, file);
    if (source.depth > CONF_DEPTH_MAX) {
        complain(l, place, file, "includes are nested more than 8 deep");
        return;
    }
    if (++l->file_count > CONF_FILES_MAX) {
        if (l->file_count == CONF_FILES_MAX + 1)
            complain(l, place, file, "more than 1000 files are included");
        return;
    }
    conf_errors_source(l->errors, file, false);
    l->fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (l->fd < 0 || fstat(l->fd, &st) < 0) {
        complain(l, place, file, strerror(errno));
        close_file(l);
        return;
    }
    source.device = st.st_dev;
    source.inode = st.st_ino;
    for (const struct source *s = source.by; s; s = s->by)
        if (s->device == source.device && s->inode == source.inode) {
            complain(l, place, file, "the file includes itself");
            close_file(l);
            return;
        }
    char *text = read_all(l, &n);

    if (!text)
        complain(l, place, file, errno == EFBIG ? "the file is larger than 16 MiB" : strerror(errno));
    close_file(l);
    if (!text)
        return;
    conf_errors_file(l->errors, file);
    add_sections(l, &source, file, text, n);
}

/* Sorts what must not stand together next to each other: a name may be used once, a section without a name
 * may stand once in each file (its keys are checked one by one). */
static int compare_titles(const struct conf_block *x, const struct conf_block *y)
{
    const struct conf_section *a = x->section, *b = y->section;
    int order = strcmp(a->title, b->title);

    return order || conf_kinds[x->kind].named ? order : strcmp(a->origin.file, b->origin.file);
}

static int by_title(const void *a, const void *b)
{
    const struct conf_block *const *x = a, *const *y = b;
    int order = compare_titles(*x, *y);

    return order ? order : (*x)->order < (*y)->order ? -1 : 1;
}

static void refuse_duplicates(struct conf_loader *l)
{
    struct conf_block **sorted = conf_arena_alloc(&l->arena, (l->block_count + 1) * sizeof(*sorted));

    for (size_t i = 0; i < l->block_count; i++)
        sorted[i] = &l->blocks[i];
    if (l->block_count)
        qsort(sorted, l->block_count, sizeof(*sorted), by_title);
    for (size_t i = 1, first = 0; i < l->block_count; i++) {
        const struct conf_section *a = sorted[first]->section, *b = sorted[i]->section;

        if (compare_titles(sorted[first], sorted[i]))
            first = i;
        else
            conf_error(l->errors, b->origin, b->title, NULL, "the section already stands at %s:%d",
                       a->origin.file, a->origin.line);
    }
}

void conf_read_file(struct conf_loader *l, const char *path)
{
    struct place nobody = {0};

    read_path(l, &nobody, path);
    refuse_duplicates(l);
}

void conf_read_string(struct conf_loader *l, const char *name, const char *text, size_t n)
{
    const char *file = conf_arena_copy(&l->arena, name, strlen(name));

    conf_errors_file(l->errors, file);
    add_sections(l, NULL, file, text, n);
    refuse_duplicates(l);
}
