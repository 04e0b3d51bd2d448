/* Field names and values, the known names, and what may be edited. */
#include "suite.h"

static const struct {
    uint8_t id;
    const char *name;
} known[] = {
#define ROW(field, text, rules) {HTTP_F_##field, text},
    HTTP_KNOWN_FIELDS(ROW)
#undef ROW
};

/* Every known name is found in any case, and no neighbour of it is. */
START_TEST(known_names_are_found)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t n = strlen(known[i].name);
        char name[64];

        if (known[i].id == HTTP_F_X_FORWARDED_OTHER || known[i].id == HTTP_F_X_CLIENT_CERT)
            continue;
        ck_assert_msg(http_field_id(span_str(known[i].name)) == known[i].id, "%s", known[i].name);
        for (size_t at = 0; at < n; at++) {
            memcpy(name, known[i].name, n + 1);
            if (name[at] >= 'a' && name[at] <= 'z')
                name[at] = (char)(name[at] - 0x20);
            ck_assert_int_eq(http_field_id(span_str(name)), known[i].id);
            for (int c = 0x20; c < 256; c++) { /* all that may come past the scanner */
                name[at] = (char)c;
                if (span_lower(name[at]) != known[i].name[at])
                    ck_assert_int_ne(http_field_id(span_of(name, n)), known[i].id);
            }
        }
        snprintf(name, sizeof(name), "%sx", known[i].name);
        ck_assert_int_ne(http_field_id(span_str(name)), known[i].id);
        ck_assert_int_ne(http_field_id(span_of(name, n - 1)), known[i].id);
    }
}
END_TEST

START_TEST(other_names)
{
    ck_assert_int_eq(http_field_id(SPAN("")), HTTP_F_OTHER);
    ck_assert_int_eq(http_field_id(SPAN("X")), HTTP_F_OTHER);
    ck_assert_int_eq(http_field_id(SPAN("Accept")), HTTP_F_OTHER);
    ck_assert_int_eq(http_field_id(SPAN("X-Forwarded-")), HTTP_F_OTHER);
    ck_assert_int_eq(http_field_id(SPAN("X-Client-CERT-Subject")), HTTP_F_X_CLIENT_CERT);
    ck_assert_int_eq(http_field_id(SPAN("X-Client-Cert-")), HTTP_F_OTHER);
    ck_assert_int_eq(http_field_id(SPAN("X-FORWARDED-Prefix")), HTTP_F_X_FORWARDED_OTHER);
    ck_assert_int_eq(http_field_id(SPAN("X-Forwarded-A-Name-Much-Longer-Than-Any-Known")),
                     HTTP_F_X_FORWARDED_OTHER);
    ck_assert_int_eq(http_field_rules(HTTP_F_OTHER), 0);
    ck_assert_int_eq(http_field_rules(255), 0);
    ck_assert(http_field_rules(HTTP_F_TRANSFER_ENCODING) & HTTP_RULE_HOP);
}
END_TEST

START_TEST(names_and_values)
{
    ck_assert(http_field_name_valid(SPAN("X-A_b.c!")));
    ck_assert(!http_field_name_valid(SPAN("")));
    ck_assert(!http_field_name_valid(SPAN("a b")));
    ck_assert(!http_field_name_valid(SPAN("a:")));
    ck_assert(!http_field_name_valid(SPAN("\xc3\xa9")));
    ck_assert(http_field_value_valid(SPAN("")));
    ck_assert(http_field_value_valid(SPAN("a b\tc \xc3\xa9")));
    ck_assert(!http_field_value_valid(SPAN(" a")));
    ck_assert(!http_field_value_valid(SPAN("a\t")));
    ck_assert(!http_field_value_valid(SPAN("a\r\nB: c")));
    ck_assert(!http_field_value_valid(SPAN("a\0b")));
}
END_TEST

START_TEST(editable)
{
    ck_assert(http_field_editable(SPAN("X-A")));
    ck_assert(http_field_editable(SPAN("Server")));
    ck_assert(http_field_editable(SPAN("X-Forwarded-For")));
    ck_assert(!http_field_editable(SPAN("host")));
    ck_assert(!http_field_editable(SPAN("Content-Length")));
    ck_assert(!http_field_editable(SPAN("Transfer-Encoding")));
    ck_assert(!http_field_editable(SPAN("connection")));
    ck_assert(!http_field_editable(SPAN("Upgrade")));
    ck_assert(!http_field_editable(SPAN("Trailer")));
    ck_assert(!http_field_editable(SPAN("Expect")));
}
END_TEST

START_TEST(spans)
{
    struct span list = SPAN(" a,, b ,\tc\t,"), element;
    uint64_t value = 0;

    ck_assert(span_next_element(&list, &element));
    assert_span(element, "a");
    ck_assert(span_next_element(&list, &element));
    assert_span(element, "b");
    ck_assert(span_next_element(&list, &element));
    assert_span(element, "c");
    ck_assert(!span_next_element(&list, &element));
    ck_assert(span_has_token(SPAN("x, Y"), SPAN("y")));
    ck_assert(!span_has_token(SPAN("x, yy"), SPAN("y")));
    ck_assert(span_decimal(SPAN("18446744073709551615"), &value) && value == UINT64_MAX);
    ck_assert(!span_decimal(SPAN("18446744073709551616"), &value));
    ck_assert(!span_decimal(SPAN("28446744073709551615"), &value));
    ck_assert(!span_decimal(SPAN(""), &value));
    ck_assert(!span_decimal(SPAN("1 "), &value));
    ck_assert(span_equal(span_of(NULL, 0), SPAN("")));
    ck_assert_uint_eq(span_trim(SPAN(" \t ")).n, 0);
}
END_TEST

/* Reasons are tokens that logs can rely on: distinct, lower case; statuses are errors. */
START_TEST(errors_have_names)
{
    for (int code = HTTP_ERROR_BASE + 1; code < HTTP_ERROR_END; code++) {
        const struct http_error_info *info = http_error_info(code);
        ck_assert(http_is_error(code));
        ck_assert_ptr_nonnull(info->reason);
        ck_assert_uint_eq(strspn(info->reason, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                          strlen(info->reason));
        ck_assert_int_ge(info->status, 400);
        ck_assert_int_lt(info->status, 600);
        for (int other = HTTP_ERROR_BASE + 1; other < code; other++)
            ck_assert_str_ne(info->reason, http_error_info(other)->reason);
    }
    ck_assert(!http_is_error(-1) && !http_is_error(0) && !http_is_error(HTTP_ERROR_BASE));
    ck_assert_int_eq(http_error_info(-1)->status, 500);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("fields");
    tcase_add_test(tc, known_names_are_found);
    tcase_add_test(tc, other_names);
    tcase_add_test(tc, names_and_values);
    tcase_add_test(tc, editable);
    tcase_add_test(tc, spans);
    tcase_add_test(tc, errors_have_names);
    return run_suite(tc, "http/fields");
}
