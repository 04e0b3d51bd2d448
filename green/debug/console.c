/* The console: a listener, a greenlet for each client, commands by name. */
#include "console.h"

#include "census.h"
#include "dump.h"
#include "inquiry.h"
#include "monitor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLIENTS_MAX   16
#define LINE_MAX_SIZE 1024
#define WORDS_MAX     16
#define WRITE_WITHIN  GREEN_S(10)
#define ANSWER_WITHIN GREEN_S(1)
#define FRAMES_MAX    64

struct command {
    const char *name, *help;
    void (*fn)(FILE *out, int argc, char **argv, void *arg);
    void *arg;
    struct command *next;
};

struct client {
    struct list link; /* in the console's */
    green_console_t *console;
    green_t *greenlet;
    int fd;
};

struct green_console {
    int fd;
    green_t *listener;
    struct list clients;
    size_t count;
    green_address_t address;
};

/* --- the commands that there always are --------------------------------------------------------------------------- */

struct target {
    uint64_t id;
    bool kill;
};

static green_t *find(green_hub_t *hub, uint64_t id)
{
    for (struct list *node = hub->everyone.next; node != &hub->everyone; node = node->next)
        if (CONTAINER_OF(node, green_t, everyone)->id == id)
            return CONTAINER_OF(node, green_t, everyone);
    return NULL;
}

static void treat(FILE *out, const void *arg)
{
    const struct target *t = arg;
    green_hub_t *hub = green_hub();
    green_t *g = find(hub, t->id);
    if (!g)
        return;
    if (!t->kill) {
        void *frames[FRAMES_MAX];
        fprintf(out, "  %llu \"%s\"\n", (unsigned long long)g->id, green_name(g));
        green_write_backtrace(out, frames, green_backtrace(g, frames, FRAMES_MAX));
    } else if (g == hub->root) {
        fprintf(out, "the main greenlet of a thread is not to be killed\n");
    } else {
        green_cancel(g);
        fprintf(out, "cancelled %llu \"%s\"\n", (unsigned long long)t->id, green_name(g));
    }
}

static void ask(FILE *out, void (*fn)(FILE *out, const void *arg), const void *arg, size_t size)
{
    int r = green__ask_hubs(out, fn, arg, size, green_in(ANSWER_WITHIN));
    if (r < 0)
        fprintf(out, "not all hubs were asked: %s\n", green_strerror(r));
}

static void do_to_one(FILE *out, int argc, char **argv, void *arg)
{
    struct target t = {.kill = strcmp(argv[0], "kill") == 0};
    char *end;
    (void)arg;
    errno = 0;
    t.id = argc == 2 ? strtoull(argv[1], &end, 10) : 0;
    if (!t.id || errno || *end || argv[1][0] == '-') {
        fprintf(out, "usage: %s ID (see ps)\n", argv[0]);
        return;
    }
    long before = ftell(out);
    ask(out, treat, &t, sizeof t);
    if (ftell(out) == before)
        fprintf(out, "no greenlet has the number %s\n", argv[1]);
}

static void ps(FILE *out, int argc, char **argv, void *arg)
{
    (void)argc, (void)argv, (void)arg;
    int r = green_dump_all(out, 0, green_in(ANSWER_WITHIN));
    if (r < 0)
        fprintf(out, "not all hubs were asked: %s\n", green_strerror(r));
}

static void describe_hub(FILE *out, const void *arg)
{
    (void)arg;
    green_hub_t *hub = green_hub();
    green_stats_t s;
    green_hub_stats(&s);
    fprintf(out,
            "thread %d: %zu greenlets, %zu ready, %zu parked, %zu stacks cached, %llu switches, %llu polls\n",
            (int)hub->tid, s.greenlets, s.ready, s.parked, s.stacks_cached, (unsigned long long)s.switches,
            (unsigned long long)s.polls);
}

static void describe_slices(FILE *out, const void *arg)
{
    uint64_t counts[GREEN_SLICE_BUCKETS];
    describe_hub(out, arg);
    if (green_slices_read(counts) < 0)
        return;
    for (int i = 0; i < GREEN_SLICE_BUCKETS; i++)
        if (counts[i])
            fprintf(out, "  turns from %.6f s: %llu\n", (double)(1ull << i) / 1e9,
                    (unsigned long long)counts[i]);
}

