/*
 * Connecting by name (RFC 8305). The attempts are connects under way in one greenlet, which polls them all: there is
 * nobody to cancel, and leaving means closing what is in the list.
 */
#include "dial.h"

#include "dns.h"
#include "fd_state.h"
#include "poll.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPT_DELAY     GREEN_MS(250)
#define ATTEMPT_DELAY_MIN GREEN_MS(10)

/* --- the race ------------------------------------------------------------------------------------------------------------ */

struct race {
    const green_address_t *order[GREEN_DIAL_ATTEMPTS]; /* to be tried */
    size_t count, begun;
    const green_address_t *source; /* NULL: any */
    int64_t delay;
    green_time next;                        /* when to begin the next attempt although others are under way */
    struct pollfd fds[GREEN_DIAL_ATTEMPTS]; /* under way */
    const green_address_t *to[GREEN_DIAL_ATTEMPTS];
    size_t under_way;
    int error; /* the one that says most so far */
};

/* How much an error says about the other side, as opposed to this machine's own means of getting there. */
static int telling(int error)
{
    switch (error) {
    case -ECONNREFUSED:
    case -ECONNRESET:
    case -ETIMEDOUT:
        return 3;
    case -EHOSTUNREACH:
    case -EACCES:
    case -EPERM:
        return 2;
    case -ENETUNREACH:
    case -EAFNOSUPPORT:
    case -EADDRNOTAVAIL:
        return 0;
    default:
        return 1;
    }
}

static void failed(struct race *race, int error)
{
    if (!race->error || telling(error) >= telling(race->error))
        race->error = error;
    race->next = GREEN_NOWAIT; /* no reason to wait for this one any longer */
    if (error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM)
        race->begun = race->count; /* more would not fare better, and others need the descriptors */
}

/* Begins with the next address. A connected descriptor; -EAGAIN: see what comes of those under way. */
static int begin_next(struct race *race)
{
    const green_address_t *to = race->order[race->begun++];
    race->next = green_in(race->delay);
    int fd = green__connecting_socket(to->any.sa_family, race->source);
    int r = fd < 0 ? fd : green_connect_fd(fd, to, GREEN_NOWAIT);
    if (r == 0)
        return fd;
    if (r == -EAGAIN) {
        race->fds[race->under_way] = (struct pollfd){.fd = fd, .events = POLLOUT};
        race->to[race->under_way++] = to;
        return -EAGAIN;
    }
    if (fd >= 0)
        green_close(fd);
    failed(race, r);
    return -EAGAIN;
}

static int take_out(struct race *race, size_t i)
{
    int fd = race->fds[i].fd;
    race->under_way--;
    race->fds[i] = race->fds[race->under_way];
    race->to[i] = race->to[race->under_way];
    return fd;
}

/* After poll: a connected descriptor, or -EAGAIN; those that failed are closed. */
static int settle(struct race *race)
{
    for (size_t i = race->under_way; i-- > 0;) {
        if (!race->fds[i].revents)
            continue;
        int r = green_connect_fd(race->fds[i].fd, race->to[i], GREEN_NOWAIT); /* tells what became of it */
        if (r == -EAGAIN)
            continue;
        int fd = take_out(race, i);
        if (r == 0)
            return fd;
        green_close(fd);
        failed(race, r);
    }
    return -EAGAIN;
}

/* Waits until an attempt is decided or the next one is due: 0, or why the caller must give up. */
static int wait_for_news(struct race *race, green_time deadline)
{
    green_time until = race->begun < race->count && race->next < deadline ? race->next : deadline;
    int r = green_poll(race->fds, race->under_way, until);
    if (r == -ETIMEDOUT && until < deadline) {
        for (size_t i = 0; i < race->under_way; i++)
            race->fds[i].revents = 0;
        r = 0; /* just time for the next, unless an enclosing timeout fired */
    }
    return r < 0 ? r : green__interruption(green_self());
}

static int run(struct race *race, green_time deadline)
{
    for (;;) {
        while (race->begun < race->count && (!race->under_way || race->next <= green_now())) {
            int fd = begin_next(race);
            if (fd >= 0)
                return fd;
        }
        if (!race->under_way)
            return race->error;
        int r = wait_for_news(race, deadline);
        if (r == 0)
            r = settle(race);
        if (r != -EAGAIN || deadline <= GREEN_NOWAIT)
            return r;
    }
}

/* --- what to try, in which order ------------------------------------------------------------------------------------------- */

static int family_wanted(const green_dial_options_t *options)
{
    return options->source ? options->source->any.sa_family : options->family;
}

static const green_address_t *next_of(const green_address_t *addresses, size_t count, size_t *at, int family,
                                      bool same)
{
    while (*at < count) {
        const green_address_t *a = &addresses[(*at)++];
        if ((a->any.sa_family == family) == same)
            return a;
    }
    return NULL;
}

/* Families take turns, the first address's begins. */
static void interleave(struct race *race, const green_address_t *addresses, size_t count, size_t max)
{
    int first = addresses[0].any.sa_family;
    size_t at[2] = {0, 0};
    const green_address_t *a, *b;
    do {
        a = next_of(addresses, count, &at[0], first, true);
        if (a && race->count < max)
            race->order[race->count++] = a;
        b = next_of(addresses, count, &at[1], first, false);
        if (b && race->count < max)
            race->order[race->count++] = b;
    } while ((a || b) && race->count < max);
}

