/*
 * What encrypts: the library, and whether the kernel could (kTLS). It is only looked for. OpenSSL hands keys to the kernel
 * when it writes to a socket itself, but here it writes to memory (tls_wire.c), so that one call of the kernel carries
 * several records and nothing waits inside the library.
 */
#include "tls_state.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

const char *green_tls_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

/* A socket that is not connected is told so if there is such a layer, and that there is none if there is not. */
static const char *ask_kernel(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return "there is no socket to try it with";
    int r = setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls" - 1) < 0 ? -errno : 0;
    close(fd);
    return r == 0 || r == -ENOTCONN ? NULL
           : r == -ENOENT           ? "the kernel has no module tls"
                                    : "the kernel knows no upper layers of TCP";
}

const char *green_tls_kernel_missing(void)
{
#if defined(OPENSSL_NO_KTLS) || !defined(SSL_OP_ENABLE_KTLS)
    const char *kernel = ask_kernel();
    return kernel ? kernel : "OpenSSL was built without it";
#else
    return ask_kernel();
#endif
}
