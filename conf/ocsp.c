/* Responses about certificates that are not there. */
#include "load.h"
#include "loader.h"

void conf_check_ocsp(struct conf_loader *l)
{
    for (size_t i = 0; i < l->conf->listener_count; i++) {
        const struct conf_listener *listener = &l->conf->listeners[i];
        const char *section = conf_arena_print(&l->arena, "listener %s", listener->name);
        if (listener->tls.on)
            continue;
        if (listener->ocsp.stapling)
            conf_warning(l->errors, conf_listener_origin(listener, "ocsp_stapling"), section, "ocsp_stapling",
                         "the listener has no TLS, and so no certificate to ask about");
        if (listener->ocsp.file_count)
            conf_warning(l->errors, listener->ocsp.files[0].origin, section, "ocsp",
                         "the listener has no TLS, and so no certificate that it could be about");
    }
}
