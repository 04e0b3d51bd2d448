/* Upstreams and their servers, in all workers together, and what an operator wants of a server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/call.h"
#include "control/orders.h"
#include "observe/totals.h"
#include "runtime/process.h"
#include "upstream/standing.h"

#define NAME_BYTES   128 /* of a name that is compared; longer ones are told apart by these */
#define SERVER_BYTES 512 /* of a server as it stands in the configuration: no name is as long */

static const char *const states[] = {
    [SERVER_ENABLED] = "enabled", [SERVER_DRAINING] = "draining", [SERVER_DISABLED] = "disabled"};

/* Of a line of the configuration; the last is a name that stands for nobody. */
enum { UNRESOLVED = STANDING_EJECTED + 1 };

static const char *const healths[] = {[STANDING_UP] = "up",
                                      [STANDING_DOWN] = "down",
                                      [STANDING_EJECTED] = "ejected",
                                      [UNRESOLVED] = "unresolved"};

/* --- asking workers ------------------------------------------------------------------------------------------------ */

struct server_row {
    char upstream[NAME_BYTES], server[NAME_BYTES];
    int64_t weight;
    enum server_duty duty;
    unsigned health; /* of healths */
    uint64_t active, limit, idle, leases, failures;
};

struct server_rows {
    struct server_row *list;
    size_t count;
    bool no_memory;
};

struct server_filter {
    char upstream[NAME_BYTES]; /* "": all */
};

static void copy_name(char *out, const char *name)
{
    snprintf(out, NAME_BYTES, "%s", name);
}

static bool same_name(const char *kept, const char *name)
{
    return !strncmp(kept, name, NAME_BYTES - 1);
}

static void fill(struct server_row *row, const struct server *s)
{
    copy_name(row->upstream, s->group->conf->name);
    copy_name(row->server, s->conf->text);
    row->weight = s->weight;
    row->duty = s->state->duty;
    row->health = standing_state(s->standing, green_turn_time());
    row->active = s->state->active;
    row->limit = (uint64_t)atomic_load(&s->standing->limit);
    row->idle = s->state->idle_count;
    row->leases = s->state->leases;
    row->failures = s->state->failures;
}

/* A name that stands for nobody now: what is wanted of it holds all the same. */
static void fill_unresolved(struct server_row *row, const struct group *g, const struct conf_server *conf)
{
    const struct wanted *wanted = wanted_of(g, conf);
    copy_name(row->upstream, g->conf->name);
    copy_name(row->server, conf->text);
    row->weight = wanted->weight ? wanted->weight : conf->weight;
    row->duty = wanted->duty;
    row->health = UNRESOLVED;
}

/* Servers are in the order of their lines. */
static void list_group(struct server_rows *rows, const struct group *g)
{
    size_t k = 0;
    for (size_t i = 0; i < g->conf->server_count; i++) {
        const struct conf_server *conf = &g->conf->servers[i];
        size_t first = k;
        for (; k < g->count && g->servers[k].conf == conf; k++)
            fill(&rows->list[rows->count++], &g->servers[k]);
        if (k == first)
            fill_unresolved(&rows->list[rows->count++], g, conf);
    }
}

static bool list_servers(struct worker *w, const void *about, void *answer)
{
    const struct server_filter *filter = about;
    struct server_rows *rows = answer;
    size_t count = 0;
    if (!w->view) /* it has just started */
        return true;
    for (size_t i = 0; i < w->view->conf->upstream_count; i++)
        count += w->view->groups[i].count + w->view->conf->upstreams[i].server_count;
    rows->list = calloc(count + 1, sizeof *rows->list);
    rows->no_memory = !rows->list;
    for (size_t i = 0; rows->list && i < w->view->conf->upstream_count; i++) {
        const struct group *g = &w->view->groups[i];
        if (!*filter->upstream || same_name(filter->upstream, g->conf->name))
            list_group(rows, g);
    }
    return true;
}

static void release_rows(void *answer)
{
    free(((struct server_rows *)answer)->list);
}

/* Workers mostly have the same servers in the same order: the place in the list is a good guess. */
static struct server_row *find_row(struct server_rows *all, const struct server_row *row, size_t guess)
{
    for (size_t i = 0; i < all->count; i++) {
        struct server_row *found = &all->list[(guess + i) % all->count];
        if (!strcmp(found->server, row->server) && !strcmp(found->upstream, row->upstream))
            return found;
    }
    return NULL;
}

static int merge(struct server_rows *all, const struct server_rows *some)
{
    for (size_t i = 0; i < some->count; i++) {
        const struct server_row *row = &some->list[i];
        struct server_row *known = find_row(all, row, i);
        if (!known) {
            struct server_row *more = realloc(all->list, (all->count + 1) * sizeof *more);
            if (!more)
                return -ENOMEM;
            all->list = more;
            all->list[all->count++] = *row;
            continue;
        }
        if (row->health < known->health) /* a name is as well as the best of its hosts */
            known->health = row->health;
        known->active += row->active;
        known->idle += row->idle;
        known->leases += row->leases;
        known->failures += row->failures;
    }
    return some->no_memory ? -ENOMEM : 0;
}

