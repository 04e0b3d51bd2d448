/* What the proxy knows about field names (fields.h). */
#include "fields.h"

#include "scan.h"

struct known {
    const char *name; /* lower case */
    uint8_t length;
    uint8_t rules;
};

static const struct known known[HTTP_F_COUNT] = {
#define ROW(id, text, rule) [HTTP_F_##id] = {text, sizeof(text) - 1, rule},
    HTTP_KNOWN_FIELDS(ROW)
#undef ROW
};

#define LONGEST    25
#define MOST_ALIKE 6

/* The known names by their length. A name missing here is never found; the test looks up every one. */
static const uint8_t by_length[LONGEST + 1][MOST_ALIKE] = {
    [2] = {HTTP_F_TE},
    [3] = {HTTP_F_VIA, HTTP_F_AGE},
    [4] = {HTTP_F_HOST, HTTP_F_DATE, HTTP_F_VARY},
    [5] = {HTTP_F_PROXY, HTTP_F_RANGE},
    [6] = {HTTP_F_SERVER, HTTP_F_COOKIE, HTTP_F_EXPECT, HTTP_F_ORIGIN},
    [7] = {HTTP_F_UPGRADE, HTTP_F_TRAILER, HTTP_F_REFERER},
    [8] = {HTTP_F_LOCATION},
    [9] = {HTTP_F_FORWARDED, HTTP_F_X_REAL_IP},
    [10] = {HTTP_F_CONNECTION, HTTP_F_USER_AGENT, HTTP_F_SET_COOKIE, HTTP_F_KEEP_ALIVE},
    [11] = {HTTP_F_RETRY_AFTER, HTTP_F_CLIENT_CERT},
    [12] = {HTTP_F_CONTENT_TYPE, HTTP_F_MAX_FORWARDS},
    [13] = {HTTP_F_CACHE_CONTROL, HTTP_F_AUTHORIZATION, HTTP_F_CONTENT_RANGE},
    [14] = {HTTP_F_CONTENT_LENGTH, HTTP_F_HTTP2_SETTINGS},
    [15] = {HTTP_F_X_FORWARDED_FOR, HTTP_F_ACCEPT_ENCODING},
    [16] = {HTTP_F_CONTENT_ENCODING, HTTP_F_X_FORWARDED_HOST, HTTP_F_X_FORWARDED_PORT,
            HTTP_F_PROXY_CONNECTION, HTTP_F_WWW_AUTHENTICATE},
    [17] = {HTTP_F_TRANSFER_ENCODING, HTTP_F_X_FORWARDED_PROTO, HTTP_F_CLIENT_CERT_CHAIN},
    [18] = {HTTP_F_PROXY_AUTHENTICATE},
    [19] = {HTTP_F_PROXY_AUTHORIZATION},
    [25] = {HTTP_F_PROXY_AUTHENTICATION_INFO},
};

static inline uint64_t word8(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    return w;
}

static inline uint32_t word4(const char *p)
{
    uint32_t w;
    memcpy(&w, p, sizeof(w));
    return w;
}

/*
 * Is name, in any case, the lower-case text of the same length? Setting bit 5 lower-cases letters and leaves
 * '-' and digits alone, and no other byte that passes the scanner turns into one of them by it: so whole
 * words are compared with that bit set. The last word overlaps the one before.
 */
static inline bool same_name(const char *name, const char *text, size_t n)
{
    const uint64_t bit = UINT64_C(0x2020202020202020);

    if (n >= 8) {
        for (size_t i = 0; i + 8 <= n; i += 8)
            if ((word8(name + i) | bit) != word8(text + i))
                return false;
        return (word8(name + n - 8) | bit) == word8(text + n - 8);
    }
    if (n >= 4)
        return (word4(name) | (uint32_t)bit) == word4(text) &&
               (word4(name + n - 4) | (uint32_t)bit) == word4(text + n - 4);
    for (size_t i = 0; i < n; i++)
        if ((name[i] | 0x20) != text[i])
            return false;
    return true;
}

uint8_t http_field_id(struct span name)
{
    if (name.n >= 2 && name.n <= LONGEST) {
        const uint8_t *id = by_length[name.n];
        for (int i = 0; i < MOST_ALIKE && id[i] != HTTP_F_OTHER; i++)
            if (same_name(name.p, known[id[i]].name, name.n))
                return id[i];
    }
    if (name.n > 12 && span_lower(name.p[0]) == 'x' && span_starts_nocase(name, SPAN("x-forwarded-")))
        return HTTP_F_X_FORWARDED_OTHER;
    if (name.n > 14 && span_lower(name.p[2]) == 'c' && span_starts_nocase(name, SPAN("x-client-cert-")))
        return HTTP_F_X_CLIENT_CERT;
    return HTTP_F_OTHER;
}

unsigned http_field_rules(uint8_t id)
{
    return id < HTTP_F_COUNT ? known[id].rules : 0;
}

bool http_field_name_valid(struct span name)
{
    return name.n > 0 && http_skip_token(name.p, name.p + name.n) == name.p + name.n;
}

bool http_field_value_valid(struct span value)
{
    if (value.n == 0)
        return true;
    return span_trim(value).n == value.n && http_skip_value(value.p, value.p + value.n) == value.p + value.n;
}

bool http_field_editable(struct span name)
{
    uint8_t id = http_field_id(name);
    return (http_field_rules(id) & (HTTP_RULE_HOP | HTTP_RULE_OURS)) == 0 && id != HTTP_F_TRAILER &&
           id != HTTP_F_EXPECT;
}

bool http_edits_drop(const struct http_edits *edits, struct span name)
{
    for (size_t i = 0; i < edits->count; i++)
        if (edits->list[i].op != HTTP_EDIT_ADD && span_equal_nocase(edits->list[i].name, name))
            return true;
    return false;
}

size_t http_edits_size(const struct http_edits *edits)
{
    size_t size = 0;

    for (size_t i = 0; i < edits->count; i++)
        if (edits->list[i].op != HTTP_EDIT_REMOVE)
            size += edits->list[i].name.n + edits->list[i].value.n + 4;
    return size;
}
