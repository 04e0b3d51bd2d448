/* Answers from files (answer.h): search.h has found what, RFC 9110 says how. */
#include "files/answer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "files/listing.h"
#include "files/media_type.h"
#include "files/search.h"
#include "http/conditional.h"
#include "http/range.h"

/* The texts of an answer's fields, and what it is made of. */
struct file_answer {
    struct exchange *x;
    struct files_search search;
    struct http_validators validators;
    struct span type;
    char etag[64];
    struct http_date modified;
    char range[80]; /* Content-Range, or the Content-Type of several */
    struct http_ranges ranges;
};

/* --- refusals ------------------------------------------------------------------------------------------------------ */

static int refuse(struct exchange *x, int status, const char *reason, const char *error)
{
    return exchange_fail(x, status, reason, error, BLAME_ROUTE, "root");
}

static int not_found(struct exchange *x, int error)
{
    switch (error) {
    case -EACCES:
    case -EPERM:
        return refuse(x, 403, "file_forbidden", "http_request_denied");
    case -EXDEV:
    case -ELOOP:
        return refuse(x, 404, "file_outside_root", "destination_not_found");
    case -ENOENT:
    case -ENOTDIR:
    case -ENAMETOOLONG:
        return refuse(x, 404, "file_not_found", "destination_not_found");
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -ENOBUFS:
        return refuse(x, 503, "file_no_resources", "proxy_internal_error");
    case -ETIMEDOUT:
        return exchange_fail(x, 504, "disk_timeout", "proxy_internal_error", BLAME_LISTENER, "timeout_disk");
    default:
        return refuse(x, 500, "file_unreadable", "proxy_internal_error");
    }
}

static int refuse_method(struct exchange *x)
{
    refuse(x, 405, "method_not_allowed", "http_request_denied");
    x->page.allow = "GET, HEAD";
    return -1;
}

/* --- fields -------------------------------------------------------------------------------------------------------- */

static int add(struct file_answer *a, struct span name, struct span value)
{
    return local_field(a->x, name, value);
}

/* A second of a file's life, its length and its place: what changes one of them is another representation. */
static void describe(struct file_answer *a)
{
    const struct stat *is = &a->search.is;
    time_t now = time(NULL);
    int n = snprintf(a->etag, sizeof a->etag, "\"%llx.%lx-%llx-%llx\"",
                     (unsigned long long)is->st_mtim.tv_sec, (unsigned long)is->st_mtim.tv_nsec,
                     (unsigned long long)is->st_size, (unsigned long long)is->st_ino);
    /* A date to come would make no sense to anybody (RFC 9110 section 8.8.2.1). */
    a->validators = (struct http_validators){.etag = span_of(a->etag, (size_t)n),
                                             .modified = is->st_mtim.tv_sec < now ? is->st_mtim.tv_sec : now,
                                             .now = now};
}

/* The fields that a 304 has too. */
static int begin(struct file_answer *a, int status)
{
    const struct conf_files *conf = a->search.conf;
    local_begin(a->x, status);
    int r = add(a, SPAN("ETag"), a->validators.etag);
    r |= add(a, SPAN("Last-Modified"), http_date(&a->modified, a->validators.modified));
    if (conf->cache_control.written)
        r |= add(a, SPAN("Cache-Control"), span_str(conf->cache_control.written));
    if (conf->precompressed)
        r |= add(a, SPAN("Vary"), SPAN("Accept-Encoding"));
    return r;
}

static int begin_with_body(struct file_answer *a, int status)
{
    int r = begin(a, status);
    r |= add(a, SPAN("Content-Type"), a->type);
    r |= add(a, SPAN("Accept-Ranges"), SPAN("bytes"));
    if (a->search.coding != HTTP_CODING_NONE)
        r |= add(a, SPAN("Content-Encoding"), http_coding_name(a->search.coding));
    return r;
}

/* --- ranges -------------------------------------------------------------------------------------------------------- */

