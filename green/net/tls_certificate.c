/* Certificates: loading our own and those of the authorities, and the text in them. */
#include "tls_state.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { FILE_MAX = 4 * 1024 * 1024 };

/* --- reading PEM ------------------------------------------------------------------------------------------------- */

/* The whole file; the caller frees it. */
static int read_file(const char *path, void **out, size_t *size)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        int r = -errno;
        green__tls_say("%s: %s", path, strerror(-r));
        return r;
    }
    int r = -ENOMEM;
    char *data = malloc(FILE_MAX + 1);
    if (data) {
        *size = fread(data, 1, FILE_MAX + 1, file);
        r = ferror(file) ? (errno ? -errno : -EIO) : *size > FILE_MAX ? -EFBIG : 0;
    }
    fclose(file);
    if (r < 0) {
        green__tls_say("%s: %s", path, strerror(-r));
        free(data);
        return r;
    }
    char *fitting = realloc(data, *size ? *size : 1);
    *out = fitting ? fitting : data;
    return 0;
}

/* Keys in memory do not outlive their use. */
static void forget(void *data, size_t size)
{
    if (data)
        OPENSSL_cleanse(data, size);
    free(data);
}

static int pem_error(const char *what)
{
    char text[256];
    green__tls_queue_text(text, sizeof text);
    green__tls_say("%s: %s", what, text);
    return GREEN_ETLS_PEM;
}

/* No passwords, and above all no question at the terminal. */
static int no_password(char *buffer, int size, int writing, void *arg)
{
    return 0;
}

static BIO *memory(const void *data, size_t size)
{
    return BIO_new_mem_buf(data ? data : "", data ? (int)size : 0);
}

/* Every certificate in the PEM, in order; at least one. */
static int read_certificates(const void *pem, size_t size, STACK_OF(X509) * *out)
{
    ERR_clear_error();
    if (size > FILE_MAX)
        return -EFBIG;
    BIO *bio = memory(pem, size);
    STACK_OF(X509) *all = sk_X509_new_null();
    int r = bio && all ? 0 : -ENOMEM;
    for (X509 *one; r == 0 && (one = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL));)
        if (!sk_X509_push(all, one)) {
            X509_free(one);
            r = -ENOMEM;
        }
    unsigned long why = ERR_peek_last_error();
    if (r == 0 &&
        !(ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE && sk_X509_num(all)))
        r = pem_error("certificate"); /* it ended otherwise than by there being no more */
    ERR_clear_error();
    BIO_free(bio);
    if (r < 0) {
        sk_X509_pop_free(all, X509_free);
        return r;
    }
    *out = all;
    return 0;
}

int green__tls_parse_key(const void *pem, size_t size, EVP_PKEY **out)
{
    ERR_clear_error();
    if (size > FILE_MAX)
        return -EFBIG;
    BIO *bio = memory(pem, size);
    if (!bio)
        return -ENOMEM;
    *out = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    return *out ? 0 : pem_error("private key");
}

/* --- our own ----------------------------------------------------------------------------------------------------- */

int green_tls_context_certificate_pem(green_tls_context_t *context, const void *chain, size_t chain_size,
                                      const void *key, size_t key_size)
{
    STACK_OF(X509) *all = NULL;
    EVP_PKEY *private = NULL;
    int r = green__tls_changeable(context);
    if (r == 0)
        r = read_certificates(chain, chain_size, &all);
    if (r == 0)
        r = key ? green__tls_parse_key(key, key_size, &private)
                : green__tls_parse_key(chain, chain_size, &private);
    if (r == 0) {
        X509 *leaf = sk_X509_shift(all);
        ERR_clear_error();
        if (!SSL_CTX_use_cert_and_key(context->ctx, leaf, private, all, 1)) {
            char text[256];
            green__tls_queue_text(text, sizeof text);
            green__tls_say("certificate and key: %s", text);
            r = GREEN_ETLS_KEY;
        }
        ERR_clear_error();
        X509_free(leaf);
    }
    EVP_PKEY_free(private);
    sk_X509_pop_free(all, X509_free);
    return r;
}

