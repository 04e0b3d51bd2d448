/* Maps and parallel loops. Cases 87 (order, bounds) and 88 (errors of the source and of items). */
#include "support.h"

enum { MANY = 40 };

/* Items that note how many run at a time, and end when they are let. */
struct item {
    struct gate gate;
    int number, began, result;
    int *running, *most;
};

static void *work(void *arg)
{
    struct item *item = arg;
    item->began++;
    if (++*item->running > *item->most)
        *item->most = *item->running;
    item->result = gate_wait(&item->gate, GREEN_FOREVER);
    --*item->running;
    if (item->result == 0 && item->number % 7 == 3)
        green_fail(-1000 - item->number);
    return item->result == 0 ? item : NULL;
}

struct items {
    struct item item[MANY];
    void *all[MANY];
    int running, most;
};

static void items_init(struct items *items, bool open)
{
    *items = (struct items){0};
    for (int i = 0; i < MANY; i++) {
        struct item *item = &items->item[i];
        gate_init(&item->gate);
        item->gate.tokens = open;
        item->number = i;
        item->result = 1;
        item->running = &items->running;
        item->most = &items->most;
        items->all[i] = item;
    }
}

static int began(const struct items *items)
{
    int count = 0;
    for (int i = 0; i < MANY; i++)
        count += items->item[i].began;
    return count;
}

static int expected_status(int number)
{
    return number % 7 == 3 ? -1000 - number : 0;
}

static void check_mapped(const struct items *items, const green_mapped_t *m)
{
    ck_assert_ptr_eq(m->item, items->all[m->index]);
    ck_assert_int_eq(m->status, expected_status((int)m->index));
    ck_assert_ptr_eq(m->result, m->status ? NULL : m->item);
}

/* --- order and bounds: case 87 -------------------------------------------------------------------------- */

