/*
 * Loading a configuration.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "conf.h"
#include "errors.h"

#include <stddef.h>

/*
 * The configuration in a file and the files that it includes, or NULL when anything at all is wrong. errors
 * starts out zeroed and then holds every error and warning; the caller frees it with conf_errors_free() in
 * either case. A configuration that loads may still have warnings.
 */
struct conf *conf_load(const char *path, struct conf_errors *errors);

/* The same for n bytes of text; `name` stands for the file in errors. Text cannot include files. */
struct conf *conf_load_text(const char *name, const char *text, size_t n, struct conf_errors *errors);

/* Frees a configuration and everything it points to. NULL is fine. */
void conf_free(struct conf *conf);

/* Where the value of a key came from; line 0 with the file "default" if nobody set it. A value inherited from
 * a wider section has the place in that section. `key` must be one of that section's keys. */
struct conf_origin conf_origin_of(const struct conf *conf, const char *key);
struct conf_origin conf_listener_origin(const struct conf_listener *listener, const char *key);
struct conf_origin conf_route_origin(const struct conf_route *route, const char *key);
struct conf_origin conf_upstream_origin(const struct conf_upstream *upstream, const char *key);

#endif
