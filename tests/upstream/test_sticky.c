/* Tokens of servers: who has which, and what is none. */
#include "upstream/sticky.h"

#include "groups.h"

#define KEY    "sticky = cookie route key=0123456789abcdef0123456789abcdef\n"
#define STICKY ABC KEY
#define OTHER  "server = b:1\nserver = d:1\nserver = a:1\n" KEY

static struct span token_of(struct trial *t, int i)
{
    return sticky_token(&t->group.servers[i]);
}

START_TEST(each_has_its_own)
{
    struct trial t;
    trial_begin(&t, STICKY);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(token_of(&t, i).n, STICKY_TOKEN_BYTES);
        ck_assert_ptr_eq(sticky_find(&t.group, token_of(&t, i)), &t.group.servers[i]);
        for (int k = 0; k < i; k++)
            ck_assert(!span_equal(token_of(&t, i), token_of(&t, k)));
    }
    trial_end(&t);
}
END_TEST

START_TEST(whatever_is_changed_is_none)
{
    struct trial t;
    char text[STICKY_TOKEN_BYTES + 1];
    trial_begin(&t, STICKY);
    for (int at = 0; at < STICKY_TOKEN_BYTES; at++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, token_of(&t, 1).p, STICKY_TOKEN_BYTES);
            if (text[at] == (char)byte)
                continue;
            text[at] = (char)byte;
            ck_assert_ptr_null(sticky_find(&t.group, span_of(text, STICKY_TOKEN_BYTES)));
        }
    memcpy(text, token_of(&t, 1).p, STICKY_TOKEN_BYTES);
    text[STICKY_TOKEN_BYTES] = '0';
    for (size_t n = 0; n <= STICKY_TOKEN_BYTES + 1; n++)
        ck_assert_int_eq(sticky_find(&t.group, span_of(text, n)) != NULL, n == STICKY_TOKEN_BYTES);
    ck_assert_ptr_null(sticky_find(&t.group, span_of(NULL, 0)));
    trial_end(&t);
}
END_TEST

/* The same key makes the same tokens in every process, whatever else there is; without one each has its own. */
START_TEST(keys_make_tokens)
{
    static const char *const keys[] = {STICKY, OTHER,
                                       ABC "sticky = cookie route key=0123456789abcdef0123456789abcdee\n",
                                       ABC "sticky = cookie route\n", ABC "sticky = cookie route\n"};
    enum { N = sizeof keys / sizeof keys[0] };
    struct trial t[N];
    for (int i = 0; i < N; i++)
        trial_begin(&t[i], keys[i]);
    ck_assert(span_equal(token_of(&t[0], 0), token_of(&t[1], 2)));
    ck_assert(span_equal(token_of(&t[0], 1), token_of(&t[1], 0)));
    ck_assert_ptr_null(sticky_find(&t[1].group, token_of(&t[0], 2)));
    for (int i = 2; i < N; i++)
        for (int k = 0; k < 3; k++)
            ck_assert_ptr_null(sticky_find(&t[i].group, token_of(&t[0], k)));
    ck_assert_ptr_null(sticky_find(&t[4].group, token_of(&t[3], 0)));
    for (int i = 0; i < N; i++)
        trial_end(&t[i]);
}
END_TEST

START_TEST(clients_come_back_while_it_is_well)
{
    struct trial t;
    struct lease_request request;
    trial_begin(&t, STICKY);
    lease_request_init(&request, NULL, true);
    request.token = token_of(&t, 2);
    for (int i = 0; i < 10; i++)
        ck_assert_ptr_eq(group_choose(&t.group, &request), &t.group.servers[2]);
    trial_set_down(&t, 2, true);
    for (int i = 0; i < 10; i++)
        ck_assert_ptr_ne(group_choose(&t.group, &request), &t.group.servers[2]);
    trial_set_down(&t, 2, false);
    ck_assert_ptr_eq(group_choose(&t.group, &request), &t.group.servers[2]);
    tried_add(&request.tried, &t.group.servers[2]);
    ck_assert_ptr_ne(group_choose(&t.group, &request), &t.group.servers[2]);
    trial_end(&t);
}
END_TEST

START_TEST(without_the_key_there_is_none)
{
    struct trial t;
    trial_begin(&t, ABC);
    ck_assert_uint_eq(token_of(&t, 0).n, 0);
    ck_assert_ptr_null(sticky_find(&t.group, SPAN("0123456789abcdef0123456789abcdef")));
    trial_end(&t);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("sticky");
    tcase_add_test(tc, each_has_its_own);
    tcase_add_test(tc, whatever_is_changed_is_none);
    tcase_add_test(tc, keys_make_tokens);
    tcase_add_test(tc, clients_come_back_while_it_is_well);
    tcase_add_test(tc, without_the_key_there_is_none);
    return run_suite(tc, "upstream/sticky");
}
