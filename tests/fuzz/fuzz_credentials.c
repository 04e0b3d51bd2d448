/*
 * What clients and files say of who somebody is: tokens, claims, sets of keys, lists of users, Base64. The first byte
 * says which of them the others are. Nothing may crash, leak or be read beyond its end; what is found to be good must
 * be what it was made of.
 */
#include <stdlib.h>

#include "arena.h"
#include "route/base64.h"
#include "route/jwt.h"
#include "users.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define KEYS                                                                                                 \
    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"s\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"        \
    "1qS0gZH75aK"                                                                                            \
    "tMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"                             \
    "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV7"                                                                         \
    "6e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},{\"kty\":\"OKP\",\"crv\":"     \
    "\"Ed25519\""                                                                                            \
    ",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

static const struct conf_text words[] = {{.written = "a"}, {.written = "joe"}};
static const struct conf_claim demanded[] = {
    {.name = "a"}, {.name = "scope", .value = "read"}, {.name = "a.b.c"}};

static void judge(json_t *claims)
{
    char out[64];
    for (size_t mask = 0; mask < 8; mask++) {
        struct jwt_rules rules = {
            words, words, mask & 1 ? 2 : 0, mask & 2 ? 2 : 0, demanded, mask & 4 ? 3 : 0, 0};
        if (jwt_judge(claims, &rules, 1000000000) == JWT_GOOD && mask & 1 && !json_object_get(claims, "iss"))
            abort();
    }
    for (size_t i = 0; i < 3; i++) {
        ssize_t n = jwt_claim_text(claims, demanded[i].name, out, sizeof out);
        if (n == 0 || n >= (ssize_t)sizeof out || (n > 0 && strcspn(out, "\r\n") < (size_t)n))
            abort();
    }
}

static void token(struct conf_arena *arena, struct span text)
{
    static char scratch[JWT_MOST];
    const void *ring = NULL;
    json_t *claims = NULL;
    if (keyring_read(arena, CONF_JWT_JWKS, KEYS, sizeof KEYS - 1, &ring))
        abort();
    if (jwt_verify(ring, text, scratch, &claims) == JWT_GOOD)
        judge(claims);
    json_decref(claims);
}

static void base64(struct span text, enum base64_alphabet alphabet)
{
    char *out = malloc(text.n + 1);
    ssize_t n = base64_decode(alphabet, text, out, text.n);
    if (n > 0 && ((size_t)n > text.n || base64_decode(alphabet, text, out, (size_t)n - 1) >= 0))
        abort();
    free(out);
}

static void users(struct conf_arena *arena, struct span text)
{
    struct conf_users list = {0};
    if (conf_users_parse(arena, text.p, text.n, &list))
        return;
    for (size_t i = 0; i < list.count; i++)
        if (conf_users_find(&list, list.list[i].name, strlen(list.list[i].name)) != &list.list[i])
            abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct conf_arena arena = {0};
    const void *ring = NULL;
    if (!size)
        return 0;
    struct span text = span_of((const char *)data + 1, size - 1);
    json_t *claims;
    switch (data[0]) {
    case 't':
        token(&arena, text);
        break;
    case 'c':
        claims = json_read_object(text);
        if (claims)
            judge(claims);
        json_decref(claims);
        break;
    case 'k':
        (void)keyring_read(&arena, CONF_JWT_JWKS, text.p, text.n, &ring);
        break;
    case 'p':
        (void)keyring_read(&arena, CONF_JWT_PEM, text.p, text.n, &ring);
        break;
    case 'u':
        users(&arena, text);
        break;
    default:
        base64(text, data[0] & 1 ? BASE64_URL : BASE64_STANDARD);
    }
    conf_arena_free(&arena);
    return 0;
}
