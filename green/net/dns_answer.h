/* Making answers. Private to libgreen. */
#ifndef GREEN_NET_DNS_ANSWER_H
#define GREEN_NET_DNS_ANSWER_H

#include "dns_channel.h"

#define DNS_TTL_MIN 1 /* seconds; answers from the hosts file have 0, and the file may change */
#define DNS_TTL_MAX 86400

/* Types of records (RFC 1035, 2782). */
#define DNS_PTR 12
#define DNS_MX  15
#define DNS_TXT 16
#define DNS_SRV 33

/* Something of `size` bytes that begins as a struct dns_outcome, with one reference; NULL: no memory. */
void *green__dns_outcome_new(size_t size, int64_t ttl);

/* Atomic, so that an answer can be given to another thread. */
void *green__dns_outcome_retain(void *outcome);
void green__dns_outcome_release(void *outcome);

/* An answer with room for `room` addresses and none yet. */
green_dns_answer_t *green__dns_answer_new(size_t room, const char *name, int64_t ttl);
void green__dns_answer_add(green_dns_answer_t *answer, const struct sockaddr *address, socklen_t length);
void green__dns_answer_set_port(green_dns_answer_t *answer, int port);

/* A reference to an answer with the port asked for: the same object if it has that port, else a copy. */
int green__dns_answer_with_port(green_dns_answer_t *answer, int port, green_dns_answer_t **out);

/* Takes the records of one type out of a name server's message, SRV and MX by priority. GREEN_EAI_NODATA: there are
 * none; GREEN_EAI_FAIL: it is broken, or none is fit for use; -ENOMEM. */
int green__dns_records_parse(const unsigned char *message, int length, int type, green_records_t **out);

/* Names as records: what a hosts file says. */
green_records_t *green__dns_records_of_name(const char *name, int64_t ttl);

#endif
