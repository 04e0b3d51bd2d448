/* Client connections: listing them, ending one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/call.h"
#include "network.h"
#include "runtime/connection.h"
#include "runtime/process.h"

#define PER_TURN   512 /* connections looked at before others have their turn */
#define ROWS_USUAL 100
#define ROWS_MOST  10000 /* of a list */

/* --- what is asked for ---------------------------------------------------------------------------------------------- */

struct filter {
    char listener[64], upstream[64], state[16]; /* "": any */
    bool has_client;
    struct conf_network client;
    size_t limit;
};

static bool keep(char *out, size_t size, const char *value)
{
    return (size_t)snprintf(out, size, "%s", value) < size;
}

static int read_limit(struct control_call *call, struct filter *f, const char *value)
{
    unsigned long long n;
    if (!control_number(value, 1, ROWS_MOST, &n))
        return call_refuse(call, "limit is a number from 1 to %d, not '%.40s'", ROWS_MOST, value);
    f->limit = (size_t)n;
    return 0;
}

static int read_client(struct control_call *call, struct filter *f, const char *value)
{
    f->has_client = true;
    return call_network(call, value, &f->client);
}

static int read_option(struct control_call *call, struct filter *f, const char *word)
{
    const char *value;
    if ((value = control_option(word, "limit")))
        return read_limit(call, f, value);
    if ((value = control_option(word, "client")))
        return read_client(call, f, value);
    if (((value = control_option(word, "listener")) && keep(f->listener, sizeof f->listener, value)) ||
        ((value = control_option(word, "upstream")) && keep(f->upstream, sizeof f->upstream, value)) ||
        ((value = control_option(word, "state")) && keep(f->state, sizeof f->state, value)))
        return 0;
    return call_refuse(call,
                       "'%.100s' is none of listener=NAME, upstream=NAME, client=NETWORK, state=STATE and "
                       "limit=N",
                       word);
}

static bool wanted(const struct filter *f, const struct connection *c, const struct connection_facts *facts)
{
    return (!*f->listener || !strcmp(f->listener, c->conf->name)) &&
           (!*f->upstream || (facts->upstream && !strcmp(f->upstream, facts->upstream))) &&
           (!*f->state || !strcmp(f->state, facts->state)) &&
           (!f->has_client || conf_network_has(&f->client, &c->peer.any));
}

/* --- a list --------------------------------------------------------------------------------------------------------- */

struct row {
    uint64_t id;
    unsigned worker;
    char state[12], client[GREEN_ADDRESS_TEXT], listener[64], upstream[64], server[96], route[64];
    char method[16], host[96], target[192];
    int64_t age, since; /* ns: of the connection, and of what it does now */
    uint64_t requests, bytes_in, bytes_out;
};

struct rows {
    struct connection_walk walk;
    bool walking, no_memory;
    struct row *list;
    size_t count, room;
    uint64_t matched;
};

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

static void fill(struct row *row, const struct connection *c, const struct connection_facts *facts)
{
    green_time now = green_turn_time();
    row->id = c->id;
    row->worker = c->worker->index;
    copy_text(row->state, sizeof row->state, facts->state);
    green_address_text(&c->peer, true, row->client);
    copy_text(row->listener, sizeof row->listener, c->conf->name);
    copy_text(row->upstream, sizeof row->upstream, facts->upstream);
    copy_text(row->server, sizeof row->server, facts->server);
    copy_text(row->route, sizeof row->route, facts->route);
    span_copy(row->method, sizeof row->method, facts->method);
    span_copy(row->host, sizeof row->host, facts->host);
    span_copy(row->target, sizeof row->target, facts->target);
    row->age = now - c->accepted;
    row->since = now - facts->since;
    row->requests = c->requests;
    row->bytes_in = facts->bytes_in;
    row->bytes_out = facts->bytes_out;
}

static bool add_row(struct rows *rows, const struct connection *c, const struct connection_facts *facts)
{
    if (rows->count == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 64;
        struct row *more = realloc(rows->list, room * sizeof *more);
        if (!more)
            return false;
        rows->list = more;
        rows->room = room;
    }
    memset(&rows->list[rows->count], 0, sizeof *rows->list);
    fill(&rows->list[rows->count++], c, facts);
    return true;
}

static bool list_connections(struct worker *w, const void *about, void *answer)
{
    const struct filter *f = about;
    struct rows *rows = answer;
    if (!rows->walking)
        connection_walk_begin(&rows->walk, w);
    rows->walking = true;
    for (int i = 0; i < PER_TURN; i++) {
        const struct connection *c = connection_walk_next(&rows->walk);
        struct connection_facts facts;
        if (!c) {
            connection_walk_end(&rows->walk);
            return true;
        }
        connection_describe(c, &facts);
        if (!wanted(f, c, &facts))
            continue;
        rows->matched++;
        if (rows->count < f->limit && !rows->no_memory)
            rows->no_memory = !add_row(rows, c, &facts);
    }
    return false;
}

static void release_rows(void *answer)
{
    free(((struct rows *)answer)->list);
}

