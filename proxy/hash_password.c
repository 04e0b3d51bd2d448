/* A password from a terminal or from standard input: hash_password.h. */
#include "hash_password.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "observe/error_log.h"
#include "route/password.h"

/* A line of standard input without its end: its length; -1: there is none, or it is too long. Read byte by byte: what
 * follows is somebody else's, and no buffer of stdio keeps a copy. */
static int read_line(char *line, size_t cap)
{
    size_t n = 0;
    for (;;) {
        char c;
        ssize_t r = read(STDIN_FILENO, &c, 1);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 || (r == 0 && n == 0) || n == cap - 1)
            return -1;
        if (r == 0 || c == '\n')
            break;
        line[n++] = c;
    }
    if (n && line[n - 1] == '\r')
        n--;
    line[n] = 0;
    return (int)n;
}

static int ask(const char *question, char *line, size_t cap)
{
    struct termios before, silent;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent); /* first: who has been asked may answer */
        fputs(question, stderr);
    }
    int n = read_line(line, cap);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return n;
}

/* NULL, or what is wrong. */
static const char *read_password(char *password)
{
    char again[PASSWORD_MOST + 1];
    int n = ask("Password: ", password, PASSWORD_MOST + 1);
    if (n <= 0 || strlen(password) != (size_t)n)
        return "there is no password, or one that is longer than 511 bytes";
    if (!isatty(STDIN_FILENO))
        return NULL;
    n = ask("Once more: ", again, sizeof again);
    bool same = n > 0 && !strcmp(password, again);
    explicit_bzero(again, sizeof again);
    return same ? NULL : "the two differ";
}

int hash_password(const char *name)
{
    char password[PASSWORD_MOST + 1], hash[PASSWORD_HASH];
    const char *wrong = read_password(password);
    int r = wrong ? 0 : password_hash(password, hash);
    explicit_bzero(password, sizeof password);
    if (r < 0)
        wrong = strerror(-r);
    if (wrong) {
        error_log(LOG_LEVEL_ERROR, "cannot hash a password: %s", wrong);
        return -1;
    }
    printf("%s:%s\n", name, hash);
    return 0;
}
