/* Via: via.h. Comments are not told from the rest; a name in one of them is as suspicious as anywhere else. */
#include "via.h"

/* The second word of "1.1 name (comment)". */
static struct span received_by(struct span element)
{
    const char *end = element.p + element.n, *p = element.p, *name;

    while (p < end && *p != ' ' && *p != '\t')
        p++;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    for (name = p; p < end && *p != ' ' && *p != '\t';)
        p++;
    return span_of(name, (size_t)(p - name));
}

unsigned http_via_count(const struct http_head *head, struct span name)
{
    unsigned count = 0;

    for (unsigned i = 0; i < head->count; i++) {
        struct span value = head->fields[i].value, element;
        if (head->fields[i].id != HTTP_F_VIA)
            continue;
        while (span_next_element(&value, &element))
            count += span_equal_nocase(received_by(element), name);
    }
    return count;
}
