/*
 * The name server of the resolver's tests: a thread on a free port of 127.0.0.1, UDP and TCP, which answers
 * by the name asked for and counts. It is meant to misbehave: every oddity has a name (see `names`). Whole in
 * a header, so that a test is one file to compile.
 */
#ifndef TESTS_NAME_SERVER_H
#define TESTS_NAME_SERVER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TYPE_A     1
#define TYPE_CNAME 5
#define TYPE_PTR   12
#define TYPE_MX    15
#define TYPE_TXT   16
#define TYPE_AAAA  28
#define TYPE_SRV   33

#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3
#define RCODE_REFUSED  5

#define HELD_MAX  16
#define NAMES_MAX 2048

struct query {
    uint8_t packet[512];
    size_t question_end;
    char name[256];
    int type;
    struct sockaddr_in from;
};

struct reply {
    uint8_t bytes[8192];
    size_t length;
    bool none;  /* say nothing */
    bool whole; /* in one datagram, whatever its size */
};

struct name_server {
    pthread_t thread;
    pthread_mutex_t mutex; /* over the counts */
    int udp, tcp;
    int control[2]; /* pipe: 'r' release, 'q' quit */
    char address[32];
    bool released;
    struct query held[HELD_MAX];
    size_t held_count;
    struct {
        char name[256];
        int count;
    } counts[NAMES_MAX];
    size_t names, total;
};

/* --- writing replies --- */

static void put(struct reply *r, const void *bytes, size_t n)
{
    memcpy(r->bytes + r->length, bytes, n);
    r->length += n;
}

