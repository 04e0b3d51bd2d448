/*
 * PCRE2 behind regexp.h. What a search needs besides the pattern is made once for each thread: greenlets' stacks are too
 * small for it, and none is held across a switch.
 */
#include "regexp.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* PCRE2 counts steps anew for each place where a match could begin. A pattern that begins at one place may take this
 * many; the places of any other share more, yet each gets enough for a harmless pattern. */
#define STEPS        100000
#define STEPS_SHARED 1000000
#define STEPS_MIN    1000
#define HEAP_KIB     1024 /* without the JIT compiler */
#define STACK_MIN    (32 * 1024)
#define STACK_MOST   (256 * 1024) /* with it */

struct conf_regex {
    const char *pattern;
    pcre2_code *code;
    bool anchored; /* a match can begin in one place only */
    uint32_t groups;
};

struct searcher {
    pcre2_match_data *data;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;
static _Thread_local struct searcher *mine;

static void release_code(void *object)
{
    pcre2_code_free(((struct conf_regex *)object)->code);
}

static const char *compile_error(struct conf_arena *arena, int error, size_t offset)
{
    char text[160];

    if (error == PCRE2_ERROR_HEAP_FAILED)
        conf_arena_exhausted(arena);
    if (pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof(text)) < 0)
        strcpy(text, "it cannot be compiled");
    return conf_arena_print(arena, "is no regular expression: at its character %zu, %s", offset + 1, text);
}

/* A place is the only one when the whole pattern is tied to it, as by ^. */
static bool is_anchored(const pcre2_code *code)
{
    uint32_t options = 0;

    return pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options) == 0 && options & PCRE2_ANCHORED;
}

const char *conf_regex_parse(struct conf_arena *arena, const char *pattern, const struct conf_regex **out)
{
    /* Bytes of any value can come; $ is the end and not also before a line feed there. */
    const uint32_t options =
        PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
    struct conf_regex *regex = conf_arena_alloc(arena, sizeof(*regex));
    int error = 0;
    size_t offset = 0;

    if (!*pattern)
        return "is an empty regular expression, which is found in everything";
    conf_arena_on_free(arena, release_code, regex);
    regex->pattern = pattern;
    regex->code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern), options, &error, &offset, NULL);
    if (!regex->code)
        return compile_error(arena, error, offset);
    error = pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    if (error == PCRE2_ERROR_NOMEMORY && !pcre2_config(PCRE2_CONFIG_JIT, NULL))
        error = 0; /* no executable memory may be had here: the interpreter does it */
    regex->anchored = is_anchored(regex->code);
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->groups);
    *out = regex;
    return NULL;
}

const char *conf_regex_text(const struct conf_regex *regex)
{
    return regex->pattern;
}

unsigned conf_regex_groups(const struct conf_regex *regex)
{
    return regex->groups;
}

static void release_searcher(void *object)
{
    struct searcher *s = object;

    pcre2_jit_stack_free(s->stack);
    pcre2_match_context_free(s->limits);
    pcre2_match_data_free(s->data);
    free(s);
}

static void make_key(void)
{
    key_error = pthread_key_create(&key, release_searcher);
}

static struct searcher *searcher(void)
{
    struct searcher *s;

    if (mine)
        return mine;
    if (pthread_once(&once, make_key) || key_error || !(s = calloc(1, sizeof(*s))))
        return NULL;
    s->data = pcre2_match_data_create(CONF_CAPTURES, NULL);
    s->limits = pcre2_match_context_create(NULL);
    s->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MOST, NULL); /* NULL without a JIT compiler */
    if (!s->data || !s->limits || pthread_setspecific(key, s)) {
        release_searcher(s);
        return NULL;
    }
    pcre2_set_heap_limit(s->limits, HEAP_KIB);
    pcre2_jit_stack_assign(s->limits, NULL, s->stack);
    return mine = s;
}

static void keep_captures(const pcre2_match_data *data, int count, struct conf_capture *captures)
{
    const size_t *pairs = pcre2_get_ovector_pointer((pcre2_match_data *)(uintptr_t)data);

    if (count == 0 || count > CONF_CAPTURES) /* there are more than are kept */
        count = CONF_CAPTURES;
    for (int i = 0; i < CONF_CAPTURES; i++) {
        bool set = i < count && pairs[2 * i] != PCRE2_UNSET && pairs[2 * i] <= pairs[2 * i + 1];

        captures[i] = set ? (struct conf_capture){pairs[2 * i], pairs[2 * i + 1]} : (struct conf_capture){0};
    }
}

int conf_regex_find(const struct conf_regex *regex, const char *text, size_t n, struct conf_capture *captures)
{
    struct searcher *s = searcher();
    size_t steps = regex->anchored ? STEPS : STEPS_SHARED / (n + 1);

    if (!s)
        return -ENOMEM;
    pcre2_set_match_limit(s->limits, (uint32_t)(steps > STEPS_MIN ? steps : STEPS_MIN));
    int count = pcre2_match(regex->code, (PCRE2_SPTR)text, n, 0, 0, s->data, s->limits);

    if (count >= 0) {
        if (captures)
            keep_captures(s->data, count, captures);
        return 1;
    }
    return count == PCRE2_ERROR_NOMATCH ? 0 : count == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -E2BIG;
}
