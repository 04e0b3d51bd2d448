/*
 * Names. getaddrinfo(3) and getnameinfo(3) are libgreen's own; the older functions, whose results have a form of their
 * own, are called on threads that do nothing else.
 */
#include "real.h"

#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1024
#define ROOM_MOST  ((size_t)1 << 20)

/* EAI_* of a code; a wait that was ended from outside is a system error, and errno says which. */
static int eai(int r)
{
    if (r == -ETIMEDOUT || r == -ECANCELED) {
        errno = -r;
        return EAI_SYSTEM;
    }
    return green_eai(r);
}

HOOK int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **out)
{
    if (!COOPERATIVE(DNS))
        return REAL(getaddrinfo)(node, service, hints, out);
    int r = green_getaddrinfo(node, service, hints, out, GREEN_FOREVER);
    return r < 0 ? eai(r) : 0;
}

HOOK int getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
                     char *service, socklen_t service_size, int flags)
{
    if (!COOPERATIVE(DNS))
        return REAL(getnameinfo)(address, length, host, host_size, service, service_size, flags);
    int r = green_getnameinfo(address, length, host, host_size, service, service_size, flags, GREEN_FOREVER);
    return r < 0 ? eai(r) : 0;
}

/* --- the older ones ------------------------------------------------------------------------------------------------- */

struct lookup {
    const void *subject; /* a name or an address */
    socklen_t length;    /* of an address */
    int family;          /* 0: whatever gethostbyname(3) thinks */
    struct hostent *entry;
    char *room;
    size_t size;
    struct hostent **out;
    int *error;
    int result;
};

static void *look_up(void *arg)
{
    struct lookup *l = arg;
    if (l->length)
        l->result = REAL(gethostbyaddr_r)(l->subject, l->length, l->family, l->entry, l->room, l->size,
                                          l->out, l->error);
    else if (l->family)
        l->result =
            REAL(gethostbyname2_r)(l->subject, l->family, l->entry, l->room, l->size, l->out, l->error);
    else
        l->result = REAL(gethostbyname_r)(l->subject, l->entry, l->room, l->size, l->out, l->error);
    return NULL;
}

static int look_up_elsewhere(struct lookup *l)
{
    l->result = 0;
    *l->out = NULL;
    int r = green_blocking_in(green_threads_dns(), look_up, l, NULL, GREEN_FOREVER);
    if (r < 0) {
        *l->out = NULL;
        *l->error = NETDB_INTERNAL;
        return -r;
    }
    return l->result;
}

HOOK int gethostbyname_r(const char *name, struct hostent *entry, char *room, size_t size,
                         struct hostent **out, int *error)
{
    if (!COOPERATIVE(DNS))
        return REAL(gethostbyname_r)(name, entry, room, size, out, error);
    return look_up_elsewhere(&(struct lookup){name, 0, 0, entry, room, size, out, error, 0});
}

HOOK int gethostbyname2_r(const char *name, int family, struct hostent *entry, char *room, size_t size,
                          struct hostent **out, int *error)
{
    if (!COOPERATIVE(DNS))
        return REAL(gethostbyname2_r)(name, family, entry, room, size, out, error);
    return look_up_elsewhere(&(struct lookup){name, 0, family, entry, room, size, out, error, 0});
}

HOOK int gethostbyaddr_r(const void *address, socklen_t length, int family, struct hostent *entry, char *room,
                         size_t size, struct hostent **out, int *error)
{
    if (!COOPERATIVE(DNS))
        return REAL(gethostbyaddr_r)(address, length, family, entry, room, size, out, error);
    return look_up_elsewhere(&(struct lookup){address, length, family, entry, room, size, out, error, 0});
}

/* What gethostbyname(3) returns belongs to the greenlet, until its next call. */
struct answer {
    struct hostent entry;
    char room[];
};

static green_key_t answers;
static pthread_once_t answers_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    green_key_attr_t attr = {.destroy = free};
    if (green_key_create(&answers, &attr) < 0)
        answers.number = 0;
}

static struct hostent *give_up(struct answer *a, int error, int number)
{
    free(a);
    h_errno = error;
    errno = number;
    return NULL;
}

static struct hostent *look_up_here(struct lookup *l)
{
    struct hostent *found = NULL;
    struct answer *a = NULL;
    int error = NETDB_INTERNAL;
    pthread_once(&answers_once, make_key);
    l->out = &found;
    l->error = &error;
    for (size_t size = ROOM_FIRST; size <= ROOM_MOST; size *= 2) {
        struct answer *larger = realloc(a, sizeof *a + size);
        if (!larger)
            return give_up(a, NETDB_INTERNAL, ENOMEM);
        a = larger;
        l->entry = &a->entry;
        l->room = a->room;
        l->size = size;
        int r = look_up_elsewhere(l);
        if (r == ERANGE)
            continue;
        if (r != 0 || !found)
            return give_up(a, error, r);
        free(green_local_get(answers));
        if (green_local_set(answers, a) < 0)
            return give_up(a, NETDB_INTERNAL, ENOMEM);
        return found;
    }
    return give_up(a, NETDB_INTERNAL, ERANGE);
}

HOOK struct hostent *gethostbyname(const char *name)
{
    return COOPERATIVE(DNS) ? look_up_here(&(struct lookup){.subject = name}) : REAL(gethostbyname)(name);
}

HOOK struct hostent *gethostbyname2(const char *name, int family)
{
    return COOPERATIVE(DNS) ? look_up_here(&(struct lookup){.subject = name, .family = family})
                            : REAL(gethostbyname2)(name, family);
}

HOOK struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
    return COOPERATIVE(DNS)
               ? look_up_here(&(struct lookup){.subject = address, .length = length, .family = family})
               : REAL(gethostbyaddr)(address, length, family);
}

/* --- res_query ------------------------------------------------------------------------------------------------------ */

struct query {
    int (*function)(const char *name, int class, int type, unsigned char *answer, int size);
    const char *name;
    int class, type;
    unsigned char *answer;
    int size, result, error;
};

static void *query(void *arg)
{
    struct query *q = arg;
    q->result = q->function(q->name, q->class, q->type, q->answer, q->size);
    q->error = h_errno;
    return NULL;
}

static int query_elsewhere(struct query q)
{
    int r = green_blocking_in(green_threads_dns(), query, &q, NULL, GREEN_FOREVER);
    if (r < 0) {
        h_errno = NETDB_INTERNAL;
        return fail(r);
    }
    h_errno = q.error;
    return q.result;
}

HOOK int res_query(const char *name, int class, int type, unsigned char *answer, int size)
{
    if (!COOPERATIVE(DNS))
        return REAL(res_query)(name, class, type, answer, size);
    return query_elsewhere((struct query){REAL(res_query), name, class, type, answer, size, -1, 0});
}

HOOK int res_search(const char *name, int class, int type, unsigned char *answer, int size)
{
    if (!COOPERATIVE(DNS))
        return REAL(res_search)(name, class, type, answer, size);
    return query_elsewhere((struct query){REAL(res_search), name, class, type, answer, size, -1, 0});
}
