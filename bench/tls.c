/*
 * tls: what a TLS server on libgreen costs, beside the least that one on OpenSSL and epoll can do. For each task a
 * server is forked, then a client that is the same for both (OpenSSL on a blocking socket); what counts is the CPU time
 * of the server. Prints one line for each task.
 */
#include <green.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, MESSAGE = 100 };

static char *pem_chain, *pem_key;
static char buffer[BLOCK];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            die(#condition);                                                                                 \
    } while (0)

static char *text_of(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)size);
    BIO_free(bio);
    return text;
}

static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = X509_new();
    MUST(key && c);
    X509_set_version(c, 2);
    X509_gmtime_adj(X509_getm_notBefore(c), -3600);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const unsigned char *)"bench",
                               -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(c));
    X509_set_pubkey(c, key);
    MUST(X509_sign(c, key, EVP_sha256()));
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_X509(bio, c));
    pem_chain = text_of(bio);
    bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
    pem_key = text_of(bio);
    X509_free(c);
    EVP_PKEY_free(key);
}

/* --- the tasks, as the client sees them: the first byte says what the server shall do ------------------------------ */

static void dial(SSL *ssl, int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL_set_fd(ssl, fd);
    MUST(SSL_connect(ssl) == 1);
}

static void hang_up(SSL *ssl)
{
    SSL_shutdown(ssl);
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

static void run_client(int port, char task, long n)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    for (long i = 0; i < (task == 'h' ? n : 1); i++) {
        ssl = SSL_new(ctx);
        dial(ssl, port);
        MUST(SSL_write(ssl, &task, 1) == 1);
        if (task == 'h') {
            MUST(SSL_read(ssl, buffer, 1) == 1);
            hang_up(ssl);
        }
    }
    for (long i = 0; i < n && task == 'e'; i++) {
        MUST(SSL_write(ssl, buffer, MESSAGE) == MESSAGE);
        for (int at = 0, r; at < MESSAGE; at += r)
            MUST((r = SSL_read(ssl, buffer, MESSAGE)) > 0);
    }
    for (long i = 0; i < n && task == 'r'; i++)
        MUST(SSL_write(ssl, buffer, BLOCK) == BLOCK);
    for (long at = 0, r; task == 'w' && at < n * BLOCK; at += r)
        MUST((r = SSL_read(ssl, buffer, BLOCK)) > 0);
    if (task != 'h')
        hang_up(ssl);
}

/* --- the server on libgreen ---------------------------------------------------------------------------------------- */

static green_tls_context_t *context;
static long count;

static void serve(void *arg)
{
    green_stream_t *s;
    char data[BLOCK / 4], task = 0; /* a greenlet's stack is small, and so are records */
    int fd = (int)(intptr_t)arg;
    ssize_t n;
    if (green_stream_open(&s, fd) < 0 || green_tls_accept(&s, context, s, GREEN_FOREVER) < 0)
        return;
    if (green_stream_read(s, &task, 1, GREEN_FOREVER) != 1)
        task = 0;
    if (task == 'h' && green_stream_write_all(s, &task, 1, NULL, GREEN_FOREVER) < 0)
        die("answer");
    if (task == 'w')
        for (long i = 0; i < count && green_stream_write_all(s, buffer, BLOCK, NULL, GREEN_FOREVER) == 0; i++)
            ;
    while ((n = green_stream_read(s, task == 'r' ? buffer : data, task == 'r' ? sizeof buffer : sizeof data,
                                  GREEN_FOREVER)) > 0)
        if (task == 'e' && green_stream_write_all(s, data, (size_t)n, NULL, GREEN_FOREVER) < 0)
            break;
    green_stream_close(s);
}

static void run_green(int listener)
{
    MUST(green_tls_context_new(&context, GREEN_TLS_SERVER) == 0);
    MUST(green_tls_context_certificate_pem(context, pem_chain, strlen(pem_chain), pem_key, strlen(pem_key)) ==
         0);
    for (int fd; (fd = green_accept(listener, NULL, GREEN_FOREVER)) >= 0;)
        MUST(green_spawn_detached("connection", serve, (void *)(intptr_t)fd) == 0);
}

/* --- the server on epoll and nothing else --------------------------------------------------------------------------- */

struct connection {
    SSL *ssl;
    int fd;
    char task;
    bool ready;
    long left; /* blocks to be written */
    size_t at; /* of the current one */
};