static void put_16(struct reply *r, unsigned value)
{
    put(r, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put_name(struct reply *r, const char *name)
{
    while (*name) {
        size_t n = strcspn(name, ".");
        put(r, &(uint8_t){(uint8_t)n}, 1);
        put(r, name, n);
        name += n + (name[n] == '.');
    }
    put(r, "", 1);
}

static void count_answer(struct reply *r)
{
    if (++r->bytes[7] == 0)
        r->bytes[6]++;
}

static void put_record(struct reply *r, const char *owner, int type, uint32_t ttl)
{
    if (owner)
        put_name(r, owner);
    else
        put_16(r, 0xc00c); /* a pointer to the question */
    put_16(r, (unsigned)type);
    put_16(r, 1);
    put_16(r, ttl >> 16);
    put_16(r, ttl & 0xffff);
    count_answer(r);
}

static void put_a(struct reply *r, const char *owner, const char *address, uint32_t ttl)
{
    struct in_addr in;
    inet_pton(AF_INET, address, &in);
    put_record(r, owner, TYPE_A, ttl);
    put_16(r, 4);
    put(r, &in, 4);
}

static void put_aaaa(struct reply *r, const char *owner, const char *address, uint32_t ttl)
{
    struct in6_addr in6;
    inet_pton(AF_INET6, address, &in6);
    put_record(r, owner, TYPE_AAAA, ttl);
    put_16(r, 16);
    put(r, &in6, 16);
}

static void put_cname(struct reply *r, const char *owner, const char *target, uint32_t ttl)
{
    put_record(r, owner, TYPE_CNAME, ttl);
    put_16(r, (unsigned)strlen(target) + 2);
    put_name(r, target);
}

/* A record whose data is `numbers` (16 bits each) and a name. */
static void put_named(struct reply *r, const char *owner, int type, const unsigned *numbers, int count,
                      const char *target)
{
    put_record(r, owner, type, 300);
    put_16(r, (unsigned)(2 * count) + (*target ? (unsigned)strlen(target) + 2 : 1));
    while (count-- > 0)
        put_16(r, *numbers++);
    put_name(r, target);
}

static void put_srv(struct reply *r, unsigned priority, unsigned weight, unsigned port, const char *target)
{
    put_named(r, NULL, TYPE_SRV, (unsigned[]){priority, weight, port}, 3, target);
}

static void put_text(struct reply *r, const void *data, size_t size)
{
    put_record(r, NULL, TYPE_TXT, 300);
    put_16(r, (unsigned)size);
    put(r, data, size);
}

static void set_rcode(struct reply *r, int rcode)
{
    r->bytes[3] = (uint8_t)((r->bytes[3] & 0xf0) | rcode);
}

/* --- the names --- */

static void say_one(struct reply *r, const struct query *q)
{
    if (q->type == TYPE_A)
        put_a(r, NULL, "192.0.2.1", 300);
    if (q->type == TYPE_AAAA)
        put_aaaa(r, NULL, "2001:db8::1", 300);
}

/* This machine by both families. */
static void say_loopback(struct reply *r, const struct query *q)
{
    if (q->type == TYPE_A)
        put_a(r, NULL, "127.0.0.1", 300);
    if (q->type == TYPE_AAAA)
        put_aaaa(r, NULL, "::1", 300);
}

static void say_four(struct reply *r, const struct query *q)
{
    if (q->type == TYPE_A)
        put_a(r, NULL, "192.0.2.4", 300);
}

static void say_six(struct reply *r, const struct query *q)
{
    if (q->type == TYPE_AAAA)
        put_aaaa(r, NULL, "2001:db8::6", 300);
    else
        set_rcode(r, RCODE_NXDOMAIN);
}

static void say_chain(struct reply *r, const struct query *q)
{
    put_cname(r, NULL, "first.chain.test", 50);
    put_cname(r, "first.chain.test", "second.chain.test", 20);
    if (q->type == TYPE_A)
        put_a(r, "second.chain.test", "192.0.2.7", 100);
}

static void say_alias_only(struct reply *r, const struct query *q)
{
    (void)q;
    put_cname(r, NULL, "nowhere.test", 50);
}

static void say_ttl(struct reply *r, const struct query *q)
{
    if (q->type == TYPE_A)
        put_a(r, NULL, "192.0.2.9", (uint32_t)strtoul(q->name + 3, NULL, 10));
}

static void say_missing(struct reply *r, const struct query *q)
{
    (void)q;
    set_rcode(r, RCODE_NXDOMAIN);
}

static void say_empty(struct reply *r, const struct query *q)
{
    (void)r;
    (void)q;
}

static void say_broken(struct reply *r, const struct query *q)
{
    (void)q;
    set_rcode(r, RCODE_SERVFAIL);
}

static void say_refused(struct reply *r, const struct query *q)
{
    (void)q;
    set_rcode(r, RCODE_REFUSED);
}

static void say_nothing(struct reply *r, const struct query *q)
{
    (void)q;
    r->none = true;
}

static void say_loop(struct reply *r, const struct query *q)
{
    (void)q;
    count_answer(r);
    put_16(r, 0xc000u | (unsigned)r->length); /* a name that is a pointer to itself */
    put_16(r, TYPE_A);
    put_16(r, 1);
    put(r, "\0\0\0\1\0\4\1\2\3\4", 10);
}

static void say_garbage(struct reply *r, const struct query *q)
{
    (void)q;
    count_answer(r);
    for (unsigned i = 0; i < 100; i++)
        put(r, &(uint8_t){(uint8_t)(i * 167 + 41)}, 1);
}

static void say_short_record(struct reply *r, const struct query *q)
{
    (void)q;
    put_record(r, NULL, TYPE_A, 300);
    put_16(r, 400); /* bytes that are not there */
}

static void say_another_id(struct reply *r, const struct query *q)
{
    put_a(r, NULL, "192.0.2.66", 300);
    (void)q;
    r->bytes[0] ^= 0x55;
}

static void say_noise(struct reply *r, const struct query *q)
{
    (void)q;
    r->length = 0;
    put(r, "\377\376\375", 3);
}

/* Too much for a datagram: truncated there, whole over TCP. */
static void say_big(struct reply *r, const struct query *q)
{
    char address[INET_ADDRSTRLEN + 8];
    for (int i = 0; i < 200 && q->type == TYPE_A; i++) {
        snprintf(address, sizeof address, "198.51.100.%d", i);
        put_a(r, NULL, address, 300);
    }
}

/* More than fits a datagram, in one. */
static void say_oversize(struct reply *r, const struct query *q)
{
    for (int i = 0; i < 400 && q->type == TYPE_A; i++)
        put_a(r, NULL, "198.51.100.1", 300);
    r->whole = true;
}

static void say_circle(struct reply *r, const struct query *q)
{
    put_cname(r, NULL, "other.circle.test", 50);
    put_cname(r, "other.circle.test", "circle.test", 50);
    if (strncmp(q->name, "circle-address", 14) == 0)
        put_a(r, NULL, "192.0.2.8", 50);
}

static void say_counts_that_lie(struct reply *r, const struct query *q)
{
    put_a(r, NULL, "192.0.2.1", 300);
    (void)q;
    r->bytes[6] = r->bytes[7] = 255;
}

static void say_no_question(struct reply *r, const struct query *q)
{
    (void)q;
    r->length = 12;
    r->bytes[4] = r->bytes[5] = 0;
    put_a(r, "no-question.test", "192.0.2.66", 300);
}

static void say_another_question(struct reply *r, const struct query *q)
{
    (void)q;
    r->length = 12;
    put_name(r, "victim.test");
    put_16(r, TYPE_A);
    put_16(r, 1);
    put_a(r, "victim.test", "192.0.2.66", 300);
}

static void say_services(struct reply *r, const struct query *q)
{
    if (q->type != TYPE_SRV)
        return;
    put_srv(r, 20, 0, 8004, "Backup.test");
    put_srv(r, 10, 60, 8001, "a.test");
    put_srv(r, 10, 20, 8002, "b.test");
    put_srv(r, 10, 0, 8003, "c.test");
}

static void say_no_such_service(struct reply *r, const struct query *q)
{
    (void)q;
    put_srv(r, 0, 0, 0, "");
}

static void say_bad_services(struct reply *r, const struct query *q)
{
    (void)q;
    put_srv(r, 1, 1, 1, "not a name.test");
    put_record(r, NULL, TYPE_SRV, 300);
    put_16(r, 3);
    put(r, "\0\1\0", 3);
    put_record(r, NULL, TYPE_SRV, 300);
    put_16(r, 8);
    put(r, "\0\1\0\1\0\1", 6);
    put_16(r, 0xc000u | (unsigned)r->length); /* a target that is a pointer to itself */
    if (strncmp(q->name, "srv-one-good", 12) == 0)
        put_srv(r, 5, 5, 5, "good.test");
}

static void say_many_services(struct reply *r, const struct query *q)
{
    (void)q;
    for (unsigned i = 0; i < 200; i++)
        put_srv(r, 200 - i, 1, i, "a.test");
}

static void say_mail(struct reply *r, const struct query *q)
{
    if (q->type == TYPE_MX) {
        put_named(r, NULL, TYPE_MX, (unsigned[]){20}, 1, "second.test");
        put_named(r, NULL, TYPE_MX, (unsigned[]){10}, 1, "first.test");
    }
}

static void say_texts(struct reply *r, const struct query *q)
{
    if (q->type != TYPE_TXT)
        return;
    put_text(r, "\5hello\6 world", 13);
    put_text(r, "\3a\0b", 4);
    put_text(r, "", 0);
    put_text(r, "\377short", 6); /* claims more than there is */
}

static void say_its_name(struct reply *r, const struct query *q)
{
    if (q->type == TYPE_PTR)
        put_named(r, NULL, TYPE_PTR, NULL, 0, "Named.Test");
}

static void say_evil_name(struct reply *r, const struct query *q)
{
    (void)q;
    put_named(r, NULL, TYPE_PTR, NULL, 0, "<script>.test");
}

static const struct {
    const char *name; /* the first label, or its beginning if it ends in '*' */
    void (*say)(struct reply *r, const struct query *q);
} names[] = {
    {"one", say_one},
    {"loopback", say_loopback},
    {"four", say_four},
    {"six", say_six},
    {"chain", say_chain},
    {"alias-only", say_alias_only},
    {"ttl*", say_ttl},
    {"missing*", say_missing},
    {"empty", say_empty},
    {"broken", say_broken},
    {"refused", say_refused},
    {"silent*", say_nothing},
    {"loop", say_loop},
    {"garbage", say_garbage},
    {"short-record", say_short_record},
    {"another-id", say_another_id},
    {"noise", say_noise},
    {"big", say_big},
    {"held-srv", say_services},
    {"held-mx", say_mail},
    {"held-txt", say_texts},
    {"held*", say_four},
    {"200", say_its_name}, /* held as well */
    {"number*", say_four},
    {"short", say_four},
    {"oversize", say_oversize},
    {"circle*", say_circle},
    {"lying-counts", say_counts_that_lie},
    {"no-question", say_no_question},
    {"another-question", say_another_question},
    {"srv", say_services},
    {"srv-none", say_no_such_service},
    {"srv-bad", say_bad_services},
    {"srv-one-good", say_bad_services},
    {"srv-many", say_many_services},
    {"mail", say_mail},
    {"texts", say_texts},
    {"1", say_its_name}, /* the last number of an address, or digit */
    {"2", say_missing},
    {"3", say_nothing},
    {"4", say_evil_name},
    {"5", say_broken},
};

static void make_reply(const struct query *q, struct reply *r, bool tcp)
{
    memset(r, 0, sizeof *r);
    put(r, q->packet, q->question_end);
    r->bytes[2] = 0x84 | (q->packet[2] & 1); /* an answer, authoritative */
    r->bytes[3] = 0x80;
    memset(r->bytes + 6, 0, 6); /* no records yet */
    size_t label = strcspn(q->name, ".");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i].name);
        bool prefix = names[i].name[n - 1] == '*';
        if (prefix ? strncmp(names[i].name, q->name, n - 1) == 0
                   : n == label && strncmp(names[i].name, q->name, n) == 0) {
            names[i].say(r, q);
            if (r->length > 512 && !tcp && !r->whole) {
                r->length = q->question_end;
                r->bytes[6] = r->bytes[7] = 0;
                r->bytes[2] |= 2; /* TC */
            }
            return;
        }
    }
    set_rcode(r, RCODE_NXDOMAIN);
}

