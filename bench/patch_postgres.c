/*
 * Queries per second over 50 connections to PostgreSQL: by 50 greenlets of one thread, by 50 threads, one after the other
 * many times, since a machine's pace changes. Of two kinds: the least that one can ask for, and a row by its key. To be
 * run by tests/green/patch/with_server.py postgres PROGRAM [ROUNDS].
 */
#include <libpq-fe.h>
#include <pthread.h>

#include <green.h>
#include <patch.h>

#include "measure.h"

#define CONNECTIONS 50
#define QUERIES     40 /* on each, in a sample */
#define ROWS        10000

static PGconn *connections[CONNECTIONS];
static bool by_key;

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void expect(PGconn *c, PGresult *r, ExecStatusType status)
{
    if (PQresultStatus(r) != status) {
        fprintf(stderr, "%s", PQerrorMessage(c));
        exit(1);
    }
    PQclear(r);
}

static void *query(void *arg)
{
    PGconn *c = arg;
    char key[16];
    const char *const values[] = {key};
    unsigned next = (unsigned)PQbackendPID(c);
    for (int i = 0; i < QUERIES; i++) {
        snprintf(key, sizeof key, "%u", (next = next * 1103515245 + 12345) / 8 % ROWS);
        expect(c, by_key ? PQexecPrepared(c, "row", 1, values, NULL, NULL, 0) : PQexec(c, "select 1"),
               PGRES_TUPLES_OK);
    }
    return NULL;
}

static void by_greenlets(void)
{
    green_t *all[CONNECTIONS];
    green_patch_all();
    for (int i = 0; i < CONNECTIONS; i++)
        if (!(all[i] = green_spawn(query, connections[i])))
            exit(1);
    check(green_joinall(all, CONNECTIONS, 0, 0, GREEN_FOREVER), "joinall");
    for (int i = 0; i < CONNECTIONS; i++)
        green_release(all[i]);
    green_patch(0);
}

static void by_threads(void)
{
    pthread_t all[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++)
        check(-pthread_create(&all[i], NULL, query, connections[i]), "pthread_create");
    for (int i = 0; i < CONNECTIONS; i++)
        check(-pthread_join(all[i], NULL), "pthread_join");
}

/* Of the sample that was taken last: queries/s of either kind, and CPU of this process per query. */
static double rate[2], used[2];

static void sample(int kind, void (*run)(void))
{
    double before = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    run();
    rate[kind] = CONNECTIONS * QUERIES / (seconds(CLOCK_MONOTONIC) - before);
    used[kind] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (CONNECTIONS * QUERIES);
}

static double greenlets_ask(void)
{
    by_key = false;
    sample(0, by_greenlets);
    return rate[0];
}

static double greenlets_ask_for_rows(void)
{
    by_key = true;
    sample(0, by_greenlets);
    return rate[0];
}

static double threads_ask(void)
{
    sample(1, by_threads); /* the same as the greenlets before */
    return rate[1];
}

static double ratio(void)
{
    return rate[0] / rate[1];
}

static double cpu_of_greenlets(void)
{
    return used[0];
}

static double cpu_of_threads(void)
{
    return used[1];
}

static void connect_all(void)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        PGconn *c = connections[i] = PQconnectdb("");
        if (PQstatus(c) != CONNECTION_OK) {
            fprintf(stderr, "%s", PQerrorMessage(c));
            exit(1);
        }
        if (i == 0) {
            expect(c, PQexec(c, "create unlogged table rows (key int primary key, value text)"),
                   PGRES_COMMAND_OK);
            expect(
                c,
                PQexec(c,
                       "insert into rows select i, repeat(md5(i::text), 3) from generate_series(0, 9999) i"),
                PGRES_COMMAND_OK);
        }
        expect(c, PQprepare(c, "row", "select value from rows where key = $1", 1, NULL), PGRES_COMMAND_OK);
    }
}

int main(int argc, char **argv)
{
    struct figure figures[] = {
        {.name = "select 1, 50 greenlets", .unit = "queries/s", .round = greenlets_ask},
        {.name = "select 1, 50 threads", .unit = "queries/s", .round = threads_ask},
        {.name = "select 1, greenlets/threads", .unit = "times", .round = ratio},
        {.name = "select 1, greenlets' CPU", .unit = "us/query", .round = cpu_of_greenlets},
        {.name = "select 1, threads' CPU", .unit = "us/query", .round = cpu_of_threads},
        {.name = "row by key, 50 greenlets", .unit = "queries/s", .round = greenlets_ask_for_rows},
        {.name = "row by key, 50 threads", .unit = "queries/s", .round = threads_ask},
        {.name = "row by key, greenlets/threads", .unit = "times", .round = ratio},
        {.name = "row by key, greenlets' CPU", .unit = "us/query", .round = cpu_of_greenlets},
        {.name = "row by key, threads' CPU", .unit = "us/query", .round = cpu_of_threads},
    };
    connect_all();
    return MEASURE(figures, argc, argv);
}
