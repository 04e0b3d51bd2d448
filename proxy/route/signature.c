/*
 * Signatures, by OpenSSL's EVP. Errors that it queues for the thread are of no interest to anybody: each call into it
 * leaves the queue empty, since libgreen's TLS reads it.
 */
#include "signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define SECRET_MOST   1024
#define RSA_BITS_MIN  2048
#define RSA_BITS_MAX  8192
#define EC_COORDINATE 66 /* bytes, of the largest curve */

struct signature_key {
    enum signature_kind kind;
    EVP_PKEY *public; /* NULL for a secret */
    size_t secret_n;
    unsigned char secret[SECRET_MOST];
};

struct curve {
    const char *name;
    size_t coordinate; /* bytes */
};

static const struct curve curves[] = {
    [SIGNATURE_P256] = {"P-256", 32}, [SIGNATURE_P384] = {"P-384", 48}, [SIGNATURE_P521] = {"P-521", 66}};

static const struct {
    const char *name;
    enum signature_kind kind;
    const EVP_MD *(*digest)(void);
    size_t secret_min; /* RFC 7518 section 3.2: no shorter than the digest */
    bool pss;
} algorithms[] = {
    [SIGNATURE_HS256] = {"HS256", SIGNATURE_SECRET, EVP_sha256, 32, false},
    [SIGNATURE_HS384] = {"HS384", SIGNATURE_SECRET, EVP_sha384, 48, false},
    [SIGNATURE_HS512] = {"HS512", SIGNATURE_SECRET, EVP_sha512, 64, false},
    [SIGNATURE_RS256] = {"RS256", SIGNATURE_RSA, EVP_sha256, 0, false},
    [SIGNATURE_RS384] = {"RS384", SIGNATURE_RSA, EVP_sha384, 0, false},
    [SIGNATURE_RS512] = {"RS512", SIGNATURE_RSA, EVP_sha512, 0, false},
    [SIGNATURE_PS256] = {"PS256", SIGNATURE_RSA, EVP_sha256, 0, true},
    [SIGNATURE_PS384] = {"PS384", SIGNATURE_RSA, EVP_sha384, 0, true},
    [SIGNATURE_PS512] = {"PS512", SIGNATURE_RSA, EVP_sha512, 0, true},
    [SIGNATURE_ES256] = {"ES256", SIGNATURE_P256, EVP_sha256, 0, false},
    [SIGNATURE_ES384] = {"ES384", SIGNATURE_P384, EVP_sha384, 0, false},
    [SIGNATURE_ES512] = {"ES512", SIGNATURE_P521, EVP_sha512, 0, false},
    [SIGNATURE_EDDSA] = {"EdDSA", SIGNATURE_ED25519, NULL, 0, false},
};

enum signature_algorithm signature_algorithm(struct span name)
{
    for (enum signature_algorithm a = 0; a < SIGNATURE_ALGORITHMS; a++)
        if (span_equal(name, span_str(algorithms[a].name)))
            return a;
    return SIGNATURE_ALGORITHMS;
}

static const unsigned char *bytes_of(struct span s)
{
    return (const unsigned char *)s.p;
}

/* --- keys ---------------------------------------------------------------------------------------------------------- */

static const char *new_key(enum signature_kind kind, EVP_PKEY *public, struct signature_key **out)
{
    ERR_clear_error();
    if (!public && kind != SIGNATURE_SECRET)
        return "has numbers that are no key";
    *out = calloc(1, sizeof **out);
    if (!*out) {
        EVP_PKEY_free(public);
        return "does not fit into memory";
    }
    (*out)->kind = kind;
    (*out)->public = public;
    return NULL;
}

void signature_key_free(struct signature_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->public);
    OPENSSL_cleanse(key, sizeof *key);
    free(key);
}

const char *signature_key_secret(struct span bytes, struct signature_key **out)
{
    if (bytes.n < algorithms[SIGNATURE_HS256].secret_min)
        return "is shorter than 32 bytes";
    if (bytes.n > SECRET_MOST)
        return "is longer than 1024 bytes";
    const char *wrong = new_key(SIGNATURE_SECRET, NULL, out);
    if (wrong)
        return wrong;
    memcpy((*out)->secret, bytes.p, bytes.n);
    (*out)->secret_n = bytes.n;
    return NULL;
}