static int content_range(const struct http_range *r, uint64_t size, char *out, size_t cap)
{
    return snprintf(out, cap, "bytes %llu-%llu/%llu", (unsigned long long)r->first,
                    (unsigned long long)(r->first + r->length - 1), (unsigned long long)size);
}

static int unsatisfiable(struct file_answer *a)
{
    struct exchange *x = a->x;
    struct http_edit *field = memory_take(&x->memory, sizeof *field);
    int n = snprintf(a->range, sizeof a->range, "bytes */%llu", (unsigned long long)a->search.is.st_size);
    refuse(x, 416, "range_not_satisfiable", "http_request_error");
    if (field) {
        *field = (struct http_edit){HTTP_EDIT_ADD, SPAN("Content-Range"), span_of(a->range, (size_t)n)};
        x->page.fields = (struct http_edits){field, 1};
    }
    return -1;
}

static int send_range(struct file_answer *a)
{
    const struct http_range *r = &a->ranges.list[0];
    int n = content_range(r, (uint64_t)a->search.is.st_size, a->range, sizeof a->range);
    return begin_with_body(a, 206) | add(a, SPAN("Content-Range"), span_of(a->range, (size_t)n)) |
           local_file(a->x, a->search.fd, r->first, r->length);
}

#define PART_HEAD 320 /* a boundary, a media type, a range */

/* multipart/byteranges (RFC 9110 section 14.6), with a boundary that no file can foresee. */
static int send_ranges(struct file_answer *a)
{
    struct exchange *x = a->x;
    unsigned count = a->ranges.count;
    struct local_piece *pieces = memory_take(&x->memory, (count + 1) * sizeof *pieces);
    char *text = memory_take(&x->memory, (count + 1) * PART_HEAD);
    uint64_t boundary[2];
    if (!pieces || !text || getrandom(boundary, sizeof boundary, 0) != sizeof boundary)
        return -ENOMEM;
    char name[33];
    snprintf(name, sizeof name, "%016llx%016llx", (unsigned long long)boundary[0],
             (unsigned long long)boundary[1]);
    for (unsigned i = 0; i < count; i++, text += PART_HEAD) {
        const struct http_range *r = &a->ranges.list[i];
        content_range(r, (uint64_t)a->search.is.st_size, a->range, sizeof a->range);
        int n = snprintf(text, PART_HEAD, "%s--%s\r\nContent-Type: %.*s\r\nContent-Range: %s\r\n\r\n",
                         i ? "\r\n" : "", name, (int)a->type.n, a->type.p, a->range);
        pieces[i] = (struct local_piece){{text, (size_t)n}, r->first, r->length};
    }
    int n = snprintf(text, PART_HEAD, "\r\n--%s--\r\n", name);
    pieces[count] = (struct local_piece){.text = {text, (size_t)n}};
    n = snprintf(a->range, sizeof a->range, "multipart/byteranges; boundary=%s", name);
    a->type = span_of(a->range, (size_t)n);
    return begin_with_body(a, 206) | local_pieces(x, a->search.fd, pieces, count + 1);
}

