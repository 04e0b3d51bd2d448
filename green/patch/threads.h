/*
 * Threads that are greenlets. To the program they are a pthread_t like any other. Private to libgreen-patch.
 */
#ifndef GREEN_PATCH_THREADS_H
#define GREEN_PATCH_THREADS_H

#include "real.h"

#define KEY_BLOCK 32

struct thread_value {
    void *value;
    unsigned life; /* of the key, which may have been deleted and made again */
};

struct thread {
    uintptr_t mark; /* its own address, inverted: where glibc's have the address itself */
    green_t *greenlet;
    void *(*fn)(void *);
    void *arg, *result;
    char name[16];
    bool joinable; /* and the handle of the greenlet is held */
    bool done;
    bool cancelled, disabled, ending;
    __pthread_unwind_buf_t *cleanups;
    struct thread_value *values[PTHREAD_KEYS_MAX / KEY_BLOCK];
};

/* The one that calls; NULL in any other kind of thread, and in other greenlets. */
struct thread *green__thread_self(void);

/* The one that this stands for; NULL: a thread of the system. */
struct thread *green__thread_of(pthread_t thread);

/* Whether the caller is a thread that a cancellation may end. */
bool green__thread_may_end(void);

/* Ends the caller if it is one, and has been cancelled. */
void green__thread_cancellation(void);

/* What a thread leaves: the values of its keys, destroyed. */
void green__thread_values_end(struct thread *t);

/* Its function has returned, or it has called pthread_exit(3). */
void green__thread_ended(struct thread *t, void *result);

#endif
