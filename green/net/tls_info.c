/* What can be asked about a TLS stream. */
#include "tls_state.h"

#include <stdlib.h>
#include <string.h>

bool green_stream_is_tls(const green_stream_t *s)
{
    return green__tls(s) != NULL;
}

green_stream_t *green_tls_below(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    return t ? t->below : NULL;
}

const char *green_tls_version(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    return t ? SSL_get_version(t->ssl) : NULL;
}

const char *green_tls_cipher(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    return t ? SSL_get_cipher_name(t->ssl) : NULL;
}

const char *green_tls_alpn(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    return t ? t->alpn : NULL;
}

const char *green_tls_server_name(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    return t ? t->server_name : NULL;
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

green_tls_session_t *green_tls_session(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    if (!t || !t->session || !SSL_SESSION_is_resumable(t->session))
        return NULL;
    green_tls_session_t *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    if (t->host && !(session->host = strdup(t->host))) {
        free(session);
        return NULL;
    }
    SSL_SESSION_up_ref(t->session);
    session->session = t->session;
    session->context = green_tls_context_retain(t->context);
    return session;
}

void green_tls_session_free(green_tls_session_t *session)
{
    if (!session)
        return;
    SSL_SESSION_free(session->session);
    green_tls_context_release(session->context);
    free(session->host);
    free(session);
}

bool green_tls_session_fits(const green_tls_session_t *session, const green_tls_context_t *context)
{
    return session->context == context;
}

bool green_tls_session_reused(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    return t && SSL_session_reused(t->ssl);
}

/* --- buffers ----------------------------------------------------------------------------------------------------- */

size_t green_tls_pending(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    if (!t || t->failed)
        return 0;
    if (!SSL_pending(t->ssl) && t->in.from != t->in.to) { /* it has arrived but is not decrypted */
        char byte;
        size_t n;
        ERR_clear_error();
        green__tls_outcome(t, SSL_peek_ex(t->ssl, &byte, 1, &n));
    }
    return t->failed ? 0 : (size_t)SSL_pending(t->ssl);
}

bool green_tls_readable(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    return t && (green_tls_pending(s) || t->failed || t->input_ended ||
                 (SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN));
}

size_t green_tls_unsent(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    return t ? t->out.to - t->out.from : 0;
}

void green_tls_trim(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    if (t)
        green__tls_trim(t);
}

/* --- the peer ---------------------------------------------------------------------------------------------------- */

static int peer(green_stream_t *s, X509 **out)
{
    struct tls *t = green__tls(s);
    if (!t)
        return -EINVAL;
    *out = SSL_get0_peer_certificate(t->ssl);
    return *out ? 0 : -ENOENT;
}

int green_tls_peer_subject(green_stream_t *s, char *out, size_t size)
{
    X509 *certificate;
    int r = peer(s, &certificate);
    return r < 0 ? r : green__tls_dn_text(X509_get_subject_name(certificate), out, size);
}

int green_tls_peer_issuer(green_stream_t *s, char *out, size_t size)
{
    X509 *certificate;
    int r = peer(s, &certificate);
    return r < 0 ? r : green__tls_dn_text(X509_get_issuer_name(certificate), out, size);
}

int green_tls_peer_name(green_stream_t *s, size_t index, char *out, size_t size)
{
    X509 *certificate;
    int r = peer(s, &certificate);
    return r < 0 ? r : green__tls_san_text(certificate, index, out, size);
}

int green_tls_peer_pem(green_stream_t *s, char *out, size_t size)
{
    X509 *certificate;
    int r = peer(s, &certificate);
    return r < 0 ? r : green__tls_certificate_pem(certificate, out, size);
}

int green_tls_peer_fingerprint(green_stream_t *s, unsigned char sha256[32])
{
    X509 *certificate;
    unsigned length = 0;
    int r = peer(s, &certificate);
    if (r < 0)
        return r;
    ERR_clear_error();
    bool good = X509_digest(certificate, EVP_sha256(), sha256, &length) && length == 32;
    ERR_clear_error();
    return good ? 0 : -ENOMEM;
}

const char *green_tls_verify_result(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    long code = t ? SSL_get_verify_result(t->ssl) : X509_V_OK;
    return code == X509_V_OK ? NULL : t->rejected ? t->rejected : X509_verify_cert_error_string(code);
}

int green_tls_export(green_stream_t *s, const char *label, void *out, size_t size)
{
    struct tls *t = green__tls(s);
    if (!t || !label || !size || size > 8160) /* what HKDF can give */
        return -EINVAL;
    ERR_clear_error();
    int good = SSL_export_keying_material(t->ssl, out, size, label, strlen(label), NULL, 0, 0);
    ERR_clear_error();
    return good == 1 ? 0 : GREEN_ETLS;
}