START_TEST(in_the_order_of_the_items)
{
    struct items items;
    items_init(&items, false);
    green_map_t *map;
    green_mapped_t m;
    green_map_attr_t attr = {.concurrency = 4, .ahead = 4};
    ck_assert_int_eq(green_map_start(&map, &attr, work, items.all, MANY), 0);
    ck_assert_int_eq(green_map_next(map, &m, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_map_next(map, &m, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(items.running, 4);
    for (int i = 3; i > 0; i--)
        gate_open(&items.item[i].gate);
    yields(3);
    ck_assert_int_eq(green_map_next(map, &m, GREEN_NOWAIT), -EAGAIN); /* the first one keeps the others */
    for (int i = 4; i < MANY; i++)
        items.item[i].gate.tokens = 1;
    gate_open(&items.item[0].gate);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(green_map_next(map, &m, soon()), 1);
        ck_assert_int_eq(m.index, i);
        check_mapped(&items, &m);
    }
    ck_assert_int_eq(green_map_next(map, &m, soon()), 0);
    ck_assert_int_eq(green_map_next(map, &m, GREEN_NOWAIT), 0);
    ck_assert_int_le(items.most, 4);
    green_map_close(map);
}
END_TEST

START_TEST(in_the_order_of_ending)
{
    struct items items;
    items_init(&items, false);
    green_map_t *map;
    green_mapped_t m;
    green_map_attr_t attr = {.concurrency = MANY, .unordered = true};
    ck_assert_int_eq(green_map_start(&map, &attr, work, items.all, MANY), 0);
    yields(2);
    ck_assert_int_eq(items.running, MANY);
    for (int i = MANY; i-- > 0;) {
        gate_open(&items.item[i].gate);
        ck_assert_int_eq(green_map_next(map, &m, soon()), 1);
        ck_assert_int_eq(m.index, i);
        check_mapped(&items, &m);
    }
    ck_assert_int_eq(green_map_next(map, &m, soon()), 0);
    green_map_close(map);
}
END_TEST

/* However many have ended, no more have begun than the bound lets. */
START_TEST(no_further_ahead_than_the_bound)
{
    struct items items;
    items_init(&items, true);
    green_map_t *map;
    green_mapped_t m;
    green_map_attr_t attr = {.concurrency = 2, .ahead = 5, .unordered = _i};
    ck_assert_int_eq(green_map_start(&map, &attr, work, items.all, MANY), 0);
    ck_assert_int_eq(began(&items), 0);
    for (int taken = 0; taken < MANY; taken++) {
        yields(10);
        ck_assert_int_eq(began(&items), taken + 5 < MANY ? taken + 5 : MANY);
        ck_assert_int_eq(green_map_next(map, &m, GREEN_NOWAIT), 1);
        check_mapped(&items, &m);
    }
    ck_assert_int_eq(green_map_next(map, &m, GREEN_NOWAIT), 0);
    ck_assert_int_le(items.most, 2);
    green_map_close(map);
}
END_TEST

START_TEST(of_nothing)
{
    green_map_t *map;
    green_mapped_t m;
    ck_assert_int_eq(green_map_start(&map, NULL, work, NULL, 0), 0);
    ck_assert_int_eq(green_map_next(map, &m, soon()), 0);
    green_map_close(map);
    green_map_close(NULL);
    ck_assert_int_eq(green_map(NULL, work, NULL, NULL, NULL, 0, soon()), 0);
    ck_assert_int_eq(green_map_start(&map, NULL, NULL, NULL, 0), -EINVAL);
    ck_assert_int_eq(green_map_start(&map, NULL, work, NULL, 1), -EINVAL);
    ck_assert_int_eq(green_map_start_from(&map, NULL, work, NULL, NULL), -EINVAL);
    green_map_attr_t absurd = {.ahead = SIZE_MAX};
    ck_assert_int_eq(green_map_start(&map, &absurd, work, NULL, 0), -ENOMEM);
}
END_TEST

/* --- a source of items: case 88 ------------------------------------------------------------------------- */

struct source {
    struct items *items;
    int next;
};

static int every_fifth_fails(void *arg, void **item)
{
    struct source *s = arg;
    int r = green_yield(); /* it may wait */
    if (r < 0)
        return r;
    if (s->next == MANY)
        return 0;
    *item = s->items->all[s->next++];
    return s->next % 5 == 0 ? -EIO : 1;
}

START_TEST(errors_surface_at_their_item)
{
    struct items items;
    items_init(&items, true);
    struct source source = {.items = &items};
    green_map_t *map;
    green_mapped_t m;
    green_map_attr_t attr = {.concurrency = 3, .unordered = _i};
    bool seen[MANY] = {false};
    ck_assert_int_eq(green_map_start_from(&map, &attr, work, every_fifth_fails, &source), 0);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(green_map_next(map, &m, soon()), 1);
        ck_assert(!seen[m.index]);
        seen[m.index] = true;
        if (!_i)
            ck_assert_int_eq(m.index, i);
        if (m.index % 5 == 4)
            ck_assert_int_eq(m.status, -EIO);
        else
            check_mapped(&items, &m);
    }
    ck_assert_int_eq(green_map_next(map, &m, soon()), 0);
    green_map_close(map);
    ck_assert_int_eq(began(&items), MANY - MANY / 5);
}
END_TEST

/* --- closing early -------------------------------------------------------------------------------------- */

static int discarded;

static void count_discarded(void *result)
{
    ck_assert_ptr_nonnull(result);
    discarded++;
}

START_TEST(closed_early_it_leaves_nobody_behind)
{
    struct items items;
    items_init(&items, false);
    green_map_t *map;
    green_mapped_t m;
    green_map_attr_t attr = {.concurrency = 6, .ahead = 8, .unordered = true, .discard = count_discarded};
    discarded = 0;
    ck_assert_int_eq(green_map_start(&map, &attr, work, items.all, MANY), 0);
    yields(2);
    for (int i = 0; i < 4; i++) /* one of them fails: nothing to discard */
        gate_open(&items.item[i].gate);
    ck_assert_int_eq(green_map_next(map, &m, soon()), 1);
    yields(3);
    green_map_close(map);
    ck_assert_int_eq(discarded, 2);
    ck_assert_int_eq(items.running, 0);
    ck_assert_int_lt(began(&items), MANY);
    for (int i = 4; i < MANY; i++)
        ck_assert_int_eq(items.item[i].result, items.item[i].began ? -ECANCELED : 1);

    ck_assert_int_eq(green_map_start(&map, NULL, work, items.all, MANY), 0);
    green_map_close(map); /* before anything has run */
}
END_TEST

static int wait_for_ever(void *arg, void **item)
{
    return gate_wait(arg, GREEN_FOREVER);
}

START_TEST(closed_while_the_source_waits)
{
    struct gate gate;
    gate_init(&gate);
    green_map_t *map;
    green_mapped_t m;
    ck_assert_int_eq(green_map_start_from(&map, NULL, work, wait_for_ever, &gate), 0);
    ck_assert_int_eq(green_map_next(map, &m, green_in_ms(1)), -ETIMEDOUT);
    green_map_close(map);
}
END_TEST

struct consumer {
    green_map_t *map;
    int taken, status;
};

static void *consume(void *arg)
{
    struct consumer *c = arg;
    green_mapped_t m;
    while ((c->status = green_map_next(c->map, &m, soon())) > 0)
        c->taken++;
    return NULL;
}

START_TEST(several_take_from_one)
{
    struct items items;
    items_init(&items, true);
    struct consumer c[3] = {0};
    green_t *g[3];
    green_map_t *map;
    ck_assert_int_eq(green_map_start(&map, &(green_map_attr_t){.unordered = _i}, work, items.all, MANY), 0);
    for (int i = 0; i < 3; i++) {
        c[i].map = map;
        g[i] = spawn(consume, &c[i]);
    }
    yields(1);
    ck_assert_int_eq(green_kill(g[0], soon()), 0); /* takes nothing with it */
    ck_assert_int_eq(c[0].status, -ECANCELED);
    green_release(g[0]);
    finish(g[1]);
    finish(g[2]);
    ck_assert_int_eq(c[0].taken + c[1].taken + c[2].taken, MANY);
    ck_assert_int_eq(c[1].status + c[2].status, 0);
    green_map_close(map);
}
END_TEST

/* --- pools ---------------------------------------------------------------------------------------------- */

struct mapping {
    green_pool_t *pool;
    struct items items;
    void *results[MANY];
    int statuses[MANY];
    int result;
};

static void *map_all(void *arg)
{
    struct mapping *m = arg;
    green_map_attr_t attr = {.pool = m->pool};
    m->result = green_map(&attr, work, m->items.all, m->results, m->statuses, MANY, soon());
    return NULL;
}

START_TEST(two_maps_share_a_pool)
{
    static struct mapping one, two;
    green_pool_t pool = GREEN_POOL_INIT(3);
    items_init(&one.items, true);
    items_init(&two.items, true);
    one.pool = two.pool = &pool;
    int running = 0, most = 0;
    for (int i = 0; i < MANY; i++) {
        one.items.item[i].running = two.items.item[i].running = &running;
        one.items.item[i].most = two.items.item[i].most = &most;
    }
    green_t *a = spawn(map_all, &one), *b = spawn(map_all, &two);
    finish(a);
    finish(b);
    ck_assert_int_eq(one.result, -1003);
    ck_assert_int_eq(two.result, -1003);
    ck_assert_int_le(most, 3);
    ck_assert_int_eq(green_pool_free(&pool), 3);
}
END_TEST

/* The caller is what the pool is full of. */
START_TEST(mapped_by_a_member_of_the_full_pool)
{
    static struct mapping m;
    green_pool_t pool = GREEN_POOL_INIT(1);
    items_init(&m.items, true);
    m.pool = &pool;
    ck_assert_int_eq(green_pool_spawn(&pool, map_all, &m, soon()), 0);
    ck_assert_int_eq(green_group_join(&pool.group, soon()), 0);
    ck_assert_int_eq(m.result, -1003);
    ck_assert_int_eq(m.items.most, 1);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(m.statuses[i], expected_status(i));
        ck_assert_ptr_eq(m.results[i], m.statuses[i] ? NULL : m.items.all[i]);
    }
}
END_TEST

