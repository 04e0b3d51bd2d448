/*
 * conf-docs FILE writes the reference page; conf-docs --check FILE fails when FILE is out of date.
 */
#include "describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check(const char *path)
{
    char *page = NULL;
    size_t n = 0, at = 0;
    FILE *want = open_memstream(&page, &n), *have = fopen(path, "r");
    int c = 0;

    if (!want || !have) {
        perror(path);
        return 1;
    }
    conf_print_markdown(want);
    fclose(want);
    while ((c = getc(have)) != EOF && at < n && c == (unsigned char)page[at])
        at++;
    fclose(have);
    free(page);
    if (c == EOF && at == n)
        return 0;
    fprintf(stderr, "%s is out of date; run: ninja -C build docs\n", path);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--check"))
        return check(argv[2]);
    if (argc != 2) {
        fprintf(stderr, "usage: conf-docs [--check] FILE\n");
        return 2;
    }
    FILE *out = fopen(argv[1], "w");

    if (!out) {
        perror(argv[1]);
        return 1;
    }
    conf_print_markdown(out);
    if (fclose(out)) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
