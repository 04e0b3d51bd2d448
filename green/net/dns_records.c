/* Records other than addresses: taking them out of messages, and the order of SRV. */
#include "dns_records.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dns_answer.h"
#include "dns_lookup.h"

#define RECORDS_MAX 64

/* --- messages ----------------------------------------------------------------------------------------------------- */

static unsigned number_at(const unsigned char *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* Bytes in front of the name that is a record's data. */
static int numbers_before_name(int type)
{
    return type == DNS_SRV ? 6 : type == DNS_MX ? 2 : 0;
}

/* The name in a record's data; GREEN_EAI_NODATA for "." ("there is none"). */
static int read_name(ns_msg *message, ns_rr *rr, int skip, char name[DNS_NAME_SIZE])
{
    char text[NS_MAXDNAME];
    if (ns_rr_rdlen(*rr) <= skip || ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message),
                                                       ns_rr_rdata(*rr) + skip, text, sizeof text) < 0)
        return GREEN_EAI_FAIL;
    if (!strcmp(text, "") || !strcmp(text, "."))
        return GREEN_EAI_NODATA;
    return green__dns_name_canonical(text, name) < 0 ? GREEN_EAI_FAIL : 0;
}

/* What is written for one record: its strings, joined. */
static int read_text(ns_rr *rr, char *text, size_t *length)
{
    const unsigned char *at = ns_rr_rdata(*rr), *end = at + ns_rr_rdlen(*rr);
    *length = 0;
    while (at < end) {
        size_t n = *at++;
        if (n > (size_t)(end - at))
            return GREEN_EAI_FAIL;
        memcpy(text + *length, at, n);
        *length += n;
        at += n;
    }
    text[*length] = 0;
    return 0;
}

/* Fills *record and the text that it points to, which needs no more room than text_room() says. */
static int read_record(ns_msg *message, ns_rr *rr, int type, green_record_t *record, char *text)
{
    int skip = numbers_before_name(type);
    int r = type == DNS_TXT ? read_text(rr, text, &record->length) : read_name(message, rr, skip, text);
    if (r < 0)
        return r;
    record->name = text;
    if (type != DNS_TXT)
        record->length = strlen(text);
    if (skip)
        record->priority = (uint16_t)number_at(ns_rr_rdata(*rr));
    if (type == DNS_SRV) {
        record->weight = (uint16_t)number_at(ns_rr_rdata(*rr) + 2);
        record->port = (uint16_t)number_at(ns_rr_rdata(*rr) + 4);
    }
    return 0;
}

static size_t text_room(ns_rr *rr, int type)
{
    return type == DNS_TXT ? (size_t)ns_rr_rdlen(*rr) + 1 : DNS_NAME_SIZE;
}

/* How many records there are to take, and what their texts need; the shortest TTL counts, aliases included. */
static int survey(ns_msg *message, int type, size_t *count, size_t *room, int64_t *ttl)
{
    ns_rr rr;
    *ttl = DNS_TTL_MAX;
    for (int i = 0; i < ns_msg_count(*message, ns_s_an); i++) {
        if (ns_parserr(message, ns_s_an, i, &rr) < 0)
            return GREEN_EAI_FAIL;
        int64_t own = (int32_t)ns_rr_ttl(rr); /* RFC 2181: with the top bit set it is 0 */
        *ttl = own < *ttl ? own : *ttl;
        if ((int)ns_rr_type(rr) != type || ns_rr_class(rr) != ns_c_in || *count == RECORDS_MAX)
            continue;
        ++*count;
        *room += text_room(&rr, type);
    }
    return *count ? 0 : GREEN_EAI_NODATA;
}

/* By priority, stable. */
static void sort(green_records_t *records)
{
    for (size_t i = 1; i < records->count; i++) {
        green_record_t record = records->records[i];
        size_t at = i;
        for (; at && records->records[at - 1].priority > record.priority; at--)
            records->records[at] = records->records[at - 1];
        records->records[at] = record;
    }
}

int green__dns_records_parse(const unsigned char *bytes, int length, int type, green_records_t **out)
{
    ns_msg message;
    ns_rr rr;
    size_t count = 0, room = 0;
    int64_t ttl;
    if (ns_initparse(bytes, length, &message) < 0)
        return GREEN_EAI_FAIL;
    int r = survey(&message, type, &count, &room, &ttl), bad = 0;
    if (r < 0)
        return r;
    green_records_t *records =
        green__dns_outcome_new(sizeof *records + count * sizeof(green_record_t) + room, ttl);
    if (!records)
        return -ENOMEM;
    char *text = (char *)&records->records[count];
    for (int i = 0; i < ns_msg_count(message, ns_s_an) && records->count < count; i++) {
        if (ns_parserr(&message, ns_s_an, i, &rr) < 0 || (int)ns_rr_type(rr) != type ||
            ns_rr_class(rr) != ns_c_in)
            continue;
        r = read_record(&message, &rr, type, &records->records[records->count], text);
        bad = r < 0 ? r : bad;
        if (r == 0) {
            records->count++;
            text += text_room(&rr, type);
        }
    }
    if (!records->count) {
        green_records_release(records);
        return bad;
    }
    sort(records);
    *out = records;
    return 0;
}

