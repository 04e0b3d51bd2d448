/*
 * Chains: intrusive doubly linked lists whose empty form is all zeros, so that objects which hold one can be made by
 * a static initialiser. A node knows its chain, so taking it out needs neither a search nor the owner. Applications
 * see only the types, as fields of other types.
 */
#ifndef GREEN_CORE_CHAIN_H
#define GREEN_CORE_CHAIN_H

struct green_node {
    struct green_node *next, *prev;
    struct green_chain *chain; /* NULL: in none */
};

struct green_chain {
    struct green_node *first, *last;
};

#ifdef GREEN_INTERNAL
#include <stdbool.h>
#include <stddef.h>

static inline bool chain_empty(const struct green_chain *c)
{
    return !c->first;
}

static inline void chain_push(struct green_chain *c, struct green_node *node)
{
    node->chain = c;
    node->next = NULL;
    node->prev = c->last;
    if (c->last)
        c->last->next = node;
    else
        c->first = node;
    c->last = node;
}

static inline void chain_push_front(struct green_chain *c, struct green_node *node)
{
    node->chain = c;
    node->prev = NULL;
    node->next = c->first;
    if (c->first)
        c->first->prev = node;
    else
        c->last = node;
    c->first = node;
}

/* Harmless when the node is in no chain. */
static inline void chain_remove(struct green_node *node)
{
    struct green_chain *c = node->chain;
    if (!c)
        return;
    if (node->next)
        node->next->prev = node->prev;
    else
        c->last = node->prev;
    if (node->prev)
        node->prev->next = node->next;
    else
        c->first = node->next;
    node->chain = NULL;
}

static inline struct green_node *chain_pop(struct green_chain *c)
{
    struct green_node *node = c->first;
    if (!node)
        return NULL;
    c->first = node->next;
    if (c->first)
        c->first->prev = NULL;
    else
        c->last = NULL;
    node->chain = NULL;
    return node;
}

#endif
#endif
