/* The values of hedge_after. */
#include "syntax.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "value.h"

static const char *parse_hedge_after(struct conf_arena *arena, const char *text, void *out)
{
    static const struct conf_key duration = {
        .name = "hedge_after", .type = CONF_DURATION, .min = 1000000, .max = INT64_C(600000000000)};
    struct conf_hedge_after *after = out;
    size_t digits = strspn(text, "0123456789");

    (void)arena;
    if (!strcmp(text, "off"))
        return NULL;
    if (digits && !strcmp(text + digits, "%")) {
        after->percent = digits <= 2 ? atoi(text) : 0;
        return after->percent >= 50 ? NULL : "is not a percentage from 50% to 99%";
    }
    return conf_value_parse(&duration, text, &after->time) == 0 ? NULL
                                                                : "is neither a duration nor a percentage";
}

const struct conf_syntax conf_hedge_after_syntax = {
    .allowed = "off, a duration from 1ms to 10m, or a percentage from 50% to 99%",
    .separators = "",
    .size = sizeof(struct conf_hedge_after),
    .parse = parse_hedge_after,
};
