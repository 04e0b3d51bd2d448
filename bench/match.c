/*
 * What finding the route of a request costs among many: routes told apart by host and path, and a request that the last
 * of fifty takes; then the same with an expression as the path of each. Nanoseconds of CPU per request.
 *
 *     bench/match [rounds]
 */
#include "configuration.h"
#include "measure.h"

#include "route/match.h"

static const char head_text[] =
    "GET /service/last/users/17?verbose=1 HTTP/1.1\r\nHost: last.example.com\r\nUser-Agent: wrk/4.1.0\r\n"
    "Accept: */*\r\nCookie: session=0123456789abcdef\r\n\r\n";
static struct http_head head;
static char scratch[sizeof head_text];

enum { ROUTES = 50, REQUESTS = 20000 };

static struct conf *routes(const char *path)
{
    struct configuration c;
    configuration_begin(&c);
    fputs("[listener web]\nbind = :80\nupstream = app\n[upstream app]\nserver = 127.0.0.1:1\n", c.out);
    for (int i = 1; i < ROUTES; i++) {
        fprintf(c.out, "[route r%d]\nhost = h%03d.example.com, *.h%03d.example.com\npath = ", i, i, i);
        fprintf(c.out, path, i);
        fputs("\nupstream = app\n", c.out);
    }
    fputs("[route last]\nhost = last.example.com\npath = /service/last/*\nupstream = app\n", c.out);
    return configuration_end(&c);
}

static double find(const struct conf *conf)
{
    struct route_request request = {
        .listener = &conf->listeners[0], .head = &head, .path = head.uri.path, .scratch = scratch};
    struct route_match match;
    double began = cpu_ns();
    for (long i = 0; i < REQUESTS; i++) {
        check(route_match(conf, &request, &match), "route_match");
        if (!match.route)
            exit(1);
    }
    return (cpu_ns() - began) / REQUESTS;
}

static struct conf *paths, *expressions;

static double by_path(void)
{
    return find(paths);
}

static double by_expression(void)
{
    return find(expressions);
}

int main(int argc, char **argv)
{
    static struct figure figures[] = {
        {.name = "hosts and paths", .unit = "ns", .round = by_path},
        {.name = "hosts, and expressions", .unit = "ns", .round = by_expression}};
    struct http_parser parser;
    http_request_begin(&parser, NULL);
    if (http_head_feed(&parser, head_text, sizeof head_text - 1, &head) != 1)
        return 1;
    paths = routes("/service/h%03d/*");
    expressions = routes("~^/service/h%03d/([a-z]+)$");
    int r = MEASURE(figures, argc, argv);
    conf_free(paths);
    conf_free(expressions);
    return r;
}
