/* Reading a ClientHello (client_hello.h; RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7301). */
#include "client_hello.h"

#include <string.h>

#define RECORD_HEAD  5
#define RECORD_MOST  16384
#define HANDSHAKE    22
#define CLIENT_HELLO 1
#define SERVER_NAME  0
#define ALPN         16

/* What is left to be read; a read beyond the end makes it bad for good. */
struct cursor {
    const unsigned char *at, *end;
    bool bad;
};

static struct cursor take(struct cursor *c, size_t n)
{
    struct cursor part = {c->at, c->at, true};
    if (c->bad || (size_t)(c->end - c->at) < n) {
        c->bad = true;
        return part;
    }
    part = (struct cursor){c->at, c->at + n, false};
    c->at += n;
    return part;
}

static size_t number(struct cursor *c, size_t bytes)
{
    struct cursor digits = take(c, bytes);
    size_t value = 0;
    while (!digits.bad && digits.at < digits.end)
        value = value << 8 | *digits.at++;
    return value;
}

/* What stands behind a length of so many bytes. */
static struct cursor vector(struct cursor *c, size_t bytes)
{
    size_t n = number(c, bytes);
    return take(c, n);
}

static bool ended(const struct cursor *c)
{
    return c->bad || c->at == c->end;
}

static size_t left(const struct cursor *c)
{
    return c->bad ? 0 : (size_t)(c->end - c->at);
}

/* --- extensions -------------------------------------------------------------------------------------------------- */

static bool read_name(struct cursor extension, struct client_hello *out)
{
    struct cursor list = vector(&extension, 2);
    size_t kind = number(&list, 1);
    struct cursor name = vector(&list, 2);
    size_t n = left(&name);
    if (list.bad || name.bad || !ended(&extension) || !ended(&list) || kind != 0 || !n ||
        n >= sizeof out->name)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = name.at[i];
        if (c <= ' ' || c > '~')
            return false;
        out->name[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out->name[n] = 0;
    return true;
}

static bool read_alpn(struct cursor extension, struct client_hello *out)
{
    struct cursor list = vector(&extension, 2);
    if (list.bad || !ended(&extension) || ended(&list))
        return false;
    out->alpn = list.at;
    out->alpn_size = left(&list);
    while (!ended(&list)) {
        struct cursor name = vector(&list, 1);
        if (name.bad || !left(&name))
            return false;
    }
    return !list.bad;
}

static bool read_extensions(struct cursor list, struct client_hello *out)
{
    bool named = false, offered = false;
    while (!ended(&list)) {
        size_t type = number(&list, 2);
        struct cursor body = vector(&list, 2);
        if (body.bad)
            return false;
        if (type == SERVER_NAME) {
            if (named || !read_name(body, out))
                return false;
            named = true;
        } else if (type == ALPN) {
            if (offered || !read_alpn(body, out))
                return false;
            offered = true;
        }
    }
    return !list.bad;
}

static bool read_message(struct cursor c, struct client_hello *out)
{
    struct cursor version = take(&c, 2), random = take(&c, 32), session = vector(&c, 1),
                  ciphers = vector(&c, 2), compressions = vector(&c, 1);
    if (version.bad || random.bad || session.bad || ciphers.bad || compressions.bad || *version.at != 3 ||
        left(&session) > 32 || left(&ciphers) < 2 || left(&ciphers) % 2 || !left(&compressions))
        return false;
    if (ended(&c))
        return true; /* TLS 1.2 without any */
    struct cursor extensions = vector(&c, 2);
    return !extensions.bad && ended(&c) && read_extensions(extensions, out);
}

/* --- records ----------------------------------------------------------------------------------------------------- */

enum client_hello_result client_hello_read(const unsigned char *data, size_t n, unsigned char *scratch,
                                           struct client_hello *out)
{
    size_t have = 0, at = 0;
    out->name[0] = 0;
    out->alpn = NULL;
    out->alpn_size = 0;
    while (at < n) {
        const unsigned char *head = data + at;
        if (head[0] != HANDSHAKE || (n - at > 1 && head[1] != 3))
            return at ? CLIENT_HELLO_BAD : CLIENT_HELLO_NOT_TLS;
        if (n - at < RECORD_HEAD)
            return CLIENT_HELLO_MORE;
        size_t length = (size_t)head[3] << 8 | head[4], here = n - at - RECORD_HEAD;
        if (!length || length > RECORD_MOST)
            return at ? CLIENT_HELLO_BAD : CLIENT_HELLO_NOT_TLS;
        size_t part = here < length ? here : length;
        if (part > CLIENT_HELLO_MOST - have)
            part = CLIENT_HELLO_MOST - have;
        memcpy(scratch + have, head + RECORD_HEAD, part);
        have += part;
        if (have && scratch[0] != CLIENT_HELLO)
            return CLIENT_HELLO_BAD;
        size_t message = have < 4 ? 0 : 4 + ((size_t)scratch[1] << 16 | (size_t)scratch[2] << 8 | scratch[3]);
        if (message > CLIENT_HELLO_MOST)
            return CLIENT_HELLO_TOO_LARGE;
        if (message && have >= message)
            return read_message((struct cursor){scratch + 4, scratch + message, false}, out)
                       ? CLIENT_HELLO_DONE
                       : CLIENT_HELLO_BAD;
        if (here < length)
            return CLIENT_HELLO_MORE;
        at += RECORD_HEAD + length;
    }
    return CLIENT_HELLO_MORE;
}

bool client_hello_offers(const struct client_hello *hello, const char *protocol)
{
    size_t n = strlen(protocol);
    for (size_t at = 0; at < hello->alpn_size; at += 1 + (size_t)hello->alpn[at])
        if (hello->alpn[at] == n && memcmp(hello->alpn + at + 1, protocol, n) == 0)
            return true;
    return false;
}
