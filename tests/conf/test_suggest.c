/* Suggestions: near words are found, far ones are not. */
#include "loading.h"

#include "suggest.h"

static const struct {
    const char *word, *candidates[4], *best;
} cases[] = {
    {"timeout_conect", {"timeout_connect", "timeout_read"}, "timeout_connect"},
    {"wbe", {"web", "api"}, "web"},      /* a transposition is one edit */
    {"Workers", {"workers"}, "workers"}, /* case alone is none */
    {"listner", {"limits", "listener"}, "listener"},
    {"upstreams", {"upstream"}, "upstream"},
    {"ap", {"app"}, "app"},
    {"a", {"b"}, NULL}, /* one edit, but nothing in common */
    {"foo", {"bar"}, NULL},
    {"ftp", {"http"}, NULL},
    {"completely_else", {"workers"}, NULL},
    {"", {"a"}, NULL},
};

START_TEST(the_nearest_word_is_offered)
{
    struct conf_suggestion s;

    conf_suggest_start(&s, cases[_i].word);
    for (size_t i = 0; i < 4 && cases[_i].candidates[i]; i++)
        conf_suggest_offer(&s, cases[_i].candidates[i]);
    if (cases[_i].best)
        ck_assert_str_eq(s.best, cases[_i].best);
    else
        ck_assert_ptr_null(s.best);
}
END_TEST

START_TEST(long_words_are_left_alone)
{
    char word[1000];
    struct conf_suggestion s;

    memset(word, 'x', sizeof(word) - 1);
    word[sizeof(word) - 1] = 0;
    conf_suggest_start(&s, word);
    conf_suggest_offer(&s, "x");
    conf_suggest_offer(&s, word);
    ck_assert_ptr_null(s.best);
    conf_suggest_start(&s, "x");
    conf_suggest_offer(&s, word);
    ck_assert_ptr_null(s.best);
    word[64] = 0; /* the longest word that is compared */
    conf_suggest_start(&s, word + 1);
    conf_suggest_offer(&s, word);
    ck_assert_ptr_eq(s.best, word);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/suggest");
    TCase *tests = tcase_create("suggest");

    tcase_add_loop_test(tests, the_nearest_word_is_offered, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tests, long_words_are_left_alone);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
