/* What a route says about the files that it serves. */
#ifndef CONF_FILES_H
#define CONF_FILES_H

/* A folder's path, or a name within it: without a '/' at either end, but for the start of an absolute path. */
struct conf_file {
    CONF_WRITTEN;
    const char *text;
};

/* A value for a field of an answer, as it is. */
struct conf_field_value {
    CONF_WRITTEN;
};

struct conf_files {
    struct conf_file root;                             /* not set: the route serves no files */
    CONF_LIST(struct conf_file, indexes, index_count); /* none: CONF_FILES_INDEX */
    struct conf_file fallback;                         /* served where nothing is found */
    int list, dotfiles, precompressed;                 /* on: 1 */
    struct conf_field_value cache_control;
};

#define CONF_FILES_INDEX "index.html"

#endif
