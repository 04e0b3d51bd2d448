/*
 * The web server behind the demo: small, honest, and on libgreen like the proxy, so that `greenway run` shows
 * something without any other program:
 *
 *     GET  /            a page that says what this is and what to try
 *     GET  /headers     the head of the request as it arrived here
 *     POST /echo        the body, streamed back as it comes
 *     GET  /bytes/N     N bytes
 *     GET  /status/NNN  an answer with that status
 *     GET  /slow?ms=N   an answer after N milliseconds
 */
#ifndef RUNTIME_RESPONDER_H
#define RUNTIME_RESPONDER_H

#include <green.h>

/* Listens on a free port of 127.0.0.1, which goes to *bound, and serves it from greenlets of the calling
 * thread. One in a process. 0 or -errno. Never switches. */
int responder_start(green_address_t *bound) GREEN_MUST_CHECK;

/* Closes all its connections and waits until their greenlets have ended. For the thread that started it; does
 * nothing if none runs. May switch. */
void responder_stop(void);

#endif
