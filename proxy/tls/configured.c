/* Reading what a configuration says of TLS (configured.h). */
#include "configured.h"

#include "client.h"

static void read_all(struct conf *conf, struct conf_errors *errors)
{
    for (size_t i = 0; i < conf->listener_count; i++) {
        struct conf_listener *l = &conf->listeners[i];
        if (l->tls.on)
            l->tls.server = tls_server_new(l, errors);
    }
    for (size_t i = 0; i < conf->upstream_count; i++) {
        struct conf_upstream *u = &conf->upstreams[i];
        if (u->tls.on)
            u->tls.client = tls_client_new(u, errors);
    }
}

static void free_all(struct conf *conf)
{
    for (size_t i = 0; i < conf->listener_count; i++) {
        tls_server_free(conf->listeners[i].tls.server);
        conf->listeners[i].tls.server = NULL;
    }
    for (size_t i = 0; i < conf->upstream_count; i++) {
        tls_client_free(conf->upstreams[i].tls.client);
        conf->upstreams[i].tls.client = NULL;
    }
}

void tls_load_with_configurations(void)
{
    conf_tls_read = read_all;
    conf_tls_free = free_all;
}

void tls_certificates(const struct conf *conf, tls_certificate_fn fn, void *arg)
{
    for (size_t i = 0; i < conf->listener_count; i++) {
        const struct conf_listener *l = &conf->listeners[i];
        if (!l->tls.server)
            continue;
        struct tls_choices *choices = tls_server_hold(l->tls.server);
        const struct certificates *all = tls_choices_certificates(choices);
        for (size_t k = 0; k < all->count; k++) {
            const green_tls_certificate_t *c = all->list[k].certificate;
            const char *name = green_tls_certificate_name(c, 0);
            struct tls_certificate_facts facts = {.listener = l->name,
                                                  .file = all->list[k].file,
                                                  .name = name ? name : green_tls_certificate_subject(c),
                                                  .expires = green_tls_certificate_expires(c),
                                                  .stapling = l->ocsp.stapling};
            int64_t begins;
            green_tls_certificate_stapled(c, &begins, &facts.response_expires);
            fn(arg, &facts);
        }
        tls_choices_release(choices);
    }
}
