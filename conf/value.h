/*
 * Values that are one number or one word: from text and back. Durations, sizes and rates have units.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "keys.h"

#define CONF_VALUE_BYTES 64 /* room for any number as text */

/* For keys of the numeric types and CONF_CHOICE. 0, -EINVAL for text of another form, or -ERANGE. */
int conf_value_parse(const struct conf_key *key, const char *text, int64_t *value);

/* The shortest text that conf_value_parse() reads as this value, in `out`, which is also returned. */
const char *conf_value_print(const struct conf_key *key, int64_t value, char out[CONF_VALUE_BYTES]);

/* What the key accepts: "a duration from 1ms to 365d, such as 30s". */
void conf_value_allowed(const struct conf_key *key, char *out, size_t size);

/* True if text is one of key->words; *index says which. */
bool conf_value_is_word(const struct conf_key *key, const char *text, size_t n, int64_t *index);

/* A token of RFC 9110, section 5.6.2, as names of fields, methods and cookies are. */
bool conf_is_token(const char *text);

#endif
