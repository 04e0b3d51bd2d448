/* Signed tokens: jwt.h. */
#include "jwt.h"

#include <stdio.h>

#include "base64.h"
#include "http/fields.h"

#define TRIES 4 /* keys that one token without a kid may make us try */

static const struct {
    const char *reason, *description;
} verdicts[] = {
    [JWT_GOOD] = {"", ""},
    [JWT_MALFORMED] = {"token_malformed", "the token is malformed"},
    [JWT_ALGORITHM] = {"token_algorithm", "the token is signed with an algorithm that is not accepted"},
    [JWT_KEY] = {"token_key_unknown", "the token is signed with a key that is not known"},
    [JWT_SIGNATURE] = {"token_signature", "the signature is wrong"},
    [JWT_EXPIRED] = {"token_expired", "the token has expired"},
    [JWT_EARLY] = {"token_early", "the token is not valid yet"},
    [JWT_ISSUER] = {"token_issuer", "the token is from another issuer"},
    [JWT_AUDIENCE] = {"token_audience", "the token is for another audience"},
    [JWT_CLAIM] = {"token_claim", "the token lacks a claim that is needed"},
};

const char *jwt_reason(enum jwt_verdict verdict)
{
    return verdicts[verdict].reason;
}

const char *jwt_description(enum jwt_verdict verdict)
{
    return verdicts[verdict].description;
}

/* --- the signature ------------------------------------------------------------------------------------------------- */

struct parts {
    struct span header, payload, signature; /* in base64url */
    struct span signed_bytes;
};

static bool split(struct span token, struct parts *parts)
{
    const char *first = token.n <= JWT_MOST && token.n ? memchr(token.p, '.', token.n) : NULL;
    const char *end = token.p + token.n, *second = NULL;
    if (first)
        second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (!second)
        return false;
    parts->header = span_of(token.p, (size_t)(first - token.p));
    parts->payload = span_of(first + 1, (size_t)(second - first - 1));
    parts->signature = span_of(second + 1, (size_t)(end - second - 1));
    parts->signed_bytes = span_of(token.p, (size_t)(second - token.p));
    return true;
}

static json_t *decode_object(struct span text, char *scratch)
{
    ssize_t n = base64_decode(BASE64_URL, text, scratch, JWT_MOST);
    return n > 0 ? json_read_object(span_of(scratch, (size_t)n)) : NULL;
}

static bool may_have_signed(const struct keyring_key *key, enum signature_algorithm algorithm, struct span id)
{
    return signature_fits(key->key, algorithm) &&
           (key->algorithm == SIGNATURE_ALGORITHMS || key->algorithm == algorithm) &&
           (!id.n || !key->id.n || span_equal(key->id, id));
}

static enum jwt_verdict find_signer(const struct keyring *ring, enum signature_algorithm algorithm,
                                    struct span id, const struct parts *parts, char *scratch)
{
    bool fits = false;
    int tries = 0;
    ssize_t n = base64_decode(BASE64_URL, parts->signature, scratch, JWT_MOST);
    if (n <= 0)
        return JWT_MALFORMED;
    for (size_t i = 0; i < ring->count && tries < TRIES; i++) {
        fits |= signature_fits(ring->keys[i].key, algorithm);
        if (!may_have_signed(&ring->keys[i], algorithm, id))
            continue;
        tries++;
        if (signature_verify(ring->keys[i].key, algorithm, parts->signed_bytes, span_of(scratch, (size_t)n)))
            return JWT_GOOD;
    }
    return tries ? JWT_SIGNATURE : fits ? JWT_KEY : JWT_ALGORITHM;
}

/* Of the header nothing counts but alg and kid: keys that it brings along, or names the place of, are not looked at. */
static enum jwt_verdict check_signature(const struct keyring *ring, const json_t *header,
                                        const struct parts *parts, char *scratch)
{
    struct span name, id = SPAN("");
    const json_t *kid = json_object_get(header, "kid");
    if (!json_text(header, "alg", &name) || json_object_get(header, "crit") ||
        (kid && !json_text(header, "kid", &id)))
        return JWT_MALFORMED;
    return find_signer(ring, signature_algorithm(name), id, parts, scratch);
}

enum jwt_verdict jwt_verify(const struct keyring *ring, struct span token, char *scratch, json_t **claims)
{
    struct parts parts;
    json_t *header = split(token, &parts) ? decode_object(parts.header, scratch) : NULL;
    if (!header)
        return JWT_MALFORMED;
    enum jwt_verdict verdict = check_signature(ring, header, &parts, scratch);
    json_decref(header);
    if (verdict != JWT_GOOD)
        return verdict;
    *claims = decode_object(parts.payload, scratch);
    return *claims ? JWT_GOOD : JWT_MALFORMED;
}

/* --- the claims ------------------------------------------------------------------------------------------------------ */

