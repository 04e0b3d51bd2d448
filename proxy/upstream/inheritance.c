/* Telling what is known of servers, and taking it (inheritance.h). */
#include "inheritance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_MS        (INT64_C(366) * 24 * 3600 * 1000)
#define INHERITED_MOST 100000 /* servers: enough for anybody */

/* --- telling ---------------------------------------------------------------------------------------------------------- */

static int64_t in_ms(int64_t ns)
{
    int64_t ms = ns / GREEN_MS(1);
    return ms < MOST_MS ? ms : MOST_MS;
}

static void tell_health(FILE *out, const struct standing *s, green_time now)
{
    green_time until = atomic_load(&s->ejected_until), back = atomic_load(&s->recovered);
    bool down = atomic_load(&s->down);
    if (!s->check.known && !down && !until && !back && !atomic_load(&s->errors))
        return;
    fprintf(out, "health %d %d %u %lld %u %lld %s %s", s->check.known, down, atomic_load(&s->errors),
            until > now ? (long long)in_ms(until - now) + 1 : 0LL, atomic_load(&s->ejections),
            back ? (long long)in_ms(now - back) : -1LL, s->upstream, s->server);
    fputc(0, out);
}

char *inheritance_tell(struct standings *all, green_time now)
{
    char *text = NULL;
    size_t size = 0;
    const struct standing *s;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fputs("secret ", out);
    for (size_t i = 0; i < sizeof all->secret; i++)
        fprintf(out, "%02x", all->secret[i]);
    fputc(0, out);
    pthread_mutex_lock(&all->lock);
    LIST_FOREACH(s, &all->list, link)
    tell_health(out, s, now);
    pthread_mutex_unlock(&all->lock);
    fputc(0, out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* --- taking ----------------------------------------------------------------------------------------------------------- */

static int keep(struct standings *all, struct standing *s)
{
    struct standing **more =
        all->inherited_count < INHERITED_MOST
            ? realloc(all->inherited, (all->inherited_count + 1) * sizeof(struct standing *))
            : NULL;
    if (!more) {
        standing_release(s);
        return -ENOMEM;
    }
    all->inherited = more;
    all->inherited[all->inherited_count++] = s;
    s->check.inherited = true;
    return 0;
}

int inheritance_take_health(struct standings *all, const char *text, green_time now)
{
    int known, down, used = 0;
    unsigned errors, ejections;
    long long ejected_ms, back_ms;
    char upstream[512];
    if (sscanf(text, "%1d %1d %9u %18lld %9u %18lld %511s %n", &known, &down, &errors, &ejected_ms,
               &ejections, &back_ms, upstream, &used) != 7 ||
        !used || !text[used] || known < 0 || known > 1 || down < 0 || down > 1 || ejected_ms < 0 ||
        ejected_ms > MOST_MS + 1 || back_ms < -1 || back_ms > MOST_MS)
        return -EPROTO;
    struct standing *s = standing_hold(all, upstream, text + used);
    if (!s)
        return -ENOMEM;
    if (s->check.inherited) { /* twice: it has that already */
        standing_release(s);
        return -EPROTO;
    }
    green_time back = now - back_ms * GREEN_MS(1);
    atomic_store(&s->down, known && down);
    atomic_store(&s->errors, errors);
    atomic_store(&s->ejected_until, ejected_ms ? now + ejected_ms * GREEN_MS(1) : 0);
    atomic_store(&s->ejections, ejections);
    atomic_store(&s->recovered, back_ms < 0 ? 0 : back ? back : 1);
    s->check.was_known = known;
    return keep(all, s);
}

int inheritance_take_secret(struct standings *all, const char *text)
{
    unsigned char secret[sizeof all->secret];
    if (strlen(text) != 2 * sizeof secret || strspn(text, "0123456789abcdef") != 2 * sizeof secret)
        return -EPROTO;
    for (size_t i = 0; i < sizeof secret; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        secret[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    memcpy(all->secret, secret, sizeof secret);
    return 0;
}

void inheritance_end(struct standings *all)
{
    for (size_t i = 0; i < all->inherited_count; i++) {
        struct standing *s = all->inherited[i];
        if (inheritance_accept(s) && atomic_exchange(&s->down, false)) /* nobody checks it */
            standings_changed(all);
        standing_release(s);
    }
    free(all->inherited);
    all->inherited = NULL;
    all->inherited_count = 0;
}
