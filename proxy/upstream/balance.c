/* Choosing servers (balance.h). */
#include "balance.h"

#include <errno.h>
#include <stdlib.h>

#include "group.h"
#include "latency.h"
#include "outlier.h"

#define WHOLE          256 /* an effective weight is in so many parts */
#define TURN_SCALE     (UINT64_C(1) << 32)
#define VERIFIED_MOST  8 /* winners whose load turned out to be another than it was, for one choice */
#define LOOKED_AT      1 /* servers whose load is looked at with each choice; */
#define FEW            4 /* where there are so few, all of them */
#define RING_WALK_MOST 256
#define SLOW_STEPS     20

void tried_add(struct tried *t, const struct server *s)
{
    if (t->count < TRIED_MOST)
        t->index[t->count++] = (uint32_t)(s - s->group->servers);
}

static enum conf_balance_method method_of(const struct group *g)
{
    return g->conf->balancing.balance.method;
}

/* --- loads ----------------------------------------------------------------------------------------------------------- */

static int64_t active_of(const struct server *s)
{
    int64_t n = atomic_load_explicit(&s->standing->active, memory_order_relaxed);
    return n < 0 ? 0 : n;
}

static uint64_t load_of(const struct group *g, const struct server *s, int64_t more)
{
    switch (method_of(g)) {
    case CONF_LEAST_CONNECTIONS:
        return (uint64_t)(active_of(s) + more) * s->step;
    case CONF_LEAST_TIME:
        return latency_cost(s->standing, active_of(s) + more, s->step, g->balance.now);
    default:
        return 0;
    }
}

static uint64_t turn_after(const struct server *s)
{
    return s->turn + s->step;
}

static void enter(struct group *g, struct server *s, int64_t more)
{
    tournament_set(&g->balance.order, (size_t)(s - g->servers),
                   s->usable ? load_of(g, s, more) : TOURNAMENT_OUT, s->turn);
}

/* --- who takes part -------------------------------------------------------------------------------------------------- */

struct review {
    green_time now, again;
    size_t enabled, well;
};

static void at_the_latest(struct review *r, green_time when)
{
    if (!r->again || when < r->again)
        r->again = when;
}

/* Its weight, which grows for a while after it has come back. */
static uint32_t effective_weight(const struct server *s, struct review *r)
{
    uint32_t whole = (uint32_t)s->weight * WHOLE;
    int64_t slow = s->group->conf->balancing.slow_start;
    green_time since = slow ? atomic_load_explicit(&s->standing->recovered, memory_order_relaxed) : 0;
    if (!since || r->now - since >= slow)
        return whole;
    at_the_latest(r, r->now + slow / SLOW_STEPS);
    int64_t grown = (r->now - since) * whole / slow;
    uint32_t least = whole / 10;
    return grown > least ? (uint32_t)grown : least;
}

static void review_server(struct server *s, struct review *r)
{
    struct standing *st = s->standing;
    bool ejected = outlier_is_out(st, r->now);
    if (ejected)
        at_the_latest(r, atomic_load_explicit(&st->ejected_until, memory_order_relaxed));
    s->usable = s->state->duty == SERVER_ENABLED;
    s->well = s->usable && !ejected && !atomic_load_explicit(&st->down, memory_order_relaxed);
    r->enabled += s->usable;
    r->well += s->well;
    if (!s->well)
        pool_close(s->state);
    s->effective = effective_weight(s, r);
    s->step = TURN_SCALE / s->effective;
}

/* When nobody is well but for those that have failed too often lately, those are the best there is. */
static void forgive(struct group *g, struct review *r)
{
    for (size_t i = 0; i < g->count; i++) {
        struct server *s = &g->servers[i];
        s->well = s->usable && !atomic_load_explicit(&s->standing->down, memory_order_relaxed);
        r->well += s->well;
    }
}

static int64_t first_tier(const struct group *g)
{
    int64_t tier = INT64_MAX;
    for (size_t i = 0; i < g->count; i++)
        if (g->servers[i].well && server_tier(&g->servers[i]) < tier)
            tier = server_tier(&g->servers[i]);
    return tier;
}

static void choose_candidates(struct group *g, struct review *r)
{
    struct balance *b = &g->balance;
    b->usable = r->enabled;
    if ((int64_t)(r->well * 100) < g->conf->balancing.panic_threshold * (int64_t)r->enabled)
        return; /* health is not to be believed: all that are enabled */
    if (!r->well)
        forgive(g, r);
    int64_t tier = first_tier(g);
    b->usable = 0;
    for (size_t i = 0; i < g->count; i++) {
        struct server *s = &g->servers[i];
        s->usable = s->well && server_tier(s) == tier;
        b->usable += s->usable;
    }
}

