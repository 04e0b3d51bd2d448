/* proxy/http/via.c */
#include "http/via.h"

#include "suite.h"

static unsigned count(const char *fields, const char *name)
{
    char text[500];
    struct http_head head;
    int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
    ck_assert_int_lt(n, (int)sizeof text);
    assert_error(request(text, &head), 1, text);
    return http_via_count(&head, span_str(name));
}

START_TEST(none)
{
    ck_assert_uint_eq(count("", "me"), 0);
    ck_assert_uint_eq(count("Via: 1.1 you\r\n", "me"), 0);
    ck_assert_uint_eq(count("X-Via: 1.1 me\r\n", "me"), 0);
    ck_assert_uint_eq(count("Via:\r\n", "me"), 0);
    ck_assert_uint_eq(count("Via: me\r\n", "me"), 0);
    ck_assert_uint_eq(count("Via: 1.1\r\n", "me"), 0);
    ck_assert_uint_eq(count("Via: ,, ,\r\n", "me"), 0);
    ck_assert_uint_eq(count("Via: me 1.1\r\n", "me"), 0);
    ck_assert_uint_eq(count("Via: 1.1 me.example, 1.1 some, 1.1 m\r\n", "me"), 0);
    ck_assert_uint_eq(count("Via: 1.1 you (1.1 me)\r\n", "me"), 0);
}
END_TEST

START_TEST(all_lines_and_members)
{
    ck_assert_uint_eq(count("Via: 1.1 me\r\n", "me"), 1);
    ck_assert_uint_eq(count("Via: HTTP/1.1 ME (a comment)\r\n", "me"), 1);
    ck_assert_uint_eq(count("Via: 1.0\t \tme\r\n", "me"), 1);
    ck_assert_uint_eq(count("Via: 1.1 you, 1.1 me,1.0 me ,2 me:80\r\n", "me"), 2);
    ck_assert_uint_eq(count("Via: 1.1 me\r\nX: 1\r\nvia: 1.1 you, 1.1 me\r\n", "me"), 2);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("via");
    tcase_add_test(tc, none);
    tcase_add_test(tc, all_lines_and_members);
    return run_suite(tc, "http/via");
}
