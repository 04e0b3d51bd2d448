/* The console: commands over a unix socket. Case 133. */
#include "support.h"

#include <pthread.h>
#include <sys/stat.h>

static char folder[] = "/tmp/green-console-XXXXXX", path[64];

static green_console_t *open_console(void)
{
    green_console_t *c;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    ck_assert_int_eq(green_console_start(&c, path), 0);
    return c;
}

static void close_console(green_console_t *c)
{
    green_console_stop(c);
    ck_assert_int_lt(access(path, F_OK), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Reads until the prompt, or to the end. */
static void read_answer(int fd, char *text, size_t size)
{
    size_t length = 0;
    for (;;) {
        ssize_t n = green_read(fd, text + length, size - 1 - length, soon());
        ck_assert_int_ge((int)n, 0);
        length += (size_t)n;
        text[length] = 0;
        if (n == 0 || (length >= 2 && strcmp(text + length - 2, "> ") == 0))
            return;
    }
}

static int join_in(void)
{
    char text[256];
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, path, 0), 0);
    int fd = green_connect(&address, soon());
    ck_assert_int_ge(fd, 0);
    read_answer(fd, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "help"));
    return fd;
}

static char *say(int fd, const char *line)
{
    static char text[65536];
    ck_assert_int_eq(green_write_all(fd, line, strlen(line), NULL, soon()), 0);
    read_answer(fd, text, sizeof text);
    return text;
}

static void contains(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in:\n%s", part, text);
}

static void *dawdle(void *arg)
{
    return (void *)(intptr_t)green_sleep(GREEN_S(1000));
}

START_TEST(answers_questions)
{
    char line[64];
    struct stat st;
    void *result;
    green_console_t *c = open_console();
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    green_t *g = spawn(dawdle, NULL);
    green_set_name(g, "dawdler");
    int fd = join_in();
    contains(say(fd, "ps\n"), "\"dawdler\" waits for time to pass");
    contains(say(fd, "hubs\n"), " greenlets, ");
    contains(say(fd, "stats\n"), "monitor: ");
    contains(say(fd, "help\n"), "kill         ID");
    snprintf(line, sizeof line, "bt %llu\r\n", (unsigned long long)green_id(g));
    contains(say(fd, line), "test_green_console");
    contains(say(fd, "bt 999999999\n"), "no greenlet has the number");
    contains(say(fd, "bt x\n"), "usage: bt ID");
    contains(say(fd, "bt -1\n"), "usage: bt ID");
    contains(say(fd, "kill\n"), "usage: kill ID");
    contains(say(fd, "nonsense and more\n"), "no command 'nonsense'");
    ck_assert_str_eq(say(fd, "  \n"), "> ");
    snprintf(line, sizeof line, "kill %llu\n", (unsigned long long)green_id(green_self()));
    contains(say(fd, line), "not to be killed");
    snprintf(line, sizeof line, "kill %llu\n", (unsigned long long)green_id(g));
    contains(say(fd, line), "cancelled");
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((int)(intptr_t)result, -ECANCELED);
    green_release(g);
    ck_assert_str_eq(say(fd, "quit\n"), "");
    green_close(fd);
    close_console(c);
}
END_TEST

static void shout(FILE *out, int argc, char **argv, void *arg)
{
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    fprintf(out, "%s%s: %d words\n", (char *)arg, argv[0], argc);
}

START_TEST(the_application_adds_commands)
{
    green_console_t *c = open_console();
    ck_assert_int_eq(green_console_command("shout", "for tests", shout, "we "), 0);
    ck_assert_int_eq(green_console_command("shout", "again", shout, NULL), -EEXIST);
    ck_assert_int_eq(green_console_command("ps", "again", shout, NULL), -EEXIST);
    ck_assert_int_eq(green_console_command("two words", "", shout, NULL), -EINVAL);
    ck_assert_int_eq(green_console_command("", "", shout, NULL), -EINVAL);
    ck_assert_int_eq(green_console_command("none", "", NULL, NULL), -EINVAL);
    int fd = join_in();
    contains(say(fd, "help\n"), "for tests");
    contains(say(fd, "shout a b\n"), "we shout: 3 words\n");
    contains(say(fd, "shout 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n"), "16 words");
    green_close(fd);
    close_console(c);
}
END_TEST

