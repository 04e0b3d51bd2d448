/* Commands about the process as a whole: greenlets, logs. */
#include <stdlib.h>
#include <string.h>

#include "control/call.h"
#include "observe/error_log.h"
#include "runtime/process.h"

/* --- greenlets ---------------------------------------------------------------------------------------------------- */

int call_greenlets(struct control_call *call)
{
    char *text = NULL;
    size_t size;
    if (call->count && strcmp(call->words[0], "stacks") != 0)
        return call_refuse(call, "greenlets takes the word stacks, or nothing");
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return call_no_memory(call);
    int r = green_dump_all(out, call->count ? GREEN_DUMP_STACKS : 0, green_in(CONTROL_ASK_TIMEOUT));
    bool complete = fclose(out) == 0;
    if (r == 0)
        r = complete ? call_add_lines(call, text, size) : -1;
    free(text);
    return r ? call_no_memory(call) : 0;
}

/* --- logs --------------------------------------------------------------------------------------------------------- */

static const char *const levels[] = {[LOG_LEVEL_ERROR] = "error",
                                     [LOG_LEVEL_WARNING] = "warning",
                                     [LOG_LEVEL_NOTICE] = "notice",
                                     [LOG_LEVEL_INFO] = "info"};

int call_log_level(struct control_call *call)
{
    if (call->count) {
        size_t level = 0;
        while (level < sizeof levels / sizeof levels[0] && strcmp(levels[level], call->words[0]) != 0)
            level++;
        if (level == sizeof levels / sizeof levels[0])
            return call_refuse(call, "there is no level '%.40s'; there are error, warning, notice and info",
                               call->words[0]);
        error_log_set_level((enum log_level)level);
    }
    int r = reply_add_text(call->reply, "level", levels[error_log_level()]);
    return r ? call_no_memory(call) : 0;
}

int call_logs_reopen(struct control_call *call)
{
    int r = process_reopen_logs(call->process);
    return r < 0 ? call_refuse(call, "a log file could not be opened again: %s; the old one stays in use",
                               green_strerror(r))
                 : 0;
}
