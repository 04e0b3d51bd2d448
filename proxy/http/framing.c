/*
 * The meaning of a head (framing.h). One pass over the fields collects what matters here, then each rule of
 * the RFCs is a function of its own.
 */
#include "framing.h"

#define MOST_OPTIONS 32 /* names that Connection may nominate: bounds the work of looking each one up */

/* What one pass over the fields found. */
struct notes {
    struct span host, length, coding, max_forwards; /* the last of each */
    unsigned hosts, lengths, codings;
    bool close, keep_alive, upgrade, websocket; /* Connection options; Upgrade names websocket */
    bool nominates;                             /* Connection names other fields */
    bool bad_expectation;
    struct http_field *expect; /* the last, or NULL */
};

static void read_connection(struct span value, struct notes *notes)
{
    struct span option;

    while (span_next_element(&value, &option)) {
        if (span_equal_nocase(option, SPAN("keep-alive")))
            notes->keep_alive = true;
        else if (span_equal_nocase(option, SPAN("close")))
            notes->close = true;
        else if (span_equal_nocase(option, SPAN("upgrade")))
            notes->upgrade = true;
        else
            notes->nominates = true;
    }
}

/* Keep-Alive: timeout=5, max=100. The next answer says anew how many more there may be; max=0: none. */
static int32_t read_keepalive_timeout(struct span value)
{
    struct span parameter;
    uint64_t number;
    int32_t timeout = -1;

    while (span_next_element(&value, &parameter)) {
        if (span_starts_nocase(parameter, SPAN("max=")) &&
            span_decimal(span_of(parameter.p + 4, parameter.n - 4), &number) && !number)
            return 0;
        if (timeout < 0 && span_starts_nocase(parameter, SPAN("timeout=")) &&
            span_decimal(span_of(parameter.p + 8, parameter.n - 8), &number))
            timeout = number < INT32_MAX ? (int32_t)number : INT32_MAX;
    }
    return timeout;
}

static void read_field(struct http_head *head, struct http_field *field, struct notes *notes)
{
    switch (field->id) {
    case HTTP_F_HOST:
        notes->hosts++;
        notes->host = field->value;
        break;
    case HTTP_F_CONTENT_LENGTH:
        notes->lengths++;
        notes->length = field->value;
        break;
    case HTTP_F_TRANSFER_ENCODING:
        notes->codings++;
        notes->coding = field->value;
        break;
    case HTTP_F_CONNECTION:
        read_connection(field->value, notes);
        break;
    case HTTP_F_UPGRADE:
        notes->websocket |= span_has_token(field->value, SPAN("websocket"));
        break;
    case HTTP_F_TE:
        head->te_trailers |= span_has_token(field->value, SPAN("trailers"));
        break;
    case HTTP_F_EXPECT:
        notes->bad_expectation |= !span_equal_nocase(field->value, SPAN("100-continue"));
        notes->expect = field;
        break;
    case HTTP_F_KEEP_ALIVE:
        head->keepalive_timeout = read_keepalive_timeout(field->value);
        break;
    case HTTP_F_MAX_FORWARDS:
        notes->max_forwards = field->value;
        break;
    case HTTP_F_DATE:
        head->has_date = true;
        break;
    case HTTP_F_VIA:
        head->has_via = true;
        break;
    }
}

static void read_fields(struct http_head *head, struct notes *notes)
{
    *notes = (struct notes){0};
    for (unsigned i = 0; i < head->count; i++) {
        struct http_field *field = &head->fields[i];
        field->id = http_field_id(field->name);
        if (field->id == HTTP_F_OTHER)
            continue;
        field->hop = (http_field_rules(field->id) & HTTP_RULE_HOP) != 0;
        read_field(head, field, notes);
    }
}

/* Marks the fields that a Connection option names, unless their rule is to stay or they are marked already.
 */
static void nominate(struct http_head *head, struct span option)
{
    uint8_t id = http_field_id(option);

    if (http_field_rules(id) & (HTTP_RULE_HOP | HTTP_RULE_KEEP))
        return;
    for (unsigned i = 0; i < head->count; i++) {
        struct http_field *field = &head->fields[i];
        if (field->id == id && (id != HTTP_F_OTHER || span_equal_nocase(field->name, option)))
            field->hop = true;
    }
}

