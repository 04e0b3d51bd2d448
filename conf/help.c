/*
 * `greenway help`: the key table for people at a terminal.
 */
#include "describe.h"
#include "keys.h"
#include "suggest.h"
#include "value.h"

#include <errno.h>
#include <string.h>

#define WIDTH  80
#define INDENT 2

struct style {
    const char *strong, *plain;
};

/* Text broken at blanks, each line but the first indented. `column` is where the first line starts. */
static void wrap(FILE *out, const char *text, int indent, int column)
{
    while (*text) {
        int n = (int)strcspn(text, " ");

        if (column + 1 + n > WIDTH && column > indent) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putc(' ', out);
            column++;
        }
        fwrite(text, 1, (size_t)n, out);
        column += n;
        text += n + (text[n] == ' ');
    }
    putc('\n', out);
}

static void print_field(FILE *out, const char *name, const char *text)
{
    const int indent = INDENT + 10;

    fprintf(out, "%*s%-10s", INDENT, "", name);
    wrap(out, text, indent, indent);
}

static void print_section(FILE *out, enum conf_kind kind, struct style s)
{
    fprintf(out, "%s%s%s", s.strong, conf_kinds[kind].header, s.plain);
    wrap(out, conf_kinds[kind].doc, 0, (int)strlen(conf_kinds[kind].header));
    for (size_t i = 0; i < conf_key_count; i++) {
        const int indent = INDENT + 20;

        if (!conf_key_in(&conf_keys[i], kind))
            continue;
        wrap(out, conf_keys[i].doc, indent, fprintf(out, "%*s%-19s ", INDENT, "", conf_keys[i].name));
    }
}

static void print_kinds(FILE *out, const struct conf_key *key)
{
    char list[256] = "";
    size_t n = 0;

    for (enum conf_kind kind = 0; kind < CONF_KINDS && n < sizeof(list); kind++)
        if (conf_key_in(key, kind))
            n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", conf_kinds[kind].header);
    print_field(out, "section", list);
}

static void print_key(FILE *out, const struct conf_key *key, struct style s)
{
    char allowed[256];

    conf_value_allowed(key, allowed, sizeof(allowed));
    fprintf(out, "%s%s:%s", s.strong, key->name, s.plain);
    wrap(out, key->doc, INDENT, (int)strlen(key->name) + 1);
    print_kinds(out, key);
    print_field(out, "value", allowed);
    if (conf_key_is_list(key))
        print_field(out, "list", "may be repeated, and go on in indented lines");
    print_field(out, "default",
                key->fallback   ? key->fallback
                : key->required ? "none: the key is required"
                : key->action   ? "none: a route needs one key that says what becomes of its requests"
                                : "none");
    if (key->restart)
        print_field(out, "reload", "does not change it: it is read when the process starts");
    print_field(out, "example", key->example);
    fprintf(out, "\n%*s", INDENT, "");
    wrap(out, key->more, INDENT, INDENT);
}

static int print_overview(FILE *out, struct style s)
{
    for (enum conf_kind kind = 0; kind < CONF_KINDS; kind++) {
        print_section(out, kind, s);
        putc('\n', out);
    }
    wrap(out,
         "A listener, route or upstream that sets a key of [limits] or [timeouts] itself overrides it. "
         "`greenway help "
         "KEY` tells everything about a key.",
         0, 0);
    return 0;
}

int conf_print_help(FILE *out, const char *word, bool colour)
{
    struct style s = {colour ? "\033[1m" : "", colour ? "\033[0m" : ""};
    struct conf_suggestion nearest;
    size_t found = 0;

    if (!word)
        return print_overview(out, s);
    conf_suggest_start(&nearest, word);
    for (enum conf_kind kind = 0; kind < CONF_KINDS; kind++) {
        if (!strcmp(conf_kinds[kind].name, word) && ++found)
            print_section(out, kind, s);
        conf_suggest_offer(&nearest, conf_kinds[kind].name);
    }
    for (size_t i = 0; i < conf_key_count; i++) {
        if (!strcmp(conf_keys[i].name, word)) {
            if (found++)
                putc('\n', out);
            print_key(out, &conf_keys[i], s);
        }
        conf_suggest_offer(&nearest, conf_keys[i].name);
    }
    if (found)
        return 0;
    fputs("there is no key '", out);
    for (const char *p = word; *p; p++) /* it came from the command line */
        putc((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p, out);
    fputs("'", out);
    if (nearest.best)
        fprintf(out, "; did you mean '%s'?\n", nearest.best);
    else
        fputs("; `greenway help` lists all keys\n", out);
    return -ENOENT;
}
