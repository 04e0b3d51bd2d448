/* The demo's web server: what each path answers. Connections and messages are libgreen's. */
#include "responder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CONNECTIONS 1000
#define MOST_BYTES       (UINT64_C(1) << 30) /* of /bytes/N */
#define MOST_SLOWNESS    20000               /* milliseconds of /slow */
#define HEAD_LIMIT       16384
#define PATIENCE         GREEN_S(30) /* for a head to be complete, for the next bytes of a body, for a write */
#define IDLE_PATIENCE    GREEN_S(75) /* between requests; the proxy gives up its idle connections before */

static green_http_server_t *server; /* NULL: not running */

__attribute__((format(printf, 3, 4))) static int answer_line(green_http_exchange_t *x, int status,
                                                             const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t size = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    return green_http_answer(x, status, "text/plain", line, size, GREEN_FOREVER);
}

/* Digits and nothing else, at most `most`. */
static bool decimal(const char *text, uint64_t most, uint64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 18 || text[digits])
        return false;
    *out = strtoull(text, NULL, 10);
    return *out <= most;
}

/* --- the paths ----------------------------------------------------------------------------------- */

static int answer_root(green_http_exchange_t *x, const char *rest)
{
    static const char page[] =
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Greenway works</title>\n"
        "<style>body{font:16px/1.5 sans-serif;max-width:44em;margin:3em auto;padding:0 1em}"
        "code,pre{background:#eef5ee;padding:.1em .3em}pre{padding:.8em}</style>\n"
        "<h1>Greenway works</h1>\n"
        "<p>This page came through the proxy: your client, then <code>greenway</code> on 127.0.0.1:8080, "
        "then a small "
        "web server that the demo brings along. The terminal shows a line for each request.</p>\n"
        "<h2>Try</h2>\n<pre>"
        "curl -i http://127.0.0.1:8080/headers          # what the server behind the proxy sees\n"
        "curl -d hello http://127.0.0.1:8080/echo       # a body there and back\n"
        "curl -o /dev/null http://127.0.0.1:8080/bytes/100000000\n"
        "curl -i http://127.0.0.1:8080/status/503       # any status\n"
        "curl -i 'http://127.0.0.1:8080/slow?ms=2000'   # an answer that takes its time</pre>\n"
        "<h2>Then put it before something of your own</h2>\n<pre>"
        "greenway reverse 8080 3000                     # HTTP, to port 3000 of this machine\n"
        "greenway tcp 5432 db.internal:5432             # plain TCP\n"
        "greenway help                                  # all commands, and all keys of a "
        "configuration</pre>\n"
        "</html>\n";
    return green_http_answer(x, 200, "text/html; charset=utf-8", page, sizeof page - 1, GREEN_FOREVER);
}

/* One more piece of the text that is being put together. */
static size_t put(char *text, size_t n, const char *piece)
{
    size_t length = strlen(piece);
    if (length > 2 * HEAD_LIMIT - n)
        length = 2 * HEAD_LIMIT - n;
    memcpy(text + n, piece, length);
    return n + length;
}

