/*
 * Asking all hubs: a post to each, answers in memory, an eventfd that says when they are complete. The inquiry belongs
 * to all who have a part in it, for nobody knows when a hub that is blocked will get round to answering.
 */
#include "inquiry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct answer {
    green_post_t post;
    struct inquiry *inquiry;
    pid_t tid;
    atomic_bool done; /* text is there */
    char *text;
    size_t size;
};

struct inquiry {
    void (*fn)(FILE *out, const void *arg);
    _Alignas(max_align_t) char arg[INQUIRY_ARG_SIZE];
    int event;
    atomic_uint references, missing;
    size_t count;
    struct answer answers[];
};

static void unreference(struct inquiry *q)
{
    if (atomic_fetch_sub(&q->references, 1) != 1)
        return;
    close(q->event);
    for (size_t i = 0; i < q->count; i++)
        free(q->answers[i].text);
    free(q);
}

static void give_answer(green_post_t *post)
{
    struct answer *a = CONTAINER_OF(post, struct answer, post);
    struct inquiry *q = a->inquiry;
    FILE *out = open_memstream(&a->text, &a->size);
    if (out) {
        q->fn(out, q->arg);
        fclose(out);
    }
    atomic_store(&a->done, true);
    if (atomic_fetch_sub(&q->missing, 1) == 1)
        eventfd_write(q->event, 1);
    unreference(q);
}

/* Under the lock: none of them can close meanwhile. */
static struct inquiry *post_to_all(struct list *hubs, const struct inquiry *model, size_t count)
{
    struct inquiry *q = calloc(1, sizeof *q + count * sizeof q->answers[0]);
    if (!q)
        return NULL;
    *q = *model;
    q->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_init(&q->references, 1 + (unsigned)count);
    atomic_init(&q->missing, (unsigned)count);
    for (struct list *node = hubs->next; node != hubs; node = node->next) {
        green_hub_t *hub = CONTAINER_OF(node, green_hub_t, everywhere);
        if (hub == green__hub)
            continue;
        struct answer *a = &q->answers[q->count++];
        *a = (struct answer){.post.fn = give_answer, .inquiry = q, .tid = hub->tid};
    }
    size_t i = 0;
    for (struct list *node = hubs->next; node != hubs; node = node->next) {
        green_hub_t *hub = CONTAINER_OF(node, green_hub_t, everywhere);
        if (hub != green__hub)
            green_post(hub, &q->answers[i++].post);
    }
    return q;
}

int green__ask_hubs(FILE *out, void (*fn)(FILE *out, const void *arg), const void *arg, size_t size,
                    green_time deadline)
{
    struct inquiry model = {.fn = fn};
    if (!green_self())
        return -EPERM;
    if (size)
        memcpy(model.arg, arg, size);
    struct list *hubs = green__hubs_lock();
    size_t count = 0;
    for (struct list *node = hubs->next; node != hubs; node = node->next)
        count += CONTAINER_OF(node, green_hub_t, everywhere) != green__hub;
    struct inquiry *q = post_to_all(hubs, &model, count);
    green__hubs_unlock();
    fn(out, arg);
    if (!q)
        return -ENOMEM;
    int r = q->event < 0 ? -EMFILE : count ? green_wait_fd(q->event, POLLIN, deadline) : 0;
    if (q->event >= 0)
        green_fd_reset(q->event);
    for (size_t i = 0; i < q->count; i++) {
        struct answer *a = &q->answers[i];
        if (!atomic_load(&a->done))
            fprintf(out, "thread %d: does not answer, something blocks it\n", (int)a->tid);
        else if (a->text)
            fwrite(a->text, 1, a->size, out);
    }
    unreference(q);
    return r == -ETIMEDOUT ? green__interruption(green_self()) : r;
}
