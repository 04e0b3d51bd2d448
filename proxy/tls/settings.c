/* From keys of the configuration to contexts (settings.h). */
#include "settings.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whose keys they are, for errors. */
struct place {
    struct conf_errors *errors;
    char section[300];
};

static int failed(const struct place *p, const struct conf_written *at, const char *key, int code)
{
    const char *why = green_tls_error(NULL);
    if (code == -ENOMEM)
        return code;
    if (strstr(why, at->written))
        conf_error(p->errors, at->origin, p->section, key, "%s", why);
    else
        conf_error(p->errors, at->origin, p->section, key, "%s: %s", at->written,
                   *why ? why : green_strerror(code));
    return -1;
}

static int set_versions(green_tls_context_t *context, bool only_13)
{
    return green_tls_context_versions(context, only_13 ? GREEN_TLS_1_3 : GREEN_TLS_1_2, GREEN_TLS_1_3);
}

static int set_alpn(green_tls_context_t *context, const struct conf_written *list, size_t count,
                    const char *usual)
{
    char text[1024] = "";
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? "," : "", list[i].written);
        if (n >= sizeof text)
            return -EINVAL;
    }
    if (!n && !usual)
        return 0;
    return green_tls_context_alpn(context, n ? text : usual);
}

static int set_files(const struct place *p, green_tls_context_t *context, const struct conf_written *list,
                     size_t count, const char *key,
                     int (*add)(green_tls_context_t *context, const char *path))
{
    for (size_t i = 0; i < count; i++) {
        int r = add(context, list[i].written);
        if (r < 0)
            return failed(p, &list[i], key, r);
    }
    return 0;
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

/* The keys that this process draws outlive configurations, so that tickets do. One set for each lifetime in use. */
struct drawn {
    int64_t period;
    green_tls_tickets_t *tickets;
};

static green_tls_tickets_t *drawn_tickets(int64_t period)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static struct drawn all[16];
    green_tls_tickets_t *found = NULL;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < sizeof all / sizeof all[0] && !found; i++) {
        if (!all[i].tickets && green_tls_tickets_new(&all[i].tickets, period) == 0)
            all[i].period = period;
        if (all[i].tickets && all[i].period == period)
            found = green_tls_tickets_retain(all[i].tickets);
    }
    pthread_mutex_unlock(&mutex);
    if (!found &&
        green_tls_tickets_new(&found, period) < 0) /* an unusual number of lifetimes: keys of their own */
        return NULL;
    return found;
}

static int read_ticket_key(const struct place *p, green_tls_tickets_t *tickets, const struct conf_written *at)
{
    unsigned char key[81];
    int fd = open(at->written, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : read(fd, key, sizeof key);
    int error = errno;
    struct stat st = {0};
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_mode & S_IROTH)
        conf_warning(p->errors, at->origin, p->section, "ticket_key_file",
                     "%s: everybody on this machine can read it; take that away (chmod 600)", at->written);
    if (fd >= 0)
        close(fd);
    int r = n < 0 ? -error : green_tls_tickets_add(tickets, key, (size_t)n);
    explicit_bzero(key, sizeof key);
    if (n < 0)
        conf_error(p->errors, at->origin, p->section, "ticket_key_file", "%s: %s", at->written,
                   strerror(error));
    else if (r == -E2BIG)
        conf_error(p->errors, at->origin, p->section, "ticket_key_file", "there are more than 16 keys");
    else if (r < 0)
        conf_error(p->errors, at->origin, p->section, "ticket_key_file",
                   "%s: a key has 48 or 80 bytes, as openssl rand 80 writes them", at->written);
    return r < 0 ? -1 : 0;
}

static int given_tickets(const struct place *p, const struct conf_tls_listener *tls,
                         green_tls_tickets_t **out)
{
    int r = green_tls_tickets_new(out, 0);
    for (size_t i = 0; i < tls->ticket_key_count && r == 0; i++)
        r = read_ticket_key(p, *out, &tls->ticket_keys[i]);
    return r;
}

static int set_tickets(const struct place *p, green_tls_context_t *context,
                       const struct conf_tls_listener *tls)
{
    green_tls_tickets_t *tickets = NULL;
    int r = 0;
    if (tls->ticket_key_count)
        r = given_tickets(p, tls, &tickets);
    else if (!(tickets = drawn_tickets(tls->session_timeout)))
        r = -ENOMEM;
    if (r == 0)
        r = green_tls_context_tickets(context, tickets);
    green_tls_tickets_release(tickets);
    return r;
}

/* Sessions of clients whose certificate was looked at are good only where it would have been looked at in the same way:
 * with the same authorities and revocation lists, byte for byte. */
struct scope {
    char *text;
    size_t size;
    FILE *to;
};

static void add_file(struct scope *s, const char *path)
{
    char block[4096];
    FILE *file = fopen(path, "re");
    size_t n;
    while (file && (n = fread(block, 1, sizeof block, file)) > 0)
        fwrite(block, 1, n, s->to);
    if (file)
        fclose(file);
    fputc(0, s->to);
}

