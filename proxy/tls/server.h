/*
 * The TLS side of a listener: the choices that handshakes begin with at present (choices.h). They are replaced when the
 * files that they came from have changed (watch.h), and nothing that is open notices.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include "choices.h"

struct tls_server;

/* Reads the files of a listener that has TLS. NULL: what is wrong with them is in `errors`. */
struct tls_server *tls_server_new(const struct conf_listener *listener, struct conf_errors *errors);
void tls_server_free(struct tls_server *server);

/* The present choices, to be released. Any thread. */
struct tls_choices *tls_server_hold(struct tls_server *server);

/* Reads the files again if they are not what they were when it last looked. 1: handshakes see what they say from now on;
 * 0: they have not changed; -1: they are wrong, which is in `errors`, and the choices remain. One thread at a time; may
 * take long. */
int tls_server_renew(struct tls_server *server, const struct conf_listener *listener,
                     struct conf_errors *errors);

#endif
