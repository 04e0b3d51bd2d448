/* Files: what cannot be read, and what includes what. */
#include "loading.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define APP "[upstream app]\nserver = a:80\n"
#define WEB "[listener web]\nbind = :80\nupstream = app\n"

static char folder[] = "/tmp/greenway-conf-XXXXXX";

static void enter(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void leave(void)
{
    char *command = NULL;

    ck_assert_int_gt(asprintf(&command, "rm -r %s", folder), 0);
    ck_assert_int_eq(system(command), 0);
    free(command);
}

static void put(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

static struct conf *load_file(const char *path, const char *expected)
{
    struct conf_errors errors = {0};
    struct conf *conf = conf_load(path, &errors);
    char *found = findings(&errors);

    ck_assert_str_eq(found, expected);
    ck_assert(conf ? errors.errors == 0 : errors.errors > 0);
    free(found);
    conf_errors_free(&errors);
    return conf;
}

START_TEST(a_file_is_loaded)
{
    put("a.ini", WEB APP);
    struct conf *c = load_file("a.ini", "");

    ck_assert_str_eq(c->file, "a.ini");
    ck_assert_str_eq(c->upstreams[0].origin.file, "a.ini");
    ck_assert_int_eq(c->upstreams[0].origin.line, 4);
    conf_free(c);
    put("b.ini", WEB "foo\n[upstream app]\nserver = x\n");
    load_file(
        "./b.ini",
        "./b.ini:4: [listener web]: the line is neither a [section] nor 'key = value'\n"
        "./b.ini:6: [upstream app] server: 'x' has no port; allowed: HOST:PORT, [IPV6]:PORT, unix:/PATH or "
        "srv:_SERVICE._PROTOCOL.DOMAIN, and weight=1 to weight=256, tier=1 to tier=15 or backup, "
        "max_connections=N\n");
}
END_TEST

START_TEST(an_unreadable_file_is_one_line)
{
    load_file("no.ini", "no.ini: No such file or directory\n");
    load_file("", ": No such file or directory\n");
    ck_assert_int_eq(mkdir("d.ini", 0700), 0);
    load_file("d.ini", "d.ini: Is a directory\n");
    put("plain", "");
    load_file("plain/x.ini", "plain/x.ini: Not a directory\n");
    load_file("plain", "plain: there is no [listener NAME], so nothing would be served\n");
    load_file("\x1b[31m", "\\x1b[31m: No such file or directory\n");
}
END_TEST

START_TEST(a_pipe_is_read_to_its_end)
{
    int ends[2];
    char path[64], *text = NULL;

    /* More than one read, less than what a pipe holds. */
    ck_assert_int_gt(asprintf(&text, "; %20000d\n" WEB APP, 1), 0);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    struct conf *c = load_file(path, "");

    ck_assert_int_eq(c->listeners[0].origin.line, 2);
    conf_free(c);
    close(ends[0]);
    free(text);
}
END_TEST

START_TEST(a_file_that_is_too_large)
{
    int fd = open("large.ini", O_CREAT | O_WRONLY, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 16 * 1024 * 1024 + 1), 0);
    close(fd);
    load_file("large.ini", "large.ini: the file is larger than 16 MiB\n");
}
END_TEST

START_TEST(includes_are_read_in_order)
{
    ck_assert_int_eq(mkdir("etc", 0700), 0);
    ck_assert_int_eq(mkdir("etc/conf.d", 0700), 0);
    put("etc/main.ini",
        "[greenway]\ninclude = conf.d/*.ini,\n  last.ini\ninclude = none/*.ini none-*.ini\n" WEB
        "[route main]\nhost = m\nupstream = app\n");
    put("etc/conf.d/2.ini", "[route two]\nhost = two\nupstream = app\n");
    put("etc/conf.d/10.ini", "[route ten]\nhost = ten\nupstream = app\n[greenway]\nworkers = 3\n");
    put("etc/conf.d/skipped.txt", "nonsense");
    put("etc/last.ini", APP "[route last]\nhost = last\nupstream = app\n");
    struct conf *c = load_file("etc/main.ini", "");

    ck_assert_uint_eq(c->route_count, 4);
    ck_assert_str_eq(c->routes[0].name, "ten");
    ck_assert_str_eq(c->routes[1].name, "two");
    ck_assert_str_eq(c->routes[2].name, "last");
    ck_assert_str_eq(c->routes[3].name, "main");
    ck_assert_int_eq(c->workers, 3);
    ck_assert_str_eq(conf_origin_of(c, "workers").file, "etc/conf.d/10.ini");
    ck_assert_int_eq(conf_origin_of(c, "workers").line, 5);
    ck_assert_str_eq(c->upstreams[0].servers[0].origin.file, "etc/last.ini");
    conf_free(c);
}
END_TEST

START_TEST(includes_from_elsewhere)
{
    char *text = NULL;

    /* An absolute path, a folder whose name looks like a pattern, and a path from the environment. */
    ck_assert_int_eq(mkdir("[a]*", 0700), 0);
    put("app.ini", APP);
    put("[a]*/x1.ini", WEB);
    ck_assert_int_gt(asprintf(&text, "[greenway]\ninclude = ${CONF_APP}, x?.ini\n"), 0);
    put("[a]*/main.ini", text);
    free(text);
    ck_assert_int_gt(asprintf(&text, "%s/app.ini", folder), 0);
    setenv("CONF_APP", text, 1);
    free(text);
    struct conf *c = load_file("[a]*/main.ini", "");

    ck_assert_str_eq(c->listeners[0].origin.file, "[a]*/x1.ini");
    conf_free(c);
    unsetenv("CONF_APP");
    load_file("[a]*/main.ini",
              "[a]*/main.ini:2: [greenway] include: CONF_APP is not set in the environment; write "
              "${CONF_APP:-default} to do without\n");
}
END_TEST

START_TEST(includes_that_are_missing)
{
    put("main.ini",
        "[greenway]\ninclude = no.ini\n  plain/x.ini, d\ninclude = *.none\ninclude =\nworkers = x\n" WEB);
    put("plain", "");
    ck_assert_int_eq(mkdir("d", 0700), 0);
    /* The upstream may be in a file that is not there, so nothing is said about it. */
    load_file("main.ini",
              "main.ini:2: [greenway] include: no.ini: No such file or directory\n"
              "main.ini:3: [greenway] include: plain/x.ini: Not a directory\n"
              "main.ini:3: [greenway] include: d: Is a directory\n"
              "main.ini:5: [greenway] include: the value is missing; allowed: paths or patterns of files, "
              "separated by commas or blanks\n"
              "main.ini:6: [greenway] workers: 'x' is not understood; allowed: auto, or a number from 1 "
              "to 256\n");
}
END_TEST

START_TEST(errors_within_includes)
{
    put("main.ini", "[greenway]\nworkers = x\ninclude = b.ini, a.ini\nfoo\n" WEB APP);
    put("a.ini", "bar\n[limits]\nmax_head = 1\n");
    put("b.ini", "[route r]\nbaz\nupstream = ap\n");
    load_file(
        "main.ini",
        "main.ini:2: [greenway] workers: 'x' is not understood; allowed: auto, or a number from 1 to 256\n"
        "main.ini:4: [greenway]: the line is neither a [section] nor 'key = value'\n"
        "b.ini:2: [route r]: the line is neither a [section] nor 'key = value'\n"
        "b.ini:3: [route r] upstream: there is no [upstream ap]; did you mean 'app'?\n"
        "a.ini:1: the line stands before the first [section]\n"
        "a.ini:3: [limits] max_head: '1' is out of range; allowed: a size from 1k to 64k, in bytes or with a "
        "unit: k, m, g or t\n");
}
END_TEST

START_TEST(sections_and_keys_across_files)
{
    put("main.ini", "[greenway]\ninclude = other.ini\nworkers = 1\n[limits]\nmax_head = 2k\n" WEB APP);
    put("other.ini",
        "[greenway]\nworkers = 2\n[limits]\nmax_fields = 3\n[limits]\n[upstream app]\nserver = b:80\n");
    load_file("main.ini",
              "main.ini:9: [upstream app]: the section already stands at other.ini:6\n"
              "other.ini:2: [greenway] workers: the key is already set at main.ini:3 and takes one value\n"
              "other.ini:5: [limits]: the section already stands at other.ini:3\n");
    put("other.ini", "[limits]\nmax_fields = 3\n");
    struct conf *c = load_file("main.ini", "");

    ck_assert_int_eq(c->listeners[0].max_fields, 3);
    ck_assert_int_eq(c->listeners[0].max_head, 2048);
    conf_free(c);
}
END_TEST

START_TEST(includes_in_a_circle)
{
    put("a.ini", "[greenway]\ninclude = *.ini\n");
    put("b.ini", "[greenway]\ninclude = c.ini\n");
    put("c.ini", "[greenway]\ninclude = ./b.ini\n" WEB APP);
    load_file("c.ini", "./b.ini:2: [greenway] include: ./c.ini: the file includes itself\n");
    ck_assert_int_eq(unlink("b.ini") | unlink("c.ini"), 0);
    load_file("a.ini", "a.ini:2: [greenway] include: a.ini: the file includes itself\n");
}
END_TEST

START_TEST(includes_that_are_too_many)
{
    char path[32], text[64];

    for (int i = 0; i < 12; i++) {
        snprintf(path, sizeof(path), "deep%d.ini", i);
        snprintf(text, sizeof(text), "[greenway]\ninclude = deep%d.ini\n", i + 1);
        put(path, text);
    }
    load_file("deep0.ini",
              "deep8.ini:2: [greenway] include: deep9.ini: includes are nested more than 8 deep\n");
    for (int i = 0; i < 1001; i++) {
        snprintf(path, sizeof(path), "many%04d", i);
        put(path, "");
    }
    put("main.ini", "[greenway]\ninclude = many*\n" WEB APP);
    load_file("main.ini", "main.ini:2: [greenway] include: many0999: more than 1000 files are included\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/load");
    TCase *tests = tcase_create("load");

    tcase_add_checked_fixture(tests, enter, leave);
    tcase_add_test(tests, a_file_is_loaded);
    tcase_add_test(tests, an_unreadable_file_is_one_line);
    tcase_add_test(tests, a_pipe_is_read_to_its_end);
    tcase_add_test(tests, a_file_that_is_too_large);
    tcase_add_test(tests, includes_are_read_in_order);
    tcase_add_test(tests, includes_from_elsewhere);
    tcase_add_test(tests, includes_that_are_missing);
    tcase_add_test(tests, errors_within_includes);
    tcase_add_test(tests, sections_and_keys_across_files);
    tcase_add_test(tests, includes_in_a_circle);
    tcase_add_test(tests, includes_that_are_too_many);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