static int mark_nominated(struct http_head *head)
{
    unsigned options = 0;

    for (unsigned i = 0; i < head->count; i++) {
        struct span value = head->fields[i].value, option;
        if (head->fields[i].id != HTTP_F_CONNECTION)
            continue;
        while (span_next_element(&value, &option)) {
            if (++options > MOST_OPTIONS)
                return HTTP_E_OPTIONS_TOO_MANY;
            nominate(head, option);
        }
    }
    return 0;
}

/* Fields that applications cannot tell from others, because CGI-like interfaces turn '-' into '_'. */
static void mark_underscores(struct http_head *head)
{
    for (unsigned i = 0; i < head->count; i++) {
        struct http_field *field = &head->fields[i];
        if (field->id == HTTP_F_OTHER || field->id == HTTP_F_X_FORWARDED_OTHER) {
            if (memchr(field->name.p, '_', field->name.n)) {
                field->hop = true;
                head->underscored++;
            }
        }
    }
}

/* A list of codings that ends in chunked after others is understood, but not served; all else is an error. */
static int bad_coding(struct span coding)
{
    struct span rest = coding, element;
    bool others = false;

    while (span_next_element(&rest, &element)) {
        bool chunked = span_equal_nocase(element, SPAN("chunked"));
        if (!http_field_name_valid(element) || span_equal_nocase(element, SPAN("identity")))
            return HTTP_E_CODING;
        if (chunked)
            return others && rest.n == 0 ? HTTP_E_CODING_UNKNOWN : HTTP_E_CODING;
        others = true;
    }
    return HTTP_E_CODING;
}

/* RFC 9112 section 6.3, the rules that both kinds share. Leaves framing NONE when there is neither field. */
static int read_framing(struct http_head *head, const struct notes *notes)
{
    if (notes->codings && notes->lengths)
        return HTTP_E_LENGTH_AND_CODING;
    if (notes->lengths > 1)
        return HTTP_E_LENGTH_DUPLICATE;
    if (notes->codings) {
        if (head->minor == 0)
            return HTTP_E_CODING_OLD;
        if (notes->codings > 1 || !span_equal_nocase(notes->coding, SPAN("chunked")))
            return notes->codings > 1 ? HTTP_E_CODING : bad_coding(notes->coding);
        head->framing = HTTP_FRAMING_CHUNKED;
    } else if (notes->lengths) {
        if (!span_decimal(notes->length, &head->content_length) || head->content_length > HTTP_MAX_LENGTH)
            return HTTP_E_LENGTH;
        head->framing = HTTP_FRAMING_LENGTH;
        head->has_length = true;
    }
    return 0;
}

/* What a Host without a port means beside this target; CONNECT's always has one. */
static int default_port(const struct http_target *uri, const struct http_authority *target)
{
    if (uri->form == HTTP_TARGET_AUTHORITY)
        return target->port;
    return uri->scheme.n == 5 ? 443 : 80;
}

/* RFC 9112 section 3.2: whom the request is for. */
static int read_host(struct http_head *head, const struct notes *notes)
{
    struct http_authority field = {{NULL, 0}, -1};

    if (notes->hosts > 1)
        return HTTP_E_HOST_DUPLICATE;
    if (notes->hosts == 0 && head->minor > 0)
        return HTTP_E_HOST_MISSING;
    if (notes->hosts && http_authority_parse(notes->host, &field) < 0)
        return HTTP_E_HOST;
    head->host = notes->host;
    head->authority = field;
    if (head->uri.authority.n == 0)
        return 0;
    /*
     * The target's authority counts. The RFC lets a proxy overwrite a Host that differs; refusing it is
     * safer, since whoever looked at the request before may have judged it by the other one.
     */
    head->host = head->uri.authority;
    http_authority_parse(head->uri.authority, &head->authority); /* checked with the target already */
    if (notes->hosts &&
        !http_authority_same(&field, &head->authority, default_port(&head->uri, &head->authority)))
        return HTTP_E_HOST_MISMATCH;
    return 0;
}

/* RFC 9110 sections 9.3.6 and 9.3.8 */
static int check_method(const struct http_head *head, const struct http_limits *limits)
{
    bool connect = head->method == HTTP_METHOD_CONNECT, trace = head->method == HTTP_METHOD_TRACE;

    if ((connect && !limits->allow_connect) || (trace && !limits->allow_trace))
        return HTTP_E_METHOD_REFUSED;
    if ((connect || trace) && (head->framing == HTTP_FRAMING_CHUNKED || head->content_length > 0))
        return HTTP_E_BODY_REFUSED;
    return 0;
}

