/* Binding, and who is to have which socket (endpoint.h). */
#include "endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inherited.h"
#include "observe/error_log.h"

#define BACKLOG 4096

/* What the kernel holds for a client beyond what is on its way. Without a bound it takes megabytes for each one that
 * hardly reads, and a thousand of those exhaust the memory that TCP may use. */
#define UNSENT_BYTES (128 * 1024)

static int complain(const struct conf_address *a, const char *why)
{
    error_log(LOG_LEVEL_ERROR, "%s:%d: cannot listen on %s: %s", a->origin.file, a->origin.line, a->text,
              why);
    return -1;
}

/* --- addresses ----------------------------------------------------------------------------------------------------- */

/* A name is looked up once, here: listeners do not move. */
static int look_up(const struct conf_address *a, green_address_t *out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    int r = getaddrinfo(a->host, NULL, &hints, &found);
    if (r != 0)
        return complain(a, gai_strerror(r));
    memcpy(&out->any, found->ai_addr, found->ai_addrlen);
    out->length = found->ai_addrlen;
    freeaddrinfo(found);
    if (out->any.sa_family == AF_INET6)
        out->in6.sin6_port = htons((uint16_t)a->port);
    else
        out->in.sin_port = htons((uint16_t)a->port);
    return 0;
}

/* No host means every address: IPv6 and IPv4 on one socket, or IPv4 alone where there is no IPv6. */
static bool have_ipv6(void)
{
    int fd = green_socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0)
        return false;
    green_close(fd);
    return true;
}

static int address_of(const struct conf_address *a, green_address_t *out, int *flags)
{
    *flags = GREEN_V6ONLY;
    if (a->is_unix || *a->host) {
        if (green_address_parse(out, a->host, a->port) == 0)
            return 0;
        return a->is_unix ? complain(a, "the path is too long for a socket") : look_up(a, out);
    }
    *flags = 0;
    return green_address_parse(out, have_ipv6() ? "::" : "0.0.0.0", a->port);
}

/* --- sockets ------------------------------------------------------------------------------------------------------- */

