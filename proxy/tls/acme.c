/* ACME's requests, one after the other (acme.h). What the authority sends is looked at as hostile: sizes and types. */
#include "acme.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "challenges.h"

#define ANSWER_MOST (1 << 20)
#define ONE_REQUEST GREEN_S(30)
#define POLLS_MOST  40

static int failed(struct acme *a, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int failed(struct acme *a, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(a->error, sizeof a->error, format, arguments);
    va_end(arguments);
    for (char *p = a->error; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = ' '; /* it goes to a log */
    return error;
}

static void keep(char **where, const char *text)
{
    free(*where);
    *where = text ? strdup(text) : NULL;
}

/* --- requests ------------------------------------------------------------------------------------------------------ */

struct answer {
    int status;
    char *body;   /* for free() */
    json_t *json; /* NULL: it is none */
};

static void answer_free(struct answer *r)
{
    json_decref(r->json);
    free(r->body);
    *r = (struct answer){0};
}

static green_time soon(const struct acme *a)
{
    green_time limit = green_now() + ONE_REQUEST;
    return limit < a->deadline ? limit : a->deadline;
}

static int64_t seconds_of(const char *text)
{
    int64_t n = 0;
    for (; text && *text >= '0' && *text <= '9' && n < 1000000; text++)
        n = n * 10 + (*text - '0');
    return n;
}

static int request(struct acme *a, const char *url, const char *body, struct answer *out)
{
    static const green_http_field_t type = {.name = "Content-Type", .value = "application/jose+json"};
    green_http_request_t q = {.url = url, .method = body ? "POST" : "GET"};
    green_http_response_t *r;
    *out = (struct answer){0};
    if (body) {
        q.fields = &type;
        q.field_count = 1;
        q.body = body;
        q.body_size = strlen(body);
    }
    if (!url || strncmp(url, "https://", 8) != 0)
        return failed(a, -EPROTO, "the authority named no URL of https");
    int e = green_http_request(a->http, &q, &r, soon(a));
    if (e < 0)
        return failed(a, e, "%s: %s", url,
                      *green_tls_error(NULL) && e < -4096 ? green_tls_error(NULL) : green_strerror(e));
    out->status = green_http_response_status(r);
    keep(&a->location, green_http_response_field(r, "Location"));
    const char *nonce = green_http_response_field(r, "Replay-Nonce");
    if (nonce)
        keep(&a->nonce, strlen(nonce) < 256 && !strpbrk(nonce, "\"\\") ? nonce : NULL);
    a->retry_after = seconds_of(green_http_response_field(r, "Retry-After"));
    e = green_http_response_collect(r, &out->body, NULL, ANSWER_MOST, soon(a));
    green_http_response_close(r);
    if (e < 0)
        return failed(a, e, "%s: %s", url, green_strerror(e));
    out->json = json_loads(out->body, 0, NULL);
    return 0;
}

/* Flattened JSON (RFC 7515 section 7.2.2) of header and payload; NULL: no memory. */
static char *envelope(const char *header, const char *payload,
                      char *(*sign)(const void *arg, const char *text), const void *arg)
{
    char *first = acme_base64(header, strlen(header)), *second = acme_base64(payload, strlen(payload));
    char *text = NULL, *signature = NULL, *out = NULL;
    if (first && second && asprintf(&text, "%s.%s", first, second) < 0)
        text = NULL;
    signature = text ? sign(arg, text) : NULL;
    if (signature && asprintf(&out, "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}", first,
                              second, signature) < 0)
        out = NULL;
    free(first);
    free(second);
    free(text);
    free(signature);
    return out;
}

static char *sign(const void *key, const char *text)
{
    return acme_sign(key, text);
}

static char *authenticate(const void *key, const char *text)
{
    return acme_authenticate(key, text);
}

static char *signed_body(struct acme *a, const char *url, const char *payload)
{
    char *public = a->kid ? NULL : acme_key_public(a->account), *header = NULL, *body = NULL;
    int n = a->kid   ? asprintf(&header, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"nonce\":\"%s\",\"url\":\"%s\"}",
                                a->kid, a->nonce, url)
            : public ? asprintf(&header, "{\"alg\":\"ES256\",\"jwk\":%s,\"nonce\":\"%s\",\"url\":\"%s\"}",
                                public, a->nonce, url)
                     : -1;
    if (n >= 0) {
        body = envelope(header, payload, sign, a->account);
        free(header);
    }
    free(public);
    return body;
}

static int explain(struct acme *a, const char *what, const struct answer *r)
{
    const char *detail = json_string_value(json_object_get(r->json, "detail"));
    return failed(a, -EPROTO, "%s: status %d%s%.300s", what, r->status, detail ? ", " : "",
                  detail ? detail : "");
}

static bool bad_nonce(const struct answer *r)
{
    const char *type = json_string_value(json_object_get(r->json, "type"));
    return r->status == 400 && type && !strcmp(type, "urn:ietf:params:acme:error:badNonce");
}

/* A signed request; payload "" asks for what is there (POST-as-GET). Nonces go stale, and then are renewed. 0: the status
 * is one of success. */
static int post(struct acme *a, const char *what, const char *url, const char *payload, struct answer *out)
{
    *out = (struct answer){0};
    if (!url || strpbrk(url, "\"\\"))
        return failed(a, -EPROTO, "%s: the authority did not say where", what);
    char *to = strdup(url);
    int e = to ? 0 : -ENOMEM;
    for (int tries = 0; e == 0; tries++) {
        if (!a->nonce && (e = request(a, a->new_nonce, NULL, out)) == 0)
            answer_free(out);
        if (e == 0 && !a->nonce)
            e = failed(a, -EPROTO, "the authority gave no nonce");
        char *body = e == 0 ? signed_body(a, to, payload) : NULL;
        if (e == 0 && !body)
            e = failed(a, -ENOMEM, "out of memory");
        keep(&a->nonce, NULL); /* each is good once */
        if (e == 0)
            e = request(a, to, body, out);
        free(body);
        if (e < 0 || !bad_nonce(out) || tries == 10)
            break;
        answer_free(out);
    }
    if (e == 0 && (out->status < 200 || out->status > 299))
        e = explain(a, what, out);
    if (e < 0)
        answer_free(out);
    free(to);
    return e;
}

/* --- the account ----------------------------------------------------------------------------------------------------- */

static int read_directory(struct acme *a)
{
    struct answer r;
    int e = request(a, a->conf->directory.written, NULL, &r);
    if (e == 0 && r.status != 200)
        e = explain(a, a->conf->directory.written, &r);
    if (e == 0) {
        keep(&a->new_nonce, json_string_value(json_object_get(r.json, "newNonce")));
        keep(&a->new_account, json_string_value(json_object_get(r.json, "newAccount")));
        keep(&a->new_order, json_string_value(json_object_get(r.json, "newOrder")));
        if (!a->new_nonce || !a->new_account || !a->new_order)
            e = failed(a, -EPROTO, "%s is no directory of ACME", a->conf->directory.written);
    }
    answer_free(&r);
    return e;
}

/* Our public key under the key of the account that it is to belong to (RFC 8555 section 7.3.4). */
static char *binding(struct acme *a)
{
    const struct conf_acme_binding *b = &a->conf->binding;
    char *public = acme_key_public(a->account), *header = NULL, *out = NULL;
    if (public && !strpbrk(b->id, "\"\\") &&
        asprintf(&header, "{\"alg\":\"HS256\",\"kid\":\"%s\",\"url\":\"%s\"}", b->id, a->new_account) >= 0) {
        out = envelope(header, public, authenticate, b->key);
        free(header);
    }
    free(public);
    return out;
}

/* Makes it, or finds the one that this key has. */
static int open_account(struct acme *a)
{
    struct answer r;
    const char *email = a->conf->email.written;
    char *bound = a->conf->binding.id ? binding(a) : NULL, *payload = NULL;
    if ((a->conf->binding.id && !bound) ||
        asprintf(&payload, "{\"termsOfServiceAgreed\":true%s%s%s%s%s}",
                 email ? ",\"contact\":[\"mailto:" : "", email ? email : "", email ? "\"]" : "",
                 bound ? ",\"externalAccountBinding\":" : "", bound ? bound : "") < 0)
        payload = NULL;
    int e =
        payload ? post(a, "the account", a->new_account, payload, &r) : failed(a, -ENOMEM, "out of memory");
    free(bound);
    free(payload);
    if (e < 0)
        return e;
    answer_free(&r);
    if (!a->location || strpbrk(a->location, "\"\\"))
        return failed(a, -EPROTO, "the authority gave the account no URL");
    keep(&a->kid, a->location);
    return a->kid ? 0 : failed(a, -ENOMEM, "out of memory");
}

int acme_begin(struct acme *a, const struct conf_acme *conf, struct acme_key *account,
               green_tls_context_t *tls, green_time deadline)
{
    green_http_client_options_t options = {.tls = tls, .user_agent = "greenway"};
    *a = (struct acme){.conf = conf, .account = account, .deadline = deadline};
    int e = green_http_client_new(&a->http, &options);
    if (e < 0)
        return failed(a, e, "%s", green_strerror(e));
    e = read_directory(a);
    return e < 0 ? e : open_account(a);
}

void acme_end(struct acme *a)
{
    if (a->http && green_http_client_free(a->http) < 0)
        abort(); /* every answer was closed */
    free(a->location);
    free(a->nonce);
    free(a->new_nonce);
    free(a->new_account);
    free(a->new_order);
    free(a->kid);
}

/* --- an order -------------------------------------------------------------------------------------------------------- */

static bool in(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(word, *list))
            return true;
    return false;
}

/* Asks again and again, later and later, until the status is none of `pending`. */
static int poll_status(struct acme *a, const char *what, const char *url, const char *const *pending,
                       struct answer *r)
{
    int64_t pause = 1;
    for (int i = 0; i < POLLS_MOST; i++) {
        int e = post(a, what, url, "", r);
        const char *status = e == 0 ? json_string_value(json_object_get(r->json, "status")) : NULL;
        if (e == 0 && !status)
            e = failed(a, -EPROTO, "%s: there is no status in the answer", what);
        if (e < 0 || !in(status, pending)) {
            if (e < 0)
                answer_free(r);
            return e;
        }
        answer_free(r);
        int64_t wait = a->retry_after > 0 && a->retry_after < 300 ? a->retry_after : pause;
        pause = pause < 16 ? pause * 2 : 16;
        if (green_now() + GREEN_S(wait) > a->deadline)
            break;
        e = green_sleep(GREEN_S(wait));
        if (e < 0)
            return failed(a, e, "%s", green_strerror(e));
    }
    return failed(a, -ETIMEDOUT, "%s: the authority takes too long", what);
}

static const json_t *find_challenge(const json_t *authorization, const char *type)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(authorization, "challenges"), i, one)
    {
        const char *its = json_string_value(json_object_get(one, "type"));
        if (its && !strcmp(its, type))
            return one;
    }
    return NULL;
}

