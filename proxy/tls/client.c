/* Handshakes with servers (client.h). */
#include "client.h"

#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "upstream/group.h"

struct tls_client {
    green_tls_context_t *context;
    const struct conf_tls_upstream *conf;
};

struct tls_client *tls_client_new(const struct conf_upstream *upstream, struct conf_errors *errors)
{
    struct tls_client *c = calloc(1, sizeof *c);
    int r = c ? settings_client_context(&c->context, upstream, errors) : -ENOMEM;
    if (r == 0) {
        c->conf = &upstream->tls;
        return c;
    }
    if (r == -ENOMEM)
        errors->no_memory = true, errors->errors++;
    tls_client_free(c);
    return NULL;
}

void tls_client_free(struct tls_client *c)
{
    if (!c)
        return;
    green_tls_context_release(c->context);
    free(c);
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

int tls_client_connect(const struct tls_client *c, const struct conf_server *server, int fd,
                       green_tls_session_t **session, green_stream_t **out, struct connect_failure *failure,
                       green_time deadline)
{
    green_stream_t *below;
    const char *name = c->conf->name.written ? c->conf->name.written : server->is_unix ? NULL : server->host;
    int r = green_stream_open(&below, fd);
    if (*session && !green_tls_session_fits(*session, c->context)) {
        green_tls_session_free(*session); /* of the configuration before a reload */
        *session = NULL;
    }
    if (r == 0)
        r = green_tls_resume(out, c->context, below, name, *session, deadline);
    if (r == 0)
        return 0;
    green_tls_session_free(*session); /* whatever it was: the next one begins anew */
    *session = NULL;
    explain(failure, r);
    return r;
}
