/* The reader: lines become sections and entries, and nothing is lost or cut on the way. */
#include "loading.h"

#include "reader.h"

#include <ini.h>

/* Everything that was read, as "[title]@line", then "key@line=piece@line|piece@line" for each entry. */
static char *dump(const struct conf_section *section)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(out);
    for (; section; section = section->next) {
        fprintf(out, "[%s]@%d\n", section->title, section->origin.line);
        for (const struct conf_entry *e = section->entries; e; e = e->next) {
            fprintf(out, "%s@%d=", e->key, e->origin.line);
            for (const struct conf_piece *p = e->pieces; p; p = p->next)
                fprintf(out, "%s@%d%s", p->text, p->origin.line, p->next ? "|" : "\n");
        }
    }
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static void reads_bytes(const char *text, size_t n, const char *expected, const char *expected_findings,
                        bool lost)
{
    struct conf_arena arena = {0};
    struct conf_errors errors = {0};
    bool section_lost = false;
    char *exact = malloc(n ? n : 1);

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, text, n);
    char *read = dump(conf_read_text(&arena, &errors, "t", exact, n, &section_lost));
    char *found = findings(&errors);

    ck_assert_str_eq(found, expected_findings);
    ck_assert_msg(!strcmp(read, expected), "read '%.500s', not '%.500s'", read, expected);
    ck_assert_int_eq(section_lost, lost);
    free(exact);
    free(read);
    free(found);
    conf_errors_free(&errors);
    conf_arena_free(&arena);
}

static void reads(const char *text, const char *expected)
{
    reads_bytes(text, strlen(text), expected, "", false);
}

static void complains(const char *text, const char *expected, const char *expected_findings)
{
    reads_bytes(text, strlen(text), expected, expected_findings, false);
}

START_TEST(plain_lines)
{
    reads("", "");
    reads("\n\n", "");
    reads("[a]", "[a]@1\n");
    reads("\n[a]\nk = v\n\nl=w\n[b]\nm : x", "[a]@2\nk@3=v@3\nl@5=w@5\n[b]@6\nm@7=x@7\n");
    reads("[a]\nk =\n", "[a]@1\nk@2=@2\n");
    reads("[a]\nk = a = b : c\n", "[a]@1\nk@2=a = b : c@2\n");
    reads("[a]\n\tk\t=\ta\tb\t\n", "[a]@1\nk@2=a\tb@2\n");
}
END_TEST

START_TEST(line_ends_and_marks)
{
    reads("[a]\r\nk = v\r\nl = w\r\n", "[a]@1\nk@2=v@2\nl@3=w@3\n");
    reads("\xef\xbb\xbf[a]\nk = v", "[a]@1\nk@2=v@2\n");
    reads("\xef\xbb\xbf; first\n[a]\nk = v", "[a]@2\nk@3=v@3\n");
    reads("[a]\nk = \xef\xbb\xbfv \xc3\xbc\n", "[a]@1\nk@2=\xef\xbb\xbfv \xc3\xbc@2\n");
    reads_bytes("\xff\xfe[\0a\0]\0", 8, "", "t: the file is UTF-16; it must be UTF-8\n", true);
}
END_TEST

START_TEST(comments)
{
    reads("; c\n# c\n[a] ; c\n  ; c\n  # c\nk = v ; c\nl = w\t;c\n", "[a]@3\nk@6=v@6\nl@7=w@7\n");
    reads("[a]\nk = a;b\nl = # no comment\nm = x # y\n",
          "[a]@1\nk@2=a;b@2\nl@3=# no comment@3\nm@4=x # y@4\n");
    reads("[a]\nk = ; c\n", "[a]@1\nk@2=@2\n");
    reads("[a]\nk = 1 ; c\n  2 ; c\n  ; c\n\n  3\n", "[a]@1\nk@2=1@2|2@3|3@6\n");
}
END_TEST

