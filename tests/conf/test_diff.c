/* What is said of the difference between two configurations. */
#include "diff.h"
#include "keys.h"
#include "loading.h"

#include <unistd.h>

#define REST "[listener a]\nbind = :80\nupstream = u\n[upstream u]\nserver = h:1\n"

static void differ(const char *from, const char *to, enum conf_diff_form form, const char *expected)
{
    struct conf *a = load(from), *b = load(to);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    long lines = 0, sections;

    ck_assert_ptr_nonnull(out);
    sections = conf_diff(out, a, b, form);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, expected);
    for (const char *p = expected; *p; p = strchr(p, '\n') + 1)
        lines += *p != ' ';
    ck_assert_int_eq(sections, lines);
    free(text);
    conf_free(a);
    conf_free(b);
}

START_TEST(same_is_no_difference)
{
    differ(REST, REST, CONF_DIFF_FULL, "");
    differ(REST, "; with a remark\n[limits]\n" REST, CONF_DIFF_FULL, "");
    differ("[limits]\nmax_body = 1024k\n" REST, "[limits]\nmax_body = 1m\n" REST, CONF_DIFF_BRIEF, "");
    differ(REST, "[greenway]\nworkers = auto\n" REST, CONF_DIFF_FULL, "");
}
END_TEST

START_TEST(numbers_and_words)
{
    differ(REST, "[greenway]\nworkers = 3\nshutdown_grace = 90s\ncore_dumps = on\n" REST, CONF_DIFF_BRIEF,
           "[greenway] changed: workers, shutdown_grace, core_dumps\n");
    differ(
        REST, "[greenway]\nworkers = 3\nshutdown_grace = 90s\ncore_dumps = on\n" REST, CONF_DIFF_FULL,
        "[greenway] changed\n  workers: auto -> 3\n  shutdown_grace: 30s -> 90s\n  core_dumps: off -> on\n");
    differ("[greenway]\npid_file = /run/a\nerror_log = /tmp/e\n" REST, REST, CONF_DIFF_FULL,
           "[greenway] changed\n  error_log: /tmp/e -> -\n  pid_file: /run/a -> none\n");
}
END_TEST

START_TEST(inherited_values_are_the_sections_own)
{
    differ(REST, "[limits]\nmax_body = 3k\n" REST, CONF_DIFF_FULL,
           "[listener a] changed\n  max_body: 0 -> 3k\n");
}
END_TEST

START_TEST(lists)
{
    const char *one = "[listener a]\nbind = :80, :81, :82\nupstream = u\n[upstream u]\nserver = h:1\n";
    const char *two = "[listener a]\nbind = :82, :83, :80, :84\nupstream = u\n[upstream u]\nserver = h:1\n";
    const char *three = "[listener a]\nbind = :82, :81, :80\nupstream = u\n[upstream u]\nserver = h:1\n";

    differ(one, two, CONF_DIFF_FULL, "[listener a] changed\n  bind: - :81\n  bind: + :83\n  bind: + :84\n");
    differ(two, one, CONF_DIFF_FULL, "[listener a] changed\n  bind: + :81\n  bind: - :83\n  bind: - :84\n");
    differ(one, three, CONF_DIFF_FULL, "[listener a] changed\n  bind: in another order\n");
    differ(one, three, CONF_DIFF_BRIEF, "[listener a] changed: bind\n");
}
END_TEST

START_TEST(secrets_are_not_repeated)
{
    differ("[greenway]\nadmin = unix:/a\nadmin_token = 0123456789abcdef0123456789abcdef\n" REST,
           "[greenway]\nadmin = unix:/a\nadmin_token = fedcba9876543210fedcba9876543210\n" REST,
           CONF_DIFF_FULL, "[greenway] changed\n  admin_token: another secret\n");
}
END_TEST

