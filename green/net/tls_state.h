/* What the files of TLS share: contexts and streams as they really are. Private to libgreen. */
#ifndef GREEN_NET_TLS_STATE_H
#define GREEN_NET_TLS_STATE_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "../core/waiter.h"
#include "tls.h"

struct green_tls_context {
    SSL_CTX *ctx;
    atomic_uint references;
    atomic_bool used; /* a connection was made: no more changes */
    bool server;
    bool unverified;     /* a client that accepts any certificate */
    bool trusting;       /* green_tls_context_ca_*() was called */
    unsigned char *alpn; /* in the form of the wire; NULL: none */
    unsigned alpn_size;
    unsigned char mark[SSL_MAX_SID_CTX_LENGTH]; /* of its sessions: what they have in common */
    green_tls_choose_fn choose;
    void *choose_arg;
    green_tls_tickets_t *tickets; /* NULL: OpenSSL's own */
};

struct green_tls_session {
    SSL_SESSION *session;
    green_tls_context_t *context;
    char *host; /* NULL: none was given */
};

/* Encrypted bytes on their way: those at [from, to) of `size`. */
struct tls_buffer {
    unsigned char *data; /* NULL: none, size is 0 */
    size_t from, to, size;
};

/* Whose turn it is to use the stream below in one direction. */
struct tls_turn {
    bool taken;
    struct green_chain waiters; /* struct waiter */
};

/*
 * OpenSSL never sees the stream below: its BIO (tls_wire.c) only copies from `in` and to `out`. What fills and empties
 * these, and waits for it, is outside of every call into OpenSSL; so no greenlet switches inside one, none of its objects
 * is entered twice, and its error queue, which is the thread's, is never shared between greenlets.
 */
struct tls {
    green_stream_t stream;
    green_stream_t *below; /* NULL once closed */
    SSL *ssl;
    green_tls_context_t *context; /* that it was made with */
    green_tls_tickets_t *tickets; /* of the context that it began with, or NULL */
    struct tls_buffer in, out;
    struct tls_turn receiving, sending;
    size_t flowed;      /* bytes written since it rested, as far as that matters */
    green_time wrote;   /* the last of them */
    unsigned received;  /* counts what fills `in`: tells news from what was known */
    unsigned users;     /* greenlets inside its calls */
    bool closed;        /* green_stream_close(): the last user frees */
    bool input_ended;   /* the stream below has */
    bool shut;          /* close_notify is in `out` or sent */
    bool greeted;       /* server: the ClientHello was looked at */
    bool not_tls;       /* the first byte that came begins no record of TLS */
    bool no_memory;     /* the BIO found none */
    int failed;         /* the error that ended it, else 0 */
    char *error;        /* and its text */
    const char *reason; /* a word for it, NULL: none yet */
    char *rejected;     /* why the peer's certificate was not accepted */
    char *host;         /* client: what was given, without brackets and dots at the end */
    char *server_name;  /* the SNI sent or received */
    char *alpn;
    SSL_SESSION *session; /* client: the newest */
    bool host_is_address;
};

#define TLS_RECORD       ((size_t)16384) /* plaintext in one record, at most */
#define TLS_FIRST_RECORD ((size_t)4000)  /* of those that a connection begins with, and begins with again */
#define TLS_FIRST_BYTES  ((size_t)32 * 1024) /* how many bytes go in such */
#define TLS_RECORD_EXTRA ((size_t)512)       /* more than encryption adds to it */
#define TLS_BUFFER       ((size_t)65 * 1024) /* while bytes flow: four records and what encryption adds */
#define TLS_SMALL        ((size_t)2048)      /* while they do not */

/* OpenSSL's error queue is to be empty before a call whose failure it will explain; it nearly always is, and looking
 * costs a tenth of emptying it. */
static inline void green__tls_forget_errors(void)
{
    if (ERR_peek_error())
        ERR_clear_error();
}

/* tls_wire.c */
/* A BIO over t's buffers; NULL: no memory. */
BIO *green__tls_bio(struct tls *t);
/* How many bytes `out` takes now; if it is empty, it is made large enough for `wanted`, as far as TLS_BUFFER goes. */
size_t green__tls_room(struct tls *t, size_t wanted);
/* These move bytes between the buffers and the stream below. 0 or an error; they may switch. */
/* Waits for input that `received` does not count yet; 0 also when the input has ended: see input_ended. */
int green__tls_receive(struct tls *t, unsigned received, green_time deadline);
/* Sends all of `out`. */
int green__tls_send(struct tls *t, green_time deadline);
/* Frees the buffers that are not in use. Never switches. */
void green__tls_trim(struct tls *t);
/* Frees both, whatever is in them. Never switches. */
void green__tls_drop_buffers(struct tls *t);

