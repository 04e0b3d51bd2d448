/* Files that are there or not (presence.h): a list, for there are few. */
#include "presence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <green.h>

struct presence {
    struct presence *next;
    green_time due; /* when to look again */
    bool there;
    char path[];
};

static struct presence *find(struct presence **list, const char *path)
{
    size_t size = strlen(path) + 1;
    for (struct presence *p = *list; p; p = p->next)
        if (strcmp(p->path, path) == 0)
            return p;
    struct presence *p = calloc(1, sizeof *p + size);
    if (!p)
        return NULL;
    memcpy(p->path, path, size);
    p->next = *list;
    *list = p;
    return p;
}

bool presence_of(struct presence **list, const char *path)
{
    struct stat st;
    struct presence *p = find(list, path);
    if (!p)
        return false;
    if (green_turn_time() < p->due)
        return p->there;
    p->due = green_turn_time() + GREEN_S(1);
    int r = green_file_stat(p->path, &st, green_in(GREEN_S(5)));
    if (r == 0 || r == -ENOENT || r == -ENOTDIR)
        p->there = r == 0;
    return p->there;
}

void presences_free(struct presence **list)
{
    while (*list) {
        struct presence *p = *list;
        *list = p->next;
        free(p);
    }
}