int green_tls_context_certificate_file(green_tls_context_t *context, const char *chain, const char *key)
{
    void *chain_data = NULL, *key_data = NULL;
    size_t chain_size = 0, key_size = 0;
    int r = read_file(chain, &chain_data, &chain_size);
    if (r == 0 && key)
        r = read_file(key, &key_data, &key_size);
    if (r == 0)
        r = green_tls_context_certificate_pem(context, chain_data, chain_size, key_data, key_size);
    forget(chain_data, chain_size);
    forget(key_data, key_size);
    return r;
}

int green__tls_parse_chain(const void *pem, size_t size, X509 **leaf, STACK_OF(X509) * *chain)
{
    int r = read_certificates(pem, size, chain);
    if (r == 0)
        *leaf = sk_X509_shift(*chain);
    return r;
}

int green__tls_read_chain(const char *path, X509 **leaf, STACK_OF(X509) * *chain)
{
    void *data = NULL;
    size_t size = 0;
    int r = read_file(path, &data, &size);
    if (r == 0)
        r = green__tls_parse_chain(data, size, leaf, chain);
    forget(data, size);
    return r;
}

int green__tls_read_key(const char *path, EVP_PKEY **out)
{
    void *data = NULL;
    size_t size = 0;
    int r = read_file(path, &data, &size);
    if (r == 0)
        r = green__tls_parse_key(data, size, out);
    forget(data, size);
    return r;
}

/* --- authorities ------------------------------------------------------------------------------------------------- */

/* Leaves the default behind with the first authority that is named. */
static int start_trusting(green_tls_context_t *context)
{
    int r = green__tls_changeable(context);
    if (r < 0 || context->trusting)
        return r;
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return -ENOMEM;
    SSL_CTX_set_cert_store(context->ctx, store);
    context->trusting = true;
    return 0;
}

int green_tls_context_ca_pem(green_tls_context_t *context, const void *pem, size_t size)
{
    STACK_OF(X509) *all = NULL;
    int r = green__tls_changeable(context);
    if (r == 0)
        r = read_certificates(pem, size, &all);
    if (r == 0)
        r = start_trusting(context);
    ERR_clear_error();
    for (int i = 0; r == 0 && i < sk_X509_num(all); i++) {
        X509 *one = sk_X509_value(all, i);
        if (!X509_STORE_add_cert(SSL_CTX_get_cert_store(context->ctx), one) ||
            (context->server && !SSL_CTX_add_client_CA(context->ctx, one)))
            r = -ENOMEM;
    }
    ERR_clear_error();
    sk_X509_pop_free(all, X509_free);
    return r;
}

int green_tls_context_ca_file(green_tls_context_t *context, const char *path)
{
    void *data = NULL;
    size_t size = 0;
    int r = read_file(path, &data, &size);
    if (r == 0)
        r = green_tls_context_ca_pem(context, data, size);
    free(data);
    return r;
}

static int add_crls(X509_STORE *store, const void *pem, size_t size)
{
    int count = 0, r = 0;
    BIO *bio = memory(pem, size);
    for (X509_CRL *one; bio && r == 0 && (one = PEM_read_bio_X509_CRL(bio, NULL, no_password, NULL));
         count++) {
        r = X509_STORE_add_crl(store, one) ? 0 : -ENOMEM;
        X509_CRL_free(one);
    }
    unsigned long why = ERR_peek_last_error();
    if (!bio)
        r = -ENOMEM;
    else if (r == 0 &&
             !(ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE && count))
        r = pem_error("revocation list");
    BIO_free(bio);
    return r;
}

