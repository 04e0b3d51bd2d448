/*
 * The configuration loader on any bytes: it must not crash, leak or hang, and what loads must print as
 * something that loads again to the same. Text cannot include files, and the environment is emptied, so only
 * the bytes matter.
 */
#include "describe.h"
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return clearenv();
}

static char *effective(const struct conf *conf)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    if (!out)
        abort();
    conf_print_effective(out, conf);
    fclose(out);
    return text;
}

/* The text without its comments, which tell places and so differ between the first and the second print. */
static void strip_comments(char *text)
{
    char *to = text;

    for (const char *p = text; *p;) {
        size_t line = strcspn(p, "\n"), n = *p == ';' ? 0 : line;
        const char *comment = memmem(p, n, " ; ", 3);

        n = comment ? (size_t)(comment - p) : n;
        memmove(to, p, n);
        to += n;
        *to++ = '\n';
        p += line + (p[line] == '\n');
    }
    *to = 0;
}

static void round_trip(const struct conf *conf)
{
    struct conf_errors errors = {0};
    char *first = effective(conf);
    struct conf *again = conf_load_text("again", first, strlen(first), &errors);

    if (!again) {
        conf_errors_print(stderr, &errors, false);
        abort();
    }
    char *second = effective(again);

    strip_comments(first);
    strip_comments(second);
    if (strcmp(first, second))
        abort();
    free(first);
    free(second);
    conf_free(again);
    conf_errors_free(&errors);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct conf_errors errors = {0};
    struct conf *conf = conf_load_text("fuzz", (const char *)data, size, &errors);

    if ((conf == NULL) != (errors.errors > 0))
        abort();
    if (conf)
        round_trip(conf);
    conf_free(conf);
    conf_errors_free(&errors);
    return 0;
}
