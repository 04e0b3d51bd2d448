/*
 * getaddrinfo: held against libc's for everything that needs no name server, entry by entry; then against a name server
 * of our own for what libc could only be asked with other files in /etc.
 */
#include <arpa/inet.h>
#include <netdb.h>

#include "resolving.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- beside libc's ------------------------------------------------------------------------------------------------- */

/* A list in words: all of it that a caller can see. */
static void describe(int eai, const struct addrinfo *list, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "%s", eai ? gai_strerror(eai) : "");
    for (; !eai && list && at < size; list = list->ai_next) {
        char number[NI_MAXHOST], port[NI_MAXSERV];
        ck_assert_int_eq(getnameinfo(list->ai_addr, list->ai_addrlen, number, sizeof number, port,
                                     sizeof port, NI_NUMERICHOST | NI_NUMERICSERV),
                         0);
        at += (size_t)snprintf(out + at, size - at, "[%#x %d/%d/%d %u bytes %s port %s %s]", list->ai_flags,
                               list->ai_family, list->ai_socktype, list->ai_protocol, list->ai_addrlen,
                               number, port, list->ai_canonname ? list->ai_canonname : "-");
    }
}

static void compare(const char *node, const char *service, const struct addrinfo *hints)
{
    struct addrinfo *theirs = NULL, *ours;
    char expected[2048], got[2048];
    int r = getaddrinfo(node, service, hints, &theirs);
    describe(r, theirs, expected, sizeof expected);
    int own = green_getaddrinfo(node, service, hints, &ours, GREEN_NOWAIT);
    describe(green_eai(own), ours, got, sizeof got);
    ck_assert_msg(strcmp(expected, got) == 0, "%s, %s: libc %s, green %s", node ? node : "NULL",
                  service ? service : "NULL", expected, got);
    if (r == 0)
        freeaddrinfo(theirs);
    if (own == 0)
        green_freeaddrinfo(ours);
}

/* Every service with every type of socket: has nothing to do with the node. */
static void compare_services(const char *node)
{
    static const char *const services[] = {NULL,      "",       "80",    "http",  "domain",
                                           "discard", "nosuch", "65535", "x11-1", "*"};
    static const int types[] = {0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_DCCP, 77};
    static const int protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_UDPLITE, 255};
    static const int flags[] = {0, AI_NUMERICSERV};
    for (size_t s = 0; s < COUNT(services); s++)
        for (size_t t = 0; t < COUNT(types); t++)
            for (size_t p = 0; p < COUNT(protocols); p++)
                for (size_t g = 0; g < COUNT(flags); g++) {
                    struct addrinfo hints = {
                        .ai_socktype = types[t], .ai_protocol = protocols[p], .ai_flags = flags[g]};
                    compare(node, services[s], &hints);
                }
}

/* Every family and flag, which have nothing to do with the service. */
static void compare_families(const char *node, int more_flags, bool with_v6)
{
    static const int families[] = {AF_UNSPEC, AF_INET, AF_UNIX, AF_INET6};
    static const int types[] = {0, SOCK_DGRAM, 77};
    static const int flags[] = {0,
                                AI_PASSIVE,
                                AI_CANONNAME,
                                AI_NUMERICHOST,
                                AI_NUMERICSERV | AI_ADDRCONFIG,
                                AI_V4MAPPED,
                                AI_V4MAPPED | AI_ALL | AI_CANONNAME,
                                AI_V4MAPPED | AI_ADDRCONFIG | AI_PASSIVE,
                                AI_IDN,
                                0x10000};
    for (size_t f = 0; f < COUNT(families) - !with_v6; f++)
        for (size_t t = 0; t < COUNT(types); t++)
            for (size_t g = 0; g < COUNT(flags); g++) {
                struct addrinfo hints = {
                    .ai_family = families[f], .ai_socktype = types[t], .ai_flags = flags[g] | more_flags};
                compare(node, "53", &hints);
                compare(node, NULL, &hints);
                compare(node, "http", &hints);
            }
    if (!more_flags)
        compare(node, "http", NULL);
}

START_TEST(services_are_as_with_libc)
{
    compare_services(_i ? "127.0.0.1" : NULL);
}
END_TEST

static const char *const numbers[] = {
    NULL,
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "0.0.0.0",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "2001:DB8::1",
    "fe80::1%lo",
    "fe80::1%1",
    "fe80::1%nosuch",
    "fe80::1%",
    "fe80::1%4294967296",
    "::1%lo",
    "::1%7",
    "ff02::1%lo",
};

/* Case 114: numbers of all forms, zones, services, flags, no node at all. */
START_TEST(numbers_are_as_with_libc)
{
    compare_families(numbers[_i], 0, true);
}
END_TEST

