/* JSON that came from somebody else, read within bounds. */
#ifndef ROUTE_JSON_H
#define ROUTE_JSON_H

#include <jansson.h>

#include "http/span.h"

/* Deeper than any token or key is nested; the parser calls itself for each level, on a stack that is small. */
#define JSON_DEPTH 16

/* An object whose names are all different; NULL: the text is something else, or nested too deep. */
json_t *json_read_object(struct span text);

/* The member of that name; if there is none and the name has a dot, the member of a member that it leads to. NULL: there
 * is none. It is the object's. */
json_t *json_look_up(json_t *object, const char *name);

/* Is that member a string, and which? */
bool json_text(const json_t *object, const char *name, struct span *text);

#endif
