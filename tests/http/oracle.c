/* The invariants of the message code (oracle.h). */
#include "oracle.h"

#include <llhttp.h>
#include <stdlib.h>

#include "http/chunked.h"
#include "http/forward.h"

int oracle_verdict;

/* --- llhttp as the second reader: everything that it says about one message, in memory of its own --- */

struct opinion {
    bool head, complete; /* so far it came */
    llhttp_errno_t error;
    const char *reason; /* for the error, or NULL */
    size_t end;         /* where the message ends, if complete */
    bool chunked, no_body;
    uint64_t content_length;
    uint32_t fields;
    char text[ORACLE_BYTES + 1]; /* method, target or reason, then names and values, with separators */
    size_t text_length;
    char body[ORACLE_BYTES];
    size_t body_length;
    char separator; /* 0 at the start of an element */
};

static int add(struct opinion *o, const char *at, size_t n)
{
    if (n > sizeof(o->text) - o->text_length)
        return -1;
    memcpy(o->text + o->text_length, at, n);
    o->text_length += n;
    return 0;
}

static int heard_text(llhttp_t *parser, const char *at, size_t n)
{
    struct opinion *o = parser->data;
    return o->head ? 0 : add(o, at, n);
}

static int heard_method_end(llhttp_t *parser)
{
    return add(parser->data, " ", 1);
}

static int heard_line_end(llhttp_t *parser)
{
    return add(parser->data, "\n", 1);
}

static int heard_name_end(llhttp_t *parser)
{
    struct opinion *o = parser->data;
    o->fields += !o->head;
    return o->head ? 0 : add(o, ":", 1);
}

static int heard_value_end(llhttp_t *parser)
{
    struct opinion *o = parser->data;
    if (o->head)
        return 0;
    while (o->text_length && (o->text[o->text_length - 1] == ' ' || o->text[o->text_length - 1] == '\t'))
        o->text_length--;
    return add(o, "\n", 1);
}

static int heard_head(llhttp_t *parser)
{
    struct opinion *o = parser->data;
    o->head = true;
    o->chunked = (parser->flags & F_CHUNKED) != 0;
    o->content_length = parser->flags & F_CONTENT_LENGTH ? parser->content_length : 0;
    return o->no_body;
}

static int heard_body(llhttp_t *parser, const char *at, size_t n)
{
    struct opinion *o = parser->data;
    if (n > sizeof(o->body) - o->body_length)
        return -1;
    memcpy(o->body + o->body_length, at, n);
    o->body_length += n;
    return 0;
}

