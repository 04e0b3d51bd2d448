/*
 * Numbers, durations, sizes, rates and choices.
 */
#include "value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first, so that printing finds the shortest form. */
static const struct unit durations[] = {
    {"d", INT64_C(86400000000000)}, {"h", INT64_C(3600000000000)}, {"m", INT64_C(60000000000)},
    {"s", INT64_C(1000000000)},     {"ms", INT64_C(1000000)},      {NULL, 0},
};
static const struct unit sizes[] = {
    {"t", INT64_C(1) << 40},
    {"g", INT64_C(1) << 30},
    {"m", INT64_C(1) << 20},
    {"k", INT64_C(1) << 10},
    {"", 1},
    {NULL, 0},
};
static const struct unit rates[] = {
    {"g/s", INT64_C(1) << 30}, {"m/s", INT64_C(1) << 20}, {"k/s", INT64_C(1) << 10}, {"/s", 1}, {NULL, 0},
};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum conf_type type)
{
    switch (type) {
    case CONF_DURATION:
        return durations;
    case CONF_SIZE:
        return sizes;
    case CONF_RATE:
        return rates;
    default:
        return plain;
    }
}

bool conf_value_is_word(const struct conf_key *key, const char *text, size_t n, int64_t *index)
{
    const char *p = key->words;

    for (int64_t i = 0; p; i++) {
        size_t m = strcspn(p, "|");

        if (m == n && !memcmp(p, text, n)) {
            *index = i;
            return true;
        }
        p = p[m] ? p + m + 1 : NULL;
    }
    return false;
}

int conf_value_parse(const struct conf_key *key, const char *text, int64_t *value)
{
    if (conf_value_is_word(key, text, strlen(text), value))
        return 0;
    if (key->type == CONF_CHOICE)
        return -EINVAL;

    bool negative = *text == '-';
    const char *p = text + negative;
    int64_t number = 0;
    bool overflow = false;

    if (!isdigit((unsigned char)*p))
        return -EINVAL;
    for (; isdigit((unsigned char)*p); p++)
        overflow |=
            __builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *p - '0', &number);

    const struct unit *unit = units_of(key->type);

    while (unit->name && strcasecmp(unit->name, p))
        unit++;
    if (key->type == CONF_RATE && !unit->name) { /* "240" and "1k" are rates as well */
        unit = sizes;
        while (unit->name && strcasecmp(unit->name, p))
            unit++;
    }
    if (!unit->name && number == 0 && !*p && !overflow)
        return -ERANGE; /* a duration of 0 needs no unit to be wrong */
    if (!unit->name)
        return -EINVAL;
    overflow |= __builtin_mul_overflow(number, unit->factor, &number);
    if (overflow || negative || number < key->min || number > key->max)
        return -ERANGE;
    *value = number;
    return 0;
}

/* Is it one of the words, and no number beside them? */
static bool is_word(const struct conf_key *key, int64_t value)
{
    int64_t words = key->words ? 1 : 0;

    for (const char *p = key->words; p && (p = strchr(p, '|')); p++)
        words++;
    return value >= 0 && value < words && (key->type == CONF_CHOICE || value == 0 || value < key->min);
}

const char *conf_value_print(const struct conf_key *key, int64_t value, char out[CONF_VALUE_BYTES])
{
    const struct unit *unit = units_of(key->type);

    if (is_word(key, value)) {
        const char *word = key->words;

        for (int64_t i = 0; i < value; i++)
            word += strcspn(word, "|") + 1;
        snprintf(out, CONF_VALUE_BYTES, "%.*s", (int)strcspn(word, "|"), word);
        return out;
    }
    while (unit[1].name && (value == 0 || value % unit->factor))
        unit++;
    snprintf(out, CONF_VALUE_BYTES, "%" PRId64 "%s", value / unit->factor, unit->name);
    return out;
}

void conf_value_allowed(const struct conf_key *key, char *out, size_t size)
{
    static const char *const names[] = {[CONF_INTEGER] = "a number",
                                        [CONF_DURATION] = "a duration",
                                        [CONF_SIZE] = "a size",
                                        [CONF_RATE] = "a rate"};
    static const char *const suffixes[] = {
        [CONF_INTEGER] = "",
        [CONF_DURATION] = ", with its unit: ms, s, m, h or d",
        [CONF_SIZE] = ", in bytes or with a unit: k, m, g or t",
        [CONF_RATE] = ", in bytes a second or with a unit: k/s, m/s or g/s",
    };
    static const char *const others[] = {
        [CONF_NAMES] = "names of sections, separated by commas or blanks",
        [CONF_FILES] = "paths or patterns of files, separated by commas or blanks",
    };

    if (key->type <= CONF_RATE) {
        char min[CONF_VALUE_BYTES], max[CONF_VALUE_BYTES];
        struct conf_key number = *key;

        number.words = NULL;
        snprintf(out, size, "%s%s%s from %s to %s%s", key->words ? key->words : "", key->words ? ", or " : "",
                 names[key->type], conf_value_print(&number, key->min, min),
                 conf_value_print(&number, key->max, max), suffixes[key->type]);
    } else if (key->type == CONF_CHOICE || key->type == CONF_SINK) {
        size_t n = 0;

        for (const char *p = key->words; p && n + 1 < size; p += strcspn(p, "|") + 1) {
            size_t m = strcspn(p, "|");

            n += (size_t)snprintf(out + n, size - n, "%s%.*s", p == key->words ? "" : ", ", (int)m, p);
            if (!p[m])
                break;
        }
        if (key->type == CONF_SINK && n < size)
            snprintf(out + n, size - n, "%s, with a '/' in it", n ? ", or the path of a file" : "a path");
    } else {
        snprintf(out, size, "%s", key->syntax ? key->syntax->allowed : others[key->type]);
    }
}

bool conf_is_token(const char *text)
{
    const char *p = text;

    while (isalnum((unsigned char)*p) || (*p && strchr("!#$%&'*+-.^_`|~", *p)))
        p++;
    return p > text && !*p;
}
