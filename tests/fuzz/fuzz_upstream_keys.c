/* A letter for the key, and any text as its value: health_check, retry_on, server, hedge_after (after), retry_budget. What is
 * taken is within limits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MS INT64_C(1000000)

static void must(bool good)
{
    if (!good)
        abort();
}

static bool is_text(const char *s)
{
    for (; s && *s; s++)
        if ((unsigned char)*s <= ' ' || *s == 0x7f)
            return false;
    return true;
}

static void check_health(struct conf_arena *arena, const char *text)
{
    struct conf_health_check c = {.written = text};

    if (conf_health_check_syntax.parse(arena, text, &c))
        return;
    must(c.every >= 10 * MS && c.timeout >= 10 * MS && c.every <= 86400000 * MS &&
         c.timeout <= 86400000 * MS);
    must(c.rise >= 1 && c.rise <= 1000 && c.fall >= 1 && c.fall <= 1000 && c.port >= 0 && c.port <= 65535);
    must(c.status_min >= 100 && c.status_min <= c.status_max && c.status_max <= 599);
    must(c.send_size <= CONF_CHECK_BYTES && c.expect_size <= CONF_CHECK_BYTES);
    must((c.kind == CONF_CHECK_HTTP) == (c.path && *c.path == '/'));
    must(c.kind != CONF_CHECK_HTTP || (c.method && is_text(c.path) && is_text(c.host)));
    must(c.kind != CONF_CHECK_DIALOGUE || c.expect || c.match);
    char copy[2 * CONF_CHECK_BYTES]; /* all of them can be read */
    if (c.send)
        memcpy(copy, c.send, c.send_size);
    if (c.expect)
        memcpy(copy + c.send_size, c.expect, c.expect_size);
}

static void check_retry_on(struct conf_arena *arena, const char *text)
{
    struct conf_retry_on on = {.written = text};

    if (conf_retry_on_syntax.parse(arena, text, &on))
        return;
    must(on.connect_failure || on.reset || on.timeout || on.status_count || !strcmp(text, "off"));
    must(on.status_count <= CONF_RETRY_STATUSES);
    for (unsigned i = 0; i < on.status_count; i++)
        must(on.statuses[i] == 429 || (on.statuses[i] >= 500 && on.statuses[i] <= 599));
}

static void check_server(struct conf_arena *arena, const char *text)
{
    struct conf_server s = {.written = text};

    if (conf_server_syntax.parse(arena, text, &s))
        return;
    must(*s.host && is_text(s.text) && (s.is_unix || s.service || (s.port >= 1 && s.port <= 65535)));
    must(s.weight >= 1 && s.weight <= 256 && s.tier >= 0 && s.tier <= CONF_TIER_MAX + 1);
    must(s.max_connections >= 0 && s.max_connections <= CONF_PLACES_MAX);
}

static void check_hedge(struct conf_arena *arena, const char *text)
{
    struct conf_hedge_after h = {.written = text};

    if (conf_hedge_after_syntax.parse(arena, text, &h))
        return;
    must(!h.percent || (h.percent >= 50 && h.percent <= 99 && !h.time));
    must(!h.time || (h.time >= MS && h.time <= 600000 * MS));
    must(h.percent || h.time || !strcmp(text, "off"));
}

static void check_budget(struct conf_arena *arena, const char *text)
{
    struct conf_percentage p = {.written = text};

    if (!conf_percentage_syntax.parse(arena, text, &p))
        must(p.percent >= 0 && p.percent <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_arena arena = {0};

    if (size < 2 || memchr(data, 0, size))
        return 0; /* a configuration has none */
    const char *text = conf_arena_copy(&arena, (const char *)data + 1, size - 1);
    if (*data == 'h')
        check_health(&arena, text);
    else if (*data == 'r')
        check_retry_on(&arena, text);
    else if (*data == 's')
        check_server(&arena, text);
    else if (*data == 'a')
        check_hedge(&arena, text);
    else
        check_budget(&arena, text);
    conf_arena_free(&arena);
    return 0;
}
