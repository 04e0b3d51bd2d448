/*
 * A thread is asked by a signal, and answers from the handler: its greenlet, its stack. Everything the handler calls
 * is safe there once backtrace() has loaded what it needs.
 */
#include "whereabouts.h"

#include <execinfo.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_WITHIN GREEN_MS(500)

static struct {
    atomic_int asked; /* the thread; 0: nobody, or the answer is being given */
    sem_t given;
    atomic_bool complete; /* the answer: what sem_post means, said so that TSan understands */
    green_monitor_event_t answer;
    bool minds;
} question;

static void answer(int signal)
{
    int saved = errno, me = (int)syscall(SYS_gettid);
    (void)signal;
    if (!atomic_compare_exchange_strong(&question.asked, &me, 0))
        return; /* too late, or sent by somebody else */
    green_hub_t *hub = green__hub;
    green_t *g = hub ? hub->current : NULL;
    question.minds = hub && (hub->alive > 1 || hub->parked) && !(g && g->unmonitored);
    question.answer.greenlet = g ? g->id : 0;
    const char *name = g && g->name ? g->name : "greenlet";
    size_t length = strnlen(name, sizeof question.answer.name - 1);
    memcpy(question.answer.name, name, length);
    question.answer.name[length] = 0;
    question.answer.frame_count = backtrace(question.answer.frames, GREEN_MONITOR_FRAMES);
    atomic_store(&question.complete, true);
    sem_post(&question.given);
    errno = saved;
}

int green__whereabouts_open(int signal)
{
    struct sigaction present, action = {.sa_handler = answer, .sa_flags = SA_RESTART | SA_ONSTACK};
    void *frames[2];
    if (sigaction(signal, NULL, &present) < 0)
        return -errno;
    if (present.sa_handler != SIG_DFL && present.sa_handler != SIG_IGN)
        return -EBUSY;
    backtrace(frames, 2);
    sem_init(&question.given, 0, 0);
    sigemptyset(&action.sa_mask);
    return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

/* Ignored, not terminated by: one may still be on its way. */
void green__whereabouts_close(int signal)
{
    struct sigaction none = {.sa_handler = SIG_IGN};
    sigaction(signal, &none, NULL);
    sem_destroy(&question.given);
}

bool green__ask_whereabouts(green_monitor_event_t *e, int signal)
{
    int thread = (int)e->thread;
    green_time until = ANSWER_WITHIN + green_now();
    struct timespec deadline = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    question.answer = *e;
    atomic_store(&question.complete, false);
    atomic_store(&question.asked, thread);
    int r = (int)syscall(SYS_tgkill, getpid(), thread, signal);
    while (r == 0 && (r = sem_clockwait(&question.given, CLOCK_MONOTONIC, &deadline)) < 0 && errno == EINTR)
        r = 0;
    if (r < 0 && errno == ESRCH)
        return false; /* it has ended meanwhile */
    if (r < 0) {
        if (atomic_compare_exchange_strong(&question.asked, &thread, 0))
            return true; /* it does not answer; that it is blocked is true all the more */
        while (sem_wait(&question.given) < 0) /* it is just giving the answer */
            ;
    }
    bool minds = atomic_load(&question.complete) && question.minds;
    *e = question.answer;
    return minds;
}