START_TEST(out_of_time)
{
    struct items items;
    items_init(&items, false);
    void *results[MANY];
    int statuses[MANY];
    items.item[2].gate.tokens = items.item[5].gate.tokens = 1;
    ck_assert_int_eq(green_map(NULL, work, items.all, results, statuses, MANY, green_in_ms(20)), -ETIMEDOUT);
    ck_assert_int_eq(items.running, 0);
    for (int i = 0; i < MANY; i++) {
        bool done = i == 2 || i == 5;
        ck_assert_ptr_eq(results[i], done ? items.all[i] : NULL);
        ck_assert_int_eq(statuses[i], done ? 0 : -ECANCELED);
    }
}
END_TEST

/* --- the parallel loop ---------------------------------------------------------------------------------- */

struct rounds_of {
    int runs[MANY], running, most, fail_at;
    struct gate *gate;
    int cancelled;
};

static int go_round(void *arg, size_t index)
{
    struct rounds_of *r = arg;
    r->runs[index]++;
    if (++r->running > r->most)
        r->most = r->running;
    int result = r->gate && (int)index != r->fail_at ? gate_wait(r->gate, GREEN_FOREVER) : green_yield();
    r->running--;
    r->cancelled += result == -ECANCELED;
    return (int)index == r->fail_at ? -EIO : result;
}