static void hubs(FILE *out, int argc, char **argv, void *arg)
{
    (void)argc, (void)argv, (void)arg;
    ask(out, describe_hub, NULL, 0);
}

static void stats(FILE *out, int argc, char **argv, void *arg)
{
    (void)argc, (void)argv, (void)arg;
    green_monitor_stats_t s;
    ask(out, describe_slices, NULL, 0);
    green_monitor_stats(&s);
    fprintf(out, "monitor: %llu looks, %llu blockages, %llu memory events\n", (unsigned long long)s.looks,
            (unsigned long long)s.blockages, (unsigned long long)s.memory_events);
}

static void census(FILE *out, int argc, char **argv, void *arg)
{
    (void)argc, (void)argv, (void)arg;
    green_census_write(out);
}

static void help(FILE *out, int argc, char **argv, void *arg);

static struct command own[] = {
    {"ps", "every greenlet of every thread", ps, NULL, &own[1]},
    {"bt", "ID: where a greenlet is", do_to_one, NULL, &own[2]},
    {"kill", "ID: cancels a greenlet", do_to_one, NULL, &own[3]},
    {"hubs", "the threads", hubs, NULL, &own[4]},
    {"stats", "what they and the monitor have counted", stats, NULL, &own[5]},
    {"help", "this list", help, NULL, &own[6]},
    {"census", "stacks by what they began with, if that was switched on", census, NULL, &own[7]},
    {"quit", "ends the conversation", NULL, NULL, NULL},
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct command *commands = own; /* only grows */

static struct command *find_command(const char *name)
{
    pthread_mutex_lock(&lock);
    struct command *c = commands;
    pthread_mutex_unlock(&lock);
    while (c && strcmp(c->name, name) != 0)
        c = c->next;
    return c;
}

static void help(FILE *out, int argc, char **argv, void *arg)
{
    (void)argc, (void)argv, (void)arg;
    pthread_mutex_lock(&lock);
    struct command *c = commands;
    pthread_mutex_unlock(&lock);
    for (; c; c = c->next)
        fprintf(out, "%-12s %s\n", c->name, c->help ? c->help : "");
}

int green_console_command(const char *name, const char *text,
                          void (*fn)(FILE *out, int argc, char **argv, void *arg), void *arg)
{
    if (!name || !*name || strpbrk(name, " \t\r\n") || !fn)
        return -EINVAL;
    if (find_command(name))
        return -EEXIST;
    struct command *c = malloc(sizeof *c);
    if (!c)
        return -ENOMEM;
    pthread_mutex_lock(&lock);
    *c = (struct command){name, text, fn, arg, commands};
    commands = c;
    pthread_mutex_unlock(&lock);
    return 0;
}

/* --- clients -------------------------------------------------------------------------------------------------------- */

/* The answer to a line. False: that was the last one. */
static bool obey(char *line, FILE *out)
{
    char *argv[WORDS_MAX + 1], *rest = NULL;
    int argc = 0;
    for (char *word = strtok_r(line, " \t\r", &rest); word && argc < WORDS_MAX;
         word = strtok_r(NULL, " \t\r", &rest))
        argv[argc++] = word;
    argv[argc] = NULL;
    if (!argc)
        return true;
    const struct command *c = find_command(argv[0]);
    if (c && !c->fn)
        return false;
    if (c)
        c->fn(out, argc, argv, c->arg);
    else
        fprintf(out, "no command '%s'; try help\n", argv[0]);
    return true;
}

static int answer(int fd, char *line, bool *goes_on)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    *goes_on = obey(line, out);
    if (*goes_on)
        fputs("> ", out);
    int r = fclose(out) == 0 ? green_write_all(fd, text, size, NULL, green_in(WRITE_WITHIN)) : -ENOMEM;
    free(text);
    return r;
}

