/* Certificates for tests, made when the test runs: none of them can expire in the repository. */
#ifndef TESTS_GREEN_NET_CERTIFICATES_H
#define TESTS_GREEN_NET_CERTIFICATES_H

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "support.h"

/* A certificate and its key, also as PEM. */
struct identity {
    X509 *certificate;
    EVP_PKEY *key;
    char *pem, *key_pem;
};

enum { DAY = 24 * 60 * 60 };

/* What is to be made; zero in every field is a certificate for nobody, by itself, valid from yesterday on for a month. */
struct wish {
    const char *subject; /* its CN */
    const char *names;   /* "DNS:localhost,IP:127.0.0.1" */
    const struct identity *issuer;
    long from, until; /* seconds from now */
    bool authority, rsa;
};

static inline char *bio_text(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)size);
    ck_assert_ptr_nonnull(text);
    BIO_free(bio);
    return text;
}

static inline void extend(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static inline struct identity make_identity(struct wish wish)
{
    static long serial = 1000;
    struct identity made = {.certificate = X509_new()};
    made.key = wish.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    ck_assert(made.certificate && made.key);
    X509 *c = made.certificate, *issuer = wish.issuer ? wish.issuer->certificate : c;
    ck_assert(X509_set_version(c, 2));
    ck_assert(ASN1_INTEGER_set(X509_get_serialNumber(c), serial++));
    ck_assert(X509_gmtime_adj(X509_getm_notBefore(c), wish.from ? wish.from : -DAY));
    ck_assert(X509_gmtime_adj(X509_getm_notAfter(c), wish.until ? wish.until : 30 * DAY));
    ck_assert(X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                                         (const unsigned char *)(wish.subject ? wish.subject : "nobody"), -1,
                                         -1, 0));
    ck_assert(X509_set_issuer_name(c, X509_get_subject_name(issuer)));
    ck_assert(X509_set_pubkey(c, made.key));
    extend(c, issuer, NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(c, issuer, NID_subject_key_identifier, "hash");
    if (wish.names)
        extend(c, issuer, NID_subject_alt_name, wish.names);
    ck_assert(X509_sign(c, wish.issuer ? wish.issuer->key : made.key, EVP_sha256()));
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert(PEM_write_bio_X509(bio, c));
    made.pem = bio_text(bio);
    bio = BIO_new(BIO_s_mem());
    ck_assert(PEM_write_bio_PrivateKey(bio, made.key, NULL, NULL, 0, NULL, NULL));
    made.key_pem = bio_text(bio);
    return made;
}

static inline void free_identity(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    free(identity->pem);
    free(identity->key_pem);
}

#endif
