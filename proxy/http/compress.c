/*
 * Content codings for answers, by the rules of the route and the listener. An answer is left alone if changing it could
 * be wrong, or could tell a secret by its length (BREACH); see the key `compress`.
 */
#include "compress.h"

#include "conf.h"

/* --- the rules ------------------------------------------------------------------------------------------------------- */

static const struct conf_compress *rules_with_codings(const struct exchange *x)
{
    return x->route && x->route->compress.coding_count ? &x->route->compress : &x->listener->compress;
}

static bool type_wanted(const struct exchange *x, struct span type)
{
    const struct conf_compress *c =
        x->route && x->route->compress.type_count ? &x->route->compress : &x->listener->compress;
    const struct conf_media_type *types = c->type_count ? c->types : conf_media_types_usual;
    size_t count = c->type_count ? c->type_count : conf_media_type_usual_count;
    const char *end = type.n ? memchr(type.p, ';', type.n) : NULL;
    struct span name = span_trim(end ? span_of(type.p, (size_t)(end - type.p)) : type);
    return name.n && !span_equal_nocase(name, SPAN("text/event-stream")) &&
           conf_media_type_among(types, count, name.p, name.n);
}

static bool size_wanted(const struct exchange *x)
{
    uint64_t least = (uint64_t)conf_pick(x->route ? x->route->compress.min_size : CONF_INHERIT,
                                         x->listener->compress.min_size);
    const struct http_head *response = &x->response;
    return !response->has_length || (response->content_length && response->content_length >= least);
}

static bool private_allowed(const struct exchange *x)
{
    return conf_pick(x->route ? x->route->compress.private : CONF_INHERIT, x->listener->compress.private) > 0;
}

/* --- the question ---------------------------------------------------------------------------------------------------- */

static bool status_wanted(const struct http_head *response)
{
    bool body = response->framing != HTTP_FRAMING_NONE || response->method == HTTP_METHOD_HEAD;
    return body && response->status >= 200 && response->status != 204 && response->status != 205 &&
           response->status != 206 && response->status != 304;
}

static bool forbids(const struct http_field *f)
{
    return f->id == HTTP_F_CACHE_CONTROL && span_has_token(f->value, SPAN("no-transform"));
}

/* Is this an answer that some client would get compressed? */
static bool suitable(const struct exchange *x)
{
    const struct http_head *response = &x->response;
    const struct http_field *type = NULL;
    if (!status_wanted(response) || !size_wanted(x) || response->count + 2 > HTTP_MAX_FIELDS)
        return false;
    for (unsigned i = 0; i < x->request.count; i++)
        if (forbids(&x->request.fields[i]))
            return false;
    for (unsigned i = 0; i < response->count; i++) {
        const struct http_field *f = &response->fields[i];
        if (f->id == HTTP_F_CONTENT_ENCODING || f->id == HTTP_F_CONTENT_RANGE || forbids(f))
            return false;
        if (f->id == HTTP_F_CONTENT_TYPE)
            type = f;
    }
    return type && type_wanted(x, type->value);
}

/* Is it for somebody in particular? */
static bool personal(const struct exchange *x)
{
    return http_head_field(&x->request, HTTP_F_COOKIE) ||
           http_head_field(&x->request, HTTP_F_AUTHORIZATION) ||
           http_head_field(&x->response, HTTP_F_SET_COOKIE);
}

/* The coding for this client, with its level. */
static enum http_coding choose(const struct exchange *x, int *level)
{
    static const enum http_coding codings[] = {[CONF_CODING_OFF] = HTTP_CODING_NONE,
                                               [CONF_CODING_GZIP] = HTTP_CODING_GZIP,
                                               [CONF_CODING_BR] = HTTP_CODING_BROTLI,
                                               [CONF_CODING_ZSTD] = HTTP_CODING_ZSTD};
    const struct conf_compress *c = rules_with_codings(x);
    enum http_coding offered[HTTP_CODINGS];
    struct http_codings accepted;
    size_t count = c->coding_count < HTTP_CODINGS ? c->coding_count : HTTP_CODINGS;
    for (size_t i = 0; i < count; i++)
        offered[i] = codings[c->codings[i].coding];
    http_codings_accepted(&x->request, &accepted);
    enum http_coding chosen = http_coding_choose(&accepted, offered, count);
    for (size_t i = 0; i < count; i++)
        if (offered[i] == chosen)
            *level = c->codings[i].level;
    return chosen;
}

