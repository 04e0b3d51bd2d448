/* What the process may reach, put together from the configuration, and the two ways of holding it to that. */
#include "sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "observe/error_log.h"
#include "reach.h"

/* What the C library, OpenSSL and c-ares read whenever they think fit: name resolution, zones, certificates, modules. By
 * folder, since resolv.conf and its like are replaced rather than written. */
static const char *const common[] = {
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/run/connman",
    "/run/nscd",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/proc/self",
    "/proc/sys",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/proc/stat",
    "/proc/loadavg",
    "/proc/cgroups",
    "/sys/fs/cgroup",
    "/sys/devices/system",
};

/* What was allowed beside that, for sandbox_covers(): real paths. The process has one sandbox, and it never grows. */
static struct {
    struct held {
        char *path;
        bool writes;
    } * list;
    size_t count;
    bool active;
} held;

static int remember(const char *path, bool writes)
{
    struct held *list = realloc(held.list, (held.count + 1) * sizeof *list);
    char *real = list ? realpath(path, NULL) : NULL;
    held.list = list ? list : held.list;
    if (!real)
        return list && errno != ENOMEM ? 0 : -ENOMEM;
    held.list[held.count++] = (struct held){.path = real, .writes = writes};
    return 0;
}

/* --- collecting ------------------------------------------------------------------------------------------------------ */

static int allow_path(struct landlock *l, const char *path, bool writes)
{
    int r = landlock_allow(l, path, writes);
    return r < 0 ? r : remember(path, writes);
}

/* The nearest folder that there is, for what will be made later; not the top. */
static int allow_nearest(struct landlock *l, const char *path, bool writes)
{
    char folder[PATH_MAX];
    int r = allow_path(l, path, writes);
    if (r != -ENOENT || strlen(path) >= sizeof folder)
        return r;
    strcpy(folder, path);
    for (char *slash; r == -ENOENT && (slash = strrchr(folder, '/')) && slash != folder;) {
        *slash = 0;
        r = allow_path(l, folder, writes);
    }
    return r;
}

/* The folder that a path is in: a symbolic link may lead to a neighbour tomorrow. */
static int allow_beside(struct landlock *l, char *path, bool writes)
{
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return 0;
    *slash = 0;
    return allow_path(l, path, writes);
}

static int allow_link(struct landlock *l, const char *path, bool writes)
{
    char here[PATH_MAX], there[PATH_MAX];
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode) || strlen(path) >= sizeof here || !realpath(path, there))
        return 0;
    strcpy(here, path);
    int r = allow_beside(l, here, writes);
    return r < 0 ? r : allow_beside(l, there, writes);
}

static int allow(void *arg, const char *path, bool writes, const struct reach_place *place)
{
    struct landlock *l = arg;
    int r = allow_nearest(l, path, writes);
    if (r == 0)
        r = allow_link(l, path, writes);
    if (r == 0 || r == -ENOENT || r == -EACCES || r == -ENOTDIR)
        return 0; /* what cannot be reached now need not be reached later */
    error_log(LOG_LEVEL_ERROR, "%s:%d: %s: the sandbox cannot be given %s: %s", place->origin.file,
              place->origin.line, place->key, path, strerror(-r));
    return r;
}

static int collect(struct landlock *l, const struct conf *conf)
{
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        int r = allow_path(l, common[i], !strncmp(common[i], "/dev/", 5));
        if (r < 0 && r != -ENOENT && r != -EACCES)
            return r;
    }
    return reach_of(conf, allow, l);
}

/* --- entering --------------------------------------------------------------------------------------------------------- */

/* 1: files are limited; 0: this kernel cannot; or -errno. */
static int limit_files(const struct conf *conf, int *version)
{
    struct landlock l;
    int r = landlock_begin(&l);
    if (r == -ENOSYS || r == -EOPNOTSUPP || r == -EPERM) /* the last: containers that do not let it through */
        return 0;
    *version = l.version;
    if (r == 0)
        r = collect(&l, conf);
    int entered = r < 0 ? r : landlock_enter(&l);
    held.active = entered == 0;
    return entered < 0 ? entered : 1;
}

/* 1: they are limited; 0: this kernel cannot; or -errno. */
static int limit_calls(bool log)
{
    int r = system_calls_limit(log);
    return r == -ENOSYS || r == -EINVAL || r == -EOPNOTSUPP ? 0 : r < 0 ? r : 1;
}

int sandbox_enter(const struct conf *conf)
{
    char files[64] = "files are not limited (no Landlock)";
    int version = 0, r = 0;
    bool log = conf->privileges.sandbox == CONF_SANDBOX_LOG;
    if (conf->privileges.sandbox == CONF_SANDBOX_OFF)
        return 0;
    if (log)
        strcpy(files, "files are not limited");
    else if ((r = limit_files(conf, &version)) > 0)
        snprintf(files, sizeof files, "files limited (Landlock %d)", version);
    if (r >= 0)
        r = limit_calls(log);
    if (r < 0) {
        error_log(LOG_LEVEL_ERROR, "cannot enter the sandbox: %s; `sandbox = off` in [greenway] does without",
                  strerror(-r));
        return -1;
    }
    error_log(LOG_LEVEL_NOTICE, "sandbox: %s, %s",
              r == 0 ? "system calls are not limited (no seccomp)"
              : log  ? "the kernel logs unusual system calls"
                     : "system calls limited (seccomp)",
              files);
    return 0;
}

/* --- afterwards ------------------------------------------------------------------------------------------------------- */

static bool lies_in(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return !strncmp(path, folder, n) && (path[n] == 0 || path[n] == '/' || !strcmp(folder, "/"));
}

/* The real path, or for what is not there yet that of the nearest folder above. */
static char *nearest(const char *path)
{
    char folder[PATH_MAX], *real = realpath(path, NULL), *slash;
    if (real || strlen(path) >= sizeof folder)
        return real;
    strcpy(folder, path);
    while (!real && (slash = strrchr(folder, '/')) && slash != folder) {
        *slash = 0;
        real = realpath(folder, NULL);
    }
    return real;
}

static int covered(void *arg, const char *path, bool writes, const struct reach_place *place)
{
    int *result = arg;
    char *real = nearest(path);
    bool found = false;
    for (size_t i = 0; real && i < held.count && !found; i++)
        found = (held.list[i].writes || !writes) && lies_in(real, held.list[i].path);
    free(real);
    if (found)
        return 0;
    error_log(LOG_LEVEL_ERROR,
              "%s:%d: %s: %s is outside of what the sandbox of this process can reach; a binary upgrade "
              "(SIGUSR2) or a "
              "restart can get there, or `sandbox = off` from the start",
              place->origin.file, place->origin.line, place->key, path);
    *result = -EACCES;
    return 0;
}

int sandbox_covers(const struct conf *conf)
{
    int result = 0;
    if (held.active && reach_of(conf, covered, &result) < 0)
        return -EACCES;
    return result;
}