START_TEST(many_clients)
{
    enum { COUNT = 16 };
    char byte;
    int fds[COUNT];
    green_address_t address;
    green_console_t *c = open_console();
    for (int i = 0; i < COUNT; i++)
        fds[i] = join_in();
    for (int i = 0; i < COUNT; i++)
        contains(say(fds[i], "hubs\n"), "thread ");
    ck_assert_int_eq(green_address_parse(&address, path, 0), 0);
    int more = green_connect(&address, soon());
    ck_assert_int_ge(more, 0);
    ck_assert_int_eq((int)green_read(more, &byte, 1, soon()), 0); /* full */
    green_close(more);
    ck_assert_str_eq(say(fds[0], "quit\n"), "");
    green_close(fds[0]);
    fds[0] = join_in();  /* there is room again */
    green_close(fds[1]); /* one leaves without a word */
    close_console(c);    /* the others are sent away */
    for (int i = 0; i < COUNT; i++) {
        if (i == 1)
            continue;
        ck_assert_int_eq((int)green_read(fds[i], &byte, 1, soon()), 0);
        green_close(fds[i]);
    }
}
END_TEST

START_TEST(hostile_lines)
{
    char text[256], *flood = malloc(100000);
    memset(flood, 'x', 100000);
    green_console_t *c = open_console();
    int fd = join_in();
    ck_assert_int_eq(green_write_all(fd, flood, 1023, NULL, soon()), 0);
    contains(say(fd, "\n"), "no command 'xxx"); /* as long as may be */
    ck_assert_int_eq(green_write_all(fd, flood, 1024, NULL, soon()), 0);
    read_answer(fd, text, sizeof text);
    contains(text, "too long");
    green_close(fd);
    fd = join_in();
    int r = green_write_all(fd, flood, 100000, NULL, soon()); /* and one that goes on regardless */
    ck_assert(r == 0 || r == -EPIPE || r == -ECONNRESET);
    green_close(fd);
    fd = join_in();
    ck_assert_int_eq(green_write_all(fd, "\0\0\n\0ps\nhubs\nhubs\n", 18, NULL, soon()), 0);
    for (int thread = 0; thread < 2;) {
        read_answer(fd, text, sizeof text);
        for (char *at = text; (at = strstr(at, "thread ")); at++)
            thread++;
    }
    green_close(fd);
    close_console(c);
    free(flood);
}
END_TEST

START_TEST(where_it_can_listen)
{
    char longer[200];
    green_console_t *c = open_console(), *other;
    ck_assert_int_eq(green_console_start(&other, path), -EADDRINUSE);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    ck_assert_int_eq(green_console_start(&other, longer), -ENAMETOOLONG);
    ck_assert_int_eq(green_console_start(&other, "/no/such/folder/socket"), -ENOENT);
    green_console_stop(c);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0); /* what a program that was killed leaves behind */
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    strcpy(un.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    close(fd);
    ck_assert_int_eq(green_console_start(&c, path), 0);
    green_close(join_in());
    green_console_stop(c);
    fd = open(path, O_CREAT | O_WRONLY, 0600); /* a file is nobody's to take away */
    close(fd);
    ck_assert_int_eq(green_console_start(&c, path), -EADDRINUSE);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    green_console_stop(NULL);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {answers_questions, 0}, {the_application_adds_commands, 0}, {many_clients, 0},
        {hostile_lines, 0},     {where_it_can_listen, 0},
    };
    return RUN_TESTS("console", tests);
}