static uint64_t weight_together(const struct group *g)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < g->count; i++)
        sum += g->servers[i].usable ? g->servers[i].effective : 0;
    return sum;
}

/* Who was away has no claim to the turns that it missed. */
static void set_order(struct group *g)
{
    struct balance *b = &g->balance;
    bool first = method_of(g) == CONF_FIRST;
    for (size_t i = 0; i < g->count; i++) {
        struct server *s = &g->servers[i];
        if (first)
            s->turn = i;
        else if (s->turn < b->clock)
            s->turn = b->clock + s->step / 2;
        b->order.keys[i] = tournament_key(i, s->usable ? load_of(g, s, 0) : TOURNAMENT_OUT, s->turn);
    }
    tournament_play(&b->order);
}

static void take_turn(struct group *g, struct server *s, int64_t more)
{
    struct balance *b = &g->balance;
    if (s->turn > b->clock)
        b->clock = s->turn;
    s->turn = turn_after(s) > b->clock ? turn_after(s) : b->clock;
    enter(g, s, more);
}

/* Workers begin at different places of the round, or the first servers would get the first request of each. The places
 * are spread evenly however many workers there are: 0, 1/2, 1/4, 3/4, 1/8 ... */
static void begin_somewhere(struct group *g)
{
    struct balance *b = &g->balance;
    uint64_t part = 0;
    for (unsigned bit = 0; bit < 32; bit++)
        part |= (uint64_t)(g->worker >> bit & 1) << (31 - bit);
    for (uint64_t skip = part * b->usable >> 32; skip > 0; skip--)
        take_turn(g, &g->servers[tournament_winner(&b->order)], 0);
}

static void settle(struct group *g)
{
    struct balance *b = &g->balance;
    struct review r = {.now = green_turn_time()};
    b->generation = atomic_load_explicit(&g->standings->generation, memory_order_acquire);
    b->unsettled = false;
    b->now = r.now;
    for (size_t i = 0; i < g->count; i++)
        review_server(&g->servers[i], &r);
    b->again = r.again;
    choose_candidates(g, &r);
    b->weight = weight_together(g);
    if (b->order.places)
        set_order(g);
    for (size_t i = 0; b->uses && i < g->count; i++) {
        uint64_t before = i % 64 ? b->uses[i / 64] : 0;
        b->uses[i / 64] = before | (uint64_t)g->servers[i].usable << i % 64;
    }
    if (b->weights) {
        for (size_t i = 0; i < g->count; i++)
            b->weights[i] = g->servers[i].usable ? g->servers[i].effective : 0;
        alias_fill(&b->draw, b->weights, g->count);
    }
    if (!b->usable || b->begun)
        return;
    b->begun = true;
    if (b->order.places && method_of(g) != CONF_FIRST)
        begin_somewhere(g);
}

static inline void look(struct group *g)
{
    struct balance *b = &g->balance;
    if (b->generation != atomic_load_explicit(&g->standings->generation, memory_order_relaxed) ||
        b->unsettled || (b->again && green_turn_time() >= b->again))
        settle(g);
}

/* --- in turn, or by load ---------------------------------------------------------------------------------------------- */

/* Turns are numbers that only grow. */
static void begin_turns_anew(struct group *g)
{
    uint64_t clock = g->balance.clock;
    for (size_t i = 0; i < g->count; i++)
        g->servers[i].turn -= g->servers[i].turn < clock ? g->servers[i].turn : clock;
    g->balance.clock = 0;
    set_order(g);
}

/* Loads change behind the tournament's back, with other workers' requests and with time: a few are looked at with each
 * choice, in turn. */
static void look_at_some(struct group *g)
{
    struct balance *b = &g->balance;
    size_t some = g->count <= FEW ? g->count : LOOKED_AT;
    for (size_t i = 0; i < some; i++) {
        b->rotating = b->rotating + 1 < g->count ? b->rotating + 1 : 0;
        struct server *s = &g->servers[b->rotating];
        if (s->usable && load_of(g, s, 0) != b->order.keys[b->rotating].load)
            enter(g, s, 0);
    }
}

/* The winner, once its load is what the tournament believes. */
static struct server *find_winner(struct group *g, bool by_load)
{
    struct balance *b = &g->balance;
    for (int i = 0;; i++) {
        uint32_t place = tournament_winner(&b->order);
        uint64_t believed = b->order.keys[place].load;
        struct server *s = &g->servers[place];
        if (believed == TOURNAMENT_OUT)
            return NULL;
        if (!by_load || i >= VERIFIED_MOST || load_of(g, s, 0) <= believed)
            return s;
        enter(g, s, 0);
    }
}

