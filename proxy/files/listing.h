/* What is in a folder, as a page of HTML. */
#ifndef FILES_LISTING_H
#define FILES_LISTING_H

#include "files/search.h"
#include "http/exchange.h"

/* Answers with a list of the folder that was found and opened; its descriptor is used up. 0; or -errno, and no answer
 * was begun. May switch. */
int listing_answer(struct exchange *x, struct files_search *search);

/* The page for an open folder (the descriptor is used up): malloc'ed text, its length in *n; or NULL and errno. `path`
 * is what clients know the folder by. Names that start with a dot are in it only if `dotfiles`; devices, fifos and
 * sockets never are. Blocking code for any thread. */
char *listing_page(int folder, struct span path, bool dotfiles, size_t *n);

#endif
