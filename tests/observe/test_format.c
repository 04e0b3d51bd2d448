/* Lines of the access log, byte for byte, and what hostile text may not do to them. */
#include "observe/format.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "syntax.h"

#define MOMENT INT64_C(1769903999123456789) /* 2026-01-31 23:59:59.123 UTC */

static struct conf_listener listener = {.name = "web"};
static struct conf_route route = {.name = "api"};
static struct conf_upstream upstream = {.name = "app"};
static struct conf_server server = {.text = "10.0.0.11:8080"};
static struct conf_origin origin = {"/etc/greenway.ini", 12};
static struct format_date date;
static char line[FORMAT_LINE_BYTES];

static struct access_entry entry(green_address_t *client)
{
    ck_assert_int_eq(green_address_parse(client, "192.0.2.7", 4711), 0);
    return (struct access_entry){.listener = &listener,
                                 .client = client,
                                 .method = SPAN("GET"),
                                 .host = SPAN("example.com"),
                                 .target = SPAN("/a?b=c"),
                                 .minor = 1,
                                 .status = 200,
                                 .bytes_in = 5,
                                 .bytes_out = UINT64_MAX,
                                 .reason = "",
                                 .started = GREEN_S(100),
                                 .ended = GREEN_S(100) + 1234567};
}

static const char *json(const struct access_entry *e)
{
    char *end = format_json(line, e, &date, MOMENT);
    ck_assert_int_lt(end - line, FORMAT_LINE_BYTES);
    *end = 0;
    return line;
}

static const char *combined(const struct access_entry *e)
{
    char *end = format_combined(line, e, &date, MOMENT);
    ck_assert_int_lt(end - line, FORMAT_LINE_BYTES);
    *end = 0;
    return line;
}

START_TEST(json_of_a_request)
{
    green_address_t client;
    struct access_entry e = entry(&client);
    e.route = &route;
    e.upstream = &upstream;
    e.server = &server;
    e.connected = e.started + 1000;
    e.first_byte = e.started + 999499;
    ck_assert_str_eq(
        json(&e), "{\"time\":\"2026-01-31T23:59:59.123Z\",\"client\":\"192.0.2.7\",\"listener\":\"web\","
                  "\"route\":\"api\",\"upstream\":\"app\",\"server\":\"10.0.0.11:8080\",\"method\":\"GET\","
                  "\"host\":\"example.com\",\"target\":\"/a?b=c\",\"protocol\":\"HTTP/1.1\",\"status\":200,"
                  "\"bytes_in\":5,\"bytes_out\":18446744073709551615,\"reason\":\"\",\"t_connect\":0.001,"
                  "\"t_first_byte\":0.999,\"t_total\":1.235}\n");
}
END_TEST

START_TEST(what_happens_now_and_then)
{
    green_address_t client;
    struct access_entry e = entry(&client);
    e.queued = e.started + 500000;
    e.hedge = ACCESS_HEDGE_WON;
    e.tries = 2;
    ck_assert_ptr_nonnull(
        strstr(json(&e), "\"tries\":2,\"hedge\":\"won\",\"reason\":\"\",\"t_queue\":0.500,"));
    e.hedge = ACCESS_HEDGE_LOST;
    ck_assert_ptr_nonnull(strstr(json(&e), "\"hedge\":\"lost\","));
}
END_TEST

START_TEST(a_server_without_a_name_is_an_address)
{
    green_address_t client, server_address;
    struct access_entry e = entry(&client);
    ck_assert_int_eq(green_address_parse(&server_address, "2001:db8::1", 443), 0);
    e.server_address = &server_address;
    ck_assert_ptr_nonnull(strstr(json(&e), ",\"server\":\"[2001:db8::1]:443\","));
}
END_TEST

START_TEST(json_of_a_refusal)
{
    green_address_t client;
    struct access_entry e = entry(&client);
    e.method = e.host = e.target = span_of(NULL, 0);
    e.minor = 0;
    e.status = 431;
    e.bytes_out = 0;
    e.reason = "head_too_large";
    e.directive = "max_head";
    e.origin = &origin;
    ck_assert_str_eq(
        json(&e),
        "{\"time\":\"2026-01-31T23:59:59.123Z\",\"client\":\"192.0.2.7\",\"listener\":\"web\","
        "\"route\":null,\"upstream\":null,\"server\":null,\"method\":\"\",\"host\":\"\",\"target\":\"\","
        "\"protocol\":\"HTTP/1.0\",\"status\":431,\"bytes_in\":5,\"bytes_out\":0,"
        "\"reason\":\"head_too_large\",\"directive\":\"max_head\",\"origin\":\"/etc/greenway.ini:12\","
        "\"t_connect\":null,\"t_first_byte\":null,\"t_total\":1.235}\n");
}
END_TEST

