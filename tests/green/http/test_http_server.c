/* The HTTP server: connections, bodies both ways, answers, timeouts, stopping. */
#include "http_serving.h"

/* --- connections ------------------------------------------------------------------------------------------------- */

START_TEST(connections_are_kept_and_pipelined_in_order)
{
    start(mirror, (green_http_server_options_t){0});
    int fd = dial();
    send_text(fd, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    receive(fd, "GET [/1] [-] [h] 0:");
    assert_lacks("Connection:");
    send_text(fd, "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                  "POST /3 HTTP/1.1\r\nHost: h\r\n" CHUNKED "3\r\ndef\r\n0\r\n\r\n"
                  "HEAD /4 HTTP/1.1\r\nHost: h\r\n\r\n"
                  "GET /5 HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Close\r\n\r\n" SMUGGLED);
    receive(fd, NULL);
    const char *second = strstr(answer, "[/2] [-] [h] 3:abcHTTP/1.1 200"),
               *third = strstr(answer, "[/3] [-] [h] -1:defHTTP/1.1 200"), *fifth = strstr(answer, "[/5]");
    ck_assert(second && third && fifth && second < third && third < fifth);
    assert_lacks("[/4]");
    assert_lacks("smuggled");
    ck_assert_int_eq(count("HTTP/1.1 200 OK"), 4);
    ck_assert_int_eq(count("Connection: close"), 1);
    ck_assert_int_eq(book.calls, 5);
    ck_assert_int_eq(green_close(fd), 0);
    end_server();
}
END_TEST

START_TEST(many_pipelined_requests)
{
    static char requests[40000];
    char *p = requests;
    for (int i = 0; i < 500; i++)
        p += sprintf(p, "GET /%d HTTP/1.1\r\nHost: h\r\n%s\r\n", i, i == 499 ? "Connection: close\r\n" : "");
    start(mirror, (green_http_server_options_t){0});
    ask(requests);
    p = answer;
    for (int i = 0; i < 500; i++) {
        char path[16];
        sprintf(path, "[/%d]", i);
        p = strstr(p, path);
        ck_assert_ptr_nonnull(p);
    }
    end_server();
}
END_TEST

START_TEST(connections_of_the_old_version)
{
    start(mirror, (green_http_server_options_t){0});
    int fd = dial();
    send_text(fd, "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    receive(fd, "GET [/1] [-] [-] 0:");
    assert_has("\r\nConnection: keep-alive\r\n");
    send_text(fd, "GET /2 HTTP/1.0\r\n\r\n" SMUGGLED);
    receive(fd, NULL);
    assert_has("\r\nConnection: close\r\n");
    assert_has("GET [/2]");
    assert_lacks("smuggled");
    ck_assert_int_eq(green_close(fd), 0);
    end_server();
}
END_TEST

/* --- bodies ------------------------------------------------------------------------------------------------------ */

static int read_after_a_word(green_http_exchange_t *x, void *arg)
{
    char text[10];
    if (!strcmp(green_http_path(x), "/early")) { /* the answer begins before the body is read */
        ck_assert_int_eq(green_http_continue(x, soon()), 0);
        ck_assert_int_eq(green_http_continue(x, soon()), 0);
        ck_assert_int_eq(green_http_begin(x, 200, 2), 0);
        ck_assert_int_eq(green_http_flush(x, soon()), 0);
        ssize_t got = green_http_read(x, text, sizeof text, soon());
        return got < 0 ? (int)got : green_http_write(x, text, (size_t)got, soon());
    }
    if (!strcmp(green_http_path(x), "/unread"))
        return green_http_answer(x, 403, NULL, "no", 2, soon());
    ssize_t n = green_http_read(x, text, sizeof text, soon());
    return n < 0 ? (int)n : green_http_answer(x, 200, NULL, text, (size_t)n, soon());
}

START_TEST(continue_is_sent_when_the_body_is_read)
{
    start(read_after_a_word, (green_http_server_options_t){0});
    int fd = dial();
    send_text(fd, POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
    receive(fd, "\r\n\r\n");
    ck_assert_str_eq(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(fd, "ok");
    receive(fd, "\r\n\r\nok");
    assert_has("HTTP/1.1 200 OK");
    send_text(fd, "POST /early HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    receive(fd, "Content-Length: 2\r\n\r\n");
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 42), 0);
    assert_lacks("Connection: close");
    send_text(fd, "ok");
    receive(fd, "ok");
    /* Sent at once: the client does not wait, so nothing has to be said. */
    send_text(fd, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
    receive(fd, "\r\n\r\nok");
    assert_lacks("100 Continue");
    /* Not read: not asked for, and nobody knows whether it comes. */
    send_text(fd, "POST /unread HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    ck_assert_int_eq(green_shutdown_write(fd), 0);
    receive(fd, NULL);
    assert_lacks("100 Continue");
    assert_has("HTTP/1.1 403 Forbidden");
    assert_has("Connection: close");
    ck_assert_int_eq(green_close(fd), 0);
    ask("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
    assert_lacks("100 Continue");
    end_server();
}
END_TEST

START_TEST(unread_bodies_are_drained)
{
    start(read_after_a_word, (green_http_server_options_t){0});
    char *text = long_request("POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", 100000,
                              "POST /unread HTTP/1.1\r\nHost: h\r\n" CHUNKED "5\r\nhello\r\n0\r\n\r\n" POST
                              "Connection: close\r\nContent-Length: 3\r\n\r\nabc");
    ask(text);
    ck_assert_int_eq(count("HTTP/1.1 403"), 2);
    ck_assert_str_eq(answer + answer_n - 7, "\r\n\r\nabc");
    free(text);
    /* But not without end: then the connection goes, and the client still gets its answer. */
    text =
        long_request("POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n", 400000, SMUGGLED);
    int fd = dial();
    size_t done;
    int r = green_write_all(fd, text, strlen(text), &done, soon());
    ck_assert(r == 0 || r == -EPIPE || r == -ECONNRESET);
    ck_assert_int_gt(green_read(fd, answer, sizeof answer, soon()), 0);
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 403", 12), 0);
    ck_assert_int_eq(green_close(fd), 0);
    ck_assert_str_eq(book.line, "POST /unread? 1.1"); /* the other was never a request */
    free(text);
    end_server();
}
END_TEST

static int echo(green_http_exchange_t *x, void *arg)
{
    char buffer[5000];
    ssize_t n;
    int r = green_http_begin(x, 200, green_http_body_length(x));
    while (r == 0 && (n = green_http_read(x, buffer, sizeof buffer, soon())) != 0)
        r = n < 0 ? (int)n : green_http_write(x, buffer, (size_t)n, soon());
    return r;
}

START_TEST(bodies_stream_both_ways)
{
    start(echo, (green_http_server_options_t){0});
    int fd = dial();
    send_text(fd, POST CHUNKED "5\r\nhello\r\n");
    receive(fd, "5\r\nhello\r\n");
    assert_has("Transfer-Encoding: chunked\r\n");
    assert_lacks("Content-Length");
    send_text(fd, "6\r\n world\r\n0\r\n\r\n");
    receive(fd, "6\r\n world\r\n0\r\n\r\n");
    ck_assert_uint_eq(book.received, 11);
    ck_assert_uint_eq(book.sent, 11);
    char *text = long_request(POST "Content-Length: 200000\r\n\r\n", 200000, "");
    size_t sent = 0, length = strlen(text), received = 0;
    while (received < 200000) {
        size_t n = length - sent < 30000 ? length - sent : 30000;
        ck_assert_int_eq(green_write_all(fd, text + sent, n, NULL, soon()), 0);
        sent += n;
        while (received + 1000 < sent && received < 200000) {
            ssize_t got = green_read(fd, answer, sizeof answer, soon());
            ck_assert_int_gt(got, 0);
            for (ssize_t i = 0; i < got; i++)
                received +=
                    answer[i] == 'a' && (received || (i && (answer[i - 1] == '\n' || answer[i - 1] == 'a')));
        }
    }
    ck_assert_uint_eq(received, 200000);
    free(text);
    ck_assert_int_eq(green_close(fd), 0);
    end_server();
}
END_TEST

/* --- answers ----------------------------------------------------------------------------------------------------- */

static int by_path(green_http_exchange_t *x, void *arg)
{
    const char *path = green_http_path(x);
    int status = atoi(path + 1);
    if (!strcmp(path, "/unknown")) {
        ck_assert_int_eq(green_http_begin(x, 200, GREEN_HTTP_UNKNOWN), 0);
        ck_assert(green_http_begun(x));
        ck_assert_int_eq(green_http_flush(x, soon()), 0);
        int r = green_http_write(x, "ab", 2, soon());
        return r < 0 ? r : green_http_write(x, "c", 1, soon());
    }
    if (!strcmp(path, "/nothing"))
        return 0;
    if (!strcmp(path, "/error"))
        return -EIO;
    if (!strcmp(path, "/short")) {
        ck_assert_int_eq(green_http_begin(x, 200, 5), 0);
        return green_http_write(x, "abc", 3, soon());
    }
    if (!strcmp(path, "/broken") || !strcmp(path, "/broken-off")) {
        ck_assert_int_eq(green_http_begin(x, 200, GREEN_HTTP_UNKNOWN), 0);
        ck_assert_int_eq(green_http_write(x, "abc", 3, soon()), 0);
        return -EIO;
    }
    if (!strcmp(path, "/close"))
        green_http_close(x);
    return green_http_answer(x, status ? status : 200, "text/plain", "content", 7, soon());
}

static const char *get(const char *path, const char *method, int minor)
{
    char request[200];
    snprintf(request, sizeof request, "%s %s HTTP/1.%d\r\nHost: h\r\n\r\n", method, path, minor);
    return ask(request);
}

START_TEST(lengths_of_answers)
{
    start(by_path, (green_http_server_options_t){.name = "test/1"});
    get("/200", "GET", 1);
    assert_has("\r\nDate: ");
    assert_has(" GMT\r\n");
    assert_has("\r\nServer: test/1\r\n");
    assert_has("\r\nContent-Type: text/plain\r\n");
    assert_has("\r\nContent-Length: 7\r\n\r\ncontent");
    get("/200", "HEAD", 1);
    ck_assert_str_eq(answer + answer_n - 23, "\r\nContent-Length: 7\r\n\r\n");
    get("/204", "GET", 1);
    assert_has("HTTP/1.1 204 No Content\r\n");
    assert_lacks("Content-Length");
    ck_assert_str_eq(answer + answer_n - 4, "\r\n\r\n");
    get("/304", "GET", 1);
    assert_lacks("Content-Length");
    assert_lacks("content");
    get("/unknown", "GET", 1);
    assert_has("Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
    get("/unknown", "HEAD", 1);
    assert_has("Transfer-Encoding: chunked\r\n");
    ck_assert_str_eq(answer + answer_n - 4, "\r\n\r\n");
    get("/unknown", "GET", 0); /* no chunks for the old version: the end of the connection is the end */
    assert_lacks("Transfer-Encoding");
    assert_has("Connection: close\r\n\r\nabc");
    get("/close", "GET", 1);
    assert_has("Connection: close");
    ck_assert_int_eq(book.errors, 0);
    end_server();
}
END_TEST

START_TEST(handlers_that_fail)
{
    start(by_path, (green_http_server_options_t){0});
    get("/nothing", "GET", 1);
    assert_has("HTTP/1.1 500 Internal Server Error\r\n");
    ck_assert_int_eq(book.errors, 0);
    get("/error", "GET", 1);
    assert_has("HTTP/1.1 500 ");
    ck_assert_int_eq(book.errors, 1);
    ck_assert_int_eq(book.last_error, -EIO);
    get("/short", "GET", 1);
    assert_has("Content-Length: 5\r\n\r\nabc");
    ck_assert_int_eq(book.log_error, -ENODATA);
    get("/broken", "GET", 1);
    assert_has("3\r\nabc\r\n");
    assert_lacks("0\r\n\r\n");
    ck_assert_int_eq(book.log_error, -EIO);
    /* Where the end of the connection would look like the end of the answer, a reset says that it is not. */
    int fd = dial(), r;
    send_text(fd, "GET /broken-off HTTP/1.0\r\n\r\n");
    while ((r = (int)green_read(fd, answer, sizeof answer, soon())) > 0)
        ;
    ck_assert_int_eq(r, -ECONNRESET);
    ck_assert_int_eq(green_close(fd), 0);
    get("/200", "GET", 1);
    assert_has("200 OK"); /* nobody else was hurt */
    end_server();
}
END_TEST

static int misuse(green_http_exchange_t *x, void *arg)
{
    const green_http_field_t *fields;
    char *large = long_request("", 40000, "");
    ck_assert_uint_eq(green_http_fields(x, &fields), 2);
    ck_assert_str_eq(fields[1].name, "X-Own");
    ck_assert_str_eq(fields[1].value, "v w");
    ck_assert_str_eq(green_http_field(x, "x-oWN"), "v w");
    ck_assert_ptr_null(green_http_field(x, "other"));
    ck_assert_int_gt(green_address_port(green_http_peer(x)), 0);
    ck_assert_ptr_nonnull(green_http_stream(x));
    ck_assert_int_eq(green_http_set(x, "X", "a\r\nSet-Cookie: b"), -EINVAL);
    ck_assert_int_eq(green_http_set(x, "X", "a\nb"), -EINVAL);
    ck_assert_int_eq(green_http_set(x, "X\r\nY", "a"), -EINVAL);
    ck_assert_int_eq(green_http_set(x, "X Y", "a"), -EINVAL);
    ck_assert_int_eq(green_http_set(x, "", "a"), -EINVAL);
    ck_assert_int_eq(green_http_set(x, "Content-Length", "3"), -EINVAL);
    ck_assert_int_eq(green_http_set(x, "transfer-encoding", "chunked"), -EINVAL);
    ck_assert_int_eq(green_http_set(x, "Connection", "close"), -EINVAL);
    ck_assert_int_eq(green_http_set(x, "X", large), -EMSGSIZE);
    ck_assert_int_eq(green_http_set(x, "X-Fine", "a\tb\xe4"), 0);
    ck_assert_int_eq(green_http_set(x, "X-Fine", ""), 0);
    ck_assert_int_eq(green_http_set(x, "Date", "never"), 0);
    ck_assert_int_eq(green_http_write(x, "a", 1, soon()), -EINVAL);
    ck_assert_int_eq(green_http_begin(x, 199, 0), -EINVAL);
    ck_assert_int_eq(green_http_begin(x, 600, 0), -EINVAL);
    ck_assert_int_eq(green_http_begin(x, 200, -2), -EINVAL);
    ck_assert_int_eq(green_http_answer(x, 200, "a\r\nb", "", 0, soon()), -EINVAL);
    ck_assert(!green_http_begun(x));
    ck_assert_int_eq(green_http_begin(x, 200, 3), 0);
    ck_assert_int_eq(green_http_begin(x, 200, 3), -EALREADY);
    ck_assert_int_eq(green_http_set(x, "X", "y"), -EALREADY);
    ck_assert_int_eq(green_http_answer(x, 200, "text/plain", "", 0, soon()), -EALREADY);
    ck_assert_int_eq(green_http_write(x, "abcd", 4, soon()), -EMSGSIZE);
    ck_assert_int_eq(green_http_write(x, "abc", 3, soon()), 0);
    ck_assert_int_eq(green_http_write(x, "d", 1, soon()), -EMSGSIZE);
    free(large);
    return 0;
}

START_TEST(wrong_use_gets_a_code)
{
    start(misuse, (green_http_server_options_t){0});
    ask("GET / HTTP/1.1\r\nHost: h\r\nX-Own:  v w \r\n\r\n");
    assert_has("\r\nDate: never\r\n");
    ck_assert_int_eq(count("\r\nDate: "), 1);
    assert_has("\r\nX-Fine: a\tb\xe4\r\nX-Fine: \r\n");
    assert_has("\r\n\r\nabc");
    end_server();
    green_http_server_t *s;
    green_http_server_options_t options = {.name = "a\r\nb"};
    ck_assert_int_eq(green_http_server_new(&s, ":0", mirror, NULL, &options), -EINVAL);
    options = (green_http_server_options_t){.head_timeout = -1};
    ck_assert_int_eq(green_http_server_new(&s, ":0", mirror, NULL, &options), -EINVAL);
    ck_assert_int_eq(green_http_server_new(&s, ":0", NULL, NULL, NULL), -EINVAL);
    ck_assert_int_eq(green_http_server_new(&s, NULL, mirror, NULL, NULL), -EINVAL);
    ck_assert_int_eq(green_http_server_new_fd(&s, -1, mirror, NULL, NULL), -EBADF);
    green_http_server_free(NULL);
}
END_TEST

static int endless(green_http_exchange_t *x, void *arg)
{
    static char block[20000];
    int r = green_http_begin(x, 200, GREEN_HTTP_UNKNOWN);
    while (r == 0)
        r = green_http_write(x, block, sizeof block, soon());
    book.last_error = r;
    ck_assert_int_eq(green_http_write(x, block, 1, soon()), r); /* and stays so */
    return r == -EPIPE || r == -ECONNRESET ? -ECANCELED : r;    /* which nobody needs to hear of */
}

START_TEST(a_client_that_leaves_is_a_quiet_matter)
{
    start(endless, (green_http_server_options_t){0});
    int fd = dial();
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_int_gt(green_read(fd, answer, 1000, soon()), 0);
    ck_assert_int_eq(green_close(fd), 0);
    green_time deadline = soon();
    while (!book.logged) {
        ck_assert_int_lt(green_now(), deadline);
        ck_assert_int_eq(green_yield(), 0);
    }
    ck_assert(book.last_error == -EPIPE || book.last_error == -ECONNRESET);
    ck_assert_int_eq(book.errors, 0);
    end_server();
}
END_TEST

/* --- time -------------------------------------------------------------------------------------------------------- */

START_TEST(timeouts)
{
    static const struct {
        const char *request, *expected;
    } cases[] = {
        {"", ""},                                              /* idle: closed without a word */
        {"GET / HTTP/1.1\r\nHo", "HTTP/1.1 408 "},             /* in the head */
        {POST "Content-Length: 5\r\n\r\nhe", "HTTP/1.1 408 "}, /* in the body */
        {POST CHUNKED "5\r", "HTTP/1.1 408 "},
    };
    start(mirror, (green_http_server_options_t){.head_timeout = GREEN_MS(20),
                                                .idle_timeout = GREEN_MS(20),
                                                .body_timeout = GREEN_MS(20)});
    int fd = dial();
    send_text(fd, cases[_i].request);
    green_time before = green_now();
    receive(fd, NULL);
    ck_assert_int_lt(green_now() - before, GREEN_S(20));
    ck_assert_int_eq(strncmp(answer, cases[_i].expected, strlen(cases[_i].expected)), 0);
    ck_assert_int_eq(count("HTTP"), cases[_i].expected[0] != 0);
    ck_assert_int_eq(green_close(fd), 0);
    end_server();
}
END_TEST

START_TEST(a_client_that_does_not_read)
{
    start(endless, (green_http_server_options_t){.write_timeout = GREEN_MS(30)});
    int fd = dial();
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    green_time deadline = soon();
    while (!book.logged) {
        ck_assert_int_lt(green_now(), deadline);
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    }
    ck_assert_int_eq(book.log_error, -ETIMEDOUT);
    ck_assert_int_eq(green_close(fd), 0);
    end_server();
}
END_TEST

/* --- stopping ---------------------------------------------------------------------------------------------------- */

static struct gate gate;
static int at_gate;

static int gated(green_http_exchange_t *x, void *arg)
{
    at_gate++;
    int r = gate_wait(&gate, soon());
    return r < 0 ? r : green_http_answer(x, 200, NULL, "done", 4, soon());
}

static void *open_gate(void *arg)
{
    yields(5);
    gate_open(&gate);
    return NULL;
}

START_TEST(stopping_ends_idle_connections_and_finishes_answers)
{
    gate_init(&gate);
    start(gated, (green_http_server_options_t){.server.stop_timeout = GREEN_S(30)});
    int idle = dial(), new, busy = dial();
    send_text(busy, "GET / HTTP/1.1\r\nHost: h\r\n\r\n" SMUGGLED);
    while (!at_gate)
        yields(1);
    new = dial();
    green_t *opener = spawn(open_gate, NULL);
    ck_assert_int_eq(green_http_server_stop(server, soon()), 0);
    finish(opener);
    receive(busy, NULL);
    assert_has("200 OK");
    assert_has("Connection: close");
    ck_assert_int_eq(count("HTTP/1.1"), 1);
    receive(idle, NULL);
    ck_assert_uint_eq(answer_n, 0);
    ck_assert_int_eq(green_close(new), 0);
    close_pair((int[]){idle, busy});
    ck_assert_int_eq(green_http_server_start(server, soon()), 0); /* and once more */
    gate_open(&gate);
    get("/", "GET", 1);
    assert_has("200 OK");
    end_server();
}
END_TEST

START_TEST(stopping_breaks_off_what_does_not_end)
{
    gate_init(&gate);
    start(gated, (green_http_server_options_t){.server.stop_timeout = GREEN_MS(5)});
    int fd = dial();
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!at_gate)
        yields(1);
    end_server();
    receive(fd, NULL);
    ck_assert_uint_eq(answer_n, 0);
    ck_assert_int_eq(book.errors, 0);
    ck_assert_int_eq(green_close(fd), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {connections_are_kept_and_pipelined_in_order, 0},
        {many_pipelined_requests, 0},
        {connections_of_the_old_version, 0},
        {continue_is_sent_when_the_body_is_read, 0},
        {unread_bodies_are_drained, 0},
        {bodies_stream_both_ways, 0},
        {lengths_of_answers, 0},
        {handlers_that_fail, 0},
        {wrong_use_gets_a_code, 0},
        {a_client_that_leaves_is_a_quiet_matter, 0},
        {timeouts, 4},
        {a_client_that_does_not_read, 0},
        {stopping_ends_idle_connections_and_finishes_answers, 0},
        {stopping_breaks_off_what_does_not_end, 0},
    };
    return RUN_TESTS("http_server", tests);
}
