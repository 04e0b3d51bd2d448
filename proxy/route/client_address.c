/* Lists of addresses are walked from the right, from the peer back towards the client. */
#include "client_address.h"

#include <arpa/inet.h>
#include <errno.h>

#include "network.h"

#define HOPS_MOST 32 /* a request that came through more proxies than this is no honest one */

/* --- one address --------------------------------------------------------------------------------------------------- */

static bool port_valid(struct span port)
{
    uint64_t number;
    return port.n <= 5 && span_decimal(port, &number) && number <= 65535;
}

static int parse_bare(struct span text, int family, green_address_t *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (!text.n || text.n >= sizeof copy || memchr(text.p, 0, text.n))
        return -EINVAL;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    memset(out, 0, sizeof *out);
    out->any.sa_family = (sa_family_t)family;
    out->length = family == AF_INET ? sizeof out->in : sizeof out->in6;
    void *bytes = family == AF_INET ? (void *)&out->in.sin_addr : (void *)&out->in6.sin6_addr;
    return inet_pton(family, copy, bytes) == 1 ? 0 : -EINVAL;
}

/* An IPv4 address that comes in IPv6's clothes is the same client. */
static void unmap(green_address_t *a)
{
    if (a->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
        return;
    struct in_addr v4;
    memcpy(&v4, &a->in6.sin6_addr.s6_addr[12], sizeof v4);
    memset(a, 0, sizeof *a);
    a->in.sin_family = AF_INET;
    a->in.sin_addr = v4;
    a->length = sizeof a->in;
}

static int parse_bracketed(struct span text, green_address_t *out)
{
    const char *end = memchr(text.p, ']', text.n);
    if (!end)
        return -EINVAL;
    struct span inside = span_of(text.p + 1, (size_t)(end - text.p) - 1);
    struct span rest = span_of(end + 1, text.n - inside.n - 2);
    if (rest.n && (rest.p[0] != ':' || !port_valid(span_of(rest.p + 1, rest.n - 1))))
        return -EINVAL;
    return parse_bare(inside, AF_INET6, out);
}

int client_address_parse(struct span text, green_address_t *out)
{
    if (!text.n)
        return -EINVAL;
    const char *colon = memchr(text.p, ':', text.n);
    const char *second = colon ? memchr(colon + 1, ':', text.n - (size_t)(colon + 1 - text.p)) : NULL;
    int r;
    if (text.p[0] == '[') {
        r = parse_bracketed(text, out);
    } else if (second) {
        r = parse_bare(text, AF_INET6, out);
    } else if (colon) {
        size_t n = (size_t)(colon - text.p);
        bool good = port_valid(span_of(colon + 1, text.n - n - 1));
        r = good ? parse_bare(span_of(text.p, n), AF_INET, out) : -EINVAL;
    } else {
        r = parse_bare(text, AF_INET, out);
    }
    if (r == 0)
        unmap(out);
    return r;
}

/* --- the walk ------------------------------------------------------------------------------------------------------- */

struct walk {
    const struct conf_client *rules;
    green_address_t *out;
    unsigned hops;
    bool found; /* *out is an address */
};

bool client_trusted(const struct conf_client *rules, const green_address_t *peer)
{
    return rules->trusted_count && conf_networks_have(rules->trusted, rules->trusted_count, &peer->any);
}

/* Takes the next address to the left. True if it is trusted, so that the one before it counts as well. */
static bool step(struct walk *w, struct span text)
{
    green_address_t address;
    if (++w->hops > HOPS_MOST || client_address_parse(text, &address) < 0)
        return false;
    *w->out = address;
    w->found = true;
    return client_trusted(w->rules, &address);
}

/* Takes the last element off the list. */
static struct span last_element(struct span *list)
{
    size_t start = list->n;
    while (start && list->p[start - 1] != ',')
        start--;
    struct span element = span_trim(span_of(list->p + start, list->n - start));
    list->n = start ? start - 1 : 0;
    return element;
}

/* False once the walk is over. */
static bool walk_list(struct walk *w, struct span list)
{
    while (list.n) {
        struct span element = last_element(&list);
        if (element.n && !step(w, element))
            return false;
    }
    return true;
}

/* --- Forwarded ------------------------------------------------------------------------------------------------------ */

/* A token or a quoted string off the front; without the quotes. A quoted pair has no place in an address or a host, so
 * a value with one is not understood. */
static bool take_value(struct span *s, struct span *value)
{
    if (s->n && s->p[0] == '"') {
        const char *end = memchr(s->p + 1, '"', s->n - 1);
        if (!end)
            return false;
        *value = span_of(s->p + 1, (size_t)(end - s->p) - 1);
        *s = span_of(end + 1, s->n - value->n - 2);
        return !memchr(value->p, '\\', value->n);
    }
    size_t n = 0;
    while (n < s->n && !memchr(" \t,;\"", s->p[n], 5))
        n++;
    *value = span_of(s->p, n);
    *s = span_of(s->p + n, s->n - n);
    return n > 0;
}

static void skip_blanks(struct span *s)
{
    while (s->n && (s->p[0] == ' ' || s->p[0] == '\t'))
        s->p++, s->n--;
}

/* One forwarded-element off the front, up to and with its comma; *node is its for= parameter, empty if it has none. */
static bool take_element(struct span *s, struct span *node)
{
    *node = span_of(NULL, 0);
    for (;;) {
        skip_blanks(s);
        const char *equals = s->n ? memchr(s->p, '=', s->n) : NULL;
        if (!equals)
            return false;
        struct span name = span_of(s->p, (size_t)(equals - s->p)), value;
        *s = span_of(equals + 1, s->n - name.n - 1);
        if (!http_field_name_valid(name) || !take_value(s, &value))
            return false;
        if (span_equal_nocase(name, SPAN("for"))) {
            if (node->n)
                return false;
            *node = value;
        }
        skip_blanks(s);
        if (!s->n)
            return true;
        char separator = s->p[0];
        s->p++, s->n--;
        if (separator == ',')
            return true;
        if (separator != ';')
            return false;
    }
}

/* Quotes make sense only from the left, so the line is read from there, and the last nodes of it are kept. */
static bool walk_forwarded(struct walk *w, struct span line)
{
    struct span nodes[HOPS_MOST];
    size_t count = 0;
    while (line.n) {
        if (!take_element(&line, &nodes[count % HOPS_MOST]))
            return false;
        count++;
    }
    for (size_t i = 0; i < count; i++)
        if (i == HOPS_MOST || !step(w, nodes[(count - 1 - i) % HOPS_MOST]))
            return false;
    return true;
}

/* --- together -------------------------------------------------------------------------------------------------------- */

/* X-Real-IP has one address; of two lines nobody knows which is meant. */
static bool find_real_ip(struct walk *w, const struct http_head *head)
{
    const struct http_field *found = NULL;
    for (unsigned i = 0; i < head->count; i++) {
        if (head->fields[i].id != HTTP_F_X_REAL_IP)
            continue;
        if (found)
            return false;
        found = &head->fields[i];
    }
    if (found)
        step(w, found->value);
    return w->found;
}

bool client_address_find(const struct conf_client *rules, const struct http_head *head, green_address_t *out)
{
    struct walk w = {.rules = rules, .out = out};
    if (rules->address_from == CONF_X_REAL_IP)
        return find_real_ip(&w, head);
    bool forwarded = rules->address_from == CONF_FORWARDED, on = true;
    for (unsigned i = head->count; on && i-- > 0;) {
        const struct http_field *f = &head->fields[i];
        if (forwarded && f->id == HTTP_F_FORWARDED)
            on = walk_forwarded(&w, f->value);
        else if (!forwarded && f->id == HTTP_F_X_FORWARDED_FOR)
            on = walk_list(&w, f->value);
    }
    return w.found;
}