static int add_connection(json_t *list, const struct row *r)
{
    json_t *row = json_object();
    int e = json_array_append_new(list, row);
    e |= reply_add_count(row, "id", r->id);
    e |= reply_add_text(row, "state", r->state);
    e |= reply_add_text(row, "client", r->client);
    e |= reply_add_text(row, "listener", r->listener);
    e |= reply_add_seconds(row, "age_s", r->age);
    e |= reply_add_count(row, "requests", r->requests);
    e |= reply_add_count(row, "bytes_in", r->bytes_in);
    e |= reply_add_count(row, "bytes_out", r->bytes_out);
    e |= reply_add_count(row, "worker", r->worker);
    e |= reply_add_seconds(row, "for_s", r->since);
    e |= reply_add_known(row, "method", r->method);
    e |= reply_add_known(row, "host", r->host);
    e |= reply_add_known(row, "path", r->target);
    e |= reply_add_known(row, "route", r->route);
    e |= reply_add_known(row, "upstream", r->upstream);
    return e | reply_add_known(row, "server", r->server);
}

static int newest_first(const void *a, const void *b)
{
    const struct row *const *left = a, *const *right = b;
    return (*left)->id < (*right)->id ? 1 : -1;
}

/* The rows of all workers in one order, as many as were asked for. */
static int add_connections(struct control_call *call, struct ask *ask, size_t limit)
{
    size_t count = 0, filled = 0;
    uint64_t matched = 0;
    json_t *list = json_array();
    for (size_t i = 0; i < ask_count(ask); i++) {
        const struct rows *rows = ask_answer(ask, i);
        count += rows ? rows->count : 0;
        matched += rows ? rows->matched : 0;
    }
    const struct row **all = calloc(count + 1, sizeof *all);
    for (size_t i = 0; all && i < ask_count(ask); i++) {
        const struct rows *rows = ask_answer(ask, i);
        for (size_t k = 0; rows && k < rows->count; k++)
            all[filled++] = &rows->list[k];
    }
    int r = all ? reply_add(call->reply, "connections", list) : -1;
    if (all)
        qsort(all, count, sizeof *all, newest_first);
    for (size_t i = 0; r == 0 && i < count && i < limit; i++)
        r = add_connection(list, all[i]);
    if (r == 0)
        r = reply_add_count(call->reply, "shown", count < limit ? count : limit);
    r |= reply_add_count(call->reply, "matching", matched);
    if (ask_silent(ask))
        r |= reply_add_count(call->reply, "workers_without_answer", ask_silent(ask));
    free(all);
    return r;
}

int call_connections(struct control_call *call)
{
    struct filter filter = {.limit = ROWS_USUAL};
    const struct ask_question question = {.fn = list_connections,
                                          .answer_size = sizeof(struct rows),
                                          .about = &filter,
                                          .about_size = sizeof filter,
                                          .release = release_rows};
    struct ask *ask;
    for (int i = call->count && !strcmp(call->words[0], "list"); i < call->count; i++)
        if (read_option(call, &filter, call->words[i]) < 0)
            return -1;
    if (ask_workers(&call->process->workers_to_ask, &question, green_in(CONTROL_ASK_TIMEOUT), &ask) < 0)
        return call_no_memory(call);
    int r = add_connections(call, ask, filter.limit);
    ask_free(ask);
    return r ? call_no_memory(call) : 0;
}

/* --- ending one ----------------------------------------------------------------------------------------------------- */

struct search {
    struct connection_walk walk;
    bool walking, found;
};

static bool find_and_kill(struct worker *w, const void *about, void *answer)
{
    const uint64_t *id = about;
    struct search *s = answer;
    if (!s->walking)
        connection_walk_begin(&s->walk, w);
    s->walking = true;
    for (int i = 0; i < PER_TURN * 8; i++) {
        struct connection *c = connection_walk_next(&s->walk);
        s->found = c && c->id == *id;
        if (s->found)
            connection_kill(c);
        if (!c || s->found) {
            connection_walk_end(&s->walk);
            return true;
        }
    }
    return false;
}

int call_kill(struct control_call *call)
{
    unsigned long long number;
    if (!control_number(call->words[0], 1, INT64_MAX, &number))
        return call_refuse(call, "'%.40s' is no connection's number; connections lists them", call->words[0]);
    const uint64_t id = number;
    const struct ask_question question = {
        .fn = find_and_kill, .answer_size = sizeof(struct search), .about = &id, .about_size = sizeof id};
    struct ask *ask;
    if (ask_workers(&call->process->workers_to_ask, &question, green_in(CONTROL_ASK_TIMEOUT), &ask) < 0)
        return call_no_memory(call);
    bool found = false;
    for (size_t i = 0; i < ask_count(ask); i++) {
        const struct search *s = ask_answer(ask, i);
        found |= s && s->found;
    }
    size_t silent = ask_silent(ask);
    ask_free(ask);
    if (found)
        return 0;
    if (silent)
        return call_refuse(call, "%zu workers have not answered; if it is one of theirs, it will be ended",
                           silent);
    return call_refuse(call, "there is no connection %llu any more", number);
}
