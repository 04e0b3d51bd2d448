/* Contexts: what connections have in common, and what we demand of them by default. */
#include "tls_state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/sha.h>

/* Forward secrecy and authenticated encryption only. Those of TLS 1.3 all are like that. */
#define CIPHERS_TLS12 "ECDHE+AESGCM:ECDHE+CHACHA20"

/* What a client of TLS 1.3 gets after a full handshake. OpenSSL would make two, the second one at the price of a twentieth
 * of the handshake; each resumption brings another. */
#define TICKETS 1

/* Nobody may resume a session in a context that has not checked the client as this one does: contexts differ in what
 * their sessions are marked with. */
static bool mark_sessions(green_tls_context_t *context)
{
    return RAND_bytes(context->mark, sizeof context->mark) == 1 &&
           SSL_CTX_set_session_id_context(context->ctx, context->mark, sizeof context->mark);
}

static bool set_defaults(green_tls_context_t *context, unsigned flags)
{
    SSL_CTX *ctx = context->ctx;
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_security_level(ctx, 2); /* RSA of 2048 bits, SHA-2 */
    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) || !SSL_CTX_set_max_proto_version(ctx, 0) ||
        !SSL_CTX_set_cipher_list(ctx, CIPHERS_TLS12) || !mark_sessions(context))
        return false;
    if (context->server) {
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
        if (!SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384"))
            return false;
        /* Resumption by tickets: the server keeps nothing. */
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        if (flags & GREEN_TLS_NO_TICKETS)
            SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(ctx, flags & GREEN_TLS_NO_TICKETS ? 0 : TICKETS);
    }
    context->unverified = flags & GREEN_TLS_DANGEROUSLY_ACCEPT_ANY_CERTIFICATE;
    SSL_CTX_set_verify(ctx, context->unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, green__tls_verify);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return true;
}

int green_tls_context_new(green_tls_context_t **out, unsigned flags)
{
    const unsigned sides = flags & (GREEN_TLS_CLIENT | GREEN_TLS_SERVER);
    const unsigned known = GREEN_TLS_CLIENT | GREEN_TLS_SERVER |
                           GREEN_TLS_DANGEROUSLY_ACCEPT_ANY_CERTIFICATE | GREEN_TLS_NO_TICKETS;
    if ((flags & ~known) || (sides != GREEN_TLS_CLIENT && sides != GREEN_TLS_SERVER))
        return -EINVAL;
    green_tls_context_t *context = calloc(1, sizeof *context);
    if (!context)
        return -ENOMEM;
    atomic_init(&context->references, 1);
    context->server = sides == GREEN_TLS_SERVER;
    ERR_clear_error();
    context->ctx = SSL_CTX_new(context->server ? TLS_server_method() : TLS_client_method());
    if (!context->ctx || !set_defaults(context, flags)) {
        char text[256];
        green__tls_queue_text(text, sizeof text);
        green__tls_say("%s", text);
        green_tls_context_release(context);
        return -ENOMEM;
    }
    green__tls_handshake_setup(context);
    ERR_clear_error();
    *out = context;
    return 0;
}

green_tls_context_t *green_tls_context_retain(green_tls_context_t *context)
{
    atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void green_tls_context_release(green_tls_context_t *context)
{
    if (!context || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(context->ctx);
    green_tls_tickets_release(context->tickets);
    free(context->alpn);
    free(context);
}

/* The system's authorities, read once in a process: that takes a tenth of a second, and they fill megabytes. */
static X509_STORE *system_store;

static void load_system_store(void)
{
    system_store = X509_STORE_new();
    if (system_store && !X509_STORE_set_default_paths(system_store)) {
        X509_STORE_free(system_store);
        system_store = NULL;
    }
}

static int finish(green_tls_context_t *context)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (context->server || context->trusting)
        return 0;
    ERR_clear_error();
    pthread_once(&once, load_system_store);
    ERR_clear_error();
    if (!system_store)
        return -ENOMEM;
    SSL_CTX_set1_cert_store(context->ctx, system_store);
    return 0;
}

int green__tls_use(green_tls_context_t *context)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    if (atomic_load_explicit(&context->used, memory_order_acquire))
        return 0;
    pthread_mutex_lock(&mutex);
    int r = atomic_load_explicit(&context->used, memory_order_relaxed) ? 0 : finish(context);
    if (r == 0)
        atomic_store_explicit(&context->used, true, memory_order_release);
    pthread_mutex_unlock(&mutex);
    return r;
}

int green_tls_context_seal(green_tls_context_t *context)
{
    return green__tls_use(context);
}

int green__tls_changeable(const green_tls_context_t *context)
{
    return atomic_load_explicit(&context->used, memory_order_relaxed) ? -EBUSY : 0;
}

