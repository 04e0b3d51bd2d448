/*
 * From blocks to objects: every entry of a section is looked up in the key table, read as the table says and
 * stored.
 *
 * Wide sections come first. What [greenway], [limits] and [timeouts] say about listeners and upstreams goes
 * into a model of each, and every listener and upstream starts out as a copy of its model.
 */
#include "expand.h"
#include "loader.h"
#include "suggest.h"
#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a section writes to: the object, and where each of its values came from. */
struct target {
    enum conf_kind kind; /* of the object, one of the first four */
    void *object;
    struct conf_origin *origins;
};

struct apply {
    struct conf_loader *l;
    const struct conf_block *block;
    struct target targets[3]; /* one object; or for a wide section itself and the models */
    size_t target_count;
    struct conf_origin *set; /* of each key: where this section, or its like in another file, has set it */
};

struct models {
    struct conf_listener listener;
    struct conf_upstream upstream;
    struct target greenway_target, listener_target, upstream_target;
    struct conf_origin *set[CONF_KINDS];
};

#define WRONG(a, at, key, ...) conf_error((a)->l->errors, at, (a)->block->section->title, key, __VA_ARGS__)

bool conf_next_item(struct conf_arena *arena, const char *separators, const char **rest, const char **item)
{
    const char *p = *rest + strspn(*rest, *separators ? ", \t" : " \t");
    bool regex = *p == '~' && strchr(separators, ' '); /* which may have commas */
    size_t n = strcspn(p, regex ? " \t" : separators);

    *rest = p + n;
    while (regex && n && p[n - 1] == ',')
        n--;
    while (n && strchr(" \t", p[n - 1]))
        n--;
    *item = conf_arena_copy(arena, p, n);
    return n > 0;
}

static void *field(const struct target *t, const struct conf_key *key)
{
    return (char *)t->object + key->at[t->kind] - 1;
}

/* A key's struct, or the elements of its list. */
struct list {
    char *items;
    size_t count;
};

static void store_struct(const struct apply *a, const struct conf_key *key, const void *value,
                         struct conf_origin origin)
{
    for (size_t i = 0; i < a->target_count; i++)
        if (key->at[a->targets[i].kind]) {
            memcpy(field(&a->targets[i], key), value, key->syntax->size);
            a->targets[i].origins[key - conf_keys] = origin;
        }
    a->targets[0].origins[key - conf_keys] = origin;
}

static void store(const struct target *t, const struct conf_key *key, int64_t number, const char *text,
                  struct conf_origin origin)
{
    if (!key->at[t->kind])
        return;
    if (key->type == CONF_CHOICE)
        *(int *)field(t, key) = (int)number;
    else if (key->type < CONF_CHOICE)
        *(int64_t *)field(t, key) = number;
    else
        *(const char **)field(t, key) = text;
    t->origins[key - conf_keys] = origin;
}

static void store_default(const struct target *t, const struct conf_key *key)
{
    int64_t number = 0;

    if (!key->fallback) {
        if (key->at[t->kind])
            memset(field(t, key), 0, key->type == CONF_MANY ? sizeof(struct list) : key->syntax->size);
        return;
    }
    if (key->type <= CONF_CHOICE && conf_value_parse(key, key->fallback, &number) < 0)
        abort(); /* the row contradicts itself */
    store(t, key, number, key->fallback, (struct conf_origin){.file = "default"});
}

static void store_all(const struct apply *a, const struct conf_key *key, int64_t number, const char *text,
                      struct conf_origin origin)
{
    a->targets[0].origins[key - conf_keys] = origin;
    for (size_t i = 0; i < a->target_count; i++)
        store(&a->targets[i], key, number, text, origin);
}

/* ---- keys that do not exist ---- */

static const char *kinds_of(struct conf_arena *arena, const char *name)
{
    const char *list = "";

    for (enum conf_kind kind = 0; kind < CONF_KINDS; kind++)
        if (conf_key_find(kind, name))
            list = conf_arena_print(arena, "%s%s%s", list, *list ? " or " : "", conf_kinds[kind].header);
    return list;
}

static const char *keys_of(struct conf_arena *arena, enum conf_kind kind)
{
    const char *list = "";

    for (size_t i = 0; i < conf_key_count; i++)
        if (conf_key_in(&conf_keys[i], kind))
            list = conf_arena_print(arena, "%s%s%s", list, *list ? ", " : "", conf_keys[i].name);
    return list;
}

