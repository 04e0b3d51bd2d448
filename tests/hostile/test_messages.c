/*
 * Every case of tests/hostile (cases.py) against the message code alone: in one piece, cut in two at every byte, and byte
 * by byte. The verdict must be the one of the table each time.
 */
#include <stdarg.h>

#include "../http/suite.h"
#include "http/chunked.h"

#define MOST_MESSAGES 16

enum end { END_KEEP, END_CLOSE, END_PART, END_REFUSED };

struct message {
    char method[16], *target, *body;
    size_t body_size;
};

struct expected {
    char name[200];
    char *bytes;
    size_t size;
    /* requests */
    enum end end;
    char statuses[64];
    struct message good[MOST_MESSAGES];
    unsigned count;
    /* answers */
    bool answer, reuse, fin;
    char verdict[8];
    int status;
    char method[16], *body;
    size_t body_size;
};

/* --- reading the table ---------------------------------------------------------------------------------------------- */

static char *from_hex(const char *hex, size_t *size)
{
    size_t n = strcmp(hex, "-") ? strlen(hex) / 2 : 0;
    char *bytes = malloc(n + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (char)byte;
    }
    *size = n;
    return bytes;
}

static char *word(char **line)
{
    char *w = strsep(line, " \n");
    ck_assert_ptr_nonnull(w);
    return w;
}

static void read_request(struct expected *e, char *line)
{
    snprintf(e->name, sizeof e->name, "%s", word(&line));
    const char *end = word(&line);
    e->end = !strcmp(end, "keep")    ? END_KEEP
             : !strcmp(end, "close") ? END_CLOSE
             : !strcmp(end, "part")  ? END_PART
                                     : END_REFUSED;
    snprintf(e->statuses, sizeof e->statuses, ",%s,", end);
    e->bytes = from_hex(word(&line), &e->size);
}

static void read_good(struct expected *e, char *line)
{
    ck_assert_uint_lt(e->count, MOST_MESSAGES);
    struct message *m = &e->good[e->count++];
    snprintf(m->method, sizeof m->method, "%s", word(&line));
    m->target = strdup(word(&line));
    m->body = from_hex(word(&line), &m->body_size);
}

static void read_answer(struct expected *e, char *line)
{
    e->answer = true;
    snprintf(e->name, sizeof e->name, "%s", word(&line));
    snprintf(e->method, sizeof e->method, "%s", word(&line));
    e->fin = !strcmp(word(&line), "fin");
    snprintf(e->verdict, sizeof e->verdict, "%s", word(&line));
    e->status = atoi(word(&line));
    e->reuse = atoi(word(&line));
    e->body = from_hex(word(&line), &e->body_size);
    e->bytes = from_hex(word(&line), &e->size);
}

static void forget(struct expected *e)
{
    free(e->bytes);
    free(e->body);
    for (unsigned i = 0; i < e->count; i++) {
        free(e->good[i].target);
        free(e->good[i].body);
    }
    *e = (struct expected){0};
}

/* --- a reader that gets its bytes in pieces -------------------------------------------------------------------------- */

/* As in proxy/http/h1.c: a head, its body by its framing, and the next. */
struct reader {
    const struct expected *expected;
    struct http_parser parser;
    struct http_head head;
    struct http_chunked chunked;
    bool in_body;
    size_t at;     /* consumed */
    uint64_t left; /* of a body with a length */
    char *body;
    size_t body_size;
    unsigned messages; /* complete */
    int error;         /* or 0 */
    bool ended;        /* nothing behind this message counts */
};

/* As in proxy/http/converse.c. */
static const struct http_limits of_answers = {.head_bytes = 65536, .fields = HTTP_MAX_FIELDS};

static void begin(struct reader *r)
{
    const struct expected *e = r->expected;
    r->in_body = false;
    r->body_size = 0;
    if (e->answer)
        http_response_begin(&r->parser, &of_answers,
                            strcmp(e->method, "HEAD") ? HTTP_METHOD_GET : HTTP_METHOD_HEAD, false);
    else
        http_request_begin(&r->parser, NULL);
}

static unsigned wrongs;