static void set_aside(struct group *g, const struct tried *tried, bool aside)
{
    for (uint32_t i = 0; i < tried->count; i++) {
        if (aside)
            tournament_set(&g->balance.order, tried->index[i], TOURNAMENT_OUT, 0);
        else
            enter(g, &g->servers[tried->index[i]], 0);
    }
}

static struct server *next_in_order(struct group *g, const struct tried *tried)
{
    struct balance *b = &g->balance;
    bool by_load = method_of(g) == CONF_LEAST_CONNECTIONS || method_of(g) == CONF_LEAST_TIME;
    if (method_of(g) == CONF_LEAST_TIME)
        b->now = green_turn_time();
    if (by_load)
        look_at_some(g);
    if (tried->count)
        set_aside(g, tried, true);
    struct server *s = find_winner(g, by_load);
    if (tried->count)
        set_aside(g, tried, false);
    if (!s || method_of(g) == CONF_FIRST)
        return s;
    take_turn(g, s, 1);
    if (b->clock > TOURNAMENT_TURN_MOST / 2)
        begin_turns_anew(g);
    return s;
}

/* --- by chance ----------------------------------------------------------------------------------------------------------- */

static uint64_t next_random(struct balance *b)
{
    return ring_mix(b->random += UINT64_C(0x9e3779b97f4a7c15));
}

static bool fits(const struct group *g, size_t index, const struct tried *tried)
{
    return g->servers[index].usable && !was_tried(tried, index);
}

/* Any that is left, beginning somewhere. */
static struct server *any_left(struct group *g, const struct tried *tried, size_t from)
{
    for (size_t i = 0; i < g->count; i++) {
        size_t at = from + i < g->count ? from + i : from + i - g->count;
        if (fits(g, at, tried))
            return &g->servers[at];
    }
    return NULL;
}

static struct server *less_loaded(struct server *a, struct server *b)
{
    return (uint64_t)active_of(b) * b->step < (uint64_t)active_of(a) * a->step ? b : a;
}

static struct server *random_two(struct group *g, const struct tried *tried)
{
    struct balance *b = &g->balance;
    struct server *found = NULL;
    if (!b->usable)
        return NULL;
    for (int i = 0; i < 8; i++) {
        uint32_t drawn = alias_draw(&b->draw, next_random(b));
        struct server *s = &g->servers[drawn];
        if (s == found || (tried->count && was_tried(tried, drawn)))
            continue;
        if (found)
            return less_loaded(found, s);
        found = s;
    }
    return found ? found : any_left(g, tried, next_random(b) % g->count);
}

/* --- by hash ------------------------------------------------------------------------------------------------------------ */

/* All connections in use, counted anew often enough for the bound to mean something. */
static int64_t all_active(struct group *g)
{
    struct balance *b = &g->balance;
    if (b->active_for) {
        b->active_for--;
        return ++b->active;
    }
    b->active = 0;
    for (size_t i = 0; i < g->count; i++)
        b->active += active_of(&g->servers[i]);
    b->active_for = g->count / 8;
    return b->active;
}

/* Would it have more than its share of what is in use, by the factor that it may? Shares are rounded up. */
static bool is_overloaded(const struct group *g, const struct server *s, int64_t active)
{
    uint64_t may = (uint64_t)(active + 1) * (uint64_t)g->conf->balancing.hash_balance_factor * s->effective;
    return (uint64_t)active_of(s) * 100 * g->balance.weight >= may;
}

static struct server *by_hash(struct group *g, const struct lease_request *request)
{
    const struct balance *b = &g->balance;
    const struct ring *ring = &b->ring;
    const struct tried *tried = &request->tried;
    bool bounded = g->conf->balancing.hash_balance_factor > 0;
    struct server *instead = NULL; /* the first that would do, if all have too much */
    if (!g->balance.usable)
        return NULL;
    uint64_t hash = request->hashed ? request->hash : next_random(&g->balance);
    int64_t active = bounded ? all_active(g) : 0;
    uint32_t at = ring_find(ring, (uint32_t)(hash >> 32));
    for (int i = 0; i < RING_WALK_MOST; i++, at = ring_next(ring, at)) {
        uint32_t owner = ring->points[at].owner;
        struct server *s = &g->servers[owner];
        if (!(b->uses[owner / 64] >> owner % 64 & 1) || (tried->count && was_tried(tried, owner)))
            continue;
        if (!bounded || !is_overloaded(g, s, active))
            return s;
        if (!instead)
            instead = s;
    }
    return instead ? instead : any_left(g, tried, ring->points[at].owner);
}

