/* What select needs of the channels' inside. Private to libgreen. */
#ifndef GREEN_SYNC_CHANNEL_CASE_H
#define GREEN_SYNC_CHANNEL_CASE_H

#include "../core/internal.h"

/* Whether it could happen now: green_channel_send() or green_channel_receive() would not have to wait. */
bool green__case_ready(const green_case_t *c);

/* Leaves it with its channel, to be carried out by whoever comes: that one wakes `park` with the case's index, after it
 * has set the result. 0 or -EXDEV. */
int green__case_enlist(green_case_t *c, green_park_t *park);

#endif