/* --- serving --- */

static bool parse(struct query *q, size_t length)
{
    size_t at = 12, out = 0;
    while (at < length && q->packet[at]) {
        size_t n = q->packet[at++];
        if (n > 63 || at + n >= length || out + n + 2 > sizeof q->name)
            return false;
        if (out)
            q->name[out++] = '.';
        for (size_t i = 0; i < n; i++)
            q->name[out++] =
                (char)(q->packet[at + i] | (q->packet[at + i] >= 'A' && q->packet[at + i] <= 'Z' ? 32 : 0));
        at += n;
    }
    q->name[out] = 0;
    if (at + 5 > length)
        return false;
    q->type = q->packet[at + 1] << 8 | q->packet[at + 2];
    q->question_end = at + 5;
    return true;
}

static void count(struct name_server *s, const char *name)
{
    pthread_mutex_lock(&s->mutex);
    size_t i = 0;
    while (i < s->names && strcmp(s->counts[i].name, name) != 0)
        i++;
    if (i < NAMES_MAX) {
        if (i == s->names)
            strcpy(s->counts[s->names++].name, name);
        s->counts[i].count++;
    }
    s->total++;
    pthread_mutex_unlock(&s->mutex);
}

static void send_reply(struct name_server *s, const struct query *q)
{
    struct reply r;
    make_reply(q, &r, false);
    if (!r.none &&
        sendto(s->udp, r.bytes, r.length, 0, (const struct sockaddr *)&q->from, sizeof q->from) < 0)
        perror("name server: sendto");
}

