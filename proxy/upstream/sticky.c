/* Tokens of servers (sticky.h). */
#include "sticky.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "route/signature.h"

static void write_hex(const unsigned char *bytes, struct sticky_token *token)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof token->text / 2; i++) {
        token->text[2 * i] = digits[bytes[i] >> 4];
        token->text[2 * i + 1] = digits[bytes[i] & 15];
    }
}

int sticky_init(struct group *g)
{
    const struct conf_sticky *conf = &g->conf->balancing.sticky;
    unsigned char bytes[SIGNATURE_MAC_BYTES];
    if (!conf->written || !g->count)
        return 0;
    struct span key = conf->key ? span_str(conf->key)
                                : span_of((const char *)g->standings->secret, sizeof g->standings->secret);
    struct signature_mac *mac = signature_mac_with(key);
    g->tokens = malloc(g->count * sizeof *g->tokens);
    bool good = mac && g->tokens;
    for (size_t i = 0; good && i < g->count; i++) {
        const struct standing *s = g->servers[i].standing;
        const struct span parts[] = {SPAN("greenway sticky"), span_str(s->upstream), span_str(s->server)};
        good = signature_mac(mac, parts, 3, bytes);
        write_hex(bytes, &g->tokens[i]);
    }
    signature_mac_free(mac);
    return good ? 0 : -ENOMEM;
}

struct server *sticky_find(const struct group *g, struct span token)
{
    for (size_t i = 0; g->tokens && token.n == STICKY_TOKEN_BYTES && i < g->count; i++)
        if (!memcmp(g->tokens[i].text, token.p, STICKY_TOKEN_BYTES))
            return &g->servers[i];
    return NULL;
}

struct span sticky_token(const struct server *s)
{
    const struct group *g = s->group;
    return g->tokens ? span_of(g->tokens[s - g->servers].text, STICKY_TOKEN_BYTES) : span_of(NULL, 0);
}
