/* When requests are sent once more: what the keys say, and what is wrong with them. */
#include "loading.h"

#define BASE "[listener web]\nbind = :80\nupstream = app\n[upstream app]\nserver = 127.0.0.1:1\n"

static struct conf_retries retries_of(const char *keys)
{
    char text[512];

    snprintf(text, sizeof(text), BASE "%s", keys);
    struct conf *conf = load(text);
    struct conf_retries r = conf->upstreams[0].retries;
    conf_free(conf);
    return r;
}

START_TEST(words_and_statuses)
{
    struct conf_retries r = retries_of("retry_on = connect_failure,reset, timeout 429\t500, 599\n");

    ck_assert(r.on.connect_failure && r.on.reset && r.on.timeout);
    ck_assert_uint_eq(r.on.status_count, 3);
    ck_assert_int_eq(r.on.statuses[0], 429);
    ck_assert_int_eq(r.on.statuses[1], 500);
    ck_assert_int_eq(r.on.statuses[2], 599);
    r = retries_of("retry_on = 503\n");
    ck_assert(!r.on.connect_failure && !r.on.reset && !r.on.timeout);
    ck_assert_uint_eq(r.on.status_count, 1);
}
END_TEST

START_TEST(off_is_nothing)
{
    struct conf_retries r = retries_of("retry_on = off\n");

    ck_assert(!r.on.connect_failure && !r.on.reset && !r.on.timeout);
    ck_assert_uint_eq(r.on.status_count, 0);
}
END_TEST

START_TEST(sixteen_statuses_are_enough)
{
    char keys[256] = "retry_on =";

    for (int i = 0; i < 16; i++)
        snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), " %d", 500 + i);
    strcat(keys, "\n");
    ck_assert_uint_eq(retries_of(keys).on.status_count, 16);
}
END_TEST

START_TEST(budgets)
{
    ck_assert_int_eq(retries_of("retry_budget = 0%\n").budget.percent, 0);
    ck_assert_int_eq(retries_of("retry_budget = 100%\n").budget.percent, 100);
}
END_TEST

static const struct {
    const char *key, *value, *wrong;
} wrongs[] = {
    {"retry_on", "resets", "has an unknown word"},
    {"retry_on", "reset,reset", "has a word twice"},
    {"retry_on", "off reset", "has an unknown word"},
    {"retry_on", "reset off", "has an unknown word"},
    {"retry_on", ",", "has no word"},
    {"retry_on", "404", "has a status that is neither 429 nor one from 500 to 599"},
    {"retry_on", "600", "has a status that is neither 429 nor one from 500 to 599"},
    {"retry_on", "5030", "has a status that is neither 429 nor one from 500 to 599"},
    {"retry_on", "50x", "has a status that is neither 429 nor one from 500 to 599"},
    {"retry_on", "4294967796", "has a status that is neither 429 nor one from 500 to 599"},
    {"retry_on", "503 503", "has a status twice"},
    {"retry_on", "500 501 502 503 504 505 506 507 508 509 510 511 512 513 514 515 516",
     "has more than 16 statuses"},
    {"retry_budget", "20", "is not a percentage from 0% to 100%"},
    {"retry_budget", "101%", "is not a percentage from 0% to 100%"},
    {"retry_budget", "-1%", "is not a percentage from 0% to 100%"},
    {"retry_budget", "%", "is not a percentage from 0% to 100%"},
    {"retry_budget", "20 %", "is not a percentage from 0% to 100%"},
    {"retry_budget", "0020%", "is not a percentage from 0% to 100%"},
};

START_TEST(wrong_ones_are_named)
{
    char text[512], start[256];
    struct conf_errors errors = {0};

    snprintf(text, sizeof(text), BASE "%s = %s\n", wrongs[_i].key, wrongs[_i].value);
    snprintf(start, sizeof(start), "t:6: [upstream app] %s: '%s' %s; allowed: ", wrongs[_i].key,
             wrongs[_i].value, wrongs[_i].wrong);
    ck_assert_ptr_null(conf_load_text("t", text, strlen(text), &errors));
    char *found = findings(&errors);
    ck_assert_msg(!strncmp(found, start, strlen(start)), "%s", found);
    free(found);
    conf_errors_free(&errors);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/retries");
    TCase *tc = tcase_create("retries");

    tcase_add_test(tc, words_and_statuses);
    tcase_add_test(tc, off_is_nothing);
    tcase_add_test(tc, sixteen_statuses_are_enough);
    tcase_add_test(tc, budgets);
    tcase_add_loop_test(tc, wrong_ones_are_named, 0, sizeof(wrongs) / sizeof(wrongs[0]));
    suite_add_tcase(suite, tc);
    return run_tests(suite);
}
