/* What becomes of connections when the configuration changes: the part of connection.h that connection.c needs too. */
#ifndef RUNTIME_CONNECTION_FOLLOW_H
#define RUNTIME_CONNECTION_FOLLOW_H

#include "connection.h"

/* No request after the present one; what is not over then is cut off when reload_grace is over, if its listener is gone.
 * Never switches. */
void connection_expire(struct connection *c);

#endif
