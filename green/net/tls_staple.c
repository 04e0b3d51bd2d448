/*
 * What an issuer says of the revocation of our own certificates (OCSP, RFC 6960), sent along in handshakes (RFC 6066
 * section 8). A response hangs on the certificate as OpenSSL knows it, so that every context that has the certificate
 * gives it to its clients; it is the one thing about a certificate that changes.
 */
#include "tls_state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#define RESPONSE_MOST ((size_t)64 * 1024)
#define CLOCKS_DIFFER 300 /* s: how far the responder's may be from ours */
#define WITHOUT_END                                                                                          \
    (24 * 3600L) /* s: how long a response is sent that does not say when the next one comes */

struct staple {
    pthread_mutex_t mutex;
    unsigned char *response; /* DER; NULL: none */
    size_t size;
    int64_t begins, expires; /* seconds since 1970 */
};

/* --- where it hangs ------------------------------------------------------------------------------------------------ */

static int place = -1; /* among OpenSSL's "extra data" of certificates */

static void drop(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *arg)
{
    struct staple *s = data;
    if (!s)
        return;
    pthread_mutex_destroy(&s->mutex);
    free(s->response);
    free(s);
}

static int not_for_copies(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **data, int index, long number,
                          void *arg)
{
    *data = NULL;
    return 1;
}

static void find_place(void)
{
    place = X509_get_ex_new_index(0, NULL, NULL, not_for_copies, drop);
}

int green__tls_staple_prepare(X509 *certificate)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_place);
    struct staple *s = place < 0 ? NULL : calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    pthread_mutex_init(&s->mutex, NULL);
    if (X509_set_ex_data(certificate, place, s))
        return 0;
    drop(NULL, s, NULL, 0, 0, NULL);
    return -ENOMEM;
}

static struct staple *staple_of(const X509 *certificate)
{
    return certificate && place >= 0 ? X509_get_ex_data(certificate, place) : NULL;
}

/* --- in handshakes --------------------------------------------------------------------------------------------------- */

/* A copy for OpenSSL to keep; NULL: there is none that is still good. */
static unsigned char *take_copy(struct staple *s, size_t *size)
{
    unsigned char *copy = NULL;
    pthread_mutex_lock(&s->mutex);
    if (s->response && s->expires > (int64_t)time(NULL) && (copy = OPENSSL_malloc(s->size))) {
        memcpy(copy, s->response, s->size);
        *size = s->size;
    }
    pthread_mutex_unlock(&s->mutex);
    return copy;
}

/* The client has asked; the certificate that it will get has been chosen. */
static int answer_status(SSL *ssl, void *unused)
{
    struct staple *s = staple_of(SSL_get_certificate(ssl));
    size_t size = 0;
    unsigned char *copy = s ? take_copy(s, &size) : NULL;
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)size))
        return SSL_TLSEXT_ERR_OK;
    OPENSSL_free(copy);
    return SSL_TLSEXT_ERR_NOACK;
}

void green__tls_staple_setup(SSL_CTX *ctx)
{
    SSL_CTX_set_tlsext_status_cb(ctx, answer_status);
}

/* --- what certificates say ------------------------------------------------------------------------------------------- */

char *green__tls_responder(X509 *certificate)
{
    STACK_OF(OPENSSL_STRING) *all = X509_get1_ocsp(certificate);
    char *found = NULL;
    for (int i = 0; i < sk_OPENSSL_STRING_num(all) && !found; i++) {
        const char *url = sk_OPENSSL_STRING_value(all, i);
        if (strncasecmp(url, "http://", 7) == 0)
            found = strdup(url);
    }
    X509_email_free(all);
    ERR_clear_error();
    return found;
}

bool green__tls_must_staple(X509 *certificate)
{
    TLS_FEATURE *all = X509_get_ext_d2i(certificate, NID_tlsfeature, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_ASN1_INTEGER_num(all); i++)
        found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(all, i)) == TLSEXT_TYPE_status_request;
    TLS_FEATURE_free(all);
    ERR_clear_error();
    return found;
}

X509 *green__tls_issuer(X509 *certificate, STACK_OF(X509) * chain)
{
    X509 *found = NULL;
    for (int i = 0; i < sk_X509_num(chain) && !found; i++) {
        X509 *one = sk_X509_value(chain, i);
        if (X509_check_issued(one, certificate) == X509_V_OK &&
            X509_verify(certificate, X509_get0_pubkey(one)) > 0)
            found = one;
    }
    ERR_clear_error();
    if (!found)
        green__tls_say("the certificate of the issuer is not in the file; append it");
    return found;
}

/* --- asking ---------------------------------------------------------------------------------------------------------- */

int green__tls_question(X509 *certificate, X509 *issuer, void **der, size_t *size)
{
    ERR_clear_error();
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, certificate, issuer); /* by SHA-1, which all of them know */
    unsigned char *data = NULL;
    int n = 0;
    if (request && id && OCSP_request_add0_id(request, id)) {
        id = NULL; /* the request's now */
        n = i2d_OCSP_REQUEST(request, &data);
    }
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    ERR_clear_error();
    *der = n > 0 ? malloc((size_t)n) : NULL;
    if (*der) {
        memcpy(*der, data, (size_t)n);
        *size = (size_t)n;
    }
    OPENSSL_free(data);
    return *der ? 0 : -ENOMEM;
}

