/* What records of name servers become: hosts, tiers and weights. */
#include "upstream/name_answer.h"

#include <errno.h>

#include "groups.h"
#include "resolver.h"

/* "10.0.0.1 10.0.0.2+[::2]": hosts, and the addresses of each in the order to try them. To be freed. */
static char *hosts_of(const struct name_answer *a)
{
    char *text = NULL, one[GREEN_ADDRESS_TEXT];
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    for (size_t i = 0; i < a->count; i++) {
        const struct name_member *m = &a->members[i];
        for (unsigned k = 0; k < m->address_count; k++)
            fprintf(out, "%s%s", k ? "+" : i ? " " : "", green_address_text(&m->addresses[k], true, one));
        if (m->weight)
            fprintf(out, "/%u/%u", m->tier, m->weight);
    }
    fclose(out);
    return text;
}

static struct name_answer *ask(bool service, green_time *expires)
{
    struct name_answer *a;
    ck_assert_int_eq(name_answer_ask("app", service, &a, expires, GREEN_FOREVER), 0);
    return a;
}

static void assert_hosts(bool service, const char *wanted, green_time wanted_expires)
{
    green_time expires;
    struct name_answer *a = ask(service, &expires);
    char *found = hosts_of(a);
    ck_assert_str_eq(found, wanted);
    ck_assert_int_eq(expires, wanted_expires);
    free(found);
    name_answer_release(a);
}

static const struct {
    struct resolver_host host;
    const char *wanted;
} answers[] = {
    {{"app", 0, 5, {"10.0.0.3", "10.0.0.1", "10.0.0.2"}}, "10.0.0.1:0 10.0.0.2:0 10.0.0.3:0"},
    {{"app", 0, 5, {"10.0.0.1", "10.0.0.1"}}, "10.0.0.1:0"},
    {{"app", 0, 5, {"::2", "10.0.0.1", "::1", "10.0.0.2"}}, "[::1]:0+10.0.0.1:0 [::2]:0+10.0.0.2:0"},
    {{"app", 0, 5, {"10.0.0.1", "::1"}},
     "10.0.0.1:0+[::1]:0"}, /* the family that comes first is tried first */
    {{"app", 0, 5, {"10.0.0.1", "::1", "10.0.0.2", "10.0.0.3"}}, "10.0.0.1:0+[::1]:0 10.0.0.2:0 10.0.0.3:0"},
    {{"app", 0, 5, {"::1", "10.0.0.2", "10.0.0.3"}}, "10.0.0.3:0 [::1]:0+10.0.0.2:0"},
};

START_TEST(addresses_become_hosts)
{
    struct resolver_host hosts[] = {answers[_i].host, {.name = NULL}};
    resolver_hosts = hosts;
    assert_hosts(false, answers[_i].wanted, 5);
}
END_TEST

START_TEST(errors_are_passed_on)
{
    const struct resolver_host hosts[] = {{.name = "app", .error = GREEN_EAI_NODATA}, {.name = NULL}};
    struct name_answer *a = NULL;
    green_time expires;
    resolver_hosts = hosts;
    ck_assert_int_eq(name_answer_ask("app", false, &a, &expires, GREEN_FOREVER), GREEN_EAI_NODATA);
    ck_assert_int_eq(name_answer_ask("else", false, &a, &expires, GREEN_FOREVER), GREEN_EAI_NONAME);
    resolver_service.error = GREEN_EAI_FAIL;
    ck_assert_int_eq(name_answer_ask("app", true, &a, &expires, GREEN_FOREVER), GREEN_EAI_FAIL);
    ck_assert_ptr_null(a);
}
END_TEST

/* --- services --------------------------------------------------------------------------------------------------------- */

static const struct resolver_host targets[] = {
    {"one", 0, 50, {"10.0.0.1", "::1"}},
    {"two", 0, 20, {"10.0.0.2", "10.0.0.3"}},
    {"same", 0, 90, {"10.0.0.1", "::1"}},
    {.name = "gone", .error = GREEN_EAI_NONAME},
    {.name = NULL},
};

static void serve(size_t count, const green_record_t *records)
{
    resolver_hosts = targets;
    resolver_service.error = 0;
    resolver_service.expires = 30;
    resolver_service.count = count;
    memcpy(resolver_service.records, records, count * sizeof *records);
}

START_TEST(priorities_are_tiers)
{
    const green_record_t records[] = {{.name = "two", .port = 80, .priority = 5, .weight = 3},
                                      {.name = "one", .port = 81, .priority = 5, .weight = 1},
                                      {.name = "one", .port = 82, .priority = 700, .weight = 256}};
    serve(3, records);
    assert_hosts(true, "10.0.0.1:81+[::1]:81/0/1 10.0.0.1:82+[::1]:82/1/256 10.0.0.2:80/0/3 10.0.0.3:80/0/3",
                 20);
}
END_TEST

/* To 256 in the same proportion; 0 is hardly ever, not never. */
START_TEST(weights_are_scaled)
{
    const green_record_t records[] = {{.name = "one", .port = 80, .weight = 65535},
                                      {.name = "one", .port = 81, .weight = 32768},
                                      {.name = "one", .port = 82, .weight = 1},
                                      {.name = "one", .port = 83, .weight = 0}};
    serve(4, records);
    assert_hosts(true,
                 "10.0.0.1:80+[::1]:80/0/256 10.0.0.1:81+[::1]:81/0/128 10.0.0.1:82+[::1]:82/0/1 "
                 "10.0.0.1:83+[::1]:83/0/1",
                 30);
}
END_TEST

