/*
 * Request targets and authorities (RFC 9112 section 3.2, RFC 3986): taken apart and checked, never repaired.
 * The forwarded target is made of the received bytes; the normalised path is for matching routes only.
 */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "error.h"
#include "span.h"

enum http_target_form {
    HTTP_TARGET_ORIGIN,    /* /path?query */
    HTTP_TARGET_ABSOLUTE,  /* http://host/path?query */
    HTTP_TARGET_ASTERISK,  /* *, for OPTIONS only */
    HTTP_TARGET_AUTHORITY, /* host:port, for CONNECT only */
};

/* Spans point into the target that was parsed. */
struct http_target {
    enum http_target_form form;
    struct span scheme;    /* absolute-form: "http" or "https" in any case; else empty */
    struct span authority; /* absolute- and authority-form: checked host[:port]; else empty */
    struct span path;      /* starts with '/'; empty in absolute-form without a path (means "/"); "*" */
    struct span query;     /* with its '?'; empty when there is none */
};

/* host[:port] taken apart. */
struct http_authority {
    struct span host; /* reg-name, IPv4 or [IPv6] with its brackets; never empty */
    int port;         /* 0..65535; -1 when none was given ("host" or "host:") */
};

/* 0, or HTTP_E_TARGET / HTTP_E_HOST. options and connect: the method is OPTIONS or CONNECT. */
int http_target_parse(struct span target, bool options, bool connect, struct http_target *out);

/*
 * uri-host [":" port] without userinfo: 0 or HTTP_E_HOST. The host is 1*(unreserved / sub-delims without
 * comma / pct-encoded), an IPv4 address or a bracketed IPv6 address; a port is at most 65535.
 */
int http_authority_parse(struct span text, struct http_authority *out);

/* Do both name the same host and port? Case does not matter; a missing port means default_port. */
bool http_authority_same(const struct http_authority *a, const struct http_authority *b, int default_port);

/* Flags for http_path_normalise(). */
enum {
    HTTP_PATH_ENCODED_SLASH = 1, /* let %2F and %5C pass; they stay encoded, so they never match a '/' */
};

/*
 * Writes the path that routes are matched against into out: unreserved percent-encodings decoded, the others
 * in upper case, "." and ".." segments removed (RFC 3986 section 6.2.2), an empty path as "/". Nothing is
 * appended; the result is never longer than path (or 1). No NUL is written.
 *
 * Refuses what servers are known to read differently: invalid encodings and %00 (HTTP_E_PATH_ENCODING), %2F,
 * %5C unless allowed, raw backslashes, and segments like "..;x" (HTTP_E_PATH_AMBIGUOUS), ".." above the root
 * (HTTP_E_PATH_CLIMBS), results longer than cap (HTTP_E_PATH_TOO_LONG).
 *
 * Returns the length or a negative enum http_error. path is http_target.path; "*" comes back as it is.
 */
int http_path_normalise(struct span path, unsigned flags, char *out, size_t cap);

#endif
