/* A question to all workers, twice in the time that the manager waits (watchdog.h). */
#include "watchdog.h"

#include <stdlib.h>

#include "ask.h"
#include "notify.h"
#include "observe/error_log.h"

struct watchdog {
    struct process *process;
    green_time interval;
    green_t *greenlet;
    bool silent; /* that was said */
};

static bool answer(struct worker *w, const void *about, void *out)
{
    *(char *)out = 1;
    return true;
}

static bool all_answer(struct watchdog *dog)
{
    static const struct ask_question alive = {.fn = answer, .answer_size = 1};
    struct ask *ask;
    if (ask_workers(&dog->process->workers_to_ask, &alive, green_in(dog->interval / 4), &ask) < 0)
        return false;
    size_t silent = ask_silent(ask);
    ask_free(ask);
    if (silent && !dog->silent)
        error_log(LOG_LEVEL_WARNING,
                  "%zu workers do not answer: the service manager is not told that all is well", silent);
    dog->silent = silent > 0;
    return silent == 0;
}

static void *watch(void *arg)
{
    struct watchdog *dog = arg;
    do {
        if (all_answer(dog))
            notify_watchdog();
    } while (green_sleep(dog->interval / 4) == 0);
    return NULL;
}

struct watchdog *watchdog_start(struct process *p)
{
    green_time interval = notify_watchdog_interval();
    if (!interval)
        return NULL;
    struct watchdog *dog = calloc(1, sizeof *dog);
    if (dog)
        *dog = (struct watchdog){.process = p, .interval = interval, .greenlet = green_spawn(watch, dog)};
    if (dog && dog->greenlet)
        return dog;
    free(dog);
    error_log(LOG_LEVEL_ERROR, "no memory for the service manager's watchdog");
    return NULL;
}

void watchdog_end(struct watchdog *dog)
{
    if (!dog)
        return;
    if (green_kill(dog->greenlet, GREEN_FOREVER) == 0)
        green_release(dog->greenlet);
    free(dog);
}
