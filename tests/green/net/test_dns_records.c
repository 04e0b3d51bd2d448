/* SRV, MX, TXT: answers good and bad, their order. */
#include "resolving.h"

static green_records_t *services(const char *name)
{
    green_records_t *records;
    ck_assert_int_eq(green_resolve_srv(name, &records, soon()), 0);
    ck_assert_uint_ge(records->count, 1);
    return records;
}

static int no_services(const char *name)
{
    green_records_t *records;
    int r = green_resolve_srv(name, &records, soon());
    ck_assert_ptr_null(records);
    return r;
}

/* RFC 2782: priorities in order, within one at random, a share for each by its weight. */
START_TEST(services_in_the_order_to_try_them)
{
    enum { ROUNDS = 2000 };
    int first_a = 0, first_b = 0, first_c = 0;
    for (int i = 0; i < ROUNDS; i++) {
        green_records_t *records = services("srv.test");
        ck_assert_uint_eq(records->count, 4);
        unsigned ports = 0;
        for (int j = 0; j < 3; j++) {
            ck_assert_uint_eq(records->records[j].priority, 10);
            ports |= 1u << (records->records[j].port - 8001);
        }
        ck_assert_uint_eq(ports, 7); /* each of the three once */
        ck_assert_uint_eq(records->records[3].priority, 20);
        ck_assert_uint_eq(records->records[3].port, 8004);
        ck_assert_str_eq(records->records[3].name, "backup.test");
        ck_assert_uint_eq(records->records[3].length, strlen("backup.test"));
        first_a += records->records[0].port == 8001;
        first_b += records->records[0].port == 8002;
        first_c += records->records[0].port == 8003;
        green_records_release(records);
    }
    /* 3:1, and next to nothing for weight 0: 10 standard deviations away or more */
    ck_assert_int_gt(first_a, ROUNDS * 60 / 100);
    ck_assert_int_lt(first_a, ROUNDS * 88 / 100);
    ck_assert_int_gt(first_b, ROUNDS * 12 / 100);
    ck_assert_int_lt(first_c, ROUNDS * 6 / 100);
    ck_assert_int_eq(name_server_count(server, "srv.test"), 1);
}
END_TEST

START_TEST(services_that_are_not_there)
{
    ck_assert_int_eq(no_services("srv-none.test"), GREEN_EAI_NODATA); /* the target "." */
    ck_assert_int_eq(no_services("one.test"), GREEN_EAI_NODATA);
    ck_assert_int_eq(no_services("_http._tcp.missing.test"), GREEN_EAI_NONAME);
    ck_assert_int_eq(no_services("broken.test"), GREEN_EAI_AGAIN);
    ck_assert_int_eq(no_services("a b.test"), GREEN_EAI_BADNAME);
    ck_assert_int_eq(no_services("192.0.2.1"), GREEN_EAI_BADNAME);
}
END_TEST

START_TEST(records_that_are_broken)
{
    ck_assert_int_eq(no_services("srv-bad.test"), GREEN_EAI_FAIL);
    green_records_t *records = services("srv-one-good.test");
    ck_assert_uint_eq(records->count, 1);
    ck_assert_str_eq(records->records[0].name, "good.test");
    ck_assert_uint_eq(records->records[0].weight, 5);
    green_records_release(records);
    static const char *const hostile[] = {"loop.test", "garbage.test", "short-record.test",
                                          "lying-counts.test"};
    for (size_t i = 0; i < 4; i++) {
        int r = no_services(hostile[i]);
        ck_assert_msg(r == GREEN_EAI_FAIL || r == GREEN_EAI_AGAIN, "%s: %d", hostile[i], r);
    }
}
END_TEST

START_TEST(too_many_are_left_away)
{
    green_records_t *records = services("srv-many.test");
    ck_assert_uint_eq(records->count, 64);
    for (size_t i = 1; i < records->count; i++)
        ck_assert_uint_le(records->records[i - 1].priority, records->records[i].priority);
    green_records_release(records);
}
END_TEST

START_TEST(mail_servers_by_preference)
{
    green_records_t *records, *again;
    ck_assert_int_eq(green_resolve_mx("mail.test", &records, soon()), 0);
    ck_assert_uint_eq(records->count, 2);
    ck_assert_str_eq(records->records[0].name, "first.test");
    ck_assert_uint_eq(records->records[1].priority, 20);
    ck_assert(records->expires <= green_in(GREEN_S(300)));
    ck_assert_int_eq(green_resolve_mx("MAIL.test", &again, GREEN_NOWAIT), 0);
    ck_assert_ptr_eq(again, records);
    green_records_release(again);
    ck_assert_int_eq(green_resolve_mx("four.test", &again, soon()), GREEN_EAI_NODATA);
    ck_assert_ptr_null(again);
    ck_assert_str_eq(records->records[0].name, "first.test");
    green_records_release(records);
    green_records_release(NULL);
}
END_TEST

START_TEST(texts)
{
    green_records_t *records;
    ck_assert_int_eq(green_resolve_txt("texts.test", &records, soon()), 0);
    ck_assert_uint_eq(records->count, 3); /* one was broken */
    ck_assert_str_eq(records->records[0].name, "hello world");
    ck_assert_uint_eq(records->records[1].length, 3);
    ck_assert_mem_eq(records->records[1].name, "a\0b", 4);
    ck_assert_uint_eq(records->records[2].length, 0);
    green_records_release(records);
}
END_TEST

/* Types are kept apart in the cache. */
START_TEST(one_name_many_questions)
{
    green_records_t *records;
    release_found("one.test", AF_INET);
    ck_assert_int_eq(green_resolve_txt("one.test", &records, soon()), GREEN_EAI_NODATA);
    ck_assert_int_eq(green_resolve_mx("one.test", &records, soon()), GREEN_EAI_NODATA);
    release_found("one.test", AF_INET);
    ck_assert_int_eq(name_server_count(server, "one.test"), 3);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {services_in_the_order_to_try_them, 0}, {services_that_are_not_there, 0},
        {records_that_are_broken, 0},           {too_many_are_left_away, 0},
        {mail_servers_by_preference, 0},        {texts, 0},
        {one_name_many_questions, 0},
    };
    return RUN_DNS_TESTS(tests);
}
