/* What one process tells another of servers, a line each, as any bytes; and cookies that nobody has signed. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "upstream/group.h"
#include "upstream/inheritance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const char text[] =
    "[listener web]\nbind = :80\nupstream = app\n[upstream app]\nserver = a:1\nserver = b:1\n"
    "sticky = cookie route key=0123456789abcdef0123456789abcdef\n";
static struct standings standings;
static struct group group;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct conf_errors errors = {0};
    (void)argc, (void)argv;
    struct conf *conf = conf_load_text("fuzz", text, sizeof text - 1, &errors);
    if (!conf || standings_init(&standings) < 0 ||
        group_init(&group, conf->upstreams, &standings, NULL, NULL) < 0)
        abort();
    conf_errors_free(&errors);
    return 0;
}

static void take(struct standings *all, const char *line)
{
    const green_time now = GREEN_S(1000000);
    if (strncmp(line, "secret ", 7) == 0 && inheritance_take_secret(all, line + 7) < -EPROTO)
        abort();
    if (strncmp(line, "health ", 7) != 0 || inheritance_take_health(all, line + 7, now) < 0)
        return;
    const struct standing *s = all->inherited[all->inherited_count - 1];
    if (!*s->upstream || !*s->server || atomic_load(&s->ejected_until) < 0 ||
        atomic_load(&s->recovered) > now)
        abort();
}

/* What was taken can be told again. */
static void tell(struct standings *all)
{
    char *told = inheritance_tell(all, GREEN_S(1000001));
    if (!told || strncmp(told, "secret ", 7) != 0)
        abort();
    free(told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct standings all;
    const struct server *s = sticky_find(&group, span_of((const char *)data, size));
    if (s && !span_equal(sticky_token(s), span_of((const char *)data, size)))
        abort();
    char *lines = malloc(size + 1), *rest = lines, *line;
    if (!lines || standings_init(&all) < 0)
        abort();
    memcpy(lines, data, size);
    lines[size] = 0;
    while ((line = strsep(&rest, "\n")))
        take(&all, line);
    tell(&all);
    standings_destroy(&all);
    free(lines);
    return 0;
}
