/* Asking for a name, and putting the records together as hosts (name_answer.h). */
#include "name_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_MAX 256 /* as that of a configured server */

struct name_answer *name_answer_hold(struct name_answer *a)
{
    atomic_fetch_add_explicit(&a->references, 1, memory_order_relaxed);
    return a;
}

void name_answer_release(struct name_answer *a)
{
    if (a && atomic_fetch_sub_explicit(&a->references, 1, memory_order_acq_rel) == 1)
        free(a);
}

static struct name_answer *answer_new(size_t room, int error)
{
    struct name_answer *a = calloc(1, sizeof *a + room * sizeof *a->members);
    if (!a)
        return NULL;
    atomic_init(&a->references, 1);
    a->error = error;
    return a;
}

struct name_answer *name_answer_failed(int error)
{
    return answer_new(0, error);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static int compare_addresses(const void *one, const void *other)
{
    const green_address_t *a = one, *b = other;
    if (a->any.sa_family != b->any.sa_family)
        return a->any.sa_family < b->any.sa_family ? -1 : 1;
    bool v6 = a->any.sa_family == AF_INET6;
    int order = v6 ? memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr)
                   : memcmp(&a->in.sin_addr, &b->in.sin_addr, sizeof a->in.sin_addr);
    if (order)
        return order;
    int port = green_address_port(a) - green_address_port(b);
    if (port || !v6 || a->in6.sin6_scope_id == b->in6.sin6_scope_id)
        return port;
    return a->in6.sin6_scope_id < b->in6.sin6_scope_id ? -1 : 1;
}

static int compare_hosts(const void *one, const void *other)
{
    const struct name_member *a = one, *b = other;
    for (unsigned i = 0; i < a->address_count && i < b->address_count; i++) {
        int order = compare_addresses(&a->addresses[i], &b->addresses[i]);
        if (order)
            return order;
    }
    return (int)a->address_count - (int)b->address_count;
}

bool name_member_same_host(const struct name_member *a, const struct name_member *b)
{
    return compare_hosts(a, b) == 0;
}

void name_member_set_port(struct name_member *m, int port)
{
    for (unsigned i = 0; i < m->address_count; i++) {
        green_address_t *a = &m->addresses[i];
        if (green_address_port(a))
            continue;
        if (a->any.sa_family == AF_INET)
            a->in.sin_port = htons((uint16_t)port);
        else
            a->in6.sin6_port = htons((uint16_t)port);
    }
}

bool name_answer_same(const struct name_answer *a, const struct name_answer *b)
{
    bool same = a->count == b->count && (a->count || a->error == b->error);
    for (size_t i = 0; same && i < a->count; i++)
        same = name_member_same_host(&a->members[i], &b->members[i]) &&
               a->members[i].tier == b->members[i].tier && a->members[i].weight == b->members[i].weight;
    return same;
}

size_t name_answer_without(const struct name_answer *a, const struct name_answer *b)
{
    size_t missing = 0;
    for (size_t i = 0, k = 0; i < a->count; i++) { /* both are sorted */
        int order = 1;
        while (k < b->count && (order = compare_hosts(&a->members[i], &b->members[k])) > 0)
            k++;
        missing += k == b->count || order != 0;
    }
    return missing;
}

static int compare_members(const void *one, const void *other)
{
    const struct name_member *a = one, *b = other;
    int order = compare_hosts(a, b);
    return order ? order : (int)a->tier - (int)b->tier;
}

/* Hosts in order, each once: in the first tier that has it. */
static void settle(struct name_answer *a)
{
    qsort(a->members, a->count, sizeof *a->members, compare_members);
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (kept && name_member_same_host(&a->members[kept - 1], &a->members[i]))
            continue;
        a->members[kept++] = a->members[i];
    }
    a->count = kept;
}

/* --- hosts -------------------------------------------------------------------------------------------------------- */

/* The addresses of one family, sorted. */
static size_t pick(const green_dns_answer_t *from, int family, green_address_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < from->count; i++)
        if (from->addresses[i].any.sa_family == family)
            out[count++] = from->addresses[i];
    qsort(out, count, sizeof *out, compare_addresses);
    return count;
}

