/*
 * TLS 1.2 and 1.3 as a stream over any other stream (net/stream.h). A context holds what connections have in common:
 * certificates, trust, versions; green_tls_connect() and green_tls_accept() do the handshake and give a stream that is
 * read, written, shut down and closed like any other.
 *
 *     green_tls_context_t *context;
 *     green_stream_t *tcp, *tls;
 *     green_tls_context_new(&context, GREEN_TLS_CLIENT);
 *     green_stream_open(&tcp, green_connect(&address, deadline));
 *     int r = green_tls_connect(&tls, context, tcp, "example.com", deadline);
 *     if (r < 0)
 *         fprintf(stderr, "%s: %s\n", green_strerror(r), green_tls_error(NULL));
 *
 * What such a stream does beyond the common rules:
 *   - One greenlet may read while another writes. Whatever TLS has to say for itself (key updates, tickets) is handled
 *     inside these two calls.
 *   - A read returns 0 only when the peer has said that it sends no more (close_notify). If the stream below just
 *     ends, that is GREEN_ETLS_TRUNCATED: somebody may have cut the tail off.
 *   - A write that is interrupted (deadline, cancellation, GREEN_NOWAIT) leaves a usable stream: like a socket it
 *     returns how many bytes it took, or the reason if it took none. What it took and could not send yet is kept,
 *     encrypted, at most 64 KiB of it, and leaves first in the next write, read or shutdown; green_tls_unsent() tells.
 *   - Shutdown sends close_notify; the other direction stays open. Close without shutdown sends nothing, so that the
 *     peer can see that it did not get everything.
 *   - After an error of TLS itself (GREEN_ETLS*, except GREEN_ETLS_TRUNCATED) every call returns that error again.
 */
#ifndef GREEN_NET_TLS_H
#define GREEN_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../core/error.h"
#include "../core/time.h"
#include "stream.h"

/* --- contexts ---------------------------------------------------------------------------------------------------- */

/* Reference counted. Set it up, then use it, in as many threads as you like: with the first connection it has become
 * immutable, and the functions that set something up return -EBUSY. They all are for set-up time: they read files
 * where they are told to, and never switch. */
typedef struct green_tls_context green_tls_context_t;

enum green_tls_flags {
    GREEN_TLS_CLIENT = 1,
    GREEN_TLS_SERVER = 2,
    /* Clients: talk to anybody who answers. Chain and name are still checked, and green_tls_verify_result() tells
     * what came of it, but the connection is made in any case. */
    GREEN_TLS_DANGEROUSLY_ACCEPT_ANY_CERTIFICATE = 4,
    GREEN_TLS_NO_TICKETS =
        8, /* servers: sessions are resumed only if they are kept: green_tls_context_sessions() */
};

/* A new context with modern defaults: TLS 1.2 and 1.3, forward secret AEAD ciphers, no compression, no renegotiation.
 * Clients verify the chain against the system's authorities and the name in subjectAltName. -EINVAL: not exactly one of
 * client and server; -ENOMEM. */
int green_tls_context_new(green_tls_context_t **out, unsigned flags) GREEN_MUST_CHECK;

/* Does now what the first connection would: it is immutable then, and the system's authorities have
 * been read. 0 or -ENOMEM. */
int green_tls_context_seal(green_tls_context_t *context) GREEN_MUST_CHECK;

green_tls_context_t *green_tls_context_retain(green_tls_context_t *context);
void green_tls_context_release(green_tls_context_t *context); /* NULL is fine */

/* Adds a certificate, followed by its intermediates, and its private key, in PEM (key NULL: in the same place as the
 * chain). One certificate for each kind of key (RSA, ECDSA, Ed25519) can be there, the peer gets what fits; a second of
 * one kind replaces the first. Errors: -errno of the file; GREEN_ETLS_PEM: no certificate or no usable key in it (also:
 * the key is encrypted); GREEN_ETLS_KEY: the key belongs to another certificate, or the certificate is too weak; -EFBIG:
 * more than 4 MiB; -EBUSY; -ENOMEM. green_tls_error(NULL) says more. */
