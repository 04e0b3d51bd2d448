/* Help and the reference page: every key is in them, and unknown words get an answer. */
#include "loading.h"

#include "keys.h"

#include <errno.h>

static char *help(const char *word, bool colour, int expected)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(conf_print_help(out, word, colour), expected);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

/* No line of text for a terminal is wider than 80 columns. */
static void fits(const char *text)
{
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
        ck_assert_msg(strcspn(p, "\n") <= 80, "%.*s", (int)strcspn(p, "\n"), p);
}

START_TEST(the_overview_has_every_key)
{
    char *text = help(NULL, false, 0);

    for (enum conf_kind kind = 0; kind < CONF_KINDS; kind++)
        ck_assert_ptr_nonnull(strstr(text, conf_kinds[kind].header));
    for (size_t i = 0; i < conf_key_count; i++) {
        char line[64];

        snprintf(line, sizeof(line), "\n  %-19s ", conf_keys[i].name);
        ck_assert_msg(strstr(text, line) != NULL, "%s is missing", conf_keys[i].name);
    }
    ck_assert_ptr_null(strchr(text, '\033'));
    fits(text);
    free(text);
}
END_TEST

START_TEST(a_key_is_explained)
{
    char *text = help("timeout_connect", false, 0);

    ck_assert_str_eq(text, "timeout_connect: how long opening a connection to a server may take, with the\n"
                           "  look-up of its name\n"
                           "  section   [listener NAME], [upstream NAME], [timeouts]\n"
                           "  value     a duration from 1ms to 365d, with its unit: ms, s, m, h or d\n"
                           "  default   3s\n"
                           "  example   timeout_connect = 500ms\n"
                           "\n"
                           "  After it the next server is tried; when there is none the client gets 504.\n");
    free(text);
}
END_TEST

START_TEST(every_key_fits_the_terminal)
{
    char *text = help(conf_keys[_i].name, false, 0);

    ck_assert_ptr_nonnull(strstr(text, conf_keys[_i].example));
    fits(text);
    free(text);
}
END_TEST

START_TEST(a_word_that_is_a_section_and_a_key)
{
    char *text = help("upstream", false, 0);

    ck_assert_ptr_nonnull(strstr(text, "[upstream NAME]"));
    ck_assert_ptr_nonnull(strstr(text, "\n  server "));
    ck_assert_ptr_nonnull(
        strstr(text, "upstream: the upstream that requests go to, or several that share them\n"));
    ck_assert_ptr_nonnull(strstr(text, "default   none: a route needs one key"));
    free(text);
}
END_TEST

START_TEST(unknown_words)
{
    char *text = help("timeout_conect", false, -ENOENT);

    ck_assert_str_eq(text, "there is no key 'timeout_conect'; did you mean 'timeout_connect'?\n");
    free(text);
    text = help("xyzzy\033[31m", false, -ENOENT);
    ck_assert_str_eq(text, "there is no key 'xyzzy?[31m'; `greenway help` lists all keys\n");
    free(text);
}
END_TEST

START_TEST(colour_on_request)
{
    char *text = help("workers", true, 0);

    ck_assert(!strncmp(text, "\033[1mworkers:\033[0m ", 17));
    free(text);
}
END_TEST

START_TEST(findings_in_colour)
{
    struct conf_errors errors = {0};
    char *text = NULL;
    size_t n = 0;

    ck_assert_ptr_null(conf_load_text("t", "x\n", 2, &errors));
    FILE *out = open_memstream(&text, &n);

    conf_errors_print(out, &errors, true);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert(!strncmp(text, "\033[1mt", 5));
    free(text);
    conf_errors_free(&errors);
}
END_TEST

START_TEST(the_reference_page_has_every_key)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(out);
    conf_print_markdown(out);
    ck_assert_int_eq(fclose(out), 0);
    for (size_t i = 0; i < conf_key_count; i++) {
        char heading[64];

        snprintf(heading, sizeof(heading), "\n### %s\n", conf_keys[i].name);
        const char *found = strstr(text, heading);

        ck_assert_msg(found != NULL, "%s is missing", conf_keys[i].name);
        ck_assert_ptr_null(strstr(found + 1, heading)); /* rows of one name share a heading */
        ck_assert_ptr_nonnull(strstr(text, conf_keys[i].example));
    }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/help");
    TCase *tests = tcase_create("help");

    tcase_add_test(tests, the_overview_has_every_key);
    tcase_add_test(tests, a_key_is_explained);
    tcase_add_loop_test(tests, every_key_fits_the_terminal, 0, (int)conf_key_count);
    tcase_add_test(tests, a_word_that_is_a_section_and_a_key);
    tcase_add_test(tests, unknown_words);
    tcase_add_test(tests, colour_on_request);
    tcase_add_test(tests, findings_in_colour);
    tcase_add_test(tests, the_reference_page_has_every_key);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
