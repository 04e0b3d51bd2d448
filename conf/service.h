/* The process among others: who takes over from it, and where its number is. */
#ifndef CONF_SERVICE_H
#define CONF_SERVICE_H

#include "answers.h"

struct conf_service {
    int64_t upgrade_timeout;
    struct conf_file_name pid_file; /* not set: none */
};

#endif
