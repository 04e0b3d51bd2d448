/*
 * Feeds inih line by line, so that nothing it does in silence goes unnoticed.
 *
 * A common build of inih cuts lines at 200 bytes and section names at 50, forgets line numbers, ignores what
 * stands behind a "]", stops a line at a NUL and keeps comments in continuation lines. So the reader callback
 * below looks at every line first: it counts, strips comments, refuses what inih would mangle, and hands a
 * line that is too long over in pieces, as a key line and continuation lines, that the handler puts together
 * again byte by byte. Whatever was handed over must come back through the handler before the next line; if it
 * does not, that is an error too.
 */
#include "reader.h"

#include <ctype.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>

#define BUFFER_MIN 64 /* a build of inih with a line buffer smaller than this is of no use */

enum handed { NOTHING, KEY, CONTINUATION, REST };

struct span {
    const char *p, *end;
};

struct reader {
    struct conf_arena *arena;
    struct conf_errors *errors;
    struct span text; /* not read yet */
    struct conf_origin at;

    enum handed handed; /* what inih has been given and must give back */
    struct span rest;   /* of a long line, still to be handed over */
    struct span gap;    /* the blanks before rest, which inih would strip */
    size_t line_bytes;

    bool *lost;
    struct conf_section *first, *section; /* section: NULL before the first and within a broken one */
    struct conf_section **next_section;
    struct conf_entry **next_entry;
    struct conf_piece **next_piece;
    char *value; /* the end of the newest piece, with room for the rest of its line */
    bool any_section;
    bool has_key; /* inih takes an indented line for a continuation */
    bool skip;    /* the entry's first line was refused: leave out its continuation lines */
};

#define FAIL(r, ...) conf_error((r)->errors, (r)->at, (r)->section ? (r)->section->title : NULL, __VA_ARGS__)

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t length(struct span s)
{
    return (size_t)(s.end - s.p);
}

static struct span trim(struct span s)
{
    while (s.p < s.end && blank(*s.p))
        s.p++;
    while (s.end > s.p && blank(s.end[-1]))
        s.end--;
    return s;
}

/* Without the comment: from ";" or "#" at the start, or from a ";" behind a blank. */
static struct span without_comment(struct span line)
{
    struct span s = trim(line);

    if (s.p < s.end && (*s.p == ';' || *s.p == '#'))
        line.end = line.p;
    for (const char *p = line.p; p + 1 < line.end; p++)
        if (blank(p[0]) && p[1] == ';')
            line.end = p;
    while (line.end > line.p && blank(line.end[-1]))
        line.end--;
    return line;
}

/* Reports a byte that text has no use for. True if the line is clean. */
static bool check_bytes(struct reader *r, struct span line)
{
    for (const char *p = line.p; p < line.end; p++) {
        unsigned char c = (unsigned char)*p;

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            FAIL(r, NULL, "byte %zu is the control character 0x%02x; only text and tabs are allowed",
                 (size_t)(p - line.p) + 1, c);
            return false;
        }
    }
    return true;
}

/* What was handed over last must have come back by now. */
static void settle(struct reader *r)
{
    if (r->handed == KEY)
        FAIL(r, NULL, "the line is neither a [section] nor 'key = value'");
    else if (r->handed != NOTHING)
        FAIL(r, NULL, "this build of inih does not read continuation lines");
    if (r->handed != NOTHING) {
        r->skip = true;
        r->rest.p = r->rest.end;
    }
    r->handed = NOTHING;
}

static char *hand_over(struct reader *r, enum handed what, char *buffer, const char *before, struct span s)
{
    char *p = stpcpy(buffer, before);

    memcpy(p, s.p, length(s));
    strcpy(p + length(s), "\n");
    r->handed = what;
    return buffer;
}

/* The next piece of a long value that fits. inih strips blanks at both of its ends, so those are remembered,
 * and it takes a leading ";" or "#" for a comment, so the cut avoids leaving one in front. */