static int converse(int fd)
{
    char buffer[LINE_MAX_SIZE], *end, banner[96];
    size_t size = 0;
    bool goes_on = true;
    int n =
        snprintf(banner, sizeof banner, "libgreen in process %d; help lists the commands\n> ", (int)getpid());
    int r = green_write_all(fd, banner, (size_t)n, NULL, green_in(WRITE_WITHIN));
    while (r == 0 && goes_on) {
        if (!(end = memchr(buffer, '\n', size))) {
            if (size == sizeof buffer)
                return -EMSGSIZE;
            ssize_t got = green_read(fd, buffer + size, sizeof buffer - size, GREEN_FOREVER);
            if (got <= 0)
                return (int)got;
            size += (size_t)got;
            continue;
        }
        *end = 0;
        r = answer(fd, buffer, &goes_on);
        size -= (size_t)(end + 1 - buffer);
        memmove(buffer, end + 1, size);
    }
    return r;
}

static void *serve(void *arg)
{
    struct client *c = arg;
    if (converse(c->fd) == -EMSGSIZE) {
        static const char text[] = "that line is too long\n";
        if (green_write_all(c->fd, text, sizeof text - 1, NULL, green_in(WRITE_WITHIN)) < 0)
            shutdown(c->fd, SHUT_RDWR);
    }
    green_close(c->fd);
    list_remove(&c->link);
    c->console->count--;
    green_release(c->greenlet);
    free(c);
    return NULL;
}

static int admit(green_console_t *console, int fd)
{
    const green_attr_t attr = {
        .name = "console client", .background = true, .stack_size = (size_t)128 * 1024};
    struct client *c = console->count < CLIENTS_MAX ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return -ENOMEM;
    *c = (struct client){.console = console, .fd = fd};
    int r = green_spawn_ex(&c->greenlet, &attr, serve, c);
    if (r < 0) {
        free(c);
        return r;
    }
    list_push(&console->clients, &c->link);
    console->count++;
    return 0;
}

static void *listen_for_clients(void *arg)
{
    green_console_t *console = arg;
    for (;;) {
        int fd = green_accept(console->fd, NULL, GREEN_FOREVER);
        if (fd == -ECANCELED || fd == -EBADF)
            return NULL;
        if (fd < 0) {
            if (green_sleep(GREEN_MS(100)) < 0) /* out of descriptors, most likely */
                return NULL;
        } else if (admit(console, fd) < 0) {
            green_close(fd);
        }
    }
}

/* --- starting and stopping ------------------------------------------------------------------------------------------ */

/* The mode of the socket is that of the name that bind makes of it: nobody can be faster. */
static int open_listener(const green_address_t *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int r = fchmod(fd, 0600);
    if (r == 0)
        r = bind(fd, &address->any, address->length);
    if (r < 0 && errno == EADDRINUSE && green_remove_stale_socket(address, SOCK_STREAM) == 0)
        r = bind(fd, &address->any, address->length);
    if (r == 0)
        r = listen(fd, CLIENTS_MAX);
    if (r == 0)
        return fd;
    r = -errno;
    close(fd);
    return r;
}

int green_console_start(green_console_t **out, const char *path)
{
    const green_attr_t attr = {.name = "console", .background = true};
    green_console_t *console = calloc(1, sizeof *console);
    if (!console)
        return -ENOMEM;
    struct sockaddr_un *un = &console->address.un;
    int r = -ENAMETOOLONG;
    if (strlen(path) < sizeof un->sun_path) {
        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, path);
        console->address.length = sizeof *un;
        r = console->fd = open_listener(&console->address);
    }
    if (r >= 0) {
        list_init(&console->clients);
        r = green_spawn_ex(&console->listener, &attr, listen_for_clients, console);
        if (r < 0) {
            close(console->fd);
            unlink(path);
        }
    }
    if (r < 0)
        free(console);
    else
        *out = console;
    return r < 0 ? r : 0;
}

static void end(green_t *g)
{
    if (green_kill(g, GREEN_FOREVER) < 0)
        abort(); /* it waits for nothing that cancelling would not end, and we are shielded */
    green_release(g);
}

void green_console_stop(green_console_t *console)
{
    if (!console)
        return;
    unlink(console->address.un.sun_path);
    green_shield();
    end(console->listener);
    for (struct list *node; (node = console->clients.next) != &console->clients;)
        end(green_retain(CONTAINER_OF(node, struct client, link)->greenlet));
    green_unshield();
    green_close(console->fd);
    free(console);
}
