/*
 * The command line: what was asked for, turned into a configuration and a call. Whatever a command runs is
 * described by an ini file, be it one that the user wrote or a few lines made here, so there is one way to
 * configure anything.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "control/arguments.h"
#include "describe.h"
#include "diff.h"
#include "explain.h"
#include "hash_password.h"
#include "load.h"
#include "observe/error_log.h"
#include "route/keyring.h"
#include "runtime/launcher.h"
#include "runtime/process.h"
#include "runtime/responder.h"
#include "suggest.h"
#include "syntax.h"
#include "tls/configured.h"
#include "version.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

struct command {
    const char *name, *arguments, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
    const char *help;
};

static int command_run(int argc, char **argv);
static int command_check(int argc, char **argv);
static int command_explain(int argc, char **argv);
static int command_reverse(int argc, char **argv);
static int command_tcp(int argc, char **argv);
static int command_forward(int argc, char **argv);
static int command_hash_password(int argc, char **argv);
static int command_ctl(int argc, char **argv);
static int command_top(int argc, char **argv);
static int command_help(int argc, char **argv);
static int command_version(int argc, char **argv);

#define ADDRESSES                                                                                            \
    "FROM is where to listen: 8080 or :8080 for every address of the machine, host:port,\n"                  \
    "[::1]:port, or unix:/path. "

#define WHO "\nStarted by root it becomes nobody once it listens, or whom --user NAME names.\n"

static const struct command commands[] = {
    {"run", "[-c FILE] [--user NAME]", "run the proxy that FILE describes; without a file, a demo",
     command_run,
     "Runs in the foreground until SIGTERM or SIGINT, which let open requests finish (within\n"
     "shutdown_grace); a second one ends at once. SIGHUP reads FILE again and goes over to what it\n"
     "says without touching what has not changed; when anything is wrong with it nothing changes.\n"
     "SIGUSR1 reopens the log files. SIGUSR2 starts the executable again, which takes over all\n"
     "listening sockets; this process then drains.\n\n"
     "  -c, --config FILE   the configuration; see `greenway help` for its keys\n"
     "  --user NAME         who to be once it listens, whatever the file says\n\n"
     "Without FILE it runs a demo: a proxy on 127.0.0.1:8080 in front of a small web server of\n"
     "its own, with things to try at http://127.0.0.1:8080/.\n"},
    {"check", "[--effective] [--against OLD] FILE",
     "say what is wrong with a configuration, or that nothing is", command_check,
     "Reads FILE and what it includes, lists every error with its line, and warns about settings\n"
     "that weaken a safe default. Binds nothing and connects to nothing.\n\n"
     "  --effective     print the whole configuration, defaults included, with the origin of each value\n"
     "  --against OLD   print what is different from the configuration in the file OLD, by section\n"},
    {"explain", "FILE METHOD URL [OPTION...]", "say what a configuration makes of a request", command_explain,
     "Tells which listener and route take the request and why no earlier one does, whether the\n"
     "networks' rules let it in, the head as it goes to the server, and every key that applies,\n"
     "each with its place in the file. Binds nothing and connects to nothing; what only serving\n"
     "can tell (passwords, rates, whether a server answers) is not tried.\n\n"
     "  -H, --header 'NAME: VALUE'   a header field of the request; may be repeated\n"
     "  --from ADDRESS               where it comes from: 127.0.0.1 unless told otherwise\n"
     "  --listener NAME              the listener it comes to: that on the URL's port otherwise\n\n"
     "  greenway explain my.ini GET http://example.com/v1/users -H 'Cookie: beta=1'\n"},
    {"reverse", "FROM TO [--user NAME]", "an HTTP proxy in front of one server, without a file",
     command_reverse,
     ADDRESSES "TO is the server behind: host:port, a port of\n"
               "this machine, unix:/path, or any of them behind http://.\n\n"
               "  greenway reverse 8080 3000\n"
               "  greenway reverse 127.0.0.1:8080 http://app.internal\n" WHO},
    {"tcp", "FROM TO [--user NAME]", "pass TCP connections on to one server, without a file", command_tcp,
     ADDRESSES "TO is the server behind: host:port, a port of\n"
               "this machine, or unix:/path.\n\n"
               "  greenway tcp 5432 db.internal:5432\n" WHO},
    {"forward", "FROM [--user NAME]", "a proxy that its clients name as theirs, without a file",
     command_forward,
     "FROM is where to listen: 3128 for clients on this machine, or host:port, [::1]:port, :port\n"
     "for every address of the machine, unix:/path. Clients then ask it for any http:// URL, or\n"
     "with CONNECT for a tunnel. It goes to public addresses on ports 80 and 443, to nothing else.\n"
     "Where it listens for other machines, those of private networks may use it. A configuration\n"
     "with protocol = forward can say more: see `greenway help allow_destinations`.\n\n"
     "  greenway forward 3128\n"
     "  curl -x http://127.0.0.1:3128 https://example.com/\n" WHO},
    {"ctl", "[OPTION...] COMMAND", "ask a running greenway, or tell it what to do", command_ctl, CTL_HELP},
    {"top", "[OPTION...]", "watch a running greenway: requests, connections, latency", command_top, TOP_HELP},
    {"hash-password", "NAME", "hash a password, for the file of basic_auth", command_hash_password,
     "Asks for a password at the terminal, or reads one line from standard input, and prints a line\n"
     "for the file that basic_auth names. The hash is bcrypt.\n\n"
     "  greenway hash-password alice >> /etc/greenway/users\n"},
    {"help", "[COMMAND | KEY]", "explain a command, or a key or section of the configuration", command_help,
     "Without an argument: the commands, and all keys of the configuration with a line each.\n\n"
     "  greenway help timeout_head\n"
     "  greenway help upstream\n"},
    {"version", "", "print the version", command_version, ""},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

/* --- telling ------------------------------------------------------------------------------------- */

