/* Text that grows: heads being written. All zeros is the empty text. Private to libgreen. */
#ifndef GREEN_HTTP_TEXT_H
#define GREEN_HTTP_TEXT_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *p;
    size_t n, size;
    bool failed; /* there was no memory for something: what is there is not all */
};

static inline void text_clear(struct text *t)
{
    t->n = 0;
    t->failed = false;
}

static inline void text_destroy(struct text *t)
{
    free(t->p);
    *t = (struct text){0};
}

static inline void text_put(struct text *t, const char *p, size_t n)
{
    if (n > t->size - t->n) {
        size_t size = t->size ? t->size : 256;
        while (size - t->n < n)
            size *= 2;
        char *larger = realloc(t->p, size);
        if (!larger) {
            t->failed = true;
            return;
        }
        t->p = larger;
        t->size = size;
    }
    if (n)
        memcpy(t->p + t->n, p, n);
    t->n += n;
}

static inline void text_add(struct text *t, const char *string)
{
    text_put(t, string, strlen(string));
}

static inline void text_number(struct text *t, unsigned long long number)
{
    char digits[24], *p = digits + sizeof digits;
    do
        *--p = (char)('0' + number % 10);
    while (number /= 10);
    text_put(t, p, (size_t)(digits + sizeof digits - p));
}

/* "Name: value" CR LF */
static inline void text_field(struct text *t, const char *name, const char *value)
{
    text_add(t, name);
    text_put(t, ": ", 2);
    text_add(t, value);
    text_put(t, "\r\n", 2);
}

#endif
