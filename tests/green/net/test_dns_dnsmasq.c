/* Lookups beside a name server that is not ours: dnsmasq, with records of its own and no other sources. */
#include <arpa/inet.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>

#include "support.h"

#define DNSMASQ "/usr/sbin/dnsmasq"
#define TTL     77

static pid_t pid;
static char server[64];

/* A number that is free for both transports now; somebody may be faster, then another is tried. */
static int free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
        udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(tcp, (struct sockaddr *)&in, size), 0);
    ck_assert_int_eq(getsockname(tcp, (struct sockaddr *)&in, &size), 0);
    bool is_free = bind(udp, (struct sockaddr *)&in, size) == 0;
    close(tcp);
    close(udp);
    return is_free ? ntohs(in.sin_port) : free_port();
}

static void run_dnsmasq(int port)
{
    char port_option[32], user[64], records[40][64];
    const struct passwd *me = getpwuid(getuid());
    const char *arguments[80] = {DNSMASQ,
                                 "--keep-in-foreground",
                                 "--conf-file=/dev/null",
                                 "--log-facility=/dev/null",
                                 "--no-resolv",
                                 "--no-hosts",
                                 "--pid-file",
                                 "--listen-address=127.0.0.1",
                                 "--bind-interfaces",
                                 "--local=/test/",
                                 "--local-ttl=77",
                                 "--host-record=both.test,192.0.2.1,2001:db8::1",
                                 "--host-record=four.test,192.0.2.4",
                                 "--cname=first.test,second.test",
                                 "--cname=second.test,both.test",
                                 "--srv-host=_http._tcp.test,four.test,8080,10,60",
                                 "--srv-host=_http._tcp.test,both.test,8081,20,0",
                                 "--mx-host=test,four.test,5",
                                 "--txt-record=test,hello",
                                 "--rebind-localhost-ok",
                                 port_option,
                                 user};
    size_t count = 22;
    ck_assert_ptr_nonnull(me);
    snprintf(port_option, sizeof port_option, "--port=%d", port);
    snprintf(user, sizeof user, "--user=%s", me->pw_name);
    for (int i = 0; i < 40; i++) {
        snprintf(records[i], sizeof records[i], "--host-record=many.test,198.51.100.%d", i + 1);
        arguments[count++] = records[i];
    }
    execv(DNSMASQ, (char *const *)arguments);
    _exit(127);
}

/* Until it answers; false: it ended at once. */
static bool answers(void)
{
    for (green_time deadline = soon(); green_now() < deadline;) {
        green_dns_answer_t *answer;
        int r = green_resolve("four.test", 0, AF_INET, &answer, soon());
        green_dns_release(answer);
        if (r == 0)
            return true;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return false;
        ck_assert_int_eq(green_dns_servers(server), 0); /* forgets the failure */
        ck_assert_int_eq(green_sleep(GREEN_MS(5)), 0);
    }
    return false;
}

static void setup(void)
{
    unsetenv("LOCALDOMAIN");
    unsetenv("RES_OPTIONS");
    begin();
    for (int tries = 0; tries < 20; tries++) {
        int port = free_port();
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            run_dnsmasq(port);
        snprintf(server, sizeof server, "127.0.0.1:%d", port);
        ck_assert_int_eq(green_dns_servers(server), 0);
        if (answers())
            return;
    }
    ck_abort_msg("dnsmasq does not start");
}

static void teardown(void)
{
    int status;
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    end();
}

static int resolve(const char *name, int family, green_dns_answer_t **out)
{
    return green_resolve(name, 80, family, out, soon());
}

START_TEST(addresses)
{
    green_dns_answer_t *answer;
    ck_assert_int_eq(resolve("both.test", AF_UNSPEC, &answer), 0);
    ck_assert_uint_eq(answer->count, 2);
    ck_assert(answer->expires <= green_in(GREEN_S(TTL)));
    ck_assert(answer->expires > green_in(GREEN_S(TTL - 30)));
    green_dns_release(answer);
    ck_assert_int_eq(resolve("first.test", AF_INET6, &answer), 0);
    ck_assert_str_eq(answer->name, "both.test");
    green_dns_release(answer);
    ck_assert_int_eq(resolve("four.test", AF_INET6, &answer), GREEN_EAI_NODATA);
    ck_assert_int_eq(resolve("missing.test", AF_UNSPEC, &answer), GREEN_EAI_NONAME);
}
END_TEST

/* More than fits a datagram: asked for again over TCP. */
START_TEST(many_addresses)
{
    green_dns_answer_t *answer;
    ck_assert_int_eq(resolve("many.test", AF_INET, &answer), 0);
    ck_assert_uint_eq(answer->count, 40);
    green_dns_release(answer);
}
END_TEST

START_TEST(the_list_of_libc)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_flags = AI_CANONNAME}, *list;
    ck_assert_int_eq(green_getaddrinfo("first.test", "80", &hints, &list, soon()), 0);
    ck_assert_str_eq(list->ai_canonname, "both.test");
    ck_assert_int_eq(((struct sockaddr_in *)list->ai_addr)->sin_port, htons(80));
    green_freeaddrinfo(list);
}
END_TEST

START_TEST(names_of_addresses)
{
    green_address_t address;
    char name[GREEN_NAME_SIZE];
    ck_assert_int_eq(green_address_parse(&address, "192.0.2.4", 0), 0);
    ck_assert_int_eq(green_resolve_address(&address, name, soon()), 0);
    ck_assert_str_eq(name, "four.test");
    ck_assert_int_eq(green_address_parse(&address, "2001:db8::1", 0), 0);
    ck_assert_int_eq(green_resolve_address(&address, name, soon()), 0);
    ck_assert_str_eq(name, "both.test");
}
END_TEST

START_TEST(records)
{
    green_records_t *found;
    ck_assert_int_eq(green_resolve_srv("_http._tcp.test", &found, soon()), 0);
    ck_assert_uint_eq(found->count, 2);
    ck_assert_str_eq(found->records[0].name, "four.test");
    ck_assert_uint_eq(found->records[0].port, 8080);
    ck_assert_uint_eq(found->records[0].weight, 60);
    ck_assert_uint_eq(found->records[1].priority, 20);
    green_records_release(found);
    ck_assert_int_eq(green_resolve_mx("test", &found, soon()), 0);
    ck_assert_str_eq(found->records[0].name, "four.test");
    ck_assert_uint_eq(found->records[0].priority, 5);
    green_records_release(found);
    ck_assert_int_eq(green_resolve_txt("test", &found, soon()), 0);
    ck_assert_str_eq(found->records[0].name, "hello");
    green_records_release(found);
    ck_assert_int_eq(green_resolve_srv("_imap._tcp.test", &found, soon()), GREEN_EAI_NONAME);
    ck_assert_int_eq(green_resolve_srv("four.test", &found, soon()), GREEN_EAI_NODATA);
}
END_TEST

int main(void)
{
    if (access(DNSMASQ, X_OK) < 0) {
        puts("skipped: no " DNSMASQ);
        return 77;
    }
    const TTest *const tests[] = {addresses, many_addresses, the_list_of_libc, names_of_addresses, records};
    Suite *suite = suite_create("dnsmasq");
    TCase *tcase = tcase_create("dnsmasq");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 50);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