static void print_usage(FILE *out)
{
    fputs("greenway - a TCP and HTTP proxy\n\nusage: greenway COMMAND [ARGUMENTS]\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++) {
        char synopsis[64];
        snprintf(synopsis, sizeof synopsis, "%s %s", commands[i].name, commands[i].arguments);
        fprintf(out, "  %-26s %s\n", synopsis, commands[i].summary);
    }
    fputs("\n`greenway COMMAND --help` says more about a command, `greenway help KEY` about a key of the\n"
          "configuration. Exit status: 0 all went well, 1 it could not run, 2 the command line or the\n"
          "configuration is wrong.\n",
          out);
}

static void print_command(FILE *out, const struct command *c)
{
    fprintf(out, "usage: greenway %s %s\n\n%s.\n%s%s", c->name, c->arguments, c->summary,
            *c->help ? "\n" : "", c->help);
}

/* What the user typed may hold anything; the terminal is not to be steered by it. */
static int wrong_argument(const struct command *c, const char *argument, const char *wrong)
{
    fputs("greenway: '", stderr);
    conf_print_visible(stderr, argument);
    fprintf(stderr, "' %s\nusage: greenway %s %s\n", wrong, c->name, c->arguments);
    return EXIT_USAGE;
}

static int wrong_count(const struct command *c, const char *wrong)
{
    fprintf(stderr, "greenway: %s %s\nusage: greenway %s %s\n", c->name, wrong, c->name, c->arguments);
    return EXIT_USAGE;
}

static int no_memory(void)
{
    error_log(LOG_LEVEL_ERROR, "out of memory");
    return EXIT_FAILED;
}

/* --- configurations ------------------------------------------------------------------------------ */

/* Prints what was found. Takes errors over. */
static void report(struct conf_errors *errors)
{
    conf_errors_print(stderr, errors, isatty(STDERR_FILENO));
    conf_errors_free(errors);
}

static struct conf *load_file(const char *path)
{
    struct conf_errors errors = {0};
    struct conf *conf = conf_load(path, &errors);
    report(&errors);
    return conf;
}

static struct conf *load_text(const char *name, const char *text)
{
    struct conf_errors errors = {0};
    struct conf *conf = conf_load_text(name, text, strlen(text), &errors);
    report(&errors);
    return conf;
}