START_TEST(continuation_lines)
{
    reads("[a]\nk = 1,\n  2\n\t3\nl = 4\n", "[a]@1\nk@2=1,@2|2@3|3@4\nl@5=4@5\n");
    reads("[a]\nk =\n  [::1]:80\n", "[a]@1\nk@2=@2|[::1]:80@3\n");
    reads("[a]\n  k = v\n", "[a]@1\nk@2=v@2\n"); /* nothing to continue */
    reads("[a]\nk = 1\n[b]\n  k = 2\n", "[a]@1\nk@2=1@2\n[b]@3\nk@4=2@4\n");
    complains(
        "[a]\nk = 1\n  l = 2\n  3\n  [b]\n  [::1]\n", "[a]@1\nk@2=1@2|3@4|[::1]@6\n",
        "t:3: [a]: the indented line continues the value above; 'l =' must start at the left margin\n"
        "t:5: [a]: the indented line continues the value above; a section header must start at the left "
        "margin\n");
}
END_TEST

START_TEST(section_headers)
{
    char title[64] = "[", expected[80];

    reads("[ upstream \t app ]\nk = v\n", "[upstream app]@1\nk@2=v@2\n");
    reads("[a]\n[a]\n", "[a]@1\n[a]@2\n");
    memset(title + 1, 'x', 49);
    title[50] = ']';
    snprintf(expected, sizeof(expected), "%s@1\n", title);
    reads(title, expected);
    title[50] = 'x';
    title[51] = ']';
    reads_bytes(title, strlen(title), "", "t:1: a section's name must have 1 to 49 bytes; this one has 50\n",
                true);
    reads_bytes("[]\nk = v\n", 9, "", "t:1: a section's name must have 1 to 49 bytes; this one has 0\n",
                true);
    reads_bytes("[a\nk = v\n [x] y\n", 16, "", "t:1: the section header has no ']'\n", true);
    reads_bytes("[a ; ]\n", 7, "", "t:1: the section header has no ']'\n", true);
    reads_bytes("[b]\nx = 1\n[a] k = v\nl = w\n  m\n[c]\nn = o\n", 40, "[b]@1\nx@2=1@2\n[c]@6\nn@7=o@7\n",
                "t:3: ' k = v' stands behind the ']' of a section header; only a comment may\n", true);
}
END_TEST

START_TEST(lines_that_are_nothing)
{
    complains("[a]\nfoo\nk = v\nbar baz\n", "[a]@1\nk@3=v@3\n",
              "t:2: [a]: the line is neither a [section] nor 'key = value'\n"
              "t:4: [a]: the line is neither a [section] nor 'key = value'\n");
    complains("[a]\nk = v\nfoo\n  continued\nl = w", "[a]@1\nk@2=v@2\nl@5=w@5\n",
              "t:3: [a]: the line is neither a [section] nor 'key = value'\n");
    complains("[a]\n= v\n  w\nk = v\n", "[a]@1\nk@4=v@4\n", "t:2: [a]: there is no key before the '='\n");
    complains("k = v\n  w\nl = w\n[a]\nm = x\n", "[a]@4\nm@5=x@5\n",
              "t:1: the line stands before the first [section]\n"
              "t:3: the line stands before the first [section]\n");
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    reads_bytes("[a]\nk = a\0b\n  c\nl = w\n", 22, "[a]@1\nl@4=w@4\n",
                "t:2: [a]: byte 6 is the control character 0x00; only text and tabs are allowed\n", false);
    reads_bytes("[a]\n; \0\n", 8, "[a]@1\n",
                "t:2: [a]: byte 3 is the control character 0x00; only text and tabs are allowed\n", false);
    complains("[a]\nk = a\rb\nl = \x1b[31m\nm = x\x7f\n", "[a]@1\n",
              "t:2: [a]: byte 6 is the control character 0x0d; only text and tabs are allowed\n"
              "t:3: [a]: byte 5 is the control character 0x1b; only text and tabs are allowed\n"
              "t:4: [a]: byte 6 is the control character 0x7f; only text and tabs are allowed\n");
    complains("[a]\nk = 1\n  \x01\n  2\n", "[a]@1\nk@2=1@2|2@4\n",
              "t:3: [a]: byte 3 is the control character 0x01; only text and tabs are allowed\n");
}
END_TEST

