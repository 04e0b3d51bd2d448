/*
 * What a forward proxy must not be by accident: open to everybody, or told to go where it never will.
 */
#include "address.h"
#include "loader.h"
#include "network.h"
#include "special.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_set(const struct conf_listener *listener, const char *key)
{
    const struct conf_key *row = conf_key_find(CONF_LISTENER, key);

    return row && listener->origins[row - conf_keys].line;
}

/* Anybody who finds an open proxy uses it, in its owner's name. */
static void check_open(struct conf_loader *l, const struct conf_listener *listener, const char *title)
{
    if (is_set(listener, "allow") || listener->authentication.users.count ||
        listener->authentication.jwt.source != CONF_JWT_OFF)
        return;
    for (size_t i = 0; i < listener->binds; i++)
        if (listener->bind[i].host && !conf_address_is_loopback(&listener->bind[i])) {
            conf_error(l->errors, listener->bind[i].origin, title, "bind",
                       "'%s' would be a proxy open to everybody; say who may use it with allow = NETWORKS "
                       "(allow = 0.0.0.0/0, ::/0 if you mean everybody)",
                       listener->bind[i].text);
            return;
        }
}

static const char *purpose_of(const unsigned char bytes[16])
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};

    memcpy(&address.sin6_addr, bytes, sizeof(address.sin6_addr));
    return conf_special_purpose((const struct sockaddr *)(const void *)&address);
}

/* Is every address of the network set aside? Told by its ends: no range set aside is cut in two by another network. */
static const char *special_network(const struct conf_network *network)
{
    unsigned char last[16];
    const char *purpose = purpose_of(network->bytes);

    memcpy(last, network->bytes, sizeof(last));
    for (unsigned i = network->bits; i < 128; i++)
        last[i / 8] |= (unsigned char)(1 << (7 - i % 8));
    const char *end = purpose_of(last);

    return purpose && end && !strcmp(purpose, end) ? purpose : NULL;
}

static bool overlap(const struct conf_network *a, const struct conf_network *b)
{
    unsigned bits = a->bits < b->bits ? a->bits : b->bits;

    for (unsigned i = 0; i < bits; i++)
        if ((a->bytes[i / 8] ^ b->bytes[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return !a->is_unix && !b->is_unix;
}

/* To allow a destination is no exception to the rule about addresses that are not public. */
static void check_allowed(struct conf_loader *l, const struct conf_listener *listener, const char *title)
{
    const struct conf_forward *f = &listener->forward;

    for (size_t i = 0; i < f->allow_count; i++) {
        const struct conf_network *network = f->allow[i].network;
        const char *purpose = network ? special_network(network) : NULL;
        bool opened = false;

        for (size_t k = 0; k < f->internal_count; k++)
            opened |= purpose && overlap(network, &f->internal[k]);
        if (purpose && !opened)
            conf_warning(l->errors, f->allow[i].origin, title, "allow_destinations",
                         "'%s' is not public (%s): it stays refused unless allow_internal names it as well",
                         f->allow[i].written, purpose);
    }
}

void conf_check_forward(struct conf_loader *l, const struct conf_listener *listener, const char *title)
{
    const struct conf_key *upstream = conf_key_find(CONF_LISTENER, "upstream");

    if (is_set(listener, "upstream"))
        conf_error(l->errors, listener->origins[upstream - conf_keys], title, "upstream",
                   "a listener with protocol = forward has none: each request says itself where it goes");
    check_open(l, listener, title);
    if (!l->errors->errors)
        check_allowed(l, listener, title);
}
