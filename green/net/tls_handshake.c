/* Handshakes: whom we want to talk to, whom the client wants to talk to, and what is agreed on. */
#include "tls_state.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

/* --- what OpenSSL asks in between: these run inside its calls and never switch ------------------------------------ */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *t = SSL_get_app_data(ssl);
    SSL_SESSION_free(t->session);
    t->session = session;
    return 1; /* the reference is ours now */
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *length,
                           const unsigned char *offered, unsigned size, void *unused)
{
    const struct tls *t = SSL_get_app_data(ssl);
    const green_tls_context_t *context = t->context; /* the chosen one */
    unsigned char *chosen;
    if (!context->alpn)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_select_next_proto(&chosen, length, context->alpn, context->alpn_size, offered, size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* The name in a server_name extension (RFC 6066), in lower case, for free(). 0 and NULL: no name; or an alert. */
static int parse_server_name(const unsigned char *p, size_t size, char **out)
{
    *out = NULL;
    if (size < 5 || (size_t)p[0] * 256 + p[1] != size - 2 || p[2] != TLSEXT_NAMETYPE_host_name)
        return SSL_AD_DECODE_ERROR;
    size_t length = (size_t)p[3] * 256 + p[4];
    if (!length || length != size - 5 || length > TLSEXT_MAXLEN_host_name || memchr(p + 5, 0, length))
        return SSL_AD_DECODE_ERROR;
    char *name = malloc(length + 1);
    if (!name)
        return SSL_AD_INTERNAL_ERROR;
    for (size_t i = 0; i < length; i++)
        name[i] = (char)tolower(p[5 + i]);
    name[length] = 0;
    *out = name;
    return 0;
}

/* Everything from the chosen context on; OpenSSL itself takes only part of it along. */
static bool adopt(struct tls *t, green_tls_context_t *chosen)
{
    SSL_CTX *ctx = chosen->ctx;
    if (!SSL_set_SSL_CTX(t->ssl, ctx))
        return false;
    SSL_set_verify(t->ssl, SSL_CTX_get_verify_mode(ctx), green__tls_verify);
    if (SSL_CTX_get_verify_depth(ctx) >= 0)
        SSL_set_verify_depth(t->ssl, SSL_CTX_get_verify_depth(ctx));
    SSL_clear_options(t->ssl, SSL_OP_NO_TICKET);
    SSL_set_options(t->ssl, SSL_CTX_get_options(ctx));
    if (!SSL_set_num_tickets(t->ssl, SSL_CTX_get_num_tickets(ctx)) ||
        !SSL_set_min_proto_version(t->ssl, (int)SSL_CTX_get_min_proto_version(ctx)) ||
        !SSL_set_max_proto_version(t->ssl, (int)SSL_CTX_get_max_proto_version(ctx)))
        return false;
    if (green__tls_use(chosen) < 0)
        return false;
    green_tls_context_t *before = t->context;
    t->context = green_tls_context_retain(chosen);
    green_tls_context_release(before);
    return true;
}

/* The hello that an application is being asked about, in this thread. */
static __thread SSL *asked_about;

bool green_tls_choosing_for(const char *protocol)
{
    const unsigned char *p;
    size_t size, length = strlen(protocol);
    return asked_about &&
           SSL_client_hello_get0_ext(asked_about, TLSEXT_TYPE_application_layer_protocol_negotiation, &p,
                                     &size) &&
           size == length + 3 && (size_t)p[0] * 256 + p[1] == length + 1 && p[2] == length &&
           memcmp(p + 3, protocol, length) == 0;
}

/* Asks the application, as from inside the hub: whatever would switch there returns -EPERM. */
static green_tls_context_t *ask(const green_tls_context_t *context, SSL *ssl, const char *name)
{
    green_hub_t *hub = green__hub;
    green_t *self = hub->current;
    hub->current = NULL;
    asked_about = ssl;
    green_tls_context_t *chosen = context->choose(context->choose_arg, name);
    asked_about = NULL;
    hub->current = self;
    return chosen;
}

/* A session is resumed only under the name that it was made for (RFC 6066 section 3), which becomes part of its mark. A
 * plain hash will do: sessions whose marks differ in nothing else are worth the same. */
static bool mark_session(struct tls *t)
{
    unsigned char mark[SSL_MAX_SID_CTX_LENGTH];
    uint64_t hash[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x9e3779b97f4a7c15)};
    if (!t->server_name)
        return true;
    for (const char *p = t->server_name; *p; p++) {
        hash[0] = (hash[0] ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
        hash[1] = (hash[1] + (unsigned char)*p) * UINT64_C(0xff51afd7ed558ccd);
        hash[1] ^= hash[1] >> 32;
    }
    memcpy(mark, t->context->mark, sizeof mark);
    for (size_t i = 0; i < sizeof hash; i++)
        mark[i] ^= ((unsigned char *)hash)[i];
    return SSL_set_session_id_context(t->ssl, mark, sizeof mark);
}

/* The first look at a ClientHello, before anything is decided: resumption too depends on the chosen context. */
static int look_at_hello(SSL *ssl, int *alert, void *unused)
{
    struct tls *t = SSL_get_app_data(ssl);
    const unsigned char *extension;
    size_t size;
    if (t->greeted)
        return SSL_CLIENT_HELLO_SUCCESS; /* a second one, after HelloRetryRequest: it is decided */
    t->greeted = true;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &size)) {
        *alert = parse_server_name(extension, size, &t->server_name);
        if (*alert)
            return SSL_CLIENT_HELLO_ERROR;
    }
    if (!t->context->choose) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return mark_session(t) ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
    }
    green_tls_context_t *chosen = ask(t->context, ssl, t->server_name);
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    if (!chosen || !chosen->server)
        t->reason = "unrecognized_name";
    if (!chosen || !chosen->server)
        return SSL_CLIENT_HELLO_ERROR;
    *alert = SSL_AD_INTERNAL_ERROR;
    return (chosen == t->context || adopt(t, chosen)) && mark_session(t) ? SSL_CLIENT_HELLO_SUCCESS
                                                                         : SSL_CLIENT_HELLO_ERROR;
}

