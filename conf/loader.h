/*
 * What the parts of the loader share while one configuration loads.
 */
#ifndef CONF_LOADER_H
#define CONF_LOADER_H

#include "conf.h"
#include "errors.h"
#include "keys.h"
#include "reader.h"

#include <glob.h>
#include <sys/types.h>

#define CONF_FILE_BYTES   ((size_t)16 * 1024 * 1024)
#define CONF_FILES_MAX    1000
#define CONF_DEPTH_MAX    8
#define CONF_SECTIONS_MAX 20000

/* A section whose kind is known. */
struct conf_block {
    enum conf_kind kind;
    const char *name; /* "app" of [upstream app]; "" of a kind without names */
    const struct conf_section *section;
    size_t order; /* its place in the text */
};

/* A listener named by a route, to be looked up when all are known. */
struct conf_reference {
    const struct conf_section *section; /* where it stands */
    const char *key, *name;
    struct conf_origin origin;
    struct conf_route *route;
};

struct conf_loader {
    struct conf_arena arena; /* becomes the configuration's */
    struct conf_errors *errors;
    jmp_buf out_of_memory;

    /* Held outside of the arena while a file is read; closed whatever happens. */
    int fd;
    glob_t matches;
    bool matched;

    struct conf_block *blocks;
    size_t block_count;
    size_t file_count;
    bool incomplete; /* a section or a file was lost to an error: what is missing may be in there */

    struct conf *conf;
    struct conf_reference *references;
    size_t reference_count;
};

/* blocks.c: sections to blocks, with everything that they include. */
void conf_read_file(struct conf_loader *loader, const char *path);
void conf_read_string(struct conf_loader *loader, const char *name, const char *text, size_t n);

/* apply.c: blocks to objects. */
void conf_apply(struct conf_loader *loader);

/* check.c: what no single key can tell. */
void conf_check(struct conf_loader *loader);
void conf_check_bodies(struct conf_loader *loader); /* bodies.c */

/* mirror.c: mirrors of nothing. */
void conf_check_mirror(struct conf_loader *loader, const struct conf_route *route);

/* admin.c: pages for everybody. */
void conf_check_admin(struct conf_loader *loader);

/* check_demand.c: rate limits and trust. */
void conf_check_demands(struct conf_loader *loader);

/* files.c: keys about files where none are served. */
void conf_check_files(struct conf_loader *loader, const struct conf_route *route);

/* routes.c: what routes ask, and which of them are never reached. */
void conf_check_matches(struct conf_loader *loader);
void conf_warn_of_routes(struct conf_loader *loader);
bool conf_route_takes(const struct conf_route *route, const struct conf_listener *listener);

/* split.c: shares that make no sense together. */
void conf_check_splits(struct conf_loader *loader);
/* answers.c: no status may have two pages in a section. */
void conf_check_answers(struct conf_loader *loader);

/* header_rules.c: no section may have too many of them. */
void conf_check_header_rules(struct conf_loader *loader);

/* health.c */
void conf_check_health(struct conf_loader *loader);

/* acme.c, tls.c: the former first. */
void conf_check_acme(struct conf_loader *loader);
void conf_check_tls(struct conf_loader *loader);

/* ocsp.c: responses about nothing. */
void conf_check_ocsp(struct conf_loader *loader);

/* control.c: a group without a socket. */
void conf_check_control(struct conf_loader *loader);

/* check_authentication.c */
void conf_check_authentication(struct conf_loader *loader);

/* check_forward.c: the part of it for listeners with protocol = forward. */
void conf_check_forward(struct conf_loader *loader, const struct conf_listener *listener, const char *title);

/* The next item of a list in the text at *rest, in *item (from the arena); false at its end. No separators: it is
 * all one item. */
bool conf_next_item(struct conf_arena *arena, const char *separators, const char **rest, const char **item);

#endif
