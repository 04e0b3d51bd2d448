/* Any bytes as X-Forwarded-For, Forwarded or X-Real-IP from a trusted proxy. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "route/client_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 10.0.0.0/8 and 2001:db8:1::/48 */
static struct conf_network trusted[] = {
    {.bytes = {[10] = 0xff, [11] = 0xff, [12] = 10}, .bits = 104},
    {.bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 1}, .bits = 48},
};

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

/* What was found is an address, and reads the same when it is written out. */
static void check(const green_address_t *a)
{
    char text[GREEN_ADDRESS_TEXT], again[GREEN_ADDRESS_TEXT];
    green_address_t parsed;
    if (a->any.sa_family != AF_INET && a->any.sa_family != AF_INET6)
        fail("not an address");
    green_address_text(a, false, text);
    if (client_address_parse(span_str(text), &parsed) < 0)
        fail("what was read cannot be read again");
    if (strcmp(text, green_address_text(&parsed, false, again)) != 0)
        fail("it reads differently the second time");
}

/* The first byte chooses the field; each line of the rest is one field of that name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t ids[] = {HTTP_F_X_FORWARDED_FOR, HTTP_F_FORWARDED, HTTP_F_X_REAL_IP};
    struct http_head head = {.count = 0};
    green_address_t found;
    if (size == 0)
        return 0;
    struct conf_client rules = {
        .trusted = trusted, .trusted_count = 2, .address_from = (enum conf_client_address)(data[0] % 3)};
    char *copy =
        malloc(size); /* of just that size, so that reading beyond it is an error that a sanitizer sees */
    if (!copy)
        abort();
    memcpy(copy, data + 1, size - 1);
    struct span rest = {copy, size - 1};
    while (rest.n && head.count < HTTP_MAX_FIELDS) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n, step = end ? n + 1 : n;
        head.fields[head.count++] =
            (struct http_field){.value = span_trim(span_of(rest.p, n)), .id = ids[rules.address_from]};
        rest = span_of(rest.p + step, rest.n - step);
    }
    if (client_address_find(&rules, &head, &found))
        check(&found);
    if (head.count && client_address_parse(head.fields[0].value, &found) == 0)
        check(&found);
    free(copy);
    return 0;
}
