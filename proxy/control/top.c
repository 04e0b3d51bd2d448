/*
 * The view: one look is three answers of the control socket (status, listeners, upstreams); what is shown are the
 * differences between two looks, by the time between them.
 */
#include "control/top.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/screen.h"

#define ANSWER_PATIENCE 10 /* seconds */
#define ROWS_MOST       256

enum { STATUS, LISTENERS, UPSTREAMS, QUESTIONS };
static const char *const questions[] = {"status", "listeners", "upstreams"};

struct look {
    json_t *answers[QUESTIONS];
    double at; /* seconds of the monotonic clock */
};

enum order { BY_NAME, BY_REQUESTS, BY_BYTES, BY_TIME, ORDERS };
static const char *const orders[] = {"as configured", "by requests", "by bytes", "by time"};

struct top {
    FILE *in;
    int fd;
    struct look before, now;
    enum order order;
    bool paused;
};

/* --- looking -------------------------------------------------------------------------------------------------------- */

static double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static json_t *ask(struct top *t, const char *question)
{
    char line[64], *answer = NULL;
    size_t room = 0;
    int n = snprintf(line, sizeof line, "json %s\n", question);
    json_t *object = NULL;
    if (send(t->fd, line, (size_t)n, MSG_NOSIGNAL) == n && getline(&answer, &room, t->in) > 0)
        object = json_loads(answer, 0, NULL);
    bool ended = object && getline(&answer, &room, t->in) == 1;
    free(answer);
    if (ended && json_is_object(object) && !json_object_get(object, "error"))
        return object;
    json_decref(object);
    return NULL;
}

static void forget(struct look *look)
{
    for (int i = 0; i < QUESTIONS; i++)
        json_decref(look->answers[i]);
    *look = (struct look){.at = 0};
}

/* 0; -1: the other side has ended, or refuses. */
static int look_again(struct top *t)
{
    struct look look = {.at = clock_seconds()};
    for (int i = 0; i < QUESTIONS; i++)
        if (!(look.answers[i] = ask(t, questions[i]))) {
            forget(&look);
            return -1;
        }
    forget(&t->before);
    t->before = t->now;
    t->now = look;
    return 0;
}

/* --- rows ----------------------------------------------------------------------------------------------------------- */

static double number(const json_t *row, const char *name)
{
    return row ? json_number_value(json_object_get(row, name)) : 0;
}

/* The row of the same name in the look before; NULL: it is new. */
static const json_t *same_row(const json_t *rows, const char *name, const json_t *value)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) if (json_equal(json_object_get(row, name), value)) return row;
    return NULL;
}

struct row {
    char name[64];
    double requests, failed, bytes_in, bytes_out; /* a second */
    double mean, p99;                             /* seconds; mean of this interval, -1: none */
    double connections, idle, cpu;
};

struct table {
    int question;
    const char *list, *key; /* members */
    const char *requests, *failed;
};

/* What has happened since the look before, by the second. Without one: since the start. */
static void fill(const struct top *t, const struct table *table, const json_t *now, struct row *row)
{
    const json_t *list = json_object_get(t->before.answers[table->question], table->list);
    const json_t *key = json_object_get(now, table->key);
    const json_t *before = list ? same_row(list, table->key, key) : NULL;
    double seconds = t->before.at > 0 ? t->now.at - t->before.at : number(t->now.answers[STATUS], "uptime_s");
    if (seconds <= 0)
        seconds = 1;
    if (json_is_string(key))
        snprintf(row->name, sizeof row->name, "%.63s", json_string_value(key));
    else
        snprintf(row->name, sizeof row->name, "%.0f", json_number_value(key));
    double requests = number(now, table->requests) - number(before, table->requests);
    double time = number(now, "time_s") - number(before, "time_s");
    row->requests = requests / seconds;
    row->failed = (number(now, table->failed) - number(before, table->failed)) / seconds;
    row->bytes_in = (number(now, "bytes_in") - number(before, "bytes_in")) / seconds;
    row->bytes_out = (number(now, "bytes_out") - number(before, "bytes_out")) / seconds;
    row->mean = requests > 0 ? time / requests : -1;
    row->p99 = json_is_number(json_object_get(now, "p99_s")) ? number(now, "p99_s") : -1;
    row->connections = number(now, "connections") + number(now, "active");
    row->idle = number(now, "idle");
    row->cpu = (number(now, "cpu_s") - number(before, "cpu_s")) / seconds;
}

