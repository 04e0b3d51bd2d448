/*
 * chat_server: what one says, all the others hear.
 *
 *     chat_server [ADDRESS]             127.0.0.1:7001 if none is given
 *     nc 127.0.0.1 7001                 the first line is the name
 *
 * Each member has two greenlets: one reads lines and puts them into the queues of the others, one writes what comes out of
 * the own queue. Queues are bounded: who cannot keep up is shown the door, and holds up nobody.
 */
#include <green.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define LONGEST_LINE  1000
#define LONGEST_NAME  32
#define MOST_UNHEARD  100 /* lines in a member's queue */
#define MOST_MEMBERS  1000
#define WRITE_TIMEOUT GREEN_S(10)

struct member {
    LIST_ENTRY(member) link;
    char name[LONGEST_NAME + 1];
    green_stream_t *stream;
    green_queue_t unheard; /* of texts, each a copy of its own */
};

static LIST_HEAD(, member) members = LIST_HEAD_INITIALIZER(members);

static void drop_text(void *text, void *arg)
{
    free(text);
}

/* To all but one. Never waits, so no list of members can change under it. */
static void tell(const struct member *from, const char *what, const char *text)
{
    struct member *m;
    LIST_FOREACH(m, &members, link)
    {
        char *copy = NULL;
        if (m == from)
            continue;
        if (asprintf(&copy, "%s%s%s\n", from->name, what, text) < 0 ||
            green_queue_put(&m->unheard, copy, GREEN_NOWAIT) < 0) {
            free(copy);
            green_queue_close(&m->unheard); /* too slow: its writer ends, and with it all */
        }
    }
}

/* Writes until the queue is closed. */
static void *write_lines(void *arg)
{
    struct member *m = arg;
    void *text;
    int r = 0;
    while (r == 0 && (r = green_queue_get(&m->unheard, &text, GREEN_FOREVER)) == 0) {
        r = green_stream_write_all(m->stream, text, strlen(text), NULL, green_in(WRITE_TIMEOUT));
        free(text);
    }
    return NULL;
}

static int read_lines(struct member *m, green_bufio_t *in)
{
    char *line;
    ssize_t n;
    while ((n = green_bufio_read_line(in, &line, LONGEST_LINE, GREEN_FOREVER)) >= 0)
        if (n > 0)
            tell(m, ": ", line);
    return n == -ENODATA ? 0 : (int)n;
}

static void *read_until_end(void *arg)
{
    void **both = arg;
    int r = read_lines(both[0], both[1]);
    if (r < 0)
        green_fail(r);
    return NULL;
}

/* The reader and the writer; when one of them ends, so does the other. */
static int take_part(struct member *m, green_bufio_t *in)
{
    void *both[] = {m, in};
    green_t *greenlets[2] = {green_spawn(read_until_end, both), green_spawn(write_lines, m)};
    int r = greenlets[0] && greenlets[1] ? green_join_any(greenlets, 2, GREEN_FOREVER) : -ENOMEM;
    for (int i = 0; i < 2; i++)
        if (greenlets[i]) {
            green_shield(); /* they use this frame: wait for them in any case */
            int killed = green_kill(greenlets[i], GREEN_FOREVER);
            green_unshield();
            r = killed < 0 ? killed : r;
            green_release(greenlets[i]);
        }
    return r < 0 ? r : 0;
}

static int chat(green_stream_t *stream, const green_address_t *address, void *arg)
{
    static const char greeting[] = "your name?\n";
    struct member m = {.stream = stream};
    green_bufio_t in;
    char *line;
    green_bufio_init(&in, stream, 2 * LONGEST_LINE);
    int r = green_stream_write_all(stream, greeting, sizeof greeting - 1, NULL, green_in(WRITE_TIMEOUT));
    ssize_t n = r < 0 ? r : green_bufio_read_line(&in, &line, LONGEST_NAME, green_in(GREEN_S(60)));
    if (n > 0) {
        memcpy(m.name, line, (size_t)n);
        green_queue_init(&m.unheard, MOST_UNHEARD);
        LIST_INSERT_HEAD(&members, &m, link);
        tell(&m, " is here", "");
        r = take_part(&m, &in);
        LIST_REMOVE(&m, link);
        tell(&m, " has left", "");
        green_queue_close_drop(&m.unheard, drop_text, NULL);
        green_queue_destroy(&m.unheard);
    }
    green_bufio_destroy(&in);
    return r;
}

/* Until somebody presses Ctrl-C. */
static int serve(green_server_t *server)
{
    const int end[] = {SIGINT, SIGTERM};
    char text[GREEN_ADDRESS_TEXT];
    green_address_t address;
    green_signals_t *signals;
    int r = green_server_start(server, GREEN_FOREVER);
    if (r < 0 || (r = green_server_address(server, &address)) < 0 ||
        (r = green_signals_open(&signals, end, 2)) < 0)
        return r;
    printf("listening on %s\n", green_address_text(&address, true, text));
    fflush(stdout);
    r = green_signals_wait(signals, GREEN_FOREVER);
    green_signals_close(signals);
    int stopped = green_server_stop(server, green_in(GREEN_S(5)));
    return r < 0 ? r : stopped;
}

int main(int argc, char **argv)
{
    const green_server_options_t options = {.connections = MOST_MEMBERS, .stop_timeout = 1};
    if (argc > 2) {
        fprintf(stderr, "usage: chat_server [ADDRESS]\n");
        return 2;
    }
    green_server_t *server;
    int r = green_server_new(&server, argc > 1 ? argv[1] : "127.0.0.1:7001", chat, NULL, &options);
    if (r == 0) {
        r = serve(server);
        green_server_free(server);
    }
    if (r < 0)
        fprintf(stderr, "chat_server: %s\n", green_strerror(r));
    return r < 0;
}
