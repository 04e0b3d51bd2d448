/*
 * The state of the process as JSON: what the dashboard shows. The fields are described in docs/admin.md; they may become
 * more, but keep their meaning.
 */
#ifndef OBSERVE_STATUS_H
#define OBSERVE_STATUS_H

#include "history.h"

struct process;

/* As text that the caller frees; NULL: no memory. With all of the history or its last second only. Main thread. */
char *status_text(const struct process *process, const struct history *history, bool all);

#endif
