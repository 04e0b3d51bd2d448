/* What this process uses (system_usage.h). */
#include "system_usage.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* The start of a small file, with a NUL behind it. 0 or -errno. */
static int read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, size - 1);
    int r = n < 0 ? -errno : 0;
    close(fd);
    text[n < 0 ? 0 : n] = 0;
    return r;
}

static int64_t count_entries(const char *path)
{
    DIR *folder = opendir(path);
    int64_t n = 0;
    if (!folder)
        return -errno;
    for (const struct dirent *entry; (entry = readdir(folder));)
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n - 1; /* this folder's own */
}

/* From Linux 6.2 on the folder's size says how many there are. */
int64_t usage_descriptors(void)
{
    struct stat st;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return st.st_size;
    return count_entries("/proc/self/fd");
}

int64_t usage_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

int64_t usage_memory(void)
{
    char text[128], *rest;
    int r = read_text("/proc/self/statm", text, sizeof text);
    if (r < 0)
        return r;
    strtoll(text, &rest, 10);
    return strtoll(rest, NULL, 10) * sysconf(_SC_PAGESIZE);
}

static int64_t least(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* 0: no number is there, as for "max". */
static int64_t number_in(const char *folder, const char *name)
{
    char path[4352], text[64];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path || read_text(path, text, sizeof text) < 0 ||
        !isdigit((unsigned char)*text))
        return 0;
    return strtoll(text, NULL, 10);
}

int64_t usage_group_limit(const char *root, const char *group)
{
    char folder[4096];
    int n = snprintf(folder, sizeof folder, "%s%s", root, group);
    size_t top = strlen(root);
    int64_t limit = 0;
    if (n < 0 || (size_t)n >= sizeof folder || strstr(group, "/.."))
        return 0;
    for (;;) {
        limit = least(limit, number_in(folder, "memory.max"));
        limit = least(limit, number_in(folder, "memory.high"));
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            return limit;
        *slash = 0;
    }
}

int64_t usage_memory_limit(void)
{
    char text[4096] = "\n";
    int64_t pages = sysconf(_SC_PHYS_PAGES), limit = pages > 0 ? pages * sysconf(_SC_PAGESIZE) : 0;
    if (read_text("/proc/self/cgroup", text + 1, sizeof text - 1) < 0)
        return limit;
    char *group = strstr(text, "\n0::"); /* the line of version 2 */
    if (!group)
        return limit;
    group += 4;
    group[strcspn(group, "\n")] = 0;
    return least(limit, usage_group_limit(CGROUP_ROOT, strcmp(group, "/") ? group : ""));
}
