/* Memory for one exchange: a pointer that moves on through pooled buffers. */
#include "memory.h"

#include <stdalign.h>
#include <string.h>

#define BUFFERS_MAX 16 /* 256 KiB: what one request may make us hold for it */

void *memory_take(struct memory *m, size_t n)
{
    const size_t unit = alignof(max_align_t);
    size_t size = (n + unit - 1) / unit * unit, first = (sizeof m->newest + unit - 1) / unit * unit;
    if (n > MEMORY_MOST)
        return NULL;
    if (!m->newest || BUFFER_SIZE - m->used < size) {
        char *buffer = m->count < BUFFERS_MAX ? buffer_take(m->buffers) : NULL;
        if (!buffer)
            return NULL;
        memcpy(buffer, &m->newest, sizeof m->newest);
        m->newest = buffer;
        m->used = first;
        m->count++;
    }
    void *p = m->newest + m->used;
    m->used += size;
    return p;
}

char *memory_copy(struct memory *m, const char *text, size_t n)
{
    char *p = n < MEMORY_MOST ? memory_take(m, n + 1) : NULL;
    if (!p)
        return NULL;
    if (n)
        memcpy(p, text, n);
    p[n] = 0;
    return p;
}

void memory_release(struct memory *m)
{
    while (m->newest) {
        char *buffer = m->newest;
        memcpy(&m->newest, buffer, sizeof m->newest);
        buffer_give(m->buffers, buffer);
    }
    m->used = m->count = 0;
}
