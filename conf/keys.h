/*
 * The table of everything that can be configured. One row per key drives parsing, ranges, defaults, help, the
 * reference page and the printed configuration, so that none of them can disagree.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include "conf.h"
#include "syntax.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of sections. The first four become objects of conf.h; the others hold defaults for them. */
enum conf_kind {
    CONF_GREENWAY,
    CONF_LISTENER,
    CONF_ROUTE,
    CONF_UPSTREAM,
    CONF_LIMITS,
    CONF_TIMEOUTS,
    CONF_KINDS,
    CONF_OBJECTS = CONF_LIMITS
};

struct conf_kind_row {
    const char *name;
    const char *header; /* "[listener NAME]" or "[limits]" */
    bool named;         /* the former */
    const char *doc;
};

extern const struct conf_kind_row conf_kinds[CONF_KINDS];

enum conf_type {
    /* one value, an int64_t */
    CONF_INTEGER,
    CONF_DURATION, /* nanoseconds */
    CONF_SIZE,     /* bytes */
    CONF_RATE,     /* bytes per second */
    /* one value, otherwise */
    CONF_CHOICE, /* an enum of conf.h */
    CONF_SINK,   /* where a log goes: text */
    CONF_ONE,    /* a struct, as the row's syntax says */
    /* lists */
    CONF_MANY, /* of such structs */
    CONF_NAMES,
    CONF_FILES
};

struct conf_key {
    const char *name;
    unsigned kinds; /* where it may stand: bits 1 << enum conf_kind */
    enum conf_type type;
    bool required;
    bool action;       /* says what becomes of a route's requests: a route has exactly one of these */
    bool restart;      /* read when the process starts, and never again */
    bool http_only;    /* means nothing to a tcp listener */
    bool forward_only; /* in a listener, means nothing but to a forward proxy */
    int64_t min, max;  /* of numbers */
    const struct conf_syntax *syntax; /* of CONF_ONE and CONF_MANY */
    const char *fallback;             /* the default as text; NULL: there is none */
    const char *none;                 /* what an empty list means: "every host" */
    const char *words; /* CONF_CHOICE: the choices in the order of the enum, CONF_SINK and CONF_INTEGER: words
                          accepted beside what the type allows; separated by "|" */
    const char *doc;   /* a line */
    const char *more;  /* a paragraph */
    const char *example;
    int64_t safe_min,
        safe_max; /* outside of these a setting weakens a safe default, namely ... (0: no bound) */
    const char *weakens;
    unsigned short at
        [CONF_OBJECTS]; /* 1 + offset of the value, or of a list's pointer, within the object; 0: not there */
};

extern const struct conf_key conf_keys[];
extern const size_t conf_key_count;

/* Lists are keys that may be repeated and continued. */
static inline bool conf_key_is_list(const struct conf_key *key)
{
    return key->type >= CONF_MANY;
}

static inline bool conf_key_in(const struct conf_key *key, enum conf_kind kind)
{
    return key->kinds >> kind & 1;
}

/* Does the key, in a listener, mean anything to this protocol? */
static inline bool conf_key_means(const struct conf_key *key, enum conf_protocol protocol)
{
    return key->forward_only ? protocol == CONF_FORWARD : !key->http_only || protocol != CONF_TCP;
}

/* The row that rules `name` in a kind of section, or NULL. */
const struct conf_key *conf_key_find(enum conf_kind kind, const char *name);

/* True for a key of a wider section ([limits], ...) that this kind of object merely overrides. */
bool conf_key_inherits(const struct conf_key *key, enum conf_kind kind);

#endif
