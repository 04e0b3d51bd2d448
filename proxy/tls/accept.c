/*
 * Handshakes with clients (accept.h). Until the first bytes come a connection is a parked record, as always; the handshake
 * is a greenlet with a deadline. A worker has only so many of these: one more gives up the one that has waited for its
 * client for longest.
 */
#include "accept.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "http/service.h"
#include "load.h"
#include "server.h"

/* On the stack of its greenlet. */
struct handshake {
    TAILQ_ENTRY(handshake) link;
    struct connection *connection;
    bool given_up;
};

/* Of this thread's worker. */
static __thread TAILQ_HEAD(, handshake) under_way;
static __thread int64_t count;

/* --- how it fails ------------------------------------------------------------------------------------------------ */

/* What green_tls_reason() says, as the log has it, and the key that is responsible. */
static const struct {
    const char *word, *reason, *directive;
} reasons[] = {
    {"certificate_missing", "client_certificate_missing", "client_certificate"},
    {"certificate_expired", "client_certificate_expired", "client_certificate"},
    {"certificate_not_yet_valid", "client_certificate_not_yet_valid", "client_certificate"},
    {"certificate_revoked", "client_certificate_revoked", "client_crl"},
    {"certificate_self_signed", "client_certificate_untrusted", "client_ca"},
    {"certificate_untrusted", "client_certificate_untrusted", "client_ca"},
    {"certificate_misused", "client_certificate_misused", "client_certificate"},
    {"certificate_chain_too_long", "client_certificate_chain_too_long", "client_certificate_depth"},
    {"certificate_invalid", "client_certificate_invalid", "client_certificate"},
    {"crl_missing", "client_crl_missing", "client_crl"},
    {"crl_expired", "client_crl_expired", "client_crl"},
    {"unrecognized_name", "tls_name_unknown", "certificate"},
    {"refused_certificate", "tls_certificate_refused", "certificate"},
    {"refused", "tls_refused", NULL},
    {"protocol_version", "client_tls_version", "tls_min_version"},
    {"no_shared_protocol", "client_no_shared_protocol", "alpn"},
    {"no_shared_cipher", "tls_no_shared_cipher", "tls_profile"},
    {"not_tls", "client_without_tls", "tls"},
    {"timeout", "tls_handshake_timeout", "timeout_handshake"},
    {"closed", "tls_handshake_closed", NULL},
};

static void write_log(const struct connection *c, bool given_up)
{
    struct access_entry e = {.listener = c->conf,
                             .client = &c->peer,
                             .minor = c->conf->protocol == CONF_TCP ? -1 : 1,
                             .reason = "tls_handshake_failed",
                             .started = c->accepted,
                             .ended = green_turn_time()};
    const char *word = green_tls_reason();
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(word, reasons[i].word) == 0) {
            e.reason = reasons[i].reason;
            e.directive = reasons[i].directive;
        }
    struct conf_origin origin;
    if (c->shed)
        e.reason = "shed", e.directive = "max_connections";
    if (e.directive)
        origin = conf_listener_origin(e.listener, e.directive);
    if (given_up) {
        e.reason = "too_many_handshakes";
        e.directive = "max_handshakes";
        origin = conf_origin_of(c->view->conf, e.directive);
    }
    e.origin = e.directive ? &origin : NULL;
    metrics_turned_away(c->view->metrics, c->worker->index, &e);
    if (access_log_wants(c->worker->log, &e))
        access_log_write(c->worker->log, &e);
}

/* Somebody who speaks HTTP to the port for HTTPS deserves to be told, and is the one who can be. */
static bool speaks_http(const struct connection *c)
{
    unsigned char start[4];
    if (c->conf->protocol == CONF_TCP)
        return false;
    ssize_t n = recv(c->fd, start, sizeof start, MSG_PEEK | MSG_DONTWAIT);
    for (ssize_t i = 0; i < n; i++)
        if (start[i] < 'A' || start[i] > 'Z')
            return i > 2; /* "GET " */
    return n > 0;
}