/* Takes "--user NAME" out of the arguments; a status. */
static int take_user(int *argc, char **argv, const char **user)
{
    *user = NULL;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--user") != 0)
            continue;
        if (!argv[i + 1])
            return wrong_argument(find_command(argv[0]), argv[i], "needs a user's name behind it");
        *user = argv[i + 1];
        const char *wrong = conf_account_syntax.parse(NULL, *user, NULL);
        if (wrong)
            return wrong_argument(find_command(argv[0]), *user, wrong);
        memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 1) * sizeof *argv);
        *argc -= 2;
        i--;
    }
    return EXIT_OK;
}

/* The command line has the last word on who is to serve. What needs no file of its own need not be root either. */
static void set_user(struct conf *conf, const char *user, const char *path)
{
    if (!user && !path && geteuid() == 0)
        user = "nobody";
    if (user)
        conf->privileges.user = (struct conf_account){.written = user, .origin.file = conf_command_line};
}

/* Takes conf over; NULL: it had errors, which were printed. `path` is the file that it came from, or NULL. */
static int run_conf(struct conf *conf, const char *user, const char *path)
{
    if (!conf)
        return EXIT_USAGE;
    set_user(conf, user, path);
    return runtime_run(conf, path) ? EXIT_FAILED : EXIT_OK;
}

/* --- run, check ---------------------------------------------------------------------------------- */

/* The dashboard is a bonus: without its port the demo goes on. */
static const char *demo_admin(void)
{
    green_address_t address;
    int r = green_address_parse(&address, "127.0.0.1", 9901);
    if (r == 0)
        r = green_listen(&address, 1, 0);
    if (r >= 0) {
        green_close(r);
        return "admin = 127.0.0.1:9901";
    }
    error_log(LOG_LEVEL_NOTICE, "the demo goes without its dashboard: cannot listen on 127.0.0.1:9901: %s",
              green_strerror(r));
    return "";
}

/* The responder lives in this thread's hub, beside the main thread's wait for signals. */
static int run_demo(const char *user)
{
    static const char form[] = "[greenway]\nlog_format = combined\n%s\n"
                               "[listener demo]\nbind = 127.0.0.1:8080\nupstream = responder\n"
                               "[upstream responder]\nserver = 127.0.0.1:%d\n";
    char text[sizeof form + 64];
    green_address_t bound;
    int r = responder_start(&bound);
    if (r < 0) {
        error_log(LOG_LEVEL_ERROR, "cannot start the demo's responder: %s", green_strerror(r));
        return EXIT_FAILED;
    }
    snprintf(text, sizeof text, form, demo_admin(), green_address_port(&bound));
    error_log(LOG_LEVEL_NOTICE, "no file given: this is the demo; look at http://127.0.0.1:8080/");
    int status = run_conf(load_text("the demo", text), user, NULL);
    responder_stop();
    return status;
}

static int command_run(int argc, char **argv)
{
    const struct command *self = find_command("run");
    const char *file = NULL, *user;
    if (argc > 1) {
        int r = launcher_make(argv - 1);
        if (r < 0)
            error_log(LOG_LEVEL_WARNING, "no binary upgrades: %s", strerror(-r));
    }
    int status = take_user(&argc, argv, &user);
    for (int i = 1; i < argc && status == EXIT_OK; i++) {
        if (strcmp(argv[i], "-c") != 0 && strcmp(argv[i], "--config") != 0)
            return wrong_argument(self, argv[i],
                                  *argv[i] == '-' ? "is no option of run" : "needs -c before it");
        if (file)
            return wrong_count(self, "takes one file");
        if (!(file = argv[++i]))
            return wrong_argument(self, argv[i - 1], "needs a file behind it");
    }
    return status != EXIT_OK ? status : file ? run_conf(load_file(file), user, file) : run_demo(user);
}

static void print_count(size_t n, const char *what, const char *separator)
{
    printf("%s%zu %s%s", separator, n, what, n == 1 ? "" : "s");
}

/* What a reload from the one to the other would change. */
static int print_diff(const struct conf *conf, const char *old)
{
    struct conf *before = load_file(old);
    if (!before)
        return EXIT_USAGE;
    long sections = conf_diff(stdout, before, conf, CONF_DIFF_FULL);
    if (sections == 0)
        puts("nothing is different");
    conf_free(before);
    return sections < 0 ? no_memory() : EXIT_OK;
}