static int challenge_failed(struct acme *a, const char *type, const json_t *authorization)
{
    const json_t *error = json_object_get(find_challenge(authorization, type), "error");
    const char *detail = json_string_value(json_object_get(error, "detail"));
    return failed(a, -EACCES, "the authority could not see by %s that the name leads here: %.300s", type,
                  detail ? detail : "it did not say why");
}

static bool is_token(const char *token)
{
    size_t n = token ? strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") : 0;
    return n && n < 200 && !token[n];
}

static int prove(struct acme *a, const char *url, const char *name, const json_t *challenge, bool by_tls)
{
    static const char *const pending[] = {"pending", "processing", NULL};
    const char *token = json_string_value(json_object_get(challenge, "token")),
               *where = json_string_value(json_object_get(challenge, "url")),
               *type = by_tls ? "tls-alpn-01" : "http-01";
    struct answer r;
    char *print = acme_key_thumbprint(a->account), *proof = NULL;
    if (!is_token(token)) {
        free(print);
        return failed(a, -EPROTO, "the authority's challenge has no token");
    }
    if (!print || asprintf(&proof, "%s.%s", token, print) < 0)
        proof = NULL;
    free(print);
    int e = !proof ? -ENOMEM : by_tls ? challenges_add_tls(name, proof) : challenges_add_http(token, proof);
    free(proof);
    if (e < 0)
        return failed(a, e, "%s", green_strerror(e));
    e = post(a, "the challenge", where, "{}", &r);
    if (e == 0) {
        answer_free(&r);
        e = poll_status(a, "the challenge", url, pending, &r);
    }
    challenges_remove(by_tls ? name : token);
    if (e < 0)
        return e;
    const char *status = json_string_value(json_object_get(r.json, "status"));
    e = status && !strcmp(status, "valid") ? 0 : challenge_failed(a, type, r.json);
    answer_free(&r);
    return e;
}

