/* Contexts for a listener: one for each set of certificates that are for the same name (choices.h). */
#include "choices.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "challenges.h"
#include "settings.h"

#define KINDS   3 /* of keys */
#define NOTHING ((uint32_t)-1)

/* The certificates for one name, by index, one of each kind. */
struct choice {
    uint32_t of[KINDS];
    green_tls_context_t *context;
};

struct named {
    const char *name; /* the certificate's */
    uint32_t which;   /* while they are collected: a certificate; later: a choice */
};

struct tls_choices {
    atomic_uint references;
    green_tls_context_t *base; /* where handshakes begin: it knows names only */
    struct certificates certificates;
    struct choice *choices;
    size_t choice_count;
    struct named *names; /* sorted */
    size_t name_count;
    green_tls_context_t *nameless, *unknown; /* for who asks for no name, for none of ours; NULL: refused */
};

/* --- which certificate ------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : x->which < y->which ? -1 : x->which > y->which;
}

static const struct choice *look_up(const struct tls_choices *s, const char *name)
{
    size_t low = 0, high = s->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, s->names[middle].name);
        if (order == 0)
            return &s->choices[s->names[middle].which];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* In the handshake: never waits. An address is no name (RFC 6066), but some programs send it as if it were. */
static green_tls_context_t *choose(void *arg, const char *name)
{
    const struct tls_choices *s = arg;
    char wildcard[258];
    if (challenges_any() && name && green_tls_choosing_for(CHALLENGE_PROTO))
        return challenges_context(name);
    const struct choice *found = name ? look_up(s, name) : NULL;
    if (!name || (!found && is_address(name)))
        return s->nameless;
    const char *dot = strchr(name, '.');
    if (!found && dot && snprintf(wildcard, sizeof wildcard, "*%s", dot) < (int)sizeof wildcard)
        found = look_up(s, wildcard);
    return found ? found->context : s->unknown;
}

/* --- making it --------------------------------------------------------------------------------------------------- */

/* Of two certificates with the same kind of key for the same name, the one that is valid for longer. */
static void consider(const struct tls_choices *s, struct choice *choice, uint32_t which)
{
    const struct certificate *all = s->certificates.list;
    enum green_tls_key_kind kind = green_tls_certificate_kind(all[which].certificate);
    uint32_t other = choice->of[kind];
    if (other == NOTHING || green_tls_certificate_expires(all[which].certificate) >
                                green_tls_certificate_expires(all[other].certificate))
        choice->of[kind] = which;
}

static void report(struct conf_errors *errors, const struct conf_listener *listener, struct conf_origin at,
                   const char *key, const char *file, int code)
{
    char section[300];
    const char *why = green_tls_error(NULL);
    snprintf(section, sizeof section, "listener %s", listener->name);
    if (strstr(why, file))
        conf_error(errors, at, section, key, "%s", why);
    else
        conf_error(errors, at, section, key, "%s: %s", file, *why ? why : green_strerror(code));
}

static int make_context(const struct tls_choices *s, const struct conf_listener *listener,
                        struct choice *choice, struct conf_errors *errors)
{
    int r = settings_server_context(&choice->context, listener, &s->certificates, errors);
    for (int kind = 0; kind < KINDS && r == 0; kind++) {
        if (choice->of[kind] == NOTHING)
            continue;
        const struct certificate *c = &s->certificates.list[choice->of[kind]];
        r = green_tls_context_certificate(choice->context, c->certificate);
        if (r < 0)
            report(errors, listener, c->origin, "certificate", c->file, r);
    }
    return r;
}

/* The choice with the same certificates, made if there is none. -1: reported. */
static int64_t find_choice(struct tls_choices *s, const struct conf_listener *listener,
                           const struct choice *wanted, struct conf_errors *errors)
{
    for (size_t i = s->choice_count; i-- > 0;) /* names of one certificate come close together */
        if (memcmp(s->choices[i].of, wanted->of, sizeof wanted->of) == 0)
            return (int64_t)i;
    struct choice *choice = &s->choices[s->choice_count];
    *choice = *wanted;
    choice->context = NULL;
    s->choice_count++; /* so that it is freed */
    return make_context(s, listener, choice, errors) < 0 ? -1 : (int64_t)s->choice_count - 1;
}

static const struct choice nothing = {.of = {NOTHING, NOTHING, NOTHING}};