static enum order sorting;

static double value(const struct row *row)
{
    return sorting == BY_REQUESTS ? row->requests
           : sorting == BY_BYTES  ? row->bytes_in + row->bytes_out
                                  : row->mean;
}

static int larger_first(const void *a, const void *b)
{
    double left = value(a), right = value(b);
    return (left < right) - (left > right);
}

static size_t rows_of(const struct top *t, const struct table *table, struct row *rows)
{
    const json_t *list = json_object_get(t->now.answers[table->question], table->list);
    size_t i, count = 0;
    json_t *now;
    json_array_foreach(list, i, now) if (count < ROWS_MOST) fill(t, table, now, &rows[count++]);
    sorting = t->order;
    if (t->order != BY_NAME)
        qsort(rows, count, sizeof *rows, larger_first);
    return count;
}

/* --- showing -------------------------------------------------------------------------------------------------------- */

static const char *short_bytes(double n, char *out)
{
    static const char units[] = " kMGTP";
    int unit = 0;
    while (n >= 1000 && unit < 5) {
        n /= 1000;
        unit++;
    }
    snprintf(out, 16, unit && n < 100 ? "%.1f%c" : "%.0f%c", n, units[unit]);
    return out;
}

static const char *short_time(double seconds, char *out)
{
    if (seconds < 0)
        snprintf(out, 16, "-");
    else if (seconds < 0.0999)
        snprintf(out, 16, "%.2fms", seconds * 1e3);
    else if (seconds < 1)
        snprintf(out, 16, "%.0fms", seconds * 1e3);
    else
        snprintf(out, 16, "%.1fs", seconds);
    return out;
}

static const char *text(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));
    return s ? s : "-";
}

static void show_summary(const struct top *t)
{
    const json_t *s = t->now.answers[STATUS];
    char memory[16];
    long up = (long)number(s, "uptime_s");
    screen_line("greenway %s  pid %.0f  %s  up %ldd %02ld:%02ld:%02ld  %s%s", text(s, "version"),
                number(s, "pid"), text(s, "state"), up / 86400, up / 3600 % 24, up / 60 % 60, up % 60,
                orders[t->order], t->paused ? " PAUSED" : "");
    screen_line("connections %.0f of %.0f  descriptors %.0f of %.0f  memory %s", number(s, "connections"),
                number(s, "max_connections"), number(s, "descriptors"), number(s, "max_descriptors"),
                short_bytes(number(s, "resident_bytes"), memory));
}

/* Three tables share what the terminal has beside the other lines. */
static size_t shown(size_t count)
{
    unsigned rows = screen_rows(), share = rows > 15 ? (rows - 6) / 3 : 3;
    return count < share ? count : share - 1;
}

static void say_how_many_more(size_t count)
{
    if (shown(count) < count)
        screen_line("and %zu more", count - shown(count));
}

static void show_listeners(const struct top *t, struct row *rows)
{
    static const struct table table = {LISTENERS, "listeners", "listener", "requests", "failed"};
    char in[16], out[16], mean[16], p99[16];
    size_t count = rows_of(t, &table, rows);
    screen_heading("%-20s %8s %8s %7s %7s %7s %8s %8s", "LISTENER", "CONNS", "REQ/S", "FAIL/S", "IN/S",
                   "OUT/S", "MEAN", "P99");
    for (size_t i = 0; i < shown(count); i++)
        screen_line("%-20.20s %8.0f %8.0f %7.0f %7s %7s %8s %8s", rows[i].name, rows[i].connections,
                    rows[i].requests, rows[i].failed, short_bytes(rows[i].bytes_in, in),
                    short_bytes(rows[i].bytes_out, out), short_time(rows[i].mean, mean),
                    short_time(rows[i].p99, p99));
    say_how_many_more(count);
}