START_TEST(json_of_a_tcp_connection)
{
    green_address_t client;
    struct access_entry e = entry(&client);
    ck_assert_int_eq(green_address_parse(&client, "2001:db8::1", 1), 0);
    e.minor = -1;
    e.status = 0;
    e.ended = e.started + GREEN_S(3600);
    ck_assert_ptr_nonnull(strstr(json(&e), "\"client\":\"2001:db8::1\",\"listener\":"));
    green_address_t peer;
    ck_assert_int_eq(green_address_parse(&peer, "10.0.0.1", 1), 0);
    e.peer = &peer;
    ck_assert_ptr_nonnull(strstr(json(&e), "\"client\":\"2001:db8::1\",\"peer\":\"10.0.0.1\",\"listener\":"));
    ck_assert_ptr_nonnull(strstr(line, "\"protocol\":\"TCP\",\"status\":0,"));
    ck_assert_ptr_nonnull(strstr(line, "\"t_total\":3600000.000}\n"));
}
END_TEST

static void escapes(struct span target, const char *as_json, const char *as_combined)
{
    green_address_t client;
    struct access_entry e = entry(&client);
    char *start, *end;
    e.target = target;
    start = strstr(json(&e), "\"target\":\"");
    ck_assert_ptr_nonnull(start);
    start += strlen("\"target\":\"");
    end = strstr(start, "\",\"protocol\"");
    ck_assert_ptr_nonnull(end);
    *end = 0;
    ck_assert_str_eq(start, as_json);
    start = strstr(combined(&e), "\"GET ");
    ck_assert_ptr_nonnull(start);
    start += strlen("\"GET ");
    end = strstr(start, " HTTP/1.1\" ");
    ck_assert_ptr_nonnull(end);
    *end = 0;
    ck_assert_str_eq(start, as_combined);
}

START_TEST(escaping)
{
    escapes(SPAN("/plain but long enough for several words at once"),
            "/plain but long enough for several words at once",
            "/plain but long enough for several words at once");
    escapes(SPAN("a\"b\\c"), "a\\\"b\\\\c", "a\\x22b\\x5cc");
    escapes(SPAN("12345678\n"), "12345678\\u000a", "12345678\\x0a");
    escapes(SPAN("1234567\r12345678"), "1234567\\u000d12345678", "1234567\\x0d12345678");
    escapes(SPAN("\0\x1f\x7f \x7e!"), "\\u0000\\u001f\\u007f ~!", "\\x00\\x1f\\x7f ~!");
    /* UTF-8 stays what it is in JSON; what is none does not. */
    escapes(SPAN("\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\x9a"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\x9a",
            "\\xc3\\xa9\\xe2\\x82\\xac\\xf0\\x9f\\x92\\x9a");
    escapes(SPAN("\xc3"), "\\u00c3", "\\xc3");
    escapes(SPAN("\xc3("), "\\u00c3(", "\\xc3(");
    escapes(SPAN("\xe2\x82x"), "\\u00e2\\u0082x", "\\xe2\\x82x");
    escapes(SPAN("\xc0\xaf"), "\\u00c0\\u00af", "\\xc0\\xaf");                 /* an overlong '/' */
    escapes(SPAN("\xe0\x80\xaf"), "\\u00e0\\u0080\\u00af", "\\xe0\\x80\\xaf"); /* another */
    escapes(SPAN("\xed\xa0\x80"), "\\u00ed\\u00a0\\u0080", "\\xed\\xa0\\x80"); /* a surrogate */
    escapes(SPAN("\xf4\x90\x80\x80"), "\\u00f4\\u0090\\u0080\\u0080", "\\xf4\\x90\\x80\\x80");
    escapes(SPAN("\xff\xfe\x80"), "\\u00ff\\u00fe\\u0080", "\\xff\\xfe\\x80");
    escapes(SPAN("\xc2\x9b"
                 "31m\xc2\xa0"),
            "\\u009b31m\xc2\xa0", "\\xc2\\x9b31m\\xc2\\xa0"); /* CSI */
}
END_TEST

/* Each byte at each place of a word, against the plain rule. */
START_TEST(escaping_of_every_byte_everywhere)
{
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 17; at++) {
            char text[17], want[64];
            bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            size_t n = 0;
            for (size_t i = 0; i < sizeof text; i++) {
                if (i == at && !plain && (c == '"' || c == '\\'))
                    n += (size_t)sprintf(want + n, "\\%c", c);
                else if (i == at && !plain)
                    n += (size_t)sprintf(want + n, "\\u00%02x", c);
                else
                    want[n++] = text[i];
            }
            want[n] = 0;
            green_address_t client;
            struct access_entry e = entry(&client);
            e.host = span_of(text, sizeof text);
            char *found = strstr(json(&e), "\"host\":\"");
            ck_assert_ptr_nonnull(found);
            ck_assert_msg(!strncmp(found + 8, want, n) && found[8 + n] == '"', "byte %02x at %zu: %s", c, at,
                          line);
        }
    }
}
END_TEST

