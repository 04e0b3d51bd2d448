/* Lists of folders (listing.h). Names are anybody's: in the page they are escaped, in links percent-encoded. */
#include "files/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "http/scan.h"

#define ENTRIES_MAX 10000

struct entry {
    char *name;
    struct stat is;
};

struct entries {
    struct entry *list;
    size_t count;
    bool more; /* than there is room for */
};

static int add(struct entries *all, const char *name, const struct stat *is)
{
    if (all->count == ENTRIES_MAX) {
        all->more = true;
        return 0;
    }
    if (all->count % 64 == 0) {
        struct entry *larger = realloc(all->list, (all->count + 64) * sizeof *larger);
        if (!larger)
            return -ENOMEM;
        all->list = larger;
    }
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    all->list[all->count++] = (struct entry){copy, *is};
    return 0;
}

/* A symbolic link is listed for what it is called; whether it leads out is seen when it is followed. */
static int read_entries(DIR *folder, bool dotfiles, struct entries *all)
{
    for (errno = 0;;) {
        const struct dirent *d = readdir(folder);
        struct stat is;
        if (!d || all->more)
            return d ? 0 : -errno;
        if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") || (d->d_name[0] == '.' && !dotfiles))
            continue;
        if (fstatat(dirfd(folder), d->d_name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
            (S_ISREG(is.st_mode) || S_ISDIR(is.st_mode) || S_ISLNK(is.st_mode)) &&
            add(all, d->d_name, &is) < 0)
            return -ENOMEM;
        errno = 0; /* what is gone meanwhile is not listed */
    }
}

/* Folders first. */
static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    bool x_folder = S_ISDIR(x->is.st_mode), y_folder = S_ISDIR(y->is.st_mode);
    return x_folder != y_folder ? (x_folder ? -1 : 1) : strcmp(x->name, y->name);
}

/* --- the page ------------------------------------------------------------------------------------------------------ */

static void put_escaped(FILE *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        switch (text.p[i]) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            putc(text.p[i], out);
        }
}

static void put_encoded(FILE *out, const char *name)
{
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        if (http_is(*p, HTTP_C_UNRESERVED))
            putc(*p, out);
        else
            fprintf(out, "%%%02X", *p);
}

static void put_entry(FILE *out, const struct entry *e)
{
    const char *slash = S_ISDIR(e->is.st_mode) ? "/" : "";
    char date[32] = "";
    struct tm tm;
    if (gmtime_r(&e->is.st_mtim.tv_sec, &tm))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M", &tm);
    fputs("<tr><td><a href=\"./", out); /* so that a name with a ':' is no other scheme */
    put_encoded(out, e->name);
    fprintf(out, "%s\">", slash);
    put_escaped(out, span_str(e->name));
    fprintf(out, "%s</a></td><td>%s</td><td>", slash, date);
    if (S_ISREG(e->is.st_mode))
        fprintf(out, "%lld", (long long)e->is.st_size);
    fputs("</td></tr>\n", out);
}

static void put_page(FILE *out, struct span path, const struct entries *all)
{
    fputs("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>", out);
    put_escaped(out, path);
    fputs("</title></head>\n<body><h1>", out);
    put_escaped(out, path);
    fputs("</h1>\n<table>\n<tr><th>Name</th><th>Modified (UTC)</th><th>Bytes</th></tr>\n", out);
    if (path.n > 1)
        fputs("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n", out);
    for (size_t i = 0; i < all->count; i++)
        put_entry(out, &all->list[i]);
    fputs("</table>\n", out);
    if (all->more)
        fprintf(out, "<p>There are more than these %d.</p>\n", ENTRIES_MAX);
    fputs("</body></html>\n", out);
}

char *listing_page(int fd, struct span path, bool dotfiles, size_t *n)
{
    struct entries all = {0};
    char *text = NULL;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return NULL;
    }
    int r = read_entries(folder, dotfiles, &all);
    closedir(folder);
    FILE *out = r == 0 ? open_memstream(&text, n) : NULL;
    if (out) {
        if (all.count)
            qsort(all.list, all.count, sizeof *all.list, by_name);
        put_page(out, path, &all);
        if (ferror(out) | fclose(out)) {
            free(text);
            text = NULL;
            r = -ENOMEM;
        }
    }
    for (size_t i = 0; i < all.count; i++)
        free(all.list[i].name);
    free(all.list);
    errno = text ? 0 : r < 0 ? -r : ENOMEM;
    return text;
}

/* --- the answer ---------------------------------------------------------------------------------------------------- */

struct job {
    int folder;
    struct span path;
    bool dotfiles;
    char *text;
    size_t n;
    int error;
};

static void *make_page(void *arg)
{
    struct job *job = arg;
    job->text = listing_page(job->folder, job->path, job->dotfiles, &job->n);
    job->error = job->text ? 0 : -errno;
    job->folder = -1;
    return NULL;
}

int listing_answer(struct exchange *x, struct files_search *search)
{
    struct job job = {
        .folder = search->fd, .path = x->request.uri.path, .dotfiles = search->conf->dotfiles != 0};
    search->fd = -1;
    int r = green_blocking_in(green_threads_file(), make_page, &job, NULL,
                              green_turn_time() + x->listener->timeout_disk);
    if (r == 0)
        r = job.error;
    if (r < 0) {
        if (job.folder >= 0)
            close(job.folder);
        free(job.text);
        return r;
    }
    local_begin(x, 200);
    x->local.owned = job.text;
    return local_field(x, SPAN("Content-Type"), SPAN("text/html; charset=utf-8")) |
           local_field(x, SPAN("Content-Security-Policy"), SPAN("default-src 'none'")) |
           local_field(x, SPAN("X-Content-Type-Options"), SPAN("nosniff")) |
           local_body(x, span_of(job.text, job.n));
}