static int authorize(struct acme *a, const char *url, const char *name, bool by_tls)
{
    struct answer r;
    int e = post(a, "the authorization", url, "", &r);
    if (e < 0)
        return e;
    const char *status = json_string_value(json_object_get(r.json, "status"));
    const json_t *challenge = find_challenge(r.json, by_tls ? "tls-alpn-01" : "http-01");
    if (status && !strcmp(status, "valid"))
        e = 0; /* it remembers */
    else if (!challenge)
        e = failed(a, -EPROTO, "the authority offers no %s", by_tls ? "tls-alpn-01" : "http-01");
    else
        e = prove(a, url, name, challenge, by_tls);
    answer_free(&r);
    return e;
}

/* The order is ready: the certificate's request, and the certificate. */
static int finish(struct acme *a, const char *order, const char *finalize, const struct acme_key *key,
                  const char *name, char **chain)
{
    static const char *const pending[] = {"pending", "ready", "processing", NULL};
    struct answer r;
    char *request_text = acme_request(key, name), *payload = NULL;
    if (!request_text || asprintf(&payload, "{\"csr\":\"%s\"}", request_text) < 0)
        payload = NULL;
    free(request_text);
    int e = payload ? post(a, "the order", finalize, payload, &r) : failed(a, -ENOMEM, "out of memory");
    free(payload);
    if (e < 0)
        return e;
    answer_free(&r);
    e = poll_status(a, "the order", order, pending, &r);
    if (e < 0)
        return e;
    struct answer file = {0};
    e = post(a, "the certificate", json_string_value(json_object_get(r.json, "certificate")), "", &file);
    answer_free(&r);
    if (e < 0)
        return e;
    *chain = file.body;
    file.body = NULL;
    answer_free(&file);
    return 0;
}

