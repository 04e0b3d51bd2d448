/* TLS towards the servers of an upstream: verified, resumed, and told apart when it fails. */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include <green.h>

#include "conf.h"
#include "errors.h"

struct connect_failure;

/* Reads the files of an upstream that has TLS. NULL: what is wrong with them is in `errors`. */
struct tls_client *tls_client_new(const struct conf_upstream *upstream, struct conf_errors *errors);
void tls_client_free(struct tls_client *client);

/* Reads the files again if they are not what they were when it last looked. 1: handshakes go by what they say from now on;
 * 0: they have not changed; -1: they are wrong, which is in `errors`, and what was read before remains. One thread at a
 * time; may take long. */
int tls_client_renew(struct tls_client *client, struct conf_errors *errors);

/* The handshake on a fresh socket, which is the stream's from now on, or closed. *session (NULL: none) is offered, and
 * forgotten if it was of another configuration. 0 or the error, with what there is to say of it in *failure but for the
 * server. May switch. */
int tls_client_connect(struct tls_client *client, const struct conf_server *server, int fd,
                       green_tls_session_t **session, green_stream_t **out, struct connect_failure *failure,
                       green_time deadline);

/* Remembers the newest session of a connection, once the server has had time to give one. Never switches. */
void tls_client_keep(green_stream_t *tls, green_tls_session_t **session);

#endif