int green_tls_context_sessions(green_tls_context_t *context, long lifetime, long cached)
{
    int r = !context->server || lifetime <= 0 || cached < 0 ? -EINVAL : green__tls_changeable(context);
    if (r < 0)
        return r;
    SSL_CTX_set_timeout(context->ctx, lifetime);
    SSL_CTX_set_session_cache_mode(context->ctx, cached ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
    SSL_CTX_sess_set_cache_size(context->ctx, cached ? cached : 1); /* 0 would be without a bound */
    if (SSL_CTX_get_options(context->ctx) &
        SSL_OP_NO_TICKET) /* TLS 1.3 sends tickets that only name what is kept */
        SSL_CTX_set_num_tickets(context->ctx, cached ? TICKETS : 0);
    return 0;
}

int green_tls_context_scope(green_tls_context_t *context, const void *scope, size_t size)
{
    int r = !context->server ? -EINVAL : green__tls_changeable(context);
    if (r < 0)
        return r;
    ERR_clear_error();
    _Static_assert(sizeof context->mark == SHA256_DIGEST_LENGTH, "a mark is a digest");
    bool good = SHA256(scope, size, context->mark) &&
                SSL_CTX_set_session_id_context(context->ctx, context->mark, sizeof context->mark);
    ERR_clear_error();
    return good ? 0 : -ENOMEM;
}

int green_tls_context_depth(green_tls_context_t *context, int depth)
{
    int r = depth < 0 ? -EINVAL : green__tls_changeable(context);
    if (r == 0)
        SSL_CTX_set_verify_depth(context->ctx, depth);
    return r;
}

int green_tls_context_client_certificate(green_tls_context_t *context, enum green_tls_client_certificate wish)
{
    if (!context->server)
        return -EINVAL;
    int mode = wish == GREEN_TLS_REQUIRED_CLIENT_CERTIFICATE
                   ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
               : wish == GREEN_TLS_OPTIONAL_CLIENT_CERTIFICATE ? SSL_VERIFY_PEER
                                                               : SSL_VERIFY_NONE;
    int r = green__tls_changeable(context);
    if (r == 0)
        SSL_CTX_set_verify(context->ctx, mode, green__tls_verify);
    return r;
}

int green_tls_context_versions(green_tls_context_t *context, enum green_tls_version min,
                               enum green_tls_version max)
{
    if (min < GREEN_TLS_1_2 || max > GREEN_TLS_1_3 || min > max)
        return -EINVAL;
    int r = green__tls_changeable(context);
    if (r < 0)
        return r;
    return SSL_CTX_set_min_proto_version(context->ctx, (int)min) &&
                   SSL_CTX_set_max_proto_version(context->ctx, (int)max)
               ? 0
               : -EINVAL;
}

int green_tls_context_ciphers(green_tls_context_t *context, const char *tls12, const char *tls13)
{
    int r = green__tls_changeable(context);
    if (r < 0)
        return r;
    ERR_clear_error();
    bool good = (!tls12 || SSL_CTX_set_cipher_list(context->ctx, tls12)) &&
                (!tls13 || SSL_CTX_set_ciphersuites(context->ctx, tls13));
    ERR_clear_error();
    return good ? 0 : -EINVAL;
}

/* "h2,http/1.1" in the form of the wire, each name after its length; 0 or -EINVAL. `out` has room for the text's length
 * and one more. */
static int parse_alpn(const char *text, unsigned char *out, unsigned *size)
{
    *size = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        if (!length || length > 255 || *size + length > UINT16_MAX)
            return -EINVAL;
        out[(*size)++] = (unsigned char)length;
        memcpy(out + *size, text, length);
        *size += (unsigned)length;
        if (!text[length])
            return 0;
        text += length + 1;
    }
}

int green_tls_context_alpn(green_tls_context_t *context, const char *protocols)
{
    int r = green__tls_changeable(context);
    if (r < 0)
        return r;
    unsigned char *wire = malloc(strlen(protocols) + 2);
    unsigned size;
    if (!wire)
        return -ENOMEM;
    r = parse_alpn(protocols, wire, &size);
    if (r == 0 && !context->server && SSL_CTX_set_alpn_protos(context->ctx, wire, size) != 0)
        r = -ENOMEM; /* that function returns 0 when it went well */
    if (r < 0) {
        free(wire);
        return r;
    }
    free(context->alpn);
    context->alpn = wire;
    context->alpn_size = size;
    return 0;
}

int green_tls_context_choose(green_tls_context_t *context, green_tls_choose_fn fn, void *arg)
{
    if (!context->server)
        return -EINVAL;
    int r = green__tls_changeable(context);
    if (r == 0) {
        context->choose = fn;
        context->choose_arg = arg;
    }
    return r;
}
