/*
 * A resolver that says what a test wants, in place of libgreen's (the linker's --wrap): what records become servers is
 * looked at without any name server.
 */
#ifndef TESTS_UPSTREAM_RESOLVER_H
#define TESTS_UPSTREAM_RESOLVER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <green.h>

enum { RESOLVER_MOST = 64 }; /* addresses of an answer, and records */

/* What there is of one host: addresses as text, up to a NULL; or an error. */
struct resolver_host {
    const char *name;
    int error;
    green_time expires;
    const char *addresses[RESOLVER_MOST + 1];
};

static const struct resolver_host *resolver_hosts; /* up to one without a name */
static struct {
    int error;
    green_time expires;
    size_t count;
    green_record_t records[RESOLVER_MOST]; /* by priority, as green_resolve_srv() gives them */
} resolver_service;

int __wrap_green_resolve(const char *host, int port, int family, green_dns_answer_t **out,
                         green_time deadline);
int __wrap_green_resolve_srv(const char *name, green_records_t **out, green_time deadline);
void __wrap_green_dns_release(green_dns_answer_t *answer);
void __wrap_green_records_release(green_records_t *records);

int __wrap_green_resolve(const char *host, int port, int family, green_dns_answer_t **out,
                         green_time deadline)
{
    const struct resolver_host *h = resolver_hosts;
    (void)family, (void)deadline;
    while (h && h->name && strcmp(h->name, host) != 0)
        h++;
    if (!h || !h->name || h->error)
        return h && h->name ? h->error : GREEN_EAI_NONAME;
    green_dns_answer_t *a = calloc(1, sizeof *a + RESOLVER_MOST * sizeof a->addresses[0]);
    if (!a)
        return -ENOMEM;
    a->expires = h->expires;
    for (size_t i = 0; h->addresses[i]; i++)
        if (green_address_parse(&a->addresses[a->count++], h->addresses[i], port) < 0)
            abort();
    *out = a;
    return 0;
}

int __wrap_green_resolve_srv(const char *name, green_records_t **out, green_time deadline)
{
    (void)name, (void)deadline;
    if (resolver_service.error)
        return resolver_service.error;
    green_records_t *r = calloc(1, sizeof *r + RESOLVER_MOST * sizeof r->records[0]);
    if (!r)
        return -ENOMEM;
    r->expires = resolver_service.expires;
    r->count = resolver_service.count;
    memcpy(r->records, resolver_service.records, r->count * sizeof r->records[0]);
    *out = r;
    return 0;
}

void __wrap_green_dns_release(green_dns_answer_t *answer)
{
    free(answer);
}

void __wrap_green_records_release(green_records_t *records)
{
    free(records);
}

#endif
