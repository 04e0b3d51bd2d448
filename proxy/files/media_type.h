/* What a file is, by its name. */
#ifndef FILES_MEDIA_TYPE_H
#define FILES_MEDIA_TYPE_H

#include "http/span.h"

/* The Content-Type for a file of that name, by its extension in any case; text is said to be UTF-8.
 * "application/octet-stream" for what is not known. */
struct span media_type(struct span name);

#endif
