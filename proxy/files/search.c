/* Finding files (search.h). */
#include "files/search.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "files/beneath.h"

struct walk {
    struct files_search *s;
    int root;
    bool at_hand;
};

static bool missing(int error)
{
    return error == -ENOENT || error == -ENOTDIR;
}

/* What the present name leads to, opened and looked at: an error, or 0. Devices, fifos and sockets are not there. */
static int look(const struct walk *w, int *fd, struct stat *is)
{
    *fd = beneath_open(w->root, w->s->name, w->at_hand);
    if (*fd == -ENXIO || *fd == -ENODEV)
        return -ENOENT;
    if (*fd < 0)
        return *fd;
    int r = fstat(*fd, is) < 0 ? -errno : S_ISREG(is->st_mode) || S_ISDIR(is->st_mode) ? 0 : -ENOENT;
    if (r < 0) {
        close(*fd);
        *fd = -1;
    }
    return r;
}

/* The name with something behind it; false: it does not fit. */
static bool append(struct files_search *s, const char *separator, const char *text)
{
    size_t n = strlen(separator), m = strlen(text);
    if (FILES_NAME_MAX - s->length < n + m)
        return false;
    memcpy(s->name + s->length, separator, n);
    memcpy(s->name + s->length + n, text, m + 1);
    return true;
}

/* The first sibling that is there takes the file's place. */
static int choose_sibling(const struct walk *w)
{
    static const char *const suffixes[HTTP_CODINGS] = {".br", ".zst", ".gz"};
    struct files_search *s = w->s;
    int r = -ENOENT;
    for (unsigned i = 0; i < s->takes.count && r != 0; i++) {
        struct stat is;
        int fd;
        if (!append(s, "", suffixes[s->takes.list[i]]))
            continue;
        r = look(w, &fd, &is);
        s->name[s->length] = 0;
        if (r == -EAGAIN)
            return r;
        if (r < 0)
            continue; /* it is only a wish */
        if (!S_ISREG(is.st_mode)) {
            close(fd);
            r = -ENOENT;
            continue;
        }
        close(s->fd);
        s->fd = fd;
        s->is = is;
        s->coding = s->takes.list[i];
    }
    return 0;
}

static int take_file(const struct walk *w)
{
    w->s->found = FILES_FILE;
    w->s->coding = HTTP_CODING_NONE;
    return choose_sibling(w);
}

/* An index, or else the folder itself if its list may be seen. */
static int find_in_folder(const struct walk *w)
{
    static const struct conf_file usual = {.text = CONF_FILES_INDEX};
    struct files_search *s = w->s;
    const struct conf_file *indexes = s->conf->index_count ? s->conf->indexes : &usual;
    size_t count = s->conf->index_count ? s->conf->index_count : 1, length = s->length;
    for (size_t i = 0; i < count; i++) {
        if (!append(s, s->length ? "/" : "", indexes[i].text))
            continue;
        int r = look(w, &s->fd, &s->is);
        if (r == 0 && S_ISREG(s->is.st_mode)) {
            s->length = strlen(s->name);
            return take_file(w);
        }
        s->name[length] = 0;
        if (r == 0)
            close(s->fd);
        s->fd = -1;
        if (r < 0 && !missing(r))
            return r;
    }
    if (!s->conf->list)
        return -ENOENT;
    int r = look(w, &s->fd, &s->is);
    if (r == 0 && !S_ISDIR(s->is.st_mode)) {
        close(s->fd);
        r = -ENOTDIR;
    }
    s->found = FILES_FOLDER;
    return r;
}

static int find(const struct walk *w)
{
    struct files_search *s = w->s;
    if (s->folder)
        return find_in_folder(w);
    int r = look(w, &s->fd, &s->is);
    if (r < 0)
        return r;
    if (S_ISREG(s->is.st_mode))
        return take_file(w);
    close(s->fd);
    s->fd = -1;
    s->found = FILES_WITHOUT_SLASH;
    return 0;
}

static void start(struct files_search *s, const char *name, size_t length, bool folder)
{
    memcpy(s->name, name, length + 1);
    s->length = length;
    s->folder = folder;
}

static int find_fallback(const struct walk *w)
{
    const char *name = w->s->conf->fallback.text;
    if (strlen(name) > FILES_NAME_MAX)
        return -ENAMETOOLONG;
    start(w->s, name, strlen(name), false);
    int r = find(w);
    return r == 0 && w->s->found != FILES_FILE ? -ENOENT : r;
}

int files_search(struct files_search *s, bool at_hand)
{
    struct walk w = {.s = s, .at_hand = at_hand};
    s->fd = -1;
    start(s, s->asked, s->asked_length, s->asked_folder);
    w.root = beneath_folder(s->conf->root.text, at_hand);
    if (w.root < 0) {
        s->found = FILES_NO_ROOT;
        return missing(w.root) ? -ENOENT : w.root;
    }
    s->found = FILES_FILE;
    int r = find(&w);
    if (missing(r) && s->conf->fallback.text)
        r = find_fallback(&w);
    close(w.root);
    if (r < 0 && s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    return r;
}
