/* The admin listener's pages, and who gets them. */
#include "admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "admin_access.h"
#include "admin_login.h"
#include "dashboard_page.h"
#include "error_log.h"
#include "events.h"
#include "exposition.h"
#include "http/encoder.h"
#include "history.h"
#include "runtime/process.h"
#include "status.h"

#define MOST_CONNECTIONS 256
#define HEAD_LIMIT       16384
#define BODY_LIMIT       4096 /* the login form's */
#define PATIENCE         GREEN_S(10)
#define IDLE_PATIENCE    GREEN_S(60)
#define GZIP_LEVEL       4
#define GZIP_LEAST       1000 /* smaller answers go as they are */
#define ENCODERS_MOST    ((size_t)4 << 20)

/* One address. */
struct admin_server {
    struct admin *admin;
    green_http_server_t *http;
    bool needs_token;
};

struct admin {
    struct process *process;
    struct snapshot *snapshot; /* held: the token is its */
    const char *token;         /* NULL: nobody needs one */
    struct admin_sessions sessions;
    struct encoders encoders;
    struct history history;
    struct events events;
    green_t *clock; /* its greenlet: a sample and an event each second */
    size_t count;
    struct admin_server servers[];
};

/* --- answers ------------------------------------------------------------------------------------------------------ */

static int set_all(green_http_exchange_t *x, const char *const (*fields)[2], size_t count)
{
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = green_http_set(x, fields[i][0], fields[i][1]);
    return r;
}

/* What a browser may do with any of our pages: next to nothing. */
static int set_usual(green_http_exchange_t *x)
{
    static const char *const usual[][2] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "same-origin"}, /* with none, browsers hide where our own form came from */
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
    };
    return set_all(x, usual, sizeof usual / sizeof usual[0]);
}

static int answer_text(green_http_exchange_t *x, int status, const char *text)
{
    return green_http_answer(x, status, "text/plain; charset=utf-8", text, strlen(text), GREEN_FOREVER);
}

/* "gzip" among the codings that are accepted, unless with q=0. */
static bool takes_gzip(const green_http_exchange_t *x)
{
    const char *field = green_http_field(x, "Accept-Encoding");
    const char *found = field ? strstr(field, "gzip") : NULL;
    if (!found)
        return false;
    found += strlen("gzip");
    found += strspn(found, " \t");
    if (*found != ';')
        return *found == ',' || !*found;
    found += 1 + strspn(found + 1, " \t");
    return strncmp(found, "q=0", 3) != 0 || strspn(found + 3, ".0") != strcspn(found + 3, ", \t");
}

static char *compress(struct admin *a, const char *text, size_t n, size_t *size)
{
    struct encoder *e = encoder_take(&a->encoders, HTTP_CODING_GZIP, GZIP_LEVEL);
    char *out = e ? malloc(n) : NULL;
    struct span in = span_of(text, n);
    bool done = false;
    ssize_t written = out ? encoder_run(e, ENCODER_FINISH, &in, out, n, &done) : -ENOMEM;
    if (e)
        encoder_give(&a->encoders, e);
    if (written < 0 || !done) { /* larger than what it is to replace */
        free(out);
        return NULL;
    }
    *size = (size_t)written;
    return out;
}

/* A text that may be long. */
static int answer_long(struct admin *a, green_http_exchange_t *x, const char *type, const char *text,
                       size_t n)
{
    size_t size = 0;
    char *packed = n >= GZIP_LEAST && takes_gzip(x) ? compress(a, text, n, &size) : NULL;
    int r = green_http_set(x, "Vary", "Accept-Encoding");
    if (r == 0 && packed)
        r = green_http_set(x, "Content-Encoding", "gzip");
    if (r == 0)
        r = green_http_answer(x, 200, type, packed ? packed : text, packed ? size : n, GREEN_FOREVER);
    free(packed);
    return r;
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

static int answer_metrics(const struct admin_server *s, green_http_exchange_t *x)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    exposition_write(out, s->admin->process);
    int r = fclose(out) == 0 ? answer_long(s->admin, x, EXPOSITION_TYPE, text, size) : -ENOMEM;
    free(text);
    return r;
}

