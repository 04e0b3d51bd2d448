/* Intrusive doubly linked lists with a sentinel: no allocation, removal without a search. A node that is in no list
 * points to itself. Private to libgreen. */
#ifndef GREEN_CORE_LIST_H
#define GREEN_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_push(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* The first, which does not learn that it is in no list: do not remove it before it is pushed again. */
static inline struct list *list_shift(struct list *head)
{
    struct list *first = head->next;
    if (first == head)
        return NULL;
    head->next = first->next;
    first->next->prev = head;
    return first;
}

static inline struct list *list_pop(struct list *head)
{
    struct list *first = list_shift(head);
    if (first)
        list_init(first);
    return first;
}

#endif