static const char *const not_numbers[] = {
    "localhost", "1.2.3.4 ", " 1.2.3.4",
    "1.2.3.256", "[::1]",    "1.2.3.4%lo",
    "",          "::1::",    "12345678901234567890",
    "::g",
};

START_TEST(what_is_no_number_is_as_with_libc)
{
    compare_families(not_numbers[_i], AI_NUMERICHOST, true);
}
END_TEST

/* The hosts file of the machine; for IPv6 libc may ask a name server about localhost, which is not done here. */
START_TEST(localhost_is_as_with_libc)
{
    compare_families("localhost", 0, false);
    struct addrinfo hints = {.ai_flags = AI_CANONNAME};
    compare("localhost", "http", &hints);
    ck_assert_int_eq(name_server_count(server, NULL), 0);
}
END_TEST

/* --- what differs --------------------------------------------------------------------------------------------------- */

static int code(const char *node, const char *service, int family, int more_flags)
{
    struct addrinfo hints = {.ai_family = family, .ai_flags = more_flags}, *list = (struct addrinfo *)1;
    int r = green_getaddrinfo(node, service, &hints, &list, soon());
    ck_assert_ptr_null(list);
    return r;
}

START_TEST(refused_without_a_query)
{
    ck_assert_int_eq(code("127.0.0.1", "65536", AF_UNSPEC, 0), GREEN_EAI_SERVICE);
    ck_assert_int_eq(code("127.0.0.1", "99999999999999999999", AF_UNSPEC, 0), GREEN_EAI_SERVICE);
    ck_assert_int_eq(code("127.0.0.1", "-1", AF_UNSPEC, 0), GREEN_EAI_SERVICE);
    ck_assert_int_eq(code("127.0.0.1", " 80", AF_UNSPEC, 0), GREEN_EAI_SERVICE);
    ck_assert_int_eq(code("a b.test", NULL, AF_UNSPEC, 0), GREEN_EAI_BADNAME);
    ck_assert_int_eq(code("b\303\274cher.test", NULL, AF_UNSPEC, AI_IDN), GREEN_EAI_BADNAME);
    ck_assert_int_eq(code("1.2.3.256", NULL, AF_UNSPEC, 0), GREEN_EAI_BADNAME);
    ck_assert_int_eq(code("", NULL, AF_UNSPEC, 0), GREEN_EAI_BADNAME);
    ck_assert_int_eq(green_eai(GREEN_EAI_BADNAME), EAI_NONAME);
    ck_assert_int_eq(name_server_count(server, NULL), 0);
}
END_TEST

/* --- names ---------------------------------------------------------------------------------------------------------- */

static struct addrinfo *get(const char *node, int family, int more_flags)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = more_flags}, *list;
    ck_assert_int_eq(green_getaddrinfo(node, "80", &hints, &list, soon()), 0);
    return list;
}

/* Exactly these, in this order; frees the list. */
static void assert_list(struct addrinfo *list, const char *const *expected, size_t count)
{
    struct addrinfo *each = list;
    for (size_t i = 0; i < count; i++, each = each->ai_next) {
        char number[NI_MAXHOST];
        ck_assert_ptr_nonnull(each);
        ck_assert_int_eq(
            getnameinfo(each->ai_addr, each->ai_addrlen, number, sizeof number, NULL, 0, NI_NUMERICHOST), 0);
        ck_assert_str_eq(number, expected[i]);
    }
    ck_assert_ptr_null(each);
    green_freeaddrinfo(list);
}

#define ASSERT_LIST(list, ...)                                                                               \
    assert_list(list, (const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

START_TEST(mapped_addresses)
{
    ASSERT_LIST(get("one.test", AF_INET6, AI_V4MAPPED), "2001:db8::1");
    ASSERT_LIST(get("four.test", AF_INET6, AI_V4MAPPED), "::ffff:192.0.2.4");
    ck_assert_int_eq(code("four.test", NULL, AF_INET6, 0), GREEN_EAI_NODATA);
    ck_assert_int_eq(code("four.test", NULL, AF_INET6, AI_ALL), GREEN_EAI_NODATA);
    ck_assert_int_eq(code("missing.test", NULL, AF_INET6, AI_V4MAPPED), GREEN_EAI_NONAME);
    struct addrinfo *both = get("one.test", AF_INET6, AI_V4MAPPED | AI_ALL);
    ck_assert_int_eq(both->ai_family, AF_INET6);
    ck_assert_int_eq(both->ai_next->ai_family, AF_INET6);
    ck_assert_ptr_null(both->ai_next->ai_next);
    green_freeaddrinfo(both);
    ASSERT_LIST(get("four.test", AF_INET, AI_V4MAPPED | AI_ALL), "192.0.2.4");
}
END_TEST

START_TEST(the_first_entry_has_the_canonical_name)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_flags = AI_CANONNAME}, *list;
    ck_assert_int_eq(green_getaddrinfo("CHAIN.test", NULL, &hints, &list, soon()), 0);
    ck_assert_str_eq(list->ai_canonname, "second.chain.test");
    ck_assert_ptr_nonnull(list->ai_next);
    for (struct addrinfo *each = list->ai_next; each; each = each->ai_next)
        ck_assert_ptr_null(each->ai_canonname);
    green_freeaddrinfo(list);
    list = get("chain.test", AF_INET, 0);
    ck_assert_ptr_null(list->ai_canonname);
    green_freeaddrinfo(list);
}
END_TEST

