/* The key table holds together: every row can be used for everything it is for. */
#include "loading.h"

#include "keys.h"
#include "value.h"

START_TEST(rows_are_complete)
{
    const struct conf_key *key = &conf_keys[_i];
    int64_t value;

    ck_assert_ptr_nonnull(key->name);
    ck_assert_uint_ne(key->kinds, 0);
    ck_assert_msg(key->doc && key->more && key->example, "%s has no words", key->name);
    ck_assert_msg(!strncmp(key->example, key->name, strlen(key->name)) &&
                      !strncmp(key->example + strlen(key->name), " = ", 3),
                  "'%s' is no example of %s", key->example, key->name);
    if (key->type <= CONF_CHOICE) {
        ck_assert_msg(key->fallback != NULL, "%s has no default", key->name);
        ck_assert_int_eq(conf_value_parse(key, key->fallback, &value), 0);
        ck_assert_int_eq(conf_value_parse(key, strchr(key->example, '=') + 2, &value), 0);
    }
    if (key->type < CONF_CHOICE)
        ck_assert_int_lt(key->min, key->max);
    if (key->type == CONF_DURATION)
        ck_assert_msg(key->min > 0, "%s may wait for ever", key->name);
    if (key->type != CONF_CHOICE)   /* whose default is the safe one */
        if (key->type != CONF_MANY) /* of a list, every item weakens */
            ck_assert_msg(!key->safe_max == (!key->weakens || key->safe_min), "%s", key->name);
}
END_TEST

START_TEST(every_value_has_a_place)
{
    const struct conf_key *key = &conf_keys[_i];
    unsigned objects = 0;

    for (enum conf_kind kind = 0; kind < CONF_OBJECTS; kind++) {
        objects += key->at[kind] != 0;
        /* What may stand in an object's section is stored in that object, and the other way round. References and
         * includes are settled in other ways. */
        ck_assert_int_eq(key->at[kind] != 0, conf_key_in(key, kind) && key->type < CONF_NAMES);
    }
    ck_assert_int_eq(objects == 0, key->type >= CONF_NAMES);
    ck_assert_int_eq(key->syntax != NULL, key->type == CONF_ONE || key->type == CONF_MANY);
}
END_TEST

START_TEST(a_key_is_found_where_it_stands)
{
    const struct conf_key *key = &conf_keys[_i];

    for (enum conf_kind kind = 0; kind < CONF_KINDS; kind++)
        if (conf_key_in(key, kind))
            ck_assert_ptr_eq(conf_key_find(kind, key->name), key); /* so no two rows claim one place */
    ck_assert_ptr_null(conf_key_find(CONF_GREENWAY, "nothing"));
}
END_TEST

START_TEST(inheritance)
{
    ck_assert(conf_key_inherits(conf_key_find(CONF_LISTENER, "max_head"), CONF_LISTENER));
    ck_assert(conf_key_inherits(conf_key_find(CONF_LISTENER, "max_connections"), CONF_LISTENER));
    ck_assert(!conf_key_inherits(conf_key_find(CONF_GREENWAY, "max_connections"), CONF_GREENWAY));
    ck_assert(!conf_key_inherits(conf_key_find(CONF_LIMITS, "max_head"), CONF_LIMITS));
    ck_assert(!conf_key_inherits(conf_key_find(CONF_UPSTREAM, "keepalive"), CONF_UPSTREAM));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/keys");
    TCase *tests = tcase_create("keys");

    tcase_add_loop_test(tests, rows_are_complete, 0, (int)conf_key_count);
    tcase_add_loop_test(tests, every_value_has_a_place, 0, (int)conf_key_count);
    tcase_add_loop_test(tests, a_key_is_found_where_it_stands, 0, (int)conf_key_count);
    tcase_add_test(tests, inheritance);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
