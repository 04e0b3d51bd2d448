/*
 * Names for requests: an id of our own, and the trace that a request is a part of (W3C Trace Context).
 */
#ifndef CONF_TRACING_H
#define CONF_TRACING_H

#include "logging.h"
#include "types.h"

/* The name of a header field. */
struct conf_field_name {
    CONF_WRITTEN;
};

enum conf_request_ids { CONF_IDS_OFF, CONF_IDS_ON, CONF_IDS_TRUST };
enum conf_trace_context { CONF_TRACE_OFF, CONF_TRACE_PROPAGATE, CONF_TRACE_GENERATE, CONF_TRACE_TRUSTED };

struct conf_tracing {
    enum conf_request_ids ids;
    struct conf_field_name id_header;
    enum conf_trace_context context;
    struct conf_log_sample sample; /* of traces that begin here; not written: all */
};

#endif
