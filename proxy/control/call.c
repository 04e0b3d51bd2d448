/* The commands there are, and how one is found. */
#include "control/call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "network.h"
#include "suggest.h"

static int call_help(struct control_call *call);

const struct control_verb control_verbs[] = {
    {"help", "", "this list", 0, 0, call_help},
    {"status", "", "version, uptime, workers, limits and how much of them is used", 0, 0, call_status},
    {"listeners", "", "where clients connect, and how many are there", 0, 0, call_listeners},
    {"upstreams", "", "groups of servers", 0, 0, call_upstreams},
    {"servers", "[UPSTREAM]", "each server with its state, weight and connections", 0, 1, call_servers},
    {"drain", "UPSTREAM SERVER", "give a server nothing new; what is under way goes on", 2, 2, call_drain},
    {"disable", "UPSTREAM SERVER", "the same, shown as meant to last", 2, 2, call_disable},
    {"enable", "UPSTREAM SERVER", "give a server requests again", 2, 2, call_enable},
    {"weight", "UPSTREAM SERVER N|configured", "change a server's share: 1 to 256, or as the file says", 3, 3,
     call_weight},
    {"connections kill", "ID", "end a connection, whatever it does", 1, 1, call_kill},
    {"connections", "[list] [listener=NAME] [upstream=NAME] [client=NETWORK] [state=STATE] [limit=N]",
     "client connections and what each is about, newest first", 0, 6, call_connections},
    {"sessions top", "[by=bytes|requests] [limit=N]", "the busiest connections and clients", 0, 2,
     call_sessions_top},
    {"trace", "NETWORK", "a line for each request of these clients as it ends, until you leave", 1, 1,
     call_trace},
    {"greenlets", "[stacks]", "every greenlet of every thread, and what it waits for", 0, 1, call_greenlets},
    {"log level", "[error|warning|notice|info]", "show or set what the error log is told", 0, 1,
     call_log_level},
    {"logs reopen", "", "open the log files again, after they were moved", 0, 0, call_logs_reopen},
    {"certificates", "", "the certificates of listeners, and when they end", 0, 0, call_certificates},
    {"reload", "[--dry-run]", "go over to what the configuration says now, or only say what would change", 0,
     1, call_reload},
    {"upgrade", "", "start the executable again, which takes over without losing a connection", 0, 0,
     call_upgrade},
};

const size_t control_verb_count = sizeof control_verbs / sizeof control_verbs[0];

int call_refuse(struct control_call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->error, sizeof call->error, format, arguments);
    va_end(arguments);
    return -1;
}

int call_no_memory(struct control_call *call)
{
    return call_refuse(call, "there is no memory for the answer");
}

struct parsing {
    struct conf_arena arena;
    jmp_buf out_of_memory;
    const char *wrong;
};

int call_network(struct control_call *call, const char *text, struct conf_network *network)
{
    struct parsing p = {.wrong = NULL};
    *network = (struct conf_network){.bits = 0};
    if (setjmp(p.out_of_memory)) {
        conf_arena_free(&p.arena);
        return call_no_memory(call);
    }
    p.arena.out_of_memory = &p.out_of_memory;
    p.wrong = conf_network_parse(&p.arena, text, network);
    network->written = NULL; /* it may have been in the arena */
    int r = p.wrong ? call_refuse(call, "'%.100s' %s", text, p.wrong) : 0;
    conf_arena_free(&p.arena);
    return r;
}

int call_add_lines(struct control_call *call, const char *text, size_t n)
{
    json_t *list = json_array();
    int r = reply_add(call->reply, "lines", list);
    for (const char *end = text + n; r == 0 && text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline ? newline : end) - text);
        if (length)
            r = json_array_append_new(list, reply_text(span_of(text, length)));
        text += length + (newline != NULL);
    }
    return r;
}

static int call_help(struct control_call *call)
{
    json_t *list = json_array();
    int r = reply_add(call->reply, "commands", list);
    for (size_t i = 0; r == 0 && i < control_verb_count; i++) {
        json_t *row = json_object();
        char usage[128];
        snprintf(usage, sizeof usage, "%s%s%s", control_verbs[i].name, *control_verbs[i].arguments ? " " : "",
                 control_verbs[i].arguments);
        r = json_array_append_new(list, row);
        r |= reply_add_text(row, "command", usage);
        r |= reply_add_text(row, "what", control_verbs[i].summary);
    }
    return r ? call_no_memory(call) : 0;
}

/* How many of the words are the verb's name: 0 if it is not this one. */
static int words_of_name(const struct control_verb *verb, const struct control_command *command)
{
    const char *second = strchr(verb->name, ' ');
    if (!second)
        return strcmp(verb->name, command->words[0]) == 0;
    size_t n = (size_t)(second - verb->name);
    bool same = strlen(command->words[0]) == n && !memcmp(verb->name, command->words[0], n) &&
                command->count > 1 && !strcmp(second + 1, command->words[1]);
    return same ? 2 : 0;
}

/* A word that only says half: what may stand behind it. */
static int incomplete(struct control_call *call, const char *name)
{
    char all[256];
    size_t n = 0, length = strlen(name);
    for (size_t i = 0; i < control_verb_count; i++) {
        const char *verb = control_verbs[i].name;
        if (!strncmp(verb, name, length) && verb[length] == ' ' && n < sizeof all)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s'%s'", n ? " or " : "", verb);
    }
    return n ? call_refuse(call, "'%.100s' is half a command: there is %s", name, all) : 0;
}

static int unknown(struct control_call *call, const char *name)
{
    if (incomplete(call, name) < 0)
        return -1;
    struct conf_suggestion nearest;
    conf_suggest_start(&nearest, name);
    for (size_t i = 0; i < control_verb_count; i++)
        conf_suggest_offer(&nearest, control_verbs[i].name);
    if (nearest.best)
        return call_refuse(call, "there is no command '%.100s'; did you mean '%s'?", name, nearest.best);
    return call_refuse(call, "there is no command '%.100s'; help lists all", name);
}

int call_run(struct control_call *call, struct control_command *command)
{
    for (size_t i = 0; i < control_verb_count; i++) {
        const struct control_verb *verb = &control_verbs[i];
        int used = words_of_name(verb, command);
        if (!used)
            continue;
        call->count = command->count - used;
        call->words = command->words + used;
        if (call->count < verb->least || call->count > verb->most)
            return call_refuse(call, *verb->arguments ? "%s takes %s" : "%s takes nothing behind it%s",
                               verb->name, verb->arguments);
        return verb->run(call);
    }
    return unknown(call, command->words[0]);
}
