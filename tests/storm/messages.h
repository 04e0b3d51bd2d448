/* Requests and answers of every kind that a good peer sends; mutation (mutate.h) makes the bad ones. */
#ifndef STORM_MESSAGES_H
#define STORM_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#define MESSAGE_BYTES 4096 /* room for any one message */

/* A request with this number in its target. Returns its length. */
size_t message_request(char *out, uint64_t number, uint64_t *state);

/* An answer that carries this token in X-Answer, to a HEAD or another request. Returns its length. */
size_t message_answer(char *out, const char *token, int to_head, uint64_t *state);

#endif