/* A line of every length around the size of inih's buffer, and far beyond it, comes back byte by byte. */
static void long_value(const char *before, const char *unit, size_t length)
{
    char *value = malloc(length + 1), *text = NULL, *expected = NULL;

    ck_assert_ptr_nonnull(value);
    for (size_t i = 0; i < length; i++)
        value[i] = unit[i % strlen(unit)];
    if (length) { /* no blanks at the ends, where they would not count */
        value[0] = 'A';
        value[length - 1] = 'Z';
    }
    value[length] = 0;
    ck_assert_int_gt(asprintf(&text, "[a]\n%s%s ; comment\n  %s\nl = w\n", before, value, value), 0);
    ck_assert_int_gt(asprintf(&expected, "[a]@1\nk@2=%s@2|%s@3\nl@4=w@4\n", value, value), 0);
    reads(text, expected);
    free(value);
    free(text);
    free(expected);
}

START_TEST(long_lines_are_read_in_full)
{
    static const char *const units[] = {"x",  "10.0.0.1:80, ", "a b c ", "a      b", "a;b#c",
                                        "x#", "\xc3\xbc"};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        for (size_t n = 1; n < 500; n += n < 160 || n > 220 ? 13 : 1)
            long_value("k = ", units[i], n);
        long_value("k\t: ", units[i], 100000);
        long_value(
            "  k                                 =                                                        ",
            units[i], 1000);
    }
}
END_TEST

START_TEST(blanks_between_a_long_lines_parts_are_kept)
{
    char text[2000] = "[a]\nk = ", expected[2000] = "[a]@1\nk@2=", value[1000];

    memset(value, ' ', sizeof(value)); /* one run of blanks longer than the buffer */
    value[0] = 'a';
    value[900] = 'b';
    value[901] = 0;
    strcat(strcat(text, value), "\n");
    strcat(strcat(expected, value), "@2\n");
    reads(text, expected);
}
END_TEST

START_TEST(long_lines_that_cannot_be_split)
{
    char text[1000] = "[a]\nk = x";

    memset(text + strlen(text), '#', 600);
    strcat(text, "\n  y\nl = w\n");
    complains(text, "[a]@1\nl@4=w@4\n",
              "t:2: [a]: the line is 605 bytes long and has no place where it can be split; continue it on "
              "indented "
              "lines\n");
}
END_TEST

START_TEST(long_lines_that_are_nothing)
{
    char text[1000] = "[a]\n";

    memset(text + 4, 'x', 300);
    strcpy(text + 304, "\n  y\nk = v\n");
    complains(text, "[a]@1\nk@4=v@4\n", "t:2: [a]: the line is neither a [section] nor 'key = value'\n");
    strcpy(text + 304, " = 1\n  y\nk = v\n");
    complains(text, "[a]@1\nk@4=v@4\n", "t:2: [a]: the line is neither a [section] nor 'key = value'\n");
    memset(text + 4, ';', 300);
    strcpy(text + 304, "\nk = v\n");
    reads(text, "[a]@1\nk@3=v@3\n");
}
END_TEST

START_TEST(findings_are_counted_but_not_kept_without_end)
{
    struct conf_arena arena = {0};
    struct conf_errors errors = {0};
    bool lost = false;
    char text[3 + 2 * 5000];

    memcpy(text, "[a]", 3);
    for (size_t i = 0; i < 5000; i++)
        memcpy(text + 3 + 2 * i, "\nx", 2);
    conf_read_text(&arena, &errors, "t", text, sizeof(text), &lost);
    ck_assert_uint_eq(errors.errors, 5000);
    ck_assert_uint_eq(errors.count, CONF_ERRORS_KEPT);
    char *found = findings(&errors);

    ck_assert_ptr_nonnull(strstr(found, "\nand 4000 more\n"));
    free(found);
    conf_errors_free(&errors);
    conf_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/reader");
    TCase *tests = tcase_create("reader");

    tcase_add_test(tests, plain_lines);
    tcase_add_test(tests, line_ends_and_marks);
    tcase_add_test(tests, comments);
    tcase_add_test(tests, continuation_lines);
    tcase_add_test(tests, section_headers);
    tcase_add_test(tests, lines_that_are_nothing);
    tcase_add_test(tests, bytes_that_are_no_text);
    tcase_add_test(tests, long_lines_are_read_in_full);
    tcase_add_test(tests, blanks_between_a_long_lines_parts_are_kept);
    tcase_add_test(tests, long_lines_that_cannot_be_split);
    tcase_add_test(tests, long_lines_that_are_nothing);
    tcase_add_test(tests, findings_are_counted_but_not_kept_without_end);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
