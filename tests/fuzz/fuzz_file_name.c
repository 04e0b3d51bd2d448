/* Any bytes as a path, normalised or not: a name of a file is relative, plain, and leads nowhere but down. */
#include <stdint.h>
#include <stdlib.h>

#include "files/name.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check(struct span path, bool dotfiles)
{
    static char name[FILES_NAME_MAX + 1];
    bool folder = false, first = true;
    int n = files_name(path, dotfiles, name, &folder);

    if (n < 0)
        return;
    expect((size_t)n == strlen(name) && (!n || name[n - 1] != '/'));
    for (const char *p = name; n && p; first = false) {
        size_t length = strcspn(p, "/");
        struct span segment = span_of(p, length);

        expect(length > 0 && !span_equal(segment, SPAN(".")) && !span_equal(segment, SPAN("..")));
        expect(dotfiles || *p != '.' || (first && span_equal(segment, SPAN(".well-known"))));
        for (size_t i = 0; i < length; i++)
            expect((unsigned char)p[i] >= ' ' && p[i] != 0x7f && p[i] != '\\');
        p = p[length] ? p + length + 1 : NULL;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char normalised[65536];
    struct span path = span_of((const char *)data, size);
    int n = size ? http_path_normalise(path, 0, normalised, sizeof(normalised)) : -1;

    for (int dotfiles = 0; dotfiles < 2; dotfiles++) {
        check(path, dotfiles);
        if (n > 0)
            check(span_of(normalised, (size_t)n), dotfiles);
    }
    return 0;
}
