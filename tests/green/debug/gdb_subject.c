/* A program to be looked at with gdb: a greenlet that waits deep in calls, one that has not begun, another thread. */
#include <green.h>
#include <pthread.h>
#include <stdlib.h>

void look_here(void);
__attribute__((noinline)) void look_here(void)
{
    __asm__ volatile("" ::: "memory");
}

static int innermost(int n)
{
    int r = green_sleep(GREEN_S(1000));
    return r + n;
}

__attribute__((noinline)) static int middle_of_it(int n)
{
    return n ? middle_of_it(n - 1) + 1 : innermost(n) + 1;
}

static void *wait_deep(void *arg)
{
    green_set_name(green_self(), "deep");
    return (void *)(intptr_t)middle_of_it(arg ? 1 : 3);
}

static void *be_a_neighbour(void *arg)
{
    pthread_barrier_t *barriers = arg;
    green_t *g = green_spawn(wait_deep, arg);
    if (!g || green_yield() < 0)
        abort();
    pthread_barrier_wait(&barriers[0]);
    pthread_barrier_wait(&barriers[1]);
    if (green_kill(g, GREEN_FOREVER) < 0)
        abort();
    green_release(g);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    pthread_barrier_t barriers[2];
    pthread_barrier_init(&barriers[0], NULL, 2);
    pthread_barrier_init(&barriers[1], NULL, 2);
    green_t *g = green_spawn(wait_deep, NULL);
    if (!g || green_yield() < 0 || pthread_create(&thread, NULL, be_a_neighbour, barriers) != 0)
        abort();
    pthread_barrier_wait(&barriers[0]);
    green_t *fresh = green_spawn(wait_deep, NULL);
    look_here();
    pthread_barrier_wait(&barriers[1]);
    pthread_join(thread, NULL);
    if (!fresh || green_kill(fresh, GREEN_FOREVER) < 0 || green_kill(g, GREEN_FOREVER) < 0)
        abort();
    green_release(fresh);
    green_release(g);
    return green_hub_close() < 0;
}