static bool is_socket(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void remove_socket(const char *path)
{
    if (is_socket(path) && unlink(path) < 0)
        error_log(LOG_LEVEL_WARNING, "cannot remove %s: %s", path, strerror(errno));
}

static int listen_on(const green_address_t *address, int flags)
{
    int fd = green_listen(address, BACKLOG, flags);
    bool left_over = fd == -EADDRINUSE && address->any.sa_family == AF_UNIX &&
                     green_remove_stale_socket(address, SOCK_STREAM) == 0;
    return left_over ? green_listen(address, BACKLOG, flags) : fd;
}

/* With SO_REUSEPORT a second greenway would silently share our port: the first socket is bound without, as a question,
 * and gets the option afterwards, so that others of ours can join it. */
static int first_socket(const green_address_t *address, int flags)
{
    int fd = listen_on(address, flags), on = 1;
    if (fd < 0 || address->any.sa_family == AF_UNIX ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0)
        return fd;
    int r = -errno;
    green_close(fd);
    return r;
}

/* All workers' sockets of a path are one; so are those of a port that somebody else has bound for us. */
static int further_socket(const struct endpoint *e)
{
    int further = e->is_unix ? -EADDRINUSE : listen_on(&e->address, e->flags | GREEN_REUSEPORT);
    if (further != -EADDRINUSE && further != -EACCES)
        return further;
    int fd = fcntl(e->sockets[0].fd, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* Takes fd over. */
static int add_socket(struct endpoint *e, int fd)
{
    int on = 1, unsent = UNSENT_BYTES;
    struct endpoint_socket *sockets = realloc(e->sockets, (e->socket_count + 1) * sizeof *sockets);
    if (!sockets) {
        green_close(fd);
        return -ENOMEM;
    }
    if (!e->is_unix) { /* accepted sockets inherit both */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    }
    e->sockets = sockets;
    e->sockets[e->socket_count++] =
        (struct endpoint_socket){.fd = fd, .owner = ENDPOINT_NOBODY, .next = ENDPOINT_NOBODY};
    return 0;
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

static struct endpoint *endpoint_new(const struct conf_address *a)
{
    struct endpoint *e = calloc(1, sizeof *e);
    if (!e || !(e->host = strdup(a->host))) {
        free(e);
        return NULL;
    }
    atomic_init(&e->references, 1);
    e->port = a->port;
    e->is_unix = a->is_unix;
    e->listener = SNAPSHOT_GONE;
    return e;
}

void endpoint_release(struct endpoint *e)
{
    if (!e || atomic_fetch_sub(&e->references, 1) != 1)
        return;
    free(e->sockets);
    free(e->host);
    free(e);
}

/* Closes sockets that belong to nobody. */
static void close_unused(struct endpoint *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->socket_count; i++)
        if (e->sockets[i].owner == ENDPOINT_NOBODY)
            green_close(e->sockets[i].fd);
        else
            e->sockets[kept++] = e->sockets[i];
    e->socket_count = kept;
    if (!kept && e->is_unix)
        remove_socket(e->host);
}

/* --- from one snapshot to the next ----------------------------------------------------------------------------------- */

static bool is_taken(const struct snapshot *s, const struct endpoint *e)
{
    for (size_t i = 0; i < s->bind_count; i++)
        if (s->binds[i].endpoint == e)
            return true;
    return false;
}

/* By the same words, or by the address that they stand for, which the kernel may have completed with a port. */
static bool names(const struct conf_address *a, const struct endpoint *e)
{
    green_address_t address = {.length = 0};
    if (a->is_unix == e->is_unix && a->port == e->port && strcmp(a->host, e->host) == 0)
        return true;
    return !a->is_unix && a->port && *a->host && e->flags == GREEN_V6ONLY &&
           green_address_parse(&address, a->host, a->port) == 0 && address.length == e->address.length &&
           memcmp(&address.any, &e->address.any, address.length) == 0;
}

/* The endpoint that is bound there already: that of the same listener, or, unless the kernel chose its port,
 * any listener's. */
static struct endpoint *find_bound(const struct snapshot *s, const struct snapshot *old, size_t listener,
                                   const struct conf_address *a)
{
    bool fixed = a->is_unix || a->port != 0;
    for (int others = 0; old && others <= fixed; others++)
        for (size_t i = 0; i < old->bind_count; i++) {
            const struct snapshot_bind *b = &old->binds[i];
            if ((others || b->listener == s->before[listener]) && names(a, b->endpoint) &&
                !is_taken(s, b->endpoint))
                return b->endpoint;
        }
    return NULL;
}

/* Linux lets nobody listen on every address and on one of them at the same port, not even sockets of one process. */
static bool overlaps_ours(const struct snapshot *old, const green_address_t *address)
{
    int port = address->any.sa_family == AF_UNIX ? 0 : green_address_port(address);
    for (size_t i = 0; old && port && i < old->bind_count; i++)
        if (!old->binds[i].endpoint->is_unix && green_address_port(&old->binds[i].endpoint->address) == port)
            return true;
    return false;
}

static void announce(const struct conf_listener *l, const struct conf_address *a, const struct endpoint *e)
{
    static const char *const protocols[] = {
        [CONF_HTTP] = "http", [CONF_TCP] = "tcp", [CONF_FORWARD] = "forward"};
    char text[GREEN_ADDRESS_TEXT];
    error_log(LOG_LEVEL_NOTICE, "listening on %s (%s, listener %s)",
              a->is_unix ? a->text : green_address_text(&e->address, true, text), protocols[l->protocol],
              l->name);
}

/* Those that were there before this process: whether there are any. Others may join them. */
static int adopt(const struct conf_listener *l, const struct conf_address *a, struct endpoint *e)
{
    int on = 1, fd, r = 0;
    while (r == 0 && (fd = inherited_take(l->name, a->text, &e->address)) >= 0) {
        if (!e->is_unix && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
            r = -errno;
        if (r == 0)
            r = add_socket(e, fd);
        else
            green_close(fd);
    }
    if (r == 0 && e->socket_count)
        r = green_local_address(e->sockets[0].fd, &e->address);
    return r < 0 ? complain(a, green_strerror(r)) : e->socket_count > 0;
}

static int bind_new(const struct snapshot *old, const struct conf_listener *l, const struct conf_address *a,
                    struct endpoint *e)
{
    if (address_of(a, &e->address, &e->flags) < 0)
        return -1;
    int adopted = old ? 0 : adopt(l, a, e);
    if (adopted)
        return adopted < 0 ? -1 : 0;
    int fd = first_socket(&e->address, e->flags);
    if (fd == -EADDRINUSE && overlaps_ours(old, &e->address))
        return complain(
            a, "this process has the port already, under another address that overlaps it: remove that one "
               "with a reload of its own first");
    if (fd == -EADDRINUSE && a->is_unix && !is_socket(a->host))
        return complain(a,
                        "there is a file of that name which is no socket: remove it, or choose another name");
    if (fd < 0)
        return complain(a, fd == -EADDRINUSE ? "another process is using that address" : green_strerror(fd));
    int r = green_local_address(fd, &e->address); /* the port may have been chosen for us */
    if (r < 0)
        green_close(fd);
    else
        r = add_socket(e, fd);
    return r < 0 ? complain(a, green_strerror(r)) : 0;
}

static int open_endpoint(struct snapshot *s, const struct snapshot *old, size_t listener,
                         const struct conf_address *a)
{
    struct endpoint *e = find_bound(s, old, listener, a);
    int r = 0;
    if (e) {
        atomic_fetch_add(&e->references, 1);
    } else {
        e = endpoint_new(a);
        r = e ? bind_new(old, &s->conf->listeners[listener], a, e) : complain(a, green_strerror(-ENOMEM));
    }
    if (r < 0)
        endpoint_release(e);
    else
        s->binds[s->bind_count++] = (struct snapshot_bind){.endpoint = e, .conf = a, .listener = listener};
    return r;
}

int endpoints_open(struct snapshot *s, const struct snapshot *old)
{
    int result = 0;
    for (size_t i = 0; i < s->conf->listener_count; i++)
        for (size_t k = 0; k < s->conf->listeners[i].binds; k++)
            if (open_endpoint(s, old, i, &s->conf->listeners[i].bind[k]) < 0)
                result = -1;
    if (result < 0)
        endpoints_abandon(s);
    return result;
}

int endpoints_share(struct snapshot *s, unsigned workers)
{
    for (size_t i = 0; i < s->bind_count; i++) {
        struct endpoint *e = s->binds[i].endpoint;
        while (e->socket_count < workers) {
            int r = further_socket(e);
            if (r >= 0)
                r = add_socket(e, r);
            if (r < 0) {
                complain(s->binds[i].conf, green_strerror(r));
                endpoints_abandon(s);
                return -1;
            }
        }
        for (size_t k = 0; k < e->socket_count; k++)
            e->sockets[k].next = (unsigned)(k % workers);
    }
    return 0;
}

/* The kernel lets only sockets of one user share a port. Where it does not say whose they are, workers share one. */
void endpoints_give(const struct snapshot *s, uid_t user, gid_t group)
{
    for (size_t i = 0; i < s->bind_count; i++)
        for (size_t k = 0; k < s->binds[i].endpoint->socket_count; k++)
            if (fchown(s->binds[i].endpoint->sockets[k].fd, user, group) < 0)
                complain(s->binds[i].conf, strerror(errno));
}

void endpoints_abandon(struct snapshot *s)
{
    for (size_t i = 0; i < s->bind_count; i++)
        close_unused(s->binds[i].endpoint);
}

void endpoints_settle(struct snapshot *s, struct snapshot *old)
{
    for (size_t i = 0; old && i < old->bind_count; i++)
        old->binds[i].endpoint->listener = SNAPSHOT_GONE;
    for (size_t i = 0; i < s->bind_count; i++) {
        const struct snapshot_bind *b = &s->binds[i];
        b->endpoint->listener = b->listener;
        b->endpoint->tls = b->conf->tls;
        if (!old || !is_taken(old, b->endpoint))
            announce(&s->conf->listeners[b->listener], b->conf, b->endpoint);
    }
}

void endpoints_taken(struct snapshot *s)
{
    for (size_t i = 0; i < s->bind_count; i++)
        for (size_t k = 0; k < s->binds[i].endpoint->socket_count; k++)
            s->binds[i].endpoint->sockets[k].owner = s->binds[i].endpoint->sockets[k].next;
}

void endpoints_unlink(const struct snapshot *s, const struct snapshot *but)
{
    for (size_t i = 0; i < s->bind_count; i++) {
        const struct endpoint *e = s->binds[i].endpoint;
        if (e->is_unix && !(but && is_taken(but, e)))
            remove_socket(e->host);
    }
}
