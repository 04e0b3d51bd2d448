/* SipHash-1-3 (Aumasson and Bernstein). */
#include "keyed_hash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

int hash_key_draw(struct hash_key *key)
{
    ssize_t n = getrandom(key, sizeof *key, 0);
    return n == (ssize_t)sizeof *key ? 0 : n < 0 ? -errno : -EIO;
}

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void round_of(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

uint64_t keyed_hash(const struct hash_key *key, uint64_t before, const void *data, size_t n)
{
    const unsigned char *p = data;
    uint64_t a = key->a ^ before, b = key->b, word, last = (uint64_t)n << 56;
    uint64_t v[4] = {a ^ 0x736f6d6570736575, b ^ 0x646f72616e646f6d, a ^ 0x6c7967656e657261,
                     b ^ 0x7465646279746573};
    for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
        memcpy(&word, p, sizeof word);
        word = le64toh(word);
        v[3] ^= word;
        round_of(v);
        v[0] ^= word;
    }
    for (size_t i = 0; i < n; i++)
        last |= (uint64_t)p[i] << 8 * i;
    v[3] ^= last;
    round_of(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        round_of(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
