/* A configuration for a benchmark, from text that the program writes. */
#ifndef BENCH_CONFIGURATION_H
#define BENCH_CONFIGURATION_H

#include <stdio.h>
#include <stdlib.h>

#include "load.h"

struct configuration {
    FILE *out; /* where to write it */
    char *text;
    size_t n;
};

static inline void configuration_begin(struct configuration *c)
{
    *c = (struct configuration){.text = NULL};
    c->out = open_memstream(&c->text, &c->n);
    if (!c->out)
        exit(1);
}

/* Ends the program when there is anything wrong with it. */
static inline struct conf *configuration_end(struct configuration *c)
{
    struct conf_errors errors = {0};
    fclose(c->out);
    struct conf *conf = conf_load_text("bench", c->text, c->n, &errors);
    conf_errors_print(stderr, &errors, false);
    conf_errors_free(&errors);
    free(c->text);
    if (!conf)
        exit(1);
    return conf;
}

#endif
