/*
 * Files, limited by landlock(7). The C library has no functions for it yet, and its headers may be older than the kernel:
 * what is known of the interface stands here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

#ifndef __NR_landlock_create_ruleset /* the numbers are the same everywhere */
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule       445
#define __NR_landlock_restrict_self  446
#endif

enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_CHAR = 1 << 6,
    MAKE_DIR = 1 << 7,
    MAKE_REG = 1 << 8,
    MAKE_SOCK = 1 << 9,
    MAKE_FIFO = 1 << 10,
    MAKE_BLOCK = 1 << 11,
    MAKE_SYM = 1 << 12,
    REFER = 1 << 13,     /* since version 2: from one folder to another */
    TRUNCATE = 1 << 14,  /* 3 */
    IOCTL_DEV = 1 << 15, /* 5 */
};

#define READING     (READ_FILE | READ_DIR)
#define WRITING     (WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_SOCK | REMOVE_FILE)
#define OF_ONE_FILE (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)

#define GET_VERSION   1u
#define PATH_BENEATH  1
#define EVERYTHING(v) ((v) >= 5 ? 0xffffu : (v) >= 3 ? 0x7fffu : (v) == 2 ? 0x3fffu : 0x1fffu)

/* What the kernel takes: only the first field of what has grown since. */
struct ruleset {
    uint64_t handled_access_fs;
};

struct path_beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

int landlock_begin(struct landlock *l)
{
    struct ruleset all;
    long version = syscall(__NR_landlock_create_ruleset, NULL, 0, GET_VERSION);
    l->fd = -1;
    if (version < 0)
        return -errno;
    l->version = (int)version;
    all.handled_access_fs = EVERYTHING(version);
    l->fd = (int)syscall(__NR_landlock_create_ruleset, &all, sizeof all, 0);
    return l->fd < 0 ? -errno : 0;
}

int landlock_allow(struct landlock *l, const char *path, bool writes)
{
    struct path_beneath rule = {.allowed_access =
                                    (READING | (writes ? WRITING : 0)) & EVERYTHING(l->version)};
    struct stat st;
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return -errno;
    int r = fstat(rule.parent_fd, &st);
    if (r == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &= OF_ONE_FILE;
    if (r == 0)
        r = (int)syscall(__NR_landlock_add_rule, l->fd, PATH_BENEATH, &rule, 0);
    int error = errno;
    close(rule.parent_fd);
    return r < 0 ? -error : 0;
}

int landlock_enter(struct landlock *l)
{
    int r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (r == 0)
        r = (int)syscall(__NR_landlock_restrict_self, l->fd, 0);
    int error = errno;
    close(l->fd);
    l->fd = -1;
    return r < 0 ? -error : 0;
}
