/*
 * Finding the file that answers a request: the one of that name, an index, a compressed sibling, or what stands in for
 * what is not there. Blocking code without sockets, for any thread; see beneath.h for what `at_hand` means.
 */
#ifndef FILES_SEARCH_H
#define FILES_SEARCH_H

#include <sys/stat.h>

#include "conf.h"
#include "files/name.h"
#include "http/coding.h"

enum files_found {
    FILES_FILE,
    FILES_WITHOUT_SLASH, /* a folder by a name without the slash; nothing is open */
    FILES_FOLDER,        /* a folder to be listed */
    FILES_NO_ROOT,       /* with -ENOENT: not even the root */
};

struct files_search {
    const struct conf_files *conf;
    char asked[FILES_NAME_MAX + 1];
    size_t asked_length;
    bool asked_folder;         /* with a slash at its end */
    struct http_codings takes; /* what the client takes; none unless `precompressed` */
    /* what was found */
    enum files_found found;
    char name[FILES_NAME_MAX + 1]; /* not that of a sibling */
    size_t length;
    bool folder;
    int fd; /* the caller's; -1: none */
    struct stat is;
    enum http_coding coding; /* of the file */
};

/* 0, and what was found; or -errno: -EAGAIN: not all that it takes to know is at hand; -ENOENT, -ENOTDIR: nothing
 * there; -EACCES; -EXDEV, -ELOOP: not within the root. After -EAGAIN it may be called again. */
int files_search(struct files_search *s, bool at_hand);

#endif
