/* Handshakes with servers (client.h). */
#include "client.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fingerprint.h"
#include "settings.h"
#include "upstream/group.h"

struct tls_client {
    pthread_mutex_t mutex;
    green_tls_context_t *context; /* of the mutex */
    const struct conf_upstream *upstream;
    uint64_t read; /* the files' fingerprint when they were last read, for better or worse */
    bool failed;   /* and that it was for worse */
};

static green_tls_context_t *read_files(const struct conf_upstream *upstream, struct conf_errors *errors)
{
    green_tls_context_t *context = NULL;
    int r = settings_client_context(&context, upstream, errors);
    if (r == 0)
        return context;
    if (r == -ENOMEM)
        errors->no_memory = true, errors->errors++;
    green_tls_context_release(context);
    return NULL;
}

struct tls_client *tls_client_new(const struct conf_upstream *upstream, struct conf_errors *errors)
{
    struct tls_client *c = calloc(1, sizeof *c);
    if (!c) {
        errors->no_memory = true, errors->errors++;
        return NULL;
    }
    pthread_mutex_init(&c->mutex, NULL);
    c->upstream = upstream;
    c->read =
        tls_fingerprint_upstream(upstream); /* before reading: what changes meanwhile is read once more */
    c->context = read_files(upstream, errors);
    if (c->context)
        return c;
    tls_client_free(c);
    return NULL;
}

void tls_client_free(struct tls_client *c)
{
    if (!c)
        return;
    green_tls_context_release(c->context);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

static green_tls_context_t *hold(struct tls_client *c)
{
    pthread_mutex_lock(&c->mutex);
    green_tls_context_t *context = green_tls_context_retain(c->context);
    pthread_mutex_unlock(&c->mutex);
    return context;
}

static void put(struct tls_client *c, green_tls_context_t *context)
{
    pthread_mutex_lock(&c->mutex);
    green_tls_context_t *before = c->context;
    c->context = context;
    pthread_mutex_unlock(&c->mutex);
    green_tls_context_release(before);
}

/* What does not fit together is looked at once more before anybody is told, as in server.c. */
int tls_client_renew(struct tls_client *c, struct conf_errors *errors)
{
    uint64_t now = tls_fingerprint_upstream(c->upstream);
    bool again = now == c->read && c->failed;
    if (now == c->read && !c->failed)
        return 0;
    struct conf_errors found = {0};
    green_tls_context_t *context = read_files(c->upstream, &found);
    c->failed = !context && !again;
    c->read = now;
    if (context)
        put(c, context);
    if (context || again) {
        conf_errors_free(errors);
        *errors = found;
        return context ? 1 : -1;
    }
    conf_errors_free(&found);
    return 0;
}

/* What green_tls_reason() says, as the log has it, with the type of RFC 9209 and the key that is responsible. */
static const struct {
    const char *word, *reason, *error, *directive;
} reasons[] = {
    {"certificate_expired", "tls_certificate_expired", "tls_certificate_error", "tls_verify"},
    {"certificate_not_yet_valid", "tls_certificate_not_yet_valid", "tls_certificate_error", "tls_verify"},
    {"certificate_revoked", "tls_certificate_revoked", "tls_certificate_error", "tls_crl"},
    {"certificate_self_signed", "tls_certificate_self_signed", "tls_certificate_error", "tls_ca"},
    {"certificate_untrusted", "tls_certificate_untrusted", "tls_certificate_error", "tls_ca"},
    {"certificate_misused", "tls_certificate_misused", "tls_certificate_error", "tls_verify"},
    {"certificate_chain_too_long", "tls_certificate_invalid", "tls_certificate_error", "tls_verify"},
    {"certificate_invalid", "tls_certificate_invalid", "tls_certificate_error", "tls_verify"},
    {"crl_missing", "tls_crl_missing", "tls_certificate_error", "tls_crl"},
    {"crl_expired", "tls_crl_expired", "tls_certificate_error", "tls_crl"},
    {"name_mismatch", "tls_name_mismatch", "tls_certificate_error", "tls_name"},
    {"refused_certificate", "tls_client_certificate_refused", "tls_alert_received", "tls_certificate"},
    {"refused", "tls_refused", "tls_alert_received", "tls"},
    {"unrecognized_name", "tls_name_refused", "tls_alert_received", "tls_name"},
    {"protocol_version", "tls_protocol_version", "tls_protocol_error", "tls_min_version"},
    {"no_shared_protocol", "tls_no_shared_protocol", "tls_protocol_error", "alpn"},
    {"not_tls", "tls_not_spoken", "tls_protocol_error", "tls"},
    {"timeout", "tls_handshake_timeout", "connection_timeout", "timeout_tls"},
    {"closed", "tls_handshake_closed", "connection_terminated", "tls"},
};

static void explain(struct connect_failure *f, int code)
{
    const char *word = green_tls_reason();
    *f = (struct connect_failure){.status = 502,
                                  .code = code,
                                  .reason = "tls_handshake_failed",
                                  .error = "tls_protocol_error",
                                  .directive = "tls"};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(word, reasons[i].word) == 0) {
            f->reason = reasons[i].reason;
            f->error = reasons[i].error;
            f->directive = reasons[i].directive;
        }
    if (code == -ETIMEDOUT)
        f->status = 504;
}

void tls_client_keep(green_stream_t *tls, green_tls_session_t **session)
{
    green_tls_session_t *newest = green_tls_session(tls);
    if (!newest)
        return;
    green_tls_session_free(*session);
    *session = newest;
}

int tls_client_connect(struct tls_client *c, const struct conf_server *server, int fd,
                       green_tls_session_t **session, green_stream_t **out, struct connect_failure *failure,
                       green_time deadline)
{
    green_stream_t *below;
    const char *wanted = c->upstream->tls.name.written;
    const char *name = wanted ? wanted : server->is_unix ? NULL : server->host;
    int r = green_stream_open(&below, fd);
    green_tls_context_t *context = hold(c);
    if (*session && !green_tls_session_fits(*session, context)) {
        green_tls_session_free(*session); /* made before a reload, or by other files */
        *session = NULL;
    }
    if (r == 0)
        r = green_tls_resume(out, context, below, name, *session, deadline);
    green_tls_context_release(context);
    if (r == 0)
        return 0;
    green_tls_session_free(*session); /* whatever it was: the next one begins anew */
    *session = NULL;
    explain(failure, r);
    return r;
}
