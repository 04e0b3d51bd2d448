/* Credentials in heads: Authorization and cookies. */
#include "suite.h"

#include "http/credentials.h"

static struct http_head head;

static void read_head(const char *fields)
{
    static char text[2048]; /* the head's spans point into it */
    int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
    ck_assert_int_eq(parse_request(text, (size_t)n, NULL, &head), 1);
}

static const struct {
    const char *fields, *scheme, *credentials; /* NULL: none */
} authorizations[] = {
    {"", "Basic", NULL},
    {"Authorization: Basic abc\r\n", "Basic", "abc"},
    {"authorization:   bASIC \t abc  \r\n", "Basic", "abc"},
    {"Authorization: Bearer a.b.c\r\n", "Bearer", "a.b.c"},
    {"Authorization: Bearer a.b.c\r\n", "Basic", NULL},
    {"Authorization: Basic\r\n", "Basic", NULL},
    {"Authorization: Basicabc\r\n", "Basic", NULL},
    {"Authorization:\r\n", "Basic", NULL},
    {"Authorization: Basic abc\r\nAuthorization: Basic abc\r\n", "Basic", NULL},
    {"Authorization: Basic abc\r\nAuthorization: Bearer x\r\n", "Bearer", NULL},
    {"Proxy-Authorization: Basic abc\r\n", "Basic", NULL},
};

START_TEST(authorization)
{
    struct span found;
    read_head(authorizations[_i].fields);
    bool any = http_authorization(&head, HTTP_F_AUTHORIZATION, span_str(authorizations[_i].scheme), &found);
    ck_assert_int_eq(any, authorizations[_i].credentials != NULL);
    if (any)
        ck_assert(span_equal(found, span_str(authorizations[_i].credentials)));
}
END_TEST

START_TEST(authorization_for_a_proxy)
{
    struct span found;
    read_head("Authorization: Basic abc\r\nProxy-Authorization: Basic xyz\r\n");
    ck_assert(http_authorization(&head, HTTP_F_PROXY_AUTHORIZATION, SPAN("Basic"), &found));
    assert_span(found, "xyz");
}
END_TEST

static const struct {
    const char *fields, *value; /* of the cookie "t", NULL: none */
} cookies[] = {
    {"", NULL},
    {"Cookie: t=1\r\n", "1"},
    {"Cookie: a=b; t=1; c=d\r\n", "1"},
    {"Cookie: a=b;t=1\r\n", "1"},
    {"Cookie: tt=0; T=0; t=1; t=2\r\n", "1"},
    {"Cookie: a=b\r\nCookie: t=1\r\n", "1"},
    {"Cookie: t=\r\n", ""},
    {"Cookie: t\r\n", NULL},
    {"Cookie: t; x=t=1\r\n", NULL},
    {"Cookie: t=\"quoted\"\r\n", "quoted"},
    {"Cookie: t=\"\r\n", "\""},
    {"Cookie: t=a=b==\r\n", "a=b=="},
    {"Cookie: ;;; = ; =x; t = 1 ;\r\n", "1"},
};

START_TEST(cookie)
{
    struct span found;
    read_head(cookies[_i].fields);
    bool any = http_cookie(&head, SPAN("t"), &found);
    ck_assert_int_eq(any, cookies[_i].value != NULL);
    if (any)
        ck_assert(span_equal(found, span_str(cookies[_i].value)));
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("credentials");
    tcase_add_loop_test(tc, authorization, 0, sizeof authorizations / sizeof authorizations[0]);
    tcase_add_test(tc, authorization_for_a_proxy);
    tcase_add_loop_test(tc, cookie, 0, sizeof cookies / sizeof cookies[0]);
    return run_suite(tc, "http/credentials");
}
