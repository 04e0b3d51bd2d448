/* libpq as it comes, in greenlets, against a real PostgreSQL (with_server.py). */
#include "patched.h"

#include <libpq-fe.h>

#define MANY 50

static PGconn *open_connection(void)
{
    PGconn *c = PQconnectdb("");
    ck_assert_msg(PQstatus(c) == CONNECTION_OK, "%s", PQerrorMessage(c));
    return c;
}

static void expect_value(PGconn *c, const char *query, const char *value)
{
    PGresult *r = PQexec(c, query);
    ck_assert_msg(PQresultStatus(r) == PGRES_TUPLES_OK, "%s", PQerrorMessage(c));
    ck_assert_str_eq(PQgetvalue(r, 0, 0), value);
    PQclear(r);
}

static void *sleep_a_tenth(void *arg)
{
    PGconn *c = open_connection();
    expect_value(c, "select 'ok' from pg_sleep(0.1)", "ok");
    PQfinish(c);
    ++*(int *)arg;
    return NULL;
}

START_TEST(test_fifty_at_once)
{
    green_t *all[MANY];
    int done = 0;
    green_patch_all();
    green_time before = green_now();
    for (int i = 0; i < MANY; i++)
        all[i] = spawn(sleep_a_tenth, &done);
    for (int i = 0; i < MANY; i++)
        finish(all[i]);
    ck_assert_int_eq(done, MANY);
    int64_t took = green_now() - before;
    printf("%d times pg_sleep(0.1), connecting included: %.0f ms\n", MANY, (double)took / 1e6);
    if (!SANITIZED)
        ck_assert_int_lt(took, GREEN_MS(100) * MANY * 9 / 10); /* what one after the other takes at least */
}
END_TEST

/* The library reports what poll(2) said, and everything goes on without that connection. */
START_TEST(test_timeout_inside_a_query)
{
    green_timeout_t t;
    green_patch_all();
    PGconn *c = open_connection(), *other = open_connection();
    green_timeout_start(&t, GREEN_MS(100));
    PGresult *r = PQexec(c, "select pg_sleep(60)");
    ck_assert(green_timeout_fired(&t));
    green_timeout_stop(&t);
    ck_assert_int_eq(PQresultStatus(r), PGRES_FATAL_ERROR);
    ck_assert_msg(strstr(PQerrorMessage(c), strerror(ETIMEDOUT)) != NULL, "%s", PQerrorMessage(c));
    PQclear(r);
    expect_value(other, "select 42", "42");
    PQreset(c);
    expect_value(c, "select 43", "43");
    PQfinish(c);
    PQfinish(other);
}
END_TEST

struct victim {
    PGconn *connection;
    ExecStatusType status;
    char message[256];
};

static void *query_for_long(void *arg)
{
    struct victim *v = arg;
    v->connection = open_connection();
    char query[64];
    snprintf(query, sizeof query, "select pg_sleep(60), %d", getpid());
    PGresult *r = PQexec(v->connection, query);
    v->status = PQresultStatus(r);
    snprintf(v->message, sizeof v->message, "%s", PQerrorMessage(v->connection));
    PQclear(r);
    return NULL;
}

static void wait_until_it_sleeps(void)
{
    PGconn *c = open_connection();
    char query[128];
    snprintf(query, sizeof query,
             "select 1 from pg_stat_activity where wait_event = 'PgSleep' and query like '%%, %d'", getpid());
    for (;;) {
        PGresult *r = PQexec(c, query);
        bool there = PQntuples(r) == 1;
        PQclear(r);
        if (there)
            break;
        ck_assert_int_eq(usleep(1000), 0);
    }
    PQfinish(c);
}

START_TEST(test_kill)
{
    struct victim v = {0};
    green_patch_all();
    green_t *g = spawn(query_for_long, &v);
    wait_until_it_sleeps();
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    ck_assert_int_eq(v.status, PGRES_FATAL_ERROR);
    ck_assert_msg(strstr(v.message, strerror(ECANCELED)) != NULL, "%s", v.message);
    PQfinish(v.connection);
}
END_TEST

/* PostgreSQL's own way: the connection goes on. */
START_TEST(test_cancel)
{
    struct victim v = {0};
    char problem[256] = "";
    green_patch_all();
    green_t *g = spawn(query_for_long, &v);
    wait_until_it_sleeps();
    PGcancel *cancel = PQgetCancel(v.connection);
    ck_assert_int_eq(PQcancel(cancel, problem, sizeof problem), 1);
    PQfreeCancel(cancel);
    finish(g);
    ck_assert_int_eq(v.status, PGRES_FATAL_ERROR);
    ck_assert_msg(strstr(v.message, "user request") != NULL, "%s", v.message);
    expect_value(v.connection, "select 44", "44");
    PQfinish(v.connection);
}
END_TEST

#define ROWS 50000

static void *copy_in_and_out(void *arg)
{
    PGconn *c = open_connection();
    char line[64];
    PQclear(PQexec(c, "create temporary table t (n int, text text)"));
    PGresult *r = PQexec(c, "copy t from stdin");
    ck_assert_int_eq(PQresultStatus(r), PGRES_COPY_IN);
    PQclear(r);
    for (int i = 0; i < ROWS; i++) {
        int n = snprintf(line, sizeof line, "%d\tthis is row number %d\n", i, i);
        if (PQputCopyData(c, line, n) != 1)
            ck_abort_msg("%s", PQerrorMessage(c));
    }
    ck_assert_int_eq(PQputCopyEnd(c, NULL), 1);
    r = PQgetResult(c);
    ck_assert_str_eq(PQcmdTuples(r), "50000");
    PQclear(r);
    ck_assert_ptr_null(PQgetResult(c));
    r = PQexec(c, "copy (select * from t order by n) to stdout");
    ck_assert_int_eq(PQresultStatus(r), PGRES_COPY_OUT);
    PQclear(r);
    char *row;
    int rows = 0, n;
    while ((n = PQgetCopyData(c, &row, 0)) > 0) {
        snprintf(line, sizeof line, "%d\tthis is row number %d\n", rows, rows);
        rows += strcmp(row, line) == 0;
        PQfreemem(row);
    }
    ck_assert_int_eq(n, -1);
    ck_assert_int_eq(rows, ROWS);
    PQclear(PQgetResult(c));
    PQfinish(c);
    return arg;
}

START_TEST(test_copy)
{
    green_t *all[4];
    green_patch_all();
    for (int i = 0; i < 4; i++)
        all[i] = spawn(copy_in_and_out, NULL);
    for (int i = 0; i < 4; i++)
        finish(all[i]);
}
END_TEST

START_TEST(test_no_server)
{
    green_patch_all();
    PGconn *c = PQconnectdb("host=/nowhere connect_timeout=5");
    ck_assert_int_eq(PQstatus(c), CONNECTION_BAD);
    PQfinish(c);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_fifty_at_once, 0}, {test_timeout_inside_a_query, 0},
        {test_kill, 0},          {test_cancel, 0},
        {test_copy, 0},          {test_no_server, 0},
    };
    return RUN_TESTS("patch/libpq", tests);
}
