/* The client's side of the control socket: finding it, one command, one answer. Plain blocking calls. */
#include "control/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/call.h"
#include "load.h"

#define SYSTEM_FILE   "/etc/greenway/greenway.ini"
#define SYSTEM_SOCKET "/run/greenway/control.sock"

/* --- finding it --------------------------------------------------------------------------------------------------- */

/* The path that a configuration names, to be freed; NULL after saying what is wrong. */
static char *socket_of_file(const char *file)
{
    struct conf_errors errors = {0};
    struct conf *conf = conf_load(file, &errors);
    char *path = NULL;
    if (!conf)
        conf_errors_print(stderr, &errors, isatty(STDERR_FILENO));
    else if (!conf->control.socket.path)
        fprintf(stderr, "greenway: %s has no control socket: add `control = %s` to its [greenway] section\n",
                file, SYSTEM_SOCKET);
    else if (!(path = strdup(conf->control.socket.path)))
        fputs("greenway: out of memory\n", stderr);
    conf_errors_free(&errors);
    conf_free(conf);
    return path;
}

/* The usual places: that of a service, then one of the user's own. */
static char *usual_socket(void)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");
    char *path = NULL;
    if (access(SYSTEM_FILE, R_OK) == 0) {
        struct conf_errors errors = {0};
        struct conf *conf = conf_load(SYSTEM_FILE, &errors);
        if (conf && conf->control.socket.path)
            path = strdup(conf->control.socket.path);
        conf_errors_free(&errors);
        conf_free(conf);
        if (path)
            return path;
    }
    if (folder && access(SYSTEM_SOCKET, F_OK) < 0 && errno == ENOENT &&
        asprintf(&path, "%s/greenway/control.sock", folder) >= 0) {
        if (access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return strdup(SYSTEM_SOCKET);
}

static void explain(const char *path, bool told, int error)
{
    const char *hint = told ? "" : "; name it with -s SOCKET, or with -c FILE the configuration that does";
    if (error == ENOENT)
        fprintf(stderr, "greenway: no greenway listens at %s%s\n", path, hint);
    else if (error == ECONNREFUSED)
        fprintf(stderr, "greenway: nobody listens at %s any more: greenway is not running%s\n", path, hint);
    else if (error == EACCES || error == EPERM)
        fprintf(stderr,
                "greenway: %s is not open to you: be the user that greenway was started by, or a member of "
                "its control_group\n",
                path);
    else
        fprintf(stderr, "greenway: cannot connect to %s: %s\n", path, strerror(error));
}

int ctl_connect(const struct ctl_place *place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bool told = place->socket || place->file;
    char *path = place->socket ? strdup(place->socket)
                 : place->file ? socket_of_file(place->file)
                               : usual_socket();
    if (!path)
        return -1;
    int fd = -1;
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "greenway: %s is too long for a socket's path\n", path);
    } else {
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
            explain(path, told, errno);
            if (fd >= 0)
                close(fd);
            fd = -1;
        }
    }
    free(path);
    return fd;
}

/* --- one command -------------------------------------------------------------------------------------------------- */

/* The line to send; NULL after saying what is wrong. */
static char *line_of(bool json, char **words, int count, size_t *size)
{
    char *line = NULL;
    FILE *out = open_memstream(&line, size);
    if (!out) {
        fputs("greenway: out of memory\n", stderr);
        return NULL;
    }
    fputs(json ? "json" : "", out);
    for (int i = 0; i < count; i++)
        fprintf(out, "%s%s", i || json ? " " : "", words[i]);
    fputc('\n', out);
    const char *wrong = NULL;
    if (fclose(out) != 0)
        wrong = "out of memory";
    else if (strspn(line, " \t\n") == *size)
        wrong = "that is no command; `greenway ctl help` lists them";
    else if (*size > CONTROL_LINE_BYTES || strchr(line, '\n') != line + *size - 1)
        wrong = "that is too long for a command, or has an end of line in it";
    if (!wrong)
        return line;
    fprintf(stderr, "greenway: %s\n", wrong);
    free(line);
    return NULL;
}

static int send_all(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        text += sent;
        n -= (size_t)sent;
    }
    return 0;
}

static bool is_refusal(const char *line, bool json)
{
    const char *begins = json ? "{\"error\":" : "error: ";
    return !strncmp(line, begins, strlen(begins));
}

/* Passes the answer's lines on as they come, but for the empty one that ends it. */
static int print_answer(FILE *in, bool json)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int status = CTL_OK;
    bool first = true, ended = false;
    while (!ended && !ferror(stdout) && (n = getline(&line, &room, in)) > 0) {
        ended = n == 1 && *line == '\n';
        if (first && is_refusal(line, json))
            status = CTL_REFUSED;
        if (first && status == CTL_REFUSED && !json)
            fprintf(stderr, "greenway: %s", line + strlen("error: "));
        else if (!ended && status == CTL_REFUSED && !json)
            fputs(line, stderr);
        else if (!ended && fwrite(line, 1, (size_t)n, stdout) == (size_t)n)
            fflush(stdout); /* whether that worked is asked above, and by main() */
        first = false;
    }
    free(line);
    if (ended)
        return status;
    if (!ferror(stdout))
        fputs("greenway: the answer broke off: greenway has ended\n", stderr);
    return CTL_REFUSED;
}

void ctl_print_help(void)
{
    puts("usage: greenway ctl [-s SOCKET | -c FILE] [--json] COMMAND...\n");
    for (size_t i = 0; i < control_verb_count; i++)
        printf("  %s%s%s\n      %s\n", control_verbs[i].name, *control_verbs[i].arguments ? " " : "",
               control_verbs[i].arguments, control_verbs[i].summary);
}

int ctl_run(const struct ctl_place *place, bool json, char **words, int count)
{
    size_t size;
    char *line = line_of(json, words, count, &size);
    if (!line)
        return CTL_USAGE;
    int fd = ctl_connect(place), status = CTL_REFUSED;
    if (fd >= 0) {
        int sent = send_all(fd, line, size); /* a refusal may have come before it */
        FILE *in = fdopen(fd, "r");
        if (in)
            status = print_answer(in, json);
        else
            fputs("greenway: out of memory\n", stderr);
        if (sent < 0 && status == CTL_OK)
            status = CTL_REFUSED;
        if (in)
            fclose(in);
        else
            close(fd);
    }
    free(line);
    return status;
}
