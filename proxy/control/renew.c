/* Going over to another configuration, and to another executable. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/call.h"
#include "runtime/process.h"
#include "runtime/reload.h"
#include "runtime/upgrade.h"

/* --- reload ------------------------------------------------------------------------------------------------------- */

/* What there is to say of it; the last line of one that failed is what it comes to. */
static int tell(struct control_call *call, int result, char *report, size_t n)
{
    if (result == 0)
        return call_add_lines(call, report, n) < 0 ? call_no_memory(call) : 0;
    while (n && report[n - 1] == '\n')
        report[--n] = 0;
    const char *last = memrchr(report, '\n', n);
    last = last ? last + 1 : report;
    if (last > report && call_add_lines(call, report, (size_t)(last - report)) < 0)
        return call_no_memory(call);
    return call_refuse(call, "%s", *last ? last : green_strerror(result));
}

int call_reload(struct control_call *call)
{
    char *report = NULL;
    size_t size = 0;
    bool dry_run = call->count;
    if (dry_run && strcmp(call->words[0], "--dry-run") != 0)
        return call_refuse(call, "reload takes --dry-run, or nothing");
    FILE *out = open_memstream(&report, &size);
    if (!out)
        return call_no_memory(call);
    green_shield(); /* once begun it goes on, whether the client stays or not */
    int result = reload(call->process, dry_run, out);
    green_unshield();
    int r = fclose(out) == 0 ? tell(call, result, report, size) : call_no_memory(call);
    free(report);
    return r;
}

/* --- upgrade ------------------------------------------------------------------------------------------------------ */

int call_upgrade(struct control_call *call)
{
    pid_t successor = 0;
    char why[400] = "";
    green_shield();
    int result = process_upgrade(call->process, &successor, why, sizeof why);
    green_unshield();
    if (result < 0)
        return call_refuse(call, "this process goes on: %s", *why ? why : green_strerror(result));
    return reply_add_count(call->reply, "pid", (uint64_t)successor) < 0 ? call_no_memory(call) : 0;
}