static bool stopped(struct connection *c, int r, bool *over)
{
    if (r > 0)
        return false;
    int e = SSL_get_error(c->ssl, r);
    *over = e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE;
    return true;
}

/* Goes on until it would block; true: it is over. */
static bool go_on(struct connection *c)
{
    bool over = false;
    size_t n;
    if (!c->ready && stopped(c, SSL_accept(c->ssl), &over))
        return over;
    c->ready = true;
    while (c->left) {
        if (stopped(c, SSL_write_ex(c->ssl, buffer + c->at, BLOCK - c->at, &n), &over))
            return over;
        c->at += n;
        if (c->at == BLOCK) {
            c->at = 0;
            c->left--;
        }
    }
    for (;;) {
        char data[BLOCK / 4];
        if (stopped(c, SSL_read_ex(c->ssl, data, sizeof data, &n), &over))
            return over;
        if (!c->task) {
            c->task = data[0];
            c->left = c->task == 'w' ? count : 0;
            if (c->task == 'h' && SSL_write(c->ssl, data, 1) != 1)
                return true;
            if (c->left)
                return go_on(c);
            continue;
        }
        if (c->task == 'e' && SSL_write(c->ssl, data, (int)n) <= 0)
            return true;
    }
}

static void run_plain(int listener)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    BIO *chain = BIO_new_mem_buf(pem_chain, -1), *key = BIO_new_mem_buf(pem_key, -1);
    SSL_CTX_use_certificate(ctx, PEM_read_bio_X509(chain, NULL, NULL, NULL));
    SSL_CTX_use_PrivateKey(ctx, PEM_read_bio_PrivateKey(key, NULL, NULL, NULL));
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    int set = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN}, events[64];
    epoll_ctl(set, EPOLL_CTL_ADD, listener, &e);
    for (int n; (n = epoll_wait(set, events, 64, -1)) >= 0 || errno == EINTR;)
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), one = 1;
                if (fd < 0)
                    continue;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                MUST((c = calloc(1, sizeof *c)));
                *c = (struct connection){.ssl = SSL_new(ctx), .fd = fd};
                SSL_set_fd(c->ssl, fd);
                SSL_set_accept_state(c->ssl);
                e = (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
                epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
            } else if (go_on(c)) {
                close(c->fd);
                SSL_free(c->ssl);
                free(c);
            }
        }
}

/* --- measuring ------------------------------------------------------------------------------------------------------ */

static double seconds(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

/* CPU seconds of a server for one task. */
static double measure(void (*server)(int), char task, long n)
{
    green_address_t address;
    MUST(green_address_parse(&address, "127.0.0.1", 0) == 0);
    int listener = green_listen(&address, 1024, 0);
    MUST(listener >= 0 && green_local_address(listener, &address) == 0);
    int port = green_address_port(&address);
    count = n;
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        server(listener);
        _exit(0);
    }
    pid_t client = fork();
    MUST(client >= 0);
    if (client == 0) {
        run_client(port, task, n);
        _exit(0);
    }
    int status;
    struct rusage usage;
    MUST(waitpid(client, &status, 0) == client && status == 0);
    kill(pid, SIGTERM);
    MUST(wait4(pid, &status, 0, &usage) == pid);
    green_close(listener);
    return seconds(&usage);
}

int main(void)
{
    static const struct {
        const char *name;
        char task;
        long n;
        double each; /* of what is reported, in one of n */
        const char *unit;
    } tasks[] = {
        {"handshakes", 'h', 500, 1, "per CPU second"},
        {"echoes of 100 bytes", 'e', 20000, 1, "per CPU second"},
        {"reading", 'r', 2000, BLOCK / 1e6, "MB per CPU second"},
        {"writing", 'w', 2000, BLOCK / 1e6, "MB per CPU second"},
    };
    signal(SIGPIPE, SIG_IGN);
    make_certificate();
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        double best[2] = {1e9, 1e9};
        for (int round = 0; round < 3;
             round++) /* taking turns, for the machine may be busy with something else */
            for (int which = 0; which < 2; which++) {
                double s = measure(which ? run_plain : run_green, tasks[i].task, tasks[i].n);
                best[which] = s < best[which] ? s : best[which];
            }
        double amount = (double)tasks[i].n * tasks[i].each;
        printf("%-20s green %8.0f, OpenSSL on epoll %8.0f %s\n", tasks[i].name, amount / best[0],
               amount / best[1], tasks[i].unit);
        fflush(stdout);
    }
}
