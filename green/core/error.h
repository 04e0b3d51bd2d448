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
};

/* A readable sentence for a code returned by any libgreen function ("connection refused"). Never NULL, static
 * storage. Never switches. */
const char *green_strerror(int error);

/* The symbolic name, "ECONNREFUSED" or "GREEN_EAI_NONAME"; "EUNKNOWN" for others. Static storage. Never switches. */
const char *green_error_name(int error);

#endif
