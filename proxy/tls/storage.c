/* Files of fetched certificates (storage.h). */
#include "storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/error_log.h"

#define MOST 65536

/* With the folders above it, which others may read. */
static int make_folder(const char *path)
{
    char *text = strdup(path);
    int r = text ? 0 : -ENOMEM;
    for (char *at = text ? text + 1 : NULL; r == 0 && (at = strchr(at, '/')); at++) {
        *at = 0;
        if (mkdir(text, 0755) < 0 && errno != EEXIST)
            r = -errno;
        *at = '/';
    }
    if (r == 0 && mkdir(path, 0700) < 0)
        r = -errno;
    free(text);
    return r;
}

int storage_prepare(const struct conf *conf, uid_t uid, gid_t gid)
{
    const char *path = conf->acme.storage.written;
    bool needed = false;
    for (size_t i = 0; i < conf->listener_count; i++)
        needed |= conf->listeners[i].acme.on;
    if (!needed)
        return 0;
    int r = make_folder(path);
    if (r == 0 && uid != (uid_t)-1 && chown(path, uid, gid) < 0)
        r = -errno;
    if (r < 0 && r != -EEXIST)
        error_log(LOG_LEVEL_ERROR, "cannot make the folder %s, which acme_storage names: %s", path,
                  strerror(-r));
    return r < 0 && r != -EEXIST ? -1 : 0;
}

char *storage_path(const struct conf_acme *conf, const char *name, const char *end)
{
    char *path;
    return asprintf(&path, "%s/%s%s", conf->storage.written, name, end) < 0 ? NULL : path;
}

static int write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left;) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            text += n, left -= (size_t)n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int sync_folder(const char *path)
{
    char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

int storage_write(const char *path, const char *text)
{
    char *beside;
    if (asprintf(&beside, "%s.XXXXXX", path) < 0)
        return -ENOMEM;
    int fd = mkostemp(beside, O_CLOEXEC); /* 0600 */
    int r = fd < 0 ? -errno : write_all(fd, text);
    if (fd >= 0 && close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(beside, path) < 0)
        r = -errno;
    if (r < 0 && fd >= 0)
        unlink(beside);
    free(beside);
    return r < 0 ? r : sync_folder(path);
}

int storage_read(const char *path, char **text, size_t *size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    char *data = malloc(MOST + 1);
    size_t n = data ? fread(data, 1, MOST + 1, file) : 0;
    int r = !data ? -ENOMEM : ferror(file) ? -EIO : n > MOST ? -EFBIG : 0;
    fclose(file);
    if (r < 0) {
        free(data);
        return r;
    }
    data[n] = 0;
    *text = data;
    *size = n;
    return 0;
}