/* How many ranges are to be sent, 0: all of the file, -ERANGE. */
static int wanted_ranges(struct file_answer *a)
{
    const struct http_head *request = &a->x->request;
    const struct http_field *range = http_head_field(request, HTTP_F_RANGE);
    if (!range || request->method != HTTP_METHOD_GET || !http_if_range(request, &a->validators))
        return 0;
    for (const struct http_field *f = range + 1; f < request->fields + request->count; f++)
        if (f->id == HTTP_F_RANGE)
            return 0;
    return http_ranges_parse(range->value, (uint64_t)a->search.is.st_size, &a->ranges);
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

/* The descriptor is the answer's from local_file() and local_pieces() on. */
static int send_file(struct file_answer *a)
{
    struct exchange *x = a->x;
    describe(a);
    a->type = media_type(span_of(a->search.name, a->search.length));
    enum http_precondition holds = http_preconditions(&x->request, &a->validators);
    int count = holds == HTTP_PRECONDITION_HOLDS ? wanted_ranges(a) : 0;
    if (holds == HTTP_PRECONDITION_HOLDS && count >= 0)
        return count == 0
                   ? begin_with_body(a, 200) | local_file(x, a->search.fd, 0, (uint64_t)a->search.is.st_size)
                   : (count == 1 ? send_range : send_ranges)(a);
    close(a->search.fd);
    a->search.fd = -1;
    if (holds == HTTP_PRECONDITION_NOT_MODIFIED)
        return begin(a, 304);
    return holds == HTTP_PRECONDITION_FAILED ? refuse(x, 412, "precondition_failed", "http_request_error")
                                             : unsatisfiable(a);
}

/* To the same path with its slash, as the client knows it, before any rewriting. A path that starts with two would name
 * another host. */
static int redirect(struct exchange *x)
{
    char *path = x->worker->scratch;
    size_t room = sizeof x->worker->scratch;
    int n = http_path_normalise(x->request.uri.path, 0, path, room);
    struct span query = x->request.uri.query;
    char *location = n > 0 ? memory_take(&x->memory, (size_t)n + 1 + query.n) : NULL;
    if (!location || (n > 1 && path[1] == '/'))
        return not_found(x, n > 0 && !location ? -ENOMEM : -ENOENT);
    memcpy(location, path, (size_t)n);
    location[n] = '/';
    if (query.n)
        memcpy(location + n + 1, query.p, query.n);
    local_begin(x, 301);
    return local_field(x, SPAN("Location"), span_of(location, (size_t)n + 1 + query.n)) |
           local_body(x, span_of(NULL, 0));
}

/* --- the search ---------------------------------------------------------------------------------------------------- */

struct job {
    struct files_search *search;
    int result;
};

static void *search_on_thread(void *arg)
{
    struct job *job = arg;
    job->result = files_search(job->search, false);
    return NULL;
}

/* What the kernel has at hand is found at once; for the rest a thread waits for the disk. */
static int search(struct files_search *s, green_time deadline)
{
    struct job job = {.search = s, .result = files_search(s, true)};
    if (job.result != -EAGAIN)
        return job.result;
    int r = green_blocking_in(green_threads_file(), search_on_thread, &job, NULL, deadline);
    if (r < 0 && job.result == 0 && s->fd >= 0)
        close(s->fd);
    return r < 0 ? r : job.result;
}

static int answer(struct file_answer *a)
{
    switch (a->search.found) {
    case FILES_WITHOUT_SLASH:
        return redirect(a->x);
    case FILES_FOLDER:
        return listing_answer(a->x, &a->search);
    case FILES_NO_ROOT:
    case FILES_FILE:
        break;
    }
    return send_file(a);
}

int files_answer(struct exchange *x, struct span path)
{
    const struct conf_files *conf = &x->route->files;
    if (x->request.method != HTTP_METHOD_GET && x->request.method != HTTP_METHOD_HEAD)
        return refuse_method(x);
    struct file_answer *a = memory_take(&x->memory, sizeof *a);
    if (!a)
        return not_found(x, -ENOMEM);
    a->x = x;
    a->search.conf = conf;
    a->search.takes.count = 0;
    a->modified.text[0] = 0;
    int r = files_name(path, conf->dotfiles, a->search.asked, &a->search.asked_folder);
    if (r < 0)
        return not_found(x, r);
    a->search.asked_length = (size_t)r;
    if (conf->precompressed)
        http_codings_accepted(&x->request, &a->search.takes);
    r = search(&a->search, green_turn_time() + x->listener->timeout_disk);
    if (r == -ENOENT && a->search.found == FILES_NO_ROOT)
        return refuse(x, 404, "root_not_found", "destination_not_found");
    if (r < 0)
        return not_found(x, r);
    r = answer(a);
    if (r == 0 || x->page.status)
        return r;
    if (a->search.fd >= 0 && x->local.fd != a->search.fd)
        close(a->search.fd);
    return not_found(x, r < -1 ? r : -ENOBUFS);
}
