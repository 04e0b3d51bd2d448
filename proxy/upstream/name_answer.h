/*
 * What a server's name stands for: the hosts that its records give. An answer is counted and never changed once made,
 * so that threads can share it. The addresses of both families that a host may have are kept together, to be tried
 * beside one another (RFC 8305): otherwise a family that leads nowhere would make half of the servers fail.
 */
#ifndef UPSTREAM_NAME_ANSWER_H
#define UPSTREAM_NAME_ANSWER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <green.h>

#define NAME_MEMBERS_MAX 256 /* of one answer: more are left away */

/* A host. */
struct name_member {
    green_address_t
        addresses[2]; /* one of each family at most, in the order to try them; port 0: as configured */
    unsigned address_count;
    unsigned tier;   /* SRV: its priority's place in the order of priorities, from 0 */
    unsigned weight; /* SRV: 1 to 256; 0: as configured */
};

struct name_answer {
    atomic_uint references;
    int error; /* why there are no members */
    size_t count;
    struct name_member members[]; /* sorted by address, so that answers can be compared */
};

/* Asks for the addresses of a host, or of the hosts that serve `name` (a service: "_http._tcp.example.org") by their SRV
 * records. 0, *out with one reference, and in *expires when the records say to ask again; or an error. May switch. */
int name_answer_ask(const char *name, bool service, struct name_answer **out, green_time *expires,
                    green_time deadline) GREEN_MUST_CHECK;

/* An answer without members. NULL: no memory. */
struct name_answer *name_answer_failed(int error);

/* The same hosts, in the same way. */
bool name_answer_same(const struct name_answer *a, const struct name_answer *b);

/* How many of a's hosts b has not. */
size_t name_answer_without(const struct name_answer *a, const struct name_answer *b);

bool name_member_same_host(const struct name_member *a, const struct name_member *b);

/* For addresses that have none. */
void name_member_set_port(struct name_member *m, int port);

struct name_answer *name_answer_hold(struct name_answer *a);
void name_answer_release(struct name_answer *a); /* NULL is fine */

#endif
