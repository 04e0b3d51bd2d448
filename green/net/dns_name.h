/* The form of host names. Private to libgreen. */
#ifndef GREEN_NET_DNS_NAME_H
#define GREEN_NET_DNS_NAME_H

#define DNS_NAME_MAX  253 /* bytes of a host name (RFC 1035: 255 on the wire), without the final dot */
#define DNS_NAME_SIZE (DNS_NAME_MAX + 2)

/* Writes the name in lower case, as the cache knows it: labels of 1 to 63 letters, digits, hyphens and underscores
 * between dots; a final dot (no search domains) stays. Localhost and all below it (RFC 6761) become "localhost".
 * GREEN_EAI_BADNAME: anything else, among it what some programs would take for an address (127.1, 0x7f000001) and
 * names that are not ASCII (IDNA is for the caller). */
int green__dns_name_canonical(const char *host, char name[DNS_NAME_SIZE]);

#endif
