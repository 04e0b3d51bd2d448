/*
 * port_scanner: which TCP ports of this machine answer?
 *
 *     port_scanner [-n AT_A_TIME] [-t MILLISECONDS] [FIRST [LAST]]
 *     port_scanner 1 10000
 *
 * It looks at 127.0.0.1 only. Each port is a greenlet that connects as if there were nothing else to do; a pool bounds
 * how many there are, and with them the descriptors in use.
 */
#include <getopt.h>
#include <green.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t patience = GREEN_MS(500);
static unsigned char is_open[65536];
static int failure; /* one that is no answer */

/* The kernel may have chosen the very port that we look at for our own end: then we have met ourselves. */
static bool is_own(int fd, int port)
{
    green_address_t own;
    return green_local_address(fd, &own) < 0 || green_address_port(&own) == port;
}

static void *try_port(void *arg)
{
    int port = (int)(intptr_t)arg;
    green_address_t address;
    int fd = green_address_parse(&address, "127.0.0.1", port);
    if (fd == 0)
        fd = green_connect(&address, green_in(patience));
    if (fd >= 0) {
        is_open[port] = !is_own(fd, port);
        green_close(fd);
    } else if (fd != -ECONNREFUSED && fd != -ETIMEDOUT) {
        failure = fd;
    }
    return NULL;
}

static int scan(long first, long last, size_t at_a_time)
{
    green_pool_t pool;
    green_pool_init(&pool, at_a_time);
    int r = 0;
    for (long port = first; port <= last && r == 0; port++)
        r = green_pool_spawn(&pool, try_port, (void *)(intptr_t)port,
                             GREEN_FOREVER); /* waits for a free place */
    int joined = green_group_join(&pool.group, GREEN_FOREVER);
    green_pool_destroy(&pool);
    return r < 0 ? r : joined < 0 ? joined : failure;
}

static int usage(void)
{
    fprintf(stderr, "usage: port_scanner [-n AT_A_TIME] [-t MILLISECONDS] [FIRST [LAST]]\n"
                    "Tells which TCP ports of 127.0.0.1 answer; all of them if none are given.\n");
    return 2;
}

int main(int argc, char **argv)
{
    long first = 1, last = 65535, at_a_time = 200;
    for (int option; (option = getopt(argc, argv, "n:t:")) != -1;) {
        long number = option == '?' ? 0 : strtol(optarg, NULL, 10);
        if (number < 1 || number > 10000)
            return usage();
        if (option == 'n')
            at_a_time = number;
        else
            patience = GREEN_MS(number);
    }
    if (optind < argc)
        first = last = strtol(argv[optind], NULL, 10);
    if (optind + 1 < argc)
        last = strtol(argv[optind + 1], NULL, 10);
    if (first < 1 || last > 65535 || first > last || argc - optind > 2)
        return usage();
    int r = scan(first, last, (size_t)at_a_time);
    for (long port = first; port <= last; port++)
        if (is_open[port])
            printf("%ld open\n", port);
    if (r < 0)
        fprintf(stderr, "port_scanner: %s\n", green_strerror(r));
    return r < 0;
}
