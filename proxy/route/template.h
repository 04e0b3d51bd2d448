/*
 * Templates filled in (conf/template.h): what the variables stand for is looked up, made safe for the place where the
 * text goes, and put together with the template's own text.
 */
#ifndef ROUTE_TEMPLATE_H
#define ROUTE_TEMPLATE_H

#include "conf.h"
#include "http/span.h"
#include "runtime/memory.h"

/* Where the text goes. The template's own text is taken as it is; what variables bring is made harmless there. */
enum template_place {
    TEMPLATE_FIELD, /* a header field's value: bytes that no field can hold become '?' */
    TEMPLATE_URI,   /* a URI or a part of one: what is no URI already is percent-encoded */
    TEMPLATE_TEXT,  /* anywhere that any byte is right */
    TEMPLATE_HTML,  /* escaped as text and as the value of a quoted attribute */
    TEMPLATE_JSON,  /* escaped as the inside of a string */
};

/* What a variable stands for, in a span that lives as long as the memory that the template is filled into; empty when
 * there is nothing. 0 or -ENOMEM. */
typedef int (*template_lookup)(void *context, const struct conf_part *part, struct span *value);

/* 0 and *out; -ENOMEM; -EMSGSIZE if it gets longer than MEMORY_MOST. A field's value comes without blanks at its ends.
 * Costs no memory where there is nothing to put together. */
int template_fill(const struct conf_template *t, enum template_place place, template_lookup lookup,
                  void *context, struct memory *memory, struct span *out);

/* "%41+b" to "A b": a name or a value of a query, decoded into the memory; what is no encoding stays as it is.
 * 0 or -ENOMEM. */
int template_decode(struct span text, struct memory *memory, struct span *out);

#endif
