/*
 * What a process knows of servers, told to the one that takes over from it (runtime/upgrade.h): who is down, who is ejected
 * and for how much longer, who has just come back. What was told is kept until the health checks and the names of the new
 * process have had time to find the servers; what nobody has asked for by then is forgotten.
 *
 *     health KNOWN DOWN ERRORS EJECTED_MS EJECTIONS BACK_MS UPSTREAM SERVER
 *     secret HEX
 */
#ifndef UPSTREAM_INHERITANCE_H
#define UPSTREAM_INHERITANCE_H

#include "standing.h"

#define INHERITANCE_KEPT GREEN_S(30)

/* All there is to tell, a line each with a zero byte behind it, and an empty one. The caller's; NULL: no memory. Main thread. */
char *inheritance_tell(struct standings *all, green_time now);

/* What follows "health " or "secret ". 0, -EPROTO or -ENOMEM. Before anybody has a standing. */
int inheritance_take_health(struct standings *all, const char *text, green_time now);
int inheritance_take_secret(struct standings *all, const char *text);

/* The standing is asked for: what was told of it holds. */
static inline bool inheritance_accept(struct standing *s)
{
    bool was = s->check.inherited;
    s->check.inherited = false;
    return was;
}

/* Forgets what is left. Main thread. */
void inheritance_end(struct standings *all);

#endif
