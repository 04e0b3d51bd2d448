/* Names of files (name.h). */
#include "files/name.h"

#include <errno.h>

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One segment, decoded; its length or an error. */
static int decode(struct span segment, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < segment.n; i++) {
        unsigned char c = (unsigned char)segment.p[i];

        if (c == '%') { /* in upper case, as normalising leaves it */
            int high = i + 2 < segment.n ? hex(segment.p[i + 1]) : -1;
            int low = high < 0 ? -1 : hex(segment.p[i + 2]);
            if (low < 0)
                return -ENOENT;
            c = (unsigned char)(high * 16 + low);
            i += 2;
        }
        if (c < ' ' || c == 0x7f || c == '/' || c == '\\')
            return -ENOENT;
        if (n == room)
            return -ENAMETOOLONG;
        out[n++] = (char)c;
    }
    return (int)n;
}

static bool refused(struct span segment, bool first, bool dotfiles)
{
    if (!segment.n || span_equal(segment, SPAN(".")) || span_equal(segment, SPAN("..")))
        return true;
    if (segment.p[0] != '.' || dotfiles)
        return false;
    return !first || !span_equal(segment, SPAN(".well-known"));
}

int files_name(struct span path, bool dotfiles, char out[static FILES_NAME_MAX + 1], bool *folder)
{
    size_t n = 0;

    if (!path.n || path.p[0] != '/')
        return -ENOENT;
    *folder = path.p[path.n - 1] == '/';
    if (*folder && path.n > 1 && path.p[path.n - 2] == '/')
        return -ENOENT;
    struct span rest = span_of(path.p + 1, path.n - 1 - (*folder && path.n > 1));
    while (rest.n) {
        const char *slash = memchr(rest.p, '/', rest.n);
        struct span segment = span_of(rest.p, slash ? (size_t)(slash - rest.p) : rest.n);
        bool first = n == 0;

        if (!first && n < FILES_NAME_MAX)
            out[n++] = '/';
        int length = decode(segment, out + n, FILES_NAME_MAX - n);
        if (length < 0)
            return length;
        if (refused(span_of(out + n, (size_t)length), first, dotfiles))
            return -ENOENT;
        n += (size_t)length;
        rest.p += segment.n + (slash != NULL);
        rest.n -= segment.n + (slash != NULL);
    }
    out[n] = 0;
    return (int)n;
}
