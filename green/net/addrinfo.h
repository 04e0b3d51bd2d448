/*
 * getaddrinfo(3) and getnameinfo(3) for greenlets: the same arguments and results as libc's, looked up as net/dns.h
 * says, with a deadline.
 *
 * Where they differ from glibc's, on purpose: ports above 65535 and service numbers that are more than digits are
 * refused; a name that is not one (127.1.256, "a b") is refused without a query; at most 64 addresses are taken from
 * an answer; localhost and names below it never make a query; AI_IDN and AI_CANONIDN do nothing, names are ASCII;
 * NI_NOFQDN takes off the domain that this machine's own host name has.
 */
#ifndef GREEN_NET_ADDRINFO_H
#define GREEN_NET_ADDRINFO_H

#include <netdb.h>

#include "../core/error.h"
#include "../core/time.h"

/*
 * Addresses for `node` (a name, a number as inet_aton(3) or inet_pton(3) read it, with %zone, or NULL) and `service`
 * (a name, a port, or NULL). hints: family, socktype, protocol, and of the flags AI_PASSIVE, AI_CANONNAME,
 * AI_NUMERICHOST, AI_NUMERICSERV, AI_V4MAPPED, AI_ALL and AI_ADDRCONFIG; NULL means AI_V4MAPPED | AI_ADDRCONFIG, as
 * with glibc. 0 and *out, for green_freeaddrinfo(), an entry for each address and type of socket; the canonical name is
 * with the first.
 *
 * GREEN_EAI_NONAME (no such name; or not a number where only numbers are allowed; or neither node nor service),
 * _NODATA, _ADDRFAMILY, _AGAIN, _FAIL, _BADNAME, _SERVICE, _FAMILY, _SOCKTYPE, _BADFLAGS, -ENOMEM. May switch; answers
 * that need no query also come with GREEN_NOWAIT.
 */
int green_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                      struct addrinfo **out, green_time deadline) GREEN_MUST_CHECK;

/* Frees what green_getaddrinfo() made; NULL is harmless. libc's freeaddrinfo() does as well. Never switches. */
void green_freeaddrinfo(struct addrinfo *list);

/*
 * The name of an address and of its port, with NI_NAMEREQD, NI_NUMERICHOST, NI_NUMERICSERV, NI_DGRAM, NI_NOFQDN. Either
 * buffer may be NULL or of size 0. 0; GREEN_EAI_NONAME (NI_NAMEREQD and no name), _AGAIN,
 * _FAMILY, _BADFLAGS, -EOVERFLOW (a buffer is too small), -ENOMEM. Without NI_NAMEREQD an address that has no name is
 * given as a number. May switch, unless NI_NUMERICHOST is given or no host is wanted.
 */
int green_getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
                      char *service, socklen_t service_size, int flags, green_time deadline) GREEN_MUST_CHECK;

/* The EAI_* value that libc's functions return for a code of these two; what has none becomes EAI_SYSTEM and errno.
 * Never switches. */
int green_eai(int error);

#endif
