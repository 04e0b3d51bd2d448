/*
 * Questions to all workers: a function runs on the hub of each, on its thread, and fills in an answer; whoever asked
 * waits for all of them, in any thread that has a hub. A worker that is too slow is left out; one that ends answers
 * first. Nothing here locks what workers own: they look at it themselves.
 */
#ifndef RUNTIME_ASK_H
#define RUNTIME_ASK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <green.h>

struct worker;

/* The workers that can be asked: one list in each process. */
struct askable {
    pthread_mutex_t lock; /* held for a few instructions */
    TAILQ_HEAD(, askable_worker) workers;
    size_t count;
};

/* A worker's part; embedded in struct worker. */
struct askable_worker {
    TAILQ_ENTRY(askable_worker) link;
    struct worker *worker;
    green_hub_t *hub;
    unsigned index;
    bool listed;
    size_t unanswered; /* questions on their way, under the lock */
};

struct ask_question {
    /* Runs in the worker's hub: it must not wait, and should be done within a millisecond. True: that was the answer;
     * false: it wants to be called again, after the others have had their turn. `about` is a copy for all workers, only
     * to be read, that lives until the last one has answered; `answer` is zeroed. */
    bool (*fn)(struct worker *w, const void *about, void *answer);
    size_t answer_size;
    const void *about;
    size_t about_size;
    void (*release)(void *answer); /* frees what fn has allocated for its answer; NULL: nothing */
};

/* The answers to one question, worker by worker. */
struct ask;

void askable_init(struct askable *a);
void askable_destroy(struct askable *a);

/* In the worker's thread: from here on it is asked. */
void askable_enter(struct askable *a, struct askable_worker *me, struct worker *w, unsigned index);

/* In the worker's thread, before anything that is asked for goes away: answers what was asked before, and is asked no
 * more. Does nothing if it never entered. May switch. */
void askable_leave(struct askable *a, struct askable_worker *me);

/*
 * Asks every worker and waits for the answers. 0 and *out, to be given back with ask_free(): also when the deadline has
 * passed or the caller was cancelled, when not all have answered. -ENOMEM. May switch.
 */
int ask_workers(struct askable *a, const struct ask_question *question, green_time deadline,
                struct ask **out) GREEN_MUST_CHECK;

/* How many were asked; the number of the i-th (struct worker's index), and its answer: NULL if it had not answered when
 * the wait was over. They come in the order of the workers' numbers. Never switch. */
size_t ask_count(const struct ask *ask);
unsigned ask_index(const struct ask *ask, size_t i);
void *ask_answer(struct ask *ask, size_t i);

/* Those that did not answer in time. Never switches. */
size_t ask_silent(struct ask *ask);

/* NULL is fine. Answers that are still to come are released when they have. Never switches. */
void ask_free(struct ask *ask);

#endif
