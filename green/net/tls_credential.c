/* Certificates as objects of their own: read once, looked at, and used in any number of contexts. */
#include "tls_state.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

struct green_tls_certificate {
    atomic_uint references;
    X509 *leaf;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
    char **names; /* lower case; NULL at the end */
    char *subject;
    char *responder; /* NULL: none */
    int64_t begins, expires;
    bool must_staple;
};

/* A name as a client could ask for it: "example.com" or "*.example.com", for free(). NULL: none of that kind. */
static char *host_name(const GENERAL_NAME *name)
{
    if (name->type != GEN_DNS)
        return NULL;
    const unsigned char *data = ASN1_STRING_get0_data(name->d.dNSName);
    int length = ASN1_STRING_length(name->d.dNSName);
    char *text = length > 0 && length <= 255 ? malloc((size_t)length + 1) : NULL;
    if (!text)
        return NULL;
    for (int i = 0; i < length; i++) {
        if (data[i] <= ' ' || data[i] > '~') {
            free(text);
            return NULL;
        }
        text[i] = (char)tolower(data[i]);
    }
    text[length] = 0;
    return text;
}

static int take_names(green_tls_certificate_t *c)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
    int count = all ? sk_GENERAL_NAME_num(all) : 0, n = 0;
    c->names = calloc((size_t)count + 1, sizeof *c->names);
    for (int i = 0; c->names && i < count; i++) {
        char *text = host_name(sk_GENERAL_NAME_value(all, i));
        if (text)
            c->names[n++] = text;
    }
    GENERAL_NAMES_free(all);
    return c->names ? 0 : -ENOMEM;
}

static int64_t seconds(const ASN1_TIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

static int take_facts(green_tls_certificate_t *c)
{
    int n = green__tls_dn_text(X509_get_subject_name(c->leaf), NULL, 0);
    c->subject = n < 0 ? NULL : malloc((size_t)n + 1);
    if (!c->subject || green__tls_dn_text(X509_get_subject_name(c->leaf), c->subject, (size_t)n + 1) < 0)
        return -ENOMEM;
    c->begins = seconds(X509_get0_notBefore(c->leaf));
    c->expires = seconds(X509_get0_notAfter(c->leaf));
    c->responder = green__tls_responder(c->leaf);
    c->must_staple = green__tls_must_staple(c->leaf);
    int r = green__tls_staple_prepare(c->leaf);
    return r < 0 ? r : take_names(c);
}

static int check_key(const green_tls_certificate_t *c)
{
    ERR_clear_error();
    int good = X509_check_private_key(c->leaf, c->key);
    ERR_clear_error();
    if (good)
        return 0;
    green__tls_say("the key belongs to another certificate");
    return GREEN_ETLS_KEY;
}

/* c has its parts, if r is 0. */
static int finish(green_tls_certificate_t *c, int r, green_tls_certificate_t **out)
{
    if (r == 0)
        r = check_key(c);
    if (r == 0)
        r = take_facts(c);
    ERR_clear_error();
    if (r < 0) {
        green_tls_certificate_release(c);
        return r;
    }
    *out = c;
    return 0;
}

static green_tls_certificate_t *begin(void)
{
    green_tls_certificate_t *c = calloc(1, sizeof *c);
    if (c)
        atomic_init(&c->references, 1);
    return c;
}

int green_tls_certificate_load(green_tls_certificate_t **out, const char *chain, const char *key)
{
    green_tls_certificate_t *c = begin();
    *out = NULL;
    if (!c)
        return -ENOMEM;
    int r = green__tls_read_chain(chain, &c->leaf, &c->chain);
    if (r == 0)
        r = green__tls_read_key(key ? key : chain, &c->key);
    return finish(c, r, out);
}

int green_tls_certificate_parse(green_tls_certificate_t **out, const void *pem, size_t size)
{
    green_tls_certificate_t *c = begin();
    *out = NULL;
    if (!c)
        return -ENOMEM;
    int r = green__tls_parse_chain(pem, size, &c->leaf, &c->chain);
    if (r == 0)
        r = green__tls_parse_key(pem, size, &c->key);
    return finish(c, r, out);
}

green_tls_certificate_t *green_tls_certificate_retain(green_tls_certificate_t *c)
{
    atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

void green_tls_certificate_release(green_tls_certificate_t *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    for (char **name = c->names; name && *name; name++)
        free(*name);
    free(c->names);
    free(c->subject);
    free(c->responder);
    EVP_PKEY_free(c->key);
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    free(c);
}

const char *green_tls_certificate_name(const green_tls_certificate_t *c, size_t index)
{
    for (size_t i = 0; c->names[i]; i++)
        if (i == index)
            return c->names[i];
    return NULL;
}

const char *green_tls_certificate_subject(const green_tls_certificate_t *c)
{
    return c->subject;
}

int64_t green_tls_certificate_begins(const green_tls_certificate_t *c)
{
    return c->begins;
}

int64_t green_tls_certificate_expires(const green_tls_certificate_t *c)
{
    return c->expires;
}

enum green_tls_key_kind green_tls_certificate_kind(const green_tls_certificate_t *c)
{
    int id = EVP_PKEY_get_base_id(c->key);
    return id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS ? GREEN_TLS_RSA
           : id == EVP_PKEY_EC                          ? GREEN_TLS_ECDSA
                                                        : GREEN_TLS_OTHER_KEY;
}

int green_tls_certificate_fingerprint(const green_tls_certificate_t *c, unsigned char sha256[32])
{
    return X509_digest(c->leaf, EVP_sha256(), sha256, NULL) ? 0 : -ENOMEM;
}

const char *green_tls_certificate_responder(const green_tls_certificate_t *c)
{
    return c->responder;
}

bool green_tls_certificate_must_staple(const green_tls_certificate_t *c)
{
    return c->must_staple;
}

int green_tls_certificate_question(const green_tls_certificate_t *c, void **der, size_t *size)
{
    X509 *issuer = green__tls_issuer(c->leaf, c->chain);
    *der = NULL;
    return issuer ? green__tls_question(c->leaf, issuer, der, size) : GREEN_ETLS_CERTIFICATE;
}

int green_tls_certificate_staple(const green_tls_certificate_t *c, const void *der, size_t size)
{
    return green__tls_staple(c->leaf, c->chain, der, size);
}

void green_tls_certificate_stapled(const green_tls_certificate_t *c, int64_t *begins, int64_t *expires)
{
    green__tls_staple_validity(c->leaf, begins, expires);
}

int green_tls_context_certificate(green_tls_context_t *context, const green_tls_certificate_t *c)
{
    int r = green__tls_changeable(context);
    if (r < 0)
        return r;
    ERR_clear_error();
    if (!SSL_CTX_use_cert_and_key(context->ctx, c->leaf, c->key, c->chain, 1)) {
        char text[256];
        green__tls_queue_text(text, sizeof text);
        green__tls_say("certificate and key: %s", text);
        r = GREEN_ETLS_KEY;
    }
    ERR_clear_error();
    return r;
}