static void unknown_key(const struct apply *a, const struct conf_entry *entry)
{
    struct conf_arena *arena = &a->l->arena;

    if (a->l->errors->count >= CONF_ERRORS_KEPT) { /* a long list is nobody's help */
        WRONG(a, entry->origin, entry->key, "unknown key");
        return;
    }
    const char *elsewhere = kinds_of(arena, entry->key);
    const char *word = conf_arena_copy(arena, entry->key, strcspn(entry->key, " \t"));
    struct conf_suggestion nearest;

    conf_suggest_start(&nearest, entry->key);
    for (size_t i = 0; i < conf_key_count; i++)
        if (conf_key_in(&conf_keys[i], a->block->kind))
            conf_suggest_offer(&nearest, conf_keys[i].name);
    if (*elsewhere)
        WRONG(a, entry->origin, entry->key, "the key does not belong here; it stands in %s", elsewhere);
    else if (strlen(word) < strlen(entry->key) && conf_key_find(a->block->kind, word))
        WRONG(a, entry->origin, entry->key, "unknown key; is there a '=' missing behind '%s'?", word);
    else if (nearest.best)
        WRONG(a, entry->origin, entry->key, "unknown key; did you mean '%s'?", nearest.best);
    else
        WRONG(a, entry->origin, entry->key, "unknown key; there are %s", keys_of(arena, a->block->kind));
}

/* ---- single values ---- */

static const char *expand(const struct apply *a, const struct conf_entry *entry,
                          const struct conf_piece *piece)
{
    const struct conf_key *key = conf_key_find(a->block->kind, entry->key);
    const char *wrong = NULL;
    const char *text = conf_expand(&a->l->arena, piece->text, key->syntax && key->syntax->variables, &wrong);

    if (!text)
        WRONG(a, piece->origin, entry->key, "%s", wrong);
    return text;
}

/* The one value of an entry, perhaps on an indented line of its own. NULL: reported. */
static const char *single(const struct apply *a, const struct conf_entry *entry, struct conf_origin *origin)
{
    const char *value = NULL;

    for (const struct conf_piece *piece = entry->pieces; piece; piece = piece->next) {
        const char *text = expand(a, entry, piece);

        if (!text)
            return NULL;
        if (*text && value) {
            WRONG(a, piece->origin, entry->key,
                  "the indented line continues the value, but the key takes only one");
            return NULL;
        }
        if (*text) {
            value = text;
            *origin = piece->origin;
        }
    }
    return value ? value : "";
}

static void wrong_value(const struct apply *a, const struct conf_key *key, struct conf_origin at,
                        const char *text, int error)
{
    char allowed[256];
    struct conf_suggestion nearest;

    conf_value_allowed(key, allowed, sizeof(allowed));
    conf_suggest_start(&nearest, text);
    for (const char *p = key->type == CONF_CHOICE ? key->words : ""; *p; p += strspn(p, "|")) {
        size_t n = strcspn(p, "|");

        conf_suggest_offer(&nearest, conf_arena_copy(&a->l->arena, p, n));
        p += n;
    }
    if (!*text)
        WRONG(a, at, key->name, "the value is missing; allowed: %s", allowed);
    else if (nearest.best)
        WRONG(a, at, key->name, "'%s' is not known; did you mean '%s'? allowed: %s", text, nearest.best,
              allowed);
    else if (error == -ERANGE && key->type == CONF_DURATION && (*text == '-' || *text == '0'))
        WRONG(a, at, key->name, "'%s' is no time to wait, and no wait can be turned off; allowed: %s", text,
              allowed);
    else if (error == -ERANGE)
        WRONG(a, at, key->name, "'%s' is out of range; allowed: %s", text, allowed);
    else
        WRONG(a, at, key->name, "'%s' is not understood; allowed: %s", text, allowed);
}

static bool good_sink(const struct conf_key *key, const char *text)
{
    int64_t index;

    /* " #" would be a comment in other ini files, and surely was meant as one. */
    return conf_value_is_word(key, text, strlen(text), &index) ||
           (strchr(text, '/') && text[strlen(text) - 1] != '/' && !strstr(text, " #"));
}

