/*
 * green_resolve(): numeric addresses at once, known names from the cache, others by a query that everybody
 * who asks for the same name waits for. The query belongs to its cache entry, not to a waiter: who gives up
 * just leaves.
 */
#include "dns_cache.h"

#include <stdlib.h>
#include <string.h>

#define FAILURE_TTL GREEN_S(1) /* how long a failure is remembered */

struct green__dns {
    struct dns_resolver resolver;
    struct dns_cache cache;
};

/* On the stack of a greenlet that waits for an entry's outcome. */
struct waiter {
    struct list link; /* in entry->waiters */
    green_park_t park;
    green_dns_answer_t *answer; /* set when woken with a good outcome: its own reference */
    int error;                  /* else this */
};

static int get_dns(green_hub_t *hub, struct green__dns **out)
{
    if (!hub->dns) {
        hub->dns = malloc(sizeof *hub->dns);
        if (!hub->dns)
            return -ENOMEM;
        dns_resolver_init(&hub->dns->resolver);
        dns_cache_init(&hub->dns->cache);
    }
    *out = hub->dns;
    return 0;
}

void green__dns_close(green_hub_t *hub)
{
    struct green__dns *dns = hub->dns;
    if (!dns)
        return;
    dns_resolver_close(&dns->resolver); /* the queries still on their way fail into the cache */
    dns_cache_forget(&dns->cache);
    free(dns);
    hub->dns = NULL;
}

/* --- answers --- */

/* Atomic, so that an answer can be given to another thread. */
static green_dns_answer_t *retain(green_dns_answer_t *answer)
{
    __atomic_fetch_add(&answer->references, 1, __ATOMIC_RELAXED);
    return answer;
}

void green_dns_release(green_dns_answer_t *answer)
{
    if (answer && __atomic_sub_fetch(&answer->references, 1, __ATOMIC_ACQ_REL) == 0)
        free(answer);
}

static void set_port(green_dns_answer_t *answer, int port)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->addresses[i].any.sa_family == AF_INET)
            answer->addresses[i].in.sin_port = htons((uint16_t)port);
        else
            answer->addresses[i].in6.sin6_port = htons((uint16_t)port);
    }
}

/* A reference to an answer with the port asked for: the same object if it has that port, else a copy. */
static int hand_out(green_dns_answer_t *answer, int port, green_dns_answer_t **out)
{
    if (green_address_port(&answer->addresses[0]) == port) {
        *out = retain(answer);
        return 0;
    }
    size_t size = sizeof *answer + answer->count * sizeof *answer->addresses;
    green_dns_answer_t *copy = malloc(size);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, answer, size);
    copy->references = 1;
    set_port(copy, port);
    *out = copy;
    return 0;
}

static int answer_numeric(const green_address_t *address, int family, green_dns_answer_t **out)
{
    if (family != AF_UNSPEC && family != address->any.sa_family)
        return GREEN_EAI_NODATA;
    green_dns_answer_t *answer = malloc(sizeof *answer + sizeof *answer->addresses);
    if (!answer)
        return -ENOMEM;
    answer->references = 1;
    answer->expires = GREEN_FOREVER;
    answer->count = 1;
    answer->addresses[0] = *address;
    *out = answer;
    return 0;
}

/* --- names --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The lower case of a character that may be in a label, or 0. */
static char label_character(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' ? c : 0;
}

/* 127.1, 0x7f000001 and their like are addresses to some programs and names to others; here they are neither.
 */
static bool looks_numeric(const char *label, size_t length)
{
    bool hex = length > 1 && label[0] == '0' && label[1] == 'x';
    for (size_t i = hex ? 2 : 0; i < length; i++)
        if (!is_digit(label[i]) && !(hex && label[i] >= 'a' && label[i] <= 'f'))
            return false;
    return true;
}

/* Writes the name in lower case: labels of 1 to 63 letters, digits, hyphens and underscores between dots; a
 * final dot (no search domains) stays. */
static int canonical_name(const char *host, char name[DNS_NAME_SIZE])
{
    size_t n = 0, label = 0; /* where the present label begins */
    for (; host[n]; n++) {
        if (n > DNS_NAME_MAX)
            return GREEN_EAI_BADNAME;
        if (host[n] == '.') {
            if (n == label || n - label > 63)
                return GREEN_EAI_BADNAME;
            if (host[n + 1])
                label = n + 1;
            name[n] = '.';
        } else if (!(name[n] = label_character(host[n]))) {
            return GREEN_EAI_BADNAME;
        }
    }
    name[n] = 0;
    size_t length = n && name[n - 1] == '.' ? n - 1 : n;
    if (length == 0 || length > DNS_NAME_MAX || length - label > 63 ||
        looks_numeric(name + label, length - label))
        return GREEN_EAI_BADNAME;
    return 0;
}