int green_tls_context_certificate_file(green_tls_context_t *context, const char *chain,
                                       const char *key) GREEN_MUST_CHECK;
int green_tls_context_certificate_pem(green_tls_context_t *context, const void *chain, size_t chain_size,
                                      const void *key, size_t key_size) GREEN_MUST_CHECK;

/* The same in two steps, for those who look at what they have read or use it in several contexts. Reference counted and
 * immutable. Errors as above. */
typedef struct green_tls_certificate green_tls_certificate_t;
int green_tls_certificate_load(green_tls_certificate_t **out, const char *chain,
                               const char *key) GREEN_MUST_CHECK;
/* From memory: the chain and the key in one text. */
int green_tls_certificate_parse(green_tls_certificate_t **out, const void *pem, size_t size) GREEN_MUST_CHECK;
green_tls_certificate_t *green_tls_certificate_retain(green_tls_certificate_t *certificate);
void green_tls_certificate_release(green_tls_certificate_t *certificate); /* NULL is fine */
int green_tls_context_certificate(green_tls_context_t *context,
                                  const green_tls_certificate_t *certificate) GREEN_MUST_CHECK;

/* What it says: the host names that it is for, in lower case, maybe with a wildcard (NULL: index is beyond the last); its
 * subject as in RFC 2253; when it is valid, in seconds since 1970; what kind of key it has. */
enum green_tls_key_kind { GREEN_TLS_RSA, GREEN_TLS_ECDSA, GREEN_TLS_OTHER_KEY };
const char *green_tls_certificate_name(const green_tls_certificate_t *certificate, size_t index);
const char *green_tls_certificate_subject(const green_tls_certificate_t *certificate);
int64_t green_tls_certificate_begins(const green_tls_certificate_t *certificate);
int64_t green_tls_certificate_expires(const green_tls_certificate_t *certificate);
enum green_tls_key_kind green_tls_certificate_kind(const green_tls_certificate_t *certificate);
/* The SHA-256 of the certificate in DER. 0 or -ENOMEM. */
int green_tls_certificate_fingerprint(const green_tls_certificate_t *certificate,
                                      unsigned char sha256[32]) GREEN_MUST_CHECK;

/*
 * OCSP (RFC 6960): what the issuer says of its revocation, which is sent ("stapled") to clients that ask for it. Whoever
 * wants that gets a response from the responder, by POST of the question with the type application/ocsp-request, or from
 * a file, and staples it; and does so again before it expires. Any thread, while handshakes go on. The issuer's
 * certificate must be in the chain.
 */
/* The http URL of the responder that it names; NULL: none. */
const char *green_tls_certificate_responder(const green_tls_certificate_t *certificate);
/* Does it say that clients shall refuse it without a response ("must staple", RFC 7633)? */
bool green_tls_certificate_must_staple(const green_tls_certificate_t *certificate);
/* What to ask, in DER, for free(). GREEN_ETLS_CERTIFICATE: the issuer is not in the chain; -ENOMEM. */
int green_tls_certificate_question(const green_tls_certificate_t *certificate, void **der,
                                   size_t *size) GREEN_MUST_CHECK;
/* Sends this response, in DER, from now on until it expires, in place of an older one. NULL: none any more. If it is
 * refused the older one stays: -EBADMSG: no response (one has 64 KiB at most), or one that says that there is none;
 * -ENOENT: it says nothing about this certificate; GREEN_ETLS_CERTIFICATE: it is not signed for by the issuer, who must be
 * in the chain; -EKEYEXPIRED: it is not valid now; -EKEYREVOKED: the certificate has been revoked; -ENOMEM.
 * green_tls_error(NULL) says more. */
int green_tls_certificate_staple(const green_tls_certificate_t *certificate, const void *der,
                                 size_t size) GREEN_MUST_CHECK;
/* From when to when that response is valid, in seconds since 1970; 0: there is none. */
void green_tls_certificate_stapled(const green_tls_certificate_t *certificate, int64_t *begins,
                                   int64_t *expires);

/* Trusts these authorities: a PEM file, PEM in memory, a folder with hashed names (openssl rehash; read as needed, also
 * during handshakes), the system's. The first call of these replaces a client's default, the system's, which is read
 * once in a process, with the first connection that needs it (about 0.1 s). On servers they
 * verify client certificates, and their names are sent to the client. Errors as above. */
