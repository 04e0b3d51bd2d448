/* The HTTP client (client.h): the story of a request, and its answer. Connections are in channel.c. */
#include "channel.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

#define CONNECTIONS     16
#define CONNECT_TIMEOUT GREEN_S(10)
#define ANSWER_TIMEOUT  GREEN_S(60)
#define BODY_TIMEOUT    GREEN_S(30)
#define IDLE_TIMEOUT    GREEN_S(30)
#define HEAD_LIMIT      32768
#define MOST_INTERIM    100   /* answers with 1xx before the real one */
#define MOST_SKIPPED    65536 /* bytes of a redirect's body, to keep its connection */

struct green_http_response {
    green_http_client_t *client;
    struct channel *channel;
    struct head head;
    struct wire_body body;
    green_http_url_t url;
};

static __thread struct http_fault last_fault;

const char *green_http_client_error(void)
{
    return last_fault.text ? last_fault.text : "";
}

/* --- clients ----------------------------------------------------------------------------------------------------- */

int green_http_client_new(green_http_client_t **out, const green_http_client_options_t *options)
{
    static const green_http_client_options_t defaults;
    const green_http_client_options_t *given = options ? options : &defaults;
    if (given->connect_timeout < 0 || given->answer_timeout < 0 || given->body_timeout < 0 ||
        given->idle_timeout < 0 || given->connections > INT_MAX ||
        (given->user_agent && !green_http_value_valid(given->user_agent)))
        return -EINVAL;
    green_http_client_t *client = calloc(1, sizeof *client);
    if (!client)
        return -ENOMEM;
    green_http_client_options_t *o = &client->options;
    *o = *given;
    o->connections = o->connections ? o->connections : CONNECTIONS;
    o->connect_timeout = o->connect_timeout ? o->connect_timeout : CONNECT_TIMEOUT;
    o->answer_timeout = o->answer_timeout ? o->answer_timeout : ANSWER_TIMEOUT;
    o->body_timeout = o->body_timeout ? o->body_timeout : BODY_TIMEOUT;
    o->idle_timeout = o->idle_timeout ? o->idle_timeout : IDLE_TIMEOUT;
    o->head_limit = o->head_limit ? o->head_limit : HEAD_LIMIT;
    if (o->tls)
        green_tls_context_retain(o->tls);
    list_init(&client->idle);
    int r = green_semaphore_init(&client->free, (int)o->connections);
    if (r < 0) {
        green_tls_context_release(o->tls);
        free(client);
        return r;
    }
    *out = client;
    return 0;
}

int green_http_client_free(green_http_client_t *client)
{
    if (!client)
        return 0;
    if (client->leased)
        return -EBUSY;
    int r = green_semaphore_destroy(&client->free);
    if (r < 0)
        return r;
    green_http_client_close_idle(client);
    green_tls_context_release(client->options.tls);
    free(client);
    return 0;
}

/* --- the request ------------------------------------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
    static const char *const ours[] = {"Host",       "Content-Length", "Transfer-Encoding", "Connection",
                                       "Keep-Alive", "Expect",         "Upgrade",           "TE",
                                       "Trailer"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (!strcasecmp(name, ours[i]))
            return true;
    return false;
}

static int check_request(const green_http_request_t *request)
{
    const char *method = request->method ? request->method : "GET";
    if (!request->url || !green_http_name_valid(method) || !strcmp(method, "CONNECT") ||
        (request->body_size && (!request->body || !strcmp(method, "TRACE"))))
        return -EINVAL;
    for (size_t i = 0; i < request->field_count; i++)
        if (!green_http_name_valid(request->fields[i].name) ||
            !green_http_value_valid(request->fields[i].value) || is_ours(request->fields[i].name))
            return -EINVAL;
    return 0;
}

/* What is being sent at this point of a chain of redirects. */
struct sending {
    const green_http_request_t *request;
    const char *method;
    bool with_body;
    bool with_credentials; /* still at the host that they are for */
};

static bool is_credential(const char *name)
{
    return !strcasecmp(name, "Authorization") || !strcasecmp(name, "Cookie");
}

static bool wants_length(const char *method)
{
    return !strcmp(method, "POST") || !strcmp(method, "PUT") || !strcmp(method, "PATCH");
}

static void write_host(struct text *t, const green_http_url_t *url)
{
    bool literal = strchr(url->host, ':') != NULL;
    text_add(t, literal ? "Host: [" : "Host: ");
    text_add(t, url->host);
    text_add(t, literal ? "]" : "");
    if (url->port != (url->secure ? 443 : 80)) {
        text_add(t, ":");
        text_number(t, (unsigned)url->port);
    }
    text_add(t, "\r\n");
}

