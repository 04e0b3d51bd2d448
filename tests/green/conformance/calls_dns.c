/* Lookups: of names whose answers the name server holds back until it is told. Then they are known for good. */
#include "generic.h"

#include <netdb.h>

#include "net/name_server.h"

static struct name_server *name_server;

static void begin_asking(void)
{
    unsetenv("LOCALDOMAIN");
    unsetenv("RES_OPTIONS");
    unsetenv("GREEN_RESOLVER");
    name_server = name_server_start();
    ck_assert_int_eq(green_dns_servers(name_server_address(name_server)), 0);
}

static void let_answers(void)
{
    name_server_release(name_server);
}

static void end_asking(void)
{
    ck_assert_int_eq(green_hub_close(), 0); /* and its questions with it */
    name_server_stop(name_server);
}

static int wait_resolve(green_time deadline)
{
    green_dns_answer_t *answer = NULL;
    int r = green_resolve("held.test", 80, AF_INET, &answer, deadline);
    ck_assert((r == 0) == (answer != NULL));
    green_dns_release(answer);
    return r;
}

static const green_address_t *somebody(void)
{
    static green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, "192.0.2.200", 80), 0);
    return &address;
}

static int wait_resolve_address(green_time deadline)
{
    char name[GREEN_NAME_SIZE];
    return green_resolve_address(somebody(), name, deadline);
}

static int wait_getaddrinfo(green_time deadline)
{
    struct addrinfo hints = {.ai_family = AF_INET}, *list = NULL;
    int r = green_getaddrinfo("held.test", "80", &hints, &list, deadline);
    ck_assert((r == 0) == (list != NULL));
    green_freeaddrinfo(list);
    return r;
}

static int wait_getnameinfo(green_time deadline)
{
    char host[GREEN_NAME_SIZE];
    return green_getnameinfo(&somebody()->any, somebody()->length, host, sizeof host, NULL, 0, 0, deadline);
}

typedef int (*records_fn)(const char *name, green_records_t **out, green_time deadline);

static int wait_records(records_fn fn, const char *name, green_time deadline)
{
    green_records_t *records = NULL;
    int r = fn(name, &records, deadline);
    ck_assert((r == 0) == (records != NULL));
    green_records_release(records);
    return r;
}

static int wait_srv(green_time deadline)
{
    return wait_records(green_resolve_srv, "held-srv.test", deadline);
}

static int wait_mx(green_time deadline)
{
    return wait_records(green_resolve_mx, "held-mx.test", deadline);
}

static int wait_txt(green_time deadline)
{
    return wait_records(green_resolve_txt, "held-txt.test", deadline);
}

#define ASKS(call, what)                                                                                     \
    {                                                                                                        \
        .name = call, .flags = CALL_LAST, .begin = begin_asking, .wait = what, .let = let_answers,           \
        .end = end_asking                                                                                    \
    }

static const struct call rows[] = {
    ASKS("green_resolve", wait_resolve),         ASKS("green_resolve_address", wait_resolve_address),
    ASKS("green_getaddrinfo", wait_getaddrinfo), ASKS("green_getnameinfo", wait_getnameinfo),
    ASKS("green_resolve_srv", wait_srv),         ASKS("green_resolve_mx", wait_mx),
    ASKS("green_resolve_txt", wait_txt),
};

const struct calls calls_dns = CALLS(rows);
