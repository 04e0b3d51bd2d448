/* W3C Trace Context: what is a trace, what is not, and what is written. */
#include "http/trace_context.h"

#include <check.h>
#include <stdlib.h>

#define ID     "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static const struct {
    const char *value;
    int flags; /* -1: malformed */
} parents[] = {
    {"00-" ID "-" PARENT "-01", 1},
    {"00-" ID "-" PARENT "-00", 0},
    {"00-" ID "-" PARENT "-ff", 255},
    {"01-" ID "-" PARENT "-01", 1},
    {"cc-" ID "-" PARENT "-01-what-is-to-come", 1},
    {"cc-" ID "-" PARENT "-01-", 1},
    {"", -1},
    {"00", -1},
    {"00-" ID "-" PARENT "-01-", -1},
    {"00-" ID "-" PARENT "-01-x", -1},
    {"00-" ID "-" PARENT "-0", -1},
    {"00-" ID "-" PARENT "-", -1},
    {"00-" ID "-" PARENT, -1},
    {"cc-" ID "-" PARENT "-01.x", -1},
    {"cc-" ID "-" PARENT "-011", -1},
    {"ff-" ID "-" PARENT "-01", -1},
    {"0-" ID "-" PARENT "-01", -1},
    {"000-" ID "-" PARENT "-01", -1},
    {".0-" ID "-" PARENT "-01", -1},
    {"0g-" ID "-" PARENT "-01", -1},
    {"00_" ID "-" PARENT "-01", -1},
    {"00-" ID "_" PARENT "-01", -1},
    {"00-" ID "-" PARENT "_01", -1},
    {"00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", -1},
    {"00-" ID "-B7AD6B7169203331-01", -1},
    {"00-00000000000000000000000000000000-" PARENT "-01", -1},
    {"00-" ID "-0000000000000000-01", -1},
    {"00-" ID "0-" PARENT "-01", -1},
    {"00-" ID "-0" PARENT "-01", -1},
    {"00-" ID "-" PARENT "-.0", -1},
    {" 00-" ID "-" PARENT "-01", -1},
};

START_TEST(traceparent)
{
    struct trace_context context;
    struct span value = span_str(parents[_i].value);
    bool good = trace_context_parse(value, &context);

    ck_assert_msg(good == (parents[_i].flags >= 0), "%s", parents[_i].value);
    if (!good)
        return;
    ck_assert_int_eq((int)context.flags, parents[_i].flags);
    ck_assert(span_equal(context.trace_id, SPAN(ID)));
    ck_assert(span_equal(context.parent_id, SPAN(PARENT)));
    char out[TRACEPARENT_BYTES];
    trace_context_print(&context, out);
    ck_assert_int_eq(memcmp(out,
                            parents[_i].flags & 1 ? "00-" ID "-" PARENT "-01" : "00-" ID "-" PARENT "-00",
                            TRACEPARENT_BYTES),
                     0);
    for (size_t n = 0; n < TRACEPARENT_BYTES; n++) { /* never beyond the end */
        char *exact = malloc(n ? n : 1);
        memcpy(exact, value.p, n);
        ck_assert(!trace_context_parse(span_of(exact, n), &context));
        free(exact);
    }
}
END_TEST

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *value;
    int members; /* -1: malformed */
} states[] = {
    {"", 0},
    {"rojo=00f067aa0ba902b7", 1},
    {"rojo=1,congo=t61rcWkgMzE", 2},
    {" rojo=1 ,\tcongo=2\t,,", 2},
    {"fw529a3039@dt=FfAl:a_b-c*d/e", 1},
    {"0a=b", 1},
    {"a=" A64 A64 A64 A64, 1},
    {A64 A64 A64 A64 "=a", 1},
    {"a=b c", 1},
    {"a=~!\"#", 1},
    {"a", -1},
    {"a=", -1},
    {"=b", -1},
    {"A=b", -1},
    {"_a=b", -1},
    {"a b=c", -1},
    {"a=b=c", -1},
    {"a=b\tc", -1},
    {"a=\xff", -1},
    {"a=b,c", -1},
    {"a=" A64 A64 A64 A64 "a", -1},
    {A64 A64 A64 A64 "a=a", -1},
};

START_TEST(tracestate)
{
    unsigned members = 0;
    bool good = trace_state_valid(span_str(states[_i].value), &members);

    ck_assert_msg(good == (states[_i].members >= 0), "%s", states[_i].value);
    if (good)
        ck_assert_uint_eq(members, (unsigned)states[_i].members);
}
END_TEST

START_TEST(members_of_all_fields_count)
{
    unsigned members = 0;

    for (int i = 0; i < 16; i++)
        ck_assert(trace_state_valid(SPAN("a=1,b=2"), &members));
    ck_assert(trace_state_valid(SPAN(","), &members));
    ck_assert(!trace_state_valid(SPAN("c=3"), &members));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http/trace_context");
    TCase *tests = tcase_create("all");

    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, traceparent, 0, (int)(sizeof parents / sizeof parents[0]));
    tcase_add_loop_test(tests, tracestate, 0, (int)(sizeof states / sizeof states[0]));
    tcase_add_test(tests, members_of_all_fields_count);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
