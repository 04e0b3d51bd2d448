/* Numbers with their units, there and back. */
#include "loading.h"

#include "value.h"

#include <errno.h>

#define MS INT64_C(1000000)

static const struct conf_key integer = {.type = CONF_INTEGER, .min = 1, .max = 256, .words = "auto"};
static const struct conf_key duration = {
    .type = CONF_DURATION, .min = MS, .max = INT64_C(365) * 86400000 * MS};
static const struct conf_key size = {.type = CONF_SIZE, .min = 0, .max = INT64_MAX};
static const struct conf_key rate = {.type = CONF_RATE, .min = 0, .max = 1 << 30};
static const struct conf_key choice = {.type = CONF_CHOICE, .words = "http|tcp"};

static const struct {
    const struct conf_key *key;
    const char *text;
    int error;
    int64_t value;
    const char *printed; /* NULL: as text */
} cases[] = {
    {&integer, "1", 0, 1, NULL},
    {&integer, "256", 0, 256, NULL},
    {&integer, "007", 0, 7, "7"},
    {&integer, "auto", 0, 0, NULL},
    {&integer, "0", -ERANGE, 0, NULL},
    {&integer, "257", -ERANGE, 0, NULL},
    {&integer, "-1", -ERANGE, 0, NULL},
    {&integer, "99999999999999999999", -ERANGE, 0, NULL},
    {&integer, "", -EINVAL, 0, NULL},
    {&integer, "-", -EINVAL, 0, NULL},
    {&integer, "+1", -EINVAL, 0, NULL},
    {&integer, "1 2", -EINVAL, 0, NULL},
    {&integer, "0x10", -EINVAL, 0, NULL},
    {&integer, "1k", -EINVAL, 0, NULL},
    {&integer, "aut", -EINVAL, 0, NULL},
    {&integer, "autox", -EINVAL, 0, NULL},

    {&duration, "250ms", 0, 250 * MS, NULL},
    {&duration, "1ms", 0, MS, NULL},
    {&duration, "5s", 0, 5000 * MS, NULL},
    {&duration, "60s", 0, 60000 * MS, "1m"},
    {&duration, "90s", 0, 90000 * MS, NULL},
    {&duration, "2m", 0, 120000 * MS, NULL},
    {&duration, "2M", 0, 120000 * MS, "2m"},
    {&duration, "1h", 0, 3600000 * MS, NULL},
    {&duration, "24h", 0, 86400000 * MS, "1d"},
    {&duration, "365d", 0, INT64_C(365) * 86400000 * MS, NULL},
    {&duration, "366d", -ERANGE, 0, NULL},
    {&duration, "9223372036854775807d", -ERANGE, 0, NULL},
    {&duration, "0", -ERANGE, 0, NULL},
    {&duration, "0s", -ERANGE, 0, NULL},
    {&duration, "-5s", -ERANGE, 0, NULL},
    {&duration, "30", -EINVAL, 0, NULL},
    {&duration, "1.5s", -EINVAL, 0, NULL},
    {&duration, "1h30m", -EINVAL, 0, NULL},
    {&duration, "5 s", -EINVAL, 0, NULL},
    {&duration, "5us", -EINVAL, 0, NULL},
    {&duration, "s", -EINVAL, 0, NULL},

    {&size, "0", 0, 0, NULL},
    {&size, "1023", 0, 1023, NULL},
    {&size, "16k", 0, 16384, NULL},
    {&size, "16K", 0, 16384, "16k"},
    {&size, "1024k", 0, 1 << 20, "1m"},
    {&size, "3g", 0, INT64_C(3) << 30, NULL},
    {&size, "2t", 0, INT64_C(2) << 40, NULL},
    {&size, "9223372036854775807", 0, INT64_MAX, NULL},
    {&size, "9223372036854775808", -ERANGE, 0, NULL},
    {&size, "9007199254740992k", -ERANGE, 0, NULL},
    {&size, "10mb", -EINVAL, 0, NULL},

    {&rate, "240", 0, 240, "240/s"},
    {&rate, "240/s", 0, 240, NULL},
    {&rate, "0", 0, 0, "0/s"},
    {&rate, "1k/s", 0, 1024, NULL},
    {&rate, "1k", 0, 1024, "1k/s"},
    {&rate, "1m/s", 0, 1 << 20, NULL},
    {&rate, "2g/s", -ERANGE, 0, NULL},
    {&rate, "1/m", -EINVAL, 0, NULL},
    {&rate, "/s", -EINVAL, 0, NULL},

    {&choice, "http", 0, 0, NULL},
    {&choice, "tcp", 0, 1, NULL},
    {&choice, "HTTP", -EINVAL, 0, NULL},
    {&choice, "http|tcp", -EINVAL, 0, NULL},
    {&choice, "", -EINVAL, 0, NULL},
    {&choice, "0", -EINVAL, 0, NULL},
};

START_TEST(values_are_read_and_printed)
{
    int64_t value = -77;
    char text[CONF_VALUE_BYTES];
    int rc = conf_value_parse(cases[_i].key, cases[_i].text, &value);

    ck_assert_msg(rc == cases[_i].error, "'%s' gave %d", cases[_i].text, rc);
    if (rc) {
        ck_assert_int_eq(value, -77); /* untouched */
        return;
    }
    ck_assert_int_eq(value, cases[_i].value);
    conf_value_print(cases[_i].key, value, text);
    ck_assert_str_eq(text, cases[_i].printed ? cases[_i].printed : cases[_i].text);
}
END_TEST

START_TEST(what_is_allowed_is_told)
{
    static const struct conf_key sink = {.type = CONF_SINK, .words = "-|off"};
    char text[256], small[8];

    conf_value_allowed(&integer, text, sizeof(text));
    ck_assert_str_eq(text, "auto, or a number from 1 to 256");
    conf_value_allowed(&duration, text, sizeof(text));
    ck_assert_str_eq(text, "a duration from 1ms to 365d, with its unit: ms, s, m, h or d");
    conf_value_allowed(&rate, text, sizeof(text));
    ck_assert_str_eq(text, "a rate from 0/s to 1g/s, in bytes a second or with a unit: k/s, m/s or g/s");
    conf_value_allowed(&choice, text, sizeof(text));
    ck_assert_str_eq(text, "http, tcp");
    conf_value_allowed(&sink, text, sizeof(text));
    ck_assert_str_eq(text, "-, off, or the path of a file, with a '/' in it");
    conf_value_allowed(&sink, small, sizeof(small));
    ck_assert_str_eq(small, "-, off,");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/value");
    TCase *tests = tcase_create("value");

    tcase_add_loop_test(tests, values_are_read_and_printed, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tests, what_is_allowed_is_told);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
