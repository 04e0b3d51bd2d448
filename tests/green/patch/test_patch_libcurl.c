/* libcurl's easy interface as it comes, in greenlets, over HTTPS (with_server.py). */
#include "patched.h"

#include <curl/curl.h>

#define MANY 50

static size_t count_bytes(char *data, size_t size, size_t n, void *total)
{
    (void)data;
    *(size_t *)total += size * n;
    return size * n;
}

struct transfer {
    const char *path;
    long patience; /* in ms, of curl's own */
    CURLcode result;
    size_t bytes;
};

static void *fetch(void *arg)
{
    struct transfer *t = arg;
    char url[256];
    CURL *c = curl_easy_init();
    ck_assert_ptr_nonnull(c);
    snprintf(url, sizeof url, "%s%s", getenv("HTTPS_URL"), t->path);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_CAINFO, getenv("HTTPS_CA"));
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, t->patience);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, count_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &t->bytes);
    t->result = curl_easy_perform(c);
    curl_easy_cleanup(c);
    return NULL;
}

static green_t *spawn_fetch(struct transfer *t)
{
    green_t *g;
    green_attr_t attr = {.stack_size = 256 * 1024, .name = "fetch"};
    ck_assert_int_eq(green_spawn_ex(&g, &attr, fetch, t), 0);
    return g;
}

/* Each takes more than a second, by the server's doing. */
START_TEST(test_fifty_at_once)
{
    struct transfer all[MANY];
    green_t *greenlets[MANY];
    green_patch_all();
    ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
    green_time before = green_now();
    for (int i = 0; i < MANY; i++) {
        all[i] = (struct transfer){.path = "/slow"};
        greenlets[i] = spawn_fetch(&all[i]);
    }
    for (int i = 0; i < MANY; i++) {
        finish(greenlets[i]);
        ck_assert_msg(all[i].result == CURLE_OK, "%s", curl_easy_strerror(all[i].result));
        ck_assert_uint_eq(all[i].bytes, 60000);
    }
    int64_t took = green_now() - before;
    printf("%d slow transfers over HTTPS: %.0f ms\n", MANY, (double)took / 1e6);
    ck_assert_int_lt(took, GREEN_S(MANY) / 2);
    curl_global_cleanup();
}
END_TEST

START_TEST(test_ends)
{
    struct transfer own = {.path = "/slow", .patience = 50}, killed = {.path = "/slow"},
                    whole = {.path = "/page"};
    green_patch_all();
    ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
    green_t *a = spawn_fetch(&own), *b = spawn_fetch(&killed), *c = spawn_fetch(&whole);
    while (!killed.bytes)
        ck_assert_int_eq(usleep(1000), 0);
    ck_assert_int_eq(green_kill(b, soon()), 0);
    green_release(b);
    ck_assert_int_ne(killed.result, CURLE_OK);
    finish(a);
    ck_assert_int_eq(own.result, CURLE_OPERATION_TIMEDOUT);
    finish(c);
    ck_assert_int_eq(whole.result, CURLE_OK);
    ck_assert_uint_eq(whole.bytes, 60000);
    curl_global_cleanup();
}
END_TEST

int main(void)
{
    const struct test tests[] = {{test_fifty_at_once, 0}, {test_ends, 0}};
    return RUN_TESTS("patch/libcurl", tests);
}
