/* W3C Trace Context (trace_context.h). */
#include "trace_context.h"

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; /* upper case is none */
}

/* The next n digits and what stands behind them, taken off *rest. */
static bool take_digits(struct span *rest, size_t n, struct span *out)
{
    if (rest->n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (digit(rest->p[i]) < 0)
            return false;
    *out = span_of(rest->p, n);
    *rest = span_of(rest->p + n, rest->n - n);
    return true;
}

static bool take_dash(struct span *rest)
{
    if (!rest->n || rest->p[0] != '-')
        return false;
    *rest = span_of(rest->p + 1, rest->n - 1);
    return true;
}

static bool all_zero(struct span id)
{
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] != '0')
            return false;
    return true;
}

static unsigned octet(struct span two)
{
    return (unsigned)(digit(two.p[0]) << 4 | digit(two.p[1]));
}

bool trace_context_parse(struct span value, struct trace_context *out)
{
    struct span rest = value, version, flags;
    if (!take_digits(&rest, 2, &version) || !take_dash(&rest) || !take_digits(&rest, 32, &out->trace_id) ||
        !take_dash(&rest) || !take_digits(&rest, 16, &out->parent_id) || !take_dash(&rest) ||
        !take_digits(&rest, 2, &flags))
        return false;
    if (octet(version) == 0xff || (octet(version) == 0 && rest.n) || (rest.n && rest.p[0] != '-'))
        return false;
    out->flags = octet(flags);
    return !all_zero(out->trace_id) && !all_zero(out->parent_id);
}

void trace_context_print(const struct trace_context *context, char *out)
{
    memcpy(out, "00-", 3);
    memcpy(out + 3, context->trace_id.p, 32);
    out[35] = '-';
    memcpy(out + 36, context->parent_id.p, 16);
    memcpy(out + 52, context->flags & TRACE_SAMPLED ? "-01" : "-00", 3);
}

static bool is_key(struct span key)
{
    if (!key.n || key.n > 256)
        return false;
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && (i == 0 || !c || !strchr("_-*/@", c)))
            return false;
    }
    return true;
}

static bool is_value(struct span value)
{
    if (!value.n || value.n > 256)
        return false;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < ' ' || value.p[i] > '~' || value.p[i] == ',' || value.p[i] == '=')
            return false;
    return true;
}

bool trace_state_valid(struct span value, unsigned *members)
{
    struct span member;
    while (span_next_element(&value, &member)) { /* empty ones are allowed, and so are blanks around each */
        const char *equals = memchr(member.p, '=', member.n);
        size_t n = equals ? (size_t)(equals - member.p) : 0;
        if (!equals || !is_key(span_of(member.p, n)) || !is_value(span_of(equals + 1, member.n - n - 1)) ||
            ++*members > TRACESTATE_MEMBERS)
            return false;
    }
    return true;
}