/* --- asking --- */

/* The outcome of a query has come: runs inside c-ares, so it wakes and nothing more. */
static void on_outcome(struct dns_query *query, int error, green_dns_answer_t *answer)
{
    struct dns_entry *entry = CONTAINER_OF(query, struct dns_entry, query);
    entry->answer = answer;
    entry->error = error;
    if (answer)
        set_port(answer, entry->port);
    entry->expires = answer ? answer->expires : green_in(FAILURE_TTL);
    for (struct list *node; (node = list_pop(&entry->waiters));) {
        struct waiter *w = CONTAINER_OF(node, struct waiter, link);
        if (!green_wake(&w->park, 0))
            continue; /* it gave up a moment ago */
        w->error = error;
        w->answer = answer ? retain(answer) : NULL;
    }
    struct dns_cache *cache = &green_hub()->dns->cache;
    if (error == -ENOMEM)
        dns_cache_drop(cache, entry); /* not a fact about the name */
    else
        dns_cache_keep(cache, entry);
}

/* Waits for a pending entry; `ask`: it is new and its query has to be made first. */
static int wait_for(green_hub_t *hub, struct dns_entry *entry, bool ask, struct waiter *me,
                    green_time deadline)
{
    list_push(&entry->waiters, &me->link);
    if (ask) {
        entry->query.done = on_outcome;
        int r = dns_resolver_ask(&hub->dns->resolver, &entry->query, entry->name, entry->family);
        if (r < 0) {
            dns_cache_drop(&hub->dns->cache, entry);
            return r;
        }
    }
    green__waits_for("the addresses of a name", entry);
    green_expect_outside();
    int r = green_park(&me->park, deadline);
    green_unexpect_outside();
    if (r < 0)
        list_remove(&me->link);
    return r < 0 ? r : me->error;
}

static int resolve_name(green_hub_t *hub, const char *name, int port, int family, green_dns_answer_t **out,
                        green_time deadline)
{
    struct green__dns *dns;
    int r = get_dns(hub, &dns);
    if (r < 0)
        return r;
    struct dns_entry *entry = dns_cache_find(&dns->cache, name, family, green_now());
    if (entry && !entry->pending)
        return entry->answer ? hand_out(entry->answer, port, out) : entry->error;
    if (!hub->current)
        return -EPERM;
    bool ask = !entry;
    if (ask) {
        entry = dns_cache_add(&dns->cache, name, family);
        if (!entry)
            return -ENOMEM;
        entry->port = port;
    }
    struct waiter me = {.park = GREEN_PARK_INIT};
    r = wait_for(hub, entry, ask, &me, deadline);
    if (r < 0)
        return r;
    r = hand_out(me.answer, port, out);
    green_dns_release(me.answer);
    return r;
}

int green_resolve(const char *host, int port, int family, green_dns_answer_t **out, green_time deadline)
{
    *out = NULL;
    if (port < 0 || port > 65535 || (family != AF_UNSPEC && family != AF_INET && family != AF_INET6))
        return -EINVAL;
    green_hub_t *hub = green_hub();
    if (!hub)
        return -ENOMEM;
    int r = hub->current ? green__interruption(hub->current) : 0;
    if (r < 0)
        return r;
    green_address_t address;
    if (host[0] != '/' && green_address_parse(&address, host, port) == 0)
        return answer_numeric(&address, family, out);
    char name[DNS_NAME_SIZE];
    r = canonical_name(host, name);
    return r < 0 ? r : resolve_name(hub, name, port, family, out, deadline);
}

int green_dns_servers(const char *csv)
{
    green_hub_t *hub = green_hub();
    struct green__dns *dns;
    int r = hub ? get_dns(hub, &dns) : -ENOMEM;
    if (r == 0)
        r = dns_resolver_servers(&dns->resolver, csv);
    if (r == 0)
        dns_cache_forget(&dns->cache);
    return r;
}

int green__dns_resolv_conf(const char *path)
{
    green_hub_t *hub = green_hub();
    struct green__dns *dns;
    int r = hub ? get_dns(hub, &dns) : -ENOMEM;
    if (r == 0)
        dns->resolver.resolv_conf = path;
    return r;
}