static void print_good(const struct conf *conf, const char *file)
{
    conf_print_visible(stdout, file);
    print_count(conf->listener_count, "listener", " is good: ");
    print_count(conf->route_count, "route", ", ");
    print_count(conf->upstream_count, "upstream", ", ");
    putchar('\n');
}

static int command_check(int argc, char **argv)
{
    const struct command *self = find_command("check");
    const char *file = NULL, *old = NULL;
    bool effective = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--effective"))
            effective = true;
        else if (!strcmp(argv[i], "--against") && !old && argv[i + 1])
            old = argv[++i];
        else if (!strcmp(argv[i], "--against"))
            return wrong_argument(self, argv[i], "needs one file behind it");
        else if (*argv[i] == '-')
            return wrong_argument(self, argv[i], "is no option of check");
        else if (file)
            return wrong_count(self, "takes one file");
        else
            file = argv[i];
    }
    if (!file)
        return wrong_count(self, "needs a file");
    struct conf *conf = load_file(file);
    if (!conf)
        return EXIT_USAGE;
    int status = EXIT_OK;
    conf_print_weakened(effective ? stderr : stdout, conf);
    if (effective)
        conf_print_effective(stdout, conf);
    else
        print_good(conf, file);
    if (old)
        status = print_diff(conf, old);
    conf_free(conf);
    return status;
}

/* --- explain -------------------------------------------------------------------------------------- */

struct explain_arguments {
    const char *file;
    struct explain_request request;
    const char *fields[128];
};

/* The value behind an option that takes one, or NULL. */
static const char *option_value(const char *name, const char *short_name, char **argv, int *i)
{
    if (strcmp(argv[*i], name) != 0 && (!short_name || strcmp(argv[*i], short_name) != 0))
        return NULL;
    return argv[++*i] ? argv[*i] : "";
}

static int explain_option(struct explain_arguments *a, char **argv, int *i)
{
    const struct command *self = find_command("explain");
    const char *option = argv[*i], *value;
    if ((value = option_value("--header", "-H", argv, i))) {
        if (a->request.field_count == sizeof a->fields / sizeof a->fields[0])
            return wrong_argument(self, value, "is one field too many");
        a->fields[a->request.field_count++] = value;
    } else if ((value = option_value("--from", NULL, argv, i))) {
        a->request.from = value;
    } else if ((value = option_value("--listener", NULL, argv, i))) {
        a->request.listener = value;
    } else {
        return wrong_argument(self, option, "is no option of explain");
    }
    return *value ? EXIT_OK : wrong_argument(self, option, "needs a value behind it");
}

static int command_explain(int argc, char **argv)
{
    const struct command *self = find_command("explain");
    struct explain_arguments a = {.file = NULL};
    const char **words[] = {&a.file, &a.request.method, &a.request.url};
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        if (*argv[i] == '-') {
            int status = explain_option(&a, argv, &i);
            if (status != EXIT_OK)
                return status;
        } else if (count == sizeof words / sizeof words[0]) {
            return wrong_argument(self, argv[i], "is too much");
        } else {
            *words[count++] = argv[i];
        }
    }
    if (count < sizeof words / sizeof words[0])
        return wrong_count(self, "needs a file, a method and a URL");
    struct conf *conf = load_file(a.file);
    if (!conf)
        return EXIT_USAGE;
    a.request.fields = a.fields;
    int r = explain(stdout, conf, &a.request);
    conf_free(conf);
    return r == -ENOMEM ? no_memory() : r < 0 ? EXIT_USAGE : EXIT_OK;
}

/* --- reverse, tcp, forward -------------------------------------------------------------------------------- */

/* What an ini line would take for something else than a part of an address. */
static const char *check_characters(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr(",;#\"$=", *p))
            return "has a character that needs a configuration file";
    return NULL;
}

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == 0;
}

/* FROM in the form of a `bind`. NULL, or what is wrong with it. */
static const char *complete_from(struct conf_arena *arena, const char *from, const char **bind)
{
    struct conf_address address;
    const char *wrong = check_characters(from);
    *bind = is_number(from) ? conf_arena_print(arena, ":%s", from) : from;
    return wrong ? wrong : conf_address_parse(arena, *bind, &address);
}

