/*
 * Reading folders. readdir(3) goes to the disk once for many entries, and does not say when: a thread of the pool for files
 * reads some ahead into a batch, which is kept beside the DIR until it is used up. Where the program stands is what
 * telldir(3) says of the entry that it got last.
 */
#include "file.h"

#include <stdlib.h>
#include <string.h>

#define BATCH   16384 /* bytes; an entry takes 24 and its name */
#define BUCKETS 64

_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64), "one dirent");

struct batch {
    struct green_node node;
    DIR *folder;
    size_t at, end;
    long position; /* of the program */
    int error;     /* that comes after what is here */
    _Alignas(struct dirent64) char entries[BATCH];
};

static struct {
    pthread_mutex_t lock;
    struct green_chain batches;
} buckets[BUCKETS] = {[0 ... BUCKETS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}};
static atomic_uint open_batches;

static unsigned bucket_of(const DIR *folder)
{
    return (unsigned)((uint64_t)(uintptr_t)folder * 0x9e3779b97f4a7c15u >> 58);
}

static struct batch *batch_of(const DIR *folder)
{
    struct batch *found = NULL;
    unsigned b = bucket_of(folder);
    if (!atomic_load_explicit(&open_batches, memory_order_relaxed))
        return NULL;
    REAL(pthread_mutex_lock)(&buckets[b].lock);
    for (struct green_node *node = buckets[b].batches.first; node && !found; node = node->next)
        if (CONTAINER_OF(node, struct batch, node)->folder == folder)
            found = CONTAINER_OF(node, struct batch, node);
    REAL(pthread_mutex_unlock)(&buckets[b].lock);
    return found;
}

static struct batch *make_batch(DIR *folder)
{
    struct batch *made = malloc(sizeof *made);
    unsigned b = bucket_of(folder);
    if (!made)
        return NULL;
    made->node = (struct green_node){0};
    made->folder = folder;
    made->at = made->end = 0;
    made->error = 0;
    made->position = REAL(telldir)(folder);
    REAL(pthread_mutex_lock)(&buckets[b].lock);
    chain_push(&buckets[b].batches, &made->node);
    REAL(pthread_mutex_unlock)(&buckets[b].lock);
    atomic_fetch_add_explicit(&open_batches, 1, memory_order_relaxed);
    return made;
}

/* What was read ahead is nothing any more. */
static void forget_batch(const DIR *folder)
{
    struct batch *old = batch_of(folder);
    unsigned b = bucket_of(folder);
    if (!old)
        return;
    REAL(pthread_mutex_lock)(&buckets[b].lock);
    chain_remove(&old->node);
    REAL(pthread_mutex_unlock)(&buckets[b].lock);
    atomic_fetch_sub_explicit(&open_batches, 1, memory_order_relaxed);
    free(old);
}

/* --- entry by entry ------------------------------------------------------------------------------------------------- */

/* 1 if there are entries in the batch now, 0 at the end of the folder, -1 and errno. */
static long fill(const long *a)
{
    struct batch *batch = (struct batch *)a[0];
    batch->at = batch->end = 0;
    while (batch->end + sizeof(struct dirent64) <= BATCH) {
        errno = 0;
        const struct dirent64 *entry = REAL(readdir64)(batch->folder);
        if (!entry) {
            batch->error = errno;
            break;
        }
        memcpy(batch->entries + batch->end, entry, entry->d_reclen);
        batch->end += entry->d_reclen;
    }
    return batch->end > 0;
}

/* The next of those that are here. */
static struct dirent64 *take(struct batch *batch)
{
    struct dirent64 *entry = (struct dirent64 *)(void *)(batch->entries + batch->at);
    batch->at += entry->d_reclen;
    batch->position = entry->d_off;
    return entry;
}

HOOK struct dirent64 *readdir64(DIR *folder)
{
    struct batch *batch = batch_of(folder);
    bool elsewhere = COOPERATIVE(FILE) && !IN_LIBUV;
    if (!batch && (!elsewhere || !(batch = make_batch(folder))))
        return REAL(readdir64)(folder);
    if (batch->at == batch->end) {
        int error = batch->error, saved = errno;
        batch->error = 0;
        if (error) {
            errno = error;
            return NULL;
        }
        long here = elsewhere ? green__file_call(fill, (const long[]){(long)batch})
                              : fill((const long[]){(long)batch});
        if (here < 0)
            return NULL;
        errno = saved;
        if (!here) {
            if (batch->error)
                errno = batch->error;
            batch->error = 0;
            return NULL;
        }
    }
    return take(batch);
}

