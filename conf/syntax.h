/*
 * Values that are more than a number or a word: how their text becomes a struct. One row per concept, next to its
 * parser; the key table refers to it, and reading, help, errors and the printed configuration follow.
 */
#ifndef CONF_SYNTAX_H
#define CONF_SYNTAX_H

#include "arena.h"
#include "conf.h"

struct conf_syntax {
    const char *allowed;    /* for help and errors: "HOST:PORT or unix:/PATH" */
    const char *separators; /* between the items of a list; "": a line holds one item */
    size_t size;            /* of the struct, which begins with CONF_WRITTEN */
    size_t upstream;        /* 1 + offset of a struct conf_upstream_name in it; 0: it names none */
    const char *option;     /* a word that may stand behind an item of a list, with a space; NULL: none */
    bool secret;            /* no message repeats it */
    bool variables;         /* ${name} in lower case is left for the parser, as is $$ */

    /* `out` is zeroed but for its origin and `written`, the text, which may be given a normal form. NULL, or what is
     * wrong, to be said behind the text: "has no port". What the result points to lives in the arena. */
    const char *(*parse)(struct conf_arena *arena, const char *text, void *out);

    /* Whether two values with the same text mean the same, too; NULL: they do. */
    bool (*same)(const void *a, const void *b);
};

extern const struct conf_syntax conf_address_syntax, conf_bind_syntax, conf_server_syntax,
    conf_name_server_syntax;                                                               /* address.c */
extern const struct conf_syntax conf_host_syntax, conf_path_syntax;                        /* pattern.c */
extern const struct conf_syntax conf_header_syntax, conf_query_syntax, conf_cookie_syntax; /* condition.c */
extern const struct conf_syntax conf_share_syntax, conf_split_key_syntax;                  /* split.c */
extern const struct conf_syntax conf_pseudonym_syntax;                                     /* loops.c */
extern const struct conf_syntax conf_hedge_after_syntax;                                   /* hedging.c */
extern const struct conf_syntax conf_retry_on_syntax, conf_percentage_syntax;              /* retries.c */
extern const struct conf_syntax conf_network_syntax;                                       /* network.c */
extern const struct conf_syntax conf_rate_limit_syntax, conf_method_syntax;                /* rate.c */
extern const struct conf_syntax conf_control_path_syntax, conf_user_group_syntax;          /* control.c */
extern const struct conf_syntax conf_root_syntax, conf_index_syntax, conf_fallback_syntax,
    conf_field_value_syntax;                                                /* files.c */
extern const struct conf_syntax conf_coding_syntax, conf_media_type_syntax; /* bodies.c */
extern const struct conf_syntax conf_file_path_syntax, conf_alpn_syntax, conf_hsts_syntax,
    conf_tls_name_syntax, conf_tls_route_syntax, conf_terms_syntax;      /* tls.c */
extern const struct conf_syntax conf_balance_syntax, conf_sticky_syntax; /* balance.c */
extern const struct conf_syntax conf_health_check_syntax;                /* health.c */
extern const struct conf_syntax conf_email_syntax, conf_https_syntax, conf_acme_binding_syntax,
    conf_acme_name_syntax;                                                  /* acme.c */
extern const struct conf_syntax conf_mirror_syntax;                         /* mirror.c */
extern const struct conf_syntax conf_destination_syntax, conf_ports_syntax; /* destination.c */
extern const struct conf_syntax conf_log_target_syntax, conf_log_format_syntax, conf_log_condition_syntax,
    conf_log_sample_syntax;                                                /* logging.c */
extern const struct conf_syntax conf_field_name_syntax;                    /* tracing.c */
extern const struct conf_syntax conf_token_syntax, conf_token_file_syntax; /* admin.c */

#endif
