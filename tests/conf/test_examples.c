/* Every example loads without a finding, and is what its first line says. */
#include "loading.h"

#include <dirent.h>

static struct conf *example(const char *name)
{
    struct conf_errors errors = {0};
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", EXAMPLES, name);
    struct conf *c = conf_load(path, &errors);
    char *found = findings(&errors);

    ck_assert_str_eq(found, "");
    ck_assert_ptr_nonnull(c);
    free(found);
    conf_errors_free(&errors);
    return c;
}

START_TEST(all_of_them_load)
{
    DIR *folder = opendir(EXAMPLES);
    size_t count = 0;

    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strstr(entry->d_name, ".ini")) {
            conf_free(example(entry->d_name));
            count++;
        }
    closedir(folder);
    ck_assert_uint_ge(count, 3);
}
END_TEST

START_TEST(reverse)
{
    struct conf *c = example("reverse.ini");

    ck_assert_uint_eq(c->listener_count, 1);
    ck_assert_int_eq(c->listeners[0].bind[0].port, 8080);
    ck_assert_int_eq(c->listeners[0].split.shares[0].to.upstream->servers[0].port, 3000);
    conf_free(c);
}
END_TEST

START_TEST(tcp)
{
    struct conf *c = example("tcp.ini");

    ck_assert_int_eq(c->listeners[0].protocol, CONF_TCP);
    ck_assert_int_eq(c->listeners[0].timeout_tunnel, INT64_C(600000000000));
    conf_free(c);
}
END_TEST

START_TEST(forward)
{
    struct conf *c = example("forward.ini");

    ck_assert_int_eq(c->listeners[0].protocol, CONF_FORWARD);
    ck_assert_uint_eq(c->listeners[0].forward.internal_count, 1);
    ck_assert_int_eq(c->listeners[0].forward.keepalive, 256);
    conf_free(c);
}
END_TEST

START_TEST(virtual_hosts)
{
    unsetenv("ACCESS_LOG");
    struct conf *c = example("virtual-hosts.ini");

    ck_assert_str_eq(c->logging.target.written, "-");
    ck_assert_uint_eq(c->route_count, 2);
    ck_assert_str_eq(c->routes[0].split.shares[0].to.upstream->name, "api");
    ck_assert_uint_eq(c->routes[0].split.shares[0].to.upstream->server_count, 3);
    ck_assert_int_eq(c->listeners[0].max_body, 10 << 20);
    ck_assert_int_eq(c->routes[1].max_body, INT64_C(2) << 30);
    conf_free(c);
    setenv("ACCESS_LOG", "/var/log/a.log", 1);
    c = example("virtual-hosts.ini");
    ck_assert_str_eq(c->logging.target.written, "/var/log/a.log");
    conf_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/examples");
    TCase *tests = tcase_create("examples");

    tcase_add_test(tests, all_of_them_load);
    tcase_add_test(tests, reverse);
    tcase_add_test(tests, tcp);
    tcase_add_test(tests, forward);
    tcase_add_test(tests, virtual_hosts);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
