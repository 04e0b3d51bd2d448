/*
 * Files through the pool of threads. Calls on descriptors are listed while they are under way, so that closing one
 * neither pulls it from under a call that runs, nor lets a call that still waits for a thread hit whatever gets the
 * number next.
 */
#include "file.h"
#include "../core/internal.h"
#include "file_whole.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

struct call {
    ssize_t (*fn)(struct call *call); /* like a system call: -1 and errno */
    ssize_t result;                   /* or a negative errno */
    bool begun;
    struct green_node node; /* in open_calls.all, if it is on a descriptor */
    bool closed;            /* under open_calls.lock: fd was closed meanwhile */
    int fd, flags;
    mode_t mode;
    const char *path, *to;
    union {
        void *in;
        const void *out;
        struct stat *stat;
        char **data;
        char ***names;
    } buffer;
    size_t size, *size_out;
    off_t offset;
};

/* --- calls under way on descriptors --------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    struct green_chain all;
    size_t closed_running; /* of them: each a call that runs on a descriptor that was closed */
} open_calls = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void before_fork(void)
{
    pthread_mutex_lock(&open_calls.lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&open_calls.lock);
}

/* Nobody goes on with them here. */
static void after_fork_in_child(void)
{
    while (chain_pop(&open_calls.all))
        ;
    open_calls.closed_running = 0;
    after_fork();
}

static void once_per_process(void)
{
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static void lock_calls(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, once_per_process);
    pthread_mutex_lock(&open_calls.lock);
}

static void unlock_calls(void)
{
    pthread_mutex_unlock(&open_calls.lock);
}

static struct call *call_of(struct green_node *node)
{
    return node ? CONTAINER_OF(node, struct call, node) : NULL;
}

/* Under the lock: has fd been closed, and only waits for calls that run to end? */
static bool being_closed(int fd)
{
    if (LIKELY(!open_calls.closed_running))
        return false;
    for (struct call *c = call_of(open_calls.all.first); c; c = call_of(c->node.next))
        if (c->fd == fd && c->closed && c->begun)
            return true;
    return false;
}

static bool enlist(struct call *call)
{
    lock_calls();
    bool closed = being_closed(call->fd);
    if (!closed)
        chain_push(&open_calls.all, &call->node);
    unlock_calls();
    return !closed;
}

/* On the thread: may it begin? */
static bool begin_on_descriptor(struct call *call)
{
    lock_calls();
    bool closed = call->closed;
    call->begun = !closed;
    if (closed)
        chain_remove(&call->node);
    unlock_calls();
    return !closed;
}

/* On the thread: the last one to end closes what was closed. */
static void end_on_descriptor(struct call *call)
{
    lock_calls();
    chain_remove(&call->node);
    open_calls.closed_running -= call->closed;
    bool close_now = call->closed && !being_closed(call->fd);
    unlock_calls();
    if (close_now)
        close(call->fd); /* whoever closed it has been told 0 */
}

int green_file_close(int fd)
{
    bool running = false;
    lock_calls();
    bool closed = being_closed(fd);
    for (struct call *c = call_of(open_calls.all.first); c && !closed; c = call_of(c->node.next)) {
        if (c->fd != fd || c->closed)
            continue;
        c->closed = true;
        running |= c->begun;
        open_calls.closed_running += c->begun;
    }
    unlock_calls();
    if (closed)
        return -EBADF;
    return running || close(fd) == 0 ? 0 : -errno;
}

/* --- having them made ----------------------------------------------------------------------------------- */

static void *make(struct call *call)
{
    do
        call->result = call->fn(call);
    while (call->result < 0 && errno == EINTR);
    if (call->result < 0)
        call->result = -errno;
    return NULL;
}

static void *make_by_name(void *arg)
{
    struct call *call = arg;
    call->begun = true;
    return make(call);
}

static void *make_on_descriptor(void *arg)
{
    struct call *call = arg;
    call->result = -EBADF;
    if (begin_on_descriptor(call)) {
        make(call);
        end_on_descriptor(call);
    }
    return NULL;
}

static ssize_t by_name(struct call *call, green_time deadline)
{
    int r = green_blocking_in(green_threads_file(), make_by_name, call, NULL, deadline);
    return r < 0 && !call->begun ? r : call->result;
}

static ssize_t on_descriptor(struct call *call, green_time deadline)
{
    if (!enlist(call))
        return -EBADF;
    int r = green_blocking_in(green_threads_file(), make_on_descriptor, call, NULL, deadline);
    if (r == 0 || call->begun)
        return call->result;
    lock_calls();
    chain_remove(&call->node); /* it was taken back */
    unlock_calls();
    return r;
}

/* --- the calls ------------------------------------------------------------------------------------------ */

static ssize_t do_open(struct call *c)
{
    return open(c->path, c->flags | O_CLOEXEC, c->mode);
}

static ssize_t do_read(struct call *c)
{
    return read(c->fd, c->buffer.in, c->size);
}

static ssize_t do_write(struct call *c)
{
    return write(c->fd, c->buffer.out, c->size);
}