static green_tls_context_t *context_of_one(struct tls_choices *s, const struct conf_listener *listener,
                                           uint32_t which, struct conf_errors *errors)
{
    const char *name = green_tls_certificate_name(s->certificates.list[which].certificate, 0);
    const struct choice *found = name ? look_up(s, name) : NULL;
    struct choice alone = nothing;
    if (found)
        return found->context; /* with its like of another kind */
    consider(s, &alone, which);
    int64_t index = find_choice(s, listener, &alone, errors);
    return index < 0 ? NULL : s->choices[index].context;
}

static int collect_names(struct tls_choices *s)
{
    size_t count = 0;
    const char *name;
    for (size_t i = 0; i < s->certificates.count; i++)
        for (size_t k = 0; green_tls_certificate_name(s->certificates.list[i].certificate, k); k++)
            count++;
    s->names = calloc(count + 1, sizeof *s->names);
    s->choices = calloc(count + s->certificates.count + 1, sizeof *s->choices);
    if (!s->names || !s->choices)
        return -ENOMEM;
    for (size_t i = 0; i < s->certificates.count; i++)
        for (size_t k = 0; (name = green_tls_certificate_name(s->certificates.list[i].certificate, k)); k++)
            s->names[s->name_count++] = (struct named){name, (uint32_t)i};
    qsort(s->names, s->name_count, sizeof *s->names, by_name);
    return 0;
}

/* From names with certificates to names with choices, each name once. */
static int choose_for_names(struct tls_choices *s, const struct conf_listener *listener,
                            struct conf_errors *errors)
{
    size_t kept = 0;
    for (size_t i = 0, next; i < s->name_count; i = next) {
        struct choice choice = nothing;
        for (next = i; next < s->name_count && strcmp(s->names[i].name, s->names[next].name) == 0; next++)
            consider(s, &choice, s->names[next].which);
        int64_t index = find_choice(s, listener, &choice, errors);
        if (index < 0)
            return -1;
        s->names[kept++] = (struct named){s->names[i].name, (uint32_t)index};
    }
    s->name_count = kept;
    return 0;
}

static int choose_fallbacks(struct tls_choices *s, const struct conf_listener *listener,
                            struct conf_errors *errors)
{
    const struct conf_written *wanted = &listener->tls.fallback;
    s->nameless = context_of_one(s, listener, 0, errors);
    if (!wanted->written || !s->nameless)
        return s->nameless ? 0 : -1;
    for (size_t i = 0; i < s->certificates.count; i++)
        if (strcmp(s->certificates.list[i].file, wanted->written) == 0) {
            s->nameless = s->unknown = context_of_one(s, listener, (uint32_t)i, errors);
            return s->unknown ? 0 : -1;
        }
    char section[300];
    snprintf(section, sizeof section, "listener %s", listener->name);
    conf_error(errors, wanted->origin, section, "default_certificate",
               "'%s' is none of the files that 'certificate' names", wanted->written);
    return -1;
}

/* Going over to another context within a handshake costs a few percent of it: where there is but one to choose,
 * handshakes begin with that. */
static void spare_a_change(struct tls_choices *s)
{
    if (s->choice_count != 1)
        return;
    green_tls_context_release(s->base);
    s->base = green_tls_context_retain(s->choices[0].context);
}

struct tls_choices *tls_choices_new(const struct conf_listener *listener, struct conf_errors *errors)
{
    struct tls_choices *s = calloc(1, sizeof *s);
    if (s)
        atomic_init(&s->references, 1);
    int r = s ? certificates_read(&s->certificates, listener, errors) : -ENOMEM;
    if (r == 0)
        r = collect_names(s);
    if (r == 0)
        r = settings_server_context(&s->base, listener, &s->certificates, errors);
    if (r == 0)
        r = choose_for_names(s, listener, errors);
    if (r == 0)
        r = choose_fallbacks(s, listener, errors);
    if (r == 0)
        spare_a_change(s);
    if (r == 0)
        r = green_tls_context_choose(s->base, choose, s);
    if (r == 0)
        return s;
    if (r == -ENOMEM)
        errors->no_memory = true, errors->errors++;
    tls_choices_release(s);
    return NULL;
}

struct tls_choices *tls_choices_hold(struct tls_choices *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void tls_choices_release(struct tls_choices *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->choice_count; i++)
        green_tls_context_release(s->choices[i].context);
    green_tls_context_release(s->base);
    certificates_free(&s->certificates);
    free(s->choices);
    free(s->names);
    free(s);
}

green_tls_context_t *tls_choices_context(const struct tls_choices *s)
{
    return s->base;
}

const struct certificates *tls_choices_certificates(const struct tls_choices *s)
{
    return &s->certificates;
}
