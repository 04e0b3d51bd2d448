/* green_fork(). What a fork means for hubs is in core/hubs.c, by way of pthread_atfork(3). */
#include "fork.h"

#include "../core/internal.h"

#include <unistd.h>

pid_t green_fork(void)
{
    if (!green_self())
        return -EPERM;
    pid_t pid = fork();
    return pid < 0 ? -errno : pid;
}
