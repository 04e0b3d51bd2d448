/* Files that a configuration names, read whole. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fills the buffer as far as the file goes. */
static ssize_t read_all(int fd, char *to, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t r = read(fd, to + done, n - done);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (r == 0)
            break;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

static const char *unreadable(struct conf_arena *arena, int error)
{
    return conf_arena_print(arena, "cannot be read: %s", strerror(error));
}

/* Memory is asked for before the file is opened, since running out of it does not return. */
const char *conf_file_read(struct conf_arena *arena, const char *path, size_t most, const char **bytes,
                           size_t *n)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return unreadable(arena, errno);
    if (!S_ISREG(st.st_mode))
        return "is not a regular file";
    if (st.st_size < 0 || (uint64_t)st.st_size > most)
        return conf_arena_print(arena, "is larger than %zu bytes", most);
    size_t size = (size_t)st.st_size;
    char *buffer = conf_arena_alloc(arena, size + 2);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? -errno : read_all(fd, buffer, size + 1);

    if (fd >= 0)
        close(fd);
    if (got < 0)
        return unreadable(arena, (int)-got);
    if ((size_t)got > size)
        return "grew while it was read";
    buffer[got] = 0;
    *bytes = buffer;
    *n = (size_t)got;
    return NULL;
}
