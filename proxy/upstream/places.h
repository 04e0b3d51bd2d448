/*
 * Places at servers: how many requests may be under way at each (max_connections), and at an upstream as a whole
 * (max_requests), in all workers together. When every place is taken further requests stand in line (queue.h).
 */
#ifndef UPSTREAM_PLACES_H
#define UPSTREAM_PLACES_H

#include <stdbool.h>

struct conf_upstream;
struct connect_failure;
struct group;
struct lease_request;
struct server;
struct server_state;

/* Are there limits? */
bool places_are_limited(const struct conf_upstream *conf);

/* Tells all workers what the limits are. */
void places_configure(struct group *g);

/*
 * The server whose turn it is and that has a place, which is the caller's from now on; waits for one if need be. NULL
 * and *failure: there is no server (failure->code is as it was), the queue is full, the time was over, or the client
 * has gone (-ECONNABORTED). May switch.
 */
struct server *place_choose(struct group *g, struct lease_request *request, struct connect_failure *failure);

/* Never switches. */
void place_give_back(struct server_state *state);

#endif