/* Says so and goes on: a rule that is broken breaks many cases. */
__attribute__((format(printf, 2, 3))) static void wrong(const struct reader *r, const char *format, ...)
{
    char text[500];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fprintf(stderr, "%s: %s (%u complete, %s)\n", r->expected->name, text, r->messages, error_name(r->error));
    wrongs++;
}

/* A request that the table has as a good one, in its turn. */
static void check_request(const struct reader *r)
{
    const struct expected *e = r->expected;
    if (r->messages >= e->count) {
        wrong(r, "a request too many: %.*s", (int)r->head.target.n, r->head.target.p);
        return;
    }
    const struct message *m = &e->good[r->messages];
    const struct http_target *uri = &r->head.uri;
    struct span path = uri->path.n ? uri->path : SPAN("/"), want = span_str(m->target);
    if (!span_equal(r->head.method_name, span_str(m->method)) || path.n + uri->query.n != want.n) {
        wrong(r, "another request: %.*s", (int)r->head.target.n, r->head.target.p);
        return;
    }
    if (!span_equal(path, span_of(want.p, path.n)) ||
        !span_equal(uri->query, span_of(want.p + path.n, uri->query.n)))
        wrong(r, "another request: %.*s", (int)r->head.target.n, r->head.target.p);
    if (r->body_size != m->body_size || memcmp(r->body, m->body, m->body_size) != 0)
        wrong(r, "another body: %.*s", (int)r->body_size, r->body);
}

static void complete(struct reader *r)
{
    if (r->expected->answer) {
        if (r->head.status >= 200) {
            r->ended = true;
            r->messages++;
        }
    } else {
        check_request(r);
        r->messages++;
        r->ended = !r->head.keepalive;
    }
    if (!r->ended)
        begin(r);
}

static void take(struct reader *r, const char *p, size_t n)
{
    memcpy(r->body + r->body_size, p, n);
    r->body_size += n;
}

/* The next step with what is there: false when it needs more. */
static bool read_head(struct reader *r, const char *bytes, size_t have)
{
    static char path[65536];
    int rc = have > r->at ? http_head_feed(&r->parser, bytes + r->at, have - r->at, &r->head) : 0;
    if (rc > 0 && !r->expected->answer) {
        int n = http_path_normalise(r->head.uri.path, 0, path, sizeof path);
        rc = n < 0 ? n : rc;
    }
    if (rc < 0)
        r->error = rc;
    if (rc <= 0)
        return false;
    r->at += r->head.bytes;
    r->left = r->head.content_length;
    r->in_body = true;
    if (r->head.framing == HTTP_FRAMING_CHUNKED)
        http_chunked_begin(&r->chunked, NULL);
    return true;
}

static bool read_body(struct reader *r, const char *bytes, size_t have)
{
    struct span data;
    size_t used;
    int step;
    switch (r->head.framing) {
    case HTTP_FRAMING_NONE:
        complete(r);
        return true;
    case HTTP_FRAMING_LENGTH: {
        size_t n = have - r->at < r->left ? have - r->at : (size_t)r->left;
        take(r, bytes + r->at, n);
        r->at += n;
        r->left -= n;
        if (r->left == 0)
            complete(r);
        return n > 0 || r->left == 0;
    }
    case HTTP_FRAMING_UNTIL_CLOSE:
        take(r, bytes + r->at, have - r->at);
        r->at = have;
        return false;
    case HTTP_FRAMING_CHUNKED:
        break;
    }
    step = http_chunked_feed(&r->chunked, bytes + r->at, have - r->at, &used, &data);
    r->at += used;
    if (data.n)
        take(r, data.p, data.n);
    if (step < 0)
        r->error = step;
    if (step == HTTP_CHUNKED_DONE)
        complete(r);
    return step == HTTP_CHUNKED_DATA || step == HTTP_CHUNKED_DONE;
}

static void advance(struct reader *r, const char *bytes, size_t have)
{
    while (!r->error && !r->ended && (r->in_body ? read_body : read_head)(r, bytes, have))
        ;
}

/* --- verdicts --------------------------------------------------------------------------------------------------------- */

static bool among(const char *statuses, int status)
{
    char text[16];
    snprintf(text, sizeof text, ",%d,", status);
    return strstr(statuses, text) != NULL;
}

