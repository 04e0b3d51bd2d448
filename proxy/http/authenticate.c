/* Who is asking: which rules there are for a request, and what becomes of the field they have used. */
#include "authenticate.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECKS 2 /* passwords at a time in one worker; the threads for them are fewer yet */

struct authenticator *authenticator_of(struct worker *w)
{
    if (w->authenticator)
        return w->authenticator;
    struct authenticator *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->passwords = verified_new(NULL);
    if (!a->passwords || green_semaphore_init(&a->checks, CHECKS) < 0) {
        authenticator_free(a);
        return NULL;
    }
    return w->authenticator = a;
}

void authenticator_free(struct authenticator *a)
{
    if (a)
        verified_free(a->passwords);
    free(a);
}

int authenticate_challenge(struct exchange *x, int status, const char *challenge, const char *reason,
                           enum exchange_blame blame, const char *directive)
{
    struct http_edit *field = memory_take(&x->memory, sizeof *field);
    const char *value = memory_copy(&x->memory, challenge, strlen(challenge));
    exchange_fail(x, status, reason, "http_request_denied", blame, directive);
    if (field && value) {
        *field = (struct http_edit){HTTP_EDIT_ADD, SPAN("WWW-Authenticate"), span_str(value)};
        x->page.fields = (struct http_edits){field, 1};
    }
    return -1;
}

/* The credentials are ours; the upstream need not see them. */
static int hide_authorization(struct exchange *x)
{
    struct http_edit *edit = exchange_more_edits(x, &x->request_edits, 1);
    if (!edit)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    *edit = (struct http_edit){.op = HTTP_EDIT_REMOVE, .name = SPAN("Authorization")};
    return 0;
}

/* The route's own come before the listener's. */
#define RULES(x, member)                                                                                     \
    ((x)->route && (x)->route->authentication.member.written ? &(x)->route->authentication.member            \
                                                             : &(x)->listener->authentication.member)

static enum exchange_blame blame_for(const struct exchange *x, const void *rules)
{
    const char *route = (const char *)x->route, *p = rules;
    return route && p >= route && p < route + sizeof *x->route ? BLAME_ROUTE : BLAME_LISTENER;
}

int exchange_authenticate(struct exchange *x)
{
    const struct conf_users *users = RULES(x, users);
    if (!users->count)
        return 0;
    const char *realm = RULES(x, realm)->written;
    int r = authenticate_password(x, users, realm ? realm : "greenway", blame_for(x, users));
    bool forward = conf_pick(x->route ? x->route->authentication.forward : CONF_INHERIT,
                             x->listener->authentication.forward) == CONF_ON;
    return r < 0 || forward ? r : hide_authorization(x);
}