HOOK struct dirent *readdir(DIR *folder)
{
    return (struct dirent *)readdir64(folder);
}

/* By the result and errno of readdir(3). */
static int copy_next(DIR *folder, struct dirent64 *entry, struct dirent64 **out)
{
    int saved = errno;
    errno = 0;
    const struct dirent64 *next = readdir64(folder);
    int error = next ? 0 : errno;
    errno = saved;
    if (next)
        memcpy(entry, next, next->d_reclen);
    *out = next ? entry : NULL;
    return error;
}

HOOK int readdir64_r(DIR *folder, struct dirent64 *entry, struct dirent64 **out)
{
    return COOPERATIVE(FILE) || batch_of(folder) ? copy_next(folder, entry, out)
                                                 : REAL(readdir64_r)(folder, entry, out);
}

HOOK int readdir_r(DIR *folder, struct dirent *entry, struct dirent **out)
{
    return COOPERATIVE(FILE) || batch_of(folder)
               ? copy_next(folder, (struct dirent64 *)entry, (struct dirent64 **)out)
               : REAL(readdir_r)(folder, entry, out);
}

HOOK long telldir(DIR *folder)
{
    const struct batch *batch = batch_of(folder);
    return batch ? batch->position : REAL(telldir)(folder);
}

HOOK void seekdir(DIR *folder, long position)
{
    forget_batch(folder);
    REAL(seekdir)(folder, position);
}

HOOK void rewinddir(DIR *folder)
{
    forget_batch(folder);
    REAL(rewinddir)(folder);
}

static long opendir_there(const long *a)
{
    return (long)REAL(opendir)((const char *)a[0]);
}

HOOK DIR *opendir(const char *path)
{
    if (!COOPERATIVE(FILE) || IN_LIBUV)
        return REAL(opendir)(path);
    long r = green__file_call(opendir_there, (const long[]){(long)path});
    return r == -1 ? NULL : (DIR *)r;
}

HOOK int closedir(DIR *folder)
{
    forget_batch(folder);
    return REAL(closedir)(folder);
}

/* --- whole ---------------------------------------------------------------------------------------------------------- */

/* The filter and the order are the program's and stay in the greenlet: only the reading goes elsewhere. */
struct listing {
    struct dirent64 **entries;
    size_t count;
};

static long list_there(const long *a)
{
    struct listing *listing = (struct listing *)a[2];
    return REAL(scandirat64)((int)a[0], (const char *)a[1], &listing->entries, NULL, NULL);
}

static int list(int at, const char *path, struct dirent64 ***out, int (*wanted)(const struct dirent64 *),
                int (*order)(const struct dirent64 **, const struct dirent64 **))
{
    struct listing listing = {0};
    long count = green__file_call(list_there, (const long[]){at, (long)path, (long)&listing});
    if (count < 0)
        return -1;
    for (long i = 0; i < count; i++) {
        if (!wanted || wanted(listing.entries[i]))
            listing.entries[listing.count++] = listing.entries[i];
        else
            free(listing.entries[i]);
    }
    if (order && listing.count > 1) {
        int (*compare)(const void *, const void *);
        memcpy(&compare, &order, sizeof compare);
        qsort(listing.entries, listing.count, sizeof *listing.entries, compare);
    }
    *out = listing.entries;
    return (int)listing.count;
}

HOOK int scandirat64(int at, const char *path, struct dirent64 ***out, int (*wanted)(const struct dirent64 *),
                     int (*order)(const struct dirent64 **, const struct dirent64 **))
{
    return COOPERATIVE(FILE) && !IN_LIBUV ? list(at, path, out, wanted, order)
                                          : REAL(scandirat64)(at, path, out, wanted, order);
}

HOOK int scandir64(const char *path, struct dirent64 ***out, int (*wanted)(const struct dirent64 *),
                   int (*order)(const struct dirent64 **, const struct dirent64 **))
{
    return COOPERATIVE(FILE) && !IN_LIBUV ? list(AT_FDCWD, path, out, wanted, order)
                                          : REAL(scandir64)(path, out, wanted, order);
}

/* The same under other names where there is one dirent. */
HOOK int scandirat(int at, const char *path, struct dirent ***out, int (*wanted)(const struct dirent *),
                   int (*order)(const struct dirent **, const struct dirent **))
    __attribute__((alias("scandirat64")));
HOOK int scandir(const char *path, struct dirent ***out, int (*wanted)(const struct dirent *),
                 int (*order)(const struct dirent **, const struct dirent **))
    __attribute__((alias("scandir64")));