static void show_upstreams(const struct top *t, struct row *rows)
{
    static const struct table table = {UPSTREAMS, "upstreams", "upstream", "answers", "answers_5xx"};
    char mean[16], p99[16];
    size_t count = rows_of(t, &table, rows);
    screen_heading("%-20s %8s %8s %7s %7s %7s %8s %8s", "UPSTREAM", "ACTIVE", "ANSW/S", "5XX/S", "IDLE", "",
                   "FIRST", "P99");
    for (size_t i = 0; i < shown(count); i++)
        screen_line("%-20.20s %8.0f %8.0f %7.0f %7.0f %7s %8s %8s", rows[i].name, rows[i].connections,
                    rows[i].requests, rows[i].failed, rows[i].idle, "", short_time(rows[i].mean, mean),
                    short_time(rows[i].p99, p99));
    say_how_many_more(count);
}

static void show_workers(const struct top *t, struct row *rows)
{
    static const struct table table = {STATUS, "workers", "worker", "requests", "failed"};
    size_t count = rows_of(t, &table, rows);
    screen_heading("%-20s %8s %8s %7s", "WORKER", "CONNS", "REQ/S", "CPU %");
    for (size_t i = 0; i < shown(count); i++)
        screen_line("%-20.20s %8.0f %8.0f %7.0f", rows[i].name, rows[i].connections, rows[i].requests,
                    rows[i].cpu * 100);
    say_how_many_more(count);
}

static void show(const struct top *t)
{
    static struct row rows[ROWS_MOST];
    screen_begin();
    show_summary(t);
    show_listeners(t, rows);
    show_upstreams(t, rows);
    show_workers(t, rows);
    if (screen_is_terminal())
        screen_line("q quits, s sorts by something else, p pauses");
    else
        screen_line("%s", "");
    screen_end();
}

/* --- keys ----------------------------------------------------------------------------------------------------------- */

static int milliseconds_to(double when)
{
    double left = (when - clock_seconds()) * 1000;
    return left > 0 ? (int)left + 1 : 0;
}

/* Until it is time for the next look. False: that is the end. */
static bool wait_for_keys(struct top *t, double until)
{
    int ms;
    while ((ms = milliseconds_to(until)) > 0) {
        int key = screen_key(t->paused ? 1000 : ms);
        if (key < 0 || key == 'q' || key == 'Q')
            return false;
        if (key == 's')
            t->order = (t->order + 1) % ORDERS;
        if (key == 'p')
            t->paused = !t->paused;
        if (screen_is_terminal())
            show(t);
        if (t->paused)
            until = clock_seconds() + 1;
    }
    return true;
}

static int refresh(struct top *t, const struct top_options *options)
{
    for (int looks = 0; !options->count || looks < options->count; looks++) {
        if (looks && !wait_for_keys(t, t->now.at + options->interval / 1000.0))
            break;
        if (look_again(t) < 0)
            return -1;
        show(t);
    }
    return 0;
}

int top_run(const struct top_options *options)
{
    struct top t = {.fd = ctl_connect(&options->place)};
    struct timeval patience = {.tv_sec = ANSWER_PATIENCE};
    if (t.fd < 0)
        return CTL_REFUSED;
    setsockopt(t.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    t.in = fdopen(t.fd, "r");
    if (!t.in) {
        fputs("greenway: out of memory\n", stderr);
        close(t.fd);
        return CTL_REFUSED;
    }
    screen_open();
    int r = refresh(&t, options);
    screen_close();
    if (r < 0)
        fputs("greenway: there is no answer any more: greenway has ended, or takes no more clients\n",
              stderr);
    forget(&t.before);
    forget(&t.now);
    fclose(t.in);
    return r < 0 ? CTL_REFUSED : CTL_OK;
}
