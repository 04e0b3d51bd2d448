/* One text for all. */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct events_text {
    unsigned references;
    size_t n;
    char bytes[];
};

static struct events_text *text_new(char *json)
{
    static const char before[] = "data: ", after[] = "\n\n";
    size_t n = json ? strlen(json) : 0;
    struct events_text *t = json ? malloc(sizeof *t + sizeof before + n + sizeof after) : NULL;
    if (t) {
        t->references = 1;
        char *at = mempcpy(t->bytes, before, sizeof before - 1);
        at = mempcpy(at, json, n);
        at = mempcpy(at, after, sizeof after - 1);
        t->n = (size_t)(at - t->bytes);
    }
    free(json);
    return t;
}

static void text_release(struct events_text *t)
{
    if (t && --t->references == 0)
        free(t);
}

void events_init(struct events *e)
{
    *e = (struct events){.next = GREEN_EVENT_INIT};
}

void events_destroy(struct events *e)
{
    text_release(e->text);
    e->text = NULL;
}

bool events_wanted(const struct events *e)
{
    return e->clients > 0;
}

void events_tell(struct events *e, char *json)
{
    struct events_text *t = text_new(json);
    if (!t)
        return;
    text_release(e->text);
    e->text = t;
    green_event_set(&e->next);
    green_event_clear(&e->next);
}

static int begin(green_http_exchange_t *x)
{
    int r = green_http_set(x, "Content-Type", "text/event-stream");
    if (r == 0)
        r = green_http_set(x, "X-Accel-Buffering",
                           "no"); /* for proxies in between that would wait for more */
    return r < 0 ? r : green_http_begin(x, 200, GREEN_HTTP_UNKNOWN);
}

/* Keeps the newest text while it is written: the next one may come meanwhile. */
static int write_newest(struct events *e, green_http_exchange_t *x)
{
    struct events_text *t = e->text;
    t->references++;
    int r = green_http_write(x, t->bytes, t->n, GREEN_FOREVER);
    text_release(t);
    return r;
}

int events_serve(struct events *e, green_http_exchange_t *x, char *first)
{
    struct events_text *t = text_new(first);
    const struct events_text *seen = e->text;
    bool head = !strcmp(green_http_method(x), "HEAD");
    e->clients++;
    int r = t ? begin(x) : -ENOMEM;
    if (r == 0)
        r = green_http_write(x, t->bytes, t->n, GREEN_FOREVER);
    text_release(t);
    while (r == 0 && !head) {
        if (e->text == seen) /* else more have come while it took the last one */
            r = green_event_wait(&e->next, GREEN_FOREVER);
        seen = e->text;
        if (r == 0)
            r = write_newest(e, x);
    }
    e->clients--;
    return r;
}