/* TO in the form of a `server`, likewise. */
static const char *complete_to(struct conf_arena *arena, const char *to, bool http, const char **server)
{
    struct conf_server parsed;
    const char *wrong = check_characters(to);
    if (wrong)
        return wrong;
    if (!strncmp(to, "https://", 8))
        return "asks for TLS towards the server, which is not supported yet";
    bool url = http && !strncmp(to, "http://", 7);
    to += url ? 7 : 0;
    if (is_number(to))
        to = conf_arena_print(arena, "127.0.0.1:%s", to);
    if (url && strncmp(to, "unix:", 5) != 0) {
        size_t n = strcspn(to, "/");
        const char *bracket = strchr(to, ']'), *port = strchr(bracket ? bracket : to, ':');
        if (to[n] && to[n + 1])
            return "has a path; requests keep their own";
        to = conf_arena_print(arena, "%.*s%s", (int)n, to, port ? "" : ":80");
    }
    *server = to;
    return conf_server_parse(arena, to, &parsed);
}

struct adhoc {
    const struct command *command;
    bool http;
    struct conf_arena arena;
    jmp_buf out_of_memory;
};

/* An ini text in the arena, or NULL after printing what is wrong. */
static const char *adhoc_text(struct adhoc *a, const char *from, const char *to)
{
    const char *bind, *server, *wrong;
    if ((wrong = complete_from(&a->arena, from, &bind))) {
        wrong_argument(a->command, from, wrong);
        return NULL;
    }
    if ((wrong = complete_to(&a->arena, to, a->http, &server))) {
        wrong_argument(a->command, to, wrong);
        return NULL;
    }
    return conf_arena_print(&a->arena,
                            "[greenway]\nlog_format = %s\n"
                            "[listener %s]\nbind = %s\nprotocol = %s\nupstream = app\n"
                            "[upstream app]\nserver = %s\n",
                            a->http ? "combined" : "json", a->command->name, bind, a->http ? "http" : "tcp",
                            server);
}

#define PRIVATE_NETWORKS                                                                                     \
    "127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, fc00::/7, fe80::/10, unix"

/* The same for a forward proxy, which has no server behind it. A port alone is one of this machine only. */
static const char *forward_text(struct adhoc *a, const char *from)
{
    const char *bind = is_number(from) ? conf_arena_print(&a->arena, "127.0.0.1:%s", from) : from, *wrong;
    if ((wrong = complete_from(&a->arena, bind, &bind))) {
        wrong_argument(a->command, from, wrong);
        return NULL;
    }
    return conf_arena_print(&a->arena,
                            "[greenway]\nlog_format = combined\n"
                            "[listener forward]\nbind = %s\nprotocol = forward\nallow = %s\n",
                            bind, PRIVATE_NETWORKS);
}

static struct conf *adhoc_conf(struct adhoc *a, char **argv)
{
    char name[64];
    if (setjmp(a->out_of_memory)) {
        no_memory();
        return NULL;
    }
    a->arena.out_of_memory = &a->out_of_memory;
    const char *text = argv[2] ? adhoc_text(a, argv[1], argv[2]) : forward_text(a, argv[1]);
    snprintf(name, sizeof name, "greenway %s", a->command->name);
    return text ? load_text(name, text) : NULL;
}

static int run_adhoc(int argc, char **argv, bool http)
{
    struct adhoc a = {.command = find_command(argv[0]), .http = http};
    const char *user;
    int status = take_user(&argc, argv, &user);
    if (status != EXIT_OK)
        return status;
    if (argc != 3)
        return wrong_count(a.command, "takes two addresses");
    struct conf *conf = adhoc_conf(&a, argv);
    conf_arena_free(&a.arena);
    return run_conf(conf, user, NULL);
}

static int command_reverse(int argc, char **argv)
{
    return run_adhoc(argc, argv, true);
}

static int command_tcp(int argc, char **argv)
{
    return run_adhoc(argc, argv, false);
}