/* The certificate and its key in one text, if they are what was ordered. */
static int join(struct acme *a, const char *name, char *chain, const struct acme_key *key, char **pem)
{
    green_tls_certificate_t *certificate;
    char *private = acme_key_pem(key);
    if (!private || asprintf(pem, "%s\n%s", chain, private) < 0)
        *pem = NULL;
    if (private)
        explicit_bzero(private, strlen(private));
    free(private);
    if (!*pem)
        return failed(a, -ENOMEM, "out of memory");
    int e = green_tls_certificate_parse(&certificate, *pem, strlen(*pem));
    if (e == 0) {
        const char *its = green_tls_certificate_name(certificate, 0);
        if (!its || strcmp(its, name) != 0)
            e = failed(a, -EPROTO, "the authority sent a certificate for %.250s", its ? its : "no name");
        green_tls_certificate_release(certificate);
    } else {
        failed(a, e, "the authority's certificate cannot be used: %.300s", green_tls_error(NULL));
    }
    if (e < 0) {
        free(*pem);
        *pem = NULL;
    }
    return e;
}

static int fulfil(struct acme *a, const struct answer *order, const char *url, const char *name, bool by_tls,
                  char **pem)
{
    const char *status = json_string_value(json_object_get(order->json, "status"));
    const json_t *all = json_object_get(order->json, "authorizations");
    const char *finalize = json_string_value(json_object_get(order->json, "finalize"));
    char *chain = NULL;
    int e = 0;
    if (!status || json_array_size(all) != 1)
        return failed(a, -EPROTO, "the authority's order is not what was asked for");
    if (!strcmp(status, "pending"))
        e = authorize(a, json_string_value(json_array_get(all, 0)), name, by_tls);
    struct acme_key *key = acme_key_new();
    if (e == 0 && !key)
        e = failed(a, -ENOMEM, "out of memory");
    if (e == 0)
        e = finish(a, url, finalize, key, name, &chain);
    if (e == 0)
        e = join(a, name, chain, key, pem);
    free(chain);
    acme_key_free(key);
    return e;
}

int acme_obtain(struct acme *a, const char *name, bool by_tls, char **pem)
{
    struct answer order;
    char *payload;
    *pem = NULL;
    if (asprintf(&payload, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"%s\"}]}", name) < 0)
        return failed(a, -ENOMEM, "out of memory");
    int e = post(a, "the order", a->new_order, payload, &order);
    free(payload);
    if (e < 0)
        return e;
    char *url = a->location ? strdup(a->location) : NULL;
    e = url ? fulfil(a, &order, url, name, by_tls, pem) : failed(a, -EPROTO, "the order has no URL");
    free(url);
    answer_free(&order);
    return e;
}
