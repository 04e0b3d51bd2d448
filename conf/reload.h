/*
 * How the process goes over to a changed file.
 */
#ifndef CONF_RELOAD_H
#define CONF_RELOAD_H

struct conf_reload {
    int64_t grace; /* ns that connections have whose listener or upstream is gone */
};

#endif
