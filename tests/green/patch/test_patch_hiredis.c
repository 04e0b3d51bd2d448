/* hiredis as it comes, in greenlets, against a real Redis (with_server.py). It reads and writes blocking sockets. */
#include "patched.h"

#include <hiredis.h>

#define MANY 40

static redisContext *open_connection(void)
{
    redisContext *c = redisConnectUnix(getenv("REDIS_SOCKET"));
    ck_assert_ptr_nonnull(c);
    ck_assert_msg(c->err == 0, "%s", c->errstr);
    return c;
}

struct popper {
    int number;
    char *value;
};

static void *pop(void *arg)
{
    struct popper *p = arg;
    redisContext *c = open_connection();
    redisReply *r = redisCommand(c, "BLPOP list%d 30", p->number);
    ck_assert_ptr_nonnull(r);
    ck_assert_int_eq(r->type, REDIS_REPLY_ARRAY);
    p->value = strdup(r->element[1]->str);
    freeReplyObject(r);
    redisFree(c);
    return NULL;
}

/* All of them wait in the server at once: it says so. */
START_TEST(test_blocking_pops_side_by_side)
{
    struct popper poppers[MANY];
    green_t *all[MANY];
    green_patch_all();
    for (int i = 0; i < MANY; i++) {
        poppers[i] = (struct popper){.number = i};
        all[i] = spawn(pop, &poppers[i]);
    }
    redisContext *c = open_connection();
    for (bool waiting = false; !waiting; usleep(1000)) {
        redisReply *r = redisCommand(c, "INFO clients");
        ck_assert_ptr_nonnull(r);
        waiting = strstr(r->str, "blocked_clients:40") != NULL;
        freeReplyObject(r);
    }
    for (int i = 0; i < MANY; i++) {
        freeReplyObject(redisCommand(c, "RPUSH list%d value%d", i, i));
    }
    for (int i = 0; i < MANY; i++) {
        char expected[32];
        finish(all[i]);
        snprintf(expected, sizeof expected, "value%d", i);
        ck_assert_str_eq(poppers[i].value, expected);
        free(poppers[i].value);
    }
    redisFree(c);
}
END_TEST

/* redisSetTimeout() is SO_RCVTIMEO. */
START_TEST(test_timeout_of_its_own)
{
    int turns = 0;
    green_patch_all();
    redisContext *c = open_connection();
    ck_assert_int_eq(redisSetTimeout(c, (struct timeval){.tv_usec = 30000}), REDIS_OK);
    green_t *counter = spawn(count_turns, &turns);
    ck_assert_ptr_null(redisCommand(c, "BLPOP nothing 30"));
    ck_assert_int_eq(c->err, REDIS_ERR_IO);
    ck_assert_msg(strstr(c->errstr, strerror(EAGAIN)) != NULL, "%s", c->errstr);
    ck_assert_int_gt(turns, 0);
    turns = -1;
    finish(counter);
    redisFree(c);
}
END_TEST

START_TEST(test_timeout_around)
{
    green_timeout_t t;
    green_patch_all();
    redisContext *c = open_connection();
    green_timeout_start(&t, GREEN_MS(30));
    ck_assert_ptr_null(redisCommand(c, "BLPOP nothing 30"));
    green_timeout_stop(&t);
    ck_assert_msg(strstr(c->errstr, strerror(ETIMEDOUT)) != NULL, "%s", c->errstr);
    ck_assert_int_eq(redisReconnect(c), REDIS_OK);
    redisReply *r = redisCommand(c, "PING");
    ck_assert_ptr_nonnull(r);
    ck_assert_str_eq(r->str, "PONG");
    freeReplyObject(r);
    redisFree(c);
}
END_TEST

static void *set_and_get(void *arg)
{
    const size_t size = 300000;
    char *text = malloc(size);
    ck_assert_ptr_nonnull(text);
    memset(text, 'a' + (int)(intptr_t)arg, size);
    redisContext *c = open_connection();
    for (int i = 0; i < 5; i++) {
        redisReply *r = redisCommand(c, "SET key%d %b", (int)(intptr_t)arg, text, size);
        ck_assert_ptr_nonnull(r);
        freeReplyObject(r);
        r = redisCommand(c, "GET key%d", (int)(intptr_t)arg);
        ck_assert_ptr_nonnull(r);
        ck_assert_uint_eq(r->len, size);
        ck_assert_int_eq(memcmp(r->str, text, size), 0);
        freeReplyObject(r);
    }
    redisFree(c);
    free(text);
    return NULL;
}

START_TEST(test_large_values)
{
    green_t *all[8];
    green_patch_all();
    for (intptr_t i = 0; i < 8; i++)
        all[i] = spawn(set_and_get, (void *)i);
    for (int i = 0; i < 8; i++)
        finish(all[i]);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_blocking_pops_side_by_side, 0},
        {test_timeout_of_its_own, 0},
        {test_timeout_around, 0},
        {test_large_values, 0},
    };
    return RUN_TESTS("patch/hiredis", tests);
}