/* A key of the parameters that were put together, NULL if there is none. Takes the builder over. */
static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !context || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static const char *check_rsa(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    return bits < RSA_BITS_MIN   ? "is an RSA key of less than 2048 bits"
           : bits > RSA_BITS_MAX ? "is an RSA key of more than 8192 bits"
                                 : NULL;
}

static const char *checked_rsa(EVP_PKEY *key, struct signature_key **out)
{
    const char *wrong = key ? check_rsa(key) : NULL;
    if (!wrong)
        return new_key(SIGNATURE_RSA, key, out);
    EVP_PKEY_free(key);
    return wrong;
}

const char *signature_key_rsa(struct span n, struct span e, struct signature_key **out)
{
    if (n.n > RSA_BITS_MAX / 8 + 1 || e.n > 8 || !n.n || !e.n)
        return "has numbers that are no RSA key";
    EVP_PKEY *key = NULL;
    BIGNUM *modulus = BN_bin2bn(bytes_of(n), (int)n.n, NULL),
           *exponent = BN_bin2bn(bytes_of(e), (int)e.n, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool odd = modulus && exponent && BN_is_odd(modulus) && BN_is_odd(exponent) && !BN_is_one(exponent);
    if (odd && build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
        key = from_parameters("RSA", build);
    else
        OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return checked_rsa(key, out);
}

/* OpenSSL refuses points that are not on the curve. */
const char *signature_key_curve(enum signature_kind kind, struct span x, struct span y,
                                struct signature_key **out)
{
    const struct curve *curve = &curves[kind];
    unsigned char point[1 + 2 * EC_COORDINATE] = {POINT_CONVERSION_UNCOMPRESSED};
    if (x.n != curve->coordinate || y.n != curve->coordinate)
        return "has coordinates of the wrong length";
    memcpy(point + 1, x.p, x.n);
    memcpy(point + 1 + x.n, y.p, y.n);
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + x.n + y.n))
        key = from_parameters("EC", build);
    else
        OSSL_PARAM_BLD_free(build);
    return new_key(kind, key, out);
}

const char *signature_key_ed25519(struct span x, struct signature_key **out)
{
    if (x.n != 32)
        return "has a coordinate of the wrong length";
    return new_key(SIGNATURE_ED25519, EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes_of(x), x.n),
                   out);
}

/* The curve of a key that was read from a file, false for curves that no algorithm knows. */
static bool curve_of(EVP_PKEY *key, enum signature_kind *kind)
{
    static const struct {
        const char *name;
        enum signature_kind kind;
    } groups[] = {
        {"prime256v1", SIGNATURE_P256}, {"secp384r1", SIGNATURE_P384}, {"secp521r1", SIGNATURE_P521}};
    char name[64];
    size_t n;
    if (EVP_PKEY_get_group_name(key, name, sizeof name, &n) != 1)
        return false;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (!strcmp(groups[i].name, name)) {
            *kind = groups[i].kind;
            return true;
        }
    return false;
}

const char *signature_key_pem(struct span text, struct signature_key **out)
{
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    enum signature_kind kind;
    BIO_free(bio);
    ERR_clear_error();
    if (!key)
        return "holds no public key in PEM (BEGIN PUBLIC KEY)";
    if (EVP_PKEY_is_a(key, "RSA"))
        return checked_rsa(key, out);
    if (EVP_PKEY_is_a(key, "ED25519"))
        return new_key(SIGNATURE_ED25519, key, out);
    if (EVP_PKEY_is_a(key, "EC") && curve_of(key, &kind))
        return new_key(kind, key, out);
    EVP_PKEY_free(key);
    return "holds a key that no algorithm of tokens is for";
}

/* --- verifying ----------------------------------------------------------------------------------------------------- */

bool signature_fits(const struct signature_key *key, enum signature_algorithm algorithm)
{
    return algorithm < SIGNATURE_ALGORITHMS && key->kind == algorithms[algorithm].kind &&
           (key->kind != SIGNATURE_SECRET || key->secret_n >= algorithms[algorithm].secret_min);
}

