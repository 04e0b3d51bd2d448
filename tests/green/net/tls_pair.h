/* Two ends of a TLS connection, shaking hands in greenlets of their own. */
#ifndef TESTS_GREEN_NET_TLS_PAIR_H
#define TESTS_GREEN_NET_TLS_PAIR_H

#include "certificates.h"

/* An authority and a server that it vouches for. */
static struct identity authority, localhost;

/* Once in each test, which is a process of its own. */
static inline void make_identities(void)
{
    if (authority.key)
        return;
    authority = make_identity((struct wish){.subject = "Test authority", .authority = true});
    localhost = make_identity((struct wish){.subject = "localhost",
                                            .names = "DNS:localhost,DNS:*.wild.example,IP:127.0.0.1,IP:::1",
                                            .issuer = &authority});
}

static inline green_tls_context_t *new_context(unsigned flags)
{
    green_tls_context_t *context;
    ck_assert_int_eq(green_tls_context_new(&context, flags), 0);
    return context;
}

static inline void identify(green_tls_context_t *context, const struct identity *who)
{
    ck_assert_int_eq(green_tls_context_certificate_pem(context, who->pem, strlen(who->pem), who->key_pem,
                                                       strlen(who->key_pem)),
                     0);
}

static inline void trust(green_tls_context_t *context, const struct identity *whom)
{
    ck_assert_int_eq(green_tls_context_ca_pem(context, whom->pem, strlen(whom->pem)), 0);
}

/* A server that is localhost, a client that trusts it. */
static inline green_tls_context_t *server_context(void)
{
    make_identities();
    green_tls_context_t *context = new_context(GREEN_TLS_SERVER);
    identify(context, &localhost);
    return context;
}

static inline green_tls_context_t *client_context(void)
{
    make_identities();
    green_tls_context_t *context = new_context(GREEN_TLS_CLIENT);
    trust(context, &authority);
    return context;
}

struct end {
    green_tls_context_t *context;
    const char *host; /* client */
    const green_tls_session_t *session;
    green_stream_t *below; /* consumed */
    green_time deadline;   /* 0: soon() */
    bool accepts;
    int result;
    green_stream_t *tls;
    char error[1024];
};

static inline void *shake(void *arg)
{
    struct end *e = arg;
    green_time deadline = e->deadline ? e->deadline : soon();
    e->result = e->accepts ? green_tls_accept(&e->tls, e->context, e->below, deadline)
                           : green_tls_resume(&e->tls, e->context, e->below, e->host, e->session, deadline);
    if (e->result < 0) {
        ck_assert_ptr_null(e->tls);
        snprintf(e->error, sizeof e->error, "%s", green_tls_error(NULL));
        ck_assert_uint_gt(strlen(e->error), 0);
    }
    return NULL;
}

static inline green_stream_t *stream_over(int fd)
{
    green_stream_t *s;
    ck_assert_int_eq(green_stream_open(&s, fd), 0);
    return s;
}

struct pair {
    struct end client, server;
};

static inline void shake_both(struct pair *p)
{
    p->server.accepts = true;
    green_t *server = spawn(shake, &p->server), *client = spawn(shake, &p->client);
    finish(client);
    finish(server);
}

/* Both ends over these, not yet shaken hands. The contexts remain the caller's. */
static inline struct pair prepare_pair_over(const int fds[2], green_tls_context_t *client,
                                            green_tls_context_t *server)
{
    return (struct pair){.client = {.context = client, .below = stream_over(fds[0]), .host = "localhost"},
                         .server = {.context = server, .below = stream_over(fds[1])}};
}

static inline struct pair prepare_pair(green_tls_context_t *client, green_tls_context_t *server)
{
    int fds[2];
    tcp_pair(fds);
    return prepare_pair_over(fds, client, server);
}

static inline struct pair connect_pair_over(const int fds[2], green_tls_context_t *client,
                                            green_tls_context_t *server)
{
    struct pair p = prepare_pair_over(fds, client, server);
    shake_both(&p);
    ck_assert_msg(p.client.result == 0, "%s", p.client.error);
    ck_assert_msg(p.server.result == 0, "%s", p.server.error);
    return p;
}

static inline struct pair connect_pair(green_tls_context_t *client, green_tls_context_t *server)
{
    int fds[2];
    tcp_pair(fds);
    return connect_pair_over(fds, client, server);
}

/* With the usual contexts. */
static inline struct pair usual_pair(void)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    struct pair p = connect_pair(client, server);
    green_tls_context_release(client);
    green_tls_context_release(server);
    return p;
}

static inline void close_both(struct pair *p)
{
    ck_assert_int_eq(green_stream_close(p->client.tls), 0);
    ck_assert_int_eq(green_stream_close(p->server.tls), 0);
    p->client.tls = p->server.tls = NULL;
}

static inline void send_text(green_stream_t *s, const char *text)
{
    ck_assert_int_eq(green_stream_write_all(s, text, strlen(text), NULL, soon()), 0);
}

static inline void expect_text(green_stream_t *s, const char *text)
{
    char buffer[256] = {0};
    ck_assert_uint_lt(strlen(text), sizeof buffer);
    ck_assert_int_eq(green_stream_read_all(s, buffer, strlen(text), NULL, soon()), 0);
    ck_assert_str_eq(buffer, text);
}

static inline void expect_end(green_stream_t *s)
{
    char byte;
    ck_assert_int_eq(green_stream_read(s, &byte, 1, soon()), 0);
}

/* Bytes that are different everywhere. */
static inline unsigned char pattern(uint64_t at)
{
    return (unsigned char)((at * 2654435761u) >> 13);
}

#endif
