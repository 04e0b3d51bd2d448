/*
 * Channels between the greenlets of one thread: they carry elements of one size, which are copied from the sender's
 * memory to the receiver's, straight across where both are there. Without capacity the two meet (a rendezvous): a send
 * returns when the element has been received, and the receiver goes on first. Senders and receivers are served in the
 * order in which they came; one that times out or is cancelled has sent or received nothing.
 *
 *     green_channel_t *numbers = green_channel_new(sizeof(int), 0);
 *     green_channel_send(numbers, &n, GREEN_FOREVER);       // here
 *     green_channel_receive(numbers, &n, GREEN_FOREVER);    // in another greenlet
 *
 * With GREEN_NOWAIT these calls never switch, do not return -ECANCELED, and may be made in a callback of the hub. A
 * channel may pass from thread to thread while nobody waits in it; -EXDEV: somebody of another thread does. For
 * several channels at once: sync/select.h. For any number of pointers, and priorities: sync/queue.h.
 */
#ifndef GREEN_SYNC_CHANNEL_H
#define GREEN_SYNC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "../core/error.h"
#include "../core/time.h"

typedef struct green_channel green_channel_t;

/* Makes a channel for elements of `element` bytes (0: it carries signals and no data), of which it holds up to
 * `capacity` between a send and a receive. One reference, the caller's. NULL: no memory for that much. Never
 * switches. */
green_channel_t *green_channel_new(size_t element, size_t capacity) GREEN_MUST_CHECK;

/* Takes another reference, or gives one up. With the last one the channel is closed and freed: whoever waits in it
 * returns -EPIPE. Releasing NULL is harmless. Never switch. */
green_channel_t *green_channel_retain(green_channel_t *c);
void green_channel_release(green_channel_t *c);

/* Sends a copy of the element; waits while nobody receives and there is no room. 0: it was received or is held for
 * the next receive; -EPIPE: the channel is closed, or was meanwhile, and it was not sent. With capacity it switches only
 * if it waits; without, a successful send lets the receiver run, so that a greenlet that was cancelled gets -ECANCELED
 * even if somebody receives. */
int green_channel_send(green_channel_t *c, const void *element, green_time deadline) GREEN_MUST_CHECK;

/* Receives the next element; waits while there is none. 0; -EPIPE: the channel is closed and nothing is left in it.
 * On an error *element is as it was. May switch, but only if it waits. */
int green_channel_receive(green_channel_t *c, void *element, green_time deadline) GREEN_MUST_CHECK;

/* Closes the channel for good: senders that wait return -EPIPE, what it holds can still be received, then receivers get
 * -EPIPE. 0, also when it was closed before; -EXDEV. Never switches. */
int green_channel_close(green_channel_t *c);

/* How many elements it holds now and at most; whether it is closed. Never switch. */
size_t green_channel_len(const green_channel_t *c);
size_t green_channel_capacity(const green_channel_t *c);
bool green_channel_closed(const green_channel_t *c);

#endif