START_TEST(every_round_once)
{
    struct rounds_of r = {.fail_at = -1};
    ck_assert_int_eq(green_parallel_for(MANY, 4, go_round, &r, soon()), 0);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(r.runs[i], 1);
    ck_assert_int_eq(r.most, 4);
    ck_assert_int_eq(green_parallel_for(2, SIZE_MAX, go_round, &r, soon()), 0);
    ck_assert_int_eq(green_parallel_for(0, 4, go_round, &r, soon()), 0);
    ck_assert_int_eq(green_parallel_for(2, 0, go_round, &r, soon()), -EINVAL);
    ck_assert_int_eq(green_parallel_for(2, 2, NULL, &r, soon()), -EINVAL);
    ck_assert_int_eq(green_parallel_for(2, 2, go_round, &r, GREEN_NOWAIT), -EAGAIN);
}
END_TEST

START_TEST(a_failed_round_ends_the_loop)
{
    struct gate gate;
    gate_init(&gate);
    struct rounds_of r = {.fail_at = 3, .gate = &gate};
    ck_assert_int_eq(green_parallel_for(MANY, 5, go_round, &r, soon()), -EIO);
    ck_assert_int_eq(r.running, 0);
    ck_assert_int_eq(r.cancelled, 4);
    ck_assert_int_eq(r.runs[5], 0);

    r = (struct rounds_of){.fail_at = -1, .gate = &gate};
    ck_assert_int_eq(green_parallel_for(MANY, 5, go_round, &r, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(r.running, 0);
    ck_assert_int_eq(r.cancelled, 5);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {in_the_order_of_the_items, 0},
        {in_the_order_of_ending, 0},
        {no_further_ahead_than_the_bound, 2},
        {of_nothing, 0},
        {errors_surface_at_their_item, 2},
        {closed_early_it_leaves_nobody_behind, 0},
        {closed_while_the_source_waits, 0},
        {several_take_from_one, 2},
        {two_maps_share_a_pool, 0},
        {mapped_by_a_member_of_the_full_pool, 0},
        {out_of_time, 0},
        {every_round_once, 0},
        {a_failed_round_ends_the_loop, 0},
    };
    return RUN_TESTS("map", tests);
}
