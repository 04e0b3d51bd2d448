/* connect(2), accept(2), poll(2), select(2), epoll_wait(2), sleeping, names and children in greenlets. */
#include "patched.h"

#include <netdb.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

/* --- connections ---------------------------------------------------------------------------------------------------- */

static void *connect_to(void *arg)
{
    char byte;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, arg, sizeof(struct sockaddr_in)), 0);
    ck_assert(is_blocking(fd));
    ck_assert_int_eq(connect(fd, arg, sizeof(struct sockaddr_in)), -1);
    ck_assert_int_eq(errno, EISCONN);
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    ck_assert_int_eq(close(fd), 0);
    return NULL;
}

START_TEST(test_connect_and_accept)
{
    int listener;
    struct sockaddr_in address, from;
    socklen_t length = sizeof from;
    green_t *all[10];
    green_patch_all();
    listen_blocking(&listener, &address);
    for (int i = 0; i < 10; i++)
        all[i] = spawn(connect_to, &address);
    for (int i = 0; i < 10; i++) {
        int fd = i % 2 ? accept4(listener, (struct sockaddr *)&from, &length, SOCK_NONBLOCK)
                       : accept(listener, NULL, NULL);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(is_blocking(fd), i % 2 == 0);
        ck_assert_int_eq(write(fd, "x", 1), 1);
        ck_assert_int_eq(close(fd), 0);
    }
    for (int i = 0; i < 10; i++)
        finish(all[i]);
    ck_assert(is_blocking(listener));
    ck_assert_int_eq(close(listener), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

/* A unix socket whose queue is full; a timeout of the socket's and one around the call. */
START_TEST(test_connect_waits)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0green-patch-test"};
    struct timeval t = {.tv_usec = 10000};
    green_timeout_t around;
    int fds[64], count = 0;
    green_patch_all();
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "green-patch-%d", getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    for (bool full = false; !full && count < 64; count++) {
        fds[count] = socket(AF_UNIX, SOCK_STREAM, 0);
        ck_assert_int_eq(setsockopt(fds[count], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t), 0);
        full = connect(fds[count], (struct sockaddr *)&address, sizeof address) < 0;
    }
    ck_assert_int_lt(count, 64);
    ck_assert_int_eq(errno, EAGAIN);
    int last = socket(AF_UNIX, SOCK_STREAM, 0);
    green_timeout_start(&around, GREEN_MS(5));
    ck_assert_int_eq(connect(last, (struct sockaddr *)&address, sizeof address), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    green_timeout_stop(&around);
    ck_assert_int_eq(close(last), 0);
    while (count)
        ck_assert_int_eq(close(fds[--count]), 0);
    ck_assert_int_eq(close(listener), 0);
}
END_TEST

START_TEST(test_accept_timeout)
{
    int listener;
    struct sockaddr_in address;
    struct timeval t = {.tv_usec = 5000};
    green_patch_all();
    listen_blocking(&listener, &address);
    ck_assert_int_eq(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
    ck_assert_int_eq(accept(listener, NULL, NULL), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(close(listener), 0);
}
END_TEST

/* --- readiness ------------------------------------------------------------------------------------------------------ */

START_TEST(test_poll)
{
    int fds[2], turns = 0;
    green_timeout_t t;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    struct pollfd p[] = {
        {.fd = fds[0], .events = POLLIN}, {.fd = -1, .events = POLLIN}, {.fd = fds[0], .events = POLLIN}};
    green_t *counter = spawn(count_turns, &turns);
    ck_assert_int_eq(poll(p, 3, 0), 0);
    ck_assert_int_eq(poll(p, 3, 10), 0);
    ck_assert_int_gt(turns, 0);
    struct later l = {fds[1], GREEN_MS(2)};
    green_t *writer = spawn(write_later, &l);
    ck_assert_int_eq(poll(p, 3, -1), 2);
    ck_assert_int_eq(p[2].revents, POLLIN);
    finish(writer);
    p[0].events = 0;
    p[1].fd = 1 << 20;
    ck_assert_int_eq(poll(p, 2, -1), 1);
    ck_assert_int_eq(p[1].revents, POLLNVAL);
    green_timeout_start(&t, GREEN_MS(3));
    p[0].events = 0;
    ck_assert_int_eq(poll(p, 1, 30000), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    green_timeout_stop(&t);
    turns = -1;
    finish(counter);
    close_both(fds);
}
END_TEST

START_TEST(test_select)
{
    int fds[2];
    fd_set r, w;
    struct timeval t = {.tv_usec = 5000};
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    FD_ZERO(&r);
    FD_SET(fds[0], &r);
    ck_assert_int_eq(select(fds[0] + 1, &r, NULL, NULL, &t), 0);
    ck_assert(!FD_ISSET(fds[0], &r));
    ck_assert_int_eq(t.tv_usec, 0);
    FD_SET(fds[0], &r);
    FD_ZERO(&w);
    FD_SET(fds[0], &w);
    ck_assert_int_eq(select(fds[0] + 1, &r, &w, NULL, NULL), 1);
    ck_assert(!FD_ISSET(fds[0], &r) && FD_ISSET(fds[0], &w));
    struct later l = {fds[1], GREEN_MS(2)};
    green_t *writer = spawn(write_later, &l);
    FD_SET(fds[0], &r);
    t = (struct timeval){.tv_sec = 30};
    ck_assert_int_eq(select(fds[0] + 1, &r, NULL, NULL, &t), 1);
    ck_assert(FD_ISSET(fds[0], &r));
    ck_assert_int_lt(t.tv_sec, 30);
    finish(writer);
    close_both(fds);
    FD_SET(fds[0], &r);
    ck_assert_int_eq(select(fds[0] + 1, &r, NULL, NULL, NULL), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(test_epoll)
{
    int fds[2];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 77}, got[4];
    struct timespec brief = {.tv_nsec = 3000000};
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    int set = epoll_create1(0);
    ck_assert_int_eq(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event), 0);
    ck_assert_int_eq(epoll_wait(set, got, 4, 5), 0);
    ck_assert_int_eq(epoll_pwait2(set, got, 4, &brief, NULL), 0);
    struct later l = {fds[1], GREEN_MS(2)};
    green_t *writer = spawn(write_later, &l);
    ck_assert_int_eq(epoll_wait(set, got, 4, -1), 1);
    ck_assert_uint_eq(got[0].data.u32, 77);
    finish(writer);
    ck_assert_int_eq(close(set), 0);
    ck_assert_int_eq(epoll_wait(set, got, 4, -1), -1);
    ck_assert_int_eq(errno, EBADF);
    close_both(fds);
}
END_TEST

static volatile sig_atomic_t signals_seen;

static void see(int signal)
{
    (void)signal;
    signals_seen++;
}

static void *signal_later(void *arg)
{
    green_sleep(GREEN_MS(2));
    ck_assert_int_eq(raise(SIGUSR1), 0);
    return arg;
}

/* A signal that only the mask of the call lets through. */
START_TEST(test_masked)
{
    sigset_t set, open;
    struct sigaction action = {.sa_handler = see};
    green_patch_all();
    sigemptyset(&set);
    sigemptyset(&open);
    sigaddset(&set, SIGUSR1);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    green_t *g = spawn(signal_later, NULL);
    ck_assert_int_eq(_i == 0   ? pselect(0, NULL, NULL, NULL, NULL, &open)
                     : _i == 1 ? ppoll(NULL, 0, NULL, &open)
                               : sigsuspend(&open),
                     -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(signals_seen, 1);
    finish(g);
    g = spawn(signal_later, NULL);
    int signal = 0;
    ck_assert_int_eq(sigwait(&set, &signal), 0);
    ck_assert_int_eq(signal, SIGUSR1);
    finish(g);
}
END_TEST

/* --- sleeping ------------------------------------------------------------------------------------------------------- */

START_TEST(test_sleeping)
{
    int turns = 0;
    struct timespec brief = {.tv_nsec = 3000000}, long_time = {.tv_sec = 30}, left, when;
    green_timeout_t t;
    green_patch_all();
    green_t *counter = spawn(count_turns, &turns);
    green_time before = green_now();
    ck_assert_int_eq(usleep(3000), 0);
    ck_assert_int_eq(nanosleep(&brief, NULL), 0);
    ck_assert_int_eq(thrd_sleep(&brief, NULL), 0);
    ck_assert_int_eq(clock_nanosleep(CLOCK_MONOTONIC, 0, &brief, NULL), 0);
    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &when), 0);
    when.tv_sec++;
    ck_assert_int_eq(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &when, NULL), 0);
    ck_assert_int_ge(green_now() - before, GREEN_MS(1000 + 12));
    ck_assert_int_gt(turns, 10);
    ck_assert_int_eq(sleep(0), 0);
    ck_assert_int_eq(sched_yield(), 0);
    brief.tv_nsec = -1;
    ck_assert_int_eq(nanosleep(&brief, NULL), -1);
    ck_assert_int_eq(errno, EINVAL);

    green_timeout_start(&t, GREEN_MS(3));
    ck_assert_int_eq(nanosleep(&long_time, &left), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_ge(left.tv_sec, 1);
    ck_assert_uint_ge(sleep(20), 19);
    ck_assert_int_eq(clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL), ETIMEDOUT);
    green_timeout_stop(&t);
    turns = -1;
    finish(counter);
}
END_TEST

/* --- names ---------------------------------------------------------------------------------------------------------- */

START_TEST(test_names_are_found)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    char host[NI_MAXHOST], service[16];
    green_patch_all();
    ck_assert_int_eq(getaddrinfo("127.0.0.1", "80", &hints, &found), 0);
    ck_assert_int_eq(getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, service,
                                 sizeof service, NI_NUMERICHOST | NI_NUMERICSERV),
                     0);
    ck_assert_str_eq(host, "127.0.0.1");
    ck_assert_str_eq(service, "80");
    freeaddrinfo(found); /* libc's */
    ck_assert_int_eq(getaddrinfo("no such name", NULL, &hints, &found), EAI_NONAME);
    const struct hostent *entry = gethostbyname("localhost");
    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq(entry->h_addrtype, AF_INET);
    ck_assert_int_eq((unsigned char)entry->h_addr_list[0][0], 127);
    ck_assert_ptr_null(gethostbyname("no such name"));
    ck_assert_int_eq(h_errno, HOST_NOT_FOUND);
}
END_TEST

/* --- children ------------------------------------------------------------------------------------------------------- */

static void *run_command(void *arg)
{
    ck_assert_int_eq(WEXITSTATUS(system(arg)), 3);
    return NULL;
}

START_TEST(test_children)
{
    green_t *all[4];
    int turns = 0, status;
    char line[32];
    green_patch_all();
    green_t *counter = spawn(count_turns, &turns);
    for (int i = 0; i < 4; i++)
        all[i] = spawn(run_command, (void *)(uintptr_t) "sleep 0.05; exit 3");
    FILE *out = popen("sleep 0.02; echo hello; cat /dev/null; exit 5", "r");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fileno(out), 0);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, out));
    ck_assert_str_eq(line, "hello\n");
    ck_assert_ptr_null(fgets(line, sizeof line, out));
    ck_assert_int_eq(WEXITSTATUS(pclose(out)), 5);
    for (int i = 0; i < 4; i++)
        finish(all[i]);
    ck_assert_int_gt(turns, 0);
    turns = -1;
    finish(counter);

    out = popen("read line; test \"$line\" = hello", "w");
    ck_assert_int_gt(fprintf(out, "hello\n"), 0);
    ck_assert_int_eq(pclose(out), 0);
    ck_assert_ptr_null(popen("true", "x"));

    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        usleep(10000);
        _exit(4);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 4);
    ck_assert_int_eq(wait(&status), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

static void *sleep_in_shell(void *arg)
{
    *(int *)arg = system("exec sleep 1000") < 0 ? errno : 0;
    return NULL;
}

START_TEST(test_killed_command)
{
    int result = -1;
    green_patch_all();
    green_t *g = spawn(sleep_in_shell, &result);
    yields(3);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    ck_assert_int_eq(result, ECANCELED);
    ck_assert_int_eq(wait(NULL), -1); /* it is gone */
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_connect_and_accept, 0},
        {test_connect_waits, 0},
        {test_accept_timeout, 0},
        {test_poll, 0},
        {test_select, 0},
        {test_epoll, 0},
        {test_masked, 3},
        {test_sleeping, 0},
        {test_names_are_found, 0},
        {test_children, 0},
        {test_killed_command, 0},
    };
    return RUN_TESTS("patch/ready", tests);
}
