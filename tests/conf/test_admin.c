/* The keys about metrics and the dashboard. */
#include "loading.h"

#include <unistd.h>

#define REST    "[listener web]\nbind = :80\nupstream = app\n[upstream app]\nserver = a:1\n"
#define ALLOWED "allowed: 16 to 256 visible characters of ASCII, such as `openssl rand -hex 24` prints\n"

START_TEST(off_unless_set)
{
    struct conf *conf = load(REST);

    ck_assert_uint_eq(conf->admin.count, 0);
    ck_assert_ptr_null(conf_admin_token(&conf->admin));
    conf_free(conf);
}
END_TEST

START_TEST(this_machine_needs_no_token)
{
    struct conf *conf =
        load("[greenway]\nadmin = 127.0.0.1:9901, [::1]:9901, localhost:9902, unix:/tmp/a\n" REST);

    ck_assert_uint_eq(conf->admin.count, 4);
    ck_assert_str_eq(conf->admin.addresses[3].host, "/tmp/a");
    conf_free(conf);
}
END_TEST

START_TEST(others_need_one)
{
    static const char *const open[] = {":9901", "0.0.0.0:9901", "[::]:9901", "192.0.2.1:9901",
                                       "admin.example:9901"};

    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        char text[512], expected[512];

        snprintf(text, sizeof(text), "[greenway]\nadmin = 127.0.0.1:1, %s\n" REST, open[i]);
        snprintf(expected, sizeof(expected),
                 "t:2: [greenway] admin: '%s' can be reached from other machines; set admin_token_file, or "
                 "listen on 127.0.0.1 or unix:/PATH\n",
                 open[i]);
        refuse(text, expected);
        snprintf(text, sizeof(text), "[greenway]\nadmin_token = 0123456789abcdef\nadmin = %s\n" REST,
                 open[i]);
        struct conf *conf = load(text);

        ck_assert_str_eq(conf_admin_token(&conf->admin), "0123456789abcdef");
        conf_free(conf);
    }
}
END_TEST

START_TEST(no_message_tells_a_token)
{
    refuse("[greenway]\nadmin_token = short\n" REST,
           "t:2: [greenway] admin_token: 'the value' is too short to be a secret; " ALLOWED);
    refuse("[greenway]\nadmin_token = with blanks in its middle\n" REST,
           "t:2: [greenway] admin_token: 'the value' has a blank or a character that is not ASCII; " ALLOWED);
    refuse("[greenway]\nadmin_token = ****************\n" REST,
           "t:2: [greenway] admin_token: 'the value' only stands for a token in printed "
           "configurations; " ALLOWED);
    struct conf *conf = load("[greenway]\nadmin_token = 0123456789abcdef\n" REST);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    conf_print_effective(out, conf);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_null(strstr(text, "0123456789abcdef"));
    ck_assert_ptr_nonnull(strstr(text, "admin_token = ****************"));
    free(text);
    conf_free(conf);
}
END_TEST

static const char *write_file(const char *path, const char *bytes)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(bytes, out), 0);
    ck_assert_int_eq(fclose(out), 0);
    return path;
}

START_TEST(a_token_in_a_file)
{
    char folder[] = "/tmp/test-admin-XXXXXX", path[64], text[512], expected[512];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/token", folder);
    snprintf(text, sizeof(text), "[greenway]\nadmin = localhost:9901\nadmin_token_file = %s\n" REST,
             write_file(path, "fedcba9876543210\n"));
    struct conf *conf = load(text);

    ck_assert_str_eq(conf_admin_token(&conf->admin), "fedcba9876543210");
    conf_free(conf);
    write_file(path, "one\ntwo\n");
    snprintf(
        expected, sizeof(expected),
        "t:3: [greenway] admin_token_file: '%s' has more than one line; allowed: the path of a file with one "
        "line of 16 to 256 visible characters of ASCII, such as `openssl rand -hex 24` prints\n",
        path);
    refuse(text, expected);
    write_file(path, "fedcba9876543210\n");
    snprintf(text, sizeof(text), "[greenway]\nadmin_token = 0123456789abcdef\nadmin_token_file = %s\n" REST,
             path);
    refuse(text, "t:3: [greenway] admin_token_file: admin_token is set already, and there can be only one of "
                 "both\n");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admin");
    TCase *tc = tcase_create("admin");

    tcase_add_test(tc, off_unless_set);
    tcase_add_test(tc, this_machine_needs_no_token);
    tcase_add_test(tc, others_need_one);
    tcase_add_test(tc, no_message_tells_a_token);
    tcase_add_test(tc, a_token_in_a_file);
    suite_add_tcase(suite, tc);
    return run_tests(suite);
}