static int acknowledge_name(SSL *ssl, int *alert, void *unused)
{
    return SSL_TLSEXT_ERR_OK;
}

void green__tls_handshake_setup(green_tls_context_t *context)
{
    if (context->server) {
        SSL_CTX_set_client_hello_cb(context->ctx, look_at_hello, NULL);
        SSL_CTX_set_tlsext_servername_callback(context->ctx, acknowledge_name);
        SSL_CTX_set_alpn_select_cb(context->ctx, select_protocol, NULL);
        green__tls_staple_setup(context->ctx);
    } else {
        SSL_CTX_sess_set_new_cb(context->ctx, keep_session);
    }
}

/* --- whom to talk to --------------------------------------------------------------------------------------------- */

static bool is_host_name(const char *name, size_t length)
{
    if (!length || length > 253 || name[0] == '.' || name[length - 1] == '.')
        return false; /* OpenSSL takes a leading dot for "any name below" */
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_' &&
            (name[i] != '.' || name[i - 1] == '.'))
            return false;
    return true;
}

/* Without the brackets and the zone of an IPv6 address, and without the dot at the end of a full name: for free().
 * NULL: no memory. */
static char *bare_host(const char *host)
{
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']')
        return bare_host(strndupa(host + 1, length - 2));
    const char *zone = strchr(host, ':') ? strchr(host, '%') : NULL;
    if (zone)
        length = (size_t)(zone - host);
    else if (length > 1 && host[length - 1] == '.')
        length--;
    return strndup(host, length);
}

static int set_host(struct tls *t, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (!host)
        return t->context->unverified ? 0 : -EINVAL;
    if (strnlen(host, 512) == 512)
        return -EINVAL;
    t->host = bare_host(host);
    if (!t->host)
        return -ENOMEM;
    t->host_is_address =
        inet_pton(AF_INET, t->host, address) == 1 || inet_pton(AF_INET6, t->host, address) == 1;
    if (t->host_is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), t->host) ? 0 : -ENOMEM;
    if (!is_host_name(t->host, strlen(t->host)))
        return -EINVAL;
    t->server_name = strdup(t->host);
    SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return t->server_name && SSL_set1_host(t->ssl, t->host) && SSL_set_tlsext_host_name(t->ssl, t->host)
               ? 0
               : -ENOMEM;
}

static bool same_host(const char *a, const char *b)
{
    return a && b ? strcasecmp(a, b) == 0 : a == b;
}