static void apply_struct(const struct apply *a, const struct conf_key *key, const char *text,
                         struct conf_origin origin)
{
    struct conf_written *value = conf_arena_alloc(&a->l->arena, key->syntax->size);
    const char *wrong;

    *value = (struct conf_written){.written = text, .origin = origin};
    if (!*text)
        wrong_value(a, key, origin, text, -EINVAL);
    else if ((wrong = key->syntax->parse(&a->l->arena, text, value)))
        WRONG(a, origin, key->name, "'%s' %s; allowed: %s", key->syntax->secret ? "the value" : text, wrong,
              key->syntax->allowed);
    store_struct(a, key, value, origin);
}

static void apply_single(const struct apply *a, const struct conf_key *key, const struct conf_entry *entry)
{
    struct conf_origin origin = entry->origin;
    const char *text = single(a, entry, &origin);
    int64_t number = 0;
    int error = 0;

    if (!text)
        return;
    if (key->type == CONF_ONE) {
        apply_struct(a, key, text, origin);
        return;
    }
    if (key->type <= CONF_CHOICE)
        error = conf_value_parse(key, text, &number);
    else if (!*text || (key->type == CONF_SINK && !good_sink(key, text)))
        error = -EINVAL;
    if (error)
        wrong_value(a, key, origin, text, error);
    else
        store_all(a, key, number, text, origin);
}

/* ---- lists ---- */

/* One item at the end of the list, in every target. NULL, or what is wrong with it. */
static const char *add_item(const struct apply *a, const struct conf_key *key, const char *item,
                            struct conf_origin origin)
{
    struct conf_arena *arena = &a->l->arena;
    const struct conf_syntax *syntax = key->syntax;
    struct conf_written *value = conf_arena_alloc(arena, syntax->size);
    const char *wrong;

    *value = (struct conf_written){.written = item, .origin = origin};
    wrong = syntax->parse(arena, item, value);
    for (size_t i = 0; i < a->target_count; i++) {
        struct list *list = key->at[a->targets[i].kind] ? field(&a->targets[i], key) : NULL;
        if (!list)
            continue;
        list->items = conf_arena_extend(arena, list->items, list->count, syntax->size);
        memcpy(list->items + list->count++ * syntax->size, value, syntax->size);
    }
    return wrong;
}

/* A listener's own list replaces the one that it would inherit. */
static void drop_inherited(const struct apply *a, const struct conf_key *key)
{
    for (size_t i = 0; i < a->target_count; i++)
        if (key->type == CONF_MANY && key->at[a->targets[i].kind])
            memset(field(&a->targets[i], key), 0, sizeof(struct list));
}

static void refer_to_listener(const struct apply *a, const struct conf_key *key, const char *name,
                              struct conf_origin origin)
{
    struct conf_loader *l = a->l;

    l->references = conf_arena_extend(&l->arena, l->references, l->reference_count, sizeof(l->references[0]));
    l->references[l->reference_count++] = (struct conf_reference){.section = a->block->section,
                                                                  .key = key->name,
                                                                  .name = name,
                                                                  .origin = origin,
                                                                  .route = a->targets[0].object};
}

/* The item, with the option that stands behind it. */
static const char *with_option(struct conf_arena *arena, const char *item, const char *option,
                               const char **rest)
{
    size_t space = strspn(*rest, " \t"), n = strlen(option);
    const char *p = *rest + space;

    if (!space || strncmp(p, option, n) != 0 || (p[n] && !strchr(", \t", p[n])))
        return item;
    *rest = p + n;
    return conf_arena_print(arena, "%s %s", item, option);
}

static void apply_list(const struct apply *a, const struct conf_key *key, const struct conf_entry *entry)
{
    const char *separators = key->syntax ? key->syntax->separators : ", \t";
    char allowed[256];
    size_t items = 0;

    conf_value_allowed(key, allowed, sizeof(allowed));
    if (!a->set[key - conf_keys].line)
        drop_inherited(a, key);
    for (const struct conf_piece *piece = entry->pieces; piece; piece = piece->next) {
        const char *item, *wrong, *rest = expand(a, entry, piece);

        if (!rest)
            return;
        for (; conf_next_item(&a->l->arena, separators, &rest, &item); items++) {
            if (key->syntax && key->syntax->option)
                item = with_option(&a->l->arena, item, key->syntax->option, &rest);
            if (key->type == CONF_NAMES)
                refer_to_listener(a, key, item, piece->origin);
            else if (key->type == CONF_MANY && (wrong = add_item(a, key, item, piece->origin)))
                WRONG(a, piece->origin, key->name, "'%s' %s; allowed: %s", item, wrong, allowed);
        }
    }
    if (!items)
        WRONG(a, entry->origin, key->name, "the value is missing; allowed: %s", allowed);
}

