/* What waiting for a child consists of. Private to libgreen. */
#ifndef GREEN_OS_WAITPID_H
#define GREEN_OS_WAITPID_H

#include "../core/internal.h"

/* Waits until asking for this child (or, pid being as waitpid(2) knows it, any of several) may have an answer: 0, or an
 * error of the wait. */
int green__wait_child(pid_t pid, green_time deadline);

#endif
