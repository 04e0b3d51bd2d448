/*
 * pusher: publish and subscribe over HTTP, with server-sent events.
 *
 *     pusher [ADDRESS]                                      127.0.0.1:7002 if none is given
 *     curl -N http://127.0.0.1:7002/news                    subscribes to the topic "/news"
 *     curl -d 'it rains' http://127.0.0.1:7002/news         publishes
 *
 * A subscriber is a greenlet that waits for its queue; thousands of them cost little more than their connections. The text
 * of an event is there once, however many have yet to be sent it.
 */
#include <green.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define MOST_TEXT    16384
#define MOST_WAITING 100         /* events that a slow subscriber may be behind; then it has to come again */
#define HEARTBEAT    GREEN_S(15) /* so that proxies between us do not think that nobody is there */

struct event {
    unsigned references;
    size_t size;
    char text[];
};

struct subscriber {
    LIST_ENTRY(subscriber) link;
    const char *topic;
    green_queue_t events;
};

static LIST_HEAD(, subscriber) subscribers = LIST_HEAD_INITIALIZER(subscribers);

static void release(struct event *e)
{
    if (--e->references == 0)
        free(e);
}

static void drop_event(void *item, void *arg)
{
    release(item);
}

/* --- publishing -------------------------------------------------------------------------------------------------- */

/* "data: line" for each line, and an empty one. */
static struct event *make_event(const char *body, size_t n)
{
    size_t lines = 1;
    for (size_t i = 0; i < n; i++)
        lines += body[i] == '\n';
    struct event *e = malloc(sizeof *e + n + 7 * lines + 2);
    if (!e)
        return NULL;
    *e = (struct event){.references = 1};
    char *p = e->text;
    for (const char *line = body, *end = body + n; line <= end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((stop ? stop : end) - line);
        p = stpcpy(p, "data: ");
        memcpy(p, line, length);
        p += length;
        *p++ = '\n';
        line += length + 1;
    }
    *p++ = '\n';
    e->size = (size_t)(p - e->text);
    return e;
}

static unsigned hand_out(struct event *e, const char *topic)
{
    unsigned count = 0;
    struct subscriber *s;
    LIST_FOREACH(s, &subscribers, link)
    {
        if (strcmp(s->topic, topic) != 0)
            continue;
        if (green_queue_put(&s->events, e, GREEN_NOWAIT) == 0) {
            e->references++;
            count++;
        } else {
            green_queue_close(&s->events);
        }
    }
    return count;
}

static int publish(green_http_exchange_t *x)
{
    char body[MOST_TEXT], line[32];
    size_t n = 0;
    for (ssize_t got; n < sizeof body; n += (size_t)got) {
        got = green_http_read(x, body + n, sizeof body - n, GREEN_FOREVER);
        if (got < 0)
            return (int)got;
        if (got == 0)
            break;
    }
    struct event *e = make_event(body, n);
    if (!e)
        return -ENOMEM;
    int length = snprintf(line, sizeof line, "%u\n", hand_out(e, green_http_path(x)));
    release(e);
    return green_http_answer(x, 200, "text/plain", line, (size_t)length, GREEN_FOREVER);
}

/* --- subscribing ------------------------------------------------------------------------------------------------- */

static int push_events(green_http_exchange_t *x, struct subscriber *s)
{
    static const char heartbeat[] = ":\n\n";
    int r = green_http_flush(x, GREEN_FOREVER);
    while (r == 0) {
        void *item;
        r = green_queue_get(&s->events, &item, green_in(HEARTBEAT));
        if (r == 0) {
            struct event *e = item;
            r = green_http_write(x, e->text, e->size, GREEN_FOREVER);
            release(e);
        } else if (r == -ETIMEDOUT) {
            r = green_http_write(x, heartbeat, sizeof heartbeat - 1, GREEN_FOREVER);
        }
    }
    return r == -EPIPE || r == -ECONNRESET ? 0 : r; /* gone, or too slow: both end here */
}

static int subscribe(green_http_exchange_t *x)
{
    struct subscriber s = {.topic = green_http_path(x)};
    int r = green_http_set(x, "Content-Type", "text/event-stream");
    if (r == 0)
        r = green_http_set(x, "Cache-Control", "no-store");
    if (r == 0)
        r = green_http_begin(x, 200, GREEN_HTTP_UNKNOWN);
    if (r < 0)
        return r;
    green_queue_init(&s.events, MOST_WAITING);
    LIST_INSERT_HEAD(&subscribers, &s, link);
    r = push_events(x, &s);
    LIST_REMOVE(&s, link);
    green_queue_close_drop(&s.events, drop_event, NULL);
    green_queue_destroy(&s.events);
    return r;
}

static int handle(green_http_exchange_t *x, void *arg)
{
    if (!strcmp(green_http_method(x), "POST"))
        return publish(x);
    if (!strcmp(green_http_method(x), "GET"))
        return subscribe(x);
    int r = green_http_set(x, "Allow", "GET, POST");
    return r < 0 ? r : green_http_answer(x, 405, NULL, "", 0, GREEN_FOREVER);
}

/* --- the server -------------------------------------------------------------------------------------------------- */

/* Until somebody presses Ctrl-C. */
static int serve(green_http_server_t *server)
{
    const int end[] = {SIGINT, SIGTERM};
    char text[GREEN_ADDRESS_TEXT];
    green_address_t address;
    green_signals_t *signals;
    int r = green_http_server_start(server, GREEN_FOREVER);
    if (r < 0 || (r = green_server_address(green_http_server_streams(server), &address)) < 0 ||
        (r = green_signals_open(&signals, end, 2)) < 0)
        return r;
    printf("listening on %s\n", green_address_text(&address, true, text));
    fflush(stdout);
    r = green_signals_wait(signals, GREEN_FOREVER);
    green_signals_close(signals);
    int stopped = green_http_server_stop(server, green_in(GREEN_S(5)));
    return r < 0 ? r : stopped;
}

int main(int argc, char **argv)
{
    const green_http_server_options_t options = {.body_limit = MOST_TEXT, .server = {.stop_timeout = 1}};
    if (argc > 2) {
        fprintf(stderr, "usage: pusher [ADDRESS]\n");
        return 2;
    }
    green_http_server_t *server;
    int r = green_http_server_new(&server, argc > 1 ? argv[1] : "127.0.0.1:7002", handle, NULL, &options);
    if (r == 0) {
        r = serve(server);
        green_http_server_free(server);
    }
    if (r < 0)
        fprintf(stderr, "pusher: %s\n", green_strerror(r));
    return r < 0;
}