static void tell_about_tls(struct connection *c)
{
    static const struct refusal why = {
        .status = 400,
        .reason = "plain_http_on_tls_port",
        .directive = "tls",
        .error = "http_request_error",
        .text =
            "This port speaks TLS, and the request came in plain text: use https:// in place of http://.\n"};
    struct worker *w = c->worker;
    struct view *v = view_hold(c->view);
    const struct conf_listener *conf = c->conf;
    green_address_t peer = c->peer;
    int fd = c->fd;
    connection_give_wire(c);
    connection_close(c);
    http_refuse(w, v, conf, fd, &peer, &why);
    view_release(v);
}

/* --- who the client is ------------------------------------------------------------------------------------------- */

static struct tls_identity *identify(green_stream_t *tls)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char print[32];
    int subject = green_tls_peer_subject(tls, NULL, 0), issuer = green_tls_peer_issuer(tls, NULL, 0);
    if (subject < 0 || issuer < 0 || green_tls_peer_fingerprint(tls, print) < 0)
        return NULL;
    size_t sizes[] = {(size_t)subject + 1, (size_t)issuer + 1};
    struct tls_identity *who = malloc(sizeof *who + sizes[0] + sizes[1]);
    if (!who)
        return NULL;
    char *at = who->bytes;
    who->subject = at;
    who->issuer = at + sizes[0];
    if (green_tls_peer_subject(tls, at, sizes[0]) < 0 ||
        green_tls_peer_issuer(tls, at + sizes[0], sizes[1]) < 0) {
        free(who);
        return NULL;
    }
    for (size_t i = 0; i < sizeof print; i++) {
        who->fingerprint[2 * i] = digits[print[i] >> 4];
        who->fingerprint[2 * i + 1] = digits[print[i] & 15];
    }
    who->fingerprint[64] = 0;
    return who;
}

/* Whose certificate was verified must not be served as somebody unknown for want of memory. */
static int take_identity(struct connection *c)
{
    if (c->conf->tls.client_certificate == CONF_CLIENT_CERTIFICATE_OFF ||
        green_tls_peer_subject(c->tls, NULL, 0) == -ENOENT)
        return 0;
    c->identity = identify(c->tls);
    return c->identity ? 0 : -ENOMEM;
}

/* --- the handshake ----------------------------------------------------------------------------------------------- */

static void give_up_oldest(void)
{
    struct handshake *oldest = TAILQ_FIRST(&under_way);
    TAILQ_REMOVE(&under_way, oldest, link);
    count--;
    oldest->given_up = true;
    shutdown(oldest->connection->fd, SHUT_RDWR); /* its greenlet will notice */
}

static int shake_hands(struct connection *c, struct handshake *h)
{
    const struct conf_tls_listener *conf = &c->conf->tls;
    green_stream_t *below;
    if (!count)
        TAILQ_INIT(&under_way);
    if (count >= c->view->conf->max_handshakes)
        give_up_oldest();
    *h = (struct handshake){.connection = c};
    TAILQ_INSERT_TAIL(&under_way, h, link);
    count++;
    struct tls_choices *choices = tls_server_hold(conf->server);
    int r = green_stream_open(&below, c->fd);
    if (r == 0)
        r = green_tls_accept(&c->tls, tls_choices_context(choices), below,
                             c->accepted + conf->timeout_handshake);
    tls_choices_release(choices);
    if (r < 0)
        connection_give_wire(c); /* it was closed */
    if (!h->given_up) {
        TAILQ_REMOVE(&under_way, h, link);
        count--;
    }
    return r;
}

/* Runs with the first bytes at hand, or when they did not come. */
static void begin(void *arg, int status)
{
    struct connection *c = arg;
    struct handshake h;
    connection_stirs(c);
    if (!c->conf->tls.server) { /* a reload has taken TLS away while we waited */
        connection_close(c);
        return;
    }
    if (status == 0 && speaks_http(c)) {
        tell_about_tls(c);
        return;
    }
    int r = status < 0 ? status : shake_hands(c, &h);
    if (r < 0 && status == 0)
        write_log(c, h.given_up);
    if (r == 0)
        r = take_identity(c);
    if (r == 0)
        r = connection_serve(c);
    if (r < 0)
        connection_close(c);
}

int tls_accept(struct connection *c)
{
    c->idle = true;
    counter_add(&c->counts->idle, 1);
    connection_waits(c);
    int r = green_park_readable(c->fd, begin, c, c->accepted + c->conf->tls.timeout_handshake);
    if (r < 0)
        connection_stirs(c);
    return r;
}
