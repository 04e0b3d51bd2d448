/*
 * docs/configuration.md: the language in words, then the key table.
 */
#include "describe.h"
#include "keys.h"
#include "value.h"

#include <ctype.h>
#include <string.h>

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Written by `ninja docs` from conf/keys.c and conf/markdown.c; a test fails while it is out of "
    "date. -->\n"
    "\n"
    "greenway reads one ini file. This is all it needs to put a proxy in front of a service:\n"
    "\n"
    "```ini\n"
    "[listener web]\n"
    "bind = :8080\n"
    "upstream = app\n"
    "[upstream app]\n"
    "server = 127.0.0.1:3000\n"
    "```\n"
    "\n"
    "`greenway check FILE` tells everything that is wrong with a file, each with its line, and what the file "
    "weakens. A "
    "file with an error in it is refused as a whole. `greenway check --effective FILE` prints every key with "
    "its value "
    "and where it came from, and `greenway help KEY` is this page at the terminal.\n"
    "\n"
    "## The language\n"
    "\n"
    "* A line is a `[section]`, a `key = value` or blank. A comment starts with `;` or `#` at the start of a "
    "line, or with "
    "`;` behind a blank.\n"
    "* An indented line continues the value above it. Everything else starts at the left margin.\n"
    "* Keys that take a list may be repeated, and each line may hold several items, separated by commas or "
    "blanks "
    "(servers, which have options, by commas only). All other keys may be set once.\n"
    "* Names of sections are made of letters, digits, `.`, `_` and `-`. Each stands once. A section without "
    "a name "
    "may stand once in every file.\n"
    "* Durations have a unit: `250ms`, `5s`, `2m`, `1h`, `1d`. Every wait is finite, so no timeout can be 0. "
    "Sizes are "
    "bytes or have a unit of 1024: `16k`, `10m`, `1g`. Rates are bytes a second: `240`, `1k/s`.\n"
    "* `${NAME}` in a value is the environment variable NAME, in upper case, and an error if it is not set. "
    "`${NAME:-default}` is the default if it is unset or empty. A variable may hold a whole list. `$$` is a "
    "`$`; any "
    "other `$` is just that.\n"
    "* `include = conf.d/*.ini` in `[greenway]` reads further files.\n"
    "* Files are UTF-8, up to 16 MiB each; up to 1000 files, 8 deep, and 20000 sections.\n"
    "* The first route in the file all of whose conditions a request meets takes it. If none does, the "
    "listener's "
    "`upstream` takes it.\n"
    "* A listener, route or upstream that sets a key of `[limits]` or `[timeouts]` itself overrides it.\n";

/* Plain text: nothing in it may end a table's cell or start markup. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|*<>_", *text))
            putc('\\', out);
        putc(*text, out);
    }
}

/* The table's phrases start in lower case and have no full stop. */
static void print_sentence(FILE *out, const char *phrase)
{
    putc(toupper((unsigned char)*phrase), out);
    print_cell(out, phrase + 1);
    putc('.', out);
}

static void print_table(FILE *out, enum conf_kind kind)
{
    fprintf(out, "\n## `%s`\n\n", conf_kinds[kind].header);
    print_sentence(out, conf_kinds[kind].doc);
    fputs("\n\n| key | default | meaning |\n|---|---|---|\n", out);
    for (const struct conf_key *key = conf_keys; key < conf_keys + conf_key_count; key++) {
        if (!conf_key_in(key, kind))
            continue;
        fprintf(out, "| [`%s`](#%s) | ", key->name, key->name);
        if (conf_key_inherits(key, kind))
            fprintf(out, "inherited");
        else if (key->fallback)
            fprintf(out, "`%s`", key->fallback);
        else
            fputs(key->required ? "required" : "", out);
        fputs(" | ", out);
        print_cell(out, key->doc);
        fputs(" |\n", out);
    }
}

static void print_key(FILE *out, const struct conf_key *key)
{
    char allowed[256];
    const char *comma = "";

    conf_value_allowed(key, allowed, sizeof(allowed));
    putc('\n', out);
    print_sentence(out, key->doc);
    fputs(" In ", out);
    for (enum conf_kind kind = 0; kind < CONF_KINDS; kind++)
        if (conf_key_in(key, kind)) {
            fprintf(out, "%s`%s`", comma, conf_kinds[kind].header);
            comma = ", ";
        }
    fputs(".\n\n* Value: ", out);
    print_cell(out, allowed);
    fputs(conf_key_is_list(key) ? "; a list\n" : "\n", out);
    if (key->fallback)
        fprintf(out, "* Default: `%s`\n", key->fallback);
    else if (key->required)
        fputs("* Required\n", out);
    if (key->restart)
        fputs("* Read when the process starts: a reload does not change it\n", out);
    fprintf(out, "* Example: `%s`\n\n", key->example);
    print_cell(out, key->more);
    putc('\n', out);
}

static void print_variables(FILE *out)
{
    fputs("\n## Variables\n\nKeys that take a template (`request_header`, `redirect`, `respond`, ...) know "
          "these. "
          "`$$` is a `$`.\n\n| variable | stands for |\n|---|---|\n",
          out);
#define ROW(id, name, scope, doc)                                                                            \
    fputs("| `${" name "}` | ", out);                                                                        \
    print_cell(out, doc);                                                                                    \
    fputs((scope)&CONF_KNOWS_END      ? "; of `log_format` only |\n"                                         \
          : (scope)&CONF_KNOWS_STATUS ? "; of answers only |\n"                                              \
          : (scope)&CONF_KNOWS_SERVER ? "; of answers and in `upstream_host` |\n"                            \
                                      : " |\n",                                                              \
          out);
    CONF_VARIABLES(ROW)
#undef ROW
}

void conf_print_markdown(FILE *out)
{
    fputs(introduction, out);
    for (enum conf_kind kind = 0; kind < CONF_KINDS; kind++)
        print_table(out, kind);
    print_variables(out);
    fputs("\n## Every key\n", out);
    for (const struct conf_key *key = conf_keys; key < conf_keys + conf_key_count; key++) {
        bool first = true;

        for (const struct conf_key *earlier = conf_keys; earlier < key; earlier++)
            first &= strcmp(earlier->name, key->name) != 0;
        for (const struct conf_key *same = key; first && same < conf_keys + conf_key_count; same++)
            if (!strcmp(same->name, key->name)) {
                if (same == key)
                    fprintf(out, "\n### %s\n", key->name);
                print_key(out, same);
            }
    }
}
