/* Responses of OCSP that are in files, and what is to be said about certificates that have none. */
#ifndef TLS_RESPONSES_H
#define TLS_RESPONSES_H

#include "certificates.h"

/* Gives each certificate the response that a file has for it, or that was fetched before. 0; -1: a file that is named is
 * of no use, which is in `errors`; -ENOMEM. */
int responses_read(struct certificates *all, const struct conf_listener *listener,
                   struct conf_errors *errors);

/* "site.ocsp" for "site.pem", for free(). NULL: no memory. */
char *response_beside(const char *certificate);

#endif
