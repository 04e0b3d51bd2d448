/*
 * Where a request to a forward proxy may go: by the name and port that it asks for, and by the address that this leads
 * to. Nothing here waits or touches a socket.
 */
#ifndef ROUTE_DESTINATION_H
#define ROUTE_DESTINATION_H

#include <sys/socket.h>

#include "conf.h"
#include "http/target.h"

#define DESTINATION_NAME 254 /* bytes of a host name with its NUL */

struct destination {
    char name
        [DESTINATION_NAME]; /* in lower case, without a final dot; or an address in its usual spelling, no brackets */
    bool numeric;
    int port;
};

/*
 * Reads a host and port. A name must be one that DNS can have: letters, digits, '-' and '_'. Whatever ends in a number
 * must be an IPv4 address as four plain decimal numbers, since resolvers disagree about all other spellings. 0 or
 * HTTP_E_HOST.
 */
int destination_read(const struct http_authority *authority, int default_port, struct destination *out);

/* The key that refuses to go there whatever the address, or NULL. */
const char *destination_refused(const struct conf_forward *rules, const struct destination *d);

/* The key that refuses to connect to this address on behalf of that destination, or NULL. */
const char *destination_address_refused(const struct conf_forward *rules, const struct destination *d,
                                        const struct sockaddr *address);

/* Is it one of the addresses that allow_internal names? */
bool destination_is_exception(const struct conf_forward *rules, const struct sockaddr *address);

#endif
