/*
 * What may be done with the bodies that pass: coding responses, keeping requests until they are complete.
 */
#ifndef CONF_BODIES_H
#define CONF_BODIES_H

/* Included by conf.h, which defines CONF_WRITTEN and CONF_LIST. */

enum conf_coding_name { CONF_CODING_OFF, CONF_CODING_GZIP, CONF_CODING_BR, CONF_CODING_ZSTD };

/* A content coding to offer: "gzip", "br level=5"; or "off" alone. */
struct conf_coding {
    CONF_WRITTEN;
    enum conf_coding_name coding;
    int level;
};

/* Media types: "text/html", "text/" and anything, "application/" anything "+json". Lower case. */
struct conf_media_type {
    CONF_WRITTEN;
    const char *prefix, *suffix; /* around the wildcard; exact: all of it is the prefix */
    bool wildcard;
};

struct conf_compress {
    CONF_LIST(struct conf_coding, codings, coding_count); /* none: off, or a route's listener has them */
    CONF_LIST(struct conf_media_type, types, type_count); /* none: the usual ones */
    int64_t min_size;                                     /* of a body whose length is known */
    int private;                                          /* responses to somebody in particular too */
};

struct conf_buffering {
    int request;    /* bodies of requests are complete before a server is chosen */
    int64_t memory; /* bytes of each that stay in memory */
};

/* Is a media type, without its parameters and in any case, among them? */
bool conf_media_type_among(const struct conf_media_type *types, size_t count, const char *type, size_t n);

/* The types that are worth compressing where a configuration names none. */
extern const struct conf_media_type conf_media_types_usual[];
extern const size_t conf_media_type_usual_count;

#endif
