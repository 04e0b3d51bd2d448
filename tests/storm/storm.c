/*
 * usage: storm REQUESTS SEED [CLIENTS' SERIAL]
 *
 * Prints the port of its server, reads the proxy's port from standard input, and sends so many mutated requests. At the
 * end it prints what it counted as one JSON object; status 1 means that the proxy did what it must not do (storm.h).
 */
#include "storm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

struct storm storm;

static struct reference records[STORM_RECORDS];

struct reference *storm_record(uint32_t serial)
{
    return &records[serial % STORM_RECORDS];
}

void storm_watch(struct watched *w, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = w};
    epoll_ctl(storm.epoll, EPOLL_CTL_MOD, w->fd, &event);
}

void storm_show(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && i < 8000; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\r' || c == '\n')
            fputs(c == '\r' ? "\\r" : "\\n\n", stderr);
        else if (c >= ' ' && c < 0x7f && c != '\\')
            fputc(c, stderr);
        else
            fprintf(stderr, "\\x%02x", c);
    }
    fputc('\n', stderr);
}

void storm_violation(const char *what, const char *bytes, size_t n)
{
    fprintf(stderr, "storm: VIOLATION: %s\n", what);
    storm_show(bytes, n);
    exit(1);
}

static uint32_t token_sum(uint32_t serial, unsigned index)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%u/%u", serial, index);
    return (uint32_t)(reference_add(UINT64_C(0x9e3779b97f4a7c15), text, (size_t)n) >> 16);
}

void storm_token(char out[static STORM_TOKEN_BYTES], uint32_t serial, unsigned index)
{
    snprintf(out, STORM_TOKEN_BYTES, "%u.%u.%08x", serial, index, token_sum(serial, index));
}

bool storm_token_read(struct span token, uint32_t *serial, unsigned *index)
{
    char text[STORM_TOKEN_BYTES];
    unsigned sum;
    if (token.n >= sizeof text)
        return false;
    memcpy(text, token.p, token.n);
    text[token.n] = '\0';
    return sscanf(text, "%u.%u.%8x", serial, index, &sum) == 3 && sum == token_sum(*serial, *index);
}

static void report(FILE *out, time_t started)
{
    fprintf(out,
            "{\"requests\": %" PRIu64 ", \"connections\": %" PRIu64 ", \"valid\": %" PRIu64
            ", \"at_the_server\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"refused\": %" PRIu64
            ", \"cut\": %" PRIu64 ", \"mutated_answers\": %" PRIu64 ", \"seconds\": %ld}\n",
            storm.sent, storm.connections, storm.meant, storm.reached, storm.answered, storm.refused,
            storm.cut, storm.bad_answers, (long)(time(NULL) - started));
    fflush(out);
}

static void turn(void)
{
    struct epoll_event events[256];
    int n = epoll_wait(storm.epoll, events, 256, 1000);
    for (int i = 0; i < n; i++) {
        struct watched *w = events[i].data.ptr;
        w->ready(w);
    }
}

int main(int argc, char **argv)
{
    unsigned port;
    if (argc < 3) {
        fputs("usage: storm REQUESTS SEED\n", stderr);
        return 2;
    }
    storm.wanted = strtoull(argv[1], NULL, 10);
    storm.state = strtoull(argv[2], NULL, 10) * 2 + 1;
    storm.epoll = epoll_create1(0);
    printf("%u\n", server_start());
    fflush(stdout);
    if (scanf("%u", &port) != 1)
        return 2;
    storm.proxy_port = (uint16_t)port;
    time_t started = time(NULL), told = started;
    while (clients_run()) {
        turn();
        if (time(NULL) - told >= 30) {
            told = time(NULL);
            report(stderr, started);
        }
    }
    server_stop();
    report(stdout, started);
    return 0;
}