int green_tls_context_ca_file(green_tls_context_t *context, const char *path) GREEN_MUST_CHECK;
int green_tls_context_ca_pem(green_tls_context_t *context, const void *pem, size_t size) GREEN_MUST_CHECK;
int green_tls_context_ca_folder(green_tls_context_t *context, const char *path) GREEN_MUST_CHECK;
int green_tls_context_ca_system(green_tls_context_t *context) GREEN_MUST_CHECK;

/* Revocation lists in PEM, of every authority that can appear in a chain: from now on each certificate of the peer's
 * chain must be covered by one and not be on it. After the authorities.
 * Errors as above. */
int green_tls_context_crl_file(green_tls_context_t *context, const char *path) GREEN_MUST_CHECK;

/* How many intermediate authorities may stand between the peer's certificate and a trusted one. -EINVAL; -EBUSY. */
int green_tls_context_depth(green_tls_context_t *context, int depth) GREEN_MUST_CHECK;

/* Servers: whether clients are asked for a certificate. One that is presented must verify in either case. The default
 * is GREEN_TLS_NO_CLIENT_CERTIFICATE. -EINVAL: a client's context; -EBUSY. */
enum green_tls_client_certificate {
    GREEN_TLS_NO_CLIENT_CERTIFICATE,
    GREEN_TLS_OPTIONAL_CLIENT_CERTIFICATE,
    GREEN_TLS_REQUIRED_CLIENT_CERTIFICATE,
};
int green_tls_context_client_certificate(green_tls_context_t *context,
                                         enum green_tls_client_certificate wish) GREEN_MUST_CHECK;

/* The versions allowed, both included. -EINVAL: min is above max; -EBUSY. */
enum green_tls_version { GREEN_TLS_1_2 = 0x0303, GREEN_TLS_1_3 = 0x0304 };
int green_tls_context_versions(green_tls_context_t *context, enum green_tls_version min,
                               enum green_tls_version max) GREEN_MUST_CHECK;

/* The ciphers allowed, as OpenSSL's lists: for TLS 1.2 and for TLS 1.3; NULL leaves one as it is. -EINVAL: nothing in
 * it is known; -EBUSY. */
int green_tls_context_ciphers(green_tls_context_t *context, const char *tls12,
                              const char *tls13) GREEN_MUST_CHECK;

/* Application protocols, best first, separated by commas: "h2,http/1.1". A server takes its first that the client
 * offers too, and refuses a client that offers only others (GREEN_ETLS_ALPN on both sides). -EINVAL: an empty or overlong
 * name; -EBUSY, -ENOMEM. */
int green_tls_context_alpn(green_tls_context_t *context, const char *protocols) GREEN_MUST_CHECK;

/* --- sessions of servers ---
 *
 * Without any of these a context resumes what it has itself handed out as tickets, sealed with keys of its own.
 *
 * Keys that several contexts, in any threads, seal tickets with. period: ns after which new ones are drawn; what the ones
 * before have sealed can be opened for as long again. 0: keys are given by green_tls_tickets_add(), which must be over
 * before the first connection: 48 or 80 bytes of random numbers each, in nginx's order; the first one seals, all open.
 * -EINVAL: negative, another size, or keys are drawn; -E2BIG: more than 16; -ENOMEM. */
typedef struct green_tls_tickets green_tls_tickets_t;
int green_tls_tickets_new(green_tls_tickets_t **out, int64_t period) GREEN_MUST_CHECK;
int green_tls_tickets_add(green_tls_tickets_t *tickets, const void *key, size_t size) GREEN_MUST_CHECK;
green_tls_tickets_t *green_tls_tickets_retain(green_tls_tickets_t *tickets);
void green_tls_tickets_release(green_tls_tickets_t *tickets); /* NULL is fine */

/* Where several contexts are chosen from by name, keys, cache and lifetime are those of the context that the choice began
 * with, and the scope that of the chosen one. -EINVAL: a client's context; -EBUSY. */
