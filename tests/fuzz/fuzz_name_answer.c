/*
 * Records of name servers, made of any bytes: of a service each takes four (priority, weight, number of addresses, port),
 * and each address two. Whatever they are, an answer is a sorted list of different hosts.
 */
#include "upstream/name_answer.h"

#include "../upstream/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS = 8, ADDRESSES = 16 };

static char texts[RECORDS][ADDRESSES][GREEN_ADDRESS_TEXT];
static const char *const names[RECORDS] = {"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"};

struct input {
    const uint8_t *data;
    size_t left;
};

static unsigned take(struct input *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->data++;
}

static void read_host(struct input *in, size_t i, unsigned count, struct resolver_host *host)
{
    *host = (struct resolver_host){.name = names[i], .expires = (green_time)take(in)};
    host->error = count ? 0 : GREEN_EAI_NODATA;
    for (unsigned k = 0; k < count; k++) {
        unsigned family = take(in), last = take(in);
        snprintf(texts[i][k], sizeof texts[i][k], family & 1 ? "fd00::%u:%x" : "10.0.%u.%u", family >> 6,
                 last);
        host->addresses[k] = texts[i][k];
    }
}

static void check(const struct name_answer *a, bool service, size_t records)
{
    if (!a->count || a->count > NAME_MEMBERS_MAX)
        abort();
    for (size_t i = 0; i < a->count; i++) {
        const struct name_member *m = &a->members[i];
        if (m->address_count < 1 || m->address_count > 2 || m->tier >= records || m->weight > 256 ||
            (m->weight == 0) == service)
            abort();
        if (m->address_count == 2 && m->addresses[0].any.sa_family == m->addresses[1].any.sa_family)
            abort();
        for (size_t k = 0; k < i; k++)
            if (name_member_same_host(m, &a->members[k]))
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct resolver_host hosts[RECORDS + 1] = {{.name = NULL}};
    struct name_answer *a, *again;
    green_time expires;
    unsigned first = take(&in), priority = 0;
    bool service = first & 1;
    size_t records = service ? (first >> 1) % RECORDS + 1 : 1;

    resolver_service.count = records;
    for (size_t i = 0; i < records; i++) {
        priority += take(&in) % 3;
        unsigned weight = take(&in), count = take(&in) % ADDRESSES;
        resolver_service.records[i] = (green_record_t){.name = names[i],
                                                       .priority = (uint16_t)priority,
                                                       .weight = (uint16_t)(weight * 257),
                                                       .port = (uint16_t)(take(&in) % 2 + 1)};
        read_host(&in, i, count, &hosts[i]);
    }
    resolver_hosts = hosts;
    if (name_answer_ask(names[0], service, &a, &expires, GREEN_FOREVER) < 0)
        return 0;
    check(a, service, records);
    if (name_answer_ask(names[0], service, &again, &expires, GREEN_FOREVER) < 0 ||
        !name_answer_same(a, again) || name_answer_without(a, again))
        abort();
    name_answer_release(a);
    name_answer_release(again);
    return 0;
}
