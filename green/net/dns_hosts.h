/* Addresses to names, without a query. Private to libgreen. */
#ifndef GREEN_NET_DNS_HOSTS_H
#define GREEN_NET_DNS_HOSTS_H

#include "dns_name.h"
#include "socket.h"

/* The name that the hosts file (NULL: /etc/hosts) has for an address. 0 or GREEN_EAI_NONAME. */
int green__dns_hosts_name(const char *path, const green_address_t *address, char name[DNS_NAME_SIZE]);

/* The name under which the DNS keeps what an address is called: "1.2.0.192.in-addr.arpa". Returns name. */
char *green__dns_reverse_name(const green_address_t *address, char name[DNS_NAME_SIZE]);

#endif
