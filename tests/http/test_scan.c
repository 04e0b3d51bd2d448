/* The scanner: what it lets pass, at which byte it refuses, and that neither depends on how input is split.
 */
#include "suite.h"

#include "http/scan.h"

static void begin(struct http_scan *s, bool is_response)
{
    *s = (struct http_scan){.max_bytes = 4096, .max_target = 100, .max_fields = 10};
    http_scan_begin(s, is_response);
}

static const char *const good_requests[] = {
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "X!#$%&'*+-.^_`|~9 * HTTP/1.1\r\nA:\r\nB: \r\nC:\t \r\n\r\n",
    "POST /a/b;c=d?e={f}&g[]=h|i HTTP/1.1\r\nHost: h.example:80\r\nX: a\tb \x80\xff\r\n\r\n",
    "GET /a-target-that-is-longer-than-one-vector-of-sixteen-bytes?and=more HTTP/1.1\r\n"
    "X-A-Name-That-Is-Longer-Than-Sixteen.Bytes_And_Has_Others: and a value that is long enough as "
    "well\r\n\r\n",
};

static const char *const good_responses[] = {
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.0 404 \r\nServer: x\r\n\r\n",
    "HTTP/1.1 599\r\n\r\n",
    "HTTP/1.1 100 Continue \xc3\xa9\r\nA:b\r\n\r\n",
};

/* The last byte of each text is the first that must be refused. */
struct refusal {
    const char *text;
    int error;
};

static const struct refusal bad_requests[] = {
    {"\x16", HTTP_E_TLS_ON_PLAIN},
    {"\r\n\x16", HTTP_E_TLS_ON_PLAIN},
    {"\n", HTTP_E_REQUEST_LINE},
    {"\rG", HTTP_E_LINE_END},
    {"\r\n\r", HTTP_E_REQUEST_LINE},
    {" ", HTTP_E_REQUEST_LINE},
    {"\x80", HTTP_E_METHOD_SYNTAX},
    {"G\x01", HTTP_E_METHOD_SYNTAX},
    {"GE(", HTTP_E_METHOD_SYNTAX},
    {"GET\t", HTTP_E_METHOD_SYNTAX},
    {"GET\r", HTTP_E_REQUEST_LINE},
    {"GET\n", HTTP_E_REQUEST_LINE},
    {"GET  ", HTTP_E_REQUEST_LINE},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG", HTTP_E_METHOD_UNKNOWN},
    {"GET /a\t", HTTP_E_TARGET},
    {"GET /a#", HTTP_E_TARGET},
    {"GET /a\"", HTTP_E_TARGET},
    {"GET /a<", HTTP_E_TARGET},
    {"GET /a>", HTTP_E_TARGET},
    {"GET /a\x7f", HTTP_E_TARGET},
    {"GET /a\x80", HTTP_E_TARGET},
    {"GET /a\x01", HTTP_E_TARGET},
    {"GET /0123456789abcdef\xff", HTTP_E_TARGET},
    {"GET /0123456789abcdef#", HTTP_E_TARGET},
    {"GET /a\r", HTTP_E_REQUEST_LINE},
    {"GET /a\n", HTTP_E_REQUEST_LINE},
    {"GET / h", HTTP_E_VERSION},
    {"GET / HTTP\\", HTTP_E_VERSION},
    {"GET / HTTP/0", HTTP_E_VERSION_OTHER},
    {"GET / HTTP/2", HTTP_E_VERSION_OTHER},
    {"PRI * HTTP/2", HTTP_E_HTTP2_PREFACE},
    {"GET / HTTP/1,", HTTP_E_VERSION},
    {"GET / HTTP/1.\r", HTTP_E_VERSION},
    {"GET / HTTP/1.2", HTTP_E_VERSION_OTHER},
    {"GET / HTTP/1.1 ", HTTP_E_VERSION},
    {"GET / HTTP/1.11", HTTP_E_VERSION},
    {"GET / HTTP/1.1\n", HTTP_E_LINE_END},
    {"GET / HTTP/1.1\r\r", HTTP_E_LINE_END},
    {"GET / HTTP/1.1\rH", HTTP_E_LINE_END},
    {"GET / HTTP/1.1\r\n ", HTTP_E_FIELD_FOLDED},
    {"GET / HTTP/1.1\r\n\t", HTTP_E_FIELD_FOLDED},
    {"GET / HTTP/1.1\r\n:", HTTP_E_FIELD_NAME},
    {"GET / HTTP/1.1\r\n\n", HTTP_E_LINE_END},
    {"GET / HTTP/1.1\r\n\r\r", HTTP_E_LINE_END},
    {"GET / HTTP/1.1\r\n\rX", HTTP_E_LINE_END},
    {"GET / HTTP/1.1\r\nA ", HTTP_E_FIELD_NAME},
    {"GET / HTTP/1.1\r\nA\t", HTTP_E_FIELD_NAME},
    {"GET / HTTP/1.1\r\nA\r", HTTP_E_FIELD_NAME},
    {"GET / HTTP/1.1\r\nA\n", HTTP_E_FIELD_NAME},
    {"GET / HTTP/1.1\r\nA\x80", HTTP_E_FIELD_NAME},
    {"GET / HTTP/1.1\r\nAbcdefghijklmnopqrst(", HTTP_E_FIELD_NAME},
    {"GET / HTTP/1.1\r\nAbcdefghijklmnopqrst\xe1", HTTP_E_FIELD_NAME},
    {"GET / HTTP/1.1\r\nA: b\n", HTTP_E_LINE_END},
    {"GET / HTTP/1.1\r\nA: b\rX", HTTP_E_LINE_END},
    {"GET / HTTP/1.1\r\nA: b\r\r", HTTP_E_LINE_END},
    {"GET / HTTP/1.1\r\nA: b\x01", HTTP_E_FIELD_VALUE},
    {"GET / HTTP/1.1\r\nA: b\x7f", HTTP_E_FIELD_VALUE},
    {"GET / HTTP/1.1\r\nA: 0123456789abcdef\x0b", HTTP_E_FIELD_VALUE},
    {"GET / HTTP/1.1\r\nA: b\r\n ", HTTP_E_FIELD_FOLDED},
};