/* ---- sections ---- */

static void apply_section(struct apply *a)
{
    const struct conf_section *section = a->block->section;

    for (const struct conf_entry *entry = section->entries; entry; entry = entry->next) {
        const struct conf_key *key = conf_key_find(a->block->kind, entry->key);
        struct conf_origin *set = key ? &a->set[key - conf_keys] : NULL;

        if (!key)
            unknown_key(a, entry);
        else if (conf_key_is_list(key))
            apply_list(a, key, entry);
        else if (set->line)
            WRONG(a, entry->origin, key->name, "the key is already set at %s:%d and takes one value",
                  set->file, set->line);
        else
            apply_single(a, key, entry);
        if (key && !set->line) {
            *set = entry->origin;
            if (conf_key_is_list(key))
                a->targets[0].origins[key - conf_keys] = entry->origin;
        }
    }
    for (size_t i = 0; i < conf_key_count; i++) {
        const struct conf_key *key = &conf_keys[i];
        char allowed[256];

        if (!key->required || !conf_key_in(key, a->block->kind) || a->set[i].line)
            continue;
        conf_value_allowed(key, allowed, sizeof(allowed));
        WRONG(a, section->origin, key->name, "the key is required: %s; allowed: %s", key->doc, allowed);
    }
}

/* What the listener's protocol has no use for goes back to its default, with a warning if it was set right there. */
static void reset_idle_keys(const struct apply *a, enum conf_protocol protocol)
{
    char word[CONF_VALUE_BYTES];

    for (size_t i = 0; i < conf_key_count; i++) {
        if (!conf_key_in(&conf_keys[i], CONF_LISTENER) || conf_key_means(&conf_keys[i], protocol))
            continue;
        if (a->set[i].line)
            conf_warning(a->l->errors, a->set[i], a->block->section->title, conf_keys[i].name,
                         "the key means nothing to a listener with protocol = %s",
                         conf_value_print(conf_key_find(CONF_LISTENER, "protocol"), protocol, word));
        store_default(&a->targets[0], &conf_keys[i]);
    }
}

/* Servers of one's own may know whom they serve; those of the internet need not, unless the listener itself says so. */
static void keep_clients_private(const struct apply *a)
{
    const struct conf_key *key = conf_key_find(CONF_LISTENER, "forwarded_headers");

    if (!a->set[key - conf_keys].line)
        store(&a->targets[0], key, CONF_SEND_NONE, NULL, (struct conf_origin){.file = "default"});
}

static struct target new_target(struct conf_loader *l, enum conf_kind kind, void *object,
                                const struct conf_origin *origins)
{
    struct target t = {.kind = kind, .object = object};

    t.origins = conf_arena_alloc(&l->arena, conf_key_count * sizeof(*t.origins));
    for (size_t i = 0; i < conf_key_count; i++)
        t.origins[i] = origins ? origins[i] : (struct conf_origin){.file = "default"};
    return t;
}

static void apply_wide(struct conf_loader *l, struct models *m, const struct conf_block *block)
{
    struct apply a = {.l = l, .block = block, .set = m->set[block->kind]};

    /* A route inherits when a request is served: what it does not say itself is for its listener and
     * upstream. */
    a.targets[a.target_count++] = m->greenway_target;
    a.targets[a.target_count++] = m->listener_target;
    a.targets[a.target_count++] = m->upstream_target;
    apply_section(&a);
}

/* What a route may override is inherited until it does; what is for routes alone has its default. */
static void begin_route(const struct target *t)
{
    for (size_t i = 0; i < conf_key_count; i++) {
        const struct conf_key *key = &conf_keys[i];

        if (!key->at[CONF_ROUTE] || !key->fallback)
            continue;
        if (key->kinds == 1u << CONF_ROUTE)
            store_default(t, key);
        else if (key->type <= CONF_CHOICE)
            store(t, key, CONF_INHERIT, NULL, t->origins[i]);
    }
}

