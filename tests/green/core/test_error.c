/* Names and sentences of error codes. */
#include "support.h"

START_TEST(errno_values)
{
    ck_assert_str_eq(green_error_name(-ECONNREFUSED), "ECONNREFUSED");
    ck_assert_str_eq(green_strerror(-ECONNREFUSED), strerror(ECONNREFUSED));
    ck_assert_str_eq(green_error_name(-ETIMEDOUT), "ETIMEDOUT");
    ck_assert_str_eq(green_error_name(-ECANCELED), "ECANCELED");
    ck_assert_str_eq(green_strerror(0), "success");
    ck_assert_str_eq(green_strerror(17), "success");
}
END_TEST

START_TEST(own_values)
{
    for (int code = GREEN_EAI_NONAME; code >= GREEN_EAI_ADDRFAMILY; code--) {
        ck_assert_int_eq(strncmp(green_error_name(code), "GREEN_EAI_", 10), 0);
        ck_assert_str_ne(green_strerror(code), "unknown error");
        for (int other = GREEN_EAI_NONAME; other > code; other--) {
            ck_assert_str_ne(green_error_name(code), green_error_name(other));
            ck_assert_str_ne(green_strerror(code), green_strerror(other));
        }
    }
}
END_TEST

START_TEST(tls_values)
{
    for (int code = GREEN_ETLS; code >= GREEN_ETLS_KEY; code--) {
        ck_assert_int_eq(strncmp(green_error_name(code), "GREEN_ETLS", 10), 0);
        ck_assert_str_ne(green_strerror(code), "unknown error");
        for (int other = GREEN_ETLS; other > code; other--) {
            ck_assert_str_ne(green_error_name(code), green_error_name(other));
            ck_assert_str_ne(green_strerror(code), green_strerror(other));
        }
    }
}
END_TEST

START_TEST(libuv_values)
{
    ck_assert_int_eq(UV_ECONNREFUSED, -ECONNREFUSED);
    ck_assert_str_eq(green_error_name(UV_EOF), "UV_EOF");
    ck_assert_str_eq(green_strerror(UV_EOF), uv_strerror(UV_EOF));
}
END_TEST

START_TEST(never_null)
{
    for (int code = -6000; code < 10; code++) {
        ck_assert_ptr_nonnull(green_strerror(code));
        ck_assert_ptr_nonnull(green_error_name(code));
        ck_assert_uint_gt(strlen(green_strerror(code)), 0);
    }
    ck_assert_str_eq(green_error_name(-4200), "EUNKNOWN");
    ck_assert_str_eq(green_strerror(-4200), "unknown error");
    ck_assert_str_eq(green_error_name(INT32_MIN), "EUNKNOWN");
    ck_assert_str_eq(green_strerror(INT32_MIN), "unknown error");
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {errno_values, 0}, {own_values, 0}, {tls_values, 0}, {libuv_values, 0}, {never_null, 0}};
    return RUN_TESTS("error", tests);
}
