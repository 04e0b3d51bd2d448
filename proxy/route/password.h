/* Passwords and their hashes, by crypt(3). Slow on purpose: for threads that may take their time. */
#ifndef ROUTE_PASSWORD_H
#define ROUTE_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_MOST 512 /* bytes; crypt(3) takes no more */
#define PASSWORD_HASH 256 /* room for a hash */

/* Is this the password that was hashed? Takes the same time whatever is wrong with it. */
bool password_matches(const char *password, const char *hash);

/* A new hash of it (bcrypt, which every server knows) with random salt. 0 or -errno. */
int password_hash(const char *password, char out[PASSWORD_HASH]);

#endif
