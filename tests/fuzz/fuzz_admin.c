/*
 * What browsers send to the admin pages: cookies, the login form, the host. The first byte says which of them the others
 * are. Nothing may be read beyond its end, and what is found has to lie in what was sent.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "observe/admin_access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void cookie(const char *field, size_t size)
{
    static const char name[] = ADMIN_COOKIE "=";
    size_t n = 0;
    const char *value = admin_find_cookie(field, &n);
    if (!value)
        return;
    if (value < field + sizeof name - 1 || value + n > field + size || memchr(value, ';', n) ||
        memcmp(value - (sizeof name - 1), name, sizeof name - 1) != 0 || (value[n] && value[n] != ';'))
        abort();
    (void)admin_same_secret(value, n, "0123456789abcdef");
}

/* With each room there may be: it is never written beyond, and too little is said, not cut. */
static void form(const char *text)
{
    char whole[4096];
    int n = admin_form_value(text, "token", whole, sizeof whole);
    if (n >= 0 && (n >= (int)sizeof whole || strlen(whole) != (size_t)n))
        abort();
    for (size_t room = 1; n >= 0 && room < 40; room++) {
        char *small = malloc(room);
        int m = admin_form_value(text, "token", small, room);
        if (!small || m != ((size_t)n < room ? n : -1) ||
            (m >= 0 && memcmp(small, whole, (size_t)m + 1) != 0))
            abort();
        free(small);
    }
}

/* An address stays one with a port behind it. */
static void host(const char *text)
{
    char with_port[512];
    bool good = admin_host_good(text);
    size_t n = strlen(text);
    if (!n || n + 4 > sizeof with_port || (*text == '[' ? text[n - 1] != ']' : strchr(text, ':') != NULL))
        return;
    memcpy(with_port, text, n);
    memcpy(with_port + n, ":80", 4);
    if (admin_host_good(with_port) != good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    char *text = malloc(size);
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (data[0] == 'c')
        cookie(text, size - 1);
    else if (data[0] == 'f')
        form(text);
    else
        host(text);
    free(text);
    return 0;
}
