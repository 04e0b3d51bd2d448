/* ANSI sequences and termios; every terminal of the last decades knows the few that are used here. */
#include "control/screen.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"

static struct {
    bool terminal, taken;
    struct termios before;
    unsigned rows, columns, row;
} screen;

static volatile sig_atomic_t told_to_end;

/* --- taking it over, giving it back ------------------------------------------------------------------------------- */

static void note_end(int number)
{
    told_to_end = number;
}

static void note_size(int number)
{
    (void)number; /* the wait ends, and the next frame asks for the size */
}

/* Only what may be called in a signal handler. */
static void restore(void)
{
    if (!screen.taken)
        return;
    screen.taken = false;
    tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
    if (write(STDOUT_FILENO, LEAVE, sizeof LEAVE - 1) < 0)
        return; /* there is no terminal any more */
}

/* A crash leaves the terminal as it was, too. */
static void restore_and_die(int number)
{
    restore();
    signal(number, SIG_DFL);
    raise(number);
}

static void take(void)
{
    struct termios raw = screen.before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    screen.taken = true;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    if (write(STDOUT_FILENO, ENTER, sizeof ENTER - 1) < 0)
        told_to_end = SIGHUP;
}

/* Ctrl-Z: the shell gets its terminal; fg takes it over again. */
static void pause_and_go_on(int number)
{
    int before = errno;
    restore();
    signal(number, SIG_DFL);
    raise(number);
    sigset_t mask, old;
    sigemptyset(&mask);
    sigaddset(&mask, number);
    sigprocmask(SIG_UNBLOCK, &mask, &old); /* it stops here */
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(number, pause_and_go_on);
    take();
    errno = before;
}

static void handle(int number, void (*fn)(int))
{
    struct sigaction action = {.sa_handler = fn}; /* waits are to be interrupted: no SA_RESTART */
    sigaction(number, &action, NULL);
}

void screen_open(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        handle(ends[i], note_end);
    screen.terminal =
        isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &screen.before) == 0;
    if (!screen.terminal)
        return;
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        handle(crashes[i], restore_and_die);
    handle(SIGWINCH, note_size);
    handle(SIGTSTP, pause_and_go_on);
    atexit(restore);
    take();
}

void screen_close(void)
{
    restore();
}

bool screen_is_terminal(void)
{
    return screen.terminal;
}

unsigned screen_rows(void)
{
    return screen.terminal ? screen.rows : UINT_MAX;
}

/* --- frames --------------------------------------------------------------------------------------------------------- */

void screen_begin(void)
{
    struct winsize size;
    screen.rows = 24;
    screen.columns = 80;
    screen.row = 0;
    if (!screen.terminal)
        return;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
        screen.rows = size.ws_row;
        screen.columns = size.ws_col;
    }
    fputs("\033[H", stdout);
}

static void put(const char *before, const char *after, const char *format, va_list arguments)
{
    char line[512];
    int n = vsnprintf(line, sizeof line, format, arguments);
    if (n < 0)
        return;
    if (!screen.terminal) {
        puts(line);
        return;
    }
    if (screen.row == screen.rows)
        return;
    /* No newline behind the last row, or the whole screen would move. */
    printf("%s%s%.*s%s\033[K", screen.row ? "\r\n" : "", before, (int)screen.columns, line, after);
    screen.row++;
}

void screen_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put("", "", format, arguments);
    va_end(arguments);
}

void screen_heading(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put("\033[7m", "\033[0m", format, arguments);
    va_end(arguments);
}

void screen_end(void)
{
    fputs(screen.terminal ? "\033[J" : "", stdout);
    if (fflush(stdout) != 0)
        told_to_end = SIGPIPE;
}

int screen_key(int ms)
{
    struct pollfd in = {.fd = screen.terminal ? STDIN_FILENO : -1, .events = POLLIN};
    unsigned char key;
    if (told_to_end)
        return -1;
    int r = poll(&in, 1, ms);
    if (told_to_end || (r < 0 && errno != EINTR))
        return -1;
    if (r <= 0)
        return 0;
    return read(STDIN_FILENO, &key, 1) == 1 ? key : -1;
}
