/* What the DNS knows of a name beside addresses: where a service runs (SRV), who takes mail (MX), texts (TXT). */
#ifndef GREEN_NET_DNS_RECORDS_H
#define GREEN_NET_DNS_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "../core/error.h"
#include "../core/time.h"

typedef struct green_record {
    const char
        *name;     /* of the host that serves, in lower case; TXT: the text, strings of one record joined */
    size_t length; /* of that, in bytes; a text may hold any, and has a 0 behind it */
    uint16_t port; /* SRV */
    uint16_t priority; /* SRV, MX: the lowest first */
    uint16_t weight;   /* SRV: the share of what goes to this priority */
} green_record_t;

/* An answer: reference counted, never changed once made. */
typedef struct green_records {
    int references;     /* private */
    green_time expires; /* when its TTL runs out */
    size_t count;       /* at least 1, at most 64: more are left away */
    green_record_t records[];
} green_records_t;

/*
 * Ask for the records of a name ("_imap._tcp.example.org"; no search domains). 0 and *out, which the caller gives back
 * with green_records_release(), in any thread; else the codes of green_resolve(). GREEN_EAI_NODATA also: the one target
 * is ".", which says that there is decidedly no such service. Greenlets that ask for the same at the same time share
 * one query; answers are kept for their TTL, failures for a second. May switch.
 */

/* In the order to try them (RFC 2782): by priority, within it at random by weight, anew in each call. */
int green_resolve_srv(const char *name, green_records_t **out, green_time deadline) GREEN_MUST_CHECK;

/* By priority. */
int green_resolve_mx(const char *name, green_records_t **out, green_time deadline) GREEN_MUST_CHECK;

/* In the order of the answer. */
int green_resolve_txt(const char *name, green_records_t **out, green_time deadline) GREEN_MUST_CHECK;

/* NULL is harmless. Never switches. */
void green_records_release(green_records_t *records);

#endif
