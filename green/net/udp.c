/* UDP sockets, and batches by recvmmsg(2) and sendmmsg(2). */
#include "udp.h"

#include "fd_state.h"

#include <string.h>

#define BATCH 32 /* in one system call: what it takes must fit on a small stack */

int green_udp_bind(const green_address_t *address, int flags)
{
    int on = 1, family = address->any.sa_family;
    int fd = green_socket(family, SOCK_DGRAM, 0);
    if (fd < 0)
        return fd;
    if (((flags & GREEN_REUSEPORT) && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) ||
        (family == AF_INET6 && (flags & GREEN_V6ONLY) &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
        bind(fd, &address->any, address->length) < 0) {
        int r = -errno;
        green_close(fd);
        return r;
    }
    return fd;
}

int green_udp_connect(const green_address_t *peer, const green_address_t *source)
{
    int fd = source ? green_udp_bind(source, 0) : green_socket(peer->any.sa_family, SOCK_DGRAM, 0);
    if (fd < 0)
        return fd;
    if (connect(fd, &peer->any, peer->length) == 0)
        return fd;
    int r = -errno;
    green_close(fd);
    return r;
}

/* --- batches ------------------------------------------------------------------------------------------------------------- */

struct batch {
    struct operation operation;
    struct mmsghdr messages[BATCH];
    struct iovec iov[BATCH];
    unsigned count;
};

static void prepare(struct batch *batch, const green_packet_t *packets, size_t count)
{
    batch->count = count < BATCH ? (unsigned)count : BATCH;
    for (unsigned i = 0; i < batch->count; i++) {
        batch->iov[i] = (struct iovec){.iov_base = packets[i].data, .iov_len = packets[i].size};
        batch->messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &batch->iov[i], .msg_iovlen = 1}};
    }
}

static ssize_t attempt_receive(int fd, const struct fd_state *f, struct operation *op)
{
    struct batch *batch = CONTAINER_OF(op, struct batch, operation);
    (void)f;
    return recvmmsg(fd, batch->messages, batch->count, MSG_DONTWAIT, NULL);
}

static ssize_t attempt_send(int fd, const struct fd_state *f, struct operation *op)
{
    struct batch *batch = CONTAINER_OF(op, struct batch, operation);
    (void)f;
    return sendmmsg(fd, batch->messages, batch->count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int green_recv_packets(int fd, green_packet_t *packets, size_t count, green_time deadline)
{
    struct batch batch;
    if (!count)
        return -EINVAL;
    prepare(&batch, packets, count);
    batch.operation = (struct operation){.attempt = attempt_receive};
    for (unsigned i = 0; i < batch.count; i++) {
        memset(&packets[i].peer, 0, sizeof packets[i].peer);
        batch.messages[i].msg_hdr.msg_name = &packets[i].peer.any;
        batch.messages[i].msg_hdr.msg_namelen = sizeof packets[i].peer.un;
    }
    int n = (int)green__fd_perform(fd, FD_READ, &batch.operation, deadline);
    for (int i = 0; i < n; i++) {
        packets[i].received = batch.messages[i].msg_len;
        packets[i].truncated = batch.messages[i].msg_hdr.msg_flags & MSG_TRUNC;
        packets[i].peer.length = batch.messages[i].msg_hdr.msg_namelen;
    }
    return n;
}

static void address_messages(struct batch *batch, const green_packet_t *packets)
{
    for (unsigned i = 0; i < batch->count; i++)
        if (packets[i].peer.length) {
            batch->messages[i].msg_hdr.msg_name = (void *)(uintptr_t)&packets[i].peer.any;
            batch->messages[i].msg_hdr.msg_namelen = packets[i].peer.length;
        }
}

int green_send_packets(int fd, const green_packet_t *packets, size_t count, size_t *done, green_time deadline)
{
    struct batch batch;
    size_t at = 0;
    ssize_t n = 0;
    while (at < count && n >= 0) {
        prepare(&batch, packets + at, count - at);
        batch.operation = (struct operation){.attempt = attempt_send};
        address_messages(&batch, packets + at);
        n = green__fd_perform(fd, FD_WRITE, &batch.operation, deadline);
        if (n > 0)
            at += (size_t)n;
    }
    if (done)
        *done = at;
    return n < 0 ? (int)n : 0;
}
