/*
 * What passing through costs: read(2), close(2) and a mutex with libgreen-patch linked, outside of greenlets and in one,
 * beside the real functions.
 */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <green.h>
#include <patch.h>

#include "measure.h"

#define CALLS 200000

static int null_fd;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define EACH(call)                                                                                           \
    double before = cpu_ns();                                                                                \
    char byte;                                                                                               \
    (void)byte;                                                                                              \
    for (int i = 0; i < CALLS; i++)                                                                          \
        check((int)(call), #call);                                                                           \
    return (cpu_ns() - before) / CALLS

static double real_read(void)
{
    EACH(green_real_read(null_fd, &byte, 1));
}

static double passed_read(void)
{
    EACH(read(null_fd, &byte, 1));
}

/* A descriptor that is not open is refused at once: what is left is the call. */
static double real_failing(void)
{
    EACH(green_real_read(-1, &byte, 1) + 1);
}

static double passed_failing(void)
{
    EACH(read(-1, &byte, 1) + 1);
}

static double real_mutex(void)
{
    EACH(green_real_pthread_mutex_lock(&mutex) + green_real_pthread_mutex_unlock(&mutex));
}

static double passed_mutex(void)
{
    EACH(pthread_mutex_lock(&mutex) + pthread_mutex_unlock(&mutex));
}

int main(int argc, char **argv)
{
    struct figure figures[] = {
        {.name = "read(/dev/null), real", .unit = "ns", .round = real_read},
        {.name = "read(/dev/null), passed", .unit = "ns", .round = passed_read},
        {.name = "read(-1), real", .unit = "ns", .round = real_failing},
        {.name = "read(-1), passed", .unit = "ns", .round = passed_failing},
        {.name = "mutex, real", .unit = "ns", .round = real_mutex},
        {.name = "mutex, passed", .unit = "ns", .round = passed_mutex},
    };
    null_fd = open("/dev/null", O_RDONLY);
    green_patch(GREEN_PATCH_THREADS);
    return MEASURE(figures, argc, argv);
}