static int command_forward(int argc, char **argv)
{
    struct adhoc a = {.command = find_command(argv[0])};
    const char *user;
    int status = take_user(&argc, argv, &user);
    if (status != EXIT_OK)
        return status;
    if (argc != 2)
        return wrong_count(a.command, "takes one address");
    struct conf *conf = adhoc_conf(&a, argv);
    conf_arena_free(&a.arena);
    if (conf)
        error_log(LOG_LEVEL_NOTICE, "clients of this machine and of private networks may use it; it goes to "
                                    "public addresses on ports 80 and 443");
    return run_conf(conf, user, NULL);
}

/* --- hash-password ------------------------------------------------------------------------------- */

static int command_hash_password(int argc, char **argv)
{
    const struct command *self = find_command("hash-password");
    if (argc != 2)
        return wrong_count(self, "takes the name of a user");
    for (const char *p = argv[1]; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f || *p == ':')
            return wrong_argument(self, argv[1],
                                  "cannot be a user's name: it has a ':' or a control character");
    if (!*argv[1] || *argv[1] == '#' || strlen(argv[1]) > 255)
        return wrong_argument(self, argv[1], "cannot be a user's name");
    return hash_password(argv[1]) < 0 ? EXIT_FAILED : EXIT_OK;
}

/* --- ctl, top ------------------------------------------------------------------------------------- */

static int wrong_for(const char *command, const char *argument, const char *what)
{
    const struct command *self = find_command(command);
    return argument ? wrong_argument(self, argument, what) : wrong_count(self, what);
}

static int command_ctl(int argc, char **argv)
{
    return ctl_arguments(argc, argv, wrong_for);
}

static int command_top(int argc, char **argv)
{
    return top_arguments(argc, argv, wrong_for);
}

/* --- help, version ------------------------------------------------------------------------------- */

static int help_key(const char *key)
{
    char *text = NULL;
    size_t size = 0;
    FILE *page = open_memstream(&text, &size);
    if (!page)
        return no_memory();
    int r = conf_print_help(page, key, isatty(STDOUT_FILENO));
    if (fclose(page) != 0) {
        free(text);
        return no_memory();
    }
    fputs(r < 0 ? "greenway: " : "", stderr);
    fwrite(text, 1, size, r < 0 ? stderr : stdout);
    free(text);
    return r < 0 ? EXIT_USAGE : EXIT_OK;
}

static int command_help(int argc, char **argv)
{
    const struct command *c = argc > 1 ? find_command(argv[1]) : NULL;
    if (argc > 2)
        return wrong_count(find_command("help"), "takes one word");
    if (argc > 1 && !c)
        return help_key(argv[1]);
    if (c) {
        print_command(stdout, c);
        return EXIT_OK;
    }
    print_usage(stdout);
    putchar('\n');
    return help_key(NULL);
}

static int command_version(int argc, char **argv)
{
    if (argc > 1)
        return wrong_argument(find_command("version"), argv[1], "is too much");
    version_print();
    return EXIT_OK;
}

/* --- all together -------------------------------------------------------------------------------- */

static bool asks_for_help(const char *argument)
{
    return !strcmp(argument, "--help") || !strcmp(argument, "-h");
}

static int unknown_command(const char *name)
{
    struct conf_suggestion nearest;
    conf_suggest_start(&nearest, name);
    for (size_t i = 0; i < COMMANDS; i++)
        conf_suggest_offer(&nearest, commands[i].name);
    fputs("greenway: there is no command '", stderr);
    conf_print_visible(stderr, name);
    if (nearest.best)
        fprintf(stderr, "'; did you mean '%s'?\n", nearest.best);
    else
        fputs("'; `greenway --help` lists all\n", stderr);
    return EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (asks_for_help(argv[1])) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (!strcmp(argv[1], "-V") && argc == 2) {
        version_print_all();
        return EXIT_OK;
    }
    const struct command *c = find_command(!strcmp(argv[1], "--version") ? "version" : argv[1]);
    if (!c)
        return unknown_command(argv[1]);
    for (int i = 2; i < argc; i++) {
        if (asks_for_help(argv[i])) {
            print_command(stdout, c);
            return EXIT_OK;
        }
    }
    argv[1] = (char *)(uintptr_t)c->name;
    return c->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    conf_jwt_read = keyring_read;
    tls_load_with_configurations();
    int status = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        error_log(LOG_LEVEL_ERROR, "cannot write to standard output: %s", strerror(errno));
        return EXIT_FAILED;
    }
    return status;
}
