/* Base64 (RFC 4648), strictly: one text for each value, so that nothing can be written in two ways. */
#ifndef ROUTE_BASE64_H
#define ROUTE_BASE64_H

#include <sys/types.h>

#include "http/span.h"

enum base64_alphabet {
    BASE64_STANDARD, /* with its padding */
    BASE64_URL,      /* section 5, without padding */
};

/* Decodes all of text: the number of bytes; -EINVAL: it is no base64; -ENOBUFS: it is more than cap. */
ssize_t base64_decode(enum base64_alphabet alphabet, struct span text, void *out, size_t cap);

#endif
