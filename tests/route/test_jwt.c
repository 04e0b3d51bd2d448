/* Tokens: the examples of the RFCs, and what is to be thought of claims. */
#include "route/jwt.h"

#include <check.h>
#include <stdlib.h>

#include "arena.h"

#define PAYLOAD                                                                                              \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
/* RFC 7515, appendixes A.1 and A.3 */
#define HS256_KEY                                                                                            \
    "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAz" \
    "Zr1Z9CAow\"}"
#define HS256_TOKEN                                                                                          \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define ES256_KEY                                                                                            \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"         \
    "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define ES256_TOKEN                                                                                          \
    "eyJhbGciOiJFUzI1NiJ9." PAYLOAD                                                                          \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
/* RFC 8037, appendix A.4 */
#define ED25519_KEY                                                                                          \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define ED25519_TOKEN                                                                                        \
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."                                              \
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

static struct conf_arena arena;

static const struct keyring *ring_of(const char *keys)
{
    const void *ring = NULL;
    char text[2048];
    int n = snprintf(text, sizeof text, "{\"keys\":[%s]}", keys);
    ck_assert_pstr_eq(keyring_read(&arena, CONF_JWT_JWKS, text, (size_t)n, &ring), NULL);
    return ring;
}

static enum jwt_verdict verify(const struct keyring *ring, const char *token)
{
    static char scratch[JWT_MOST];
    json_t *claims = NULL;
    enum jwt_verdict verdict = jwt_verify(ring, span_str(token), scratch, &claims);
    ck_assert_int_eq(verdict == JWT_GOOD, claims != NULL);
    json_decref(claims);
    return verdict;
}

static const struct {
    const char *keys, *token;
    enum jwt_verdict verdict;
} examples[] = {
    {HS256_KEY, HS256_TOKEN, JWT_GOOD},
    {ES256_KEY, ES256_TOKEN, JWT_GOOD},
    {ED25519_KEY, ED25519_TOKEN, JWT_MALFORMED}, /* well signed, but its payload is no object */
    {ED25519_KEY "," ES256_KEY "," HS256_KEY, HS256_TOKEN, JWT_GOOD},
    {ES256_KEY, HS256_TOKEN, JWT_ALGORITHM},
    {HS256_KEY, ES256_TOKEN, JWT_ALGORITHM},
    {HS256_KEY, HS256_TOKEN "A", JWT_SIGNATURE},
    {HS256_KEY, HS256_TOKEN "AA", JWT_MALFORMED},
    {HS256_KEY, HS256_TOKEN "AAAA", JWT_SIGNATURE},
    {HS256_KEY, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD ".", JWT_MALFORMED},
    {HS256_KEY, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD, JWT_MALFORMED},
    {HS256_KEY, "", JWT_MALFORMED},
    {HS256_KEY, "..", JWT_MALFORMED},
};

START_TEST(tokens)
{
    ck_assert_int_eq(verify(ring_of(examples[_i].keys), examples[_i].token), examples[_i].verdict);
    conf_arena_free(&arena);
}
END_TEST

/* Whatever byte of a good token is changed, it is good no more. */
START_TEST(every_byte_counts)
{
    const struct keyring *ring = ring_of(HS256_KEY "," ES256_KEY);
    for (int which = 0; which < 2; which++) {
        char token[] = ES256_TOKEN "................................";
        const char *good = which ? HS256_TOKEN : ES256_TOKEN;
        strcpy(token, good);
        for (size_t i = 0; token[i]; i++) {
            token[i] ^= 1;
            ck_assert_int_ne(verify(ring, token), JWT_GOOD);
            token[i] ^= 1;
        }
        ck_assert_int_eq(verify(ring, token), JWT_GOOD);
    }
    conf_arena_free(&arena);
}
END_TEST

static const struct conf_text issuers[] = {{.written = "a"}, {.written = "b"}},
                              audiences[] = {{.written = "x"}};
static const struct conf_claim demanded[] = {{.name = "scope", .value = "read"}, {.name = "r.g"}};

