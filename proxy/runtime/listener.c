/* Binding and accepting. */
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "observe/error_log.h"

#define BACKLOG 4096

/* What the kernel holds for a client beyond what is on its way. Without a bound it takes megabytes for each one that
 * hardly reads, and a thousand of those exhaust the memory that TCP may use. */
#define UNSENT_BYTES (128 * 1024)

/* --- binding ---------------------------------------------------------------------------------------------------------- */

static int complain(const struct conf_address *a, const char *why)
{
    error_log(LOG_LEVEL_ERROR, "%s:%d: cannot listen on %s: %s", a->origin.file, a->origin.line, a->text,
              why);
    return -1;
}

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

/* A socket file that nobody listens on any more is left over from a process that was killed. */
static bool left_over(const green_address_t *address)
{
    int fd = green_connect(address, green_in_ms(1000));
    if (fd >= 0)
        green_close(fd);
    return fd == -ECONNREFUSED;
}

static int listen_on(const green_address_t *address, int flags)
{
    int fd = green_listen(address, BACKLOG, flags);
    if (fd != -EADDRINUSE || address->any.sa_family != AF_UNIX || !left_over(address))
        return fd;
    unlink(address->un.sun_path);
    return green_listen(address, BACKLOG, flags);
}

/* With SO_REUSEPORT a second greenway would silently share our port: the first bind goes without, as a question. */
static int first_socket(const green_address_t *address, int flags, bool shared)
{
    int fd = listen_on(address, flags);
    if (fd < 0 || !shared)
        return fd;
    green_address_t bound;
    int r = green_local_address(fd, &bound);
    green_close(fd);
    return r < 0 ? r : listen_on(&bound, flags | GREEN_REUSEPORT);
}

static void add_socket(struct worker *w, struct listener *l, int fd)
{
    int on = 1, unsent = UNSENT_BYTES;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit both */
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    w->listening[w->listening_count++] = (struct listening){.listener = l, .fd = fd};
}

static void announce(const struct listener *l, const struct conf_address *a, const green_address_t *bound)
{
    static const char *const protocols[] = {
        [CONF_HTTP] = "http", [CONF_TCP] = "tcp", [CONF_FORWARD] = "forward"};
    char text[GREEN_ADDRESS_TEXT];
    error_log(LOG_LEVEL_NOTICE, "listening on %s (%s, listener %s)",
              a->is_unix ? a->text : green_address_text(bound, true, text), protocols[l->conf->protocol],
              l->conf->name);
}

static int bind_address(struct process *p, struct listener *l, const struct conf_address *a)
{
    green_address_t address;
    int flags;
    if (address_of(a, &address, &flags) < 0)
        return -1;
    bool shared = p->worker_count > 1 && !a->is_unix;
    int fd = first_socket(&address, flags, shared);
    if (fd < 0)
        return complain(a, fd == -EADDRINUSE ? "another process is using that address" : green_strerror(fd));
    int r = green_local_address(fd, &address); /* the port may have been chosen for us */
    add_socket(&p->workers[0], l, fd);
    for (unsigned i = 1; i < p->worker_count && r == 0; i++) {
        int next = shared ? listen_on(&address, flags | GREEN_REUSEPORT) : dup(fd);
        if (next < 0)
            r = shared ? next : -errno;
        else
            add_socket(&p->workers[i], l, next);
    }
    if (r < 0)
        return complain(a, green_strerror(r));
    l->bound[l->bound_count++] = address;
    announce(l, a, &address);
    return 0;
}

int listeners_bind(struct process *p)
{
    int result = 0;
    for (size_t i = 0; i < p->conf->listener_count; i++)
        for (size_t k = 0; k < p->conf->listeners[i].binds; k++)
            if (bind_address(p, &p->listeners[i], &p->conf->listeners[i].bind[k]) < 0)
                result = -1;
    return result;
}

void listeners_unlink(const struct process *p)
{
    for (size_t i = 0; i < p->conf->listener_count; i++)
        for (size_t k = 0; k < p->conf->listeners[i].binds; k++)
            if (p->conf->listeners[i].bind[k].is_unix)
                unlink(p->conf->listeners[i].bind[k].host);
}

/* --- whose address is it -------------------------------------------------------------------------------------------- */

bool listener_uses_port(const struct process *p, int port)
{
    for (size_t i = 0; i < p->conf->listener_count; i++)
        for (size_t k = 0; k < p->listeners[i].bound_count; k++)
            if (green_address_port(&p->listeners[i].bound[k]) == port)
                return true;
    return false;
}

/* An IP address as 16 bytes, IPv4 mapped into IPv6; false for other families. */
static bool ip_of(const green_address_t *address, struct in6_addr *out)
{
    *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (address->any.sa_family == AF_INET)
        memcpy(out->s6_addr + 12, &address->in.sin_addr, 4);
    else if (address->any.sa_family == AF_INET6)
        *out = address->in6.sin6_addr;
    return address->any.sa_family == AF_INET || address->any.sa_family == AF_INET6;
}

static bool is_every_address(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_UNSPECIFIED(ip) || (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr32[3] == 0);
}

static bool is_loopback(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_LOOPBACK(ip) || (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == 127);
}

static bool leads_to(const green_address_t *bound, const green_address_t *to, const green_address_t *from)
{
    struct in6_addr ours, theirs, local;
    if (!ip_of(bound, &ours) || !ip_of(to, &theirs) || green_address_port(bound) != green_address_port(to))
        return false;
    if (IN6_ARE_ADDR_EQUAL(&ours, &theirs) || is_every_address(&theirs))
        return true;
    if (!is_every_address(&ours))
        return false;
    return is_loopback(&theirs) || (from && ip_of(from, &local) && IN6_ARE_ADDR_EQUAL(&local, &theirs));
}

const struct listener *listener_at(const struct process *p, const green_address_t *to,
                                   const green_address_t *from)
{
    const struct listener *found = NULL;
    for (size_t i = 0; i < p->conf->listener_count; i++)
        for (size_t k = 0; k < p->listeners[i].bound_count; k++)
            if (leads_to(&p->listeners[i].bound[k], to, from) &&
                (!found || p->listeners[i].conf->protocol == CONF_FORWARD))
                found = &p->listeners[i];
    return found;
}