green_records_t *green__dns_records_of_name(const char *name, int64_t ttl)
{
    size_t size = strlen(name) + 1;
    green_records_t *records = green__dns_outcome_new(sizeof *records + sizeof(green_record_t) + size, ttl);
    if (!records)
        return NULL;
    records->count = 1;
    records->records[0].name = memcpy(&records->records[1], name, size);
    records->records[0].length = size - 1;
    return records;
}

/* --- the order of SRV --------------------------------------------------------------------------------------------- */

static uint32_t random_up_to(uint32_t most)
{
    uint32_t value;
    if (getrandom(&value, sizeof value, GRND_NONBLOCK) != sizeof value)
        value = (uint32_t)green_now(); /* early in boot */
    return (uint32_t)((uint64_t)value * ((uint64_t)most + 1) >> 32);
}

/* Which of them is next: each with the chance that its weight has of their sum; those without weight come first in
 * the count, so that they have a small one (RFC 2782). */
static size_t choose(const green_record_t *records, size_t count)
{
    uint32_t sum = 0, running = 0;
    for (size_t i = 0; i < count; i++)
        sum += records[i].weight;
    if (!sum)
        return random_up_to((uint32_t)count - 1);
    uint32_t point = random_up_to(sum);
    for (size_t i = 0; i < count; i++)
        if (!records[i].weight && point == 0)
            return i;
    for (size_t i = 0; i < count; i++) {
        running += records[i].weight;
        if (records[i].weight && running >= point)
            return i;
    }
    return 0;
}

static void shuffle_by_weight(green_record_t *records, size_t count)
{
    for (; count > 1; records++, count--) {
        size_t chosen = choose(records, count);
        green_record_t record = records[chosen];
        memmove(records + 1, records, chosen * sizeof *records);
        records[0] = record;
    }
}

/* The shared answer keeps its order: a copy is shuffled. */
static int in_random_order(green_records_t *shared, green_records_t **out)
{
    green_record_t order[RECORDS_MAX];
    size_t count = shared->count, room = 0, same;
    memcpy(order, shared->records, count * sizeof *order);
    for (size_t i = 0; i < count; i += same) {
        for (same = 1; i + same < count && order[i + same].priority == order[i].priority;)
            same++;
        shuffle_by_weight(order + i, same);
    }
    for (size_t i = 0; i < count; i++)
        room += order[i].length + 1;
    green_records_t *own = green__dns_outcome_new(sizeof *own + count * sizeof *order + room, 0);
    if (!own)
        return -ENOMEM;
    own->expires = shared->expires;
    own->count = count;
    char *text = (char *)&own->records[count];
    for (size_t i = 0; i < count; i++) {
        own->records[i] = order[i];
        own->records[i].name = memcpy(text, order[i].name, order[i].length + 1);
        text += order[i].length + 1;
    }
    *out = own;
    return 0;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static int resolve(const char *host, int type, green_records_t **out, green_time deadline)
{
    char name[DNS_NAME_SIZE];
    *out = NULL;
    green_t *self = green_self();
    int r = self ? green__interruption(self) : 0;
    if (r == 0)
        r = green__dns_name_canonical(host, name);
    return r < 0 ? r : green__dns_lookup(name, DNS_RECORDS | type, 0, (struct dns_outcome **)out, deadline);
}

int green_resolve_srv(const char *name, green_records_t **out, green_time deadline)
{
    green_records_t *shared;
    int r = resolve(name, DNS_SRV, &shared, deadline);
    *out = NULL;
    if (r == 0)
        r = in_random_order(shared, out);
    green_records_release(shared);
    return r;
}

int green_resolve_mx(const char *name, green_records_t **out, green_time deadline)
{
    return resolve(name, DNS_MX, out, deadline);
}

int green_resolve_txt(const char *name, green_records_t **out, green_time deadline)
{
    return resolve(name, DNS_TXT, out, deadline);
}

void green_records_release(green_records_t *records)
{
    green__dns_outcome_release(records);
}
