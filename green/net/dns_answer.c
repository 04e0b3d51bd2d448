/* Answers: one block each, counted references. */
#include "dns_answer.h"

#include <stdlib.h>
#include <string.h>

static_assert(offsetof(green_dns_answer_t, expires) == offsetof(struct dns_outcome, expires) &&
                  offsetof(green_records_t, expires) == offsetof(struct dns_outcome, expires),
              "answers begin alike");

void *green__dns_outcome_new(size_t size, int64_t ttl)
{
    struct dns_outcome *outcome = calloc(1, size);
    if (!outcome)
        return NULL;
    ttl = ttl < DNS_TTL_MIN ? DNS_TTL_MIN : ttl > DNS_TTL_MAX ? DNS_TTL_MAX : ttl;
    outcome->references = 1;
    outcome->expires = green_in(GREEN_S(ttl));
    return outcome;
}

void *green__dns_outcome_retain(void *outcome)
{
    __atomic_fetch_add(&((struct dns_outcome *)outcome)->references, 1, __ATOMIC_RELAXED);
    return outcome;
}

void green__dns_outcome_release(void *outcome)
{
    if (outcome && __atomic_sub_fetch(&((struct dns_outcome *)outcome)->references, 1, __ATOMIC_ACQ_REL) == 0)
        free(outcome);
}

/* --- addresses --- */

/* The name sits behind the addresses. */
static char *name_place(green_dns_answer_t *answer, size_t room)
{
    return (char *)&answer->addresses[room];
}

green_dns_answer_t *green__dns_answer_new(size_t room, const char *name, int64_t ttl)
{
    size_t name_size = strlen(name) + 1;
    green_dns_answer_t *answer =
        green__dns_outcome_new(sizeof *answer + room * sizeof *answer->addresses + name_size, ttl);
    if (!answer)
        return NULL;
    answer->name = memcpy(name_place(answer, room), name, name_size);
    return answer;
}

void green__dns_answer_add(green_dns_answer_t *answer, const struct sockaddr *address, socklen_t length)
{
    green_address_t *out = &answer->addresses[answer->count];
    if ((address->sa_family != AF_INET || length != sizeof out->in) &&
        (address->sa_family != AF_INET6 || length != sizeof out->in6))
        return;
    memcpy(&out->any, address, length);
    out->length = length;
    answer->count++;
}

void green__dns_answer_set_port(green_dns_answer_t *answer, int port)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->addresses[i].any.sa_family == AF_INET)
            answer->addresses[i].in.sin_port = htons((uint16_t)port);
        else
            answer->addresses[i].in6.sin6_port = htons((uint16_t)port);
    }
}

int green__dns_answer_with_port(green_dns_answer_t *answer, int port, green_dns_answer_t **out)
{
    if (green_address_port(&answer->addresses[0]) == port) {
        *out = green__dns_outcome_retain(answer);
        return 0;
    }
    green_dns_answer_t *copy = green__dns_answer_new(answer->count, answer->name, 0);
    if (!copy)
        return -ENOMEM;
    copy->expires = answer->expires;
    copy->count = answer->count;
    memcpy(copy->addresses, answer->addresses, answer->count * sizeof *answer->addresses);
    green__dns_answer_set_port(copy, port);
    *out = copy;
    return 0;
}

void green_dns_release(green_dns_answer_t *answer)
{
    green__dns_outcome_release(answer);
}
