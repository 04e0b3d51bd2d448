/* The options of `greenway ctl` and `greenway top`. */
#include "control/arguments.h"

#include <stdlib.h>
#include <string.h>

#include "control/top.h"

enum { TAKEN, OTHER, WRONG };

/* Takes -s and -c with what is behind them. WRONG: *status is the exit status. */
static int take_place(struct ctl_place *place, char **argv, int *i, arguments_complaint *wrong, int *status)
{
    bool socket = !strcmp(argv[*i], "-s") || !strcmp(argv[*i], "--socket");
    if (!socket && strcmp(argv[*i], "-c") != 0 && strcmp(argv[*i], "--config") != 0)
        return OTHER;
    const char **value = socket ? &place->socket : &place->file;
    if (!argv[++*i] || !*argv[*i]) {
        *status = wrong(argv[0], argv[*i - 1], "needs a path behind it");
        return WRONG;
    }
    *value = argv[*i];
    if (!place->socket || !place->file)
        return TAKEN;
    *status = wrong(argv[0], NULL, "takes -s or -c, not both");
    return WRONG;
}

int ctl_arguments(int argc, char **argv, arguments_complaint *wrong)
{
    struct ctl_place place = {NULL, NULL};
    bool json = false;
    int i = 1, status;
    for (; i < argc && *argv[i] == '-'; i++) {
        if (!strcmp(argv[i], "--json")) {
            json = true;
            continue;
        }
        int taken = take_place(&place, argv, &i, wrong, &status);
        if (taken == OTHER)
            return wrong(argv[0], argv[i], "is no option of ctl");
        if (taken == WRONG)
            return status;
    }
    if (i == argc)
        return wrong(argv[0], NULL, "needs a command; `greenway ctl help` lists them");
    if (argc - i == 1 && !strcmp(argv[i], "help")) {
        ctl_print_help();
        return CTL_OK;
    }
    return ctl_run(&place, json, argv + i, argc - i);
}

static bool read_interval(const char *value, int *out)
{
    char *end;
    double seconds = value ? strtod(value, &end) : 0;
    if (!value || *end || !(seconds >= 0.1 && seconds <= 3600))
        return false;
    *out = (int)(seconds * 1000);
    return true;
}

static bool read_count(const char *value, int *out)
{
    char *end;
    long count = value ? strtol(value, &end, 10) : 0;
    if (!value || *end || count < 1 || count > 1000000)
        return false;
    *out = (int)count;
    return true;
}

int top_arguments(int argc, char **argv, arguments_complaint *wrong)
{
    struct top_options options = {.interval = 1000};
    for (int i = 1, status; i < argc; i++) {
        int taken = take_place(&options.place, argv, &i, wrong, &status);
        if (taken == WRONG)
            return status;
        if (taken == TAKEN)
            continue;
        if (!strcmp(argv[i], "--interval")) {
            if (!read_interval(argv[++i], &options.interval))
                return wrong(argv[0], "--interval", "needs a number of seconds from 0.1 to 3600 behind it");
        } else if (!strcmp(argv[i], "-n")) {
            if (!read_count(argv[++i], &options.count))
                return wrong(argv[0], "-n", "needs a number from 1 to 1000000 behind it");
        } else {
            return wrong(argv[0], argv[i], "is no option of top");
        }
    }
    return top_run(&options);
}
