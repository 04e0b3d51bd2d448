/* The keys about files. */
#include "loading.h"

#define AROUND                                                                                               \
    "[listener web]\nbind = :80\n"                                                                           \
    "[route r]\n"

START_TEST(all_of_them)
{
    struct conf *conf = load(AROUND "root = /srv/www//\nindex = a.html, b.html\nfallback = /app/index.html\n"
                                    "list = on\ndotfiles = on\nprecompressed = on\n"
                                    "cache_control = public, max-age=60\n");
    const struct conf_files *files = &conf->routes[0].files;

    ck_assert_str_eq(files->root.text, "/srv/www");
    ck_assert_uint_eq(files->index_count, 2);
    ck_assert_str_eq(files->indexes[1].text, "b.html");
    ck_assert_str_eq(files->fallback.text, "app/index.html");
    ck_assert(files->list && files->dotfiles && files->precompressed);
    ck_assert_str_eq(files->cache_control.written, "public, max-age=60");
    conf_free(conf);
}
END_TEST

START_TEST(the_cautious_defaults)
{
    struct conf *conf = load(AROUND "root = www\n");
    const struct conf_files *files = &conf->routes[0].files;

    ck_assert_str_eq(files->root.text, "www");
    ck_assert(!files->list && !files->dotfiles && !files->precompressed);
    ck_assert_uint_eq(files->index_count, 0);
    ck_assert_ptr_null(files->fallback.text);
    conf_free(conf);
}
END_TEST

START_TEST(wrong_values)
{
    refuse(AROUND "root = //\n", "t:4: [route r] root: '//' is the whole file system; allowed: the path of a "
                                 "folder, such as /srv/www\n");
    refuse(AROUND "root =\n",
           "t:4: [route r] root: the value is missing; allowed: the path of a folder, such as /srv/www\n");
    refuse(
        AROUND "root = a\nindex = a/b\n",
        "t:5: [route r] index: 'a/b' has a '/'; it is a name within the folder that was asked for; allowed: "
        "the name of a file, such as index.html\n");
    refuse(
        AROUND "root = a\nindex = ..\n",
        "t:5: [route r] index: '..' has an empty, '.' or '..' segment; allowed: the name of a file, such as "
        "index.html\n");
    refuse(
        AROUND "root = a\nfallback = index.html\n",
        "t:5: [route r] fallback: 'index.html' does not start with '/', which is the root; allowed: the path "
        "of a file within the root, such as /index.html\n");
    refuse(AROUND "root = a\nfallback = /../x\n",
           "t:5: [route r] fallback: '/../x' has an empty, '.' or '..' segment; allowed: the path of a file "
           "within the root, such as /index.html\n");
    refuse(AROUND "root = a\nfallback = /a//x\n",
           "t:5: [route r] fallback: '/a//x' has an empty, '.' or '..' segment; allowed: the path of a file "
           "within the root, such as /index.html\n");
    refuse(AROUND "root = a\ncache_control = caf\xc3\xa9\n",
           "t:5: [route r] cache_control: 'caf\xc3\xa9' has a character that is not printable ASCII; "
           "allowed: the "
           "value of a field, such as public, max-age=3600\n");
    refuse(AROUND "root = a\nlist = maybe\n",
           "t:5: [route r] list: 'maybe' is not understood; allowed: off, on\n");
}
END_TEST

START_TEST(without_a_root)
{
    refuse("[listener web]\nbind = :80\n[upstream u]\nserver = a:1\n[route r]\nupstream = u\nlist = on\n",
           "t:7: [route r] list: the key is about files, and the route serves none; set root, or leave it "
           "out\n");
    refuse(AROUND "root = a\nupstream = u\n[upstream u]\nserver = a:1\n",
           "t:4: [route r] root: the route has 'upstream' already, and can do only one of both\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files");
    TCase *tests = tcase_create("files");

    tcase_add_test(tests, all_of_them);
    tcase_add_test(tests, the_cautious_defaults);
    tcase_add_test(tests, wrong_values);
    tcase_add_test(tests, without_a_root);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
