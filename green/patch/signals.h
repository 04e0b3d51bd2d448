/*
 * Signals end the call that the main thread of the program is in, as they would without greenlets. Private to libgreen-patch.
 */
#ifndef GREEN_PATCH_SIGNALS_H
#define GREEN_PATCH_SIGNALS_H

#include "real.h"

enum interruptible {
    INTERRUPTED_NEVER,
    INTERRUPTED_ALWAYS,     /* poll(2), nanosleep(2) and the like */
    INTERRUPTED_UNRESTARTED /* read(2) and the like: unless the handler has SA_RESTART */
};

extern __thread enum interruptible green__interruptible;

/* Around a wait of the caller, which may return -EINTR. */
#define INTERRUPTIBLY(kind, call)                                                                            \
    ({                                                                                                       \
        bool is_main_ = green__hub->current == green__hub->root;                                             \
        if (is_main_) {                                                                                      \
            green__signalled = 0;                                                                            \
            green__interruptible = INTERRUPTED_##kind;                                                       \
        }                                                                                                    \
        __auto_type result_ = (call);                                                                        \
        if (is_main_)                                                                                        \
            green__interruptible = INTERRUPTED_NEVER;                                                        \
        result_;                                                                                             \
    })

#endif