/* A file with other contents is a change too, where they are read with the configuration. */
START_TEST(contents_of_files)
{
    char path[] = "/tmp/greenway-diff-XXXXXX", text[512];
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "0123456789abcdef", 16), 16);
    snprintf(text, sizeof text, "[greenway]\nadmin = unix:/a\nadmin_token_file = %s\n%s", path, REST);
    struct conf *a = load(text), *b = load(text);

    ck_assert_int_eq(pwrite(fd, "fedc", 4, 0), 4);
    struct conf *c = load(text);
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(conf_diff(f, a, b, CONF_DIFF_FULL), 0);
    ck_assert_int_eq(conf_diff(f, a, c, CONF_DIFF_FULL), 1);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_str_eq(out, "[greenway] changed\n  admin_token_file: the file has other contents\n");
    free(out);
    conf_free(a);
    conf_free(b);
    conf_free(c);
    close(fd);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

#define ROUTE(name) "[route " name "]\npath = =/" name "\nupstream = u\n"

START_TEST(sections_come_and_go)
{
    differ(ROUTE("x") REST,
           ROUTE("y") REST "[listener b]\nbind = :90\nupstream = v\n[upstream v]\nserver = h:2\n",
           CONF_DIFF_BRIEF, "[listener b] added\n[route x] removed\n[route y] added\n[upstream v] added\n");
    differ(REST "[listener b]\nbind = :90\nupstream = v\n[upstream v]\nserver = h:2\n", REST, CONF_DIFF_FULL,
           "[listener b] removed\n[upstream v] removed\n");
}
END_TEST

START_TEST(order_of_routes_counts)
{
    differ(ROUTE("x") ROUTE("y") ROUTE("z") REST, ROUTE("y") ROUTE("z") ROUTE("x") REST, CONF_DIFF_FULL,
           "[route x] moved behind others\n");
    differ(ROUTE("x") ROUTE("y") ROUTE("z") REST, ROUTE("x") ROUTE("z") REST, CONF_DIFF_FULL,
           "[route y] removed\n");
    /* Listeners and upstreams are known by their names alone. */
    differ(REST "[listener b]\nbind = :90\nupstream = u\n", "[listener b]\nbind = :90\nupstream = u\n" REST,
           CONF_DIFF_FULL, "");
}
END_TEST

START_TEST(listeners_of_a_route)
{
    const char *more = REST "[listener b]\nbind = :90\nupstream = u\n";
    char one[512], two[512];

    snprintf(one, sizeof one, "%s[route r]\nlistener = a\nupstream = u\n", more);
    snprintf(two, sizeof two, "%s[route r]\nlistener = a, b\nupstream = u\n", more);
    differ(one, two, CONF_DIFF_FULL, "[route r] changed\n  listener: + b\n");
}
END_TEST

START_TEST(keys_that_only_a_start_reads)
{
    struct conf *a = load(REST), *b = load("[greenway]\nworkers = 3\nuser = www\ncore_dumps = on\n" REST);
    const struct conf_key *first = conf_diff_restart(a, b, NULL), *second = conf_diff_restart(a, b, first);

    ck_assert_ptr_nonnull(second);
    ck_assert_str_eq(first->name, "user");
    ck_assert_str_eq(second->name, "core_dumps");
    ck_assert_ptr_null(conf_diff_restart(a, b, second));
    conf_free(a);
    conf_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/diff");
    TCase *c = tcase_create("diff");

    tcase_add_test(c, same_is_no_difference);
    tcase_add_test(c, numbers_and_words);
    tcase_add_test(c, inherited_values_are_the_sections_own);
    tcase_add_test(c, lists);
    tcase_add_test(c, secrets_are_not_repeated);
    tcase_add_test(c, contents_of_files);
    tcase_add_test(c, sections_come_and_go);
    tcase_add_test(c, order_of_routes_counts);
    tcase_add_test(c, listeners_of_a_route);
    tcase_add_test(c, keys_that_only_a_start_reads);
    suite_add_tcase(suite, c);
    return run_tests(suite);
}