static int answer_headers(green_http_exchange_t *x, const char *rest)
{
    const green_http_field_t *fields;
    size_t count = green_http_fields(x, &fields), n = 0;
    const char *query = green_http_query(x);
    char *text = malloc(2 * HEAD_LIMIT); /* whitespace that was left away comes back, one byte for a line */
    if (!text)
        return -ENOMEM;
    n = put(text, n, green_http_method(x));
    n = put(text, n, " ");
    n = put(text, n, green_http_path(x));
    n = put(text, n, query ? "?" : "");
    n = put(text, n, query ? query : "");
    n = put(text, n, green_http_minor(x) ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    for (size_t i = 0; i < count; i++) {
        n = put(text, n, fields[i].name);
        n = put(text, n, ": ");
        n = put(text, n, fields[i].value);
        n = put(text, n, "\r\n");
    }
    n = put(text, n, "\r\n");
    int r = green_http_answer(x, 200, "text/plain", text, n, GREEN_FOREVER);
    free(text);
    return r;
}

static int answer_bytes(green_http_exchange_t *x, const char *rest)
{
    static const char line[] = "The quick brown fox jumps over the lazy dog, again and again.\r\n";
    char block[64 * (sizeof line - 1)];
    uint64_t left;
    if (!decimal(rest, MOST_BYTES, &left))
        return answer_line(x, 404, "/bytes/N gives N bytes, at most %llu\n", (unsigned long long)MOST_BYTES);
    int r = green_http_set(x, "Content-Type", "text/plain");
    if (r == 0)
        r = green_http_begin(x, 200, (int64_t)left);
    for (size_t i = 0; i < 64; i++)
        memcpy(block + i * (sizeof line - 1), line, sizeof line - 1);
    bool wanted = strcmp(green_http_method(x), "HEAD") != 0;
    for (size_t n; r == 0 && left && wanted; left -= n) {
        n = left < sizeof block ? (size_t)left : sizeof block;
        r = green_http_write(x, block, n, GREEN_FOREVER);
    }
    return r;
}

static int answer_status(green_http_exchange_t *x, const char *rest)
{
    uint64_t status;
    if (!decimal(rest, 599, &status) || status < 200)
        return answer_line(x, 404, "/status/NNN answers with that status, 200 to 599\n");
    return answer_line(x, (int)status, "%d %s\n", (int)status, green_http_reason((int)status));
}

static int answer_slow(green_http_exchange_t *x, const char *rest)
{
    const char *query = green_http_query(x);
    uint64_t ms;
    if (!query || strncmp(query, "ms=", 3) != 0 || !decimal(query + 3, MOST_SLOWNESS, &ms))
        return answer_line(x, 404, "/slow?ms=N waits N milliseconds, at most %d\n", MOST_SLOWNESS);
    int r = green_sleep(GREEN_MS(ms));
    return r < 0 ? r : answer_line(x, 200, "that took %d ms\n", (int)ms);
}

/* Back it goes, piece by piece, in the framing that it came with. */
static int answer_echo(green_http_exchange_t *x, const char *rest)
{
    char block[16384];
    ssize_t n;
    int r = green_http_set(x, "Content-Type", "application/octet-stream");
    if (r == 0)
        r = green_http_continue(x, GREEN_FOREVER);
    if (r == 0)
        r = green_http_begin(x, 200, green_http_body_length(x));
    if (r == 0)
        r = green_http_flush(x, GREEN_FOREVER);
    while (r == 0 && (n = green_http_read(x, block, sizeof block, GREEN_FOREVER)) != 0)
        r = n < 0 ? (int)n : green_http_write(x, block, (size_t)n, GREEN_FOREVER);
    return r;
}

static const struct {
    const char *path;
    bool more; /* path is a prefix; the rest goes to the function */
    bool post; /* POST, else GET and HEAD */
    int (*answer)(green_http_exchange_t *x, const char *rest);
} paths[] = {
    {"/", false, false, answer_root},         {"/headers", false, false, answer_headers},
    {"/echo", false, true, answer_echo},      {"/bytes/", true, false, answer_bytes},
    {"/status/", true, false, answer_status}, {"/slow", false, false, answer_slow},
};

static int answer(green_http_exchange_t *x, void *arg)
{
    const char *path = green_http_path(x), *method = green_http_method(x);
    bool post = !strcmp(method, "POST"), get = !strcmp(method, "GET") || !strcmp(method, "HEAD");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        size_t n = strlen(paths[i].path);
        if (strncmp(path, paths[i].path, n) != 0 || (path[n] && !paths[i].more))
            continue;
        if (paths[i].post ? post : get)
            return paths[i].answer(x, path + n);
        const char *allow = paths[i].post ? "POST" : "GET, HEAD";
        int r = green_http_set(x, "Allow", allow);
        return r < 0 ? r : answer_line(x, 405, "%s takes %s\n", paths[i].path, allow);
    }
    return answer_line(x, 404, "there is nothing here; look at /\n");
}

/* --- its life ------------------------------------------------------------------------------------ */

int responder_start(green_address_t *bound)
{
    const green_http_server_options_t options = {
        .server = {.connections = MOST_CONNECTIONS, .stop_timeout = 1, .name = "responder"},
        .head_limit = HEAD_LIMIT,
        .body_limit = UINT64_MAX,
        .head_timeout = PATIENCE,
        .idle_timeout = IDLE_PATIENCE,
        .body_timeout = PATIENCE,
        .write_timeout = PATIENCE,
    };
    int r = green_http_server_new(&server, "127.0.0.1:0", answer, NULL, &options);
    if (r < 0)
        return r;
    r = green_http_server_start(server, GREEN_NOWAIT);
    if (r == 0)
        r = green_server_address(green_http_server_streams(server), bound);
    if (r < 0) {
        green_http_server_free(server);
        server = NULL;
    }
    return r;
}

void responder_stop(void)
{
    if (!server)
        return;
    green_http_server_t *ending = server;
    server = NULL;
    if (green_http_server_stop(ending, GREEN_FOREVER) == 0)
        green_http_server_free(ending);
}
