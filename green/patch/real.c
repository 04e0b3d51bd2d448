/* Finding the real functions, and which of them are taken over. */
#include "real.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

atomic_uint green__patched_families;

/* --- the real functions --------------------------------------------------------------------------------------------- */

/* Condition variables have two kinds of functions; dlsym(3) may find those of before 2002. */
static void *find(const char *name)
{
    void *found = NULL;
    if (strncmp(name, "pthread_cond_", 13) == 0)
        found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    if (!found)
        found = dlsym(RTLD_NEXT, name);
    if (!found) {
        fprintf(stderr, "libgreen-patch: there is no %s in this C library\n", name);
        abort();
    }
    return found;
}

/* Looked up at the first call, which may come before any constructor ran. Both of two threads that do so at once find
 * the same. */
#define GREEN_HOOKED(family, result, name, parameters, arguments)                                            \
    static result first_##name parameters                                                                    \
    {                                                                                                        \
        void *found = find(#name);                                                                           \
        result(*real) parameters;                                                                            \
        memcpy(&real, &found, sizeof real);                                                                  \
        atomic_store_explicit(&green__real.name, real, memory_order_relaxed);                                \
        return real arguments;                                                                               \
    }                                                                                                        \
                                                                                                             \
    HOOK result green_real_##name parameters                                                                 \
    {                                                                                                        \
        return REAL(name) arguments;                                                                         \
    }
#include "hooked.h"

/* These take one argument more than `last`, a number or a pointer, or none. */
#define VARIADIC(name, parameters, last, ...)                                                                \
    static int first_##name parameters                                                                       \
    {                                                                                                        \
        void *found = find(#name);                                                                           \
        int(*real) parameters;                                                                               \
        memcpy(&real, &found, sizeof real);                                                                  \
        atomic_store_explicit(&green__real.name, real, memory_order_relaxed);                                \
        va_list more;                                                                                        \
        va_start(more, last);                                                                                \
        void *argument = va_arg(more, void *);                                                               \
        va_end(more);                                                                                        \
        return real(__VA_ARGS__, argument);                                                                  \
    }                                                                                                        \
                                                                                                             \
    HOOK int green_real_##name parameters                                                                    \
    {                                                                                                        \
        va_list more;                                                                                        \
        va_start(more, last);                                                                                \
        void *argument = va_arg(more, void *);                                                               \
        va_end(more);                                                                                        \
        return REAL(name)(__VA_ARGS__, argument);                                                            \
    }
VARIADIC(fcntl, (int fd, int command, ...), command, fd, command)
VARIADIC(fcntl64, (int fd, int command, ...), command, fd, command)
VARIADIC(ioctl, (int fd, unsigned long request, ...), request, fd, request)
VARIADIC(open, (const char *path, int flags, ...), flags, path, flags)
VARIADIC(open64, (const char *path, int flags, ...), flags, path, flags)
VARIADIC(openat, (int folder, const char *path, int flags, ...), flags, folder, path, flags)
VARIADIC(openat64, (int folder, const char *path, int flags, ...), flags, folder, path, flags)

/* These take what a format asks for, which goes on by the function that has a list of it. */
#define PRINTS(name, parameters, last, through, ...)                                                         \
    static int first_##name parameters                                                                       \
    {                                                                                                        \
        va_list more;                                                                                        \
        va_start(more, last);                                                                                \
        int length = REAL(through)(__VA_ARGS__, more);                                                       \
        va_end(more);                                                                                        \
        return length;                                                                                       \
    }                                                                                                        \
                                                                                                             \
    HOOK int green_real_##name parameters                                                                    \
    {                                                                                                        \
        va_list more;                                                                                        \
        va_start(more, last);                                                                                \
        int length = REAL(through)(__VA_ARGS__, more);                                                       \
        va_end(more);                                                                                        \
        return length;                                                                                       \
    }
PRINTS(printf, (const char *format, ...), format, vprintf, format)
PRINTS(__printf_chk, (int flag, const char *format, ...), format, __vprintf_chk, flag, format)
PRINTS(fprintf, (FILE * file, const char *format, ...), format, vfprintf, file, format)
PRINTS(__fprintf_chk, (FILE * file, int flag, const char *format, ...), format, __vfprintf_chk, file, flag,
       format)
PRINTS(dprintf, (int fd, const char *format, ...), format, vdprintf, fd, format)
PRINTS(__dprintf_chk, (int fd, int flag, const char *format, ...), format, __vdprintf_chk, fd, flag, format)

struct real_functions green__real = {
#define GREEN_HOOKED(family, result, name, parameters, arguments) .name = first_##name,
#define GREEN_HOOKED_VARIADIC(family, result, name, parameters)   .name = first_##name,
#include "hooked.h"
};

/* --- the families --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned families;
} words[] = {
    {"net", GREEN_PATCH_NET},
    {"sleep", GREEN_PATCH_SLEEP},
    {"dns", GREEN_PATCH_DNS},
    {"process", GREEN_PATCH_PROCESS},
    {"default", GREEN_PATCH_DEFAULT},
    {"sync", GREEN_PATCH_SYNC},
    {"threads", GREEN_PATCH_THREADS},
    {"pthread", GREEN_PATCH_THREADS},
    {"file", GREEN_PATCH_FILE},
    {"stdio", GREEN_PATCH_STDIO},
    {"none", 0},
};

static const struct {
    const char *name;
    unsigned family;
} functions[] = {
#define GREEN_HOOKED(of, result, name, parameters, arguments) {#name, GREEN_PATCH_##of},
#define GREEN_HOOKED_VARIADIC(of, result, name, parameters)   {#name, GREEN_PATCH_##of},
#include "hooked.h"
};

HOOK void green_patch(unsigned families)
{
    if (families & GREEN_PATCH_THREADS)
        families |= GREEN_PATCH_SYNC | GREEN_PATCH_DEFAULT;
    atomic_store_explicit(&green__patched_families, families, memory_order_relaxed);
}

HOOK void green_patch_all(void)
{
    green_patch(green_patched() | GREEN_PATCH_DEFAULT);
}

HOOK unsigned green_patched(void)
{
    return atomic_load_explicit(&green__patched_families, memory_order_relaxed);
}

HOOK bool green_is_patched(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strcmp(functions[i].name, name) == 0)
            return (green_patched() & functions[i].family) != 0;
    return false;
}

static unsigned families_of(const char *text)
{
    unsigned families = 0;
    while (*text) {
        size_t length = strcspn(text, ","), i = 0, count = sizeof words / sizeof words[0];
        while (i < count && (strlen(words[i].name) != length || strncmp(words[i].name, text, length) != 0))
            i++;
        if (i < count)
            families |= words[i].families;
        else if (length)
            fprintf(
                stderr,
                "libgreen-patch: GREEN_PATCH: there is no family '%.*s'; there are net, sleep, dns, process, "
                "default, sync, threads, file, stdio and none\n",
                (int)length, text);
        text += length + (text[length] == ',');
    }
    return families;
}

/* Of a program that is linked with us, main() decides. */
static __attribute__((constructor)) void begin(void)
{
    const char *patch = getenv("GREEN_PATCH"), *preload = getenv("LD_PRELOAD");
    if (patch)
        green_patch(families_of(patch));
    else if (preload && strstr(preload, "libgreen-patch"))
        green_patch(GREEN_PATCH_DEFAULT);
}

/* --- small things --------------------------------------------------------------------------------------------------- */

bool green__is_vforked(void)
{
    return UNLIKELY(gettid() != green__hub->tid);
}

int64_t green__ns(const struct timespec *t)
{
    return t->tv_sec >= INT64_MAX / 1000000000 - 1 ? INT64_MAX : (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int64_t green__ns_of_timeval(const struct timeval *t)
{
    struct timespec same = {.tv_sec = t->tv_sec, .tv_nsec = t->tv_usec * 1000};
    return green__ns(&same);
}

struct timespec green__timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}
