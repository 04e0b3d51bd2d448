/* openat2(2), and walking by hand where there is none (beneath.h). */
#include "files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READING (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define FOLDER  (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define RETRIES 16 /* of a walk past a ".." that raced with a rename */

static int open_how(int folder, const char *name, int flags, uint64_t resolve)
{
    struct open_how how = {.flags = (uint64_t)flags, .resolve = resolve};
    long fd = syscall(SYS_openat2, folder, name, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

/* --- what the kernel can do --- */

static enum { WITHOUT, WITH_OPENAT2, WITH_CACHED } ability; /* Linux 5.6, Linux 5.12 */

static int try(uint64_t resolve)
{
    int fd = open_how(AT_FDCWD, "/", FOLDER, resolve);
    if (fd >= 0)
        close(fd);
    return fd;
}

/* A sandbox may answer for a call that it does not know as it likes. */
static void probe(void)
{
    ability = try(RESOLVE_CACHED) >= 0 ? WITH_CACHED : try(0) >= 0 ? WITH_OPENAT2 : WITHOUT;
}

static void learn(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, probe);
}

/* --- opening --- */

int beneath_folder(const char *path, bool at_hand)
{
    learn();
    if (at_hand)
        return ability == WITH_CACHED ? open_how(AT_FDCWD, path, FOLDER, RESOLVE_CACHED) : -EAGAIN;
    int fd = open(path, FOLDER);
    return fd < 0 ? -errno : fd;
}

int beneath_open(int folder, const char *name, bool at_hand)
{
    const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    int fd = -EAGAIN;
    learn();
    if (at_hand)
        return ability == WITH_CACHED
                   ? open_how(folder, *name ? name : ".", READING, resolve | RESOLVE_CACHED)
                   : -EAGAIN;
    if (ability == WITHOUT)
        return beneath_open_by_steps(folder, name);
    for (int i = 0; i < RETRIES && fd == -EAGAIN; i++)
        fd = open_how(folder, *name ? name : ".", READING, resolve);
    return fd == -EAGAIN ? -EBUSY : fd;
}

static int step(int folder, const char *segment, int flags)
{
    int fd = openat(folder, segment, flags | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int beneath_open_by_steps(int folder, const char *name)
{
    char segment[NAME_MAX + 1];
    for (int at = folder;;) {
        size_t n = strcspn(name, "/");
        bool last = !name[n];
        int next = n > NAME_MAX ? -ENAMETOOLONG : 0;
        if (next == 0) {
            memcpy(segment, name, n);
            segment[n] = 0;
            /* An absolute name starts with an empty segment; only the folder itself is one. */
            bool out = !strcmp(segment, "..") || (!n && !(last && at == folder));
            next = out ? -EXDEV : step(at, n ? segment : ".", last ? READING : FOLDER);
        }
        if (at != folder)
            close(at);
        if (last || next < 0)
            return next;
        at = next;
        name += n + 1;
    }
}
