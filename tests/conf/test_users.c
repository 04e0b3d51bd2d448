/* Lists of users: which are taken, what is wrong with the others, who is found. */
#include "loading.h"

#include "users.h"

#define HASH "$2b$10$INrms6BbtUIsENtex5w/0ueJ5p0xuQhHzBG5.V2fRtFJPOrSIoB/W"

static const char *parse(struct conf_arena *arena, const char *text, struct conf_users *users)
{
    return conf_users_parse(arena, text, strlen(text), users);
}

START_TEST(every_user_is_found_and_nobody_else)
{
    struct conf_arena arena = {0};
    struct conf_users users = {0};

    ck_assert_pstr_eq(
        parse(&arena, "# staff\nbob:" HASH "\r\n\nal:" HASH " \nalice:" HASH "\n\xc3\xa9mile:" HASH, &users),
        NULL);
    ck_assert_uint_eq(users.count, 4);
    for (const char *const *name = (const char *const[]){"bob", "al", "alice", "\xc3\xa9mile", NULL}; *name;
         name++) {
        const struct conf_user *user = conf_users_find(&users, *name, strlen(*name));
        ck_assert_ptr_nonnull(user);
        ck_assert_str_eq(user->name, *name);
        ck_assert_str_eq(user->hash, HASH);
    }
    for (const char *const *name = (const char *const[]){"", "a", "ali", "alicee", "bo", "Bob", "zoe", NULL};
         *name; name++)
        ck_assert_ptr_null(conf_users_find(&users, *name, strlen(*name)));
    ck_assert_ptr_null(conf_users_find(&users, "al\0ice", 6));
    conf_arena_free(&arena);
}
END_TEST

static const struct {
    const char *text, *wrong;
} bad[] = {
    {"", "names no users"},
    {"#x:" HASH "\n", "names no users"},
    {"alice", "line 1"},
    {"\n:" HASH, "line 2"},
    {"a\tb:" HASH, "line 1"},
    {"alice:secret", "no hash of a known method"},
    {"alice:", "no hash of a known method"},
    {"alice:$2b$10$tooshort", "incomplete or damaged"},
    {"alice:" HASH ":x", "incomplete or damaged"},
    {"alice:" HASH " x", "incomplete or damaged"},
    {"alice:!" HASH, "no hash of a known method"},
    {"alice:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", "apr1"},
    {"alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "too fast"},
    {"alice:$1$xyz$abcdefghijklmnopqrstuv", "MD5"},
    {"b:" HASH "\na:" HASH "\nb:" HASH, "names 'b' twice"},
};

START_TEST(what_is_wrong_is_said)
{
    struct conf_arena arena = {0};
    jmp_buf out_of_memory;

    arena.out_of_memory = &out_of_memory;
    struct conf_users users = {0};
    const char *wrong = parse(&arena, bad[_i].text, &users);

    ck_assert_msg(wrong && strstr(wrong, bad[_i].wrong), "'%s' %s", bad[_i].text,
                  wrong ? wrong : "was taken");
    conf_arena_free(&arena);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    struct conf_arena arena = {0};
    struct conf_users users = {0};
    static const char text[] = "alice:" HASH "\0\n";

    ck_assert_ptr_nonnull(conf_users_parse(&arena, text, sizeof(text) - 1, &users));
    conf_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/users");
    TCase *tests = tcase_create("users");

    tcase_add_test(tests, every_user_is_found_and_nobody_else);
    tcase_add_loop_test(tests, what_is_wrong_is_said, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tests, bytes_that_are_no_text);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
