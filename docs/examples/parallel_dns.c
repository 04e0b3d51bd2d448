/*
 * parallel_dns: resolves many names at a time.
 *
 *     parallel_dns -n 200 -t 3 < names.txt
 *     parallel_dns -s 9.9.9.9 example.org example.net
 *
 * Each name has a greenlet of its own, which reads as if it waited for the answer alone. A pool bounds how many there
 * are; whoever spawns into a full pool waits for one of them to end. All of it happens in one thread.
 */
#include <getopt.h>
#include <green.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t patience = GREEN_S(5); /* for each name */
static unsigned found, failed;

static void print_addresses(const char *name, const green_dns_answer_t *answer)
{
    char text[GREEN_ADDRESS_TEXT];
    printf("%s", name);
    for (size_t i = 0; i < answer->count; i++)
        printf(" %s", green_address_text(&answer->addresses[i], false, text));
    printf(strcasecmp(name, answer->name) == 0 ? "\n" : " (%s)\n", answer->name);
}

/* A greenlet: one name, from the question to the line that is printed. The name is its own to free. */
static void *look_up(void *arg)
{
    char *name = arg;
    green_dns_answer_t *answer;
    int r = green_resolve(name, 0, AF_UNSPEC, &answer, green_in(patience));
    if (r == 0) {
        found++;
        print_addresses(name, answer);
        green_dns_release(answer);
    } else {
        failed++;
        printf("%s: %s\n", name, green_strerror(r));
    }
    free(name);
    return NULL;
}

/* Takes the name off the caller's hands. */
static int start(green_pool_t *pool, char *name)
{
    if (!name)
        return -ENOMEM;
    int r = green_pool_spawn(pool, look_up, name, GREEN_FOREVER);
    if (r < 0)
        free(name);
    return r;
}

/* --- names from standard input ------------------------------------------------------------------------------------ */

struct line {
    char *text;
    size_t size;
    ssize_t length;
};

static void *read_line(void *arg)
{
    struct line *line = arg;
    line->length = getline(&line->text, &line->size, stdin);
    return NULL;
}

/* Standard input may be a terminal or a slow pipe: reading it waits on a thread, while the greenlets go on here. */
static int start_lines(green_pool_t *pool)
{
    struct line line = {0};
    int r;
    while ((r = green_blocking(read_line, &line, NULL, GREEN_FOREVER)) == 0 && line.length >= 0) {
        line.text[strcspn(line.text, " \t\r\n#")] = 0;
        if (*line.text && (r = start(pool, strdup(line.text))) < 0)
            break;
    }
    free(line.text);
    return r;
}

/* --- the command line --------------------------------------------------------------------------------------------- */

static int usage(void)
{
    fprintf(
        stderr,
        "usage: parallel_dns [-n AT_A_TIME] [-t SECONDS] [-s SERVER[,SERVER...]] [NAME...]\n"
        "Resolves the names, or those on the lines of standard input, and prints addresses as they come.\n");
    return 2;
}

int main(int argc, char **argv)
{
    green_pool_t pool = GREEN_POOL_INIT(100);
    green_time begin = green_now();
    int r = 0;
    for (int option; (option = getopt(argc, argv, "n:t:s:")) != -1;) {
        long number = option == 's' || option == '?' ? 1 : strtol(optarg, NULL, 10);
        if (number < 1 || number > 100000 || option == '?')
            return usage();
        if (option == 'n')
            green_pool_resize(&pool, (size_t)number);
        else if (option == 't')
            patience = GREEN_S(number);
        else if (green_dns_servers(optarg) < 0)
            return usage();
    }
    for (int i = optind; i < argc && r == 0; i++)
        r = start(&pool, strdup(argv[i]));
    if (optind == argc)
        r = start_lines(&pool);
    if (r == 0)
        r = green_group_join(&pool.group, GREEN_FOREVER);
    if (r < 0) {
        fprintf(stderr, "parallel_dns: %s\n", green_strerror(r));
        return 1;
    }
    printf("%u found, %u failed, %.3f s\n", found, failed, (double)(green_now() - begin) / 1e9);
    return failed ? 1 : 0;
}
