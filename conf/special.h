/*
 * Addresses that are not of the public internet: loopback, private and link-local networks, clouds' metadata services
 * and whatever else IANA has set aside, also in the disguise of an IPv6 address that leads to an IPv4 one.
 */
#ifndef CONF_SPECIAL_H
#define CONF_SPECIAL_H

#include <netinet/in.h>
#include <stdbool.h>

/* What the address is set aside for, "loopback" or "private"; NULL for a public one. Families other than IPv4 and IPv6
 * are never public. */
const char *conf_special_purpose(const struct sockaddr *address);

/* The IPv4 address that an IPv6 address leads to: mapped, by NAT64, 6to4 or Teredo. False: it leads to none. */
bool conf_embedded_ipv4(const struct sockaddr *address, struct sockaddr_in *out);

#endif
