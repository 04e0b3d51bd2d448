/* Where logs go, of what form they are, and what is in them. */
#include "loading.h"

#define LISTENER "[listener web]\nbind = :80\nupstream = app\n"
#define REST     "[upstream app]\nserver = 10.0.0.1:80\n"

START_TEST(defaults)
{
    struct conf *conf = load(LISTENER REST);
    const struct conf_logging *logging = &conf->listeners[0].logging;

    ck_assert_int_eq(logging->target.kind, CONF_LOG_STANDARD);
    ck_assert_str_eq(logging->target.written, "-");
    ck_assert_int_eq(logging->format.form, CONF_LOG_JSON);
    ck_assert_uint_eq(logging->when_count, 0);
    ck_assert_int_eq(logging->sample.of, 0);
    conf_free(conf);
}
END_TEST

START_TEST(inheritance)
{
    struct conf *conf =
        load("[greenway]\naccess_log = ./a.log\nlog_format = combined\nlog_when = 404, >2s\n" LISTENER
             "log_when = error\n[route r]\npath = /r/*\naccess_log = off\nupstream = app\n"
             "[route s]\npath = /s/*\nupstream = app\n[listener b]\nbind = :81\nupstream = app\n"
             "access_log = syslog:log.example:514\nlog_sample = 1/7\nlog_format = json\n" REST);
    const struct conf_logging *a = &conf->listeners[0].logging, *b = &conf->listeners[1].logging;

    ck_assert_str_eq(a->target.written, "./a.log");
    ck_assert_int_eq(a->target.kind, CONF_LOG_FILE);
    ck_assert_int_eq(a->format.form, CONF_LOG_COMBINED);
    ck_assert_uint_eq(a->when_count, 1);
    ck_assert_int_eq(a->when[0].when, CONF_LOG_ERROR);
    ck_assert_int_eq(b->target.kind, CONF_LOG_SYSLOG);
    ck_assert_str_eq(b->target.host, "log.example");
    ck_assert_int_eq(b->target.port, 514);
    ck_assert_int_eq(b->format.form, CONF_LOG_JSON);
    ck_assert_uint_eq(b->when_count, 2);
    ck_assert_int_eq(b->when[0].status, 404);
    ck_assert_int_eq(b->when[1].longer_than, INT64_C(2000000000));
    ck_assert_int_eq(b->sample.of, 7);
    ck_assert_int_eq(conf->routes[0].logging.target.kind, CONF_LOG_OFF);
    ck_assert_ptr_null(conf->routes[1].logging.target.written);
    ck_assert_ptr_null(conf->routes[1].logging.format.written);
    conf_free(conf);
}
END_TEST

START_TEST(targets)
{
    struct conf *conf =
        load("[greenway]\naccess_log = syslog\n" LISTENER "access_log = syslog:unix:/run/log\n" REST);

    ck_assert_int_eq(conf->logging.target.kind, CONF_LOG_SYSLOG);
    ck_assert_ptr_null(conf->logging.target.host);
    ck_assert_str_eq(conf->listeners[0].logging.target.host, "/run/log");
    conf_free(conf);
}
END_TEST

static const struct {
    const char *line, *wrong;
} bad[] = {
    {"access_log = of", "'of' is not known, and no path, which has a '/' in it"},
    {"access_log = /var/log/", "'/var/log/' is a folder"},
    {"access_log = syslog:host", "'syslog:host' has no port"},
    {"access_log = syslog:host:514 weight=2", "'syslog:host:514 weight=2' has something behind the address"},
    {"log_format = common", "'common' is no format that is known, and has no variables to be one of its own"},
    {"log_format = combine", "'combine' is no format that is known; did you mean 'combined'?"},
    {"log_format = ${statu}", "'${statu}' has ${statu}, which is no variable; did you mean ${status}?"},
    {"log_format = \"${uri}", "'\"${uri}' has a quote without its counterpart"},
    {"log_format = {\"uri\": ${uri}}",
     "'{\"uri\": ${uri}}' has a variable outside of quotes that is no number, in what begins as JSON does"},
    {"log_format = {\"s\": ${status}",
     "'{\"s\": ${status}' begins with '{' as JSON does, but does not end as an object does"},
    {"log_format = {\"s\": [${status}}",
     "'{\"s\": [${status}}' begins with '{' as JSON does, but does not end as an object does"},
    {"log_when = 600", "'600' is no status and no class of them"},
    {"log_when = 4x4", "'4x4' is no status and no class of them"},
    {"log_when = >0s", "'>0s' has no duration from 1ms to 1d behind the '>'"},
    {"log_when = slow", "'slow' is no status and no class of them"},
    {"log_sample = 10%", "'10%' does not begin with '1/'"},
    {"log_sample = 1/0", "'1/0' has no number from 1 to 1000000 behind the '/'"},
    {"request_header = set X ${t_total}", NULL},
};

START_TEST(refusals)
{
    char text[512], key[32], expected[512];
    struct conf_errors errors = {0};

    snprintf(key, sizeof key, "%.*s", (int)strcspn(bad[_i].line, " "), bad[_i].line);
    snprintf(text, sizeof text, LISTENER "%s\n" REST, bad[_i].line);
    struct conf *conf = conf_load_text("t", text, strlen(text), &errors);
    char *found = findings(&errors);

    ck_assert_ptr_null(conf);
    snprintf(expected, sizeof expected, "t:4: [listener web] %s: %s; allowed: ", key,
             bad[_i].wrong ? bad[_i].wrong : "");
    if (bad[_i].wrong)
        ck_assert_msg(!strncmp(found, expected, strlen(expected)), "%s\nnot:\n%s", found, expected);
    else
        ck_assert_msg(strstr(found, "it is for log_format alone") != NULL, "%s", found);
    free(found);
    conf_errors_free(&errors);
}
END_TEST

START_TEST(quotes)
{
    struct conf *conf = load(LISTENER "log_format = ${status} \"${uri}\" ${host}\n[route r]\nupstream = app\n"
                                      "log_format = {\"a\": \"\\\"${uri}\", \"b\": ${status}}\n" REST);
    const struct conf_log_format *columns = &conf->listeners[0].logging.format;
    const struct conf_log_format *json = &conf->routes[0].logging.format;

    ck_assert(!columns->json && json->json);
    ck_assert_uint_eq(columns->text.count, 5);
    ck_assert(!columns->quoted[0] && columns->quoted[2] && !columns->quoted[4]);
    ck_assert_uint_eq(json->text.count, 5);
    ck_assert(json->quoted[1] && !json->quoted[3]);
    conf_free(conf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/logging");
    TCase *tests = tcase_create("logging");

    tcase_add_test(tests, defaults);
    tcase_add_test(tests, inheritance);
    tcase_add_test(tests, targets);
    tcase_add_loop_test(tests, refusals, 0, (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(tests, quotes);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
