/* The raw switch: what it must keep, and where it must lead. */
#include "support.h"

#include <fenv.h>
#include <math.h>

enum { STACK = 64 * 1024 };

static void *here, *there;
static int visits;
static uintptr_t frame;
static void *argument;

static void ping(void *arg)
{
    argument = arg;
    frame = (uintptr_t)__builtin_frame_address(0);
    for (;;) {
        visits++;
        green__switch(&there, here);
    }
}

static void *new_stack(void (*entry)(void *), void *arg, char **memory)
{
    *memory = malloc(STACK);
    ck_assert_ptr_nonnull(*memory);
    return green__switch_init(*memory + STACK - _Alignof(max_align_t), entry, arg);
}

START_TEST(there_and_back)
{
    if (SANITIZED)
        return; /* they must be told of each switch, which only greenlets do */
    char *memory;
    int value;
    there = new_stack(ping, &value, &memory);
    for (int i = 1; i <= 1000; i++) {
        green__switch(&here, there);
        ck_assert_int_eq(visits, i);
    }
    ck_assert_ptr_eq(argument, &value);
    ck_assert_uint_ge(frame, (uintptr_t)memory);
    ck_assert_uint_lt(frame, (uintptr_t)memory + STACK);
    ck_assert_uint_eq(frame % 16, 0); /* a frame pointer on both ABIs: the stack was aligned at the call */
    free(memory);
}
END_TEST

/* Needs all callee-saved registers, and aligned stores of vectors, on both sides of the switch. */
static double mix(double seed, int n, void (*step)(void))
{
    double a = seed, b = seed + 1, c = seed + 2, d = seed + 3, e = seed + 4, f = seed + 5, g = seed + 6,
           h = seed + 7;
    uint64_t i = (uint64_t)seed, j = i + 1, k = i + 2, l = i + 3, m = i + 4, o = i + 5;
    for (int turn = 0; turn < n; turn++) {
        step();
        a += b, b += c, c += d, d += e, e += f, f += g, g += h, h += 1;
        i += j, j ^= k, k += l, l ^= m, m += o, o += 3;
    }
    return a + b + c + d + e + f + g + h + (double)((i + j + k + l + m + o) & 0xffff);
}

static void to_there(void)
{
    green__switch(&here, there);
}

static void to_here(void)
{
    green__switch(&there, here);
}

static void stay(void)
{
}

static double other_result;

static void mix_there(void *arg)
{
    (void)arg;
    other_result = mix(1000, 100, to_here);
    for (;;)
        to_here();
}

START_TEST(registers_survive)
{
    if (SANITIZED)
        return; /* they must be told of each switch, which only greenlets do */
    char *memory;
    there = new_stack(mix_there, NULL, &memory);
    double result = mix(1, 101, to_there);
    ck_assert_double_eq(result, mix(1, 101, stay));
    ck_assert_double_eq(other_result, mix(1000, 100, stay));
    free(memory);
}
END_TEST

static void *print_floats(void *arg)
{
    char text[64]; /* printf of floating point stores vectors on the stack: an unaligned stack is a crash */
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "%.3f %Lf", sqrt(2.0), (long double)i);
        ck_assert_int_eq(strncmp(text, "1.414 ", 6), 0);
        ck_assert_int_eq(green_yield(), 0);
    }
    return arg;
}

START_TEST(greenlets_may_use_floating_point)
{
    green_t *g[2];
    for (int i = 0; i < 2; i++)
        ck_assert_ptr_nonnull(g[i] = green_spawn(print_floats, NULL));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(green_join(g[i], soon()), 0);
        green_release(g[i]);
    }
    ck_assert_int_eq(fegetround(), FE_TONEAREST);
}
END_TEST

static int recurse(int depth)
{
    volatile char block[100];
    block[0] = (char)depth;
    if (depth % 10 == 0)
        ck_assert_int_eq(green_yield(), 0);
    int below = depth ? recurse(depth - 1) : 0;
    ck_assert_int_eq(block[0], (char)depth);
    return below + 1;
}

static void *recurse_and_yield(void *arg)
{
    ck_assert_int_eq(recurse(100), 101);
    return arg;
}

START_TEST(deep_stacks_interleave)
{
    green_t *g[10];
    for (int i = 0; i < 10; i++)
        ck_assert_ptr_nonnull(g[i] = green_spawn(recurse_and_yield, NULL));
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(green_join(g[i], soon()), 0);
        green_release(g[i]);
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {there_and_back, 0},
        {registers_survive, 0},
        {greenlets_may_use_floating_point, 0},
        {deep_stacks_interleave, 0},
    };
    return RUN_TESTS("switch", tests);
}
