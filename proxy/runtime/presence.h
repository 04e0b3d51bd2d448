/* Whether files exist, asked often and looked up at most once a second. Belongs to one worker. */
#ifndef RUNTIME_PRESENCE_H
#define RUNTIME_PRESENCE_H

#include <stdbool.h>

struct presence;

/* Does the file exist, as far as is known? When it cannot be told, it is as it was, at first: no. Whoever asks when a
 * second is over looks it up, in a thread, and waits for that; the others go by what was last seen. May switch. */
bool presence_of(struct presence **list, const char *path);

void presences_free(struct presence **list);

#endif
