/*
 * What one small exchange costs in message code alone: a wrk request head and an nginx response head,
 * scanned, parsed, understood and regenerated for the other side. Prints nanoseconds of CPU per exchange and
 * per step.
 *
 *     bench/parse [rounds]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "http/date.h"
#include "http/forward.h"
#include "http/head.h"

static const char request[] =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk/4.1.0\r\nAccept: */*\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\n"
                               "Server: nginx/1.22.1\r\n"
                               "Date: Tue, 01 Aug 2023 10:00:00 GMT\r\n"
                               "Content-Type: text/html\r\n"
                               "Content-Length: 612\r\n"
                               "Last-Modified: Mon, 31 Jul 2023 10:00:00 GMT\r\n"
                               "Connection: keep-alive\r\n"
                               "ETag: \"64c78a40-264\"\r\n"
                               "Accept-Ranges: bytes\r\n\r\n";

static struct http_head request_head, response_head;
static char out[2048];

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int scan(const char *buf, size_t n, bool is_response)
{
    struct http_scan s = {.max_bytes = 32768, .max_target = 8192, .max_fields = 100};
    http_scan_begin(&s, is_response);
    return http_scan_feed(&s, buf, n);
}

static int scan_both(void)
{
    return scan(request, sizeof(request) - 1, false) + scan(response, sizeof(response) - 1, true) == 2;
}

static int parse_request(void)
{
    struct http_parser p;
    http_request_begin(&p, NULL);
    return http_head_feed(&p, request, sizeof(request) - 1, &request_head);
}

static int parse_response(void)
{
    struct http_parser p;
    http_response_begin(&p, NULL, HTTP_METHOD_GET, false);
    return http_head_feed(&p, response, sizeof(response) - 1, &response_head);
}

static int forward_request(void)
{
    struct http_forward_request facts = {
        .client = SPAN("127.0.0.1"), .scheme = SPAN("http"), .via = SPAN("greenway")};
    return http_forward_request(&request_head, &facts, out, sizeof(out));
}

static int forward_response(void)
{
    struct http_forward_response facts = {.minor = 1, .keepalive = true};
    facts.framing = http_response_framing(&response_head, 1);
    return http_forward_response(&response_head, &facts, out, sizeof(out));
}

static int exchange(void)
{
    return parse_request() > 0 && forward_request() > 0 && parse_response() > 0 && forward_response() > 0;
}

static void measure(const char *name, int (*step)(void), long rounds)
{
    double best = 0;

    for (int run = 0; run < 5; run++) {
        double start = cpu_ns(), ns;
        for (long i = 0; i < rounds; i++) {
            if (step() <= 0) {
                fprintf(stderr, "%s failed\n", name);
                exit(1);
            }
        }
        ns = (cpu_ns() - start) / (double)rounds;
        if (run == 0 || ns < best)
            best = ns;
    }
    printf("%-28s %7.0f ns\n", name, best);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 200000;

    if (rounds < 1)
        rounds = 1;
    printf("request head %zu bytes, response head %zu bytes; best of 5 runs of %ld\n", sizeof(request) - 1,
           sizeof(response) - 1, rounds);
    measure("scan both", scan_both, rounds);
    measure("scan and parse request", parse_request, rounds);
    measure("scan and parse response", parse_response, rounds);
    measure("forward request", forward_request, rounds);
    measure("forward response", forward_response, rounds);
    measure("whole exchange", exchange, rounds);
    return 0;
}
