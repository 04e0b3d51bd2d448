/* Keys, signatures and certificates for ACME, on OpenSSL (acme_keys.h). */
#include "acme_keys.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#define SELF_SIGNED_DAYS 30

/* Nothing of what fails here is left in the thread's error queue. */
#define LEAVE(value)                                                                                         \
    do {                                                                                                     \
        ERR_clear_error();                                                                                   \
        return value;                                                                                        \
    } while (0)

static EVP_PKEY *private_key(const struct acme_key *key)
{
    return (EVP_PKEY *)(uintptr_t)key;
}

static struct acme_key *as_key(EVP_PKEY *key)
{
    return (struct acme_key *)(void *)key;
}

/* --- text ---------------------------------------------------------------------------------------------------------- */

char *acme_base64(const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *p = data;
    char *out = size < SIZE_MAX / 2 ? malloc(size / 3 * 4 + 5) : NULL, *at = out;
    for (size_t i = 0; out && i < size; i += 3) {
        unsigned left = size - i < 3 ? (unsigned)(size - i) : 3;
        unsigned bits =
            (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        for (unsigned k = 0; k <= left; k++)
            *at++ = digits[bits >> (18 - 6 * k) & 63];
    }
    if (out)
        *at = 0;
    return out;
}

static char *take_text(BIO *bio, int good)
{
    char *data;
    long size = bio && good ? BIO_get_mem_data(bio, &data) : -1;
    char *text = size >= 0 ? strndup(data, (size_t)size) : NULL;
    BIO_free(bio);
    LEAVE(text);
}

/* --- keys ---------------------------------------------------------------------------------------------------------- */

struct acme_key *acme_key_new(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    LEAVE(as_key(key));
}

static int no_password(char *buffer, int size, int writing, void *arg)
{
    return 0;
}

struct acme_key *acme_key_parse(const char *pem, size_t size)
{
    char group[32] = "";
    BIO *bio = size <= 65536 ? BIO_new_mem_buf(pem, (int)size) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    if (key &&
        (!EVP_PKEY_get_group_name(key, group, sizeof group, NULL) || strcmp(group, "prime256v1") != 0)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    LEAVE(as_key(key));
}

void acme_key_free(struct acme_key *key)
{
    EVP_PKEY_free(private_key(key));
}

char *acme_key_pem(const struct acme_key *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    return take_text(bio,
                     bio && PEM_write_bio_PKCS8PrivateKey(bio, private_key(key), NULL, NULL, 0, NULL, NULL));
}

static char *coordinate(const struct acme_key *key, const char *name)
{
    BIGNUM *number = NULL;
    unsigned char bytes[32];
    char *text = NULL;
    if (EVP_PKEY_get_bn_param(private_key(key), name, &number) &&
        BN_bn2binpad(number, bytes, sizeof bytes) == 32)
        text = acme_base64(bytes, sizeof bytes);
    BN_free(number);
    LEAVE(text);
}

char *acme_key_public(const struct acme_key *key)
{
    char *x = coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X), *y = coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y),
         *text = NULL;
    if (x && y && asprintf(&text, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y) < 0)
        text = NULL;
    free(x);
    free(y);
    return text;
}

char *acme_key_thumbprint(const struct acme_key *key)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *text = acme_key_public(key);
    char *print = text && SHA256((unsigned char *)text, strlen(text), digest)
                      ? acme_base64(digest, sizeof digest)
                      : NULL;
    free(text);
    return print;
}

/* --- signing --------------------------------------------------------------------------------------------------------- */

/* From DER to the two numbers one behind the other. */
static char *raw_signature(const unsigned char *der, size_t size)
{
    const unsigned char *p = der;
    unsigned char raw[64];
    char *text = NULL;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)size);
    if (sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32)
        text = acme_base64(raw, sizeof raw);
    ECDSA_SIG_free(sig);
    return text;
}

