/* Tunnels under load: much at once, in all sizes, many of them, and ends at any moment. */
#include "carry.h"

#include <sys/resource.h>

#define MIB ((uint64_t)1 << 20)

/* --- bytes
 * ---------------------------------------------------------------------------------------------------------
 */

/* Both directions at once, each checked byte for byte. */
static void carry_both_ways(struct carry *c, uint64_t total, size_t up, size_t down, bool pauses)
{
    struct traffic ends[4] = {
        {.fd = c->client, .seed = 11, .total = total, .largest = up, .pauses = pauses},
        {.fd = c->upstream, .seed = 11, .total = total, .largest = up, .pauses = pauses},
        {.fd = c->upstream, .seed = 12, .total = total, .largest = down, .pauses = pauses},
        {.fd = c->client, .seed = 12, .total = total, .largest = down, .pauses = pauses},
    };
    green_t *greenlets[4];
    for (int i = 0; i < 4; i++) {
        greenlets[i] = green_spawn(i % 2 ? receive_traffic : send_traffic, &ends[i]);
        ck_assert_ptr_nonnull(greenlets[i]);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(green_join(greenlets[i], green_in_ms(100000)), 0);
        ck_assert(ends[i].done);
        green_release(greenlets[i]);
    }
    finish(c, "");
    ck_assert_uint_eq(c->result.from_client, total);
    ck_assert_uint_eq(c->result.from_upstream, total);
}

/* Large segments are spliced, small ones copied; with both in one stream it goes back and forth. */
static const struct {
    uint64_t total;
    size_t up, down;
    bool pauses;
    int size; /* of socket buffers */
} loads[] = {
    {64 * MIB, 1 << 20, 1 << 20, false, 0},  {16 * MIB, 40000, 300000, true, 0},
    {8 * MIB, 20000, 17000, true, 0},        {2 * MIB, 700, 5000, true, 0},
    {2 * MIB, 16384, 16384, true, 0},        {16 * MIB, 100000, 900, false, 0},
    {4 * MIB, 100000, 100000, true, 262144},
};

#define LOADS (int)(sizeof loads / sizeof loads[0])

START_TEST(every_byte_arrives_in_order)
{
    struct carry c = {0};
    start_tcp(&c, loads[_i].size);
    carry_both_ways(&c, loads[_i].total / (SANITIZED ? 2 : 1), loads[_i].up, loads[_i].down,
                    loads[_i].pauses);
    if (_i == 0)
        ck_assert_uint_ge(buffers.pipe_count, 1); /* it was spliced */
}
END_TEST

START_TEST(every_byte_arrives_in_order_over_unix_sockets)
{
    struct carry c = {0};
    start_unix(&c);
    carry_both_ways(&c, loads[_i].total / 4, loads[_i].up, loads[_i].down, loads[_i].pauses);
}
END_TEST

/* Without descriptors for pipes everything is copied. */
START_TEST(without_pipes_it_copies)
{
    struct carry c = {0};
    start_tcp(&c, 0);
    struct rlimit limit, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 4;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    carry_both_ways(&c, 16 * MIB, 200000, 100000, true);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(buffers.pipe_count, 0);
}
END_TEST

/* A tunnel with all that it can move leaves others their turns. */
static void *chatter(void *arg)
{
    struct carry *c = arg;
    for (int i = 0; i < 10; i++) {
        say(c->client, "ping");
        hear(c->upstream, "ping");
    }
    return NULL;
}

START_TEST(bulk_starves_nobody)
{
    struct carry bulk = {0}, small = {0};
    start_tcp(&bulk, 0);
    start_tcp(&small, 0);
    struct traffic out = {.fd = bulk.client, .seed = 1, .total = 256 * MIB, .largest = 1 << 20};
    struct traffic in = {.fd = bulk.upstream, .seed = 1, .total = 256 * MIB, .largest = 1 << 20};
    green_t *sender = green_spawn(send_traffic, &out), *receiver = green_spawn(receive_traffic, &in);
    green_t *talker = green_spawn(chatter, &small);
    ck_assert_int_eq(green_join(talker, soon()), 0);
    ck_assert(!in.done); /* the chat was over first */
    ck_assert_int_eq(green_join(receiver, green_in_ms(100000)), 0);
    green_release(sender);
    green_release(receiver);
    green_release(talker);
    hang_up(&bulk.upstream);
    finish(&bulk, "");
    hang_up(&small.client);
    hang_up(&small.upstream);
    finish(&small, "");
}
END_TEST

/* --- many
 * ----------------------------------------------------------------------------------------------------------
 */

#define IDLE 1000