START_TEST(long_text_is_cut_and_the_line_stays_whole)
{
    static char text[1 << 20];
    static const int bytes[] = {'a', '"', 0, 0xff};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        green_address_t client;
        struct access_entry e = entry(&client);
        memset(text, bytes[i], sizeof text);
        e.method = e.host = e.target = e.referer = e.user_agent = span_of(text, sizeof text);
        size_t n = strlen(json(&e));
        ck_assert_ptr_nonnull(strstr(line, "...\",\"protocol\""));
        ck_assert_int_eq(line[n - 1], '\n');
        ck_assert_ptr_eq(strchr(line, '\n'), line + n - 1);
        n = strlen(combined(&e));
        ck_assert_ptr_nonnull(strstr(line, "...\"\n"));
        ck_assert_ptr_eq(strchr(line, '\n'), line + n - 1);
    }
}
END_TEST

START_TEST(target_of_the_usual_limit_is_never_cut)
{
    static char text[8192];
    green_address_t client;
    struct access_entry e = entry(&client);
    memset(text, 'a', sizeof text);
    e.target = span_of(text, sizeof text);
    ck_assert_ptr_null(strstr(json(&e), "..."));
}
END_TEST

START_TEST(combined_line)
{
    green_address_t client;
    struct access_entry e = entry(&client);
    e.bytes_out = 0;
    ck_assert_str_eq(
        combined(&e),
        "192.0.2.7 - - [31/Jan/2026:23:59:59 +0000] \"GET /a?b=c HTTP/1.1\" 200 0 \"-\" \"-\"\n");
    e.bytes_out = 17;
    e.referer = SPAN("http://r.example/");
    e.user_agent = SPAN("test (\"x\")");
    ck_assert_str_eq(combined(&e),
                     "192.0.2.7 - - [31/Jan/2026:23:59:59 +0000] \"GET /a?b=c HTTP/1.1\" 200 17 "
                     "\"http://r.example/\" \"test (\\x22x\\x22)\"\n");
    e.method = e.target = span_of(NULL, 0);
    e.status = 0;
    ck_assert_ptr_nonnull(strstr(combined(&e), "] \"-\" 000 17 "));
}
END_TEST

START_TEST(date_follows_the_clock)
{
    green_address_t client;
    struct access_entry e = entry(&client);
    struct format_date own = {0};
    *format_json(line, &e, &own, 0) = 0;
    ck_assert_ptr_nonnull(strstr(line, "\"1970-01-01T00:00:00.000Z\""));
    *format_json(line, &e, &own, INT64_C(951782400) * 1000000000) = 0;
    ck_assert_ptr_nonnull(strstr(line, "\"2000-02-29T00:00:00.000Z\""));
    *format_combined(line, &e, &own, INT64_C(951782401) * 1000000000) = 0;
    ck_assert_ptr_nonnull(strstr(line, "[29/Feb/2000:00:00:01 +0000]"));
}
END_TEST

/* --- formats of one's own ---------------------------------------------------------------------------- */

static struct conf_arena arena;

/* The format, from text; NULL if it is refused. */
static const struct conf_log_format *format(const char *text)
{
    static struct conf_log_format f;
    static jmp_buf out_of_memory;
    arena.out_of_memory = &out_of_memory;
    if (setjmp(out_of_memory))
        abort();
    f = (struct conf_log_format){.written = text};
    const char *wrong = conf_log_format_syntax.parse(&arena, text, &f);
    ck_assert_msg(!wrong, "%s %s", text, wrong);
    return &f;
}

static const char *custom(const struct conf_log_format *f, const struct access_entry *e)
{
    char *end = format_custom(line, e, f, &date, MOMENT);
    ck_assert_int_le(end - line, FORMAT_LINE_BYTES - 1);
    *end = 0;
    return line;
}