/* The i-th address of the family that goes first and the i-th of the other one make a host. Which belong together no
 * record tells; that each is tried with one of the other family is what matters. */
static int add_hosts(struct name_answer *a, const green_dns_answer_t *from, unsigned tier, unsigned weight)
{
    green_address_t *sorted = calloc(2 * from->count, sizeof *sorted);
    if (!sorted)
        return -ENOMEM;
    int first = from->addresses[0].any.sa_family;
    green_address_t *of[2] = {sorted, sorted + from->count};
    size_t n[2] = {pick(from, first, of[0]), pick(from, first == AF_INET ? AF_INET6 : AF_INET, of[1])};
    for (size_t i = 0; (i < n[0] || i < n[1]) && a->count < NAME_MEMBERS_MAX; i++) {
        struct name_member *m = &a->members[a->count++];
        m->tier = tier;
        m->weight = weight;
        for (unsigned k = 0; k < 2; k++)
            if (i < n[k])
                m->addresses[m->address_count++] = of[k][i];
    }
    free(sorted);
    return 0;
}

static int ask_host(const char *name, struct name_answer **out, green_time *expires, green_time deadline)
{
    green_dns_answer_t *found;
    int r = green_resolve(name, 0, AF_UNSPEC, &found, deadline);
    if (r < 0)
        return r;
    *expires = found->expires;
    struct name_answer *a = answer_new(found->count, 0);
    r = a ? add_hosts(a, found, 0, 0) : -ENOMEM;
    green_dns_release(found);
    if (r == 0) {
        settle(a);
        *out = a;
    } else {
        name_answer_release(a);
    }
    return r;
}

/* --- services ----------------------------------------------------------------------------------------------------- */

/* Weights of records go to 65535; 0 means hardly ever, but not never (RFC 2782). */
static unsigned scale_weight(const green_records_t *records, unsigned weight)
{
    unsigned most = WEIGHT_MAX;
    for (size_t i = 0; i < records->count; i++)
        if (records->records[i].weight > most)
            most = records->records[i].weight;
    unsigned scaled = weight * WEIGHT_MAX / most;
    return scaled ? scaled : 1;
}

static int add_target(struct name_answer *a, const green_record_t *record, unsigned tier, unsigned weight,
                      green_time *expires, green_time deadline)
{
    green_dns_answer_t *found;
    int r = green_resolve(record->name, record->port, AF_UNSPEC, &found, deadline);
    if (r < 0)
        return r;
    if (found->expires < *expires)
        *expires = found->expires;
    r = add_hosts(a, found, tier, weight);
    green_dns_release(found);
    return r;
}

/* Targets whose names do not resolve are left out, unless all are. */
static int add_targets(struct name_answer *a, const green_records_t *records, green_time *expires,
                       green_time deadline)
{
    unsigned tier = 0;
    int error = 0;
    for (size_t i = 0; i < records->count; i++) { /* by priority */
        const green_record_t *record = &records->records[i];
        tier += i && record->priority != records->records[i - 1].priority;
        int r = add_target(a, record, tier, scale_weight(records, record->weight), expires, deadline);
        if (r == -ENOMEM || r == -ECANCELED)
            return r;
        if (r < 0)
            error = r;
    }
    if (!a->count)
        return error;
    if (error) /* and are asked for again soon */
        *expires = green_now();
    return 0;
}

static int ask_service(const char *name, struct name_answer **out, green_time *expires, green_time deadline)
{
    green_records_t *records;
    int r = green_resolve_srv(name, &records, deadline);
    if (r < 0)
        return r;
    *expires = records->expires;
    struct name_answer *a = answer_new(NAME_MEMBERS_MAX, 0);
    r = a ? add_targets(a, records, expires, deadline) : -ENOMEM;
    green_records_release(records);
    if (r == 0) {
        settle(a);
        *out = a;
    } else {
        name_answer_release(a);
    }
    return r;
}

int name_answer_ask(const char *name, bool service, struct name_answer **out, green_time *expires,
                    green_time deadline)
{
    return service ? ask_service(name, out, expires, deadline) : ask_host(name, out, expires, deadline);
}
