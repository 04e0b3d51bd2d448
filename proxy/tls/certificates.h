/* The certificates that a listener's section names, read from their files and folders. */
#ifndef TLS_CERTIFICATES_H
#define TLS_CERTIFICATES_H

#include <green.h>

#include "conf.h"
#include "errors.h"

struct certificate {
    green_tls_certificate_t *certificate;
    char *file;
    struct conf_origin origin; /* of the line that led there */
    const char *managed;       /* the name that it is fetched for, of the configuration; NULL: it is not */
    bool placeholder;          /* there is none yet: we signed this one ourselves */
    bool has_response;         /* of OCSP, from a file: nobody has to be asked while it is good */
    unsigned char print[32];   /* SHA-256 */
};

struct certificates {
    struct certificate *list;
    size_t count;
};

/* Reads them all; warns of those that are not valid, or not for long. 0, or -1 when something is wrong, which is in
 * `errors` then; -ENOMEM. certificates_free() in any case. */
int certificates_read(struct certificates *out, const struct conf_listener *listener,
                      struct conf_errors *errors);
void certificates_free(struct certificates *all);

#endif
