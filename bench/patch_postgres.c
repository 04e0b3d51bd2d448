/*
 * Queries per second over 50 connections to PostgreSQL: by 50 greenlets of one thread, by 50 threads. To be run by
 * tests/green/patch/with_server.py postgres PROGRAM [ROUNDS].
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <green.h>
#include <patch.h>

#include "measure.h"

#define CONNECTIONS 50
#define QUERIES     100 /* on each, in a sample */

static PGconn *connections[CONNECTIONS];

static double used[2]; /* CPU in us of this process per query, in the last sample of each kind */

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *query(void *arg)
{
    PGconn *c = arg;
    for (int i = 0; i < QUERIES; i++) {
        PGresult *r = PQexec(c, "select 1");
        if (PQresultStatus(r) != PGRES_TUPLES_OK) {
            fprintf(stderr, "%s", PQerrorMessage(c));
            exit(1);
        }
        PQclear(r);
    }
    return NULL;
}

static double by_greenlets(void)
{
    green_t *all[CONNECTIONS];
    double before = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    green_patch_all();
    for (int i = 0; i < CONNECTIONS; i++)
        if (!(all[i] = green_spawn(query, connections[i])))
            exit(1);
    check(green_joinall(all, CONNECTIONS, 0, 0, GREEN_FOREVER), "joinall");
    for (int i = 0; i < CONNECTIONS; i++)
        green_release(all[i]);
    green_patch(0);
    used[0] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (CONNECTIONS * QUERIES);
    return CONNECTIONS * QUERIES / (seconds(CLOCK_MONOTONIC) - before);
}

static double by_threads(void)
{
    pthread_t all[CONNECTIONS];
    double before = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < CONNECTIONS; i++)
        check(-pthread_create(&all[i], NULL, query, connections[i]), "pthread_create");
    for (int i = 0; i < CONNECTIONS; i++)
        check(-pthread_join(all[i], NULL), "pthread_join");
    used[1] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (CONNECTIONS * QUERIES);
    return CONNECTIONS * QUERIES / (seconds(CLOCK_MONOTONIC) - before);
}

static double cpu_of_greenlets(void)
{
    return used[0];
}

static double cpu_of_threads(void)
{
    return used[1];
}

int main(int argc, char **argv)
{
    struct figure figures[] = {
        {.name = "50 greenlets", .unit = "queries/s", .round = by_greenlets},
        {.name = "50 threads", .unit = "queries/s", .round = by_threads},
        {.name = "50 greenlets, CPU", .unit = "us/query", .round = cpu_of_greenlets},
        {.name = "50 threads, CPU", .unit = "us/query", .round = cpu_of_threads},
    };
    for (int i = 0; i < CONNECTIONS; i++) {
        connections[i] = PQconnectdb("");
        if (PQstatus(connections[i]) != CONNECTION_OK) {
            fprintf(stderr, "%s", PQerrorMessage(connections[i]));
            return 1;
        }
    }
    return MEASURE(figures, argc, argv);
}
