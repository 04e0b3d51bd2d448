/* Which route a request takes: the first in file order whose listener, host and path all match. */
#ifndef ROUTE_MATCH_H
#define ROUTE_MATCH_H

#include "conf.h"
#include "http/span.h"

/* host: the authority's host without its port, any case (empty: none was given); path: normalised
 * (http_path_normalise). NULL: no route matches, the listener's own upstream (if it has one) is meant. */
const struct conf_route *route_match(const struct conf *conf, const struct conf_listener *listener,
                                     struct span host, struct span path);

#endif