int green_tls_context_crl_file(green_tls_context_t *context, const char *path)
{
    void *data = NULL;
    size_t size = 0;
    int r = green__tls_changeable(context);
    if (r == 0 && !context->trusting) /* the system's, which all share, is not ours to change */
        r = green_tls_context_ca_system(context);
    if (r == 0)
        r = read_file(path, &data, &size);
    ERR_clear_error();
    X509_STORE *store = SSL_CTX_get_cert_store(context->ctx);
    if (r == 0)
        r = add_crls(store, data, size);
    if (r == 0 && !X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
        r = -ENOMEM;
    ERR_clear_error();
    free(data);
    return r;
}

int green_tls_context_ca_folder(green_tls_context_t *context, const char *path)
{
    FILE *folder = fopen(path, "re"); /* OpenSSL looks only when it needs something: find a wrong name now */
    int r = folder ? 0 : -errno;
    if (folder)
        fclose(folder);
    if (r == 0)
        r = start_trusting(context);
    ERR_clear_error();
    if (r == 0 && !X509_STORE_load_path(SSL_CTX_get_cert_store(context->ctx), path))
        r = -ENOMEM;
    ERR_clear_error();
    if (r < 0)
        green__tls_say("%s: %s", path, green_strerror(r));
    return r;
}

int green_tls_context_ca_system(green_tls_context_t *context)
{
    int r = start_trusting(context);
    ERR_clear_error();
    if (r == 0 && !SSL_CTX_set_default_verify_paths(context->ctx))
        r = -ENOMEM;
    ERR_clear_error();
    return r;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

/* Like snprintf(3) with what is in the BIO, and frees that. */
static int take_text(BIO *bio, bool good, char *out, size_t size)
{
    char *data;
    long length = bio && good ? BIO_get_mem_data(bio, &data) : -1;
    if (length >= 0 && size) {
        size_t n = (size_t)length < size - 1 ? (size_t)length : size - 1;
        memcpy(out, data, n);
        out[n] = 0;
    }
    BIO_free(bio);
    ERR_clear_error();
    return length < 0 ? -ENOMEM : length > INT_MAX ? -EOVERFLOW : (int)length;
}

int green__tls_dn_text(const X509_NAME *name, char *out, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool good =
        bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0; /* control characters escaped */
    return take_text(bio, good, out, size);
}

int green__tls_certificate_pem(X509 *certificate, char *out, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool good = bio && PEM_write_bio_X509(bio, certificate);
    return take_text(bio, good, out, size);
}

static void print_address(BIO *bio, const ASN1_OCTET_STRING *ip)
{
    char text[INET6_ADDRSTRLEN] = "?";
    int length = ASN1_STRING_length(ip);
    if (length == 4 || length == 16)
        inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(ip), text, sizeof text);
    BIO_printf(bio, "IP:%s", text);
}

static bool print_name(BIO *bio, const GENERAL_NAME *name)
{
    const char *label = name->type == GEN_DNS ? "DNS:" : name->type == GEN_EMAIL ? "email:" : "URI:";
    switch (name->type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
        return BIO_puts(bio, label) > 0 &&
               ASN1_STRING_print_ex(bio, name->d.ia5, ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_MSB) >= 0;
    case GEN_IPADD:
        print_address(bio, name->d.iPAddress);
        return true;
    case GEN_DIRNAME:
        return BIO_puts(bio, "dirname:") > 0 &&
               X509_NAME_print_ex(bio, name->d.directoryName, 0, XN_FLAG_RFC2253) >= 0;
    default:
        return BIO_puts(bio, "other") > 0;
    }
}

int green__tls_san_text(X509 *certificate, size_t index, char *out, size_t size)
{
    ERR_clear_error();
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t count = names ? (size_t)sk_GENERAL_NAME_num(names) : 0;
    int r = -ENOENT;
    if (index < count) {
        BIO *bio = BIO_new(BIO_s_mem());
        bool good = bio && print_name(bio, sk_GENERAL_NAME_value(names, (int)index));
        r = take_text(bio, good, out, size);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return r;
}
