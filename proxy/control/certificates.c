/* The certificates of listeners. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/call.h"
#include "runtime/process.h"
#include "tls/server.h"

#define DAY (24 * 3600)

/* "a.example, *.a.example" */
static json_t *names_of(const green_tls_certificate_t *certificate)
{
    char *all = NULL;
    size_t size;
    const char *name;
    FILE *out = open_memstream(&all, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; (name = green_tls_certificate_name(certificate, i)); i++)
        fprintf(out, "%s%s", i ? ", " : "", name);
    json_t *text = fclose(out) == 0 ? reply_text(span_of(all, size)) : NULL;
    free(all);
    return text;
}

/* Whole days that are left, or since when it is over: below 0. */
static int64_t days_to(int64_t when, int64_t now)
{
    return when >= now ? (when - now) / DAY : -((now - when + DAY - 1) / DAY);
}

static int add_certificate(json_t *list, const char *listener, const struct certificate *entry)
{
    const green_tls_certificate_t *certificate = entry->certificate;
    static const char *const kinds[] = {
        [GREEN_TLS_RSA] = "RSA", [GREEN_TLS_ECDSA] = "ECDSA", [GREEN_TLS_OTHER_KEY] = "other"};
    char date[32] = "";
    struct tm parts;
    time_t expires = (time_t)green_tls_certificate_expires(certificate);
    if (gmtime_r(&expires, &parts))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts);
    json_t *row = json_object();
    int r = json_array_append_new(list, row);
    r |= reply_add_text(row, "listener", listener);
    r |= reply_add(row, "days_left", json_integer(days_to(expires, time(NULL))));
    r |= reply_add_text(row, "expires", date);
    r |= reply_add_text(row, "key", kinds[green_tls_certificate_kind(certificate)]);
    r |= reply_add(row, "names", names_of(certificate));
    r |= reply_add_text(row, "subject", green_tls_certificate_subject(certificate));
    return r | reply_add_text(row, "file", entry->file);
}

/* Those that handshakes get at present. */
static int add_certificates(json_t *list, const struct conf_listener *l)
{
    struct tls_choices *choices = tls_server_hold(l->tls.server);
    const struct certificates *all = tls_choices_certificates(choices);
    int r = 0;
    for (size_t i = 0; i < all->count && r == 0; i++)
        r = add_certificate(list, l->name, &all->list[i]);
    tls_choices_release(choices);
    return r;
}

int call_certificates(struct control_call *call)
{
    const struct conf *conf = call->process->snapshot->conf;
    json_t *list = json_array();
    int r = reply_add(call->reply, "certificates", list);
    for (size_t i = 0; i < conf->listener_count && r == 0; i++)
        if (conf->listeners[i].tls.server)
            r = add_certificates(list, &conf->listeners[i]);
    return r ? call_no_memory(call) : 0;
}