/* --- the head ---------------------------------------------------------------------------------------------------------- */

static void add_field(struct http_head *head, struct span name, struct span value)
{
    head->fields[head->count++] =
        (struct http_field){.name = name, .value = value, .id = http_field_id(name)};
    head->bytes += name.n + value.n + 4;
}

static void add_vary(struct http_head *head)
{
    for (unsigned i = 0; i < head->count; i++) {
        struct span value = head->fields[i].value;
        if (head->fields[i].id == HTTP_F_VARY &&
            (span_has_token(value, SPAN("*")) || span_has_token(value, SPAN("Accept-Encoding"))))
            return;
    }
    add_field(head, SPAN("Vary"), SPAN("Accept-Encoding"));
}

static struct http_field *find_etag(struct http_head *head)
{
    for (unsigned i = 0; i < head->count; i++)
        if (span_equal_nocase(head->fields[i].name, SPAN("ETag")))
            return &head->fields[i];
    return NULL;
}

/* Other bytes may not share a strong validator; without memory, or if it is none, it goes. */
static void weaken(struct exchange *x, struct http_field *etag)
{
    struct span value = etag->value;
    if (value.n >= 2 && value.p[0] == 'W' && value.p[1] == '/')
        return;
    char *weak = value.n && value.p[0] == '"' ? memory_take(&x->memory, value.n + 2) : NULL;
    if (!weak) {
        etag->hop = true;
        return;
    }
    memcpy(weak, "W/", 2);
    memcpy(weak + 2, value.p, value.n);
    etag->value = span_of(weak, value.n + 2);
    x->response.bytes += 2;
}

/* The client has the weak validator of what it got compressed: this is about the same (RFC 9110 section 15.4.5). */
static void answer_not_modified(struct exchange *x)
{
    struct http_field *etag = find_etag(&x->response);
    if (!etag || x->response.count == HTTP_MAX_FIELDS)
        return;
    for (unsigned i = 0; i < x->request.count; i++) {
        const struct http_field *f = &x->request.fields[i];
        struct span list = f->value, known;
        if (!span_equal_nocase(f->name, SPAN("If-None-Match")))
            continue;
        while (span_next_element(&list, &known))
            if (known.n == etag->value.n + 2 && known.p[0] == 'W' && known.p[1] == '/' &&
                span_equal(span_of(known.p + 2, known.n - 2), etag->value)) {
                weaken(x, etag);
                add_vary(&x->response);
                return;
            }
    }
}

static void say_encoded(struct exchange *x, enum http_coding coding)
{
    struct http_head *head = &x->response;
    struct http_field *etag = find_etag(head);
    for (unsigned i = 0; i < head->count; i++)
        if (http_field_is_digest(head->fields[i].name) ||
            span_equal_nocase(head->fields[i].name, SPAN("Accept-Ranges")))
            head->fields[i].hop = true;
    if (etag)
        weaken(x, etag);
    add_field(head, SPAN("Content-Encoding"), http_coding_name(coding));
    head->has_length = false;
    if (head->framing != HTTP_FRAMING_NONE)
        head->framing = HTTP_FRAMING_CHUNKED;
}

bool compress_answer(struct exchange *x, struct encoded_body *e)
{
    int level = 0;
    if (rules_with_codings(x)->codings[0].coding == CONF_CODING_OFF)
        return false;
    if (x->response.status == 304)
        answer_not_modified(x);
    if (!suitable(x))
        return false;
    add_vary(&x->response);
    if (x->request.minor == 0 || (!private_allowed(x) && personal(x)))
        return false;
    enum http_coding coding = choose(x, &level);
    bool body = x->response.framing != HTTP_FRAMING_NONE; /* not of an answer to HEAD */
    if (coding == HTTP_CODING_NONE)
        return false;
    if (body && encoded_begin(e, x->answer, &x->worker->encoders, coding, level, &x->worker->buffers) < 0)
        return false;
    say_encoded(x, coding);
    return body;
}