static void serve_datagram(struct name_server *s)
{
    struct query q = {0};
    socklen_t size = sizeof q.from;
    ssize_t n = recvfrom(s->udp, q.packet, sizeof q.packet, 0, (struct sockaddr *)&q.from, &size);
    if (n < 12 || !parse(&q, (size_t)n))
        return;
    count(s, q.name);
    if ((strncmp(q.name, "held", 4) == 0 || strncmp(q.name, "200.", 4) == 0) && !s->released) {
        if (s->held_count < HELD_MAX)
            s->held[s->held_count++] = q;
    } else {
        send_reply(s, &q);
    }
}

/* One query for each connection. */
static void serve_connection(struct name_server *s)
{
    int fd = accept(s->tcp, NULL, NULL);
    if (fd < 0)
        return;
    struct query q = {0};
    uint8_t prefix[2];
    size_t length = recv(fd, prefix, 2, MSG_WAITALL) == 2 ? (size_t)prefix[0] << 8 | prefix[1] : 0;
    if (length >= 12 && length <= sizeof q.packet &&
        recv(fd, q.packet, length, MSG_WAITALL) == (ssize_t)length && parse(&q, length)) {
        count(s, q.name);
        struct reply r;
        make_reply(&q, &r, true);
        prefix[0] = (uint8_t)(r.length >> 8);
        prefix[1] = (uint8_t)r.length;
        /* in two pieces, so that the other side sees half a message */
        if (send(fd, prefix, 2, MSG_NOSIGNAL) != 2 || send(fd, r.bytes, r.length, MSG_NOSIGNAL) < 0)
            perror("name server: send");
    }
    close(fd);
}