/* tls.c */
/* What became of a call into OpenSSL that returned r, called right after it. On TLS_FAILED t->failed is set and the
 * error queue is empty. */
enum tls_outcome { TLS_DONE, TLS_WANTS_INPUT, TLS_WANTS_OUTPUT, TLS_ENDED, TLS_FAILED, TLS_NO_MEMORY };
enum tls_outcome green__tls_outcome(struct tls *t, int r);
/* Does what such a call asked for, or returns its error. 0: call again. May switch. */
int green__tls_obey(struct tls *t, enum tls_outcome outcome, unsigned received, green_time deadline);
int green__tls_new(struct tls **out, green_tls_context_t *context, green_stream_t *below);
void green__tls_free(struct tls *t);
extern const green_stream_type_t green__tls_type;

static inline struct tls *green__tls(const green_stream_t *s)
{
    return s && s->type == &green__tls_type ? (struct tls *)(uintptr_t)s : NULL;
}

/* tls_context.c */
/* Makes it ready for connections and immutable, the first time. 0 or -ENOMEM. */
int green__tls_use(green_tls_context_t *context);
/* -EBUSY once it is used, else 0. */
int green__tls_changeable(const green_tls_context_t *context);

/* tls_certificate.c: the certificate in a file with those that follow it; a private key. */
int green__tls_read_chain(const char *path, X509 **leaf, STACK_OF(X509) * *chain);
int green__tls_read_key(const char *path, EVP_PKEY **out);
int green__tls_parse_chain(const void *pem, size_t size, X509 **leaf, STACK_OF(X509) * *chain);
int green__tls_parse_key(const void *pem, size_t size, EVP_PKEY **out);

/* tls_staple.c: OCSP. */
/* Makes room on a certificate for a response. 0 or -ENOMEM. */
int green__tls_staple_prepare(X509 *certificate);
/* Has a server's context give responses to clients that ask. */
void green__tls_staple_setup(SSL_CTX *ctx);
/* The first URI of http that the certificate names for questions, for free(), or NULL. */
char *green__tls_responder(X509 *certificate);
bool green__tls_must_staple(X509 *certificate);
/* The one of the chain that has signed the certificate; NULL: it is not there. */
X509 *green__tls_issuer(X509 *certificate, STACK_OF(X509) * chain);
int green__tls_question(X509 *certificate, X509 *issuer, void **der, size_t *size);
int green__tls_staple(X509 *certificate, STACK_OF(X509) * chain, const void *der, size_t size);
void green__tls_staple_validity(X509 *certificate, int64_t *begins, int64_t *expires);

/* tls_handshake.c: what a context must do in handshakes. */
void green__tls_handshake_setup(green_tls_context_t *context);

/* tls_error.c */
/* Takes the thread's error queue down as t->failed and t->error. */
void green__tls_fail(struct tls *t);
/* Notes that the input ended without close_notify. */
void green__tls_truncated(struct tls *t);
/* Sets the text for green_tls_error(NULL). */
void green__tls_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Sets the word for green_tls_reason(): what t has noted, or what such an error means. */
void green__tls_note_reason(const struct tls *t, int error);
/* The text of the error queue's first entry, and empties the queue. */
void green__tls_queue_text(char *out, size_t size);
/* The verify callback: remembers in t->rejected why. */
int green__tls_verify(int ok, X509_STORE_CTX *store);
/* A certificate's names, "DNS:a, IP:b", at most `size` bytes with the NUL. */
void green__tls_names_text(X509 *certificate, char *out, size_t size);

/* tls_certificate.c: the text of a name as in RFC 2253, of the index-th subjectAltName (-ENOENT), of all of it; like
 * snprintf. */
int green__tls_dn_text(const X509_NAME *name, char *out, size_t size);
int green__tls_san_text(X509 *certificate, size_t index, char *out, size_t size);
int green__tls_certificate_pem(X509 *certificate, char *out, size_t size);

#endif