static int set_session(struct tls *t, const green_tls_session_t *session)
{
    if (!session)
        return 0;
    if (session->context != t->context || !same_host(session->host, t->host))
        return -EINVAL; /* it says that somebody else was verified */
    return SSL_set_session(t->ssl, session->session) ? 0 : -ENOMEM;
}

/* --- the handshake ----------------------------------------------------------------------------------------------- */

static int shake_hands(struct tls *t, green_time deadline)
{
    for (;;) {
        unsigned received = t->received;
        ERR_clear_error();
        enum tls_outcome outcome = green__tls_outcome(t, SSL_do_handshake(t->ssl));
        int r = outcome == TLS_FAILED ? 0 : green__tls_send(t, deadline);
        if (r == 0 && outcome == TLS_DONE)
            return 0;
        if (r == 0)
            r = green__tls_obey(t, outcome, received, deadline);
        if (r == 0 && t->not_tls) { /* without waiting for what OpenSSL would take for the rest of a record */
            green__tls_fail(t);
            r = t->failed;
        }
        if (r < 0)
            return r;
    }
}

static int note_agreement(struct tls *t)
{
    const unsigned char *alpn;
    unsigned size;
    SSL_get0_alpn_selected(t->ssl, &alpn, &size);
    if (!size)
        return 0;
    t->alpn = strndup((const char *)alpn, size);
    return t->alpn ? 0 : -ENOMEM;
}

/* Finishes or frees t. */
static int establish(struct tls *t, green_stream_t **out, green_time deadline)
{
    int r = green__tls_use(t->context);
    if (r == 0)
        r = shake_hands(t, deadline);
    if (r == 0)
        r = note_agreement(t);
    if (r < 0) {
        green__tls_note_reason(t, r);
        green__tls_say("%s", t->error ? t->error : green_strerror(r));
        green_stream_close(&t->stream);
        return r;
    }
    *out = &t->stream;
    return 0;
}

static int refuse(green_stream_t *below, int error, const char *why)
{
    green__tls_say("%s", why);
    green_stream_close(below);
    return error;
}

static green_tls_context_t *default_client;

static void make_default_client(void)
{
    if (green_tls_context_new(&default_client, GREEN_TLS_CLIENT) < 0)
        default_client = NULL;
}

int green_tls_resume(green_stream_t **out, green_tls_context_t *context, green_stream_t *below,
                     const char *host, const green_tls_session_t *session, green_time deadline)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct tls *t;
    *out = NULL;
    if (!below)
        return refuse(NULL, -EINVAL, "no stream to speak TLS over");
    if (!context) {
        pthread_once(&once, make_default_client);
        context = default_client;
        if (!context)
            return refuse(below, -ENOMEM, "no default context");
    }
    if (context->server)
        return refuse(below, -EINVAL, "a server's context");
    int r = green__tls_new(&t, context, below);
    if (r < 0)
        return refuse(below, r, green_strerror(r));
    ERR_clear_error();
    SSL_set_connect_state(t->ssl);
    r = set_host(t, host);
    if (r == 0)
        r = set_session(t, session);
    ERR_clear_error();
    if (r < 0) {
        green__tls_say("%s", r != -EINVAL ? green_strerror(r)
                             : t->server_name || t->host_is_address
                                 ? "the session is of another context or host"
                                 : "not a host name");
        green_stream_close(&t->stream);
        return r;
    }
    return establish(t, out, deadline);
}

int green_tls_connect(green_stream_t **out, green_tls_context_t *context, green_stream_t *below,
                      const char *host, green_time deadline)
{
    return green_tls_resume(out, context, below, host, NULL, deadline);
}

int green_tls_accept(green_stream_t **out, green_tls_context_t *context, green_stream_t *below,
                     green_time deadline)
{
    struct tls *t;
    *out = NULL;
    if (!below || !context || !context->server)
        return refuse(below, -EINVAL, "no stream, or no context of a server");
    if (!context->choose && !SSL_CTX_get0_certificate(context->ctx))
        return refuse(below, -EINVAL, "the context has no certificate");
    int r = green__tls_new(&t, context, below);
    if (r < 0)
        return refuse(below, r, green_strerror(r));
    SSL_set_accept_state(t->ssl);
    return establish(t, out, deadline);
}