/* All servers, or those of an upstream. 0, or -1 after call_refuse(). */
static int collect(struct control_call *call, const char *upstream, struct server_rows *all)
{
    struct server_filter filter = {""};
    const struct ask_question question = {.fn = list_servers,
                                          .answer_size = sizeof(struct server_rows),
                                          .about = &filter,
                                          .about_size = sizeof filter,
                                          .release = release_rows};
    struct ask *ask;
    *all = (struct server_rows){NULL, 0, false};
    if (upstream)
        copy_name(filter.upstream, upstream);
    if (ask_workers(&call->process->workers_to_ask, &question, green_in(CONTROL_ASK_TIMEOUT), &ask) < 0)
        return call_no_memory(call);
    int r = 0;
    for (size_t i = 0; r == 0 && i < ask_count(ask); i++) {
        const struct server_rows *some = ask_answer(ask, i);
        if (some)
            r = merge(all, some);
    }
    size_t silent = ask_silent(ask);
    ask_free(ask);
    if (r == 0 && silent)
        r = reply_add_count(call->reply, "workers_without_answer", silent);
    if (r == 0)
        return 0;
    free(all->list);
    return call_no_memory(call);
}

/* --- showing -------------------------------------------------------------------------------------------------------- */

static int add_limit(json_t *row, uint64_t limit)
{
    return limit ? reply_add_count(row, "limit", limit) : reply_add(row, "limit", json_null());
}

static int add_server(json_t *list, const struct server_row *s)
{
    bool drained = s->duty != SERVER_ENABLED && !s->active;
    json_t *row = json_object();
    int r = json_array_append_new(list, row);
    r |= reply_add_text(row, "upstream", s->upstream);
    r |= reply_add_text(row, "server", s->server);
    r |= reply_add_text(row, "state", s->duty == SERVER_DRAINING && drained ? "drained" : states[s->duty]);
    r |= reply_add_text(row, "health", healths[s->health]);
    r |= reply_add_count(row, "weight", (uint64_t)s->weight);
    r |= reply_add_count(row, "active", s->active);
    r |= add_limit(row, s->limit);
    r |= reply_add_count(row, "idle", s->idle);
    r |= reply_add_count(row, "requests", s->leases);
    return r | reply_add_count(row, "failures", s->failures);
}

int call_servers(struct control_call *call)
{
    struct server_rows all;
    const char *upstream = call->count ? call->words[0] : NULL;
    if (collect(call, upstream, &all) < 0)
        return -1;
    json_t *list = json_array();
    int r = reply_add(call->reply, "servers", list);
    for (size_t i = 0; r == 0 && i < all.count; i++)
        r = add_server(list, &all.list[i]);
    free(all.list);
    if (r == 0 && upstream && !json_array_size(list))
        return call_refuse(call, "there is no upstream '%.100s'; upstreams lists them", upstream);
    return r ? call_no_memory(call) : 0;
}

struct upstream_sum {
    uint64_t servers, enabled, active, idle, requests, failures;
};

static int add_answers(json_t *row, const struct metrics_view *v, size_t upstream)
{
    struct histogram_reading times = {0};
    uint64_t answers = 0;
    for (unsigned class = 1; class < METRICS_CLASSES; class ++)
        answers += total_responses(v, upstream, class);
    total_first_byte(v, upstream, &times);
    int r = reply_add_count(row, "answers", answers);
    r |= reply_add_count(row, "answers_5xx", total_responses(v, upstream, 5));
    return r | reply_add_times(row, &times);
}

static int add_upstream(json_t *list, const struct conf_upstream *conf, const struct server_rows *all,
                        uint64_t waiting)
{
    struct upstream_sum sum = {0};
    for (size_t i = 0; i < all->count; i++) {
        const struct server_row *s = &all->list[i];
        if (!same_name(s->upstream, conf->name))
            continue;
        sum.servers++;
        sum.enabled += s->duty == SERVER_ENABLED;
        sum.active += s->active;
        sum.idle += s->idle;
        sum.requests += s->leases;
        sum.failures += s->failures;
    }
    json_t *row = json_object();
    int r = json_array_append_new(list, row);
    r |= reply_add_text(row, "upstream", conf->name);
    r |= reply_add_count(row, "servers", sum.servers);
    r |= reply_add_count(row, "enabled", sum.enabled);
    r |= reply_add_count(row, "active", sum.active);
    r |= add_limit(row, (uint64_t)conf->concurrency.max_requests);
    r |= reply_add_count(row, "waiting", waiting);
    r |= reply_add_count(row, "idle", sum.idle);
    r |= reply_add_count(row, "requests", sum.requests);
    return r | reply_add_count(row, "failures", sum.failures);
}

