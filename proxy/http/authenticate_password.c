/*
 * Passwords (Basic, RFC 7617). Checking one takes tens of milliseconds by design, so it is done by threads of its own,
 * few of them, and what was right a minute ago need not be checked again. Who guesses waits in line with nobody but
 * others whose password was not seen lately; when the line is long, the answer is 503.
 */
#include <errno.h>
#include <stdio.h>

#include "authenticate.h"
#include "credentials.h"
#include "route/base64.h"
#include "route/password.h"
#include "runtime/process.h"
#include "users.h"

#define NAME_MOST    255
#define REMEMBERED   GREEN_S(60)
#define WAITING_MOST 64

/* What the client gave, and what a thread has to do with it. */
struct attempt {
    char text[NAME_MOST + 1 + PASSWORD_MOST + 1]; /* "name:password" */
    size_t name_n;
    const char *password, *hash;
    bool matches;
};

static bool read_attempt(const struct http_head *head, uint8_t field, struct attempt *a)
{
    struct span credentials;
    if (!http_authorization(head, field, SPAN("Basic"), &credentials))
        return false;
    ssize_t n = base64_decode(BASE64_STANDARD, credentials, a->text, sizeof a->text - 1);
    const char *colon = n > 0 ? memchr(a->text, ':', (size_t)n) : NULL;
    if (!colon || memchr(a->text, 0, (size_t)n))
        return false;
    a->text[n] = 0;
    a->name_n = (size_t)(colon - a->text);
    a->password = colon + 1;
    return a->name_n <= NAME_MOST && strlen(a->password) <= PASSWORD_MOST;
}

static void *check(void *arg)
{
    struct attempt *a = arg;
    a->matches = password_matches(a->password, a->hash);
    return NULL;
}

static int busy(struct exchange *x)
{
    exchange_fail(x, 503, "password_checks_busy", "proxy_internal_response", BLAME_LISTENER, "timeout_auth");
    x->page.retry_after = 1;
    return -1;
}

static int no_memory(struct exchange *x)
{
    return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
}

/* With one of the few turns in hand. Somebody may have brought the same password while we waited for it. */
static int check_in_turn(struct exchange *x, struct authenticator *all, struct attempt *a,
                         const struct verified_key *key, bool known, green_time deadline)
{
    a->matches = known && verified_find(all->passwords, key, green_turn_time());
    if (a->matches)
        return 0;
    int r = green_blocking_in(x->worker->process->password_threads, check, a, NULL, deadline);
    if (r == 0 && a->matches && known)
        verified_add(all->passwords, key, all, green_turn_time() + REMEMBERED);
    return r;
}

/* Is it the password of that user? A name that nobody has costs what a known one does: somebody else's hash is
 * compared, always the same one for that name. 1, 0, or -1 after exchange_fail(). */
static int check_attempt(struct exchange *x, const struct conf_users *users, struct attempt *a)
{
    const struct conf_user *user = conf_users_find(users, a->text, a->name_n);
    struct authenticator *all = authenticator_of(x->worker);
    struct span name = span_of(a->text, a->name_n), password = span_str(a->password);
    struct verified_key key;
    if (!all || !verified_key(all->passwords, &name, 1, &key))
        return no_memory(x);
    a->hash = user ? user->hash : users->list[key.bytes[0] % users->count].hash;
    struct span parts[] = {span_str(a->hash), password};
    if (!verified_key(all->passwords, parts, 2, &key))
        return no_memory(x);
    if (user && verified_find(all->passwords, &key, green_turn_time()))
        return 1;
    if (all->waiting >= WAITING_MOST)
        return busy(x);
    green_time deadline = green_turn_time() + x->listener->authentication.timeout;
    all->waiting++;
    int r = green_semaphore_acquire(&all->checks, deadline);
    all->waiting--;
    if (r < 0)
        return busy(x);
    r = check_in_turn(x, all, a, &key, user != NULL, deadline);
    green_semaphore_release(&all->checks);
    return r < 0 ? busy(x) : a->matches && user;
}

int authenticate_password(struct exchange *x, const struct conf_users *users, const char *realm,
                          enum exchange_blame blame)
{
    struct attempt a;
    char challenge[160];
    bool given = read_attempt(&x->request, authenticate_field(x), &a);
    int r = given ? check_attempt(x, users, &a) : 0;
    if (r > 0) {
        const struct conf_user *user = conf_users_find(users, a.text, a.name_n);
        x->log.user = span_str(user->name);
    }
    explicit_bzero(&a, sizeof a);
    if (r != 0)
        return r > 0 ? 0 : -1;
    snprintf(challenge, sizeof challenge, "Basic realm=\"%s\", charset=\"UTF-8\"", realm);
    return authenticate_challenge(x, 401, challenge, given ? "password_wrong" : "password_missing", blame,
                                  "basic_auth");
}
