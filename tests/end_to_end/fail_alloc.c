/*
 * To be preloaded: every n-th allocation fails. FAIL_ALLOC names a file of 8 bytes; its first four are n (0: none fails)
 * and may be changed while the program runs, the other four count the failures.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static atomic_uint *shared; /* n, failures */
static atomic_uint calls;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAIL_ALLOC");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        shared = at;
}

static int fails(void)
{
    unsigned n = shared ? atomic_load(&shared[0]) : 0;
    if (!n || atomic_fetch_add(&calls, 1) % n != n - 1)
        return 0;
    atomic_fetch_add(&shared[1], 1);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails() ? NULL : __libc_realloc(block, size);
}
