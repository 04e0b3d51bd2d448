/*
 * The key table. Every key that exists is here, a file of rows for each subject in keys/, and nowhere else.
 */
#include "keys.h"

#include <string.h>

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    INT64_C(1024)
#define GIB    (KIB * KIB * KIB)
#define TIB    (KIB * GIB)

#define IN(kind)           (1u << CONF_##kind)
#define AT_GREENWAY(field) [CONF_GREENWAY] = 1 + offsetof(struct conf, field)
#define AT_LISTENER(field) [CONF_LISTENER] = 1 + offsetof(struct conf_listener, field)
#define AT_ROUTE(field)    [CONF_ROUTE] = 1 + offsetof(struct conf_route, field)
#define AT_UPSTREAM(field) [CONF_UPSTREAM] = 1 + offsetof(struct conf_upstream, field)

/* Every wait is finite, so a timeout has no value that turns it off. */
#define TIMEOUT .type = CONF_DURATION, .min = MS, .max = 365 * DAY

/* clang-format off */
const struct conf_kind_row conf_kinds[CONF_KINDS] = {
    [CONF_GREENWAY] = {"greenway", "[greenway]", false, "the process as a whole"},
    [CONF_LISTENER] = {"listener", "[listener NAME]", true, "where clients connect"},
    [CONF_ROUTE] = {"route", "[route NAME]", true, 
        "which requests go to which upstream; the first route in the file that matches wins"},
    [CONF_UPSTREAM] = {"upstream", "[upstream NAME]", true, "a group of servers behind the proxy"},
    [CONF_LIMITS] = {"limits", "[limits]", false, "limits on requests, for all listeners"},
    [CONF_TIMEOUTS] = {"timeouts", "[timeouts]", false, "how long to wait, for all listeners and upstreams"},
};

const struct conf_key conf_keys[] = {
#include "keys/greenway.inc"
#include "keys/logging.inc"
#include "keys/tracing.inc"
#include "keys/admin.inc"
#include "keys/privileges.inc"
#include "keys/service.inc"
#include "keys/control.inc"
#include "keys/loops.inc"
#include "keys/names.inc"
#include "keys/reload.inc"
#include "keys/listener.inc"
#include "keys/route.inc"
#include "keys/match.inc"
#include "keys/split.inc"
#include "keys/upstream.inc"
#include "keys/balance.inc"
#include "keys/health.inc"
#include "keys/retries.inc"
#include "keys/concurrency.inc"
#include "keys/hedging.inc"
#include "keys/tls.inc"
#include "keys/ocsp.inc"
#include "keys/acme.inc"
#include "keys/proxy_protocol.inc"
#include "keys/access.inc"
#include "keys/authentication.inc"
#include "keys/client.inc"
#include "keys/rate.inc"
#include "keys/files.inc"
#include "keys/bodies.inc"
#include "keys/mirror.inc"
#include "keys/forward.inc"
#include "keys/headers.inc"
#include "keys/rewriting.inc"
#include "keys/answers.inc"
#include "keys/limits.inc"
#include "keys/overload.inc"
#include "keys/timeouts.inc"
#include "keys/patience.inc"
};
/* clang-format on */

const size_t conf_key_count = sizeof(conf_keys) / sizeof(conf_keys[0]);

const struct conf_key *conf_key_find(enum conf_kind kind, const char *name)
{
    for (size_t i = 0; i < conf_key_count; i++)
        if (conf_key_in(&conf_keys[i], kind) && !strcmp(conf_keys[i].name, name))
            return &conf_keys[i];
    return NULL;
}

bool conf_key_inherits(const struct conf_key *key, enum conf_kind kind)
{
    return kind != CONF_GREENWAY && kind < CONF_OBJECTS &&
           key->kinds & (IN(GREENWAY) | IN(LIMITS) | IN(TIMEOUTS));
}
