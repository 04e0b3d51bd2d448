/*
 * The storm: very many mutated requests through a running proxy, whose server answers with mutated responses. One thread
 * plays all clients (client.c) and the server (server.c), so that it knows at any time what may be seen where.
 */
#ifndef STORM_STORM_H
#define STORM_STORM_H

#include "reference.h"

/* Something that epoll tells about. The first member of a client and of a connection of the server. */
struct watched {
    void (*ready)(struct watched *w);
    int fd;
};

struct storm {
    int epoll;
    uint16_t proxy_port;
    uint64_t state;  /* of the random numbers */
    uint32_t serial; /* of the client that was made last */
    uint64_t wanted; /* requests to send in all */
    /* what came of it */
    uint64_t sent, connections, meant, reached, answered, refused, cut, bad_answers;
};

extern struct storm storm;

/* What is known of the clients of the last while, by the serial number. */
#define STORM_RECORDS 65536
struct reference *storm_record(uint32_t serial);

void storm_watch(struct watched *w, unsigned events);

/* The proxy did what it must not do: says so, shows the bytes, and ends with status 1. */
void storm_show(const char *bytes, size_t n);
_Noreturn void storm_violation(const char *what, const char *bytes, size_t n);

/* "SERIAL.INDEX.SUM", which no accident makes valid. */
#define STORM_TOKEN_BYTES 64
void storm_token(char out[static STORM_TOKEN_BYTES], uint32_t serial, unsigned index);
bool storm_token_read(struct span token, uint32_t *serial, unsigned *index);

#define STORM_CLIENTS 64
/* Starts further clients; how many there are. Those that wait for too long are a violation. */
unsigned clients_run(void);
/* Tells what this one sends, if it is still there. */
void client_show(uint32_t serial);

/* Listens on a free port of loopback. */
uint16_t server_start(void);
void server_stop(void);

#endif
