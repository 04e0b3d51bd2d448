/* The busiest connections and clients: every worker tells of all its connections, briefly; they are added up here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/call.h"
#include "runtime/connection.h"
#include "runtime/process.h"

#define PER_TURN   512   /* connections looked at before others have their turn */
#define SEEN_MOST  65536 /* connections that a worker tells of */
#define ROWS_USUAL 10
#define ROWS_MOST  1000

struct share {
    uint64_t id; /* of clients: 0 */
    char client[64], listener[32], state[12];
    uint64_t connections, requests, bytes;
};

struct shares {
    struct connection_walk walk;
    bool walking, no_memory;
    struct share *list;
    size_t count, room;
    uint64_t unseen;
};

static bool make_room(struct shares *s)
{
    if (s->count < s->room)
        return true;
    size_t room = s->room ? s->room * 2 : 256;
    struct share *more = realloc(s->list, room * sizeof *more);
    if (!more)
        return false;
    s->list = more;
    s->room = room;
    return true;
}

static void add(struct shares *s, const struct connection *c)
{
    struct connection_facts facts;
    char client[GREEN_ADDRESS_TEXT];
    s->no_memory = s->no_memory || !make_room(s);
    if (s->no_memory || s->count == SEEN_MOST) {
        s->unseen++;
        return;
    }
    connection_describe(c, &facts);
    struct share *share = &s->list[s->count++];
    *share = (struct share){
        .id = c->id, .connections = 1, .requests = c->requests, .bytes = facts.bytes_in + facts.bytes_out};
    snprintf(share->client, sizeof share->client, "%.63s", green_address_text(&c->peer, false, client));
    snprintf(share->listener, sizeof share->listener, "%.31s", c->conf->name);
    snprintf(share->state, sizeof share->state, "%.11s", facts.state);
}

static bool tell(struct worker *w, const void *about, void *answer)
{
    struct shares *s = answer;
    if (!s->walking)
        connection_walk_begin(&s->walk, w);
    s->walking = true;
    for (int i = 0; i < PER_TURN; i++) {
        const struct connection *c = connection_walk_next(&s->walk);
        if (!c) {
            connection_walk_end(&s->walk);
            return true;
        }
        add(s, c);
    }
    return false;
}

static void release_shares(void *answer)
{
    free(((struct shares *)answer)->list);
}

/* --- adding up ------------------------------------------------------------------------------------------------------ */

static int most_bytes_first(const void *a, const void *b)
{
    const struct share *left = a, *right = b;
    return (left->bytes < right->bytes) - (left->bytes > right->bytes);
}

static int most_requests_first(const void *a, const void *b)
{
    const struct share *left = a, *right = b;
    return (left->requests < right->requests) - (left->requests > right->requests);
}

static int by_client(const void *a, const void *b)
{
    return strcmp(((const struct share *)a)->client, ((const struct share *)b)->client);
}

/* Sorts by client, and leaves one share for each. Returns how many. */
static size_t add_up_clients(struct share *list, size_t count)
{
    size_t clients = 0;
    qsort(list, count, sizeof *list, by_client);
    for (size_t i = 0; i < count; i++) {
        if (clients && !by_client(&list[clients - 1], &list[i])) {
            list[clients - 1].connections += list[i].connections;
            list[clients - 1].requests += list[i].requests;
            list[clients - 1].bytes += list[i].bytes;
        } else {
            list[clients++] = list[i];
        }
    }
    return clients;
}

static int add_connections(json_t *list, const struct share *shares, size_t count)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        json_t *row = json_object();
        r = json_array_append_new(list, row);
        r |= reply_add_count(row, "id", shares[i].id);
        r |= reply_add_text(row, "client", shares[i].client);
        r |= reply_add_text(row, "listener", shares[i].listener);
        r |= reply_add_text(row, "state", shares[i].state);
        r |= reply_add_count(row, "requests", shares[i].requests);
        r |= reply_add_count(row, "bytes", shares[i].bytes);
    }
    return r;
}

static int add_clients(json_t *list, const struct share *shares, size_t count)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        json_t *row = json_object();
        r = json_array_append_new(list, row);
        r |= reply_add_text(row, "client", shares[i].client);
        r |= reply_add_count(row, "connections", shares[i].connections);
        r |= reply_add_count(row, "requests", shares[i].requests);
        r |= reply_add_count(row, "bytes", shares[i].bytes);
    }
    return r;
}

struct wish {
    size_t limit;
    int (*order)(const void *a, const void *b);
};

static int rank(struct control_call *call, struct share *all, size_t count, const struct wish *wish)
{
    json_t *connections = json_array(), *clients = json_array();
    int r = reply_add(call->reply, "connections", connections);
    r |= reply_add(call->reply, "clients", clients);
    if (r)
        return r;
    qsort(all, count, sizeof *all, wish->order);
    r = add_connections(connections, all, count < wish->limit ? count : wish->limit);
    size_t n = add_up_clients(all, count);
    qsort(all, n, sizeof *all, wish->order);
    return r | add_clients(clients, all, n < wish->limit ? n : wish->limit);
}

static int collect(struct control_call *call, struct ask *ask, const struct wish *wish)
{
    size_t count = 0, filled = 0;
    uint64_t unseen = 0;
    for (size_t i = 0; i < ask_count(ask); i++) {
        const struct shares *s = ask_answer(ask, i);
        count += s ? s->count : 0;
        unseen += s ? s->unseen : 0;
    }
    struct share *all = calloc(count + 1, sizeof *all);
    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < ask_count(ask); i++) {
        const struct shares *s = ask_answer(ask, i);
        if (s && s->count)
            memcpy(all + filled, s->list, s->count * sizeof *all);
        filled += s ? s->count : 0;
    }
    int r = rank(call, all, count, wish);
    free(all);
    if (unseen)
        r |= reply_add_count(call->reply, "connections_not_looked_at", unseen);
    if (ask_silent(ask))
        r |= reply_add_count(call->reply, "workers_without_answer", ask_silent(ask));
    return r;
}

static int read_wish(struct control_call *call, struct wish *wish)
{
    *wish = (struct wish){ROWS_USUAL, most_bytes_first};
    for (int i = 0; i < call->count; i++) {
        const char *limit = control_option(call->words[i], "limit");
        const char *by = control_option(call->words[i], "by");
        unsigned long long n;
        if (limit && control_number(limit, 1, ROWS_MOST, &n))
            wish->limit = (size_t)n;
        else if (by && !strcmp(by, "requests"))
            wish->order = most_requests_first;
        else if (!by || strcmp(by, "bytes") != 0)
            return call_refuse(call, "'%.100s' is none of by=bytes, by=requests and limit=N (1 to %d)",
                               call->words[i], ROWS_MOST);
    }
    return 0;
}

int call_sessions_top(struct control_call *call)
{
    const struct ask_question question = {
        .fn = tell, .answer_size = sizeof(struct shares), .release = release_shares};
    struct wish wish;
    struct ask *ask;
    if (read_wish(call, &wish) < 0)
        return -1;
    if (ask_workers(&call->process->workers_to_ask, &question, green_in(CONTROL_ASK_TIMEOUT), &ask) < 0)
        return call_no_memory(call);
    int r = collect(call, ask, &wish);
    ask_free(ask);
    return r ? call_no_memory(call) : 0;
}
