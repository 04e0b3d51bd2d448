/* Greenlet-local values, hooks, slots. */
#include "support.h"

static int destroyed;

static void destroy(void *value)
{
    ck_assert_int_eq(green_yield(), 0);
    destroyed += *(int *)value;
}

static void *duplicate(void *value)
{
    static int copy;
    copy = *(int *)value + 1;
    return &copy;
}

static green_key_t plain, shared, copied;
static int one = 1, two = 2, three = 3;

static void make_keys(void)
{
    ck_assert_int_eq(green_key_create(&plain, &(green_key_attr_t){.destroy = destroy}), 0);
    ck_assert_int_eq(green_key_create(&shared, &(green_key_attr_t){.inherit = green_inherit_same}), 0);
    ck_assert_int_eq(green_key_create(&copied, &(green_key_attr_t){.inherit = duplicate}), 0);
}

static void delete_keys(void)
{
    green_key_delete(plain);
    green_key_delete(shared);
    green_key_delete(copied);
}

static void *holds(void *arg)
{
    ck_assert_ptr_null(green_local_get(plain));
    ck_assert_int_eq(green_local_set(plain, arg), 0);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_ptr_eq(green_local_get(plain), arg);
    return NULL;
}

/* Case 132. */
START_TEST(each_has_its_own)
{
    make_keys();
    green_t *a = spawn(holds, &one), *b = spawn(holds, &two);
    finish(a);
    finish(b);
    ck_assert_ptr_null(green_local_get(plain));
    ck_assert_int_eq(destroyed, 3);
    delete_keys();
}
END_TEST

static void *grandchild(void *arg)
{
    ck_assert_ptr_eq(green_local_get(shared), &one);
    ck_assert_int_eq(*(int *)green_local_get(copied), 4);
    ck_assert_ptr_null(green_local_get(plain));
    ck_assert_int_eq(green_local_set(shared, &two), 0);
    return NULL;
}

static void *child(void *arg)
{
    green_t *g = spawn(grandchild, NULL);
    finish(g);
    ck_assert_ptr_eq(green_local_get(shared), &one);
    return NULL;
}

/* Case 35. */
START_TEST(children_inherit)
{
    make_keys();
    ck_assert_int_eq(green_local_set(shared, &one), 0);
    ck_assert_int_eq(green_local_set(copied, &two), 0);
    ck_assert_int_eq(green_local_set(plain, &three), 0);
    finish(spawn(child, NULL));
    ck_assert_int_eq(destroyed, 0);
    green_t *unborn = spawn(child, NULL);
    ck_assert_int_eq(green_kill(unborn, soon()), 0);
    green_release(unborn);
    ck_assert_int_eq(green_local_set(plain, NULL), 0);
    delete_keys();
}
END_TEST

START_TEST(keys_end_and_run_out)
{
    green_key_t key, keys[GREEN_KEYS_MAX];
    ck_assert_int_eq(green_key_create(&key, NULL), 0);
    ck_assert_int_eq(green_local_set(key, &one), 0);
    green_key_delete(key);
    ck_assert_ptr_null(green_local_get(key));
    ck_assert_int_eq(green_local_set(key, &one), -EINVAL);
    ck_assert_int_eq(green_local_set((green_key_t){0}, &one), -EINVAL);
    ck_assert_int_eq(green_local_set((green_key_t){100000}, &one), -EINVAL);
    ck_assert_int_eq(green_key_create(&key, NULL), 0);
    ck_assert_ptr_null(green_local_get(key)); /* the same number, another key */
    green_key_delete(key);
    for (int i = 0; i < GREEN_KEYS_MAX; i++)
        ck_assert_int_eq(green_key_create(&keys[i], NULL), 0);
    ck_assert_int_eq(green_key_create(&key, NULL), -EAGAIN);
    for (int i = 0; i < GREEN_KEYS_MAX; i++)
        green_key_delete(keys[i]);
}
END_TEST

static green_key_t last;

static void set_another(void *value)
{
    destroyed++;
    ck_assert_int_eq(green_local_set(last, value), 0);
}

static void destroy_last(void *value)
{
    ck_assert_ptr_eq(value, &one);
    destroyed += 10;
}

static void *sets_first(void *arg)
{
    ck_assert_int_eq(green_local_set(*(green_key_t *)arg, &one), 0);
    return NULL;
}

/* Case 132: at the end of the greenlet, though its handle lives on; what a destructor sets is destroyed too. */
START_TEST(destructors_run_once)
{
    green_key_t first;
    ck_assert_int_eq(green_key_create(&first, &(green_key_attr_t){.destroy = set_another}), 0);
    ck_assert_int_eq(green_key_create(&last, &(green_key_attr_t){.destroy = destroy_last}), 0);
    green_t *g = spawn(sets_first, &first);
    ck_assert_int_eq(green_join(g, soon()), 0);
    ck_assert_int_eq(destroyed, 11);
    green_release(g);
    ck_assert_int_eq(destroyed, 11);
    green_key_delete(first);
    green_key_delete(last);
}
END_TEST

static int counts[5];

static void count(green_hook_t *hook, enum green_event_kind kind, green_t *g)
{
    ck_assert_ptr_nonnull(g);
    counts[kind]++;
}

static void *nothing(void *arg)
{
    return arg;
}

/* Case 34. */
START_TEST(hooks_are_told)
{
    green_hook_t a, b;
    ck_assert_int_eq(green_hook_add(&a, 0, count), -EINVAL);
    ck_assert_int_eq(green_hook_add(&a, GREEN_HOOK_SPAWN, NULL), -EINVAL);
    ck_assert_int_eq(green_hook_add(&a, GREEN_HOOK_SPAWN | GREEN_HOOK_END, count), 0);
    ck_assert_int_eq(green_hook_add(&b, GREEN_HOOK_SWITCH, count), 0);
    finish(spawn(nothing, NULL));
    ck_assert_int_eq(counts[GREEN_HOOK_SPAWN], 1);
    ck_assert_int_eq(counts[GREEN_HOOK_END], 1);
    ck_assert_int_ge(counts[GREEN_HOOK_SWITCH], 2);
    green_hook_remove(&a);
    green_hook_remove(&a);
    green_hook_remove(&b);
    int before = counts[GREEN_HOOK_SWITCH];
    finish(spawn(nothing, NULL));
    ck_assert_int_eq(counts[GREEN_HOOK_SPAWN], 1);
    ck_assert_int_eq(counts[GREEN_HOOK_SWITCH], before);
}
END_TEST

/* Case 33. */
START_TEST(slots_are_small_and_used_again)
{
    green_t *g[200];
    for (unsigned i = 0; i < 200; i++) {
        g[i] = spawn(nothing, NULL);
        ck_assert_uint_eq(green_slot(g[i]), i + 1);
        ck_assert_uint_eq(green_slot(g[i]), i + 1);
    }
    finish(g[70]);
    finish(g[7]);
    g[7] = spawn(nothing, NULL);
    ck_assert_uint_eq(green_slot(g[7]), 1); /* joining one let all of them end */
    ck_assert_uint_ne(green_id(g[7]), green_id(g[8]));
    for (unsigned i = 0; i < 200; i++)
        if (i != 70)
            finish(g[i]);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {each_has_its_own, 0},     {destructors_run_once, 0}, {children_inherit, 0},
        {keys_end_and_run_out, 0}, {hooks_are_told, 0},       {slots_are_small_and_used_again, 0},
    };
    return RUN_TESTS("local", tests);
}