static void *serve(void *arg)
{
    struct name_server *s = arg;
    struct pollfd fds[] = {{s->control[0], POLLIN, 0}, {s->udp, POLLIN, 0}, {s->tcp, POLLIN, 0}};
    for (;;) {
        poll(fds, 3, -1);
        char command;
        if (fds[0].revents && read(s->control[0], &command, 1) == 1) {
            if (command == 'q')
                return NULL;
            s->released = true;
            for (size_t i = 0; i < s->held_count; i++)
                send_reply(s, &s->held[i]);
            s->held_count = 0;
        }
        if (fds[1].revents)
            serve_datagram(s);
        if (fds[2].revents)
            serve_connection(s);
    }
}

/* --- from the test --- */

static void die(const char *what)
{
    perror(what);
    exit(99);
}

/* Both sockets on one number, which the kernel picks for TCP and which UDP may find taken: then another. */
static void bind_both(struct name_server *s)
{
    for (;;) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof in;
        s->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (s->tcp < 0 || s->udp < 0 || bind(s->tcp, (struct sockaddr *)&in, size) < 0 ||
            listen(s->tcp, 8) < 0 || getsockname(s->tcp, (struct sockaddr *)&in, &size) < 0)
            die("name server");
        if (bind(s->udp, (struct sockaddr *)&in, size) == 0) {
            snprintf(s->address, sizeof s->address, "127.0.0.1:%d", ntohs(in.sin_port));
            return;
        }
        close(s->tcp);
        close(s->udp);
    }
}

static struct name_server *name_server_start(void)
{
    struct name_server *s = calloc(1, sizeof *s);
    if (!s || pipe(s->control) < 0)
        die("name server");
    pthread_mutex_init(&s->mutex, NULL);
    bind_both(s);
    if (pthread_create(&s->thread, NULL, serve, s) != 0)
        die("name server: thread");
    return s;
}

static void command(struct name_server *s, char what)
{
    if (write(s->control[1], &what, 1) != 1)
        die("name server: control");
}

static void name_server_stop(struct name_server *s)
{
    command(s, 'q');
    pthread_join(s->thread, NULL);
    close(s->control[0]);
    close(s->control[1]);
    close(s->udp);
    close(s->tcp);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

/* Answers all queries for held names that came so far or will come. */
static inline void name_server_release(struct name_server *s)
{
    command(s, 'r');
}

/* "127.0.0.1:port" */
static const char *name_server_address(const struct name_server *s)
{
    return s->address;
}

/* How many queries came for a name (for all if NULL), of any type, over UDP or TCP. */
static inline int name_server_count(struct name_server *s, const char *name)
{
    int n = 0;
    pthread_mutex_lock(&s->mutex);
    if (!name)
        n = (int)s->total;
    for (size_t i = 0; name && i < s->names; i++)
        if (strcmp(s->counts[i].name, name) == 0)
            n = s->counts[i].count;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

#endif