static bool verify_secret(const struct signature_key *key, const EVP_MD *digest, struct span bytes,
                          struct span signature)
{
    unsigned char made[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    return HMAC(digest, key->secret, (int)key->secret_n, bytes_of(bytes), bytes.n, made, &n) &&
           n == signature.n && CRYPTO_memcmp(made, signature.p, n) == 0;
}

/* Tokens have the two numbers of an ECDSA signature side by side, OpenSSL wants them in DER. The length, or 0. */
static size_t ecdsa_to_der(struct span signature, size_t coordinate, unsigned char *der, size_t cap)
{
    int n = 0;
    if (signature.n != 2 * coordinate)
        return 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes_of(signature), (int)coordinate, NULL);
    BIGNUM *s = BN_bin2bn(bytes_of(signature) + coordinate, (int)coordinate, NULL);
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s)) {
        r = s = NULL; /* they are the pair's now */
        n = i2d_ECDSA_SIG(pair, NULL);
        if (n > 0 && (size_t)n <= cap)
            n = i2d_ECDSA_SIG(pair, &der);
        else
            n = 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return n > 0 ? (size_t)n : 0;
}

static bool verify_public(const struct signature_key *key, enum signature_algorithm algorithm,
                          struct span bytes, const unsigned char *signature, size_t n)
{
    const EVP_MD *digest = algorithms[algorithm].digest ? algorithms[algorithm].digest() : NULL;
    EVP_PKEY_CTX *options; /* the context's own */
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestVerifyInit(context, &options, digest, NULL, key->public) == 1;
    if (good && algorithms[algorithm].pss)
        good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0;
    good = good && EVP_DigestVerify(context, signature, n, bytes_of(bytes), bytes.n) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

bool signature_verify(const struct signature_key *key, enum signature_algorithm algorithm, struct span bytes,
                      struct span signature)
{
    unsigned char der[2 * EC_COORDINATE + 16];
    bool good = false;
    if (!signature_fits(key, algorithm))
        return false;
    ERR_clear_error();
    if (key->kind == SIGNATURE_SECRET) {
        good = verify_secret(key, algorithms[algorithm].digest(), bytes, signature);
    } else if (key->kind == SIGNATURE_RSA || key->kind == SIGNATURE_ED25519) {
        good = verify_public(key, algorithm, bytes, bytes_of(signature), signature.n);
    } else {
        size_t n = ecdsa_to_der(signature, curves[key->kind].coordinate, der, sizeof der);
        good = n && verify_public(key, algorithm, bytes, der, n);
    }
    ERR_clear_error();
    return good;
}

/* --- fingerprints ---------------------------------------------------------------------------------------------------- */

struct signature_mac {
    EVP_MAC_CTX *context;
};

struct signature_mac *signature_mac_with(struct span secret)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    struct signature_mac *mac = calloc(1, sizeof *mac);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    bool good = mac && hmac && (mac->context = EVP_MAC_CTX_new(hmac)) &&
                EVP_MAC_init(mac->context, bytes_of(secret), secret.n, params) == 1;
    EVP_MAC_free(hmac);
    ERR_clear_error();
    if (good)
        return mac;
    signature_mac_free(mac);
    return NULL;
}

struct signature_mac *signature_mac_new(void)
{
    unsigned char secret[SIGNATURE_MAC_BYTES];
    if (RAND_bytes(secret, sizeof secret) != 1)
        return NULL;
    struct signature_mac *mac = signature_mac_with(span_of((const char *)secret, sizeof secret));
    OPENSSL_cleanse(secret, sizeof secret);
    return mac;
}

void signature_mac_free(struct signature_mac *mac)
{
    if (mac)
        EVP_MAC_CTX_free(mac->context);
    free(mac);
}

bool signature_mac(struct signature_mac *mac, const struct span *parts, size_t count,
                   unsigned char out[SIGNATURE_MAC_BYTES])
{
    size_t n;
    bool good = EVP_MAC_init(mac->context, NULL, 0, NULL) == 1; /* with the secret that it has */
    for (size_t i = 0; i < count && good; i++) {
        uint64_t length = parts[i].n;
        good = EVP_MAC_update(mac->context, (const unsigned char *)&length, sizeof length) == 1 &&
               (!parts[i].n || EVP_MAC_update(mac->context, bytes_of(parts[i]), parts[i].n) == 1);
    }
    good = good && EVP_MAC_final(mac->context, out, &n, SIGNATURE_MAC_BYTES) == 1 && n == SIGNATURE_MAC_BYTES;
    ERR_clear_error();
    return good;
}
