/*
 * drain PORT PATH TIMES: downloads http://127.0.0.1:PORT/PATH TIMES times over one keepalive connection and
 * throws the bodies away, for the bulk row of bench/compare.
 *
 * MSG_TRUNC makes the kernel drop the bytes without copying them, so the load generator costs next to nothing
 * and the proxy is what is measured. Prints the body bytes received; anything but complete 200 responses with
 * a Content-Length is an error.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HEAD = 16 * 1024, DISCARD = 1 << 20, PATIENCE_S = 20 };

static void fail(const char *what)
{
    fprintf(stderr, "drain: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static int open_connection(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect");
    return fd;
}

/* Reads the head and sets *extra to the body bytes that came with it. Returns the Content-Length. */
static uint64_t read_head(int fd, uint64_t *extra)
{
    static char head[HEAD + 1];
    size_t have = 0;
    char *end = NULL;
    while (!end) {
        ssize_t n = recv(fd, head + have, HEAD - have, 0);
        if (n <= 0)
            fail("no complete response head");
        have += (size_t)n;
        head[have] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    *extra = (uint64_t)(head + have - (end + 4));
    end[2] = '\0';
    errno = 0;
    if (strncmp(head, "HTTP/1.1 200 ", 13) != 0)
        fail("the status is not 200");
    char *length = strcasestr(head, "\r\ncontent-length:");
    if (!length)
        fail("the response has no Content-Length");
    return strtoull(length + 17, NULL, 10);
}

static uint64_t download(int fd, const char *request, size_t size)
{
    uint64_t extra;
    if (send(fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        fail("send");
    uint64_t length = read_head(fd, &extra);
    if (extra > length)
        fail("more than the body arrived");
    for (uint64_t left = length - extra; left > 0;) {
        ssize_t n = recv(fd, NULL, left < DISCARD ? (size_t)left : (size_t)DISCARD, MSG_TRUNC);
        if (n <= 0)
            fail("the body was cut short");
        left -= (uint64_t)n;
    }
    return length;
}

int main(int argc, char **argv)
{
    long port = argc == 4 ? strtol(argv[1], NULL, 10) : 0;
    long times = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (port <= 0 || port > 65535 || times <= 0) {
        fprintf(stderr, "usage: drain PORT PATH TIMES\n");
        return 2;
    }
    char request[1024];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench.example\r\n\r\n", argv[2]);
    if (size < 0 || (size_t)size >= sizeof request) {
        fprintf(stderr, "drain: the path is too long\n");
        return 2;
    }
    int fd = open_connection((uint16_t)port);
    uint64_t bytes = 0;
    for (long i = 0; i < times; i++)
        bytes += download(fd, request, (size_t)size);
    close(fd);
    printf("%llu\n", (unsigned long long)bytes);
    return 0;
}
