/* What went wrong, as a code and as a sentence. */
#include "tls_state.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

enum { TEXT = 1024 };

/* Of the last handshake or set-up that failed in this thread. Read before anything switches, so one is enough. */
static __thread char last[TEXT];

void green__tls_say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(last, sizeof last, format, list);
    va_end(list);
}

const char *green_tls_error(green_stream_t *s)
{
    if (!s)
        return last;
    struct tls *t = green__tls(s);
    return t && t->error ? t->error : "";
}

/* The word for the same. */
static __thread const char *last_reason = "failed";

const char *green_tls_reason(void)
{
    return last_reason;
}

static void replace(char **text, const char *by)
{
    free(*text);
    *text = strdup(by); /* NULL: no memory for an explanation, the code says enough */
}

/* The number of the alert by which the peer refused, or -1. */
static int alert_of(unsigned long error)
{
    int reason = ERR_GET_REASON(error);
    return ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
                   reason < SSL_AD_REASON_OFFSET + 256
               ? reason - SSL_AD_REASON_OFFSET
               : -1;
}

static const char *alert_text(int alert)
{
    switch (alert) { /* new in TLS 1.3, and without a text in OpenSSL 3.0 */
    case SSL_AD_MISSING_EXTENSION:
        return "missing extension";
    case SSL_AD_CERTIFICATE_REQUIRED:
        return "certificate required";
    default:
        return SSL_alert_desc_string_long(alert);
    }
}

static void text_of(unsigned long error, char *out, size_t size)
{
    int alert = alert_of(error);
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    if (alert >= 0)
        snprintf(out, size, "the peer refused: %s", alert_text(alert));
    else if (reason)
        snprintf(out, size, "%s", reason);
    else if (error)
        snprintf(out, size, "OpenSSL error %#lx", error);
    else
        snprintf(out, size, "OpenSSL gave no reason");
}

void green__tls_queue_text(char *out, size_t size)
{
    text_of(ERR_peek_error(), out, size);
    ERR_clear_error();
}

static bool is_about_the_name(long verify)
{
    return verify == X509_V_ERR_HOSTNAME_MISMATCH || verify == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

static int code_of(const struct tls *t, unsigned long error)
{
    int alert = alert_of(error);
    if (alert == SSL_AD_NO_APPLICATION_PROTOCOL)
        return GREEN_ETLS_ALPN;
    if (alert >= 0)
        return GREEN_ETLS_ALERT;
    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return GREEN_ETLS;
    switch (ERR_GET_REASON(error)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return is_about_the_name(SSL_get_verify_result(t->ssl)) ? GREEN_ETLS_NAME : GREEN_ETLS_CERTIFICATE;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return GREEN_ETLS_CERTIFICATE;
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return GREEN_ETLS_ALPN;
    default:
        return GREEN_ETLS;
    }
}

static const char *certificate_reason(long verify)
{
    switch (verify) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "certificate_expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "certificate_not_yet_valid";
    case X509_V_ERR_CERT_REVOKED:
        return "certificate_revoked";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "certificate_self_signed";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return "certificate_untrusted";
    case X509_V_ERR_INVALID_PURPOSE:
        return "certificate_misused";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        return "certificate_chain_too_long";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return "crl_missing";
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
        return "crl_expired";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "name_mismatch";
    default:
        return "certificate_invalid";
    }
}

static const char *alert_reason(int alert)
{
    switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
        return "protocol_version";
    case SSL_AD_UNRECOGNIZED_NAME:
        return "unrecognized_name";
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        return "no_shared_protocol";
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_CERTIFICATE_REQUIRED:
        return "refused_certificate";
    default:
        return "refused";
    }
}

static const char *reason_of(const struct tls *t, unsigned long error)
{
    if (t->failed == GREEN_ETLS_PLAINTEXT)
        return "not_tls";
    if (alert_of(error) >= 0)
        return alert_reason(alert_of(error));
    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return "failed";
    switch (ERR_GET_REASON(error)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return certificate_reason(SSL_get_verify_result(t->ssl));
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "certificate_missing";
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return "no_shared_protocol";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
        return "protocol_version";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return "no_shared_cipher";
    default:
        return "failed";
    }
}

void green__tls_note_reason(const struct tls *t, int error)
{
    last_reason = t->reason                                 ? t->reason
                  : error == -ETIMEDOUT                     ? "timeout"
                  : error == GREEN_ETLS_TRUNCATED           ? "closed"
                  : error == -ECONNRESET || error == -EPIPE ? "closed"
                                                            : "failed";
}

void green__tls_fail(struct tls *t)
{
    unsigned long error = ERR_peek_error();
    char text[TEXT];
    text_of(error, text, sizeof text);
    ERR_clear_error();
    t->failed = t->no_memory ? -ENOMEM : t->not_tls ? GREEN_ETLS_PLAINTEXT : code_of(t, error);
    if (!t->reason)
        t->reason = reason_of(t, error);
    if (t->failed == -ENOMEM)
        snprintf(text, sizeof text, "out of memory");
    else if (t->failed == GREEN_ETLS_PLAINTEXT)
        snprintf(text, sizeof text, "what the peer sent is not TLS");
    replace(&t->error,
            t->rejected && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED ? t->rejected : text);
}

void green__tls_truncated(struct tls *t)
{
    replace(&t->error, SSL_is_init_finished(t->ssl) ? "the connection ended without close_notify"
                                                    : "the peer closed the connection during the handshake");
}

/* --- certificates ------------------------------------------------------------------------------------------------ */

void green__tls_names_text(X509 *certificate, char *out, size_t size)
{
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; at + 4 < size; i++) { /* more do not help a reader */
        char name[300];
        if (green__tls_san_text(certificate, i, name, sizeof name) < 0)
            return;
        at += (size_t)snprintf(out + at, size - at, "%s%s", i ? ", " : "", name);
    }
    memcpy(out + size - 4, "...", 4);
}

static void describe(const struct tls *t, int error, X509 *certificate, char *out, size_t size)
{
    char subject[256] = "", names[400] = "", issuer[256] = "";
    if (certificate) {
        green__tls_dn_text(X509_get_subject_name(certificate), subject, sizeof subject);
        green__tls_dn_text(X509_get_issuer_name(certificate), issuer, sizeof issuer);
        if (is_about_the_name(error))
            green__tls_names_text(certificate, names, sizeof names);
    }
    bool who = error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
               error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT;
    snprintf(out, size, "%s: %s%s%s%s%s%s%s%s", X509_verify_cert_error_string(error),
             subject[0] ? subject : "no subject", who ? ", issued by " : "", who ? issuer : "",
             names[0] ? ", is for " : "", names, t->host ? ", checked against " : "",
             !t->host             ? ""
             : t->host_is_address ? "address "
                                  : "host name ",
             t->host ? t->host : "");
}

int green__tls_verify(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *t = ssl ? SSL_get_app_data(ssl) : NULL;
    if (!ok && t) {
        char text[TEXT];
        describe(t, X509_STORE_CTX_get_error(store), X509_STORE_CTX_get_current_cert(store), text,
                 sizeof text);
        replace(&t->rejected, text);
    }
    return ok;
}