static ssize_t do_pread(struct call *c)
{
    return pread(c->fd, c->buffer.in, c->size, c->offset);
}

static ssize_t do_pwrite(struct call *c)
{
    return pwrite(c->fd, c->buffer.out, c->size, c->offset);
}

static ssize_t do_fsync(struct call *c)
{
    return fsync(c->fd);
}

static ssize_t do_fdatasync(struct call *c)
{
    return fdatasync(c->fd);
}

static ssize_t do_ftruncate(struct call *c)
{
    return ftruncate(c->fd, c->offset);
}

static ssize_t do_fstat(struct call *c)
{
    return fstat(c->fd, c->buffer.stat);
}

static ssize_t do_stat(struct call *c)
{
    return stat(c->path, c->buffer.stat);
}

static ssize_t do_rename(struct call *c)
{
    return rename(c->path, c->to);
}

static ssize_t do_unlink(struct call *c)
{
    return unlink(c->path);
}

static ssize_t do_mkdir(struct call *c)
{
    return mkdir(c->path, c->mode);
}

static ssize_t do_rmdir(struct call *c)
{
    return rmdir(c->path);
}

static ssize_t do_list(struct call *c)
{
    return green__list_directory(c->path, c->buffer.names, c->size);
}

static ssize_t do_load(struct call *c)
{
    return green__load_file(c->path, c->buffer.data, c->size_out, c->size);
}

static ssize_t do_save(struct call *c)
{
    return green__save_file(c->path, c->buffer.out, c->size, c->mode);
}

int green_file_open(const char *path, int flags, mode_t mode, green_time deadline)
{
    return (int)by_name(&(struct call){.fn = do_open, .path = path, .flags = flags, .mode = mode}, deadline);
}

ssize_t green_file_read(int fd, void *buffer, size_t size, green_time deadline)
{
    return on_descriptor(&(struct call){.fn = do_read, .fd = fd, .buffer.in = buffer, .size = size},
                         deadline);
}

ssize_t green_file_write(int fd, const void *buffer, size_t size, green_time deadline)
{
    return on_descriptor(&(struct call){.fn = do_write, .fd = fd, .buffer.out = buffer, .size = size},
                         deadline);
}

ssize_t green_file_pread(int fd, void *buffer, size_t size, off_t offset, green_time deadline)
{
    return on_descriptor(
        &(struct call){.fn = do_pread, .fd = fd, .buffer.in = buffer, .size = size, .offset = offset},
        deadline);
}

ssize_t green_file_pwrite(int fd, const void *buffer, size_t size, off_t offset, green_time deadline)
{
    return on_descriptor(
        &(struct call){.fn = do_pwrite, .fd = fd, .buffer.out = buffer, .size = size, .offset = offset},
        deadline);
}

int green_file_fsync(int fd, green_time deadline)
{
    return (int)on_descriptor(&(struct call){.fn = do_fsync, .fd = fd}, deadline);
}

int green_file_fdatasync(int fd, green_time deadline)
{
    return (int)on_descriptor(&(struct call){.fn = do_fdatasync, .fd = fd}, deadline);
}

int green_file_ftruncate(int fd, off_t length, green_time deadline)
{
    return (int)on_descriptor(&(struct call){.fn = do_ftruncate, .fd = fd, .offset = length}, deadline);
}

int green_file_fstat(int fd, struct stat *out, green_time deadline)
{
    return (int)on_descriptor(&(struct call){.fn = do_fstat, .fd = fd, .buffer.stat = out}, deadline);
}

int green_file_stat(const char *path, struct stat *out, green_time deadline)
{
    return (int)by_name(&(struct call){.fn = do_stat, .path = path, .buffer.stat = out}, deadline);
}

int green_file_rename(const char *from, const char *to, green_time deadline)
{
    return (int)by_name(&(struct call){.fn = do_rename, .path = from, .to = to}, deadline);
}

int green_file_unlink(const char *path, green_time deadline)
{
    return (int)by_name(&(struct call){.fn = do_unlink, .path = path}, deadline);
}

int green_file_mkdir(const char *path, mode_t mode, green_time deadline)
{
    return (int)by_name(&(struct call){.fn = do_mkdir, .path = path, .mode = mode}, deadline);
}

int green_file_rmdir(const char *path, green_time deadline)
{
    return (int)by_name(&(struct call){.fn = do_rmdir, .path = path}, deadline);
}

int green_file_list(const char *path, char ***names, size_t most, green_time deadline)
{
    *names = NULL;
    return (int)by_name(&(struct call){.fn = do_list, .path = path, .buffer.names = names, .size = most},
                        deadline);
}

int green_file_load(const char *path, char **data, size_t *size, size_t limit, green_time deadline)
{
    *data = NULL;
    *size = 0;
    return (int)by_name(
        &(struct call){.fn = do_load, .path = path, .buffer.data = data, .size_out = size, .size = limit},
        deadline);
}

int green_file_save(const char *path, const void *data, size_t size, mode_t mode, green_time deadline)
{
    return (int)by_name(
        &(struct call){.fn = do_save, .path = path, .buffer.out = data, .size = size, .mode = mode},
        deadline);
}
