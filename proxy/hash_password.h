/* The command `greenway hash-password`: a line for a file of users. */
#ifndef HASH_PASSWORD_H
#define HASH_PASSWORD_H

/* Asks for a password, twice and without showing it at a terminal, else once from standard input, and prints
 * "name:hash". 0, or -1 after saying what is wrong. */
int hash_password(const char *name);

#endif
