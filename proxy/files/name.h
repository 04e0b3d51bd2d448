/*
 * From the path of a request to the name of a file below a folder. What could mean anything but the one file that it
 * plainly names is no name here.
 */
#ifndef FILES_NAME_H
#define FILES_NAME_H

#include "http/span.h"

#define FILES_NAME_MAX 4095 /* as PATH_MAX has it */

/*
 * path: normalised (http_path_normalise()), starting with a '/'. Writes the decoded name, relative and with a NUL behind
 * it; "" for the folder itself, and no '/' at its end, where *folder tells whether there was one. Returns its length.
 *
 * -ENOENT: nothing goes by this name. It has an empty segment (a route's rules for /a/b would not have seen //a/b), a
 * '.' or '..', an encoded slash or backslash or control character; or a hidden segment, one that starts with a dot,
 * unless `dotfiles`. /.well-known (RFC 8615) is never hidden. -ENAMETOOLONG: does not fit FILES_NAME_MAX.
 */
int files_name(struct span path, bool dotfiles, char out[static FILES_NAME_MAX + 1], bool *folder);

#endif