static void judge_requests(const struct reader *r)
{
    const struct expected *e = r->expected;
    bool idle = !r->in_body && (r->at == e->size || http_head_idle(&r->parser));
    if (r->messages != e->count)
        wrong(r, "%u requests, not %u", r->messages, e->count);
    switch (e->end) {
    case END_KEEP:
        if (r->error || r->ended || !idle)
            wrong(r, "not a clean end");
        break;
    case END_CLOSE:
        if (r->error || !r->ended)
            wrong(r, "what follows would count");
        break;
    case END_PART:
        if (r->error || r->ended || idle)
            wrong(r, "not a part of a request");
        break;
    case END_REFUSED:
        if (!r->error)
            wrong(r, "not refused");
        if (!among(e->statuses, http_error_info(r->error)->status))
            wrong(r, "refused with %d, not one of %s", http_error_info(r->error)->status, e->statuses);
        break;
    }
}

static void judge_answer(const struct reader *r)
{
    const struct expected *e = r->expected;
    bool until_close = r->in_body && r->head.framing == HTTP_FRAMING_UNTIL_CLOSE && e->fin;
    bool whole = r->messages == 1 || (until_close && !r->error);
    bool reuse = whole && !until_close && r->head.keepalive && r->at == e->size && !e->fin;
    if (!strcmp(e->verdict, "pass")) {
        if (!whole || r->error)
            wrong(r, "not a whole answer");
        if (r->head.status != e->status || r->body_size != e->body_size ||
            memcmp(r->body, e->body, e->body_size) != 0)
            wrong(r, "another answer: %d %.*s", r->head.status, (int)r->body_size, r->body);
        if (reuse != e->reuse)
            wrong(r, "the connection could%s be used again", reuse ? "" : " not");
    } else if (!strcmp(e->verdict, "cut")) {
        if (whole || !r->in_body)
            wrong(r, "not an answer that breaks off");
    } else if (r->in_body || (!r->error && !e->fin)) {
        wrong(r, "taken for an answer");
    }
}

static void run_split(const struct expected *e, size_t first, size_t step)
{
    static struct reader r;
    r = (struct reader){.expected = e, .body = malloc(e->size + 1)};
    ck_assert_ptr_nonnull(r.body);
    begin(&r);
    advance(&r, e->bytes, first);
    for (size_t have = first; have < e->size;) {
        have = e->size - have < step ? e->size : have + step;
        advance(&r, e->bytes, have);
    }
    (e->answer ? judge_answer : judge_requests)(&r);
    free(r.body);
}

static void run_case(const struct expected *e)
{
    size_t every = e->size < 2000 ? 1 : e->size / 97;
    run_split(e, e->size, 1);
    for (size_t first = 1; first < e->size; first += every)
        run_split(e, first, e->size);
    if (e->size < 2000) { /* or it takes long: what has come is looked at again for each body byte */
        run_split(e, 0, 1);
        run_split(e, 0, 3);
    }
}

static unsigned run_all(bool answers)
{
    FILE *file = fopen(getenv("HOSTILE_CASES"), "r");
    char *line = NULL;
    size_t room = 0;
    unsigned count = 0;
    struct expected e = {0};
    ck_assert_msg(file != NULL, "HOSTILE_CASES does not name the table");
    while (getline(&line, &room, file) > 0) {
        char *rest = line;
        const char *kind = word(&rest);
        if (!strcmp(kind, "good")) {
            read_good(&e, rest);
            continue;
        }
        if (e.bytes && e.answer == answers) {
            run_case(&e);
            count++;
        }
        forget(&e);
        (strcmp(kind, "answer") ? read_request : read_answer)(&e, rest);
    }
    if (e.answer == answers) {
        run_case(&e);
        count++;
    }
    forget(&e);
    free(line);
    fclose(file);
    return count;
}

START_TEST(requests)
{
    ck_assert_uint_gt(run_all(false), 1000);
    ck_assert_uint_eq(wrongs, 0);
}
END_TEST

START_TEST(answers)
{
    ck_assert_uint_gt(run_all(true), 1000);
    ck_assert_uint_eq(wrongs, 0);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("messages");
    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, requests);
    tcase_add_test(tc, answers);
    return run_suite(tc, "hostile/messages");
}