static size_t resident(void)
{
    unsigned long size, pages;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%lu %lu", &size, &pages), 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void trim(void *arg)
{
    buffers_trim(arg);
}

static size_t seen_by_all(struct carry *all)
{
    size_t heard = 0;
    for (int i = 0; i < IDLE; i++) {
        char block[64];
        ssize_t n = read(all[i].upstream, block, sizeof block);
        heard += n > 0 ? (size_t)n : 0;
    }
    return heard;
}

START_TEST(idle_tunnels_hold_next_to_no_memory)
{
    static struct carry all[IDLE];
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_ge(limit.rlim_cur, 4 * IDLE + 100);
    green_on_idle(trim, &buffers);
    int(*ends)[4] = calloc(IDLE, sizeof *ends);
    ck_assert_ptr_nonnull(ends);
    for (int i = 0; i < IDLE; i++) {
        unix_pair(ends[i]);
        unix_pair(ends[i] + 2);
    }
    memset(all, 0, sizeof all);
    green_yield();
    size_t before = resident();
    for (int i = 0; i < IDLE; i++)
        start(&all[i], ends[i], ends[i] + 2);
    /* Once all have carried something at the same time, that must not have left anything behind. */
    for (int i = 0; i < IDLE; i++)
        ck_assert_int_eq(write(all[i].client, "wake up", 7), 7);
    for (size_t heard = 0; heard < 7 * IDLE; heard += seen_by_all(all))
        green_yield();
    size_t allowed = before + IDLE * 1536 + 512 * 1024;
    green_time deadline = soon();
    while (!SANITIZED && resident() > allowed && green_now() < deadline)
        green_sleep(GREEN_MS(100)); /* the hub gives memory back after a second or two */
    if (!SANITIZED)
        ck_assert_uint_le(resident(), allowed);
    for (int i = 0; i < IDLE; i++) {
        hang_up(&all[i].client);
        hang_up(&all[i].upstream);
    }
    for (int i = 0; i < IDLE; i++)
        finish(&all[i], "");
    free(ends);
}
END_TEST

/* --- any end at any moment ------------------------------------------------------------------------------ */

#define CROWD 40

/* Something random to one of the far ends; most often bytes. */
static void disturb(struct carry *c, uint64_t *state)
{
    static char block[200000];
    uint64_t dice = random_next(state);
    int *end = dice & 1 ? &c->client : &c->upstream;
    if (*end < 0)
        return;
    size_t size = (dice >> 8) % (dice & 2 ? 300 : sizeof block);
    switch ((dice >> 2) % 64) {
    case 0:
        hang_up(end);
        break;
    case 1:
        reset(end);
        break;
    case 2:
        green_shutdown_write(*end);
        break;
    case 3:
        if (!c->ended)
            tunnel_abort(c->tunnel);
        break;
    default:
        if (dice & 4) {
            if (green_write_all(*end, block, size, NULL, GREEN_NOWAIT) < 0)
                green_yield();
        } else {
            ssize_t n = green_read(*end, block, size, GREEN_NOWAIT);
            if (n <= 0)
                green_yield();
        }
    }
    if (dice >> 40 & 1)
        green_yield();
}

START_TEST(any_end_at_any_moment)
{
    static const char *const reasons[] = {
        "", "idle_timeout", "write_timeout", "client_reset", "upstream_reset", "shutdown"};
    uint64_t state = (uint64_t)_i + 1;
    struct carry crowd[CROWD];
    memset(crowd, 0, sizeof crowd);
    for (int i = 0; i < CROWD; i++) {
        crowd[i].options.idle = GREEN_MS(random_next(&state) % 300 + 1);
        crowd[i].options.write = GREEN_MS(random_next(&state) % 100 + 1);
        if (i % 4 == 3)
            start_unix(&crowd[i]);
        else
            start_tcp(&crowd[i], i % 2 ? 16384 : 0);
    }
    int open = CROWD;
    for (int n = 0; open && n < 20000; n++) {
        disturb(&crowd[random_next(&state) % CROWD], &state);
        if (n % 100)
            continue;
        open = 0;
        for (int i = 0; i < CROWD; i++)
            open += !crowd[i].ended;
    }
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_eq(green_park(&crowd[i].over, soon()), 0);
    for (int i = 0; i < CROWD; i++) {
        bool known = false;
        for (size_t r = 0; r < sizeof reasons / sizeof reasons[0]; r++)
            known |= strcmp(crowd[i].result.reason, reasons[r]) == 0;
        ck_assert(known);
        finish(&crowd[i], crowd[i].result.reason);
    }
}
END_TEST

START_TEST(a_peer_dies_in_the_middle_of_a_transfer)
{
    struct carry c = {0};
    start_tcp(&c, 0);
    uint64_t state = (uint64_t)_i + 1;
    static char block[300000];
    uint64_t amount = random_next(&state) % (8 * MIB);
    bool sender_dies = _i % 2;
    for (uint64_t passed = 0; passed < amount;) {
        size_t done;
        int r = green_write_all(c.client, block, sizeof block, &done, GREEN_NOWAIT);
        ck_assert(r == 0 || r == -EAGAIN);
        ssize_t n = green_read(c.upstream, block, sizeof block, soon());
        ck_assert_int_gt(n, 0);
        passed += (uint64_t)n;
    }
    reset(sender_dies ? &c.client : &c.upstream);
    ssize_t n;
    if (sender_dies) {
        while ((n = green_read(c.upstream, block, sizeof block, soon())) > 0)
            ;
        ck_assert_int_eq(n, -ECONNRESET);
    } else {
        do
            n = green_write(c.client, block, sizeof block, soon());
        while (n >= 0);
        ck_assert(n == -ECONNRESET || n == -EPIPE);
    }
    finish(&c, sender_dies ? "client_reset" : "upstream_reset");
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {every_byte_arrives_in_order, LOADS},
        {every_byte_arrives_in_order_over_unix_sockets, LOADS},
        {without_pipes_it_copies, 0},
        {bulk_starves_nobody, 0},
        {idle_tunnels_hold_next_to_no_memory, 0},
        {any_end_at_any_moment, 12},
        {a_peer_dies_in_the_middle_of_a_transfer, 10},
    };
    return run_tests("tcp/tunnel_stress", tests, sizeof tests / sizeof tests[0]);
}
