/* Noticing that resolv.conf or nsswitch.conf has changed, for one stat(2) a second. */
#include "dns_file.h"

#include <string.h>

#define LOOK_INTERVAL GREEN_S(1)

void green__dns_file_reading(struct dns_file *file)
{
    if (stat(file->path, &file->seen) < 0)
        memset(&file->seen, 0, sizeof file->seen);
}

bool green__dns_file_changed(struct dns_file *file, green_time now)
{
    if (now < file->look_again)
        return false;
    file->look_again = now + LOOK_INTERVAL;
    struct stat present, *seen = &file->seen;
    return stat(file->path, &present) == 0 &&
           (present.st_ino != seen->st_ino || present.st_dev != seen->st_dev ||
            present.st_size != seen->st_size || present.st_mtim.tv_sec != seen->st_mtim.tv_sec ||
            present.st_mtim.tv_nsec != seen->st_mtim.tv_nsec);
}
