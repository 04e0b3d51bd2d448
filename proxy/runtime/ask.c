/* Questions to all workers. The question and its slots live until the last worker has answered, however long whoever
 * asked has waited. */
#include "ask.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    green_post_t post;
    struct ask *ask;
    struct askable_worker *whom;
    unsigned index;
    atomic_bool answered; /* the answer is there, and stays */
    bool seen;            /* by the one who asked, when its wait was over */
    void *answer;
};

struct ask {
    atomic_size_t references; /* one for each worker to come, one of who asked */
    atomic_size_t to_come;
    green_shared_event_t all_answered;
    struct askable *askable;
    struct ask_question question;
    size_t count;
    struct slot slots[]; /* then the copy of `about`, then the answers */
};

/* --- who can be asked --------------------------------------------------------------------------------------------- */

void askable_init(struct askable *a)
{
    *a = (struct askable){.lock = PTHREAD_MUTEX_INITIALIZER};
    TAILQ_INIT(&a->workers);
}

void askable_destroy(struct askable *a)
{
    pthread_mutex_destroy(&a->lock);
}

void askable_enter(struct askable *a, struct askable_worker *me, struct worker *w, unsigned index)
{
    struct askable_worker *next;
    *me = (struct askable_worker){.worker = w, .hub = green_hub(), .index = index, .listed = true};
    pthread_mutex_lock(&a->lock);
    TAILQ_FOREACH(next, &a->workers, link)
    if (next->index > index)
        break;
    if (next)
        TAILQ_INSERT_BEFORE(next, me, link);
    else
        TAILQ_INSERT_TAIL(&a->workers, me, link);
    a->count++;
    pthread_mutex_unlock(&a->lock);
}

static size_t unanswered(struct askable *a, struct askable_worker *me)
{
    pthread_mutex_lock(&a->lock);
    size_t n = me->unanswered;
    pthread_mutex_unlock(&a->lock);
    return n;
}

void askable_leave(struct askable *a, struct askable_worker *me)
{
    if (!me->listed)
        return;
    me->listed = false;
    pthread_mutex_lock(&a->lock);
    TAILQ_REMOVE(&a->workers, me, link);
    a->count--;
    pthread_mutex_unlock(&a->lock);
    green_shield(); /* a post is already on its way to this hub, so this does not take long */
    while (unanswered(a, me))
        green_sleep(GREEN_MS(1));
    green_unshield();
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static void release(struct ask *ask)
{
    if (atomic_fetch_sub(&ask->references, 1) != 1)
        return;
    for (size_t i = 0; ask->question.release && i < ask->count; i++)
        ask->question.release(ask->slots[i].answer);
    if (green_shared_event_destroy(&ask->all_answered) == 0) /* nobody who has a reference waits any more */
        free(ask);
}

/* In the worker's hub. */
static void answer(green_post_t *post)
{
    struct slot *slot = (struct slot *)(void *)((char *)post - offsetof(struct slot, post));
    struct ask *ask = slot->ask;
    struct askable *a = ask->askable;
    if (!ask->question.fn(slot->whom->worker, ask->question.about, slot->answer)) {
        green_post(slot->whom->hub, post);
        return;
    }
    atomic_store_explicit(&slot->answered, true, memory_order_release);
    pthread_mutex_lock(&a->lock);
    slot->whom->unanswered--;
    pthread_mutex_unlock(&a->lock);
    if (atomic_fetch_sub(&ask->to_come, 1) == 1)
        green_shared_event_set(&ask->all_answered);
    release(ask);
}

static size_t aligned(size_t n)
{
    return (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

static struct ask *make(struct askable *a, const struct ask_question *question, size_t count)
{
    size_t head = aligned(sizeof(struct ask) + count * sizeof(struct slot));
    size_t about = aligned(question->about_size), each = aligned(question->answer_size);
    struct ask *ask = calloc(1, head + about + count * each);
    if (!ask)
        return NULL;
    char *place = (char *)ask + head;
    ask->askable = a;
    ask->question = *question;
    ask->question.about = place;
    if (question->about_size)
        memcpy(place, question->about, question->about_size);
    ask->count = count;
    for (size_t i = 0; i < count; i++)
        ask->slots[i].answer = place + about + i * each;
    atomic_init(&ask->references, count + 1);
    atomic_init(&ask->to_come, count);
    green_shared_event_init(&ask->all_answered);
    return ask;
}

/* With the lock held: no worker leaves meanwhile, so every hub is open. */
static void post_all(struct askable *a, struct ask *ask)
{
    struct askable_worker *whom;
    struct slot *slot = ask->slots;
    TAILQ_FOREACH(whom, &a->workers, link)
    {
        *slot = (struct slot){
            .post.fn = answer, .ask = ask, .whom = whom, .index = whom->index, .answer = slot->answer};
        whom->unanswered++;
        green_post(whom->hub, &slot->post);
        slot++;
    }
}

/* Workers may come and go while there is no lock. */
static struct ask *make_and_post(struct askable *a, const struct ask_question *question)
{
    struct ask *ask = NULL;
    pthread_mutex_lock(&a->lock);
    while (!ask || ask->count != a->count) {
        size_t count = a->count;
        pthread_mutex_unlock(&a->lock);
        free(ask);
        ask = make(a, question, count);
        if (!ask)
            return NULL;
        pthread_mutex_lock(&a->lock);
    }
    post_all(a, ask);
    pthread_mutex_unlock(&a->lock);
    return ask;
}

int ask_workers(struct askable *a, const struct ask_question *question, green_time deadline, struct ask **out)
{
    struct ask *ask = make_and_post(a, question);
    if (!ask)
        return -ENOMEM;
    /* How the wait ended does not matter: the slots tell who has answered. */
    int r = ask->count ? green_shared_event_wait(&ask->all_answered, deadline) : 0;
    for (size_t i = 0; i < ask->count; i++)
        ask->slots[i].seen = r == 0 || atomic_load_explicit(&ask->slots[i].answered, memory_order_acquire);
    *out = ask;
    return 0;
}

size_t ask_count(const struct ask *ask)
{
    return ask->count;
}

unsigned ask_index(const struct ask *ask, size_t i)
{
    return ask->slots[i].index;
}

void *ask_answer(struct ask *ask, size_t i)
{
    return ask->slots[i].seen ? ask->slots[i].answer : NULL;
}

size_t ask_silent(struct ask *ask)
{
    size_t n = 0;
    for (size_t i = 0; i < ask->count; i++)
        n += !ask->slots[i].seen;
    return n;
}

void ask_free(struct ask *ask)
{
    if (ask)
        release(ask);
}
