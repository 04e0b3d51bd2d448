/* A configuration file that may be replaced while the program runs. Private to libgreen. */
#ifndef GREEN_NET_DNS_FILE_H
#define GREEN_NET_DNS_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "../core/time.h"

struct dns_file {
    const char *path; /* not copied */
    struct stat seen; /* as it was when it was read; all zero: it was not there */
    green_time look_again;
};

/* To be called just before it is read. */
void green__dns_file_reading(struct dns_file *file);

/* Has it changed since? Looks once a second. A file that is missing is taken for one about to be replaced. */
bool green__dns_file_changed(struct dns_file *file, green_time now);

#endif
