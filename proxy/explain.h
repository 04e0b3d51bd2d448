/*
 * What would become of a request, in words: the steps of an exchange without sockets. Each step is taken by the code
 * that serves requests, so that what is told here is what happens.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdio.h>

#include "conf.h"

struct explain_request {
    const char *method;
    const char *url;
    const char *const *fields; /* "Name: value" */
    size_t field_count;
    const char *from;     /* the client's address; NULL: 127.0.0.1 */
    const char *listener; /* its name; NULL: the one on the URL's port */
};

/* Prints the answer to `out`. 0; -EINVAL if the question made no sense, which was said on standard error; -ENOMEM. */
int explain(FILE *out, const struct conf *conf, const struct explain_request *request);

#endif
