/* In the sandbox, forbidden calls are refused and those of a proxy work: tried by processes that enter it. */
#include "runtime/sandbox.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "load.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

static char folder[64];

static void make_folder(void)
{
    strcpy(folder, "/tmp/greenway-sandbox-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *in(const char *name)
{
    static char path[4][128];
    static int next;
    char *out = path[next++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static void write_file(const char *name)
{
    FILE *file = fopen(in(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(name, file);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_site(void)
{
    make_folder();
    ck_assert_int_eq(mkdir(in("site"), 0755), 0);
    ck_assert_int_eq(mkdir(in("logs"), 0755), 0);
    ck_assert_int_eq(mkdir(in("other"), 0755), 0);
    write_file("site/index.html");
    write_file("other/secret");
}

static void remove_site(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct conf *load(const char *mode)
{
    struct conf_errors errors = {0};
    char text[1024];
    snprintf(
        text, sizeof text,
        "[greenway]\nsandbox = %s\naccess_log = %s/logs/access.log\ntemp_path = %s/logs\n[listener web]\n"
        "bind = 127.0.0.1:0\n[route site]\nroot = %s/site\n",
        mode, folder, folder, folder);
    struct conf *conf = conf_load_text("test", text, strlen(text), &errors);
    conf_errors_print(stderr, &errors, false);
    conf_errors_free(&errors);
    ck_assert_ptr_nonnull(conf);
    return conf;
}

static int opened(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int result(long r)
{
    return r < 0 ? -errno : 0;
}

static void *nothing(void *arg)
{
    return arg;
}

#if !defined(SANITIZED) /* their runtimes need some of these */
START_TEST(system_calls_that_no_proxy_makes)
{
    char *const argv[] = {(char *)(uintptr_t) "true", NULL}, *const none[] = {NULL};
    struct rlimit limit = {1024, 1024};
    ck_assert_int_eq(system_calls_limit(false), 0);
    ck_assert_int_eq(result(execve("/bin/true", argv, none)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, none, 0)), -EPERM);
    ck_assert_int_eq(result(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)), -EPERM);
    ck_assert_int_eq(result(kill(getppid(), 0)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_tgkill, getppid(), getppid(), 0)), -EPERM);
    ck_assert_int_eq(result(mount("none", "/mnt", "tmpfs", 0, NULL)), -EPERM);
    ck_assert_int_eq(result(chroot("/")), -EPERM);
    ck_assert_int_eq(result(unshare(CLONE_NEWUSER)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_clone3, NULL, 0)), -ENOSYS);
    ck_assert_int_eq(result(setuid(getuid())), -EPERM);
    ck_assert_int_eq(result(setgid(getgid())), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_bpf, 0, NULL, 0)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_keyctl, 0, 0, 0, 0, 0)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_io_uring_setup, 1, NULL)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_userfaultfd, 0)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)), -EPERM);
    ck_assert_int_eq(result(syscall(SYS_pidfd_getfd, 0, 0, 0)), -EPERM);
    ck_assert_int_eq(result(symlink("a", "b")), -EPERM);
    ck_assert_int_eq(result(prlimit(getppid(), RLIMIT_NOFILE, &limit, NULL)), -EPERM);
    ck_assert_int_eq(result(socket(AF_PACKET, SOCK_RAW, 0)), -EPERM);
    ck_assert_int_eq(result(socket(AF_ALG, SOCK_SEQPACKET, 0)), -EPERM);
    ck_assert_int_eq(result(ioctl(0, TIOCSTI, "x")), -EPERM);
}
END_TEST
#endif

