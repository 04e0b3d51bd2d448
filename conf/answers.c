/*
 * Fixed answers, and pages for errors: "200 text/plain hello", "404 5xx /srv/errors/sorry.html".
 */
#include "conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader.h"
#include "syntax.h"

/* Does a text begin with a media type, "text/html" or "text/html;charset=utf-8"? How long it is. */
static size_t type_length(const char *text)
{
    static const char *const families[] = {"application/", "audio/", "font/", "image/", "text/", "video/"};
    size_t n = strcspn(text, " \t");

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        size_t family = strlen(families[i]);

        if (!strncmp(text, families[i], family) && n > family && !memchr(text, '$', n))
            return n;
    }
    return 0;
}

/* "[TYPE] TEXT". */
static const char *parse_text(struct conf_arena *arena, const char *text, const char **type,
                              struct conf_template *out)
{
    size_t n = type_length(text);

    *type = n ? conf_arena_copy(arena, text, n) : "text/plain";
    if (!strncmp(*type, "text/", 5) && !strchr(*type, ';'))
        *type = conf_arena_print(arena, "%s; charset=utf-8", *type);
    text += n + strspn(text + n, " \t");
    if (!*text)
        return "has a type without content";
    return conf_template_parse(arena, text, CONF_KNOWS_STATUS | CONF_KNOWS_SERVER, out);
}

/* Three digits and a blank or the end; 0: there are none. */
static int take_status(const char **text)
{
    const char *p = *text;
    int status = 0;

    for (int i = 0; i < 3; i++, p++) {
        if (!isdigit((unsigned char)*p))
            return 0;
        status = 10 * status + *p - '0';
    }
    if (*p && !strchr(" \t", *p))
        return 0;
    *text = p + strspn(p, " \t");
    return status;
}

static const char *parse_respond(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_respond *respond = out;

    respond->status = take_status(&text);
    if (!respond->status)
        return "does not begin with a status of three digits";
    if (respond->status < 200 || respond->status > 599)
        return "has a status that is no final answer's";
    if (!*text)
        return NULL;
    if (respond->status == 204 || respond->status == 205 || respond->status == 304)
        return "has content, which no answer of that status has";
    return parse_text(arena, text, &respond->type, &respond->text);
}

const struct conf_syntax conf_respond_syntax = {
    .allowed = "a status from 200 to 599, then perhaps a text, perhaps with its type before it",
    .separators = "",
    .size = sizeof(struct conf_respond),
    .variables = true,
    .parse = parse_respond,
};

/* --- error pages --------------------------------------------------------------------------------------------------- */

/* All of a file of that size into memory that is there already: what could run out of it must not hold a descriptor. */
static const char *read_bytes(const char *path, char *bytes, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t at = 0;

    if (fd < 0)
        return strerror(errno);
    while (at <= size) { /* a byte more than it should have is noticed */
        ssize_t n = read(fd, bytes + at, size + 1 - at);

        if (n < 0 && errno != EINTR) {
            close(fd);
            return strerror(errno);
        }
        if (n == 0)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return at == size ? NULL : "it changes while it is read";
}

static const char *read_page(struct conf_arena *arena, const char *path, struct conf_error_page *page)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return conf_arena_print(arena, "cannot be had: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return "names no file";
    if (st.st_size > (off_t)CONF_PAGE_BYTES)
        return "names a file of more than 1 MiB";
    char *bytes = conf_arena_alloc(arena, (size_t)st.st_size + 1);
    const char *wrong = read_bytes(path, bytes, (size_t)st.st_size);

    page->path = path;
    page->bytes = bytes;
    page->size = (size_t)st.st_size;
    return wrong ? conf_arena_print(arena, "cannot be read: %s", wrong) : NULL;
}

/* "404" or "5xx"; 0: neither. */
static int take_class(const char **text)
{
    const char *p = *text;

    if ((*p != '4' && *p != '5') || strncmp(p + 1, "xx", 2) != 0 || (p[3] && !strchr(" \t", p[3])))
        return take_status(text);
    *text = p + 3 + strspn(p + 3, " \t");
    return *p - '0';
}

static const char *parse_error_page(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_error_page *page = out;

    for (int status; (status = take_class(&text)) != 0;) {
        if (status > 5 && (status < 400 || status > 599))
            return "has a status that is no error's";
        if (page->status_count == CONF_PAGE_STATUSES)
            return "has too many statuses; write a second line";
        page->statuses[page->status_count++] = (short)status;
    }
    if (!page->status_count)
        return "does not begin with a status";
    if (!*text)
        return "has no page behind the statuses";
    return *text == '/' ? read_page(arena, text, page) : parse_text(arena, text, &page->type, &page->text);
}

const struct conf_syntax conf_error_page_syntax = {
    .allowed = "statuses such as 404 or 5xx, then /FILE, or a text, perhaps with its type before it",
    .separators = "",
    .size = sizeof(struct conf_error_page),
    .variables = true,
    .parse = parse_error_page,
};

/* A status may have one page in a section. */
static void check_pages(struct conf_loader *l, enum conf_kind kind, const char *name,
                        const struct conf_error_pages *pages)
{
    const struct conf_origin *first[600] = {NULL};

    for (size_t i = 0; i < pages->count; i++)
        for (size_t j = 0; j < pages->list[i].status_count; j++) {
            int status = pages->list[i].statuses[j];

            if (first[status])
                conf_error(l->errors, pages->list[i].origin,
                           conf_arena_print(&l->arena, "%s %s", conf_kinds[kind].name, name), "error_page",
                           "%d%s has a page already, at %s:%d", status, status < 10 ? "xx" : "",
                           first[status]->file, first[status]->line);
            first[status] = &pages->list[i].origin;
        }
}

void conf_check_answers(struct conf_loader *l)
{
    for (size_t i = 0; i < l->conf->listener_count; i++)
        check_pages(l, CONF_LISTENER, l->conf->listeners[i].name, &l->conf->listeners[i].error_pages);
    for (size_t i = 0; i < l->conf->route_count; i++)
        check_pages(l, CONF_ROUTE, l->conf->routes[i].name, &l->conf->routes[i].error_pages);
}

/* --- names of files -------------------------------------------------------------------------------------------------- */

static const char *parse_file_name(struct conf_arena *arena, const char *text, void *out)
{
    if (*text != '/')
        return "does not start with '/'";
    return text[strlen(text) - 1] == '/' ? "names a folder" : NULL;
}

const struct conf_syntax conf_file_name_syntax = {
    .allowed = "the name of a file, starting with '/'",
    .separators = "",
    .size = sizeof(struct conf_file_name),
    .parse = parse_file_name,
};