int call_upstreams(struct control_call *call)
{
    const struct conf *conf = call->process->snapshot->conf;
    struct server_rows all;
    if (collect(call, NULL, &all) < 0)
        return -1;
    json_t *list = json_array();
    int r = reply_add(call->reply, "upstreams", list);
    for (size_t i = 0; r == 0 && i < conf->upstream_count; i++) {
        uint64_t waiting, taken;
        queue_look(&call->process->standings, conf->upstreams[i].name, &waiting, &taken);
        r = add_upstream(list, &conf->upstreams[i], &all, waiting);
        if (r == 0)
            r = add_answers(json_array_get(list, i), call->process->snapshot->metrics, i);
    }
    free(all.list);
    return r ? call_no_memory(call) : 0;
}

/* --- changing ------------------------------------------------------------------------------------------------------ */

struct server_order {
    char upstream[NAME_BYTES], server[SERVER_BYTES];
    bool sets_weight;
    int64_t weight; /* 0: as configured */
    enum server_duty duty;
};

static bool obey(struct worker *w, const void *about, void *answer)
{
    const struct server_order *order = about;
    for (size_t i = 0; w->view && i < w->view->conf->upstream_count; i++) {
        struct group *g = &w->view->groups[i];
        if (!same_name(order->upstream, g->conf->name))
            continue;
        if (order->sets_weight)
            group_want_weight(g, order->server, order->weight);
        else
            group_want_duty(g, order->server, order->duty);
    }
    return true;
}

/* The server that the client has named: it is there. 0, or -1 after call_refuse(). */
static int find_server(struct control_call *call)
{
    const struct conf *conf = call->process->snapshot->conf;
    const struct conf_upstream *u = NULL;
    for (size_t i = 0; i < conf->upstream_count && !u; i++)
        if (!strcmp(conf->upstreams[i].name, call->words[0]))
            u = &conf->upstreams[i];
    if (!u)
        return call_refuse(call, "there is no upstream '%.100s'; upstreams lists them", call->words[0]);
    for (size_t i = 0; i < u->server_count; i++)
        if (!strcmp(u->servers[i].text, call->words[1]))
            return 0;
    return call_refuse(call, "upstream %.100s has no server '%.100s'; servers lists them as they are named",
                       call->words[0], call->words[1]);
}

static int tell_workers(struct control_call *call, const struct server_order *order)
{
    const struct ask_question question = {.fn = obey, .about = order, .about_size = sizeof *order};
    struct ask *ask;
    if (ask_workers(&call->process->workers_to_ask, &question, green_in(CONTROL_ASK_TIMEOUT), &ask) < 0)
        return call_no_memory(call);
    size_t silent = ask_silent(ask), asked = ask_count(ask);
    ask_free(ask);
    return silent ? call_refuse(call, "%zu of %zu workers have not answered; they will do it when they can",
                                silent, asked)
                  : 0;
}

/* With process->changing held: no worker and no view comes meanwhile that would not know. */
static int give_order_in_turn(struct control_call *call, struct server_order *order)
{
    if (find_server(call) < 0)
        return -1;
    struct order *kept = orders_find(&call->process->orders, call->words[0], call->words[1]);
    if (!kept)
        return call_no_memory(call);
    if (order->sets_weight)
        kept->weight = order->weight;
    else
        kept->duty = order->duty;
    copy_name(order->upstream, call->words[0]);
    snprintf(order->server, sizeof order->server, "%s", call->words[1]);
    return tell_workers(call, order);
}

static int give_order(struct control_call *call, struct server_order *order)
{
    struct process *p = call->process;
    if (green_mutex_lock(&p->changing, green_in(CONTROL_TURN_TIMEOUT)) < 0)
        return call_refuse(call, "a reload is under way; try again when it is over");
    int r = give_order_in_turn(call, order);
    green_mutex_unlock(&p->changing);
    return r;
}

static int set_duty(struct control_call *call, enum server_duty duty)
{
    struct server_order order = {.duty = duty};
    return give_order(call, &order);
}

int call_drain(struct control_call *call)
{
    return set_duty(call, SERVER_DRAINING);
}

int call_disable(struct control_call *call)
{
    return set_duty(call, SERVER_DISABLED);
}

int call_enable(struct control_call *call)
{
    return set_duty(call, SERVER_ENABLED);
}

int call_weight(struct control_call *call)
{
    struct server_order order = {.sets_weight = true};
    unsigned long long weight = 0;
    if (strcmp(call->words[2], "configured") != 0 && !control_number(call->words[2], 1, 256, &weight))
        return call_refuse(call,
                           "a weight is a number from 1 to 256 or the word configured, not '%.40s'; drain "
                           "takes a server out",
                           call->words[2]);
    order.weight = (int64_t)weight;
    return give_order(call, &order);
}
