/*
 * Any request head against routes with every kind of condition: matching must not read outside of the request, must come
 * to the same result twice, and what it says was found must lie where it was looked for.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>

#include "load.h"
#include "route/condition.h"
#include "route/match.h"
#include "route/split.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char routes[] =
    "[listener web]\nbind = :80\nupstream = app\n[upstream app]\nserver = 127.0.0.1:1\n"
    "[upstream canary]\nserver = 127.0.0.1:2\n"
    "[route a]\nhost = ~^(a+)[.](.*)$\npath = ~^/(([a-z]+)/)*$\nupstream = app, canary\nsplit_by = cookie:c\n"
    "[route b]\nquery = a b\nquery = c=~^(x|xx)+$\nquery = d=e&f\nupstream = app, canary\nsplit_by = "
    "header:X-A\n"
    "[route c]\ncookie = c=1\ncookie = c=~^[0-9]+$\ncookie = !d\nupstream = app\n"
    "[route d]\nheader = X-A: ~(b+)+$\nheader = !X-B\nmethod = GET\nupstream = app\n"
    "[route e]\nhost = *.example, [::1]\npath = /x/*, =/y\nsource = 192.0.2.0/24\nupstream = app\n";

static struct conf *conf;
static struct http_head head;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct conf_errors errors = {0};
    (void)argc;
    (void)argv;
    conf = conf_load_text("routes", routes, sizeof routes - 1, &errors);
    conf_errors_print(stderr, &errors, false);
    conf_errors_free(&errors);
    return conf ? 0 : 1;
}

static void check_found(const struct span *found, unsigned count, struct span text)
{
    for (unsigned i = 0; i < count; i++)
        if (found[i].p < text.p || found[i].n > (size_t)(text.p + text.n - found[i].p))
            abort();
}

static void check_cookies(void)
{
    struct route_cookie_place at = {0, 0};
    struct route_cookie cookie;
    while (route_next_cookie(&head, &at, &cookie))
        if (at.field >= head.count || memchr(cookie.name.p, ';', cookie.name.n) ||
            memchr(cookie.value.p, ';', cookie.value.n))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
    struct route_random generator = {size};
    struct route_match match, again;
    struct http_parser parser;
    http_request_begin(&parser, NULL);
    if (http_head_feed(&parser, (const char *)data, size, &head) != 1)
        return 0;
    char *path = malloc(head.target.n + 1); /* exact, so that one byte too many is seen */
    if (!path)
        return 0;
    int n = http_path_normalise(head.uri.path, 0, path, head.target.n + 1);
    if (n >= 0) {
        struct route_request request = {.listener = conf->listeners,
                                        .head = &head,
                                        .path = span_of(path, (size_t)n),
                                        .source = (struct sockaddr *)&source,
                                        .scratch = path + n};
        int r = route_match(conf, &request, &match);
        if (r == 0) {
            check_found(match.captures.host, match.captures.host_count, request.host);
            check_found(match.captures.path, match.captures.path_count, request.path);
        }
        if (route_match(conf, &request, &again) != r || again.route != match.route)
            abort();
        if (!route_split(r == 0 && match.route ? &match.route->split : &conf->listeners->split, &head,
                         request.source, &generator))
            abort();
    }
    check_cookies();
    free(path);
    return 0;
}