/* --- together ----------------------------------------------------------------------------------------------------------- */

/* Whose turn it would not be: of other tiers, or else ejected, for it may be well again, and there is nothing to lose. Who
 * is down was asked just now. */
static struct server *next_best(const struct group *g, const struct tried *tried)
{
    struct server *best = NULL;
    for (size_t i = 0; i < g->count; i++) {
        struct server *s = &g->servers[i];
        if (s->usable || s->state->duty != SERVER_ENABLED || was_tried(tried, i) ||
            atomic_load_explicit(&s->standing->down, memory_order_relaxed))
            continue;
        if (!best || s->well > best->well || (s->well == best->well && server_tier(s) < server_tier(best)))
            best = s;
    }
    return best;
}

struct server *group_choose(struct group *g, const struct lease_request *request)
{
    const struct tried *tried = &request->tried;
    look(g);
    if (tried->count == TRIED_MOST)
        return NULL;
    if (request->desperate)
        return next_best(g, tried);
    if (g->count == 1)
        return tried->count || !g->servers[0].usable ? NULL : &g->servers[0];
    struct server *had = request->token.n ? sticky_find(g, request->token) : NULL;
    if (had && had->usable && !was_tried(tried, (size_t)(had - g->servers)))
        return had;
    switch (method_of(g)) {
    case CONF_RANDOM_TWO:
        return random_two(g, tried);
    case CONF_HASH:
        return by_hash(g, request);
    default:
        return next_in_order(g, tried);
    }
}

/* --- life ------------------------------------------------------------------------------------------------------------------ */

static int init_ring(struct group *g)
{
    struct ring_owner *owners = malloc(g->count * sizeof *owners);
    if (!owners)
        return -ENOMEM;
    for (size_t i = 0; i < g->count; i++)
        owners[i] = (struct ring_owner){.name = g->servers[i].standing->server,
                                        .weight = (uint32_t)g->servers[i].weight};
    int r = ring_init(&g->balance.ring, owners, g->count);
    free(owners);
    if (r == 0 && !g->balance.uses && !(g->balance.uses = calloc(g->count / 64 + 1, sizeof(uint64_t))))
        r = -ENOMEM;
    return r;
}

static int init_draw(struct group *g)
{
    g->balance.weights = malloc(g->count * sizeof *g->balance.weights);
    return g->balance.weights ? alias_init(&g->balance.draw, g->count) : -ENOMEM;
}

int balance_init(struct group *g)
{
    struct balance *b = &g->balance;
    int r = sticky_init(g);
    *b = (struct balance){.unsettled = true, .random = (uint64_t)green_now() ^ (uintptr_t)g};
    if (r < 0 || !g->count)
        return r;
    /* One that is new begins in the middle of its first interval, so that turns of different weights interleave. */
    for (size_t i = 0; i < g->count; i++)
        g->servers[i].turn = TURN_SCALE / ((uint32_t)g->servers[i].weight * WHOLE) / 2;
    switch (method_of(g)) {
    case CONF_RANDOM_TWO:
        return init_draw(g);
    case CONF_HASH:
        return init_ring(g);
    default:
        return tournament_init(&b->order, g->count);
    }
}

void balance_reweigh(struct group *g)
{
    struct ring before = g->balance.ring;
    balance_unsettle(&g->balance);
    if (!before.count)
        return;
    if (init_ring(g) == 0)
        ring_destroy(&before);
    else
        g->balance.ring = before; /* without memory the weights stay as they were */
}

void balance_destroy(struct group *g)
{
    struct balance *b = &g->balance;
    free(g->tokens);
    g->tokens = NULL;
    tournament_destroy(&b->order);
    alias_destroy(&b->draw);
    ring_destroy(&b->ring);
    free(b->weights);
    free(b->uses);
    b->weights = NULL;
    b->uses = NULL;
}

void balance_follow(struct group *g, const struct group *old)
{
    if (method_of(g) == CONF_FIRST || method_of(old) == CONF_FIRST)
        return;
    for (size_t i = 0; i < g->count; i++)
        for (size_t k = 0; k < old->count; k++) {
            size_t guess = i + k < old->count ? i + k : (i + k) % old->count;
            if (old->servers[guess].state == g->servers[i].state) {
                g->servers[i].turn = old->servers[guess].turn;
                break;
            }
        }
    g->balance.clock = old->balance.clock;
    g->balance.begun = old->balance.begun;
    g->balance.unsettled = true;
}