/* In the first tier that has it. */
START_TEST(a_host_is_there_once)
{
    const green_record_t records[] = {{.name = "one", .port = 80, .priority = 1, .weight = 2},
                                      {.name = "same", .port = 80, .priority = 2, .weight = 9}};
    serve(2, records);
    assert_hosts(true, "10.0.0.1:80+[::1]:80/0/2", 30);
}
END_TEST

START_TEST(targets_that_are_not_found_are_left_out)
{
    const green_record_t records[] = {{.name = "gone", .port = 80, .weight = 1},
                                      {.name = "two", .port = 80, .weight = 1}};
    green_time expires;
    struct name_answer *a;
    serve(2, records);
    a = ask(true, &expires);
    ck_assert_uint_eq(a->count, 2);
    ck_assert_int_ge(green_now(), expires); /* and asked for again at once */
    name_answer_release(a);
    serve(1, records);
    a = NULL;
    ck_assert_int_eq(name_answer_ask("app", true, &a, &expires, GREEN_FOREVER), GREEN_EAI_NONAME);
    ck_assert_ptr_null(a);
}
END_TEST

/* 64 records of 64 addresses. */
START_TEST(there_are_not_more_than_so_many)
{
    static char names[RESOLVER_MOST][8], addresses[RESOLVER_MOST][RESOLVER_MOST][GREEN_ADDRESS_TEXT];
    static struct resolver_host hosts[RESOLVER_MOST + 1];
    static green_record_t records[RESOLVER_MOST];
    green_time expires;
    for (int i = 0; i < RESOLVER_MOST; i++) {
        snprintf(names[i], sizeof names[i], "n%d", i);
        hosts[i].name = names[i];
        records[i] = (green_record_t){.name = names[i], .port = 80, .weight = 1};
        for (int k = 0; k < RESOLVER_MOST; k++) {
            snprintf(addresses[i][k], sizeof addresses[i][k], "10.1.%d.%d", i, k);
            hosts[i].addresses[k] = addresses[i][k];
        }
    }
    serve(RESOLVER_MOST, records);
    resolver_hosts = hosts;
    struct name_answer *a = ask(true, &expires);
    ck_assert_uint_eq(a->count, NAME_MEMBERS_MAX);
    name_answer_release(a);
}
END_TEST

/* --- comparing ---------------------------------------------------------------------------------------------------------- */

START_TEST(answers_are_compared_by_hosts)
{
    const struct resolver_host one[] = {{"app", 0, 5, {"10.0.0.1", "10.0.0.2", "10.0.0.4"}}, {.name = NULL}},
                               other[] = {{"app", 0, 9, {"10.0.0.3", "10.0.0.2", "10.0.0.1", "10.0.0.9"}},
                                          {.name = NULL}};
    green_time expires;
    resolver_hosts = one;
    struct name_answer *a = ask(false, &expires), *again = ask(false, &expires);
    resolver_hosts = other;
    struct name_answer *b = ask(false, &expires), *none = name_answer_failed(GREEN_EAI_NONAME),
                       *never = name_answer_failed(GREEN_EAI_AGAIN);
    ck_assert(name_answer_same(a, again) && !name_answer_same(a, b) && !name_answer_same(a, none));
    ck_assert(name_answer_same(none, none) && !name_answer_same(none, never));
    ck_assert_uint_eq(name_answer_without(a, b), 1);
    ck_assert_uint_eq(name_answer_without(b, a), 2);
    ck_assert_uint_eq(name_answer_without(a, none), 3);
    ck_assert_uint_eq(name_answer_without(none, a), 0);
    again->members[1].weight = 7;
    ck_assert(!name_answer_same(a, again));
    struct name_answer *all[] = {a, again, b, none, never};
    for (int i = 0; i < 5; i++)
        name_answer_release(all[i]);
}
END_TEST

START_TEST(ports_are_given_to_those_that_have_none)
{
    struct name_member m = {.address_count = 2};
    ck_assert_int_eq(green_address_parse(&m.addresses[0], "10.0.0.1", 0), 0);
    ck_assert_int_eq(green_address_parse(&m.addresses[1], "::1", 99), 0);
    name_member_set_port(&m, 80);
    ck_assert_int_eq(green_address_port(&m.addresses[0]), 80);
    ck_assert_int_eq(green_address_port(&m.addresses[1]), 99);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("name answer");
    tcase_add_loop_test(tc, addresses_become_hosts, 0, sizeof answers / sizeof answers[0]);
    tcase_add_test(tc, errors_are_passed_on);
    tcase_add_test(tc, priorities_are_tiers);
    tcase_add_test(tc, weights_are_scaled);
    tcase_add_test(tc, a_host_is_there_once);
    tcase_add_test(tc, targets_that_are_not_found_are_left_out);
    tcase_add_test(tc, there_are_not_more_than_so_many);
    tcase_add_test(tc, answers_are_compared_by_hosts);
    tcase_add_test(tc, ports_are_given_to_those_that_have_none);
    return run_suite(tc, "upstream/name_answer");
}
