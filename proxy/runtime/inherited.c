/* The sockets that wait for their endpoints (inherited.h). */
#include "inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "observe/error_log.h"

#define FIRST   3    /* descriptor of the service manager */
#define MANAGER 1024 /* sockets of it at most */
#define ALL     (256 * 1024)

static struct inherited {
    int fd; /* -1: taken */
    char *listener, *words;
    green_address_t address;
} * list;
static size_t count;

/* --- collecting ------------------------------------------------------------------------------------------------------ */

static int listens(int fd)
{
    int on = 0;
    socklen_t size = sizeof on;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) < 0)
        return -errno;
    return on ? 0 : -EINVAL;
}

int inherited_add(int fd, const char *listener, const char *words)
{
    struct inherited one = {.fd = fd}, *more;
    int r = listens(fd);
    if (r == 0)
        r = green_local_address(fd, &one.address);
    if (r == 0 && (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0))
        r = -errno;
    if (r == 0 && count == ALL)
        r = -ENOSPC;
    if (r < 0)
        return r;
    one.listener = strdup(listener);
    one.words = strdup(words);
    more = one.listener && one.words ? realloc(list, (count + 1) * sizeof *more) : NULL;
    if (!more) {
        free(one.listener);
        free(one.words);
        return -ENOMEM;
    }
    list = more;
    list[count++] = one;
    return 0;
}

/* A number from the environment, or -1. */
static long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text || !*text)
        return -1;
    errno = 0;
    long number = strtol(text, &end, 10);
    return errno || *end || number < 0 ? -1 : number;
}

static int find_all(long sockets, char *names)
{
    for (int i = 0; i < sockets; i++) {
        const char *name = names ? strsep(&names, ":") : NULL;
        int r = inherited_add(FIRST + i, name ? name : "", "");
        if (r < 0) {
            error_log(LOG_LEVEL_ERROR, "socket %d of the service manager (%s): %s", i,
                      name ? name : "no name",
                      r == -EINVAL ? "it does not listen; greenway needs Accept=no" : strerror(-r));
            return r;
        }
    }
    return 0;
}

int inherited_find(void)
{
    long sockets = number_of("LISTEN_FDS");
    const char *named = getenv("LISTEN_FDNAMES");
    if (sockets <= 0 || number_of("LISTEN_PID") != getpid())
        return 0;
    if (sockets > MANAGER) {
        error_log(LOG_LEVEL_ERROR, "the service manager passes %ld sockets, which is too many", sockets);
        return -EINVAL;
    }
    char *names = named ? strdup(named) : NULL;
    int r = named && !names ? -ENOMEM : find_all(sockets, names);
    free(names);
    unsetenv("LISTEN_FDS"); /* they are not for anybody else */
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    return r;
}

/* --- taking ---------------------------------------------------------------------------------------------------------- */

static bool same_address(const green_address_t *a, const green_address_t *b)
{
    if (a->any.sa_family == AF_UNIX || b->any.sa_family == AF_UNIX)
        return a->any.sa_family == b->any.sa_family && !strcmp(a->un.sun_path, b->un.sun_path);
    return a->length == b->length && memcmp(&a->any, &b->any, a->length) == 0;
}

enum { OWN_WORDS, WORDS, ADDRESS, NAME, WAYS };

/* The better it fits, the earlier. A port that the kernel chose says nothing of whose it is. */
static bool fits(const struct inherited *i, int way, const char *listener, const char *words,
                 const green_address_t *address)
{
    bool own = strcmp(i->listener, listener) == 0, same = strcmp(i->words, words) == 0;
    size_t n = strlen(words);
    bool chosen = n > 2 && strcmp(words + n - 2, ":0") == 0;
    switch (way) {
    case OWN_WORDS:
        return same && own;
    case WORDS:
        return same && !chosen;
    case ADDRESS:
        return address && !chosen && same_address(&i->address, address);
    default:
        return !*i->words && own;
    }
}

int inherited_take(const char *listener, const char *words, const green_address_t *address)
{
    for (int way = 0; way < WAYS; way++)
        for (size_t i = 0; i < count; i++)
            if (list[i].fd >= 0 && fits(&list[i], way, listener, words, address)) {
                int fd = list[i].fd;
                list[i].fd = -1;
                return fd;
            }
    return -ENOENT;
}

void inherited_close(void)
{
    char text[GREEN_ADDRESS_TEXT];
    for (size_t i = 0; i < count; i++) {
        if (list[i].fd >= 0) {
            error_log(LOG_LEVEL_NOTICE,
                      "a socket at %s was passed on to this process, and no listener binds it: closed",
                      green_address_text(&list[i].address, true, text));
            green_close(list[i].fd);
        }
        free(list[i].listener);
        free(list[i].words);
    }
    free(list);
    list = NULL;
    count = 0;
}