static void write_head(struct text *t, const green_http_client_t *client, const struct sending *s,
                       const green_http_url_t *url)
{
    const green_http_request_t *q = s->request;
    size_t size = s->with_body ? q->body_size : 0;
    text_add(t, s->method);
    text_add(t, " ");
    text_add(t, url->target);
    text_add(t, " HTTP/1.1\r\n");
    write_host(t, url);
    if (client->options.user_agent && !green_http_find(q->fields, q->field_count, "User-Agent"))
        text_field(t, "User-Agent", client->options.user_agent);
    for (size_t i = 0; i < q->field_count; i++)
        if (s->with_credentials || !is_credential(q->fields[i].name))
            text_field(t, q->fields[i].name, q->fields[i].value);
    if (size || (s->with_body && wants_length(s->method))) {
        text_add(t, "Content-Length: ");
        text_number(t, size);
        text_add(t, "\r\n");
    }
    if (client->one_off)
        text_add(t, "Connection: close\r\n");
    text_add(t, "\r\n");
}

static int send_request(const green_http_response_t *r, const struct sending *s, green_time deadline)
{
    struct text head = {0};
    write_head(&head, r->client, s, &r->url);
    struct iovec pieces[2] = {
        {head.p, head.n}, {(void *)(uintptr_t)s->request->body, s->with_body ? s->request->body_size : 0}};
    int result = head.failed ? -ENOMEM
                             : green_stream_writev_all(r->channel->wire.stream, pieces,
                                                       1 + (pieces[1].iov_len > 0), NULL, deadline);
    text_destroy(&head);
    return result;
}

/* --- its answer -------------------------------------------------------------------------------------------------- */

static int protocol_error(const struct http_fault *fault)
{
    last_fault = *fault;
    return -EPROTO;
}

/* One head, interim or not. -ENODATA: the connection ended first. */
static int read_one_head(green_http_response_t *r, const char *method, green_time deadline)
{
    struct wire *w = &r->channel->wire;
    struct head_scan scan;
    struct http_fault fault = {0};
    green__wire_next(w);
    int64_t left = deadline == GREEN_FOREVER ? GREEN_FOREVER : deadline - green_now();
    ptrdiff_t size =
        green__wire_read_head(w, &scan, false, r->client->options.head_limit, left, deadline, &fault);
    if (size == -EPROTO)
        return protocol_error(&fault);
    if (size <= 0)
        return size < 0 ? (int)size : -ENODATA;
    if (green__head_response(&r->head, &scan, w->buffer, (size_t)size, method, &fault) < 0)
        return protocol_error(&fault);
    return 0;
}

static int read_answer(green_http_response_t *r, const char *method, green_time deadline)
{
    static const struct http_fault endless = {502, "too many interim answers"};
    for (int i = 0; i < MOST_INTERIM; i++) {
        int result = read_one_head(r, method, deadline);
        if (result < 0 || r->head.status >= 200) {
            if (result == 0)
                green__wire_begin_body(&r->body, &r->head, UINT64_MAX, r->client->options.body_timeout);
            return result;
        }
    }
    return protocol_error(&endless);
}

static bool is_idempotent(const char *method)
{
    static const char *const names[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(method, names[i]))
            return true;
    return false;
}

static void give_back(green_http_response_t *r)
{
    struct channel *c = r->channel;
    if (!c)
        return;
    r->channel = NULL;
    green__channel_return(r->client, c,
                          r->body.state == BODY_DONE && !r->body.failed && r->head.keepalive &&
                              !r->client->one_off && c->wire.at == c->wire.end);
}

/* Sends the request once and reads the head of the answer. *stale: a kept connection was over before it began to answer,
 * which says nothing about the server. */
static int exchange(green_http_response_t *r, const struct sending *s, bool reuse, bool *stale,
                    green_time deadline)
{
    *stale = false;
    r->body = (struct wire_body){.failed = -EPROTO}; /* not to be kept before it has an answer */
    int result = green__channel_lease(r->client, &r->url, reuse, &r->channel, deadline);
    if (result < 0)
        return result;
    struct wire *w = &r->channel->wire;
    green_time end = green_in(r->client->options.answer_timeout);
    if (end > deadline)
        end = deadline;
    green__wire_next(w);
    int sent = send_request(r, s, end);
    bool cut_short = sent == -EPIPE || sent == -ECONNRESET; /* maybe after an early answer: look for it */
    result = sent == 0 || cut_short ? read_answer(r, s->method, end) : sent;
    if (result == 0 && cut_short)
        r->head.keepalive = false;
    *stale = r->channel->reused && w->end == 0 &&
             (result == -ENODATA || result == -EPIPE || result == -ECONNRESET) && is_idempotent(s->method);
    if (result < 0)
        give_back(r);
    return result;
}

/* --- redirects --------------------------------------------------------------------------------------------------- */

/* Is this answer to be followed? Where to then, goes to r->url, and *s is changed accordingly. */
static bool redirected(green_http_response_t *r, struct sending *s)
{
    int status = r->head.status;
    const char *location = r->head.location;
    green_http_url_t next;
    if ((status != 301 && status != 302 && status != 303 && status != 307 && status != 308) || !location ||
        green_http_url_resolve(&next, &r->url, location) < 0 || (r->url.secure && !next.secure))
        return false;
    bool becomes_get = (status == 303 && strcmp(s->method, "HEAD") != 0) ||
                       ((status == 301 || status == 302) && !strcmp(s->method, "POST"));
    if (becomes_get) {
        s->method = "GET";
        s->with_body = false;
    }
    if (next.port != r->url.port || next.secure != r->url.secure || strcmp(next.host, r->url.host) != 0)
        s->with_credentials = false;
    r->url = next;
    return true;
}