/* A moment in seconds, 0 if there is none; false: it is something else. */
static bool moment(const json_t *claims, const char *name, double *seconds)
{
    const json_t *value = json_object_get(claims, name);
    *seconds = value ? json_number_value(value) : 0;
    return !value || json_is_number(value);
}

static enum jwt_verdict judge_times(const json_t *claims, int64_t now, int64_t leeway)
{
    double exp, nbf, iat, grace = (double)leeway / 1e9, at = (double)now;
    if (!moment(claims, "exp", &exp) || !moment(claims, "nbf", &nbf) || !moment(claims, "iat", &iat))
        return JWT_MALFORMED;
    if (json_object_get(claims, "exp") && at >= exp + grace)
        return JWT_EXPIRED;
    return nbf > at + grace || iat > at + grace ? JWT_EARLY : JWT_GOOD;
}

static bool listed(const json_t *value, const struct conf_text *list, size_t count)
{
    for (size_t i = 0; i < count && json_is_string(value); i++)
        if (span_equal(span_of(json_string_value(value), json_string_length(value)),
                       span_str(list[i].written)))
            return true;
    return false;
}

/* One audience, or a list of them. */
static bool meant_for(const json_t *audience, const struct conf_text *list, size_t count)
{
    bool found = listed(audience, list, count);
    for (size_t i = 0; i < json_array_size(audience) && !found; i++)
        found = listed(json_array_get(audience, i), list, count);
    return found;
}

/* A scalar as text; -1: it is none, or too long. */
static int scalar_text(const json_t *value, char *out, size_t cap)
{
    int n = -1;
    if (json_is_string(value))
        n = json_string_length(value) < cap ? snprintf(out, cap, "%s", json_string_value(value)) : -1;
    else if (json_is_integer(value))
        n = snprintf(out, cap, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_boolean(value))
        n = snprintf(out, cap, "%s", json_is_true(value) ? "true" : "false");
    return n < 0 || (size_t)n >= cap ? -1 : n;
}

static bool has_word(struct span words, struct span wanted)
{
    while (words.n) {
        const char *blank = memchr(words.p, ' ', words.n);
        size_t n = blank ? (size_t)(blank - words.p) : words.n;
        if (span_equal(span_of(words.p, n), wanted))
            return true;
        words = span_of(words.p + n + (blank != NULL), words.n - n - (blank != NULL));
    }
    return false;
}

static bool has_value(const json_t *claim, const char *wanted)
{
    char text[32];
    struct span value = span_str(wanted);
    if (json_is_string(claim)) {
        struct span all = span_of(json_string_value(claim), json_string_length(claim));
        return span_equal(all, value) || has_word(all, value);
    }
    for (size_t i = 0; i < json_array_size(claim); i++) {
        const json_t *member = json_array_get(claim, i);
        if (json_is_string(member) ? !strcmp(json_string_value(member), wanted)
                                   : scalar_text(member, text, sizeof text) >= 0 && !strcmp(text, wanted))
            return true;
    }
    return scalar_text(claim, text, sizeof text) >= 0 && !strcmp(text, wanted);
}

enum jwt_verdict jwt_judge(json_t *claims, const struct jwt_rules *rules, int64_t now)
{
    enum jwt_verdict verdict = judge_times(claims, now, rules->leeway);
    if (verdict != JWT_GOOD)
        return verdict;
    if (rules->issuer_count && !listed(json_object_get(claims, "iss"), rules->issuers, rules->issuer_count))
        return JWT_ISSUER;
    if (rules->audience_count &&
        !meant_for(json_object_get(claims, "aud"), rules->audiences, rules->audience_count))
        return JWT_AUDIENCE;
    for (size_t i = 0; i < rules->claim_count; i++) {
        const json_t *claim = json_look_up(claims, rules->claims[i].name);
        if (!claim || json_is_null(claim) ||
            (rules->claims[i].value && !has_value(claim, rules->claims[i].value)))
            return JWT_CLAIM;
    }
    return JWT_GOOD;
}

/* Members of a list are told apart by their commas, so none may have one. */
ssize_t jwt_claim_text(json_t *claims, const char *name, char *out, size_t cap)
{
    const json_t *claim = json_look_up(claims, name);
    size_t n = 0;
    if (json_is_array(claim)) {
        for (size_t i = 0; i < json_array_size(claim); i++) {
            if (cap - n <= 2)
                return -1;
            n += n ? (size_t)snprintf(out + n, cap - n, ", ") : 0;
            int more = scalar_text(json_array_get(claim, i), out + n, cap - n);
            if (more <= 0 || memchr(out + n, ',', (size_t)more))
                return -1;
            n += (size_t)more;
        }
    } else {
        int all = scalar_text(claim, out, cap);
        n = all > 0 ? (size_t)all : 0;
    }
    return n && http_field_value_valid(span_of(out, n)) ? (ssize_t)n : -1;
}