static void only_family(struct race *race, const green_address_t *addresses, size_t count, int family,
                        size_t max)
{
    const green_address_t *a;
    size_t at = 0;
    while (race->count < max && (a = next_of(addresses, count, &at, family, true)))
        race->order[race->count++] = a;
}

static int set_up(struct race *race, const green_address_t *addresses, size_t count,
                  const green_dial_options_t *options)
{
    size_t max = options->attempts;
    if (!count || (options->attempt_delay && options->attempt_delay < ATTEMPT_DELAY_MIN))
        return -EINVAL;
    if (options->source && options->family && options->family != options->source->any.sa_family)
        return -EINVAL;
    if (!max || max > GREEN_DIAL_ATTEMPTS)
        max = GREEN_DIAL_ATTEMPTS;
    race->count = race->begun = race->under_way = 0;
    race->error = 0;
    race->source = options->source;
    race->delay = options->attempt_delay ? options->attempt_delay : ATTEMPT_DELAY;
    if (family_wanted(options))
        only_family(race, addresses, count, family_wanted(options), max);
    else
        interleave(race, addresses, count, max);
    return race->count ? 0 : -EAFNOSUPPORT;
}

static const green_dial_options_t defaults;

int green_dial_addresses(const green_address_t *addresses, size_t count, const green_dial_options_t *options,
                         green_time deadline)
{
    struct race race;
    green_t *self = green_self();
    if (!self)
        return -EPERM;
    int r = green__interruption(self);
    if (r == 0)
        r = set_up(&race, addresses, count, options ? options : &defaults);
    if (r < 0)
        return r;
    r = run(&race, deadline);
    for (size_t i = 0; i < race.under_way; i++)
        green_close(race.fds[i].fd);
    return r;
}

int green_dial_host(const char *host, int port, const green_dial_options_t *options, green_time deadline)
{
    green_dns_answer_t *answer;
    if (!options)
        options = &defaults;
    int r = green_resolve(host, port, family_wanted(options), &answer, deadline);
    if (r < 0)
        return r;
    r = green_dial_addresses(answer->addresses, answer->count, options, deadline);
    green_dns_release(answer);
    return r;
}

/* --- streams --------------------------------------------------------------------------------------------------------------- */

static int open_tcp(green_stream_t **out, const char *host, int port, const green_dial_options_t *options,
                    green_time deadline)
{
    int fd = green_dial_host(host, port, options, deadline);
    return fd < 0 ? fd : green_stream_open(out, fd);
}

static int open_tls(green_stream_t **out, const char *host, int port, const green_dial_options_t *options,
                    green_time deadline)
{
    green_stream_t *tcp;
    int r = open_tcp(&tcp, host, port, options, deadline);
    if (r < 0)
        return r;
    return green_tls_connect(out, options ? options->tls : NULL, tcp, host, deadline);
}

int green_tcp_connect(green_stream_t **out, const char *host, int port, green_time deadline)
{
    *out = NULL;
    return open_tcp(out, host, port, NULL, deadline);
}

int green_unix_connect(green_stream_t **out, const char *path, green_time deadline)
{
    green_address_t address;
    *out = NULL;
    if (path[0] != '/' || green_address_parse(&address, path, 0) < 0)
        return -EINVAL;
    int fd = green_connect(&address, deadline);
    return fd < 0 ? fd : green_stream_open(out, fd);
}

/* "host:port", "[address]:port": the host without brackets, and the port. */
static int split(const char *text, char host[GREEN_NAME_SIZE + 1], int *port)
{
    const char *colon = strrchr(text, ':'), *begin = text, *end = colon;
    if (!colon)
        return -EINVAL;
    if (*begin == '[') {
        if (end == begin || end[-1] != ']')
            return -EINVAL;
        begin++;
        end--;
    }
    size_t length = (size_t)(end - begin);
    if (!length || length > GREEN_NAME_SIZE || (begin == text && memchr(begin, ':', length)))
        return -EINVAL;
    memcpy(host, begin, length);
    host[length] = 0;
    char *rest;
    long number = strtol(colon + 1, &rest, 10);
    if (*rest || colon[1] < '0' || colon[1] > '9' || number < 1 || number > 65535)
        return -EINVAL;
    *port = (int)number;
    return 0;
}

static const struct {
    const char *prefix;
    int (*open)(green_stream_t **out, const char *host, int port, const green_dial_options_t *options,
                green_time deadline);
} schemes[] = {
    {"tcp://", open_tcp},
    {"tls://", open_tls},
};

int green_dial(green_stream_t **out, const char *where, const green_dial_options_t *options,
               green_time deadline)
{
    char host[GREEN_NAME_SIZE + 1];
    int port;
    *out = NULL;
    if (strncmp(where, "unix:", 5) == 0)
        return green_unix_connect(out, where + (strncmp(where + 5, "//", 2) == 0 ? 7 : 5), deadline);
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i].prefix);
        if (strncmp(where, schemes[i].prefix, length) != 0)
            continue;
        int r = split(where + length, host, &port);
        return r < 0 ? r : schemes[i].open(out, host, port, options, deadline);
    }
    return strstr(where, ":") ? -EPROTONOSUPPORT : -EINVAL;
}