int green_tls_context_tickets(green_tls_context_t *context, green_tls_tickets_t *tickets) GREEN_MUST_CHECK;
/* For how many seconds sessions can be resumed; and how many are kept here, 0: none, for clients that take no tickets. */
int green_tls_context_sessions(green_tls_context_t *context, long lifetime, long cached) GREEN_MUST_CHECK;
/* What a session must have in common with a context to be resumed in it, as bytes; two contexts of the same scope trust one
 * another's checks. Without it a context has a scope of its own. */
int green_tls_context_scope(green_tls_context_t *context, const void *scope, size_t size) GREEN_MUST_CHECK;

/* Servers: chooses the context by the name that the client asked for, in lower case (NULL: it asked for none). It
 * returns a context, `context` itself is one too, that lives on for the duration of the handshake at least; or NULL: the
 * client is refused (unrecognized_name). Everything is taken from the chosen context: certificates, versions, client
 * certificates, ALPN. Sessions are resumed only within the same context,
 * and under the same name. fn is called in the handshake and must not wait
 * (it gets -EPERM). -EINVAL: a client's context; -EBUSY. */
typedef green_tls_context_t *(*green_tls_choose_fn)(void *arg, const char *server_name);
int green_tls_context_choose(green_tls_context_t *context, green_tls_choose_fn fn,
                             void *arg) GREEN_MUST_CHECK;

/* Within such a function: does the client offer exactly this one application protocol? */
bool green_tls_choosing_for(const char *protocol);

/* --- connections ------------------------------------------------------------------------------------------------- */

/* The handshake as the client or the server. `below` belongs to the new stream from the call on, whatever comes of it:
 * on an error it has been closed. `host` is the name or the numeric address that the certificate must be for; a name is
 * also sent to the server (SNI). It may be NULL where any certificate is accepted. context NULL: a client's with the
 * defaults. The deadline is for the whole handshake. Errors:
 *     -EINVAL                 no context, one of the other side, or without certificate; not a host name
 *     GREEN_ETLS_CERTIFICATE  the peer's certificate was not accepted, or none came and one was required
 *     GREEN_ETLS_NAME         it is for somebody else than `host`
 *     GREEN_ETLS_ALPN         no application protocol in common
 *     GREEN_ETLS_ALERT        the peer refused
 *     GREEN_ETLS_PLAINTEXT    what arrived is not TLS
 *     GREEN_ETLS_TRUNCATED    the peer closed during the handshake
 *     GREEN_ETLS              anything else against the protocol
 *     those of the stream below, -ENOMEM
 * green_tls_error(NULL) says more. May switch. */
int green_tls_connect(green_stream_t **out, green_tls_context_t *context, green_stream_t *below,
                      const char *host, green_time deadline) GREEN_MUST_CHECK;
int green_tls_accept(green_stream_t **out, green_tls_context_t *context, green_stream_t *below,
                     green_time deadline) GREEN_MUST_CHECK;

/* What happened, in a sentence: "certificate has expired: CN=example.com, checked against host name example.com". For a
 * stream: its error, "" if it has none; lives as long as the stream. NULL: the last handshake or set-up of a context
 * that failed in this thread; look before the next call that can switch. Never switches. */
const char *green_tls_error(green_stream_t *s);

/* The same in a word, of the last handshake that failed in this thread; never NULL. About the peer's certificate:
 * certificate_missing, _expired, _not_yet_valid, _revoked, _self_signed, _untrusted, _misused, _chain_too_long, _invalid,
 * crl_missing, crl_expired, name_mismatch. Others: protocol_version, no_shared_cipher, no_shared_protocol,
 * unrecognized_name, not_tls, timeout, closed, refused_certificate (by the peer), refused (for anything else), failed. */
const char *green_tls_reason(void);

/* --- sessions ---------------------------------------------------------------------------------------------------- */

/* What a client needs to resume. It belongs to the context and the host that it was made with. */
typedef struct green_tls_session green_tls_session_t;

/* The newest session of this connection: NULL if the server gave none yet (TLS 1.3 sends them after the handshake: read
 * first) or there is no memory. The caller frees it. Never switches. */