static const struct refusal bad_responses[] = {
    {"I", HTTP_E_STATUS_LINE},
    {"\r", HTTP_E_STATUS_LINE},
    {"\x15", HTTP_E_STATUS_LINE},
    {"h", HTTP_E_STATUS_LINE},
    {"HTTP/2", HTTP_E_STATUS_LINE},
    {"HTTP/1.2", HTTP_E_STATUS_LINE},
    {"HTTP/1.1\t", HTTP_E_STATUS_LINE},
    {"HTTP/1.1\r", HTTP_E_STATUS_LINE},
    {"HTTP/1.1  ", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 0", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 6", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 2x", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 20 ", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 2000", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 200O", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 200\n", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 200 O\n", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 200 O\x01", HTTP_E_STATUS_LINE},
    {"HTTP/1.1 200 OK\rX", HTTP_E_LINE_END},
    {"HTTP/1.1 200 OK\r\n ", HTTP_E_FIELD_FOLDED},
    {"HTTP/1.1 200 OK\r\n:", HTTP_E_FIELD_NAME},
};

/* Feeds in steps of a fixed size from fresh memory, so that a stale pointer or an overread is an error here.
 */
static int scan_in_steps(const char *text, size_t n, size_t step, bool is_response, uint32_t *at)
{
    struct http_scan s;
    int rc = 0;

    begin(&s, is_response);
    for (size_t have = step; rc == 0; have += step) {
        size_t now = have < n ? have : n;
        char *copy = malloc(now);
        memcpy(copy, text, now);
        rc = http_scan_feed(&s, copy, now);
        free(copy);
        if (now == n)
            break;
    }
    *at = s.at;
    return rc;
}

static void check_good(const char *text, bool is_response)
{
    size_t n = strlen(text);
    char longer[1024];
    struct http_scan s;
    uint32_t at;

    for (size_t step = 1; step <= n; step++) {
        assert_error(scan_in_steps(text, n, step, is_response, &at), 1, text);
        ck_assert_uint_eq(at, n);
    }
    for (size_t cut = 0; cut < n; cut++) /* every proper prefix wants more */
        assert_error(scan_in_steps(text, cut ? cut : 1, n, is_response, &at), 0, text);
    snprintf(longer, sizeof(longer), "%sGET / HTTP/1.1\r\n \x01", text); /* what follows is not looked at */
    begin(&s, is_response);
    assert_error(http_scan_feed(&s, longer, strlen(longer)), 1, text);
    ck_assert_uint_eq(s.at, n);
}

START_TEST(good_heads_pass_however_they_are_split)
{
    for (size_t i = 0; i < sizeof(good_requests) / sizeof(good_requests[0]); i++)
        check_good(good_requests[i], false);
    for (size_t i = 0; i < sizeof(good_responses) / sizeof(good_responses[0]); i++)
        check_good(good_responses[i], true);
}
END_TEST

static void check_bad(const struct refusal *r, bool is_response)
{
    size_t n = strlen(r->text);
    char longer[256];
    uint32_t at;

    for (size_t step = 1; step <= n; step++)
        assert_error(scan_in_steps(r->text, n, step, is_response, &at), r->error, r->text);
    if (n > 1)
        assert_error(scan_in_steps(r->text, n - 1, n, is_response, &at), 0,
                     r->text); /* not before that byte */
    snprintf(longer, sizeof(longer), "%s and enough bytes after it for a vector\r\n\r\n", r->text);
    assert_error(scan_in_steps(longer, strlen(longer), sizeof(longer), is_response, &at), r->error, r->text);
}

START_TEST(bad_bytes_are_refused_at_once)
{
    for (size_t i = 0; i < sizeof(bad_requests) / sizeof(bad_requests[0]); i++)
        check_bad(&bad_requests[i], false);
    for (size_t i = 0; i < sizeof(bad_responses) / sizeof(bad_responses[0]); i++)
        check_bad(&bad_responses[i], true);
}
END_TEST

START_TEST(nul_is_refused_everywhere)
{
    static const char text[] = "GET /abc HTTP/1.1\r\nHost: h.example\r\nX-Y: value\r\n\r\n";
    size_t n = sizeof(text) - 1;
    uint32_t at;

    for (size_t i = 0; i < n; i++) {
        char copy[sizeof(text)];
        memcpy(copy, text, sizeof(text));
        copy[i] = '\0';
        ck_assert_msg(scan_in_steps(copy, n, n, false, &at) < 0, "NUL at %zu passed", i);
    }
}
END_TEST

/* The vector loops and the tables say the same about every byte at every place in a vector. */
START_TEST(vectors_agree_with_the_tables)
{
    static const struct {
        const char *(*skip)(const char *, const char *);
        unsigned class;
    } loops[] = {
        {http_skip_value, HTTP_C_VALUE}, {http_skip_target, HTTP_C_TARGET}, {http_skip_token, HTTP_C_TOKEN}};

    for (size_t l = 0; l < sizeof(loops) / sizeof(loops[0]); l++) {
        for (int byte = 0; byte < 256; byte++) {
            for (size_t at = 0; at < 40; at++) {
                char text[40];
                memset(text, 'a', sizeof(text));
                text[at] = (char)byte;
                bool stops = !http_is((unsigned char)byte, loops[l].class);
                ck_assert_ptr_eq(loops[l].skip(text, text + sizeof(text)),
                                 text + (stops ? at : sizeof(text)));
            }
        }
    }
}
END_TEST

START_TEST(classes_hold_what_the_rfcs_say)
{
    static const char tchar[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    for (int c = 0; c < 256; c++) {
        unsigned char b = (unsigned char)c;
        ck_assert_int_eq(http_is(b, HTTP_C_TOKEN), c && strchr(tchar, c) != NULL);
        ck_assert_int_eq(http_is(b, HTTP_C_VALUE), c == '\t' || (c >= ' ' && c != 0x7f));
        ck_assert_int_eq(http_is(b, HTTP_C_TARGET), c > ' ' && c < 0x7f && !strchr("\"#<>", c));
        ck_assert_int_eq(http_is(b, HTTP_C_PATH), c > ' ' && c < 0x7f && !strchr("\"#<>\\^`{}?", c));
        ck_assert_int_eq(http_is(b, HTTP_C_HEX), c && strchr("0123456789abcdefABCDEF", c) != NULL);
        ck_assert_int_eq(http_is(b, HTTP_C_QUOTED),
                         (c == '\t' || (c >= ' ' && c != 0x7f)) && c != '"' && c != '\\');
    }
}
END_TEST

/* Text whose target, field count or size is exactly at a limit, and one beyond. */
START_TEST(limits_hold_at_their_edges)
{
    char text[8192];
    struct http_scan s;
    int n;

    for (int extra = 0; extra <= 1; extra++) {
        begin(&s, false);
        n = snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n\r\n", 99 + extra, 0);
        assert_error(http_scan_feed(&s, text, (size_t)n), extra ? HTTP_E_TARGET_TOO_LONG : 1, text);
    }
    for (int extra = 0; extra <= 1; extra++) {
        begin(&s, false);
        n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n");
        for (int i = 0; i < 10 + extra; i++)
            n += snprintf(text + n, sizeof(text) - (size_t)n, "A: b\r\n");
        n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
        assert_error(http_scan_feed(&s, text, (size_t)n), extra ? HTTP_E_FIELDS_TOO_MANY : 1, text);
    }
    for (int extra = 0; extra <= 1; extra++) {
        begin(&s, false);
        n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nA: %0*d\r\n\r\n", 4096 - 23 + extra, 0);
        ck_assert_int_eq(n, 4096 + extra);
        assert_error(http_scan_feed(&s, text, (size_t)n), extra ? HTTP_E_HEAD_TOO_LARGE : 1, "4096 bytes");
    }
    begin(&s, false); /* the limit is reported when the bytes arrive, not when the line ends */
    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /", 5);
    assert_error(http_scan_feed(&s, text, 106), HTTP_E_TARGET_TOO_LONG, "a target of 101 bytes");
}
END_TEST

START_TEST(idle_until_the_first_byte)
{
    struct http_scan s;

    begin(&s, false);
    ck_assert(http_scan_idle(&s));
    ck_assert_int_eq(http_scan_feed(&s, "\r\n", 2), 0);
    ck_assert(http_scan_idle(&s));
    ck_assert_int_eq(http_scan_feed(&s, "\r\nG", 3), 0);
    ck_assert(!http_scan_idle(&s));
    begin(&s, true);
    ck_assert(http_scan_idle(&s));
    ck_assert_int_eq(http_scan_feed(&s, "H", 1), 0);
    ck_assert(!http_scan_idle(&s));
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("scan");
    tcase_add_test(tc, good_heads_pass_however_they_are_split);
    tcase_add_test(tc, bad_bytes_are_refused_at_once);
    tcase_add_test(tc, nul_is_refused_everywhere);
    tcase_add_test(tc, vectors_agree_with_the_tables);
    tcase_add_test(tc, classes_hold_what_the_rfcs_say);
    tcase_add_test(tc, limits_hold_at_their_edges);
    tcase_add_test(tc, idle_until_the_first_byte);
    return run_suite(tc, "http/scan");
}
