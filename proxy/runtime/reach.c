/* Which keys name files, and what is done with those. */
#include "reach.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "load.h"

#define PATH_BYTES 4096

struct walk {
    reach_fn *fn;
    void *arg;
    int result;
};

static void tell_for(struct walk *w, const char *path, bool writes, const char *key,
                     struct conf_origin origin, const char *file)
{
    struct reach_place place = {.key = key, .origin = origin, .file = file};
    if (w->result >= 0)
        w->result = w->fn(w->arg, path, writes, &place);
}

static void tell(struct walk *w, const char *path, bool writes, const char *key, struct conf_origin origin)
{
    tell_for(w, path, writes, key, origin, NULL);
}

/* The folder of a file: with a new file of that name comes a new inode. What lies at the top, or among the devices, is
 * told of by itself. */
static void tell_file(struct walk *w, const char *path, bool writes, const char *key,
                      struct conf_origin origin)
{
    char folder[PATH_BYTES];
    const char *slash = path ? strrchr(path, '/') : NULL;
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (!path)
        return;
    if (!slash) {
        tell_for(w, ".", writes, key, origin, path);
    } else if (n == 0 || !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6) || n >= sizeof folder) {
        tell_for(w, path, writes, key, origin, path);
    } else {
        memcpy(folder, path, n);
        folder[n] = 0;
        tell_for(w, folder, writes, key, origin, path);
    }
}

static void log_target(struct walk *w, const struct conf_log_target *target, const char *key,
                       struct conf_origin origin)
{
    if (target->kind == CONF_LOG_FILE)
        tell_file(w, target->written, true, key, origin);
}

static void credentials(struct walk *w, const struct conf_authentication *a)
{
    if (a->users.count)
        tell_file(w, a->users.written, false, "basic_auth", a->users.origin);
    if (a->jwt.written && a->jwt.source != CONF_JWT_OFF)
        tell_file(w, strchr(a->jwt.written, ':') ? strchr(a->jwt.written, ':') + 1 : NULL, false, "jwt",
                  a->jwt.origin);
}

static void pages(struct walk *w, const struct conf_error_pages *pages,
                  const struct conf_maintenance *maintenance)
{
    for (size_t i = 0; i < pages->count; i++)
        tell_file(w, pages->list[i].path, false, "error_page", pages->list[i].origin);
    tell_file(w, maintenance->file.written, false, "maintenance_file", maintenance->file.origin);
}

static void files(struct walk *w, const struct conf_written *list, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        tell_file(w, list[i].written, false, key, list[i].origin);
}

/* Certificates are renewed in their place, so it is the folder that counts. */
static void tls_of_listener(struct walk *w, const struct conf_tls_listener *tls)
{
    struct stat st;
    for (size_t i = 0; i < tls->certificate_count; i++) {
        const struct conf_written *c = &tls->certificates[i];
        if (stat(c->written, &st) == 0 && S_ISDIR(st.st_mode))
            tell(w, c->written, false, "certificate", c->origin);
        else
            tell_file(w, c->written, false, "certificate", c->origin);
    }
    files(w, tls->keys, tls->key_count, "certificate_key");
    files(w, tls->client_ca, tls->client_ca_count, "client_ca");
    files(w, tls->client_crl, tls->client_crl_count, "client_crl");
    files(w, tls->ticket_keys, tls->ticket_key_count, "ticket_key_file");
}

static void tls_of_upstream(struct walk *w, const struct conf_upstream *u)
{
    const struct conf_tls_upstream *tls = &u->tls;
    if (tls->on && !tls->ca_count) /* where the system keeps its authorities, which are looked up as needed */
        tell(w, "/etc/ssl", false, "tls_ca", u->origin);
    files(w, tls->ca, tls->ca_count, "tls_ca");
    files(w, tls->crl, tls->crl_count, "tls_crl");
    files(w, &tls->certificate, tls->certificate.written != NULL, "tls_certificate");
    files(w, &tls->key, tls->key.written != NULL, "tls_key");
}

static void listener(struct walk *w, const struct conf_listener *l)
{
    tell_file(w, l->origin.file, false, "include", l->origin);
    for (size_t i = 0; i < l->binds; i++)
        if (l->bind[i].is_unix)
            tell_file(w, l->bind[i].host, true, "bind", l->bind[i].origin);
    log_target(w, &l->logging.target, "access_log", l->logging.target.origin);
    credentials(w, &l->authentication);
    pages(w, &l->error_pages, &l->maintenance);
    tls_of_listener(w, &l->tls);
    files(w, l->ocsp.files, l->ocsp.file_count, "ocsp");
}

static void route(struct walk *w, const struct conf_route *r)
{
    tell_file(w, r->origin.file, false, "include", r->origin);
    if (r->files.root.written)
        tell(w, r->files.root.text, false, "root", r->files.root.origin);
    log_target(w, &r->logging.target, "access_log", r->logging.target.origin);
    credentials(w, &r->authentication);
    pages(w, &r->error_pages, &r->maintenance);
}

int reach_of(const struct conf *conf, reach_fn *fn, void *arg)
{
    struct walk w = {.fn = fn, .arg = arg};
    tell_file(&w, conf->file, false, "include", (struct conf_origin){.file = conf->file});
    log_target(&w, &conf->logging.target, "access_log", conf_origin_of(conf, "access_log"));
    if (strcmp(conf->error_log, "-") != 0)
        tell_file(&w, conf->error_log, true, "error_log", conf_origin_of(conf, "error_log"));
    for (size_t i = 0; i < conf->admin.count; i++)
        if (conf->admin.addresses[i].is_unix)
            tell_file(&w, conf->admin.addresses[i].host, true, "admin", conf->admin.addresses[i].origin);
    if (conf->admin.token_file.secret)
        tell_file(&w, conf->admin.token_file.written, false, "admin_token_file",
                  conf->admin.token_file.origin);
    tell_file(&w, conf->control.socket.path, true, "control", conf->control.socket.origin);
    tell_file(&w, conf->service.pid_file.written, true, "pid_file", conf->service.pid_file.origin);
    for (size_t i = 0; i < conf->listener_count; i++)
        if (conf->listeners[i].acme.on) {
            tell(&w, conf->acme.storage.written, true, "acme_storage", conf_origin_of(conf, "acme_storage"));
            tell_file(&w, conf->acme.ca.written, false, "acme_ca", conf->acme.ca.origin);
            break;
        }
    tell(&w, conf->temp_path, true, "temp_path", conf_origin_of(conf, "temp_path"));
    for (size_t i = 0; i < conf->listener_count; i++)
        listener(&w, &conf->listeners[i]);
    for (size_t i = 0; i < conf->route_count; i++)
        route(&w, &conf->routes[i]);
    for (size_t i = 0; i < conf->upstream_count; i++) {
        tell_file(&w, conf->upstreams[i].origin.file, false, "include", conf->upstreams[i].origin);
        tls_of_upstream(&w, &conf->upstreams[i]);
    }
    return w.result;
}
