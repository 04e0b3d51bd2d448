/* Names through libc, whose sources (nsswitch.conf) may be more than files and DNS. Private to libgreen. */
#ifndef GREEN_NET_DNS_LIBC_H
#define GREEN_NET_DNS_LIBC_H

#include "dns_channel.h"

/* A hub's questions that are with a thread. */
struct dns_libc {
    struct list jobs;
};

void green__dns_libc_init(struct dns_libc *libc);

/* Ends all questions (done() is called); threads that are at work on one are not waited for. */
void green__dns_libc_close(struct dns_libc *libc);

/* As green__dns_resolver_ask(), for addresses and, by address, names. `block`: the whole thread waits; done() has been called
 * then. */
int green__dns_libc_ask(struct dns_libc *libc, struct dns_query *query, const char *name, bool block);

/* The code for one of getaddrinfo(3) or getnameinfo(3); errno belongs to EAI_SYSTEM. */
int green__from_eai(int eai);

#endif