static char *hand_over_rest(struct reader *r, enum handed what, char *buffer, size_t size, const char *before)
{
    size_t room = size - strlen(before) - 2;
    struct span piece = r->rest;

    if (length(piece) > room) {
        const char *next = piece.p;

        for (piece.end = piece.p + room; piece.end > piece.p; piece.end--) {
            for (next = piece.end; blank(*next); next++)
                ;
            if (*next != ';' && *next != '#')
                break;
        }
        if (piece.end == piece.p) {
            FAIL(r, NULL,
                 "the line is %zu bytes long and has no place where it can be split; continue it on "
                 "indented lines",
                 r->line_bytes);
            r->skip = true;
            r->rest.p = r->rest.end;
            return NULL;
        }
        while (blank(piece.end[-1]))
            piece.end--;
        r->gap = (struct span){piece.end, next};
        r->rest.p = next;
    } else {
        r->rest.p = r->rest.end;
    }
    return hand_over(r, what, buffer, before, piece);
}

static void start_section(struct reader *r, struct span line)
{
    const char *close = memchr(line.p, ']', length(line));

    bool lost = *r->lost;

    r->section = NULL;
    r->any_section = true;
    r->has_key = r->skip = false;
    *r->lost = true; /* until it is there */
    if (!close) {
        FAIL(r, NULL, "the section header has no ']'");
        return;
    }
    if (close + 1 != line.end) {
        FAIL(r, NULL, "'%.*s' stands behind the ']' of a section header; only a comment may",
             (int)(line.end - close - 1), close + 1);
        return;
    }
    char *title = conf_arena_alloc(r->arena, length(line)), *to = title;

    for (const char *p = line.p + 1; p < close; p++)
        if (!blank(*p))
            *to++ = *p;
        else if (to > title && !blank(p[1]) && p + 1 < close)
            *to++ = ' ';
    if (to == title || to - title > CONF_SECTION_BYTES) {
        FAIL(r, NULL, "a section's name must have 1 to %d bytes; this one has %zu", CONF_SECTION_BYTES,
             (size_t)(to - title));
        return;
    }
    struct conf_section *section = conf_arena_alloc(r->arena, sizeof(*section));

    *r->lost = lost;
    section->title = title;
    section->origin = r->at;
    *r->next_section = r->section = section;
    r->next_section = &section->next;
    r->next_entry = &section->entries;
}

/* An indented line that was meant to be a line of its own would disappear into the value before it. */
static bool check_continuation(struct reader *r, struct span s)
{
    const char *p = s.p;

    while (p < s.end && (islower((unsigned char)*p) || *p == '_'))
        p++;
    size_t word = (size_t)(p - s.p);

    while (p < s.end && blank(*p))
        p++;
    if (word && p < s.end && *p == '=')
        FAIL(r, NULL, "the indented line continues the value above; '%.*s =' must start at the left margin",
             (int)word, s.p);
    else if (*s.p == '[' && s.end[-1] == ']' && !memchr(s.p, ':', length(s)))
        FAIL(r, NULL,
             "the indented line continues the value above; a section header must start at the left "
             "margin");
    else
        return true;
    return false;
}

static char *continuation_line(struct reader *r, struct span s, char *buffer, size_t size)
{
    if (r->skip || !check_continuation(r, s))
        return NULL;
    r->rest = s;
    return hand_over_rest(r, CONTINUATION, buffer, size, " ");
}

static char *key_line(struct reader *r, struct span s, char *buffer, size_t size)
{
    r->skip = true; /* until the handler has it */
    if (!r->section) {
        if (!r->any_section)
            FAIL(r, NULL, "the line stands before the first [section]");
        return NULL;
    }
    if (length(s) <= size - 2)
        return hand_over(r, KEY, buffer, "", s);

    struct span key = {s.p, s.p};

    while (key.end < s.end && *key.end != '=' && *key.end != ':')
        key.end++;
    if (key.end == s.end || length(trim(key)) > CONF_SECTION_BYTES) {
        FAIL(r, NULL, "the line is neither a [section] nor 'key = value'");
        return NULL;
    }
    r->rest = trim((struct span){key.end + 1, s.end});
    key = trim(key);

    char before[CONF_SECTION_BYTES + sizeof("=")]; /* no blank: "=;" is not a comment, "= ;" is one */

    strcpy(mempcpy(before, key.p, length(key)), "=");
    return hand_over_rest(r, KEY, buffer, size, before);
}

static bool next_line(struct reader *r, struct span *line)
{
    if (r->text.p == r->text.end)
        return false;
    const char *end = memchr(r->text.p, '\n', length(r->text));

    line->p = r->text.p;
    line->end = end ? end : r->text.end;
    r->text.p = end ? end + 1 : r->text.end;
    r->at.line++;
    if (line->end > line->p && line->end[-1] == '\r')
        line->end--;
    return true;
}