static int answer_status(const struct admin_server *s, green_http_exchange_t *x)
{
    char *text = status_text(s->admin->process, &s->admin->history, true);
    int r = text ? answer_long(s->admin, x, "application/json", text, strlen(text)) : -ENOMEM;
    free(text);
    return r;
}

static int answer_events(const struct admin_server *s, green_http_exchange_t *x)
{
    if (s->admin->events.clients >= EVENTS_CLIENTS) {
        int r = green_http_set(x, "Retry-After", "10");
        green_http_close(x);
        return r < 0 ? r : answer_text(x, 503, "too many are watching; /status.json answers everybody\n");
    }
    return events_serve(&s->admin->events, x, status_text(s->admin->process, &s->admin->history, true));
}

static int answer_dashboard(const struct admin_server *s, green_http_exchange_t *x)
{
    int r = green_http_set(x, "Content-Security-Policy", DASHBOARD_PAGE_POLICY);
    return r < 0 ? r
                 : answer_long(s->admin, x, "text/html; charset=utf-8", dashboard_page, dashboard_page_size);
}

static int answer_health(const struct admin_server *s, green_http_exchange_t *x)
{
    return answer_text(x, 200, "ok\n");
}

static int answer_readiness(const struct admin_server *s, green_http_exchange_t *x)
{
    const struct process *p = s->admin->process;
    if (p->draining)
        return answer_text(x, 503, "draining\n");
    return p->starting ? answer_text(x, 503, "starting\n") : answer_text(x, 200, "ready\n");
}

static int answer_login(const struct admin_server *s, green_http_exchange_t *x)
{
    return admin_login(&s->admin->sessions, s->admin->token, x);
}

/* Whether whoever asks had to sign in, and can sign out. */
static int answer_session(const struct admin_server *s, green_http_exchange_t *x)
{
    const char *text = s->needs_token ? "{\"token\":true}" : "{\"token\":false}";
    return green_http_answer(x, 200, "application/json", text, strlen(text), GREEN_FOREVER);
}

static int answer_logout(const struct admin_server *s, green_http_exchange_t *x)
{
    return admin_logout(&s->admin->sessions, x);
}

static const struct page {
    const char *path;
    int (*answer)(const struct admin_server *s, green_http_exchange_t *x);
    bool post; /* POST, else GET and HEAD */
    bool open; /* for everybody */
} pages[] = {
    {"/", answer_dashboard, false, false},      {"/status.json", answer_status, false, false},
    {"/events", answer_events, false, false},   {"/metrics", answer_metrics, false, false},
    {"/healthz", answer_health, false, true},   {"/session", answer_session, false, false},
    {"/readyz", answer_readiness, false, true}, {"/login", answer_login, true, true},
    {"/logout", answer_logout, true, false},
};

static const struct page *find_page(const char *path)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (!strcmp(pages[i].path, path))
            return &pages[i];
    return NULL;
}

static int answer(green_http_exchange_t *x, void *arg)
{
    const struct admin_server *s = arg;
    struct admin *a = s->admin;
    const struct page *page = find_page(green_http_path(x));
    const char *method = green_http_method(x);
    int r = set_usual(x);
    if (r < 0)
        return r;
    if (!s->needs_token && !admin_host_good(green_http_host(x)))
        return answer_text(x, 421, "ask for this page by an address of this machine, or as localhost\n");
    if (s->needs_token && !(page && page->open) && !admin_has_token(&a->sessions, a->token, x))
        return admin_ask_for_token(x, false);
    if (!page)
        return answer_text(x, 404, "there is nothing here; look at /\n");
    if (page->post ? strcmp(method, "POST") != 0
                   : strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        r = green_http_set(x, "Allow", page->post ? "POST" : "GET, HEAD");
        return r < 0 ? r : answer_text(x, 405, page->post ? "POST only\n" : "GET only\n");
    }
    if (page->post && !admin_same_site(x))
        return answer_text(x, 403, "this form was sent from another site\n");
    return page->answer(s, x);
}

/* --- its life ----------------------------------------------------------------------------------------------------- */

static int complain(const struct conf_address *at, int error)
{
    error_log(LOG_LEVEL_ERROR, "%s:%d: cannot listen on %s for admin: %s", at->origin.file, at->origin.line,
              at->text,
              error == -EADDRINUSE ? "another process is using that address" : green_strerror(error));
    return error;
}

