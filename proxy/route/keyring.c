/* Keyrings: from files to keys. */
#include "keyring.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "arena.h"
#include "base64.h"
#include "json.h"

#define NUMBER_BYTES 1100 /* of the largest number in a key: RSA with 8192 bits, a secret */

static atomic_uint_fast64_t made; /* keyrings, in this process */

static void release(void *object)
{
    struct keyring *ring = object;
    for (size_t i = 0; i < ring->count; i++)
        signature_key_free(ring->keys[i].key);
}

/* --- one key of a JWK set ------------------------------------------------------------------------------------------- */

/* A member in base64url. False: there is none, or it is too large. */
static bool number(const json_t *jwk, const char *name, char *buffer, struct span *bytes)
{
    struct span text;
    ssize_t n = json_text(jwk, name, &text) ? base64_decode(BASE64_URL, text, buffer, NUMBER_BYTES) : -1;
    if (n <= 0)
        return false;
    *bytes = span_of(buffer, (size_t)n);
    return true;
}

static const char *read_rsa(const json_t *jwk, struct signature_key **key)
{
    char buffers[2][NUMBER_BYTES];
    struct span n, e;
    if (!number(jwk, "n", buffers[0], &n) || !number(jwk, "e", buffers[1], &e))
        return "lacks n or e";
    return signature_key_rsa(n, e, key);
}

static const char *read_curve(const json_t *jwk, struct signature_key **key, bool *unknown)
{
    static const struct {
        const char *name;
        enum signature_kind kind;
    } curves[] = {{"P-256", SIGNATURE_P256}, {"P-384", SIGNATURE_P384}, {"P-521", SIGNATURE_P521}};
    char buffers[2][NUMBER_BYTES];
    struct span curve, x, y;
    if (!json_text(jwk, "crv", &curve) || !number(jwk, "x", buffers[0], &x) ||
        !number(jwk, "y", buffers[1], &y))
        return "lacks crv, x or y";
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (span_equal(curve, span_str(curves[i].name)))
            return signature_key_curve(curves[i].kind, x, y, key);
    *unknown = true;
    return NULL;
}

static const char *read_okp(const json_t *jwk, struct signature_key **key, bool *unknown)
{
    char buffer[NUMBER_BYTES];
    struct span curve, x;
    if (!json_text(jwk, "crv", &curve) || !number(jwk, "x", buffer, &x))
        return "lacks crv or x";
    if (span_equal(curve, SPAN("Ed25519")))
        return signature_key_ed25519(x, key);
    *unknown = true;
    return NULL;
}

static const char *read_secret(const json_t *jwk, struct signature_key **key)
{
    char buffer[NUMBER_BYTES];
    struct span k;
    return number(jwk, "k", buffer, &k) ? signature_key_secret(k, key) : "lacks k";
}

/* The key itself. Sets of keys may hold what is not for signatures, or not known yet: those keys are *unknown. */
static const char *read_numbers(const json_t *jwk, struct signature_key **key, bool *unknown)
{
    struct span type, use;
    if (!json_text(jwk, "kty", &type))
        return "has no kty";
    *unknown = json_text(jwk, "use", &use) && !span_equal(use, SPAN("sig"));
    if (*unknown)
        return NULL;
    if (span_equal(type, SPAN("RSA")))
        return read_rsa(jwk, key);
    if (span_equal(type, SPAN("EC")))
        return read_curve(jwk, key, unknown);
    if (span_equal(type, SPAN("OKP")))
        return read_okp(jwk, key, unknown);
    if (span_equal(type, SPAN("oct")))
        return read_secret(jwk, key);
    *unknown = true;
    return NULL;
}

/* --- keyrings --------------------------------------------------------------------------------------------------------- */

/* One more key, which is the ring's whatever happens. */
static const char *add(struct conf_arena *arena, struct keyring *ring, struct signature_key *key,
                       struct span id, struct span algorithm)
{
    struct keyring_key *slot = &ring->keys[ring->count++];
    *slot = (struct keyring_key){.key = key, .algorithm = signature_algorithm(algorithm)};
    slot->id = span_of(conf_arena_copy(arena, id.p, id.n), id.n);
    if (algorithm.n && !signature_fits(key, slot->algorithm))
        return "has an alg that is not known or not for keys of its type";
    return NULL;
}

static const char *add_jwk(struct conf_arena *arena, struct keyring *ring, const json_t *jwk)
{
    struct signature_key *key = NULL;
    struct span id = SPAN(""), algorithm = SPAN("");
    bool unknown = false;
    const char *wrong = json_is_object(jwk) ? read_numbers(jwk, &key, &unknown) : "is no object";
    if (wrong || unknown)
        return wrong;
    if (json_object_get(jwk, "kid") && !json_text(jwk, "kid", &id))
        wrong = "has a kid that is no text";
    if (json_object_get(jwk, "alg") && (!json_text(jwk, "alg", &algorithm) || !algorithm.n))
        wrong = "has an alg that is no text";
    const char *unfit = add(arena, ring, key, id, algorithm);
    return wrong ? wrong : unfit;
}

/* Memory of the arena is asked for while the JSON is held: running out of it leaks that, once, as the program ends. */
static const char *read_set(struct conf_arena *arena, struct keyring *ring, struct span text)
{
    json_t *set = json_read_object(text), *list = json_object_get(set, "keys");
    size_t count = json_array_size(list);
    const char *wrong = !json_is_array(list)   ? "is no set of keys: a JSON object with a list 'keys'"
                        : count > KEYRING_MOST ? "has more than 64 keys"
                                               : NULL;
    for (size_t i = 0; i < count && !wrong; i++) {
        wrong = add_jwk(arena, ring, json_array_get(list, i));
        if (wrong)
            wrong = conf_arena_print(arena, "cannot be used: key %zu of it %s", i + 1, wrong);
    }
    json_decref(set);
    if (!wrong && !ring->count)
        wrong = "has no key that is for signatures";
    return wrong;
}

static const char *read_one(struct conf_arena *arena, struct keyring *ring, enum conf_jwt_source source,
                            struct span text)
{
    struct signature_key *key = NULL;
    const char *wrong;
    if (source == CONF_JWT_SECRET && text.n && text.p[text.n - 1] == '\n')
        text.n -= text.n > 1 && text.p[text.n - 2] == '\r' ? 2 : 1;
    wrong = source == CONF_JWT_SECRET ? signature_key_secret(text, &key) : signature_key_pem(text, &key);
    return wrong ? wrong : add(arena, ring, key, SPAN(""), SPAN(""));
}

const char *keyring_read(struct conf_arena *arena, enum conf_jwt_source source, const char *bytes, size_t n,
                         const void **keys)
{
    struct keyring *ring = conf_arena_alloc(arena, sizeof *ring);
    ring->number = atomic_fetch_add(&made, 1);
    ring->keys = conf_arena_alloc(arena, KEYRING_MOST * sizeof *ring->keys);
    conf_arena_on_free(arena, release, ring);
    *keys = ring;
    return source == CONF_JWT_JWKS ? read_set(arena, ring, span_of(bytes, n))
                                   : read_one(arena, ring, source, span_of(bytes, n));
}