char *acme_sign(const struct acme_key *key, const char *data)
{
    unsigned char der[128];
    size_t size = sizeof der;
    char *text = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, private_key(key)) &&
        EVP_DigestSign(ctx, der, &size, (const unsigned char *)data, strlen(data)) == 1)
        text = raw_signature(der, size);
    EVP_MD_CTX_free(ctx);
    LEAVE(text);
}

static int digit_value(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '-'             ? 62
           : c == '_'             ? 63
                                  : -1;
}

char *acme_authenticate(const char *key, const char *text)
{
    unsigned char secret[1024], mac[SHA256_DIGEST_LENGTH];
    size_t n = 0;
    unsigned bits = 0, count = 0;
    for (const char *p = key; *p; p++) {
        int value = digit_value(*p);
        if (value < 0 || n == sizeof secret)
            return NULL;
        bits = bits << 6 | (unsigned)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            secret[n++] = (unsigned char)(bits >> count & 255);
        }
    }
    bool good = HMAC(EVP_sha256(), secret, (int)n, (const unsigned char *)text, strlen(text), mac, NULL);
    OPENSSL_cleanse(secret, sizeof secret);
    char *out = good ? acme_base64(mac, sizeof mac) : NULL;
    LEAVE(out);
}

/* --- requests and certificates ----------------------------------------------------------------------------------------- */

static X509_EXTENSION *name_extension(const char *name)
{
    char text[300];
    snprintf(text, sizeof text, "DNS:%s", name);
    return X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
}

static bool add_names(X509_REQ *request, const char *name)
{
    X509_EXTENSION *extension = name_extension(name);
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
    bool good =
        extension && all && sk_X509_EXTENSION_push(all, extension) && X509_REQ_add_extensions(request, all);
    sk_X509_EXTENSION_free(all);
    X509_EXTENSION_free(extension);
    return good;
}

char *acme_request(const struct acme_key *key, const char *name)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *der = NULL;
    int size = -1;
    if (request && X509_REQ_set_version(request, 0) && X509_REQ_set_pubkey(request, private_key(key)) &&
        add_names(request, name) && X509_REQ_sign(request, private_key(key), EVP_sha256()))
        size = i2d_X509_REQ(request, &der);
    char *text = size > 0 ? acme_base64(der, (size_t)size) : NULL;
    OPENSSL_free(der);
    X509_REQ_free(request);
    LEAVE(text);
}

/* acmeIdentifier: the digest of the proof as an OCTET STRING, critical. */
static bool add_proof(X509 *certificate, const char *proof)
{
    unsigned char value[2 + SHA256_DIGEST_LENGTH] = {V_ASN1_OCTET_STRING, SHA256_DIGEST_LENGTH};
    ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    if (id && string && SHA256((const unsigned char *)proof, strlen(proof), value + 2) &&
        ASN1_OCTET_STRING_set(string, value, sizeof value))
        extension = X509_EXTENSION_create_by_OBJ(NULL, id, 1, string);
    bool good = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(string);
    ASN1_OBJECT_free(id);
    return good;
}

static bool fill(X509 *c, EVP_PKEY *key, const char *name, const char *proof)
{
    uint64_t serial = 0;
    X509_EXTENSION *names = name_extension(name);
    X509_NAME *subject = X509_get_subject_name(c);
    bool good = names && RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(c), serial >> 1) && X509_set_version(c, 2) &&
                X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                           (const unsigned char *)"greenway placeholder", -1, -1, 0) &&
                X509_set_issuer_name(c, subject) && X509_gmtime_adj(X509_getm_notBefore(c), -24 * 3600) &&
                X509_gmtime_adj(X509_getm_notAfter(c), SELF_SIGNED_DAYS * 24 * 3600) &&
                X509_set_pubkey(c, key) && X509_add_ext(c, names, -1) && (!proof || add_proof(c, proof)) &&
                X509_sign(c, key, EVP_sha256());
    X509_EXTENSION_free(names);
    return good;
}

char *acme_self_signed(const char *name, const char *proof)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    bool good = key && c && bio && fill(c, key, name, proof) && PEM_write_bio_X509(bio, c) &&
                PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    X509_free(c);
    EVP_PKEY_free(key);
    return take_text(bio, good);
}