static int set_scope(green_tls_context_t *context, const struct conf_listener *listener)
{
    const struct conf_tls_listener *tls = &listener->tls;
    struct scope s = {0};
    s.to = open_memstream(&s.text, &s.size);
    if (!s.to)
        return -ENOMEM;
    fprintf(s.to, "greenway %d %d %d %lld", (int)listener->protocol, (int)tls->profile,
            (int)tls->client_certificate, (long long)tls->client_depth);
    if (tls->client_certificate != CONF_CLIENT_CERTIFICATE_OFF) {
        fprintf(s.to, " %s", listener->name);
        for (size_t i = 0; i < tls->client_ca_count; i++)
            add_file(&s, tls->client_ca[i].written);
        for (size_t i = 0; i < tls->client_crl_count; i++)
            add_file(&s, tls->client_crl[i].written);
    }
    int r = fclose(s.to) == 0 ? green_tls_context_scope(context, s.text, s.size) : -ENOMEM;
    free(s.text);
    return r;
}

/* --- listeners --------------------------------------------------------------------------------------------------- */

static int set_clients(const struct place *p, green_tls_context_t *context,
                       const struct conf_tls_listener *tls)
{
    static const enum green_tls_client_certificate wishes[] = {
        [CONF_CLIENT_CERTIFICATE_OFF] = GREEN_TLS_NO_CLIENT_CERTIFICATE,
        [CONF_CLIENT_CERTIFICATE_OPTIONAL] = GREEN_TLS_OPTIONAL_CLIENT_CERTIFICATE,
        [CONF_CLIENT_CERTIFICATE_REQUIRE] = GREEN_TLS_REQUIRED_CLIENT_CERTIFICATE};
    if (tls->client_certificate == CONF_CLIENT_CERTIFICATE_OFF)
        return 0;
    int r = green_tls_context_client_certificate(context, wishes[tls->client_certificate]);
    if (r == 0)
        r = green_tls_context_depth(context, (int)tls->client_depth);
    if (r == 0)
        r = set_files(p, context, tls->client_ca, tls->client_ca_count, "client_ca",
                      green_tls_context_ca_file);
    if (r == 0)
        r = set_files(p, context, tls->client_crl, tls->client_crl_count, "client_crl",
                      green_tls_context_crl_file);
    return r;
}

int settings_server_context(green_tls_context_t **out, const struct conf_listener *listener,
                            const struct certificates *certificates, struct conf_errors *errors)
{
    const struct conf_tls_listener *tls = &listener->tls;
    struct place p = {.errors = errors};
    snprintf(p.section, sizeof p.section, "listener %s", listener->name);
    int r = green_tls_context_new(out, GREEN_TLS_SERVER | (tls->tickets ? 0 : GREEN_TLS_NO_TICKETS));
    if (r == 0)
        r = set_versions(*out, tls->profile == CONF_TLS_MODERN || tls->min_version == CONF_TLS_1_3);
    if (r == 0)
        r = set_alpn(*out, tls->alpn, tls->alpn_count, listener->protocol == CONF_TCP ? NULL : "http/1.1");
    if (r == -EINVAL) {
        conf_error(errors, listener->origin, p.section, "alpn", "the list is too long");
        r = -1;
    }
    if (r == 0)
        r = set_clients(&p, *out, tls);
    if (r == 0)
        r = green_tls_context_sessions(*out, (long)(tls->session_timeout / GREEN_S(1)),
                                       (long)tls->session_cache);
    if (r == 0 && tls->tickets)
        r = set_tickets(&p, *out, tls);
    if (r == 0)
        r = set_scope(*out, listener);
    return r;
}

/* --- upstreams --------------------------------------------------------------------------------------------------- */

static int set_own_certificate(const struct place *p, green_tls_context_t *context,
                               const struct conf_tls_upstream *tls)
{
    if (!tls->certificate.written)
        return 0;
    int r = green_tls_context_certificate_file(context, tls->certificate.written, tls->key.written);
    return r < 0 ? failed(p, &tls->certificate, "tls_certificate", r) : 0;
}

int settings_client_context(green_tls_context_t **out, const struct conf_upstream *upstream,
                            struct conf_errors *errors)
{
    const struct conf_tls_upstream *tls = &upstream->tls;
    struct place p = {.errors = errors};
    snprintf(p.section, sizeof p.section, "upstream %s", upstream->name);
    int r = green_tls_context_new(out, GREEN_TLS_CLIENT |
                                           (tls->verify ? 0 : GREEN_TLS_DANGEROUSLY_ACCEPT_ANY_CERTIFICATE));
    if (r == 0)
        r = set_versions(*out, tls->min_version == CONF_TLS_1_3);
    if (r == 0 && tls->alpn_count)
        r = set_alpn(*out, tls->alpn, tls->alpn_count, NULL);
    if (r == 0)
        r = set_files(&p, *out, tls->ca, tls->ca_count, "tls_ca", green_tls_context_ca_file);
    if (r == 0)
        r = set_files(&p, *out, tls->crl, tls->crl_count, "tls_crl", green_tls_context_crl_file);
    if (r == 0)
        r = set_own_certificate(&p, *out, tls);
    return r < 0 ? r
                 : green_tls_context_seal(*out); /* the system's authorities are read here, not by a worker */
}
