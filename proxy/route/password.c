/* Passwords: password.h. */
#include "password.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BCRYPT_COST 10 /* 2^10 rounds: about 50 ms */

/* The loop ends where the hash does, which is no secret; how far the two agree must not show. */
static bool same(const char *made, const char *hash)
{
    size_t n = strlen(hash);
    unsigned char differs = 0;
    if (strlen(made) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        differs |= (unsigned char)(made[i] ^ hash[i]);
    return !differs;
}

/* The state of crypt(3) is large, and holds traces of the password. */
bool password_matches(const char *password, const char *hash)
{
    struct crypt_data *state = calloc(1, sizeof *state);
    if (!state)
        return false;
    const char *made = crypt_r(password, hash, state);
    bool matches = made && made[0] != '*' && same(made, hash);
    explicit_bzero(state, sizeof *state);
    free(state);
    return matches;
}

int password_hash(const char *password, char out[PASSWORD_HASH])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data *state;
    if (!crypt_gensalt_rn("$2b$", BCRYPT_COST, NULL, 0, setting, sizeof setting))
        return -errno;
    state = calloc(1, sizeof *state);
    if (!state)
        return -ENOMEM;
    const char *made = crypt_r(password, setting, state);
    int r = !made || made[0] == '*' ? -EINVAL : strlen(made) >= PASSWORD_HASH ? -ENOBUFS : 0;
    if (r == 0)
        strcpy(out, made);
    explicit_bzero(state, sizeof *state);
    free(state);
    return r;
}