green_tls_session_t *green_tls_session(green_stream_t *s) GREEN_MUST_CHECK;
void green_tls_session_free(green_tls_session_t *session); /* NULL is fine */
/* Was it made with this context? */
bool green_tls_session_fits(const green_tls_session_t *session, const green_tls_context_t *context);

/* green_tls_connect() that offers to resume `session` (NULL: none); the server may decline and do a full handshake.
 * -EINVAL also: it was made with another context or host. May switch. */
int green_tls_resume(green_stream_t **out, green_tls_context_t *context, green_stream_t *below,
                     const char *host, const green_tls_session_t *session,
                     green_time deadline) GREEN_MUST_CHECK;

/* True if the handshake resumed an earlier session. Never switches. */
bool green_tls_session_reused(green_stream_t *s);

/* --- about a connection ------------------------------------------------------------------------------------------ */

/* All of these never switch, and are for streams of TLS only: others get NULL, 0, false or -EINVAL. Text lives as long
 * as the stream. */
bool green_stream_is_tls(const green_stream_t *s);
green_stream_t *green_tls_below(green_stream_t *s);   /* what carries it; remains the stream's */
const char *green_tls_version(green_stream_t *s);     /* "TLSv1.3" */
const char *green_tls_cipher(green_stream_t *s);      /* "TLS_AES_256_GCM_SHA384" */
const char *green_tls_alpn(green_stream_t *s);        /* "h2"; NULL: none was agreed on */
const char *green_tls_server_name(green_stream_t *s); /* what the client asked for, or asks for; NULL: none */

/* Bytes that a read gets at once because they have arrived and are decrypted. Ask before waiting for the descriptor
 * below by other means: nothing may come any more. green_tls_readable() is true also if a read would return the end or
 * an error at once. */
size_t green_tls_pending(green_stream_t *s);
bool green_tls_readable(green_stream_t *s);

/* Encrypted bytes that were taken from an interrupted write, or that TLS itself has to say, and wait to be sent. */
size_t green_tls_unsent(green_stream_t *s);

/* Sends them. 0 when all are gone; errors as of a write. May switch. */
int green_tls_flush(green_stream_t *s, green_time deadline) GREEN_MUST_CHECK;

/* Gives back every buffer that is not in use, before a connection is parked without a greenlet. A read that waits for
 * long does so by itself. */
void green_tls_trim(green_stream_t *s);

/* The peer's certificate: -ENOENT if it sent none. The texts are written like snprintf(3) does: at most `size` bytes with
 * the final NUL, and the whole length is returned. Subject and issuer as in RFC 2253, names as "DNS:example.com" or
 * "IP:127.0.0.1" (-ENOENT also: index is beyond the last). */
int green_tls_peer_subject(green_stream_t *s, char *out, size_t size);
int green_tls_peer_issuer(green_stream_t *s, char *out, size_t size);
int green_tls_peer_name(green_stream_t *s, size_t index, char *out, size_t size);
int green_tls_peer_pem(green_stream_t *s, char *out, size_t size);
int green_tls_peer_fingerprint(green_stream_t *s, unsigned char sha256[32]);

/* What came of verifying the peer's certificate: NULL if it was in order, else why not. Something else than NULL can be
 * seen only where any certificate is accepted. -ENOENT's case, none sent, is in order if none was required. */
const char *green_tls_verify_result(green_stream_t *s);

/* The library that does the cryptography: "OpenSSL 3.0.11 19 Sep 2023". */
const char *green_tls_library(void);

/* Whether kernel and library could encrypt connections in the kernel (kTLS): NULL, or why not. Streams do not make use of
 * it: they hold the records of several writes in one buffer, and the library has no socket to hand over. Never switches. */
const char *green_tls_kernel_missing(void);

/* Keying material of this connection for use elsewhere (RFC 5705): `size` bytes that both ends can compute and nobody
 * else. The channel binding "tls-exporter" (RFC 9266) is 32 bytes for the label "EXPORTER-Channel-Binding". 0; -EINVAL;
 * GREEN_ETLS. */
int green_tls_export(green_stream_t *s, const char *label, void *out, size_t size) GREEN_MUST_CHECK;

#endif
