/* The HTTP client: requests as they leave, answers good and bad, kept connections, redirects, TLS. */
#include <http/client.h>

#include <http/server.h>

#include "../net/tls_pair.h"

/* --- a server that says what it is told, byte for byte ------------------------------------------------------------ */

static struct script {
    const char *answers[8]; /* one for each request on a connection; NULL: close instead */
    bool closes;            /* after the last of them */
    int connections, requests;
    char heard[4096]; /* the last request's head and body */
} script;
static green_server_t *scripted;
static char url[64];

/* A head, and as much body as Content-Length says. False: the connection ended. */
static bool hear(green_stream_t *s)
{
    size_t n = 0, whole = 0;
    while (!whole || n < whole) {
        ssize_t got = green_stream_read(s, script.heard + n, whole ? whole - n : 1, soon());
        if (got <= 0)
            return false;
        n += (size_t)got;
        script.heard[n] = 0;
        if (!whole && strstr(script.heard, "\r\n\r\n")) {
            const char *length = strstr(script.heard, "Content-Length: ");
            whole = n + (length ? (size_t)atoi(length + 16) : 0);
        }
    }
    script.requests++;
    return true;
}

static int say(green_stream_t *s, const green_address_t *peer, void *arg)
{
    script.connections++;
    for (int i = 0; script.answers[i] || !script.closes; i++) {
        if (!hear(s))
            return 0;
        if (!script.answers[i])
            break;
        int r = green_stream_write_all(s, script.answers[i], strlen(script.answers[i]), NULL, soon());
        if (r < 0)
            return r;
    }
    return 0;
}

static void start_script(green_tls_context_t *tls)
{
    green_server_options_t options = {.tls = tls, .stop_timeout = GREEN_MS(1)};
    ck_assert_int_eq(green_server_new(&scripted, "127.0.0.1:0", say, NULL, &options), 0);
    ck_assert_int_eq(green_server_start(scripted, soon()), 0);
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/path?query", tls ? "https" : "http",
             green_server_port(scripted));
}

static void end_script(void)
{
    ck_assert_int_eq(green_server_stop(scripted, soon()), 0);
    green_server_free(scripted);
}

static green_http_client_t *new_client(green_http_client_options_t options)
{
    green_http_client_t *client;
    ck_assert_int_eq(green_http_client_new(&client, &options), 0);
    return client;
}

static void free_client(green_http_client_t *client)
{
    ck_assert_int_eq(green_http_client_free(client), 0);
}

/* A request and its whole body, on this client or one of its own: the status or the error. */
static char *body;
static size_t body_n;

