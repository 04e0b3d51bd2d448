/* The file is opened before privileges are given up and written when all serves; whoever took over writes into the same. */
#include "pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/error_log.h"

static int fd = -1;
static char *path;

int pid_file_open(const struct conf *conf, unsigned uid, unsigned gid)
{
    const struct conf_file_name *name = &conf->service.pid_file;
    struct stat st;
    if (!name->written)
        return 0;
    path = strdup(name->written);
    fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644) : -1;
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        fd = -1;
        errno = EINVAL;
    }
    if (fd >= 0 && geteuid() == 0 && fchown(fd, uid, gid) == 0)
        return 0;
    if (fd >= 0 && geteuid() != 0)
        return 0;
    error_log(LOG_LEVEL_ERROR, "%s:%d: pid_file: cannot write %s: %s", name->origin.file, name->origin.line,
              name->written, strerror(errno));
    return -1;
}

void pid_file_write(void)
{
    char text[32];
    if (fd < 0)
        return;
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (pwrite(fd, text, (size_t)n, 0) != n || ftruncate(fd, n) < 0) /* never empty once there was one */
        error_log(LOG_LEVEL_WARNING, "cannot write %s: %s", path, strerror(errno));
}

/* In a folder that is not ours it can be emptied, not removed. */
void pid_file_remove(void)
{
    char text[32] = "";
    if (fd < 0)
        return;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n > 0 && strtol(text, NULL, 10) == getpid() && unlink(path) < 0 && ftruncate(fd, 0) < 0)
        error_log(LOG_LEVEL_WARNING, "cannot remove %s: %s", path, strerror(errno));
    close(fd);
    free(path);
    fd = -1;
    path = NULL;
}
