/* Lists of users with hashed passwords, as htpasswd and `greenway hash-password` write them. */
#ifndef CONF_USERS_H
#define CONF_USERS_H

#include "arena.h"
#include "conf.h"

/* Lines of "name:hash"; empty ones and those that begin with '#' do not count. NULL, or what is wrong, to be said behind
 * the file's name. */
const char *conf_users_parse(struct conf_arena *arena, const char *bytes, size_t n, struct conf_users *users);

/* The user of that name, or NULL. */
const struct conf_user *conf_users_find(const struct conf_users *users, const char *name, size_t n);

#endif
