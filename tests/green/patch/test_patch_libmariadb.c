/* libmariadb as it comes, in greenlets, against a real MariaDB (with_server.py). */
#include "patched.h"

#include <mysql.h>

#define MANY 30

static MYSQL *open_connection(void)
{
    MYSQL *m = mysql_init(NULL);
    ck_assert_ptr_nonnull(m);
    ck_assert_msg(mysql_real_connect(m, NULL, "root", NULL, NULL, 0, getenv("MARIADB_SOCKET"), 0) != NULL,
                  "%s", mysql_error(m));
    return m;
}

static void *sleep_in_server(void *arg)
{
    MYSQL *m = open_connection();
    ck_assert_msg(mysql_query(m, "select sleep(0.2), repeat('x', 100000)") == 0, "%s", mysql_error(m));
    MYSQL_RES *r = mysql_store_result(m);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(strlen(mysql_fetch_row(r)[1]), 100000);
    mysql_free_result(r);
    mysql_close(m);
    ++*(int *)arg;
    return NULL;
}

static green_t *spawn_large(green_fn fn, void *arg)
{
    green_t *g;
    green_attr_t attr = {.stack_size = 256 * 1024};
    ck_assert_int_eq(green_spawn_ex(&g, &attr, fn, arg), 0);
    return g;
}

START_TEST(test_many_at_once)
{
    green_t *all[MANY];
    int done = 0;
    green_patch_all();
    ck_assert_int_eq(mysql_library_init(0, NULL, NULL), 0);
    green_time before = green_now();
    for (int i = 0; i < MANY; i++)
        all[i] = spawn_large(sleep_in_server, &done);
    for (int i = 0; i < MANY; i++)
        finish(all[i]);
    ck_assert_int_eq(done, MANY);
    if (!SANITIZED)
        ck_assert_int_lt(green_now() - before, GREEN_MS(200) * MANY * 9 / 10);
    mysql_library_end();
}
END_TEST

START_TEST(test_timeout)
{
    green_timeout_t t;
    green_patch_all();
    ck_assert_int_eq(mysql_library_init(0, NULL, NULL), 0);
    MYSQL *m = open_connection();
    green_timeout_start(&t, GREEN_MS(50));
    ck_assert_int_ne(mysql_query(m, "select sleep(60)"), 0);
    ck_assert(green_timeout_fired(&t));
    green_timeout_stop(&t);
    ck_assert_uint_ne(mysql_errno(m), 0);
    mysql_close(m);
    m = open_connection();
    ck_assert_int_eq(mysql_query(m, "do 1"), 0);
    mysql_close(m);
    mysql_library_end();
}
END_TEST

int main(void)
{
    const struct test tests[] = {{test_many_at_once, 0}, {test_timeout, 0}};
    return RUN_TESTS("patch/libmariadb", tests);
}