static void apply_named(struct conf_loader *l, struct models *m, const struct conf_block *block)
{
    struct conf *c = l->conf;
    struct apply a = {.l = l, .block = block, .set = m->set[block->kind], .target_count = 1};

    memset(a.set, 0, conf_key_count * sizeof(*a.set));
    if (block->kind == CONF_LISTENER) {
        struct conf_listener *listener = &c->listeners[c->listener_count++];

        *listener = m->listener;
        listener->name = block->name;
        listener->origin = block->section->origin;
        a.targets[0] = new_target(l, CONF_LISTENER, listener, m->listener_target.origins);
        listener->origins = a.targets[0].origins;
        apply_section(&a);
        reset_idle_keys(&a, listener->protocol);
        if (listener->protocol == CONF_FORWARD)
            keep_clients_private(&a);
    } else if (block->kind == CONF_ROUTE) {
        struct conf_route *route = &c->routes[c->route_count++];

        *route = (struct conf_route){.name = block->name, .origin = block->section->origin};
        a.targets[0] = new_target(l, CONF_ROUTE, route, NULL);
        begin_route(&a.targets[0]);
        route->origins = a.targets[0].origins;
        apply_section(&a);
    } else {
        struct conf_upstream *upstream = &c->upstreams[c->upstream_count++];

        *upstream = m->upstream;
        upstream->name = block->name;
        upstream->origin = block->section->origin;
        a.targets[0] = new_target(l, CONF_UPSTREAM, upstream, m->upstream_target.origins);
        upstream->origins = a.targets[0].origins;
        apply_section(&a);
    }
}

/* A default that is a struct. */
static void parse_default(struct conf_arena *arena, const struct target *t, const struct conf_key *key)
{
    struct conf_written *value = key->at[t->kind] ? field(t, key) : NULL;

    if (value && key->syntax->parse(arena, key->fallback, value))
        abort(); /* the row contradicts itself */
}

static void set_defaults(struct conf_loader *l, struct models *m)
{
    const struct target *targets[] = {&m->greenway_target, &m->listener_target, &m->upstream_target};

    for (size_t i = 0; i < conf_key_count; i++)
        for (size_t k = 0; conf_keys[i].fallback && k < sizeof(targets) / sizeof(targets[0]); k++) {
            store_default(targets[k], &conf_keys[i]);
            if (conf_keys[i].type == CONF_ONE)
                parse_default(&l->arena, targets[k], &conf_keys[i]);
        }
}

void conf_apply(struct conf_loader *l)
{
    struct conf *c = l->conf;
    struct models m = {0};
    size_t counts[CONF_KINDS] = {0};

    m.greenway_target = new_target(l, CONF_GREENWAY, c, NULL);
    m.listener_target = new_target(l, CONF_LISTENER, &m.listener, NULL);
    m.upstream_target = new_target(l, CONF_UPSTREAM, &m.upstream, NULL);
    c->origins = m.greenway_target.origins;
    for (enum conf_kind kind = 0; kind < CONF_KINDS; kind++)
        m.set[kind] = conf_arena_alloc(&l->arena, conf_key_count * sizeof(*m.set[kind]));
    set_defaults(l, &m);
    for (size_t i = 0; i < l->block_count; i++) {
        counts[l->blocks[i].kind]++;
        if (!conf_kinds[l->blocks[i].kind].named)
            apply_wide(l, &m, &l->blocks[i]);
    }
    /* All at once: references point into these. */
    c->listeners = conf_arena_alloc(&l->arena, counts[CONF_LISTENER] * sizeof(*c->listeners));
    c->routes = conf_arena_alloc(&l->arena, counts[CONF_ROUTE] * sizeof(*c->routes));
    c->upstreams = conf_arena_alloc(&l->arena, counts[CONF_UPSTREAM] * sizeof(*c->upstreams));
    for (size_t i = 0; i < l->block_count; i++)
        if (conf_kinds[l->blocks[i].kind].named)
            apply_named(l, &m, &l->blocks[i]);
}