static const struct {
    const char *claims;
    enum jwt_verdict verdict; /* at 1000, with 10 s of leeway */
} judged[] = {
    {"{\"iss\":\"b\",\"aud\":\"x\",\"scope\":\"write read\",\"r\":{\"g\":0}}", JWT_GOOD},
    {"{\"iss\":\"a\",\"aud\":[1,\"x\"],\"scope\":[\"read\"],\"r.g\":\"\",\"exp\":991,\"nbf\":1010,\"iat\":"
     "1010}",
     JWT_GOOD},
    {"{\"exp\":990}", JWT_EXPIRED},
    {"{\"exp\":-1e300}", JWT_EXPIRED},
    {"{\"nbf\":1011}", JWT_EARLY},
    {"{\"iat\":1e18}", JWT_EARLY},
    {"{\"exp\":\"2000\"}", JWT_MALFORMED},
    {"{\"exp\":null}", JWT_MALFORMED},
    {"{}", JWT_ISSUER},
    {"{\"iss\":\"ab\"}", JWT_ISSUER},
    {"{\"iss\":\"a\"}", JWT_AUDIENCE},
    {"{\"iss\":\"a\",\"aud\":[\"y\",[\"x\"]]}", JWT_AUDIENCE},
    {"{\"iss\":\"a\",\"aud\":\"x\",\"scope\":\"ready\",\"r\":{\"g\":1}}", JWT_CLAIM},
    {"{\"iss\":\"a\",\"aud\":\"x\",\"scope\":\"read\",\"r\":{\"h\":1}}", JWT_CLAIM},
    {"{\"iss\":\"a\",\"aud\":\"x\",\"scope\":\"read\",\"r\":{\"g\":null}}", JWT_CLAIM},
    {"{\"iss\":\"a\",\"aud\":\"x\",\"scope\":\"read\",\"r\":7}", JWT_CLAIM},
};

START_TEST(claims)
{
    struct jwt_rules rules = {issuers, audiences, 2, 1, demanded, 2, 10 * INT64_C(1000000000)};
    json_t *object = json_read_object(span_str(judged[_i].claims));
    ck_assert_ptr_nonnull(object);
    ck_assert_int_eq(jwt_judge(object, &rules, 1000), judged[_i].verdict);
    json_decref(object);
}
END_TEST

static const struct {
    const char *claims, *text; /* of the claim "c"; NULL: none */
} texts[] = {
    {"{\"c\":\"a b\"}", "a b"},
    {"{\"c\":-7}", "-7"},
    {"{\"c\":true}", "true"},
    {"{\"c\":[\"a\",1,false]}", "a, 1, false"},
    {"{\"c\":\"\"}", NULL},
    {"{\"c\":1.5}", NULL},
    {"{\"c\":null}", NULL},
    {"{\"c\":{}}", NULL},
    {"{\"c\":[]}", NULL},
    {"{\"c\":[\"a\",\"b,c\"]}", NULL},
    {"{\"c\":[\"a\",\"\"]}", NULL},
    {"{\"c\":\"a\\r\\nb\"}", NULL},
    {"{\"c\":\" a\"}", NULL},
    {"{\"c\":\"0123456789abcdef\"}", NULL}, /* longer than the buffer */
    {"{\"c\":[\"0123\",\"4567\",\"89\",\"a\"]}", NULL},
    {"{}", NULL},
};

START_TEST(claims_as_text)
{
    char out[16];
    json_t *object = json_read_object(span_str(texts[_i].claims));
    ssize_t n = jwt_claim_text(object, "c", out, sizeof out);
    ck_assert_int_eq(n, texts[_i].text ? (ssize_t)strlen(texts[_i].text) : -1);
    if (n > 0)
        ck_assert_str_eq(out, texts[_i].text);
    json_decref(object);
}
END_TEST

START_TEST(json_within_bounds)
{
    char text[256] = "{\"a\":";
    for (int i = 0; i < JSON_DEPTH - 1; i++)
        strcat(text, "[");
    for (int i = 0; i < JSON_DEPTH - 1; i++)
        strcat(text, "]");
    strcat(text, "}");
    json_t *object = json_read_object(span_str(text));
    ck_assert_ptr_nonnull(object);
    json_decref(object);
    char deeper[256];
    snprintf(deeper, sizeof deeper, "{\"b\":%s}", text);
    ck_assert_ptr_null(json_read_object(span_str(deeper)));
    object = json_read_object(SPAN("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[\"}"));
    ck_assert_ptr_nonnull(object);
    json_decref(object);
    for (const char *const *bad = (const char *const[]){"", "[]", "1", "{", "{}x", "{\"a\":1,\"a\":1}",
                                                        "{\"a\":\"\\u0000\"}", NULL};
         *bad; bad++)
        ck_assert_ptr_null(json_read_object(span_str(*bad)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("route/jwt");
    TCase *tests = tcase_create("jwt");
    tcase_add_loop_test(tests, tokens, 0, sizeof examples / sizeof examples[0]);
    tcase_add_test(tests, every_byte_counts);
    tcase_add_loop_test(tests, claims, 0, sizeof judged / sizeof judged[0]);
    tcase_add_loop_test(tests, claims_as_text, 0, sizeof texts / sizeof texts[0]);
    tcase_add_test(tests, json_within_bounds);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
