/*
 * Datagrams: UDP sockets, and many datagrams with one system call. Single ones go by green_recvfrom(), green_sendto(),
 * green_recv() and green_send() (net/message.h).
 */
#ifndef GREEN_NET_UDP_H
#define GREEN_NET_UDP_H

#include <stdbool.h>

#include "../core/error.h"
#include "../core/time.h"
#include "address.h"

/* A UDP socket bound to an address (port 0: any): descriptor or -errno. flags: GREEN_REUSEPORT, GREEN_V6ONLY. Never
 * switches. */
int green_udp_bind(const green_address_t *address, int flags) GREEN_MUST_CHECK;

/* A UDP socket that talks to one peer: green_send() without addresses, only what this peer sends is received, and when
 * nobody listens there the next call says -ECONNREFUSED. `source` is the local address, or NULL. Descriptor or -errno.
 * Never switches. */
int green_udp_connect(const green_address_t *peer, const green_address_t *source) GREEN_MUST_CHECK;

typedef struct green_packet {
    void *data;
    size_t size;          /* bytes to send, or room to receive */
    size_t received;      /* bytes that came */
    bool truncated;       /* there were more of them */
    green_address_t peer; /* whom it is for (length 0: the socket is connected), or whom it is from */
} green_packet_t;

/* Receives datagrams into up to `count` entries, waiting for the first only: how many came, at least 1. -EINVAL: count
 * is 0. Works for datagram sockets of any family. May switch. */
int green_recv_packets(int fd, green_packet_t *packets, size_t count, green_time deadline) GREEN_MUST_CHECK;

/* Sends them all, in order: 0 or the error of the first that failed; *done (may be NULL) says how many went before.
 * May switch. */
int green_send_packets(int fd, const green_packet_t *packets, size_t count, size_t *done,
                       green_time deadline) GREEN_MUST_CHECK;

#endif
