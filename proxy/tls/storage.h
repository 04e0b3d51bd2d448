/* The folder of fetched certificates (acme_storage): account.key, and NAME.pem for each name. Blocks: for threads. */
#ifndef TLS_STORAGE_H
#define TLS_STORAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf.h"

/* Makes it, for this user alone, if a listener needs it; for whoever serves (uid -1: nobody else). 0, or -1 after saying
 * why not in the error log. */
int storage_prepare(const struct conf *conf, uid_t uid, gid_t gid);

/* The file of a name, "account.key" or "NAME.pem": for free(). NULL: no memory. */
char *storage_path(const struct conf_acme *conf, const char *name, const char *end);

/* Writes a file as a whole or not at all, readable by its owner alone. 0 or a negative errno. */
int storage_write(const char *path, const char *text);

/* All of a file of at most 64 KiB, for free(); *size without the 0 behind it. 0 or a negative errno. */
int storage_read(const char *path, char **text, size_t *size);

#endif
