/* A greenlet that waits for changes, looks, and reloads (watch.h). */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>

#include "observe/error_log.h"
#include "process.h"
#include "reload.h"

/* Editors and tools write, rename and remove in a row; programs that make a file may take their time. */
#define QUIET        GREEN_MS(250) /* so long nothing may change before it is taken for finished, */
#define QUIET_MOST   GREEN_S(5)    /* unless it never comes to rest, */
#define MISSING_MOST GREEN_S(2)    /* and so long a file may be away */

/* How often to look if nothing is told; if nothing can be told. */
#define LOOK_INTERVAL  GREEN_S(10)
#define BLIND_INTERVAL GREEN_S(2)

#define CHANGES                                                                                              \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF |     \
     IN_MOVE_SELF)

/* Files, with whom they are shared: a look that is under way keeps them. */
struct files {
    unsigned references;
    struct inventory inventory;
};

struct watch {
    struct process *process;
    green_t *greenlet;
    struct files *files;          /* NULL: nothing is watched, and the greenlet ends */
    struct inventory_state state; /* when they were loaded */
    int fd;                       /* of inotify, or -1: there is none */
    bool blind;                   /* that was said */
};

static void files_release(struct files *f)
{
    if (!f || --f->references)
        return;
    inventory_free(&f->inventory);
    free(f);
}

/* --- looking --------------------------------------------------------------------------------------------------------- */

struct look {
    const struct inventory *inventory;
    struct inventory_state state;
};

static void *look_at_disk(void *arg)
{
    struct look *l = arg;
    l->state = inventory_look(l->inventory, INT64_MAX);
    return NULL;
}

/* 0; -ECANCELED: nobody wants to know any more; or another error. */
static int look(struct watch *w, struct inventory_state *out)
{
    struct files *files = w->files;
    if (!files)
        return -ECANCELED;
    struct look l = {.inventory = &files->inventory};
    files->references++;
    int r = green_blocking(look_at_disk, &l, NULL, GREEN_FOREVER);
    bool same = files == w->files;
    files_release(files);
    *out = l.state;
    return r < 0 ? r : same ? 0 : -ECANCELED;
}

/* Until two looks in a row see the same and no file is away that was there. Then whether anything has changed. */
static bool changed(struct watch *w)
{
    green_time began = green_now();
    struct inventory_state before, now;
    if (look(w, &now) < 0 || now.hash == w->state.hash)
        return false;
    do {
        before = now;
        if (green_sleep(QUIET) < 0 || look(w, &now) < 0)
            return false;
    } while ((now.hash != before.hash && green_now() - began < QUIET_MOST) ||
             (now.missing > w->state.missing && green_now() - began < MISSING_MOST));
    bool other = now.hash != w->state.hash;
    w->state = now;
    return other;
}

/* --- waiting --------------------------------------------------------------------------------------------------------- */

/* What is told says only that it is time to look. More will come: that is waited for before. 0, or an error. */
static int wait_for_changes(struct watch *w)
{
    char events[4096];
    if (w->fd < 0)
        return green_sleep(BLIND_INTERVAL);
    ssize_t n = green_read(w->fd, events, sizeof events, green_in(LOOK_INTERVAL));
    if (n == -ETIMEDOUT)
        return 0;
    return n == -ECANCELED ? -ECANCELED : green_sleep(QUIET);
}

static void *watch(void *arg)
{
    struct watch *w = arg;
    while (w->files && !w->process->told) {
        if (!changed(w)) {
            if (wait_for_changes(w) < 0)
                break;
            continue;
        }
        error_log(LOG_LEVEL_NOTICE, "files of the configuration have changed");
        if (reload(w->process, false, NULL) == -ECANCELED)
            break;
    }
    return NULL;
}

static void watch_folder(void *arg, const char *folder)
{
    struct watch *w = arg;
    if (w->fd >= 0 && inotify_add_watch(w->fd, folder, CHANGES) < 0 && errno == ENOSPC && !w->blind) {
        w->blind = true;
        error_log(LOG_LEVEL_WARNING,
                  "watch: cannot be told of changes in %s, and looks now and then (see sysctl fs.inotify)",
                  folder);
    }
}

/* Watches are made anew each time: links may lead elsewhere. Closing wakes who reads. */
static void open_watches(struct watch *w)
{
    if (w->fd >= 0)
        green_close(w->fd);
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0 && !w->blind)
        error_log(LOG_LEVEL_WARNING, "watch: cannot be told of changes, and looks every two seconds: %s",
                  green_strerror(-errno));
    w->blind = w->fd < 0;
    inventory_folders(&w->files->inventory, watch_folder, w);
}

/* --- following ------------------------------------------------------------------------------------------------------- */

static void stop(struct watch *w)
{
    files_release(w->files);
    w->files = NULL;
    if (w->fd >= 0)
        green_close(w->fd);
    w->fd = -1;
}

/* Takes the inventory over. */
static int set_files(struct watch *w, struct inventory *inventory, struct inventory_state state)
{
    struct files *files = calloc(1, sizeof *files);
    if (!files || inventory->no_memory) {
        free(files);
        inventory_free(inventory);
        return -ENOMEM;
    }
    *files = (struct files){.references = 1, .inventory = *inventory};
    *inventory = (struct inventory){.items = NULL};
    files_release(w->files);
    w->files = files;
    w->state = state;
    return 0;
}

static int start(struct watch *w)
{
    if (w->greenlet && !green_done(w->greenlet))
        return 0;
    if (w->greenlet)
        green_release(w->greenlet);
    w->greenlet = green_spawn(watch, w);
    return w->greenlet ? 0 : -ENOMEM;
}

void watch_follow(struct process *p, bool on, struct inventory *inventory, struct inventory_state state)
{
    struct watch *w = p->watch;
    if (!on) {
        inventory_free(inventory);
        if (w)
            stop(w);
        return;
    }
    if (!w && (w = p->watch = calloc(1, sizeof *w)))
        *w = (struct watch){.process = p, .fd = -1};
    int r = w ? set_files(w, inventory, state) : -ENOMEM;
    if (r == 0)
        open_watches(w);
    if (r == 0)
        r = start(w);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot watch the configuration: %s", green_strerror(r));
}

struct beginning {
    const struct conf *conf;
    struct inventory inventory;
    struct inventory_state state;
};

static void *take_stock(void *arg)
{
    struct beginning *b = arg;
    inventory_add_sources(&b->inventory, b->conf->sources, b->conf->source_count);
    inventory_add_files(&b->inventory, b->conf);
    b->state = inventory_look(&b->inventory, b->conf->read_at);
    return NULL;
}

void watch_begin(struct process *p)
{
    struct beginning b = {.conf = p->snapshot->conf};
    if (!p->path || !b.conf->reload.watch)
        return;
    int r = green_blocking(take_stock, &b, NULL, GREEN_FOREVER);
    if (r < 0)
        b.inventory.no_memory = true;
    watch_follow(p, true, &b.inventory, b.state);
}

void watch_end(struct process *p)
{
    struct watch *w = p->watch;
    if (!w)
        return;
    stop(w);
    if (w->greenlet && green_kill(w->greenlet, GREEN_FOREVER) == 0)
        green_release(w->greenlet);
    free(w);
    p->watch = NULL;
}
