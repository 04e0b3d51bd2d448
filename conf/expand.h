/*
 * The environment within values: ${NAME} and ${NAME:-default}.
 */
#ifndef CONF_EXPAND_H
#define CONF_EXPAND_H

#include "arena.h"

#include <stdbool.h>

/*
 * The text with its variables replaced. A name is made of upper-case letters, digits and '_'.
 * ${NAME:-default} is the default where NAME is unset or empty; "$$" is a "$"; any other "$" stands for
 * itself. NULL, with *wrong saying why, for an unset variable without a default and for text that a value
 * cannot hold. With `variables`, ${name} in lower case and $$ are left as they are: they are for whoever reads the
 * value next.
 */
const char *conf_expand(struct conf_arena *arena, const char *text, bool variables, const char **wrong);

#endif