/* Reads over a short body so that the connection can be used again. */
static void skip_body(green_http_response_t *r, green_time deadline)
{
    char scratch[2048];
    ssize_t n;
    for (size_t skipped = 0; skipped < MOST_SKIPPED; skipped += (size_t)n) {
        n = green__wire_read_body(&r->channel->wire, &r->body, scratch, sizeof scratch, deadline);
        if (n <= 0)
            break;
    }
    give_back(r);
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static int carry_out(green_http_response_t *r, const green_http_request_t *request, green_time deadline)
{
    struct sending s = {.request = request,
                        .method = request->method ? request->method : "GET",
                        .with_body = true,
                        .with_credentials = true};
    unsigned redirects = r->client->options.redirects;
    for (unsigned followed = 0;; followed++) {
        bool stale;
        int result = exchange(r, &s, true, &stale, deadline);
        if (result < 0 && stale)
            result = exchange(r, &s, false, &stale, deadline);
        if (result < 0)
            return result;
        if (!redirects || !redirected(r, &s))
            return 0;
        skip_body(r, deadline);
        if (followed == redirects)
            return -ELOOP;
    }
}

int green_http_request(green_http_client_t *client, const green_http_request_t *request,
                       green_http_response_t **out, green_time deadline)
{
    int result = check_request(request);
    if (result < 0)
        return result;
    green_http_response_t *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    result = green_http_url_parse(&r->url, request->url);
    r->client = client;
    if (result == 0 && !client) {
        result = green_http_client_new(&r->client, NULL);
        if (result == 0)
            r->client->one_off = true;
    }
    if (result == 0)
        result = carry_out(r, request, deadline);
    if (result < 0) {
        green_http_response_close(r);
        return result;
    }
    *out = r;
    return 0;
}

void green_http_response_close(green_http_response_t *r)
{
    if (!r)
        return;
    give_back(r);
    if (r->client && r->client->one_off)
        green_http_client_free(r->client);
    free(r);
}

int green_http_response_status(const green_http_response_t *r)
{
    return r->head.status;
}

const char *green_http_response_reason(const green_http_response_t *r)
{
    return r->head.reason;
}

const char *green_http_response_host(const green_http_response_t *r)
{
    return r->url.host;
}

const char *green_http_response_target(const green_http_response_t *r)
{
    return r->url.target;
}

const char *green_http_response_field(const green_http_response_t *r, const char *name)
{
    return green_http_find(r->head.fields, r->head.count, name);
}

size_t green_http_response_fields(const green_http_response_t *r, const green_http_field_t **fields)
{
    *fields = r->head.fields;
    return r->head.count;
}

int64_t green_http_response_length(const green_http_response_t *r)
{
    if (r->head.framing == HTTP_NO_BODY)
        return 0;
    return r->head.framing == HTTP_LENGTH ? (int64_t)r->head.length : -1;
}

ssize_t green_http_response_read(green_http_response_t *r, void *buffer, size_t size, green_time deadline)
{
    ssize_t n = green__wire_read_body(&r->channel->wire, &r->body, buffer, size, deadline);
    return n == -EPROTO ? protocol_error(&r->body.fault) : n;
}

int green_http_response_collect(green_http_response_t *r, char **body, size_t *size, size_t limit,
                                green_time deadline)
{
    struct text t = {0};
    char block[8192];
    ssize_t n;
    *body = NULL;
    while ((n = green_http_response_read(r, block, sizeof block, deadline)) > 0) {
        if ((size_t)n > limit - t.n) {
            n = -EMSGSIZE;
            break;
        }
        text_put(&t, block, (size_t)n);
    }
    text_put(&t, "", 1);
    if (n == 0 && t.failed)
        n = -ENOMEM;
    if (n < 0) {
        text_destroy(&t);
        return (int)n;
    }
    if (size)
        *size = t.n - 1;
    *body = t.p;
    return 0;
}

int green_http_get(const char *url, char **body, size_t *size, size_t limit, green_time deadline)
{
    const green_http_client_options_t options = {.connections = 1, .redirects = 5};
    const green_http_request_t request = {.url = url};
    green_http_client_t *client;
    green_http_response_t *response;
    *body = NULL;
    int r = green_http_client_new(&client, &options);
    if (r < 0)
        return r;
    r = green_http_request(client, &request, &response, deadline);
    if (r == 0) {
        r = green_http_response_collect(response, body, size, limit, deadline);
        if (r == 0)
            r = green_http_response_status(response);
        green_http_response_close(response);
    }
    int freed = green_http_client_free(client);
    return freed < 0 ? freed : r;
}