START_TEST(every_address_comes_with_every_type)
{
    struct addrinfo hints = {.ai_family = AF_INET}, *list;
    ck_assert_int_eq(green_getaddrinfo("big.test", "443", &hints, &list, soon()), 0);
    int count = 0;
    for (struct addrinfo *each = list; each; each = each->ai_next, count++) {
        static const int order[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW};
        ck_assert_int_eq(each->ai_socktype, order[count % 3]);
        ck_assert_int_eq(ntohs(((struct sockaddr_in *)each->ai_addr)->sin_port), 443);
    }
    ck_assert_int_eq(count, 64 * 3);
    green_freeaddrinfo(list);
}
END_TEST

/* libc's own freeaddrinfo() does, too: programs that were compiled against it may call that. */
START_TEST(libc_can_free_it)
{
    freeaddrinfo(get("one.test", AF_UNSPEC, AI_CANONNAME));
    green_freeaddrinfo(NULL);
}
END_TEST

START_TEST(hosts_and_their_aliases)
{
    char path[] = "/tmp/test_addrinfo_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    static const char text[] =
        "# comment\n192.0.2.77 Main.Example alias other # more\n2001:db8::77 main.example\n"
        "192.0.2.78\tmain.example\n";
    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    ck_assert_int_eq(green__dns_paths(&(struct dns_paths){.hosts = path}), 0);
    struct addrinfo *list = get("alias", AF_UNSPEC, AI_CANONNAME);
    ck_assert_str_eq(list->ai_canonname, "Main.Example");
    ASSERT_LIST(list, "192.0.2.77");
    list = get("MAIN.example", AF_INET, 0);
    ck_assert_ptr_nonnull(list->ai_next);
    green_freeaddrinfo(list);
    ASSERT_LIST(get("main.example", AF_INET6, 0), "2001:db8::77");
    green_address_t address;
    char name[GREEN_NAME_SIZE];
    ck_assert_int_eq(green_address_parse(&address, "192.0.2.77", 0), 0);
    ck_assert_int_eq(green_resolve_address(&address, name, soon()), 0);
    ck_assert_str_eq(name, "main.example");
    ck_assert_int_eq(name_server_count(server, NULL), 0);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

/* A process that forked resolves with a channel of its own (case 114). */
START_TEST(after_fork)
{
    green_freeaddrinfo(get("one.test", AF_INET, 0));
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct addrinfo *list;
        int r = green_dns_servers(name_server_address(server));
        if (r == 0)
            r = green_getaddrinfo("four.test", "80", NULL, &list, soon());
        if (r == 0)
            green_freeaddrinfo(list);
        _exit(r == 0 ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    green_freeaddrinfo(get("one.test", AF_INET6, 0));
    ck_assert_int_ge(name_server_count(server, "four.test"), 1);
}
END_TEST

START_TEST(codes_for_libc)
{
    ck_assert_int_eq(green_eai(0), 0);
    ck_assert_int_eq(green_eai(GREEN_EAI_AGAIN), EAI_AGAIN);
    ck_assert_int_eq(green_eai(-ETIMEDOUT), EAI_AGAIN);
    ck_assert_int_eq(green_eai(-ENOMEM), EAI_MEMORY);
    ck_assert_int_eq(green_eai(-EOVERFLOW), EAI_OVERFLOW);
    errno = 0;
    ck_assert_int_eq(green_eai(-ECANCELED), EAI_SYSTEM);
    ck_assert_int_eq(errno, ECANCELED);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {services_are_as_with_libc, 2},
        {numbers_are_as_with_libc, COUNT(numbers)},
        {what_is_no_number_is_as_with_libc, COUNT(not_numbers)},
        {localhost_is_as_with_libc, 0},
        {refused_without_a_query, 0},
        {mapped_addresses, 0},
        {the_first_entry_has_the_canonical_name, 0},
        {every_address_comes_with_every_type, 0},
        {libc_can_free_it, 0},
        {hosts_and_their_aliases, 0},
        {after_fork, 0},
        {codes_for_libc, 0},
    };
    return RUN_DNS_TESTS(tests);
}