static int heard_end(llhttp_t *parser)
{
    struct opinion *o = parser->data;
    o->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t listener = {
    .on_method = heard_text,
    .on_method_complete = heard_method_end,
    .on_url = heard_text,
    .on_url_complete = heard_line_end,
    .on_status = heard_text,
    .on_status_complete = heard_line_end,
    .on_header_field = heard_text,
    .on_header_field_complete = heard_name_end,
    .on_header_value = heard_text,
    .on_header_value_complete = heard_value_end,
    .on_headers_complete = heard_head,
    .on_body = heard_body,
    .on_message_complete = heard_end,
};

/* Has llhttp read one message in pieces of step bytes. */
static void ask(struct opinion *o, llhttp_type_t type, bool no_body, const char *bytes, size_t n, size_t step)
{
    llhttp_t parser;
    llhttp_errno_t error = HPE_OK;
    size_t at = 0;

    memset(o, 0, sizeof(*o));
    o->no_body = no_body;
    llhttp_init(&parser, type, &listener);
    parser.data = o;
    while (at < n && error == HPE_OK) {
        size_t piece = n - at < step ? n - at : step;
        error = llhttp_execute(&parser, bytes + at, piece);
        at += piece;
    }
    o->error = error;
    o->reason = llhttp_get_error_reason(&parser);
    if (o->complete)
        o->end = error == HPE_OK ? at : (size_t)(llhttp_get_error_pos(&parser) - bytes);
}

/* The same text from our own reading. */
static size_t our_text(const struct http_head *head, char out[static ORACLE_BYTES + 256])
{
    size_t n = 0;
#define PUT(s) (memcpy(out + n, (s).p ? (s).p : "", (s).n), n += (s).n)
    if (head->kind == HTTP_KIND_REQUEST) {
        PUT(head->method_name);
        PUT(SPAN(" "));
        PUT(head->target);
    } else {
        PUT(head->reason);
    }
    PUT(SPAN("\n"));
    for (unsigned i = 0; i < head->count; i++) {
        PUT(head->fields[i].name);
        PUT(SPAN(":"));
        PUT(head->fields[i].value);
        PUT(SPAN("\n"));
    }
#undef PUT
    return n;
}

/* --- our own reading, split --- */

static void begin(struct http_parser *p, enum http_kind kind, enum http_method method)
{
    if (kind == HTTP_KIND_REQUEST)
        http_request_begin(p, NULL);
    else
        http_response_begin(p, NULL, method, true);
}

static int parse(enum http_kind kind, enum http_method method, const char *bytes, size_t n, size_t step,
                 struct http_head *head)
{
    struct http_parser p;
    size_t have = 0;
    int rc = 0;

    begin(&p, kind, method);
    while (rc == 0 && have < n) {
        have = n - have < step ? n : have + step;
        rc = http_head_feed(&p, bytes, have, head);
    }
    return rc;
}

/* What our scanner and rules refuse although llhttp does not. All else on this list would be news. */
static bool known_gap(int error)
{
    switch (error) {
    case HTTP_E_REQUEST_LINE: /* leading line ends, HTTP/0.9 */
    case HTTP_E_TARGET:
    case HTTP_E_VERSION:
    case HTTP_E_VERSION_OTHER:
    case HTTP_E_HTTP2_PREFACE:
    case HTTP_E_STATUS_LINE:
    case HTTP_E_FIELD_NAME: /* empty */
    case HTTP_E_FIELD_FOLDED:
    case HTTP_E_FIELD_VALUE:
    case HTTP_E_LINE_END:
    case HTTP_E_HOST_MISSING:
    case HTTP_E_HOST_DUPLICATE:
    case HTTP_E_HOST:
    case HTTP_E_HOST_MISMATCH:
    case HTTP_E_LENGTH_AND_CODING: /* with an empty coding */
    case HTTP_E_LENGTH:            /* larger than HTTP_MAX_LENGTH */
    case HTTP_E_CODING:
    case HTTP_E_CODING_UNKNOWN:
    case HTTP_E_CODING_OLD:
    case HTTP_E_METHOD_REFUSED:
    case HTTP_E_BODY_REFUSED:
    case HTTP_E_EXPECTATION:
    case HTTP_E_SWITCH_UNASKED:
    case HTTP_E_OPTIONS_TOO_MANY:
    case HTTP_E_FIELDS_TOO_MANY:
        return true;
    default:
        return false;
    }
}

/* --- bodies --- */

struct body {
    int rc; /* HTTP_CHUNKED_* or an error */
    size_t taken, length;
    char data[ORACLE_BYTES];
    char trailers[ORACLE_BYTES];
    int trailers_length;
    unsigned dropped; /* trailers that we do not pass on, and llhttp may object to */
};

static void decode(struct body *b, const char *bytes, size_t n, size_t step)
{
    static char buf[ORACLE_BYTES];
    struct http_trailers trailers;
    struct http_chunked c;

    b->rc = HTTP_CHUNKED_MORE;
    b->taken = b->length = 0;
    http_trailers_init(&trailers, buf, sizeof(buf));
    http_chunked_begin(&c, &trailers);
    while (b->rc == HTTP_CHUNKED_DATA || (b->rc == HTTP_CHUNKED_MORE && b->taken < n)) {
        size_t piece = n - b->taken < step ? n - b->taken : step, used;
        struct span data;
        b->rc = http_chunked_feed(&c, bytes + b->taken, piece, &used, &data);
        if (data.n)
            memcpy(b->data + b->length, data.p, data.n);
        b->length += data.n;
        b->taken += used;
    }
    b->dropped = trailers.dropped;
    b->trailers_length =
        b->rc == HTTP_CHUNKED_DONE ? http_chunk_last(b->trailers, sizeof(b->trailers), &trailers) : 0;
}

const char *oracle_chunked(const char *bytes, size_t n, size_t step)
{
    static struct body whole, split, again;

    if (n > ORACLE_BYTES)
        n = ORACLE_BYTES;
    decode(&whole, bytes, n, n + 1);
    decode(&split, bytes, n, step ? step : 1);
    if (whole.rc != split.rc || whole.taken != split.taken || whole.length != split.length ||
        memcmp(whole.data, split.data, whole.length) != 0 || whole.trailers_length != split.trailers_length ||
        (whole.trailers_length > 0 &&
         memcmp(whole.trailers, split.trailers, (size_t)whole.trailers_length) != 0))
        return "the split of a chunked body matters";
    if (whole.rc != HTTP_CHUNKED_DONE)
        return NULL;
    if (whole.trailers_length < 0) /* "a:" is written as "a: ", so it may be longer than it came */
        return NULL;
    decode(&again, whole.trailers, (size_t)whole.trailers_length, n + 1);
    if (again.rc != HTTP_CHUNKED_DONE || again.trailers_length != whole.trailers_length ||
        memcmp(again.trailers, whole.trailers, (size_t)whole.trailers_length) != 0)
        return "regenerated trailers are read differently";
    return NULL;
}

/* Compares the body behind an accepted head with what llhttp made of it. */
static const char *compare_bodies(const struct http_head *head, const struct opinion *o, const char *bytes,
                                  size_t n)
{
    static struct body body;
    const char *start = bytes + head->bytes;
    size_t rest = n - head->bytes;

    if (head->framing == HTTP_FRAMING_NONE) {
        if (!o->complete || o->end != head->bytes || o->body_length)
            return "llhttp sees a body where there is none";
    } else if (head->framing == HTTP_FRAMING_LENGTH) {
        size_t want = rest < head->content_length ? rest : (size_t)head->content_length;
        if (o->body_length != want || o->complete != (want == head->content_length))
            return "llhttp sees another length";
    } else if (head->framing == HTTP_FRAMING_CHUNKED) {
        decode(&body, start, rest, rest + 1);
        if (body.rc != HTTP_CHUNKED_DONE)
            return NULL;
        /* It does not take all valid extensions, and a second one after a value it takes for a chunk size. */
        if (o->error && o->reason && strstr(o->reason, "Invalid character in chunk") &&
            memchr(start, ';', body.taken))
            return NULL;
        if (o->body_length != body.length || memcmp(o->body, body.data, body.length) != 0)
            return "llhttp decodes the chunks differently";
        if (body.dropped ? o->complete && o->end != head->bytes + body.taken
                         : !o->complete || o->end != head->bytes + body.taken)
            return "llhttp ends the body elsewhere";
    } else if (o->complete || o->body_length != rest) {
        return "llhttp does not read until close";
    }
    return NULL;
}

/* A tab behind "chunked" or a length: whitespace to the RFC and to us; llhttp takes the one for another coding and
 * refuses the other. */
static bool tab_behind(const struct http_head *head, uint8_t id)
{
    const struct http_field *f = http_head_field(head, id);
    const char *p;

    if (!f)
        return false;
    for (p = f->value.p + f->value.n; *p == ' '; p++)
        ;
    return *p == '\t';
}

static const char *compare(const struct http_head *head, const char *bytes, size_t n, size_t step)
{
    static struct opinion o;
    static char text[ORACLE_BYTES + 256];
    bool response = head->kind == HTTP_KIND_RESPONSE;
    size_t length = our_text(head, text);

    /* llhttp does not know by itself which responses have no body: HEAD it cannot, 304 it gets wrong. */
    ask(&o, response ? HTTP_RESPONSE : HTTP_REQUEST, response && head->framing == HTTP_FRAMING_NONE, bytes, n,
        step);
    if (!o.head)
        return response && tab_behind(head, HTTP_F_CONTENT_LENGTH) ? NULL : "llhttp refuses the head";
    if (o.fields != head->count || o.text_length != length || memcmp(o.text, text, length) != 0)
        return "llhttp reads other fields";
    if (tab_behind(head, HTTP_F_TRANSFER_ENCODING))
        return NULL;
    if (!response &&
        (o.chunked != (head->framing == HTTP_FRAMING_CHUNKED) || o.content_length != head->content_length))
        return "llhttp reads another framing";
    return compare_bodies(head, &o, bytes, n);
}

/* --- round trips --- */

static bool same_fields(const struct http_head *a, const struct http_head *b,
                        bool (*counts)(const struct http_field *))
{
    unsigned j = 0;

    for (unsigned i = 0; i < a->count; i++) {
        if (!counts(&a->fields[i]))
            continue;
        while (j < b->count && !counts(&b->fields[j]))
            j++;
        if (j == b->count || !span_equal(a->fields[i].name, b->fields[j].name) ||
            !span_equal(a->fields[i].value, b->fields[j].value))
            return false;
        j++;
    }
    return true;
}

/* Fields that a proxy passes on and adds nothing to. */
static bool passed_on(const struct http_field *f)
{
    return !f->hop && (http_field_rules(f->id) & (HTTP_RULE_KEEP | HTTP_RULE_OURS)) == 0 &&
           f->id != HTTP_F_TRAILER && f->id != HTTP_F_EXPECT && f->id != HTTP_F_MAX_FORWARDS;
}

static struct span path_of(const struct http_head *head)
{
    return head->uri.path.n ? head->uri.path : SPAN("/");
}

static const struct http_limits generous = {
    .head_bytes = 1 << 20, .target_bytes = 1 << 20, .fields = HTTP_MAX_FIELDS};

static const char *round_trip_request(const struct http_head *head)
{
    static char once[2 * ORACLE_BYTES], twice[2 * ORACLE_BYTES], thrice[2 * ORACLE_BYTES];
    static struct http_head again;
    struct http_forward_request first = {
        .client = SPAN("192.0.2.1"), .scheme = SPAN("http"), .via = SPAN("greenway")};
    struct http_forward_request second = {.trusted = true, .no_forwarded = true};
    struct http_parser p;
    int n = http_forward_request(head, &first, once, sizeof(once)), m;

    if (n < 0 || (size_t)n > head->bytes + head->host.n + HTTP_FORWARD_SLACK)
        return "forwarding does not fit";
    if (head->host.n == 0 || head->count + 6 > HTTP_MAX_FIELDS)
        return NULL; /* HTTP/1.0 without Host is sent on with an empty one, which we do not take */
    http_request_begin(&p, &generous);
    if (http_head_feed(&p, once, (size_t)n, &again) != 1 || again.bytes != (size_t)n)
        return "a forwarded request is refused";
    if (!span_equal(again.method_name, head->method_name) || !span_equal(path_of(&again), path_of(head)) ||
        !span_equal(again.uri.query, head->uri.query) || !span_equal(again.host, head->host) ||
        again.framing != head->framing || again.content_length != head->content_length ||
        again.expect_continue != head->expect_continue || again.upgrade != head->upgrade || again.minor != 1)
        return "a forwarded request means something else";
    if (!same_fields(head, &again, passed_on) || !same_fields(&again, head, passed_on))
        return "a forwarded request has other fields";
    again.max_forwards = -1; /* else it counts down */
    n = http_forward_request(&again, &second, twice, sizeof(twice));
    http_request_begin(&p, &generous);
    if (n < 0 || http_head_feed(&p, twice, (size_t)n, &again) != 1)
        return "a request forwarded twice is refused";
    again.max_forwards = -1;
    m = http_forward_request(&again, &second, thrice, sizeof(thrice));
    return m == n && memcmp(twice, thrice, (size_t)n) == 0 ? NULL : "forwarding is not stable";
}

static const char *round_trip_response(const struct http_head *head)
{
    static char once[2 * ORACLE_BYTES], twice[2 * ORACLE_BYTES];
    static struct http_head again;
    struct http_forward_response facts = {
        .minor = 1, .keepalive = true, .framing = http_response_framing(head, 1)};
    struct http_parser p;
    int n = http_forward_response(head, &facts, once, sizeof(once)), m;

    if (n < 0 || (size_t)n > head->bytes + head->host.n + HTTP_FORWARD_SLACK)
        return "forwarding does not fit";
    if (head->count + 6 > HTTP_MAX_FIELDS)
        return NULL;
    http_response_begin(&p, &generous, head->method, head->upgrade);
    if (http_head_feed(&p, once, (size_t)n, &again) != 1 || again.bytes != (size_t)n)
        return "a forwarded response is refused";
    if (again.status != head->status || !span_equal(again.reason, head->reason) ||
        again.framing != facts.framing || again.has_length != head->has_length ||
        again.content_length != (head->has_length ? head->content_length : 0))
        return "a forwarded response means something else";
    if (!same_fields(head, &again, passed_on) || !same_fields(&again, head, passed_on))
        return "a forwarded response has other fields";
    m = http_forward_response(&again, &facts, twice, sizeof(twice));
    return m == n && memcmp(once, twice, (size_t)n) == 0 ? NULL : "forwarding is not stable";
}

/* --- heads --- */

static const char *check_head(enum http_kind kind, enum http_method method, const char *bytes, size_t n)
{
    static struct http_head head, split;
    static struct opinion o;
    const char *wrong;
    size_t step;

    if (n > ORACLE_BYTES - 64)
        n = ORACLE_BYTES - 64;
    if (n == 0)
        return NULL;
    step = 1 + (unsigned char)bytes[n - 1] % 23;
    oracle_verdict = parse(kind, method, bytes, n, n, &head);
    if (parse(kind, method, bytes, n, 1, &split) != oracle_verdict ||
        (oracle_verdict == 1 && split.bytes != head.bytes) ||
        parse(kind, method, bytes, n, step, &split) != oracle_verdict ||
        (oracle_verdict == 1 && split.bytes != head.bytes))
        return "the split of a head matters";
    if (oracle_verdict == HTTP_E_DISAGREEMENT)
        return "scanner and llhttp disagree in a way without a name";
    if (oracle_verdict == 1) {
        if ((wrong = compare(&head, bytes, n, n)) || (wrong = compare(&head, bytes, n, step)))
            return wrong;
        return kind == HTTP_KIND_REQUEST ? round_trip_request(&head) : round_trip_response(&head);
    }
    ask(&o, kind == HTTP_KIND_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, false, bytes, n, n);
    if (o.head && oracle_verdict < 0 && !known_gap(oracle_verdict))
        return "we refuse what llhttp takes, for no known reason";
    if (o.head && oracle_verdict == 0)
        return "llhttp is done before we are";
    return NULL;
}

const char *oracle_request(const char *bytes, size_t n)
{
    return check_head(HTTP_KIND_REQUEST, HTTP_METHOD_GET, bytes, n);
}

const char *oracle_response(const char *bytes, size_t n, enum http_method method)
{
    return check_head(HTTP_KIND_RESPONSE, method, bytes, n);
}

const char *oracle_target(const char *bytes, size_t n)
{
    static char once[ORACLE_BYTES], twice[ORACLE_BYTES];
    struct http_target t;
    struct http_authority a;
    int length, again;

    if (n > ORACLE_BYTES)
        n = ORACLE_BYTES;
    http_authority_parse(span_of(bytes, n), &a);
    http_target_parse(span_of(bytes, n), true, true, &t);
    if (http_target_parse(span_of(bytes, n), true, false, &t) < 0)
        return NULL;
    if (t.authority.n && http_authority_parse(t.authority, &a) < 0)
        return "a target with an invalid authority passed";
    if (t.path.n + t.query.n > n)
        return "a target has grown";
    for (unsigned flags = 0; flags <= HTTP_PATH_ENCODED_SLASH; flags++) {
        length = http_path_normalise(t.path, flags, once, t.path.n ? t.path.n : 1);
        if (length < 0)
            continue;
        again = http_path_normalise(span_of(once, (size_t)length), flags, twice, sizeof(twice));
        if (again != length || memcmp(once, twice, (size_t)length) != 0)
            return "normalising a path twice changes it";
        if (memchr(once, '\0', (size_t)length) || memchr(once, '\\', (size_t)length) ||
            memmem(once, (size_t)length, "/../", 4) || memmem(once, (size_t)length, "/./", 3))
            return "a normalised path is not normal";
    }
    return NULL;
}