START_TEST(columns)
{
    green_address_t client, server_address;
    struct access_entry e = entry(&client);
    const char *text =
        "${client}:${client_port} ${peer} ${time} [${date}] \"${method} ${target} ${protocol}\" ${authority} "
        "${status} ${bytes_in} ${bytes_out} ${listener} ${route} ${upstream} ${server} ${user} "
        "'${reason}' ${directive} ${origin} ${t_connect} ${t_first_byte} ${t_total} $$5";
    ck_assert_str_eq(custom(format(text), &e),
                     "192.0.2.7:4711 - 2026-01-31T23:59:59.123Z [31/Jan/2026:23:59:59 +0000] \"GET /a?b=c "
                     "HTTP/1.1\" example.com 200 5 18446744073709551615 web - - - - '-' - - - - 1.235 $5\n");
    ck_assert_int_eq(green_address_parse(&server_address, "2001:db8::1", 443), 0);
    e.route = &route;
    e.upstream = &upstream;
    e.server_address = &server_address;
    e.user = SPAN("Ann Other");
    e.reason = "x";
    e.directive = "y";
    e.origin = &origin;
    e.connected = e.started + 1000;
    ck_assert_str_eq(
        custom(format("${route} ${upstream} ${server} ${user} \"${user}\" ${reason} ${directive} ${origin} "
                      "${t_connect}"),
               &e),
        "api app [2001:db8::1]:443 Ann\\x20Other \"Ann Other\" x y /etc/greenway.ini:12 0.001\n");
}
END_TEST

START_TEST(json_of_ones_own)
{
    green_address_t client;
    struct access_entry e = entry(&client);
    e.target = SPAN("/\"x\\\n");
    ck_assert_str_eq(
        custom(format("{\"s\": ${status}, \"t\": ${t_connect}, \"a\": \"${target}|${route}\"}"), &e),
        "{\"s\": 200, \"t\": null, \"a\": \"/\\\"x\\\\\\u000a|\"}\n");
}
END_TEST

/* Every byte in every place: what a client chooses stays within its quotes or its column. */
START_TEST(no_byte_gets_out_of_its_place)
{
    green_address_t client;
    struct access_entry e = entry(&client);
    char bytes[3] = {'a', 0, 'b'};
    struct span values[8] = {0};
    e.target = span_of(bytes, 3);
    values[1] = values[3] = span_of(bytes, 3);
    e.values = values;
    for (int c = 0; c < 256; c++) {
        bytes[1] = (char)c;
        const char *text = custom(format("<${header:X-A} ${target}> \"${header:X-A}\" \"${target}\""), &e);
        int blanks = 0, quotes = 0, lines = 0;
        for (const char *p = text; *p; p++) {
            ck_assert((*p >= ' ' && *p < 0x7f) || (*p == '\n' && !p[1]));
            blanks += *p == ' ';
            quotes += *p == '"';
            lines += *p == '\n';
        }
        ck_assert_msg(quotes == 4 && lines == 1 && blanks >= 3 && blanks <= 5, "%s", text);
        ck_assert_ptr_nonnull(strchr(text, '>'));
        text = custom(format("{\"a\":\"${header:X-A}\",\"b\":\"${target}\"}"), &e);
        ck_assert_int_eq(strncmp(text, "{\"a\":\"a", 7), 0);
        for (const char *p = text; *p && p[1]; p++)
            ck_assert_msg((unsigned char)*p >= ' ' && *p != 0x7f, "%s", text);
        const char *rest = strstr(text, "b\",\"b\":\"a");
        ck_assert_msg(rest && !strcmp(text + strlen(text) - 4, "b\"}\n"), "%s", text);
    }
}
END_TEST

START_TEST(too_much_for_a_line)
{
    static char much[100000], text[4001];
    green_address_t client;
    struct access_entry e = entry(&client);
    memset(much, '"', sizeof much);
    e.target = e.user = e.method = span_of(much, sizeof much);
    size_t n = 0;
    for (int i = 0; i < 31; i++) /* as many variables as a format may have */
        n += (size_t)snprintf(text + n, sizeof text - n, "%s ........ ", i % 2 ? "${target}" : "${user}");
    memset(text + n, '.', sizeof text - n - 1);
    const char *out = custom(format(text), &e);
    ck_assert_str_eq(out + strlen(out) - 11, "..........\n");
    ck_assert_uint_gt(strlen(out), 30000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("format");
    TCase *tc = tcase_create("all");
    suite_add_tcase(suite, tc);
    tcase_add_test(tc, json_of_a_request);
    tcase_add_test(tc, json_of_a_refusal);
    tcase_add_test(tc, what_happens_now_and_then);
    tcase_add_test(tc, a_server_without_a_name_is_an_address);
    tcase_add_test(tc, json_of_a_tcp_connection);
    tcase_add_test(tc, escaping);
    tcase_add_test(tc, escaping_of_every_byte_everywhere);
    tcase_add_test(tc, long_text_is_cut_and_the_line_stays_whole);
    tcase_add_test(tc, target_of_the_usual_limit_is_never_cut);
    tcase_add_test(tc, combined_line);
    tcase_add_test(tc, date_follows_the_clock);
    tcase_add_test(tc, columns);
    tcase_add_test(tc, json_of_ones_own);
    tcase_add_test(tc, no_byte_gets_out_of_its_place);
    tcase_add_test(tc, too_much_for_a_line);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
