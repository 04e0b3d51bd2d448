/*
 * Our reading against llhttp's, and against our own regenerated output, on many thousand mutated messages.
 * The mutations are the same in every run.
 */
#include "suite.h"

#include "oracle.h"

#define ROUNDS 100000

static const char *const requests[] = {
    "GET / HTTP/1.1\r\nHost: h.example\r\n\r\n",
    "\r\nGET /a?b HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhelloGET / HTTP/1.1\r\nHost: "
    "h\r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
    "5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-T: v\r\n\r\n",
    "GET http://h.example/a HTTP/1.1\r\nHost: h.example:80\r\nConnection: close, X-B\r\nX-B: 1\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTE: trailers\r\nContent-Length: 1\r\n\r\nx",
    "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: "
    "k\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\nVia: 1.1 a\r\nA_B: c\r\nMax-Forwards: 3\r\n"
    "Empty:\r\n\r\n",
};

static const char *const responses[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: x\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: v\r\n\r\n",
    "HTTP/1.0 200 OK\r\nServer: s\r\nConnection: close\r\n\r\nbody",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\nETag: \"e\"\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/1.1 204 \r\nKeep-Alive: timeout=5\r\nConnection: keep-alive\r\n\r\n",
};

/* What parsers have tripped over before. */
static const struct span pieces[] = {
    {"\r\n", 2},
    {"\n", 1},
    {"\r", 1},
    {"\0", 1},
    {" ", 1},
    {"\t", 1},
    {":", 1},
    {",", 1},
    {";", 1},
    {"\"", 1},
    {"#", 1},
    {"@", 1},
    {"%2f", 3},
    {"\x0b", 1},
    {"\x7f", 1},
    {"\x80", 1},
    {"\xff", 1},
    {"0", 1},
    {"-", 1},
    {"_", 1},
    {"chunked", 7},
    {"close", 5},
    {"\r\n ", 3},
    {"\r\n\r\n", 4},
    {"\r\nHost: evil", 12},
    {"\r\nContent-Length: 5", 19},
    {"\r\nContent-Length: 6", 19},
    {"\r\nTransfer-Encoding: chunked", 28},
    {"\r\nTransfer-Encoding: x", 22},
    {"\r\nTransfer-Encoding:", 20},
    {"\r\nConnection: Host, close", 25},
    {"\r\nUpgrade: h2c", 14},
    {"HTTP/1.0", 8},
    {"HTTP/1.1", 8},
    {"HEAD ", 5},
    {"18446744073709551617", 20},
    {"10000000000000000", 17},
};

static size_t splice(char *text, size_t n, size_t at, size_t drop, struct span piece)
{
    if (drop > n - at)
        drop = n - at;
    memmove(text + at + piece.n, text + at + drop, n - at - drop);
    memcpy(text + at, piece.p, piece.n);
    return n - drop + piece.n;
}

static size_t mutate(char *text, size_t n, uint32_t *seed)
{
    unsigned changes = next_random(seed) % 4;

    while (changes--) {
        struct span piece = pieces[next_random(seed) % (sizeof(pieces) / sizeof(pieces[0]))];
        size_t at = next_random(seed) % (n + 1);
        char byte = (char)next_random(seed);

        switch (next_random(seed) % 6) {
        case 0: /* any byte instead of one */
            n = splice(text, n, at, 1, span_of(&byte, 1));
            break;
        case 1: /* some bytes gone */
            n = splice(text, n, at, 1 + next_random(seed) % 4, span_of("", 0));
            break;
        case 2: /* a piece instead of as many bytes */
            n = splice(text, n, at, piece.n, piece);
            break;
        case 3: { /* what is there, once more */
            char copy[24];
            size_t length = next_random(seed) % sizeof(copy);
            if (length > n - at)
                length = n - at;
            memcpy(copy, text + at, length);
            n = splice(text, n, at, 0, span_of(copy, length));
            break;
        }
        default: /* a piece in between */
            n = splice(text, n, at, 0, piece);
        }
    }
    return n;
}

static void fail_with(const char *wrong, const char *text, size_t n)
{
    char shown[4096];
    size_t m = 0;

    for (size_t i = 0; i < n && m < sizeof(shown) - 5; i++)
        m += (size_t)snprintf(shown + m, 5, text[i] >= ' ' && text[i] < 0x7f ? "%c" : "\\x%02x",
                              (unsigned char)text[i]);
    ck_abort_msg("%s: %s", wrong, shown);
}

START_TEST(mutated_requests)
{
    uint32_t seed = 20240501;
    int taken = 0, refused = 0;

    for (int round = 0; round < ROUNDS; round++) {
        const char *base = requests[next_random(&seed) % (sizeof(requests) / sizeof(requests[0]))];
        char text[1024], *exact;
        size_t n = strlen(base);
        const char *wrong;

        memcpy(text, base, n);
        n = mutate(text, n, &seed);
        exact = malloc(n ? n : 1); /* no slack behind it: an overread is an error under the sanitizers */
        memcpy(exact, text, n);
        wrong = oracle_request(exact, n);
        if (wrong)
            fail_with(wrong, exact, n);
        taken += oracle_verdict == 1;
        refused += oracle_verdict < 0;
        free(exact);
    }
    ck_assert_int_gt(taken, ROUNDS / 10); /* both sides of the fence have been visited */
    ck_assert_int_gt(refused, ROUNDS / 10);
}
END_TEST

START_TEST(mutated_responses)
{
    static const enum http_method methods[] = {HTTP_METHOD_GET, HTTP_METHOD_GET, HTTP_METHOD_HEAD};
    uint32_t seed = 20240502;
    int taken = 0, refused = 0;

    for (int round = 0; round < ROUNDS; round++) {
        const char *base = responses[next_random(&seed) % (sizeof(responses) / sizeof(responses[0]))];
        char text[1024], *exact;
        size_t n = strlen(base);
        const char *wrong;

        memcpy(text, base, n);
        n = mutate(text, n, &seed);
        exact = malloc(n ? n : 1);
        memcpy(exact, text, n);
        wrong = oracle_response(exact, n, methods[round % 3]);
        if (wrong)
            fail_with(wrong, exact, n);
        taken += oracle_verdict == 1;
        refused += oracle_verdict < 0;
        free(exact);
    }
    ck_assert_int_gt(taken, ROUNDS / 10);
    ck_assert_int_gt(refused, ROUNDS / 10);
}
END_TEST

START_TEST(mutated_chunked_bodies)
{
    static const char base[] =
        "5;a=\"b\"\r\nhello\r\n0010\r\n0123456789abcdef\r\n0\r\nX-T: v\r\nY:z\r\n\r\nmore";
    uint32_t seed = 20240503;

    for (int round = 0; round < ROUNDS; round++) {
        char text[512];
        size_t n = sizeof(base) - 1;
        const char *wrong;

        memcpy(text, base, n);
        n = mutate(text, n, &seed);
        wrong = oracle_chunked(text, n, 1 + next_random(&seed) % 9);
        if (wrong)
            fail_with(wrong, text, n);
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("differential");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, mutated_requests);
    tcase_add_test(tc, mutated_responses);
    tcase_add_test(tc, mutated_chunked_bodies);
    return run_suite(tc, "http/differential");
}
