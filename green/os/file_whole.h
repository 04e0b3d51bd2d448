/* Whole files and directories, in calls that block. They return like system calls: -1 and errno. Private to libgreen. */
#ifndef GREEN_OS_FILE_WHOLE_H
#define GREEN_OS_FILE_WHOLE_H

#include <sys/types.h>

ssize_t green__list_directory(const char *path, char ***names, size_t most);
int green__load_file(const char *path, char **data, size_t *size, size_t limit);
int green__save_file(const char *path, const void *data, size_t size, mode_t mode);

#endif
