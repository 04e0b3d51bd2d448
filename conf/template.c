/*
 * Taking templates apart (template.h).
 */
#include "template.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "conf.h"
#include "suggest.h"
#include "value.h"

struct variable {
    enum conf_variable id;
    const char *name; /* with ":NAME" or ".N" if it takes one */
    unsigned scope;
};

static const struct variable variables[] = {
#define ROW(id, name, scope, doc) {CONF_V_##id, name, scope},
    CONF_VARIABLES(ROW)
#undef ROW
};

#define VARIABLES (sizeof variables / sizeof variables[0])

struct reader {
    struct conf_arena *arena;
    unsigned scope;
    struct conf_part *parts;
    size_t count;
};

static struct conf_part *add(struct reader *r, enum conf_variable variable)
{
    r->parts = conf_arena_extend(r->arena, r->parts, r->count, sizeof *r->parts);
    struct conf_part *part = &r->parts[r->count++];

    part->variable = variable;
    return part;
}

static void add_text(struct reader *r, const char *text, size_t n)
{
    struct conf_part *last = r->count ? &r->parts[r->count - 1] : NULL;

    if (!n)
        return;
    if (last && last->variable == CONF_V_TEXT) {
        last->text = conf_arena_print(r->arena, "%.*s%.*s", (int)last->length, last->text, (int)n, text);
        last->length += n;
        return;
    }
    last = add(r, CONF_V_TEXT);
    last->text = conf_arena_copy(r->arena, text, n);
    last->length = n;
}

const char *conf_template_variables(struct conf_arena *arena, unsigned scope)
{
    const char *list = "";

    for (size_t i = 0; i < VARIABLES; i++)
        if ((variables[i].scope & scope) == variables[i].scope)
            list = conf_arena_print(arena, "%s%s${%s}", list, *list ? ", " : "", variables[i].name);
    return list;
}

static const char *unknown(struct reader *r, const char *name)
{
    size_t stem = strcspn(name, ":.");
    struct conf_suggestion nearest;

    for (size_t i = 0; i < VARIABLES; i++)
        if (stem && !strncmp(variables[i].name, name, stem) && strcspn(variables[i].name, ":.") == stem)
            return conf_arena_print(r->arena, "has ${%s}, which is written ${%s}", name, variables[i].name);
    conf_suggest_start(&nearest, conf_arena_copy(r->arena, name, stem));
    for (size_t i = 0; i < VARIABLES; i++)
        if ((variables[i].scope & r->scope) == variables[i].scope)
            conf_suggest_offer(
                &nearest, conf_arena_copy(r->arena, variables[i].name, strcspn(variables[i].name, ":.")));
    if (!nearest.best)
        return conf_arena_print(r->arena, "has ${%s}, which is no variable; there are %s", name,
                                conf_template_variables(r->arena, r->scope));
    return conf_arena_print(r->arena, "has ${%s}, which is no variable; did you mean ${%s%s}?", name,
                            nearest.best, name[stem] ? name + stem : "");
}

/* The row of a name, with what stands behind its ':' or '.'; NULL: there is none. */
static const struct variable *find(const char *name, const char **argument)
{
    for (size_t i = 0; i < VARIABLES; i++) {
        const char *known = variables[i].name;
        size_t stem = strcspn(known, ":.");

        if (strncmp(name, known, stem) != 0 || name[stem] != known[stem])
            continue;
        *argument = known[stem] ? name + stem + 1 : NULL;
        return &variables[i];
    }
    return NULL;
}

/* One variable, named between its braces. */
static const char *add_variable(struct reader *r, const char *name)
{
    const char *argument;
    const struct variable *v = find(name, &argument);

    if (!v)
        return unknown(r, name);
    if ((v->scope & r->scope) != v->scope)
        return conf_arena_print(r->arena, "has ${%s}, which is not known here: %s", name,
                                v->scope & CONF_KNOWS_END      ? "it is for log_format alone"
                                : v->scope & CONF_KNOWS_STATUS ? "there is no answer yet"
                                                               : "no server has been chosen yet");
    bool group = v->id == CONF_V_PATH_CAPTURE || v->id == CONF_V_HOST_CAPTURE;
    if (group && (!isdigit((unsigned char)*argument) || argument[1]))
        return conf_arena_print(r->arena, "has ${%s}; a group is one digit: ${path.1}", name);
    if (argument && !*argument)
        return conf_arena_print(r->arena, "has ${%s}, which names nothing behind its ':'", name);
    if ((v->id == CONF_V_HEADER_NAMED || v->id == CONF_V_COOKIE_NAMED) && !conf_is_token(argument))
        return conf_arena_print(r->arena, "has ${%s}, and '%s' has a character that no such name has", name,
                                argument);
    struct conf_part *part = add(r, v->id);

    if (group) {
        part->number = (unsigned)(*argument - '0');
    } else if (argument) {
        part->text = argument;
        part->length = strlen(argument);
    }
    return NULL;
}

const char *conf_template_parse(struct conf_arena *arena, const char *text, unsigned scope,
                                struct conf_template *out)
{
    struct reader r = {.arena = arena, .scope = scope};

    for (const char *p = text; *p;) {
        size_t plain = strcspn(p, "$");

        add_text(&r, p, plain);
        p += plain;
        if (p[0] == '$' && p[1] == '{') {
            const char *end = strchr(p, '}');
            const char *wrong = end ? add_variable(&r, conf_arena_copy(arena, p + 2, (size_t)(end - p) - 2))
                                    : "has a '${' without its '}'";
            if (wrong)
                return wrong;
            p = end + 1;
        } else if (p[0] == '$' && scope & CONF_KNOWS_CAPTURES && isdigit((unsigned char)p[1])) {
            add(&r, CONF_V_CAPTURE)->number = (unsigned)(p[1] - '0');
            p += 2;
        } else if (*p) {
            add_text(&r, p, 1);
            p += p[1] == '$' ? 2 : 1;
        }
    }
    if (r.count > CONF_TEMPLATE_PARTS)
        return conf_arena_print(arena, "has more than %d variables and pieces of text between them",
                                CONF_TEMPLATE_PARTS);
    out->parts = r.parts;
    out->count = r.count;
    return NULL;
}