/* What inih calls in place of fgets(). */
static char *read_line(char *buffer, int bytes, void *user)
{
    struct reader *r = user;
    size_t size = bytes < BUFFER_MIN ? 0 : (size_t)bytes;
    char *line = NULL;
    struct span s;

    settle(r);
    r->gap = (struct span){buffer, buffer};
    if (!size) {
        FAIL(r, NULL, "this build of inih reads lines of %d bytes only; at least %d are needed", bytes,
             BUFFER_MIN);
        return NULL;
    }
    if (length(r->rest))
        line = hand_over_rest(r, REST, buffer, size, " ");
    while (!line && next_line(r, &s)) {
        bool clean = check_bytes(r, s);
        bool indented = s.p < s.end && blank(*s.p);

        s = without_comment(s);
        r->line_bytes = length(s);
        s = trim(s);
        if (clean && !length(s))
            continue;
        if (indented && (r->has_key || r->skip))
            line = clean ? continuation_line(r, s, buffer, size) : NULL;
        else if (!clean)
            r->skip = true;
        else if (*s.p == '[') {
            start_section(r, s);
            if (r->section) {
                strcpy(stpcpy(stpcpy(buffer, "["), r->section->title), "]\n");
                line = buffer;
            }
        } else
            line = key_line(r, s, buffer, size);
    }
    return line;
}

/* A part of a line as inih gives it back, and the blanks that it stripped if more of the line follows. */
static void append(struct reader *r, const char *value)
{
    r->value = mempcpy(r->value, value, strlen(value));
    r->value = mempcpy(r->value, r->gap.p, length(r->gap));
}

static void add_piece(struct reader *r, const char *value)
{
    struct conf_piece *piece = conf_arena_alloc(r->arena, sizeof(*piece));

    r->value = conf_arena_alloc(r->arena, length(r->rest) ? r->line_bytes + 1 : strlen(value) + 1);
    piece->text = r->value;
    piece->origin = r->at;
    *r->next_piece = piece;
    r->next_piece = &piece->next;
    append(r, value);
}

/* What inih calls for each key and for each continuation line. */
static int take(void *user, const char *section, const char *name, const char *value
#if INI_HANDLER_LINENO
                ,
                int line
#endif
)
{
    struct reader *r = user;
    enum handed handed = r->handed;

    if (!name || !value)
        return 1; /* the start of a section or a key without "=", in builds of inih that tell */
    r->handed = NOTHING;
    if (handed == NOTHING || !r->section || strcmp(section, r->section->title)) {
        FAIL(r, NULL, "inih took the line to be '%s' in [%s]", name, section);
    } else if (handed == KEY && !*name) {
        FAIL(r, NULL, "there is no key before the '='");
        r->has_key = false;
        r->rest.p = r->rest.end;
    } else if (handed == KEY) {
        struct conf_entry *entry = conf_arena_alloc(r->arena, sizeof(*entry));

        entry->key = conf_arena_copy(r->arena, name, strlen(name));
        entry->origin = r->at;
        *r->next_entry = entry;
        r->next_entry = &entry->next;
        r->next_piece = &entry->pieces;
        r->has_key = true;
        r->skip = false;
        add_piece(r, value);
    } else if (handed == CONTINUATION) {
        add_piece(r, value);
    } else {
        append(r, value);
    }
    return 1;
}

struct conf_section *conf_read_text(struct conf_arena *arena, struct conf_errors *errors, const char *file,
                                    const char *text, size_t n, bool *lost)
{
    struct reader r = {
        .arena = arena,
        .errors = errors,
        .text = {text, text + n},
        .at = {.file = file},
        .lost = lost,
        .next_section = &r.first,
    };

    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        r.text.p += 3;
    if (n >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2))) {
        conf_error(errors, r.at, NULL, NULL, "the file is UTF-16; it must be UTF-8");
        *lost = true;
        return NULL;
    }
    /* inih's own verdict says no more than settle() has said already: every line it refuses is one that did
     * not come back. Only its want of memory has no line. */
    if (ini_parse_stream(read_line, &r, take, &r) == -2)
        longjmp(*arena->out_of_memory, 1);
    settle(&r);
    return r.first;
}
