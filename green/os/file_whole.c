/* Whole files and directories at once. These block: file.c has them run on threads. */
#include "file_whole.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* For error paths: what went wrong first is what counts. */
static int close_quietly(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* Room for what the file says to have, and one byte to see its end by: files grow, and those of /proc say nothing. */
static int first_capacity(int fd, size_t *capacity, size_t limit)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -1;
    size_t size = st.st_size > 0 ? (size_t)st.st_size : 0;
    if (size > limit) {
        errno = EFBIG;
        return -1;
    }
    *capacity = (size < 4096 ? 4096 : size) + 1;
    return 0;
}

static int load(int fd, char **data, size_t *size, size_t limit)
{
    size_t capacity, length = 0;
    if (first_capacity(fd, &capacity, limit) < 0)
        return -1;
    char *bytes = NULL;
    for (ssize_t n = 1; n != 0;) {
        if (!bytes || length == capacity) {
            capacity = bytes ? 2 * capacity : capacity;
            char *larger = realloc(bytes, capacity + 1);
            if (!larger)
                goto failed;
            bytes = larger;
        }
        n = read(fd, bytes + length, capacity - length);
        if (n < 0 && errno != EINTR)
            goto failed;
        length += n > 0 ? (size_t)n : 0;
        if (length > limit) {
            errno = EFBIG;
            goto failed;
        }
    }
    bytes[length] = 0;
    *data = bytes;
    *size = length;
    return 0;
failed:
    free(bytes);
    return -1;
}

int green__load_file(const char *path, char **data, size_t *size, size_t limit)
{
    if (limit > SSIZE_MAX / 4)
        limit = SSIZE_MAX / 4;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int r = load(fd, data, size, limit);
    close_quietly(fd);
    return r;
}

/* --- writing -------------------------------------------------------------------------------------------- */

static int fill(int fd, const char *data, size_t size, mode_t mode)
{
    if (fchmod(fd, mode) < 0)
        return -1;
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return -1;
        data += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd);
}

/* The new name is to survive a crash as well. */
static int sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!directory)
        return -1;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int saved = errno;
    free(directory);
    errno = saved;
    if (fd < 0)
        return -1;
    int r = fsync(fd);
    if (r < 0 && (errno == EINVAL || errno == EROFS)) /* file systems without that */
        r = 0;
    close_quietly(fd);
    return r;
}

static int save_as(char *temporary, const char *path, const void *data, size_t size, mode_t mode)
{
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -1;
    int r = fill(fd, data, size, mode);
    if (r < 0)
        close_quietly(fd);
    else
        r = close(fd);
    if (r == 0)
        r = rename(temporary, path);
    if (r < 0) {
        int saved = errno;
        unlink(temporary);
        errno = saved;
        return -1;
    }
    return sync_directory_of(path);
}

int green__save_file(const char *path, const void *data, size_t size, mode_t mode)
{
    char *temporary;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        errno = ENOMEM;
        return -1;
    }
    int r = save_as(temporary, path, data, size, mode);
    int saved = errno;
    free(temporary);
    errno = saved;
    return r;
}

/* --- directories ---------------------------------------------------------------------------------------- */

/* Names one after another, each with its zero byte. */
struct names {
    char *bytes;
    size_t length, capacity, count;
};

static int add_name(struct names *names, const char *name)
{
    size_t size = strlen(name) + 1;
    if (names->length + size > names->capacity) {
        size_t capacity = 2 * names->capacity + 4096;
        char *larger = realloc(names->bytes, capacity);
        if (!larger)
            return -1;
        names->bytes = larger;
        names->capacity = capacity;
    }
    memcpy(names->bytes + names->length, name, size);
    names->length += size;
    names->count++;
    return 0;
}

static int read_names(DIR *dir, struct names *names, size_t most)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? -1 : 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (names->count == most || names->count == INT_MAX) {
            errno = EOVERFLOW;
            return -1;
        }
        if (add_name(names, entry->d_name) < 0)
            return -1;
    }
}

/* One allocation: the pointers, and the names that they point to. */
static char **array_of(const struct names *names)
{
    size_t pointers = (names->count + 1) * sizeof(char *);
    char **array = malloc(pointers + names->length);
    if (!array)
        return NULL;
    char *name = (char *)array + pointers;
    if (names->length)
        memcpy(name, names->bytes, names->length);
    for (size_t i = 0; i < names->count; i++, name += strlen(name) + 1)
        array[i] = name;
    array[names->count] = NULL;
    return array;
}

ssize_t green__list_directory(const char *path, char ***out, size_t most)
{
    struct names names = {0};
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    ssize_t r = read_names(dir, &names, most);
    if (r == 0)
        r = (*out = array_of(&names)) ? (ssize_t)names.count : -1;
    int saved = errno;
    free(names.bytes);
    closedir(dir);
    errno = saved;
    return r;
}