static int fetch(green_http_client_t *client, const char *method)
{
    green_http_response_t *response;
    green_http_request_t request = {.url = url, .method = method};
    free(body);
    body = NULL;
    int r = green_http_request(client, &request, &response, soon());
    if (r < 0)
        return r;
    r = green_http_response_collect(response, &body, &body_n, 1 << 20, soon());
    if (r == 0)
        r = green_http_response_status(response);
    green_http_response_close(response);
    return r;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *method, *answer;
    int result;
    const char *body;
} answers[] = {
    {"GET", OK "Content-Length: 5\r\n\r\nhello", 200, "hello"},
    {"GET", OK "Content-Length: 0\r\n\r\n", 200, ""},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello"},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n2;x\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n", 200, "hello"},
    {"GET", OK "\r\nhello", 200, "hello"},
    {"GET", "HTTP/1.0 200 OK\r\n\r\nhello", 200, "hello"},
    {"GET", "HTTP/1.1 404 \r\nContent-Length: 1\r\n\r\nx", 404, "x"},
    {"GET", "HTTP/1.1 599\r\nContent-Length: 1\r\n\r\nx", 599, "x"},
    {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
    {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, ""},
    {"HEAD", OK "Content-Length: 5\r\n\r\n", 200, ""},
    {"HEAD", OK "Transfer-Encoding: chunked\r\n\r\n", 200, ""},
    {"GET",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK
     "Content-Length: 2\r\n\r\nok",
     200, "ok"},
    {"GET", "nonsense\r\n\r\n", -EPROTO, NULL},
    {"GET", "\r\n" OK "Content-Length: 0\r\n\r\n", -EPROTO, NULL},
    {"GET", "HTTP/1.1 99 Low\r\n\r\n", -EPROTO, NULL},
    {"GET", "HTTP/1.1 600 High\r\n\r\n", -EPROTO, NULL},
    {"GET", "HTTP/1.1 2000 OK\r\n\r\n", -EPROTO, NULL},
    {"GET", "HTTP/1.1  200 OK\r\n\r\n", -EPROTO, NULL},
    {"GET", "HTTP/2.0 200 OK\r\n\r\n", -EPROTO, NULL},
    {"GET", "ICY 200 OK\r\n\r\n", -EPROTO, NULL},
    {"GET", "HTTP/1.1 200 O\x01K\r\n\r\n", -EPROTO, NULL},
    {"GET", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", -EPROTO, NULL},
    {"GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", -EPROTO, NULL},
    {"GET", OK "X : y\r\n\r\n", -EPROTO, NULL},
    {"GET", OK "X: y\r\n z\r\n\r\n", -EPROTO, NULL},
    {"GET", OK "X: y\x01\r\n\r\n", -EPROTO, NULL},
    {"GET", OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", -EPROTO, NULL},
    {"GET", OK "Content-Length: -5\r\n\r\nhello", -EPROTO, NULL},
    {"GET", OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -EPROTO, NULL},
    {"GET", OK "Transfer-Encoding: gzip\r\n\r\nx", -EPROTO, NULL},
    {"GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -EPROTO, NULL},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\nx\r\n0\r\n\r\n", -EPROTO, NULL},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n", -EPROTO, NULL},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", -ENODATA, NULL},
    {"GET", OK "Content-Length: 6\r\n\r\nhello", -ENODATA, NULL},
    {"GET", OK "Content-Le", -ENODATA, NULL},
    {"GET", "", -ENODATA, NULL},
};

START_TEST(answers_good_and_bad)
{
    script = (struct script){.answers = {answers[_i].answer}, .closes = true};
    start_script(NULL);
    green_http_client_t *client = _i % 2 ? new_client((green_http_client_options_t){0}) : NULL;
    ck_assert_int_eq(fetch(client, answers[_i].method), answers[_i].result);
    if (answers[_i].body)
        ck_assert_str_eq(body, answers[_i].body);
    else
        ck_assert_ptr_null(body);
    if (answers[_i].result == -EPROTO)
        ck_assert_str_ne(green_http_client_error(), "");
    free_client(client);
    end_script();
}
END_TEST

START_TEST(answers_without_end)
{
    static char many[100 * 30 + 1], large[40000];
    start_script(NULL);
    for (int i = 0; i < 100; i++)
        strcat(many, "HTTP/1.1 100 Continue\r\n\r\n");
    script = (struct script){.answers = {many}, .closes = true};
    ck_assert_int_eq(fetch(NULL, "GET"), -EPROTO);
    memset(large, 'a', sizeof large - 1);
    memcpy(large, OK "X: ", strlen(OK "X: "));
    script = (struct script){.answers = {large}, .closes = true};
    ck_assert_int_eq(fetch(NULL, "GET"), -EPROTO);
    script = (struct script){.answers = {OK "\r\nhello"}, .closes = true};
    char *text;
    ck_assert_int_eq(green_http_get(url, &text, NULL, 4, soon()), -EMSGSIZE);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(green_http_get(url, &text, &body_n, 5, soon()), 200);
    ck_assert_str_eq(text, "hello");
    ck_assert_uint_eq(body_n, 5);
    free(text);
    end_script();
}
END_TEST

/* --- requests ----------------------------------------------------------------------------------------------------- */

START_TEST(requests_as_they_leave)
{
    const green_http_field_t fields[] = {{"X-Own", "v"}, {"Accept", "*/*"}};
    green_http_response_t *response;
    const green_http_field_t *got;
    char expected[256];
    script = (struct script){
        .answers = {OK "X-A: 1\r\nContent-Length: 0\r\n\r\n", OK "Content-Length: 0\r\n\r\n"}};
    start_script(NULL);
    green_http_client_t *client = new_client((green_http_client_options_t){.user_agent = "test/1"});
    green_http_request_t request = {
        .url = url, .method = "POST", .fields = fields, .field_count = 2, .body = "hello", .body_size = 5};
    ck_assert_int_eq(green_http_request(client, &request, &response, soon()), 0);
    snprintf(
        expected, sizeof expected,
        "POST /path?query HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: test/1\r\nX-Own: v\r\nAccept: */*\r\n"
        "Content-Length: 5\r\n\r\nhello",
        green_server_port(scripted));
    ck_assert_str_eq(script.heard, expected);
    ck_assert_str_eq(green_http_response_reason(response), "OK");
    ck_assert_str_eq(green_http_response_field(response, "x-a"), "1");
    ck_assert_uint_eq(green_http_response_fields(response, &got), 2);
    ck_assert_int_eq(green_http_response_length(response), 0);
    ck_assert_str_eq(green_http_response_host(response), "127.0.0.1");
    ck_assert_str_eq(green_http_response_target(response), "/path?query");
    ck_assert_int_eq(green_http_client_free(client), -EBUSY);
    green_http_response_close(response);
    request = (green_http_request_t){.url = url, .method = "PUT"};
    ck_assert_int_eq(green_http_request(client, &request, &response, soon()), 0);
    ck_assert_ptr_nonnull(strstr(script.heard, "\r\nContent-Length: 0\r\n"));
    green_http_response_close(response);
    free_client(client);
    end_script();
}
END_TEST

START_TEST(requests_that_cannot_be_sent)
{
    green_http_response_t *response;
    const green_http_field_t bad[] = {{"X", "a\r\nY: b"},
                                      {"X Y", "a"},
                                      {"", "a"},
                                      {"Host", "h"},
                                      {"content-length", "3"},
                                      {"Transfer-Encoding", "chunked"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        green_http_request_t request = {.url = "http://127.0.0.1:1/", .fields = &bad[i], .field_count = 1};
        ck_assert_int_eq(green_http_request(NULL, &request, &response, soon()), -EINVAL);
    }
    const green_http_request_t requests[] = {
        {.url = NULL},
        {.url = "nonsense"},
        {.url = "http://h/ x"},
        {.url = "http://h/", .method = "G T"},
        {.url = "http://h/", .method = ""},
        {.url = "http://h/", .method = "CONNECT"},
        {.url = "http://h/", .method = "TRACE", .body = "x", .body_size = 1},
        {.url = "http://h/", .body_size = 1}};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        ck_assert_int_eq(green_http_request(NULL, &requests[i], &response, soon()), -EINVAL);
    green_http_client_t *client;
    green_http_client_options_t options = {.connect_timeout = -1};
    ck_assert_int_eq(green_http_client_new(&client, &options), -EINVAL);
    options = (green_http_client_options_t){.user_agent = "a\nb"};
    ck_assert_int_eq(green_http_client_new(&client, &options), -EINVAL);
    green_http_response_close(NULL);
}
END_TEST

START_TEST(nobody_there)
{
    start_script(NULL);
    end_script();
    ck_assert_int_eq(fetch(NULL, "GET"), -ECONNREFUSED);
}
END_TEST

/* --- kept connections --------------------------------------------------------------------------------------------- */

#define KEPT OK "Content-Length: 2\r\n\r\nok"

START_TEST(connections_are_reused)
{
    script = (struct script){.answers = {KEPT, KEPT, KEPT}};
    start_script(NULL);
    green_http_client_t *client = new_client((green_http_client_options_t){0});
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(fetch(client, i == 1 ? "POST" : "GET"), 200);
    ck_assert_int_eq(script.connections, 1);
    ck_assert_int_eq(script.requests, 3);
    green_http_client_close_idle(client);
    ck_assert_int_eq(fetch(client, "GET"), 200);
    ck_assert_int_eq(script.connections, 2);
    free_client(client);
    end_script();
}
END_TEST

static const char *const not_kept[] = {
    OK "Connection: close\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    KEPT "and something that nobody asked for",
};

START_TEST(connections_that_are_not_reused)
{
    script = (struct script){.answers = {not_kept[_i]}};
    start_script(NULL);
    green_http_client_t *client = new_client((green_http_client_options_t){0});
    ck_assert_int_eq(fetch(client, "GET"), 200);
    ck_assert_str_eq(body, "ok");
    ck_assert_int_eq(fetch(client, "GET"), 200);
    ck_assert_str_eq(body, "ok");
    ck_assert_int_eq(script.connections, 2);
    free_client(client);
    end_script();
}
END_TEST

START_TEST(unread_answers_and_old_connections_are_not_reused)
{
    green_http_response_t *response;
    script = (struct script){.answers = {KEPT, KEPT, KEPT, KEPT}};
    start_script(NULL);
    green_http_client_t *client = new_client((green_http_client_options_t){.idle_timeout = 1});
    green_http_request_t request = {.url = url};
    ck_assert_int_eq(green_http_request(client, &request, &response, soon()), 0);
    green_http_response_close(response); /* its body is not read */
    ck_assert_int_eq(fetch(client, "GET"), 200);
    ck_assert_int_eq(script.connections, 2);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    ck_assert_int_eq(fetch(client, "GET"), 200);
    ck_assert_int_eq(script.connections, 3);
    free_client(client);
    end_script();
}
END_TEST

/* It takes the second request and closes without a word: the request may go to another connection, if doing it twice is
 * the same as doing it once. */
START_TEST(a_kept_connection_that_dies)
{
    script = (struct script){.answers = {KEPT}};
    start_script(NULL);
    green_http_client_t *client = new_client((green_http_client_options_t){0});
    ck_assert_int_eq(fetch(client, "GET"), 200);
    ck_assert_int_eq(fetch(client, _i ? "POST" : "GET"), _i ? -ENODATA : 200);
    ck_assert_int_eq(script.connections, _i ? 1 : 2);
    ck_assert_int_eq(script.requests, _i ? 2 : 3);
    free_client(client);
    end_script();
}
END_TEST

static void *fetch_once(void *arg)
{
    green_http_response_t *response;
    green_http_request_t request = {.url = url};
    char *text;
    ck_assert_int_eq(green_http_request(arg, &request, &response, soon()), 0);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_int_eq(green_http_response_collect(response, &text, NULL, 100, soon()), 0);
    free(text);
    green_http_response_close(response);
    return NULL;
}

START_TEST(no_more_connections_than_allowed)
{
    green_t *g[20];
    script = (struct script){.answers = {KEPT, KEPT, KEPT, KEPT, KEPT, KEPT, KEPT}};
    start_script(NULL);
    green_http_client_t *client = new_client((green_http_client_options_t){.connections = 3});
    for (int i = 0; i < 20; i++)
        g[i] = spawn(fetch_once, client);
    for (int i = 0; i < 20; i++)
        finish(g[i]);
    ck_assert_int_eq(script.requests, 20);
    ck_assert_int_le(script.connections, 4); /* one of them ends after seven answers */
    free_client(client);
    end_script();
}
END_TEST

/* --- redirects ---------------------------------------------------------------------------------------------------- */

static const struct {
    int status;
    const char *method, *then;
    bool body;
} redirects[] = {
    {301, "GET", "GET", false},  {301, "POST", "GET", false}, {302, "POST", "GET", false},
    {303, "POST", "GET", false}, {303, "PUT", "GET", false},  {303, "HEAD", "HEAD", false},
    {307, "POST", "POST", true}, {308, "PUT", "PUT", true},   {301, "PUT", "PUT", true},
};

START_TEST(redirects_are_followed)
{
    char first[200], expected[100];
    const green_http_field_t fields[] = {{"Authorization", "secret"}, {"X-Other", "x"}};
    green_http_response_t *response;
    snprintf(first, sizeof first, "HTTP/1.1 %d R\r\nLocation: ../new?x#f\r\nContent-Length: %s",
             redirects[_i].status, strcmp(redirects[_i].method, "HEAD") ? "3\r\n\r\nold" : "3\r\n\r\n");
    script = (struct script){.answers = {first, OK "Content-Length: 0\r\n\r\n"}};
    start_script(NULL);
    green_http_client_t *client = new_client((green_http_client_options_t){.redirects = 1});
    bool has_body = strcmp(redirects[_i].method, "GET") && strcmp(redirects[_i].method, "HEAD");
    green_http_request_t request = {.url = url,
                                    .method = redirects[_i].method,
                                    .fields = fields,
                                    .field_count = 2,
                                    .body = has_body ? "hello" : NULL,
                                    .body_size = has_body ? 5 : 0};
    ck_assert_int_eq(green_http_request(client, &request, &response, soon()), 0);
    ck_assert_int_eq(green_http_response_status(response), 200);
    ck_assert_str_eq(green_http_response_target(response), "/new?x");
    snprintf(expected, sizeof expected, "%s /new?x HTTP/1.1\r\n", redirects[_i].then);
    ck_assert_int_eq(strncmp(script.heard, expected, strlen(expected)), 0);
    ck_assert_int_eq(strstr(script.heard, "hello") != NULL, redirects[_i].body);
    ck_assert_ptr_nonnull(strstr(script.heard, "Authorization: secret\r\n"));
    ck_assert_int_eq(script.connections, 1);
    green_http_response_close(response);
    free_client(client);
    end_script();
}
END_TEST

START_TEST(credentials_stay_with_their_host)
{
    char first[200];
    const green_http_field_t fields[] = {{"authorization", "secret"}, {"Cookie", "secret"}, {"X-Other", "x"}};
    green_http_response_t *response;
    start_script(NULL);
    snprintf(first, sizeof first,
             "HTTP/1.1 302 R\r\nLocation: http://localhost:%d/\r\nContent-Length: 0\r\n\r\n",
             green_server_port(scripted));
    script = (struct script){.answers = {first, OK "Content-Length: 0\r\n\r\n"}};
    green_http_client_t *client = new_client((green_http_client_options_t){.redirects = 3});
    green_http_request_t request = {.url = url, .fields = fields, .field_count = 3};
    int r = green_http_request(client, &request, &response, soon());
    if (r == 0) { /* the same script answers there with the redirect again, to the same host now */
        ck_assert_int_eq(green_http_response_status(response), 200);
        green_http_response_close(response);
    }
    ck_assert_int_eq(r, 0);
    ck_assert_ptr_null(strstr(script.heard, "secret"));
    ck_assert_ptr_nonnull(strstr(script.heard, "X-Other: x\r\n"));
    free_client(client);
    end_script();
}
END_TEST

START_TEST(redirects_without_end_and_without_leave)
{
    static const char again[] = "HTTP/1.1 302 R\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
    script = (struct script){.answers = {again, again, again, again, again, again}};
    start_script(NULL);
    green_http_client_t *client = new_client((green_http_client_options_t){.redirects = 2});
    ck_assert_int_eq(fetch(client, "GET"), -ELOOP);
    ck_assert_int_eq(script.requests, 3);
    free_client(client);
    ck_assert_int_eq(fetch(NULL, "GET"), 302);
    script.answers[0] = "HTTP/1.1 302 R\r\nLocation: ftp://h/\r\nContent-Length: 0\r\n\r\n";
    client = new_client((green_http_client_options_t){.redirects = 2});
    ck_assert_int_eq(fetch(client, "GET"), 302); /* where nobody can follow it is an answer */
    free_client(client);
    end_script();
}
END_TEST

/* --- time --------------------------------------------------------------------------------------------------------- */

START_TEST(timeouts)
{
    script = (struct script){.answers = {_i ? OK "Content-Length: 5\r\n\r\nhe" : "HTTP/1.1 200"}};
    start_script(NULL);
    green_http_client_t *client = new_client(
        (green_http_client_options_t){.answer_timeout = GREEN_MS(20), .body_timeout = GREEN_MS(20)});
    ck_assert_int_eq(fetch(client, "GET"), -ETIMEDOUT);
    green_http_response_t *response;
    green_http_request_t request = {.url = url};
    int r = green_http_request(client, &request, &response, green_in_ms(10));
    if (_i == 0) {
        ck_assert_int_eq(r, -ETIMEDOUT);
    } else { /* a deadline of the call is not the end of the response */
        char two[2];
        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(green_http_response_read(response, two, 2, soon()), 2);
        ck_assert_int_eq(green_http_response_read(response, two, 2, green_in_ms(1)), -ETIMEDOUT);
        ck_assert_int_eq(green_http_response_read(response, two, 2, GREEN_NOWAIT), -EAGAIN);
        ck_assert_int_eq(green_http_response_read(response, two, 2, soon()), -ETIMEDOUT);
        green_http_response_close(response);
    }
    free_client(client);
    end_script();
}
END_TEST

static void *fetch_forever(void *arg)
{
    static int result;
    result = fetch(arg, "GET");
    return &result;
}

START_TEST(cancelled_requests_leave_nothing_behind)
{
    script = (struct script){.answers = {"HTTP/1.1 200"}};
    start_script(NULL);
    green_http_client_t *client = new_client((green_http_client_options_t){.connections = 1});
    green_t *first = spawn(fetch_forever, client), *second;
    while (script.requests < 1)
        yields(1);
    second = spawn(fetch_forever, client); /* waits for a connection to be free */
    yields(3);
    ck_assert_int_eq(green_kill(second, soon()), 0);
    ck_assert_int_eq(green_kill(first, soon()), 0);
    green_release(first);
    green_release(second);
    script = (struct script){.answers = {KEPT}};
    ck_assert_int_eq(fetch(client, "GET"), 200);
    free_client(client);
    end_script();
}
END_TEST

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

START_TEST(https_verifies_the_server)
{
    green_tls_context_t *context = server_context(), *trusting = client_context();
    script = (struct script){.answers = {KEPT, KEPT}};
    start_script(context);
    ck_assert_int_eq(fetch(NULL, "GET"),
                     GREEN_ETLS_CERTIFICATE); /* the system's authorities do not know it */
    ck_assert_int_eq(script.requests, 0);
    green_http_client_t *client = new_client((green_http_client_options_t){.tls = trusting});
    ck_assert_int_eq(fetch(client, "GET"), 200);
    ck_assert_str_eq(body, "ok");
    ck_assert_int_eq(fetch(client, "GET"), 200);
    ck_assert_int_eq(script.requests, 2);
    free_client(client);
    /* From https nobody is led to http. */
    script = (struct script){
        .answers = {"HTTP/1.1 302 R\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"}};
    client = new_client((green_http_client_options_t){.tls = trusting, .redirects = 3});
    ck_assert_int_eq(fetch(client, "GET"), 302);
    free_client(client);
    green_tls_context_release(context);
    green_tls_context_release(trusting);
    end_script();
}
END_TEST

/* --- with our own server ------------------------------------------------------------------------------------------ */

static char large[200000];

static int mirror(green_http_exchange_t *x, void *arg)
{
    static char received[sizeof large];
    size_t n = 0;
    for (ssize_t got; (got = green_http_read(x, received + n, sizeof received - n, soon())) != 0;
         n += (size_t)got)
        if (got < 0)
            return (int)got;
    return green_http_answer(x, 200, NULL, received, n, soon());
}

START_TEST(client_and_server_together)
{
    green_http_response_t *response;
    green_http_server_t *server;
    char *text;
    size_t n;
    ck_assert_int_eq(green_http_server_new(&server, "127.0.0.1:0", mirror, NULL, NULL), 0);
    ck_assert_int_eq(green_http_server_start(server, soon()), 0);
    snprintf(url, sizeof url, "http://localhost:%d/", green_http_server_port(server));
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i % 23);
    green_http_client_t *client = new_client((green_http_client_options_t){0});
    for (int i = 0; i < 3; i++) {
        green_http_request_t request = {
            .url = url, .method = "POST", .body = large, .body_size = sizeof large - 1};
        ck_assert_int_eq(green_http_request(client, &request, &response, soon()), 0);
        ck_assert_int_eq(green_http_response_collect(response, &text, &n, sizeof large, soon()), 0);
        ck_assert_uint_eq(n, sizeof large - 1);
        ck_assert_int_eq(memcmp(text, large, n), 0);
        free(text);
        green_http_response_close(response);
    }
    green_server_stats_t stats;
    green_server_stats(green_http_server_streams(server), &stats);
    ck_assert_uint_eq(stats.accepted, 1);
    free_client(client);
    ck_assert_int_eq(green_http_server_stop(server, soon()), 0);
    green_http_server_free(server);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
    const struct test tests[] = {
        {answers_good_and_bad, COUNT(answers)},
        {answers_without_end, 0},
        {requests_as_they_leave, 0},
        {requests_that_cannot_be_sent, 0},
        {nobody_there, 0},
        {connections_are_reused, 0},
        {connections_that_are_not_reused, COUNT(not_kept)},
        {unread_answers_and_old_connections_are_not_reused, 0},
        {a_kept_connection_that_dies, 2},
        {no_more_connections_than_allowed, 0},
        {redirects_are_followed, COUNT(redirects)},
        {credentials_stay_with_their_host, 0},
        {redirects_without_end_and_without_leave, 0},
        {timeouts, 2},
        {cancelled_requests_leave_nothing_behind, 0},
        {https_verifies_the_server, 0},
        {client_and_server_together, 0},
    };
    return RUN_TESTS("http_client", tests);
}
