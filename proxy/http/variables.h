/* The variables of templates, as one exchange knows them. */
#ifndef HTTP_VARIABLES_H
#define HTTP_VARIABLES_H

#include "exchange.h"
#include "route/template.h"

/* What a variable stands for now; `exchange` is a struct exchange. For template_fill(). */
int exchange_variable(void *exchange, const struct conf_part *part, struct span *value);

/* template_fill() for an exchange, into its memory. */
static inline int exchange_fill(struct exchange *x, const struct conf_template *t, enum template_place place,
                                struct span *out)
{
    return template_fill(t, place, exchange_variable, x, &x->memory, out);
}

#endif
