/*
 * A run of bytes inside somebody else's buffer: pointer and length, no terminating NUL, nothing owned.
 * Everything in the message code is said in spans. All functions here are pure and never read past p + n.
 */
#ifndef HTTP_SPAN_H
#define HTTP_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *p; /* may be NULL when n is 0 */
    size_t n;
};

/* A span over a string literal. */
#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})

static inline struct span span_of(const char *p, size_t n)
{
    return (struct span){p, n};
}

/* A span over a NUL-terminated string; NULL gives the empty span. */
static inline struct span span_str(const char *s)
{
    return (struct span){s, s ? strlen(s) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char span_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* ASCII case-insensitive; no locale. */
static inline bool span_equal_nocase(struct span a, struct span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (span_lower(a.p[i]) != span_lower(b.p[i]))
            return false;
    return true;
}

static inline bool span_starts_nocase(struct span s, struct span prefix)
{
    return s.n >= prefix.n && span_equal_nocase(span_of(s.p, prefix.n), prefix);
}

/* A string of it, in `size` bytes (5 at least); what does not fit ends in "...". */
static inline void span_copy(char *out, size_t size, struct span text)
{
    bool fits = text.n < size;
    size_t n = fits ? text.n : size - 4;
    if (n)
        memcpy(out, text.p, n);
    memcpy(out + n, fits ? "" : "...", fits ? 1 : 4);
}

/* Without the OWS (SP, HTAB) at both ends (RFC 9110 section 5.6.3). */
static inline struct span span_trim(struct span s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/*
 * Walks the elements of a comma-separated list: takes the next non-empty element off *list, trimmed, into
 * *element; false at the end. Quoted strings are not looked into: meant for lists of tokens.
 */
static inline bool span_next_element(struct span *list, struct span *element)
{
    while (list->n) {
        const char *comma = memchr(list->p, ',', list->n);
        size_t n = comma ? (size_t)(comma - list->p) : list->n;
        size_t step = comma ? n + 1 : n;
        *element = span_trim(span_of(list->p, n));
        list->p += step;
        list->n -= step;
        if (element->n)
            return true;
    }
    return false;
}

/* Is token (any case) an element of the comma-separated list? */
static inline bool span_has_token(struct span list, struct span token)
{
    struct span element;
    while (span_next_element(&list, &element))
        if (span_equal_nocase(element, token))
            return true;
    return false;
}

/* 1*DIGIT and nothing else, no wrap-around: false when s is not that or does not fit. */
static inline bool span_decimal(struct span s, uint64_t *value)
{
    uint64_t v = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *value = v;
    return true;
}

#endif
