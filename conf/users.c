/*
 * Lists of users. What the hashes are worth is looked at here, when the list is loaded: a password that nobody could
 * ever match, or that is as good as written in plain text, is an error and not a surprise.
 */
#include "users.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 255
#define HASH_BYTES 255

/* The methods of crypt(3) that are made for passwords, in its notation, and the fewest bytes of such a hash. */
static const struct {
    const char *prefix;
    size_t shortest;
} good[] = {
    {"$2a$", 60}, {"$2b$", 60}, {"$2y$", 60}, /* bcrypt */
    {"$5$", 46},                              /* SHA-256 */
    {"$6$", 89},                              /* SHA-512 */
    {"$7$", 50},                              /* scrypt */
    {"$y$", 50},  {"$gy$", 50},               /* yescrypt */
};

static const struct {
    const char *prefix, *wrong;
} bad[] = {
    {"$apr1$", "is hashed with MD5 (apr1), which is too fast to protect a password"},
    {"$1$", "is hashed with MD5, which is too fast to protect a password"},
    {"$md5", "is hashed with MD5, which is too fast to protect a password"},
    {"$3$", "is hashed with MD4, which is too fast to protect a password"},
    {"{", "is hashed with a method that is too fast to protect a password"},
};

static bool starts(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

static bool hash_characters(const char *hash)
{
    for (; *hash; hash++)
        if (*hash <= ' ' || *hash >= 0x7f || strchr(":;*!\\", *hash))
            return false;
    return true;
}

/* NULL, or what is wrong with a hash. */
static const char *check_hash(const char *hash)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (starts(hash, good[i].prefix))
            return strlen(hash) >= good[i].shortest && strlen(hash) <= HASH_BYTES && hash_characters(hash)
                       ? NULL
                       : "has a hash that is incomplete or damaged";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (starts(hash, bad[i].prefix))
            return bad[i].wrong;
    return "has no hash of a known method: plain text and DES are refused";
}

static bool name_characters(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct conf_user *)a)->name, ((const struct conf_user *)b)->name);
}

static const char *add(struct conf_arena *arena, const char *line, size_t n, size_t number,
                       struct conf_users *users)
{
    const char *colon = memchr(line, ':', n);
    size_t name_n = colon ? (size_t)(colon - line) : n;

    if (!colon || name_n == 0)
        return conf_arena_print(arena, "has no 'name:hash' in line %zu", number);
    if (name_n > NAME_BYTES || !name_characters(line, name_n) || memchr(line, 0, n))
        return conf_arena_print(arena, "has no name that a client could give in line %zu", number);
    struct conf_user user = {conf_arena_copy(arena, line, name_n),
                             conf_arena_copy(arena, colon + 1, n - name_n - 1)};
    const char *wrong = check_hash(user.hash);

    if (wrong)
        return conf_arena_print(arena, "cannot be used: the password of '%s' in line %zu %s", user.name,
                                number, wrong);
    users->list = conf_arena_extend(arena, users->list, users->count, sizeof(*users->list));
    users->list[users->count++] = user;
    return NULL;
}

const char *conf_users_parse(struct conf_arena *arena, const char *bytes, size_t n, struct conf_users *users)
{
    const char *wrong = NULL, *end = bytes + n;
    size_t number = 1;

    for (const char *line = bytes; line < end && !wrong; number++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((newline ? newline : end) - line);

        while (length && line[length - 1] && strchr(" \t\r", line[length - 1]))
            length--;
        if (length && *line != '#')
            wrong = add(arena, line, length, number, users);
        line = newline ? newline + 1 : end;
    }
    if (wrong)
        return wrong;
    if (!users->count)
        return "names no users";
    qsort(users->list, users->count, sizeof(*users->list), by_name);
    for (size_t i = 1; i < users->count; i++)
        if (!strcmp(users->list[i - 1].name, users->list[i].name))
            return conf_arena_print(arena, "names '%s' twice", users->list[i].name);
    return NULL;
}

const struct conf_user *conf_users_find(const struct conf_users *users, const char *name, size_t n)
{
    size_t low = 0, high = users->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = users->list[middle].name;
        size_t other_n = strlen(other);
        int order = memcmp(name, other, n < other_n ? n : other_n);

        if (order == 0 && n == other_n)
            return &users->list[middle];
        if (order < 0 || (order == 0 && n < other_n))
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