START_TEST(system_calls_of_a_proxy)
{
    struct epoll_event event = {.events = EPOLLIN};
    pthread_t thread;
    char out[64] = "";
    ck_assert_int_eq(system_calls_limit(false), 0);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
    ck_assert_int_ge(server, 0);
    ck_assert_int_ge(epoll, 0);
    ck_assert_int_eq(result(listen(server, 1)), 0);
    ck_assert_int_eq(result(epoll_ctl(epoll, EPOLL_CTL_ADD, server, &event)), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, nothing, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(result(socket(AF_UNIX, SOCK_DGRAM, 0)), 0);
    FILE *file = fopen("/etc/hosts", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(out, sizeof out, file));
    fclose(file);
    close(server);
    close(epoll);
}
END_TEST

START_TEST(calls_are_only_logged)
{
    ck_assert_int_eq(system_calls_limit(true), 0);
    ck_assert_int_eq(result(kill(getppid(), 0)), 0);
}
END_TEST

/* Kernels without it have nothing to test. */
static bool limited(const struct conf *conf)
{
    struct landlock probe;
    if (landlock_begin(&probe) < 0)
        return false;
    close(probe.fd);
    ck_assert_int_eq(sandbox_enter(conf), 0);
    return true;
}

START_TEST(files_that_the_configuration_names)
{
    struct conf *conf = load("on");
    if (limited(conf)) {
        ck_assert_int_eq(opened(in("site/index.html"), O_RDONLY), 0);
        ck_assert_int_eq(opened(in("logs/access.log"), O_WRONLY | O_CREAT | O_APPEND), 0);
        ck_assert_int_eq(opened(in("logs"), O_RDWR | O_TMPFILE), 0);
        ck_assert_int_eq(result(unlink(in("logs/access.log"))), 0);
        ck_assert_int_eq(opened("/etc/hosts", O_RDONLY), 0);
        ck_assert_int_eq(opened("/dev/null", O_RDWR), 0);
    }
    conf_free(conf);
}
END_TEST

START_TEST(files_that_it_does_not_name)
{
    struct conf *conf = load("on");
    if (limited(conf)) {
        ck_assert_int_eq(opened(in("other/secret"), O_RDONLY), -EACCES);
        ck_assert_int_eq(opened(in("site/../other/secret"), O_RDONLY), -EACCES);
        ck_assert_int_eq(opened(in("site/index.html"), O_WRONLY), -EACCES);
        ck_assert_int_eq(opened(in("site/new"), O_WRONLY | O_CREAT), -EACCES);
        ck_assert_int_eq(result(unlink(in("site/index.html"))), -EACCES);
        ck_assert_int_eq(opened("/", O_RDONLY), -EACCES);
        ck_assert_int_eq(opened("/etc/hosts", O_WRONLY), -EACCES);
        ck_assert_int_eq(opened("/proc/1/environ", O_RDONLY), -EACCES);
        ck_assert_int_eq(result(mkdir(in("logs/folder"), 0700)), -EACCES);
    }
    conf_free(conf);
}
END_TEST

static int covers(const char *line)
{
    struct conf_errors errors = {0};
    char text[512];
    snprintf(text, sizeof text,
             "[greenway]\naccess_log = off\ntemp_path = %s/logs\n[listener web]\nbind = 127.0.0.1:0\n[route "
             "site]\n%s\n",
             folder, line);
    struct conf *conf = conf_load_text("next", text, strlen(text), &errors);
    ck_assert_ptr_nonnull(conf);
    int r = sandbox_covers(conf);
    conf_free(conf);
    conf_errors_free(&errors);
    return r;
}

START_TEST(what_a_later_configuration_may_name)
{
    struct conf *conf = load("on");
    char line[256];
    ck_assert_int_eq(covers("root = /anywhere/at/all"), 0); /* there is no sandbox yet */
    if (limited(conf)) {
        snprintf(line, sizeof line, "root = %s/site", folder);
        ck_assert_int_eq(covers(line), 0);
        snprintf(line, sizeof line, "root = %s/site/not/yet/there", folder);
        ck_assert_int_eq(covers(line), 0);
        ck_assert_int_eq(covers("root = /usr/share/doc"), 0);
        snprintf(line, sizeof line, "root = %s/other", folder);
        ck_assert_int_eq(covers(line), -EACCES);
        snprintf(line, sizeof line, "root = %s/site2", folder);
        ck_assert_int_eq(covers(line), -EACCES);
    }
    conf_free(conf);
}
END_TEST

START_TEST(off_is_off)
{
    struct conf *conf = load("off");
    ck_assert_int_eq(sandbox_enter(conf), 0);
    ck_assert_int_eq(opened(in("other/secret"), O_RDONLY), 0);
    conf_free(conf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runtime/sandbox");
    TCase *tc = tcase_create("sandbox");
    tcase_add_unchecked_fixture(tc, make_site, remove_site);
#if !defined(SANITIZED)
    tcase_add_test(tc, system_calls_that_no_proxy_makes);
#endif
    tcase_add_test(tc, system_calls_of_a_proxy);
    tcase_add_test(tc, calls_are_only_logged);
    tcase_add_test(tc, files_that_the_configuration_names);
    tcase_add_test(tc, files_that_it_does_not_name);
    tcase_add_test(tc, what_a_later_configuration_may_name);
    tcase_add_test(tc, off_is_off);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