static int open_server(struct admin_server *s, const struct conf_address *at)
{
    const green_http_server_options_t options = {
        .server = {.connections = MOST_CONNECTIONS, .stop_timeout = 1, .name = "admin"},
        .head_limit = HEAD_LIMIT,
        .body_limit = BODY_LIMIT,
        .head_timeout = PATIENCE,
        .idle_timeout = IDLE_PATIENCE,
        .body_timeout = PATIENCE,
        .write_timeout = PATIENCE,
    };
    green_address_t bound;
    char text[GREEN_ADDRESS_TEXT];
    int r = green_http_server_new(&s->http, at->text, answer, s, &options);
    if (r == 0)
        r = green_http_server_start(s->http, green_in(PATIENCE));
    if (r == 0)
        r = green_server_address(green_http_server_streams(s->http), &bound);
    if (r < 0)
        return complain(at, r);
    if (at->is_unix)
        error_log(LOG_LEVEL_NOTICE, "metrics and dashboard on %s", at->text);
    else
        error_log(LOG_LEVEL_NOTICE, "metrics and dashboard on http://%s/",
                  green_address_text(&bound, true, text));
    return 0;
}

static void *run_clock(void *arg)
{
    struct admin *a = arg;
    green_time next = green_in(GREEN_S(1));
    while (green_sleep_until(next) == 0) {
        history_tick(&a->history, a->process->snapshot->metrics, atomic_load(&a->process->connections));
        if (events_wanted(&a->events))
            events_tell(&a->events, status_text(a->process, &a->history, false));
        next += GREEN_S(1);
        if (next < green_now()) /* the machine was asleep */
            next = green_in(GREEN_S(1));
    }
    return NULL;
}

int admin_open(struct process *p)
{
    const struct conf_admin *conf = &p->snapshot->conf->admin;
    int r = 0;
    if (!conf->count)
        return 0;
    struct admin *a = calloc(1, sizeof *a + conf->count * sizeof a->servers[0]);
    if (!a)
        return -ENOMEM;
    p->admin = a;
    a->process = p;
    a->snapshot = snapshot_hold(p->snapshot);
    a->token = conf_admin_token(conf);
    encoders_init(&a->encoders, ENCODERS_MOST);
    events_init(&a->events);
    history_begin(&a->history, p->snapshot->metrics);
    if (!(a->clock = green_spawn(run_clock, a)))
        return -ENOMEM;
    for (size_t i = 0; i < conf->count && r == 0; i++) {
        struct admin_server *s = &a->servers[a->count++];
        s->admin = a;
        s->needs_token = a->token && !conf->addresses[i].is_unix;
        r = open_server(s, &conf->addresses[i]);
    }
    return r;
}

void admin_close(struct admin *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++)
        if (a->servers[i].http && green_http_server_stop(a->servers[i].http, GREEN_FOREVER) == 0)
            green_http_server_free(a->servers[i].http);
    if (a->clock && green_kill(a->clock, GREEN_FOREVER) == 0)
        green_release(a->clock);
    events_destroy(&a->events);
    history_end(&a->history);
    encoders_trim(&a->encoders);
    snapshot_release(a->snapshot);
    free(a);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_service(const struct conf_admin *a, const struct conf_admin *b)
{
    bool same = a->count == b->count && same_text(conf_admin_token(a), conf_admin_token(b));
    for (size_t i = 0; same && i < a->count; i++)
        same = same_text(a->addresses[i].text, b->addresses[i].text);
    return same;
}

void admin_follow(struct process *p)
{
    struct admin *a = p->admin;
    if (a && same_service(&a->snapshot->conf->admin, &p->snapshot->conf->admin)) {
        history_follow(&a->history, p->snapshot->metrics);
        snapshot_release(a->snapshot);
        a->snapshot = snapshot_hold(p->snapshot);
        a->token = conf_admin_token(&p->snapshot->conf->admin);
        return;
    }
    p->admin = NULL;
    admin_close(a);
    int r = admin_open(p);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "metrics and dashboard are not served: %s", green_strerror(r));
}
