/* What a head means: whom it is for, where its body ends, what becomes of the connection. Private to libgreen. */
#ifndef GREEN_HTTP_FACTS_H
#define GREEN_HTTP_FACTS_H

#include <errno.h>

#include "head.h"

static inline int fault_of(struct http_fault *fault, int status, const char *text)
{
    *fault = (struct http_fault){status, text};
    return -EPROTO;
}

/* Fill in what follows from the start line and the fields: 0 or -EPROTO with *fault. */
int green__request_facts(struct head *head, struct http_fault *fault);
int green__response_facts(struct head *head, const char *method, struct http_fault *fault);

#endif