/* RFC 9110 section 10.1.1: ignored in HTTP/1.0 and without a body, and then not forwarded either. */
static int read_expect(struct http_head *head, const struct notes *notes)
{
    bool body = head->framing == HTTP_FRAMING_CHUNKED || head->content_length > 0;

    if (!notes->expect)
        return 0;
    if (head->minor > 0 && notes->bad_expectation)
        return HTTP_E_EXPECTATION;
    head->expect_continue = head->minor > 0 && body;
    for (unsigned i = 0; i < head->count; i++) /* one line is enough to say it, and forward.c says it */
        if (head->fields[i].id == HTTP_F_EXPECT)
            head->fields[i].hop = true;
    return 0;
}

/* RFC 9110 section 7.6.2: counts the proxies that OPTIONS and TRACE may still pass. Nonsense counts as no
 * limit. */
static void read_max_forwards(struct http_head *head, const struct notes *notes)
{
    uint64_t n;

    if (head->method != HTTP_METHOD_OPTIONS && head->method != HTTP_METHOD_TRACE)
        return;
    if (span_decimal(notes->max_forwards, &n))
        head->max_forwards = n < INT32_MAX ? (int32_t)n : INT32_MAX;
}

int http_request_facts(struct http_head *head, const struct http_limits *limits)
{
    struct notes notes;
    bool bodied = head->method == HTTP_METHOD_POST || head->method == HTTP_METHOD_PUT ||
                  head->method == HTTP_METHOD_PATCH;
    int err;

    read_fields(head, &notes);
    if ((err = http_target_parse(head->target, head->method == HTTP_METHOD_OPTIONS,
                                 head->method == HTTP_METHOD_CONNECT, &head->uri)) < 0 ||
        (err = read_host(head, &notes)) < 0 || (err = read_framing(head, &notes)) < 0 ||
        (err = check_method(head, limits)) < 0 || (err = read_expect(head, &notes)) < 0)
        return err;
    if (notes.nominates && (err = mark_nominated(head)) < 0)
        return err;
    read_max_forwards(head, &notes);
    if (!limits->keep_underscores)
        mark_underscores(head);

    head->keepalive = !notes.close && (head->minor > 0 || notes.keep_alive);
    /* HTTP/1.0 clients may end a body by closing. Requests here never do: what follows is not another
     * request. */
    if (head->minor == 0 && bodied && !head->has_length)
        head->keepalive = false;
    head->upgrade = notes.upgrade && notes.websocket && head->minor > 0 && head->method == HTTP_METHOD_GET &&
                    head->framing == HTTP_FRAMING_NONE;
    return 0;
}

/* Responses that never have a body, whatever their fields say (RFC 9112 section 6.3, rules 1 and 2). */
static bool bodiless(const struct http_head *head)
{
    return head->method == HTTP_METHOD_HEAD || head->status < 200 || head->status == 204 ||
           head->status == 304 || (head->method == HTTP_METHOD_CONNECT && head->status < 300);
}

int http_response_facts(struct http_head *head, bool upgrade_offered)
{
    struct notes notes;
    bool promised; /* a body that this status cannot have */
    int err;

    read_fields(head, &notes);
    if ((err = read_framing(head, &notes)) < 0)
        return err;
    if (notes.nominates && (err = mark_nominated(head)) < 0)
        return err;

    promised = (head->status < 200 || head->status == 204) &&
               (head->framing == HTTP_FRAMING_CHUNKED || head->content_length > 0);
    if (bodiless(head))
        head->framing = HTTP_FRAMING_NONE;
    else if (head->framing == HTTP_FRAMING_NONE)
        head->framing = HTTP_FRAMING_UNTIL_CLOSE;
    if (head->status < 200 || head->status == 204)
        head->has_length = false;
    head->keepalive = !notes.close && (head->minor > 0 || notes.keep_alive) && !promised &&
                      head->framing != HTTP_FRAMING_UNTIL_CLOSE;

    if (head->status == 101) {
        head->upgrade = upgrade_offered && notes.upgrade && notes.websocket && head->minor > 0;
        if (!head->upgrade)
            return HTTP_E_SWITCH_UNASKED;
    }
    head->upgrade_required = head->status == 426 && notes.websocket;
    return 0;
}
