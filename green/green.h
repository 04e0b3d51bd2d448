/*
 * libgreen: greenlets for C. This is the only header an application needs; it pulls in the public headers, each
 * of which documents its functions: what they do, units, ownership, errors, and whether they can switch greenlets.
 *
 *     static void *greet(void *who)
 *     {
 *         green_sleep(GREEN_MS(100));
 *         printf("hello, %s\n", (const char *)who);
 *         return NULL;
 *     }
 *
 *     int main(void)
 *     {
 *         green_t *a = green_spawn(greet, "one"), *b = green_spawn(greet, "two");
 *         green_join(a, GREEN_FOREVER);
 *         green_join(b, GREEN_FOREVER);
 *         green_release(a);
 *         green_release(b);
 *     }
 *
 * Conventions: results >= 0 are good, < 0 are negative errno values or a GREEN_E* code (core/error.h). A call that
 * "may switch" can let other greenlets of this thread run before it returns; every such call takes an absolute
 * deadline last (core/time.h) and can return, besides what it lists itself:
 *     -ETIMEDOUT  its deadline passed, or an enclosing green_timeout_t fired (green_timeout_fired() tells)
 *     -ECANCELED  the calling greenlet was cancelled (sticky: every call that would wait returns it from then on)
 *     -EAGAIN     GREEN_NOWAIT was given and it would have had to wait
 *     -EPERM      it was called inside the hub (a callback), where nothing may wait
 *     -EDEADLK    only in a thread's main greenlet: nothing is left that could ever wake it
 * All other calls never switch.
 */
#ifndef GREEN_GREEN_H
#define GREEN_GREEN_H

#include "core/error.h"
#include "core/time.h"
#include "core/hub.h"
#include "core/greenlet.h"
#include "core/join.h"
#include "core/exit.h"
#include "core/local.h"
#include "core/hook.h"
#include "core/park.h"
#include "core/waitable.h"
#include "core/timeout.h"
#include "net/address.h"
#include "net/fd.h"
#include "net/message.h"
#include "net/poll.h"
#include "net/splice.h"
#include "net/socket.h"
#include "net/udp.h"
#include "net/stream.h"
#include "net/bufio.h"
#include "net/addrinfo.h"
#include "net/dns.h"
#include "net/dns_records.h"
#include "net/tls.h"
#include "net/dial.h"
#include "net/server.h"
#include "net/datagram.h"
#include "http/fields.h"
#include "http/url.h"
#include "http/server.h"
#include "http/client.h"
#include "debug/census.h"
#include "debug/console.h"
#include "debug/dump.h"
#include "debug/monitor.h"
#include "os/fork.h"
#include "os/process.h"
#include "os/file.h"
#include "os/signal.h"
#include "sync/barrier.h"
#include "sync/channel.h"
#include "sync/condition.h"
#include "sync/event.h"
#include "sync/mutex.h"
#include "sync/once.h"
#include "sync/queue.h"
#include "sync/recursive_mutex.h"
#include "sync/result.h"
#include "sync/rwlock.h"
#include "sync/select.h"
#include "sync/semaphore.h"
#include "sync/shared_event.h"
#include "sync/shared_queue.h"
#include "sync/shared_semaphore.h"
#include "sync/waitgroup.h"
#include "pool/group.h"
#include "pool/pool.h"
#include "pool/map.h"
#include "pool/threadpool.h"
#include "pool/offload.h"

#endif
