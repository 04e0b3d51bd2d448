/* The values of retry_on and retry_budget. */
#include "syntax.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *add_status(struct conf_retry_on *on, const char *word)
{
    long status = strtol(word, NULL, 10);

    if (strlen(word) != 3 || strspn(word, "0123456789") != 3 ||
        (status != 429 && (status < 500 || status > 599)))
        return "has a status that is neither 429 nor one from 500 to 599";
    for (unsigned i = 0; i < on->status_count; i++)
        if (on->statuses[i] == status)
            return "has a status twice";
    if (on->status_count == CONF_RETRY_STATUSES)
        return "has more than 16 statuses";
    on->statuses[on->status_count++] = (unsigned short)status;
    return NULL;
}

static const char *add_word(struct conf_retry_on *on, const char *word)
{
    struct {
        const char *name;
        bool *flag;
    } words[] = {{"connect_failure", &on->connect_failure}, {"reset", &on->reset}, {"timeout", &on->timeout}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!strcmp(word, words[i].name)) {
            if (*words[i].flag)
                return "has a word twice";
            *words[i].flag = true;
            return NULL;
        }
    return isdigit((unsigned char)*word) ? add_status(on, word) : "has an unknown word";
}

static const char *parse_retry_on(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_retry_on *on = out;
    char *rest = conf_arena_copy(arena, text, strlen(text));
    const char *wrong = NULL;

    if (!strcmp(text, "off"))
        return NULL;
    for (char *word; !wrong && (word = strsep(&rest, ", \t"));)
        if (*word)
            wrong = add_word(on, word);
    if (!wrong && !on->connect_failure && !on->reset && !on->timeout && !on->status_count)
        return "has no word";
    return wrong;
}

/* "20%", to 100%. */
static const char *parse_percentage(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_percentage *percentage = out;
    char *end;
    long percent = strtol(text, &end, 10);

    (void)arena;
    if (!isdigit((unsigned char)*text) || strcmp(end, "%") || percent > 100 || end - text > 3)
        return "is not a percentage from 0% to 100%";
    percentage->percent = percent;
    return NULL;
}

const struct conf_syntax conf_retry_on_syntax = {
    .allowed = "connect_failure, reset, timeout, statuses (429, 500 to 599), or off",
    .separators = "",
    .size = sizeof(struct conf_retry_on),
    .parse = parse_retry_on,
};

const struct conf_syntax conf_percentage_syntax = {
    .allowed = "a percentage from 0% to 100%",
    .separators = "",
    .size = sizeof(struct conf_percentage),
    .parse = parse_percentage,
};
