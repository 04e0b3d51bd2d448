/*
 * tls_floor CERTIFICATE KEY N: the memory of N connections of a TLS 1.3 server that OpenSSL alone needs: after the
 * handshake and one message each way, without any buffers that can be given back. Prints KiB for each. What a server on
 * OpenSSL uses beyond that is its own doing.
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "resident.h"

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "tls_floor: %s\n", #condition);                                                  \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static SSL_CTX *client, *server;

static void exchange(SSL *from, SSL *to)
{
    char message[150] = {0};
    MUST(SSL_write(from, message, sizeof message) == sizeof message);
    MUST(SSL_read(to, message, sizeof message) == sizeof message);
}

/* The server's side of a connection. */
static SSL *connection(void)
{
    SSL *c = SSL_new(client), *s = SSL_new(server);
    BIO *a, *b;
    MUST(c && s && BIO_new_bio_pair(&a, 0, &b, 0));
    SSL_set_bio(c, a, a);
    SSL_set_bio(s, b, b);
    SSL_set_connect_state(c);
    SSL_set_accept_state(s);
    for (int i = 0; i < 10; i++) {
        SSL_do_handshake(c);
        SSL_do_handshake(s);
    }
    exchange(c, s);
    exchange(s, c);
    BIO *nothing = BIO_new(BIO_s_null());
    MUST(nothing);
    SSL_set_bio(s, nothing, nothing);
    SSL_set_quiet_shutdown(c, 1);
    SSL_free(c);
    return s;
}

int main(int argc, char **argv)
{
    int n = argc == 4 ? atoi(argv[3]) : 0;
    if (n < 1) {
        fprintf(stderr, "usage: tls_floor CERTIFICATE KEY N\n");
        return 2;
    }
    client = SSL_CTX_new(TLS_client_method());
    server = SSL_CTX_new(TLS_server_method());
    MUST(client && server && SSL_CTX_use_certificate_chain_file(server, argv[1]) == 1 &&
         SSL_CTX_use_PrivateKey_file(server, argv[2], SSL_FILETYPE_PEM) == 1);
    SSL_CTX_set_mode(server, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
    for (int i = 0; i < 200; i++)
        SSL_free(connection());
    SSL **all = calloc((size_t)n, sizeof(SSL *));
    MUST(all);
    double before = resident_kib();
    for (int i = 0; i < n; i++)
        all[i] = connection();
    printf("%.2f\n", (resident_kib() - before) / n);
    for (int i = 0; i < n; i++)
        SSL_free(all[i]);
    free(all);
    return 0;
}
