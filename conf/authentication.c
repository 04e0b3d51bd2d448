/* Values of the keys that ask who somebody is. */
#include "file.h"
#include "syntax.h"
#include "users.h"

#include <string.h>
#include <strings.h>

#define USERS_BYTES ((size_t)4 * 1024 * 1024)
#define KEYS_BYTES  ((size_t)256 * 1024)

conf_jwt_read_fn *conf_jwt_read;

static bool is_off(const char *text)
{
    return !strcmp(text, "off");
}

/* tchar of RFC 9110: names of fields, cookies. */
static bool is_token(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (*text <= ' ' || *text >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", *text))
            return false;
    return true;
}

/* Fields that the proxy makes itself, or that say something about one connection only. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {"connection",
                                       "content-length",
                                       "expect",
                                       "host",
                                       "http2-settings",
                                       "keep-alive",
                                       "proxy",
                                       "te",
                                       "trailer",
                                       "transfer-encoding",
                                       "upgrade",
                                       "proxy-connection",
                                       "via"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (!strcasecmp(name, ours[i]))
            return true;
    return !strncasecmp(name, "proxy-auth", 10);
}

static const char *check_field(const char *name)
{
    if (!is_token(name))
        return "does not begin with the name of a field";
    return is_ours(name) ? "names a field that cannot be set" : NULL;
}

/* Splits "first rest of it" at its blanks; *rest is "" if there is none. */
static const char *split(struct conf_arena *arena, const char *text, const char **rest)
{
    size_t n = strcspn(text, " \t");

    *rest = text + n + strspn(text + n, " \t");
    return conf_arena_copy(arena, text, n);
}

/* ---- basic_auth, realm ---- */

static const char *parse_users(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_users *users = out;
    const char *bytes, *wrong;
    size_t n;

    if (is_off(text))
        return NULL;
    wrong = conf_file_read(arena, text, USERS_BYTES, &bytes, &n);
    return wrong ? wrong : conf_users_parse(arena, bytes, n, users);
}

static bool same_users(const void *a, const void *b)
{
    const struct conf_users *x = a, *y = b;
    bool same = x->count == y->count;

    for (size_t i = 0; same && i < x->count; i++)
        same = !strcmp(x->list[i].name, y->list[i].name) && !strcmp(x->list[i].hash, y->list[i].hash);
    return same;
}

const struct conf_syntax conf_users_syntax = {
    .allowed =
        "a file of lines 'name:hash', as `greenway hash-password` and `htpasswd -B` print them, or off",
    .separators = "",
    .size = sizeof(struct conf_users),
    .parse = parse_users,
    .same = same_users,
};

static const char *parse_realm(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena, (void)out;
    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p >= 0x7f || *p == '"' || *p == '\\')
            return "has a character that a realm cannot have";
    return strlen(text) > 100 ? "is longer than 100 characters" : NULL;
}

const struct conf_syntax conf_realm_syntax = {
    .allowed = "up to 100 characters of ASCII, without '\"' and '\\'",
    .separators = "",
    .size = sizeof(struct conf_text),
    .parse = parse_realm,
};

/* ---- jwt ---- */

static const char *parse_jwt(struct conf_arena *arena, const char *text, void *out)
{
    static const char *const sources[] = {
        [CONF_JWT_JWKS] = "jwks:", [CONF_JWT_PEM] = "pem:", [CONF_JWT_SECRET] = "secret:"};
    struct conf_jwt *jwt = out;
    const char *bytes, *wrong;
    size_t n;

    if (is_off(text))
        return NULL;
    for (enum conf_jwt_source s = CONF_JWT_JWKS; s <= CONF_JWT_SECRET; s++)
        if (!strncmp(text, sources[s], strlen(sources[s])))
            jwt->source = s;
    if (jwt->source == CONF_JWT_OFF)
        return "does not say what kind of file it is";
    wrong = conf_file_read(arena, text + strlen(sources[jwt->source]), KEYS_BYTES, &bytes, &n);
    if (wrong || !conf_jwt_read)
        return wrong;
    return conf_jwt_read(arena, jwt->source, bytes, n, &jwt->keys);
}

const struct conf_syntax conf_jwt_syntax = {
    .allowed = "jwks:FILE, pem:FILE, secret:FILE or off",
    .separators = "",
    .size = sizeof(struct conf_jwt),
    .parse = parse_jwt,
};

static const char *parse_text(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena, (void)out;
    return strlen(text) > 1000 ? "is longer than 1000 characters" : NULL;
}

const struct conf_syntax conf_text_syntax = {
    .allowed = "words, separated by commas or blanks",
    .separators = ", \t",
    .size = sizeof(struct conf_text),
    .parse = parse_text,
};

static const char *parse_claim(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_claim *claim = out;
    const char *rest;

    claim->name = split(arena, text, &rest);
    claim->value = *rest ? rest : NULL;
    return NULL;
}

const struct conf_syntax conf_claim_syntax = {
    .allowed = "CLAIM or CLAIM VALUE",
    .separators = "",
    .size = sizeof(struct conf_claim),
    .parse = parse_claim,
};

static const char *parse_claim_field(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_claim_field *pair = out;

    pair->field = split(arena, text, &pair->claim);
    if (!*pair->claim || strpbrk(pair->claim, " \t"))
        return "is not a field and a claim";
    return check_field(pair->field);
}

const struct conf_syntax conf_claim_field_syntax = {
    .allowed = "FIELD CLAIM",
    .separators = "",
    .size = sizeof(struct conf_claim_field),
    .parse = parse_claim_field,
};

static const char *parse_cookie(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena, (void)out;
    return is_token(text) ? NULL : "is no name of a cookie";
}

const struct conf_syntax conf_jwt_cookie_syntax = {
    .allowed = "the name of a cookie",
    .separators = "",
    .size = sizeof(struct conf_text),
    .parse = parse_cookie,
};

/* ---- forward_auth ---- */

static const char *parse_ask(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_forward_auth *ask = out;

    if (is_off(text))
        return NULL;
    ask->to.name = split(arena, text, &ask->path);
    if (*ask->path != '/')
        return "has no path that begins with '/' behind the upstream";
    for (const char *p = ask->path; *p; p++)
        if (*p <= ' ' || *p >= 0x7f || strchr("\"#<>\\^`{|}", *p))
            return "has a character in its path that has to be written with '%'";
    return NULL;
}

const struct conf_syntax conf_ask_syntax = {
    .allowed = "UPSTREAM /PATH or off",
    .separators = "",
    .size = sizeof(struct conf_forward_auth),
    .upstream = 1 + offsetof(struct conf_forward_auth, to),
    .parse = parse_ask,
};

static const char *parse_field(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena, (void)out;
    return check_field(text);
}

const struct conf_syntax conf_field_syntax = {
    .allowed = "names of fields, separated by commas or blanks",
    .separators = ", \t",
    .size = sizeof(struct conf_text),
    .parse = parse_field,
};
