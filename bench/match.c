/*
 * What finding the route of a request costs among many: routes told apart by host and path, and a request that the last
 * one takes; then the same with an expression as the path of each. Prints nanoseconds of CPU per request.
 *
 *     bench/match [routes] [rounds]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "load.h"
#include "route/match.h"

static const char head_text[] =
    "GET /service/last/users/17?verbose=1 HTTP/1.1\r\nHost: last.example.com\r\nUser-Agent: wrk/4.1.0\r\n"
    "Accept: */*\r\nCookie: session=0123456789abcdef\r\n\r\n";
static struct http_head head;
static char scratch[sizeof head_text];

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct conf *routes(int count, const char *path)
{
    struct conf_errors errors = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        exit(1);
    fputs("[listener web]\nbind = :80\nupstream = app\n[upstream app]\nserver = 127.0.0.1:1\n", out);
    for (int i = 1; i < count; i++) {
        fprintf(out, "[route r%d]\nhost = h%03d.example.com, *.h%03d.example.com\npath = ", i, i, i);
        fprintf(out, path, i);
        fputs("\nupstream = app\n", out);
    }
    fputs("[route last]\nhost = last.example.com\npath = /service/last/*\nupstream = app\n", out);
    fclose(out);
    struct conf *conf = conf_load_text("bench", text, n, &errors);
    conf_errors_print(stderr, &errors, false);
    conf_errors_free(&errors);
    free(text);
    if (!conf)
        exit(1);
    return conf;
}

static void measure(const char *name, int count, const char *path, long rounds)
{
    struct conf *conf = routes(count, path);
    struct route_request request = {
        .listener = &conf->listeners[0], .head = &head, .path = head.uri.path, .scratch = scratch};
    struct route_match match;
    double best = 0;
    for (int run = 0; run < 5; run++) {
        double start = cpu_ns(), ns;
        for (long i = 0; i < rounds; i++)
            if (route_match(conf, &request, &match) < 0 || !match.route)
                exit(1);
        ns = (cpu_ns() - start) / (double)rounds;
        if (run == 0 || ns < best)
            best = ns;
    }
    printf("%-28s %7.0f ns\n", name, best);
    conf_free(conf);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 50;
    long rounds = argc > 2 ? atol(argv[2]) : 200000;
    struct http_parser parser;
    http_request_begin(&parser, NULL);
    if (http_head_feed(&parser, head_text, sizeof head_text - 1, &head) != 1)
        return 1;
    printf("the last of %d routes; best of 5 runs of %ld\n", count, rounds);
    measure("hosts and paths", count, "/service/h%03d/*", rounds);
    measure("hosts, and expressions", count, "~^/service/h%03d/([a-z]+)$", rounds);
    return 0;
}
