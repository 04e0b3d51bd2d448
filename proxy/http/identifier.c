/* Numbers that nobody else draws (identifier.h). */
#include "identifier.h"

#include <errno.h>
#include <sys/random.h>

int identifiers_init(struct identifiers *ids)
{
    return getrandom(ids->state, sizeof ids->state, 0) == sizeof ids->state ? 0 : -errno;
}

/* splitmix64: no number comes twice before all have come. */
static uint64_t next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void print(uint64_t x, char *out)
{
    for (int i = 16; i-- > 0; x >>= 4)
        out[i] = "0123456789abcdef"[x & 15];
}

void identifier_64(struct identifiers *ids, char *out)
{
    uint64_t x = next(&ids->state[1]);
    print(x ? x : next(&ids->state[1]), out);
}

void identifier_128(struct identifiers *ids, char *out)
{
    print(next(&ids->state[0]), out);
    identifier_64(ids, out + 16);
}

bool identifiers_chance(struct identifiers *ids, int64_t of)
{
    return of <= 1 || next(&ids->state[0]) % (uint64_t)of == 0;
}