/* --- what came back ---------------------------------------------------------------------------------------------------- */

static int refuse(int error, const char *why)
{
    ERR_clear_error();
    green__tls_say("%s", why);
    return error;
}

/* Signed by the issuer, or by somebody whom the issuer has made for just that? */
static int check_signature(OCSP_BASICRESP *basic, X509 *issuer, STACK_OF(X509) * chain)
{
    X509_STORE *trusted = X509_STORE_new();
    int good = -1;
    if (trusted && X509_STORE_add_cert(trusted, issuer) &&
        X509_STORE_set_flags(trusted, X509_V_FLAG_PARTIAL_CHAIN))
        good = OCSP_basic_verify(basic, chain, trusted, 0);
    X509_STORE_free(trusted);
    ERR_clear_error();
    return good > 0 ? 0 : refuse(GREEN_ETLS_CERTIFICATE, "the response is not signed by the issuer");
}

/* The statement about the certificate: V_OCSP_CERTSTATUS_*, or -1 if there is none. */
static int find_statement(OCSP_BASICRESP *basic, X509 *certificate, X509 *issuer,
                          ASN1_GENERALIZEDTIME **begins, ASN1_GENERALIZEDTIME **expires)
{
    const EVP_MD *digests[] = {EVP_sha1(), EVP_sha256()};
    int status = -1;
    for (size_t i = 0; i < sizeof digests / sizeof digests[0] && status < 0; i++) {
        OCSP_CERTID *id = OCSP_cert_to_id(digests[i], certificate, issuer);
        if (!id || !OCSP_resp_find_status(basic, id, &status, NULL, NULL, begins, expires))
            status = -1;
        OCSP_CERTID_free(id);
    }
    return status;
}

static int64_t seconds(const ASN1_GENERALIZEDTIME *time)
{
    struct tm tm;
    return time && ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

static int judge(OCSP_BASICRESP *basic, X509 *certificate, X509 *issuer, STACK_OF(X509) * chain,
                 struct staple *out)
{
    ASN1_GENERALIZEDTIME *begins = NULL, *expires = NULL;
    int status = find_statement(basic, certificate, issuer, &begins, &expires);
    if (status < 0)
        return refuse(-ENOENT, "the response is about another certificate");
    int r = check_signature(basic, issuer, chain);
    if (r < 0)
        return r;
    out->begins = seconds(begins);
    out->expires = expires ? seconds(expires) : out->begins + WITHOUT_END;
    int64_t now = (int64_t)time(NULL);
    if (!out->begins || out->begins > now + CLOCKS_DIFFER)
        return refuse(-EKEYEXPIRED, "the response is not valid yet; compare the clocks");
    if (out->expires <= now)
        return refuse(-EKEYEXPIRED, "the response is out of date");
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return refuse(-EKEYREVOKED, "the issuer has revoked the certificate");
    return status == V_OCSP_CERTSTATUS_GOOD ? 0 : refuse(-ENOENT, "the issuer does not know the certificate");
}

static int examine(X509 *certificate, X509 *issuer, STACK_OF(X509) * chain, const void *der, size_t size,
                   struct staple *out)
{
    const unsigned char *p = der;
    ERR_clear_error();
    OCSP_RESPONSE *response = size && size <= RESPONSE_MOST ? d2i_OCSP_RESPONSE(NULL, &p, (long)size) : NULL;
    if (!response || p != (const unsigned char *)der + size) {
        OCSP_RESPONSE_free(response);
        return refuse(-EBADMSG, "this is no response of OCSP (in DER)");
    }
    int status = OCSP_response_status(response);
    OCSP_BASICRESP *basic =
        status == OCSP_RESPONSE_STATUS_SUCCESSFUL ? OCSP_response_get1_basic(response) : NULL;
    int r;
    if (basic) {
        r = judge(basic, certificate, issuer, chain, out);
    } else {
        r = refuse(-EBADMSG, "");
        green__tls_say("the responder gives no answer: %s", OCSP_response_status_str(status));
    }
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return r;
}

/* --- putting it there -------------------------------------------------------------------------------------------------- */

static void put(struct staple *s, const struct staple *other)
{
    pthread_mutex_lock(&s->mutex);
    unsigned char *before = s->response;
    s->response = other->response;
    s->size = other->size;
    s->begins = other->begins;
    s->expires = other->expires;
    pthread_mutex_unlock(&s->mutex);
    free(before);
}

int green__tls_staple(X509 *certificate, STACK_OF(X509) * chain, const void *der, size_t size)
{
    struct staple *s = staple_of(certificate), found = {0};
    if (!der) {
        put(s, &found);
        return 0;
    }
    X509 *issuer = green__tls_issuer(certificate, chain);
    int r = issuer ? examine(certificate, issuer, chain, der, size, &found) : GREEN_ETLS_CERTIFICATE;
    if (r < 0)
        return r;
    found.response = malloc(size);
    if (!found.response)
        return -ENOMEM;
    memcpy(found.response, der, size);
    found.size = size;
    put(s, &found);
    return 0;
}

void green__tls_staple_validity(X509 *certificate, int64_t *begins, int64_t *expires)
{
    struct staple *s = staple_of(certificate);
    pthread_mutex_lock(&s->mutex);
    *begins = s->begins;
    *expires = s->expires;
    pthread_mutex_unlock(&s->mutex);
}
