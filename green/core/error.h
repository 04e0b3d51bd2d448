/* Error codes. Everything is a negative errno (libuv's UV_E* are the same numbers); what errno has no name for
 * sits below -4096. */
#ifndef GREEN_CORE_ERROR_H
#define GREEN_CORE_ERROR_H

#if defined(__GNUC__)
#define GREEN_MUST_CHECK __attribute__((warn_unused_result))
#else
#define GREEN_MUST_CHECK
#endif

enum {
    GREEN_EAI_NONAME = -4097,  /* the name does not exist (NXDOMAIN) */
    GREEN_EAI_NODATA = -4098,  /* the name exists but has no address of the family asked for */
    GREEN_EAI_AGAIN = -4099,   /* name servers did not answer in time or failed for now (SERVFAIL, timeout) */
    GREEN_EAI_FAIL = -4100,    /* name servers refused or answered nonsense */
    GREEN_EAI_BADNAME = -4101, /* not a valid host name */
    GREEN_EAI_SERVICE = -4102, /* no such service for this type of socket */
    GREEN_EAI_FAMILY = -4103,  /* an address family that names cannot be resolved for */
    GREEN_EAI_SOCKTYPE = -4104,   /* no such type of socket, or not with this protocol */
    GREEN_EAI_BADFLAGS = -4105,   /* flags that are unknown or exclude each other */
    GREEN_EAI_ADDRFAMILY = -4106, /* a numeric address of another family than asked for */

    /* net/tls.h; green_tls_error() says more */
    GREEN_ETLS = -4201,           /* something against the protocol, a forged record for example */
    GREEN_ETLS_TRUNCATED = -4202, /* the connection ended without close_notify: more may have been sent */
    GREEN_ETLS_PLAINTEXT = -4203, /* the peer does not speak TLS */
    GREEN_ETLS_ALERT = -4204,     /* the peer refused */
    GREEN_ETLS_CERTIFICATE =
        -4205,               /* the peer's certificate was not accepted, or a required one did not come */
    GREEN_ETLS_NAME = -4206, /* the peer's certificate is for somebody else */
    GREEN_ETLS_ALPN = -4207, /* no application protocol in common */
    GREEN_ETLS_PEM = -4208,  /* no usable certificate or key in what was to be loaded */
    GREEN_ETLS_KEY = -4209,  /* private key and certificate do not belong together, or are too weak */
};

/* A readable sentence for a code returned by any libgreen function ("connection refused"). Never NULL, static
 * storage. Never switches. */
const char *green_strerror(int error);

/* The symbolic name, "ECONNREFUSED" or "GREEN_EAI_NONAME"; "EUNKNOWN" for others. Static storage. Never switches. */
const char *green_error_name(int error);

#endif
