/* Base64: base64.h. */
#include "base64.h"

#include <errno.h>

static int digit(enum base64_alphabet alphabet, char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (alphabet == BASE64_URL ? '-' : '+'))
        return 62;
    if (c == (alphabet == BASE64_URL ? '_' : '/'))
        return 63;
    return -1;
}

ssize_t base64_decode(enum base64_alphabet alphabet, struct span text, void *out, size_t cap)
{
    unsigned char *to = out;
    size_t n = 0;
    unsigned bits = 0, have = 0;

    if (alphabet == BASE64_STANDARD) {
        if (text.n % 4)
            return -EINVAL;
        for (int padding = 0; padding < 2 && text.n && text.p[text.n - 1] == '='; padding++)
            text.n--;
    }
    if (text.n % 4 == 1)
        return -EINVAL;
    if (text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0) > cap)
        return -ENOBUFS;
    for (size_t i = 0; i < text.n; i++) {
        int d = digit(alphabet, text.p[i]);
        if (d < 0)
            return -EINVAL;
        bits = (bits << 6 | (unsigned)d) & 0xffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            to[n++] = (unsigned char)(bits >> have);
        }
    }
    return bits & ((1u << have) - 1) ? -EINVAL : (ssize_t)n; /* bits that say nothing are 0 */
}
