/*
 * Lookups through libc on the threads for names, and when they go that way. libc's two functions are replaced here by
 * ones that do as the name says, and count.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>

#include "net/dns_source.h"
#include "resolving.h"

/* --- what stands in for libc's -------------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int calls, inside, most_inside;
static bool gate_is_open;
static pthread_t last_caller;

static void open_gate(void)
{
    pthread_mutex_lock(&mutex);
    gate_is_open = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static int counted(int *counter)
{
    pthread_mutex_lock(&mutex);
    int n = *counter;
    pthread_mutex_unlock(&mutex);
    return n;
}

static void enter(const char *name)
{
    pthread_mutex_lock(&mutex);
    calls++;
    inside++;
    if (inside > most_inside)
        most_inside = inside;
    last_caller = pthread_self();
    while (strncmp(name, "slow", 4) == 0 && !gate_is_open)
        pthread_cond_wait(&changed, &mutex);
    inside--;
    pthread_mutex_unlock(&mutex);
}

static struct addrinfo *entry(const char *number, struct addrinfo *next)
{
    struct {
        struct addrinfo info;
        struct sockaddr_in in;
    } *e = calloc(1, sizeof *e);
    e->in.sin_family = AF_INET;
    inet_pton(AF_INET, number, &e->in.sin_addr);
    e->info.ai_family = AF_INET;
    e->info.ai_addr = (struct sockaddr *)&e->in;
    e->info.ai_addrlen = sizeof e->in;
    e->info.ai_next = next;
    return &e->info;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    enter(node);
    errno = EMFILE;
    if (strcmp(node, "missing.libc") == 0)
        return EAI_NONAME;
    if (strcmp(node, "broken.libc") == 0)
        return EAI_SYSTEM;
    *out = entry("192.0.2.21", entry("192.0.2.22", NULL));
    (*out)->ai_canonname = strdup("Canonical.libc");
    return 0;
}

int getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
                char *service, socklen_t service_size, int flags)
{
    enter("");
    snprintf(host, host_size, "%s", "from.libc");
    return 0;
}

/* --- lookups -------------------------------------------------------------------------------------------------------- */

static void use(enum green_dns_method method)
{
    ck_assert_int_eq(green_dns_use(method), 0);
}

START_TEST(libc_answers)
{
    use(GREEN_DNS_THREAD);
    green_dns_answer_t *answer = found("some.libc", AF_UNSPEC);
    ck_assert_uint_eq(answer->count, 2);
    assert_address(&answer->addresses[0], "192.0.2.21:80");
    assert_address(&answer->addresses[1], "192.0.2.22:80");
    ck_assert_str_eq(answer->name, "Canonical.libc");
    ck_assert(answer->expires <= green_in(GREEN_S(1)));
    green_dns_release(answer);
    release_found("some.libc", AF_UNSPEC);
    ck_assert_int_eq(counted(&calls), 1);
    ck_assert(!pthread_equal(last_caller, pthread_self()));
    ck_assert_int_eq(failure("missing.libc", AF_UNSPEC), GREEN_EAI_NONAME);
    ck_assert_int_eq(failure("broken.libc", AF_UNSPEC), -EMFILE);
    char name[GREEN_NAME_SIZE];
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, "192.0.2.21", 0), 0);
    ck_assert_int_eq(green_resolve_address(&address, name, soon()), 0);
    ck_assert_str_eq(name, "from.libc");
    ck_assert_int_eq(name_server_count(server, NULL), 0);
}
END_TEST

START_TEST(other_records_are_asked_for_as_ever)
{
    use(GREEN_DNS_THREAD);
    green_records_t *records;
    ck_assert_int_eq(green_resolve_srv("srv.test", &records, soon()), 0);
    green_records_release(records);
    ck_assert_int_eq(counted(&calls), 0);
}
END_TEST

START_TEST(one_call_for_all_who_wait)
{
    use(GREEN_DNS_THREAD);
    struct task tasks[10];
    green_t *greenlets[10];
    for (int i = 0; i < 10; i++)
        greenlets[i] = start(&tasks[i], "slow.libc", 80, soon());
    yields(1);
    ck_assert_int_eq(green_kill(greenlets[0], soon()), 0);
    ck_assert_int_eq(tasks[0].result, -ECANCELED);
    green_release(greenlets[0]);
    open_gate();
    for (int i = 1; i < 10; i++) {
        finish(greenlets[i]);
        ck_assert_int_eq(tasks[i].result, 0);
        green_dns_release(tasks[i].answer);
    }
    ck_assert_int_eq(counted(&calls), 1);
}
END_TEST

START_TEST(many_names_at_a_time)
{
    enum { NAMES = 8 };
    use(GREEN_DNS_THREAD);
    struct task tasks[NAMES];
    green_t *greenlets[NAMES];
    char names_of_them[NAMES][32];
    for (int i = 0; i < NAMES; i++) {
        snprintf(names_of_them[i], sizeof names_of_them[i], "slow%d.libc", i);
        greenlets[i] = start(&tasks[i], names_of_them[i], 80, soon());
    }
    for (green_time deadline = soon(); counted(&inside) < NAMES && green_now() < deadline;)
        green_yield();
    ck_assert_int_eq(counted(&most_inside), NAMES);
    open_gate();
    for (int i = 0; i < NAMES; i++) {
        finish(greenlets[i]);
        ck_assert_int_eq(tasks[i].result, 0);
        green_dns_release(tasks[i].answer);
    }
}
END_TEST

static void *wait_at_the_gate(void *arg)
{
    enter("slow");
    return NULL;
}

/* The application's own work on threads does not hold up names. */
START_TEST(nobody_else_is_on_these_threads)
{
    green_offload_t *jobs[50];
    use(GREEN_DNS_THREAD);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(green_offload(&jobs[i], NULL, wait_at_the_gate, NULL, NULL), 0);
    release_found("some.libc", AF_UNSPEC);
    open_gate();
    for (int i = 0; i < 50; i++)
        green_offload_release(jobs[i]);
    ck_assert_int_eq(green_threads_join(green_threads_user(), soon()), 0);
}
END_TEST

START_TEST(the_hub_may_close_meanwhile)
{
    use(GREEN_DNS_THREAD);
    green_dns_answer_t *answer;
    ck_assert_int_eq(green_resolve("slow.libc", 80, AF_UNSPEC, &answer, GREEN_NOWAIT), -EAGAIN);
    for (green_time deadline = soon(); !counted(&inside) && green_now() < deadline;)
        green_yield();
    ck_assert_int_eq(counted(&inside), 1);
    ck_assert_int_eq(green_hub_close(), 0);
    open_gate();
    ck_assert_int_eq(green_threads_join(green_threads_dns(), soon()), 0);
}
END_TEST

START_TEST(blocking_blocks_the_thread)
{
    use(GREEN_DNS_BLOCK);
    uint64_t before = switches();
    release_found("some.libc", AF_UNSPEC);
    ck_assert_int_eq(failure("missing.libc", AF_UNSPEC), GREEN_EAI_NONAME);
    ck_assert_uint_eq(switches(), before);
    ck_assert_int_eq(counted(&calls), 2);
}
END_TEST

/* --- which way ------------------------------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    char fresh[64];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(rename(fresh, path), 0);
}

static void make_path(char *path)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

START_TEST(nsswitch_decides)
{
    static const struct {
        const char *text;
        enum green_dns_method method;
    } rows[] = {
        {"", GREEN_DNS_ARES},
        {"passwd: files ldap\n", GREEN_DNS_ARES},
        {"hosts: files dns\n", GREEN_DNS_ARES},
        {"hosts:files myhostname dns", GREEN_DNS_ARES},
        {"  hosts :\tdns [!UNAVAIL=return] files # mdns\n", GREEN_DNS_ARES},
        {"hosts: files [ NOTFOUND = return ] dns\n", GREEN_DNS_ARES},
        {"#hosts: mdns\nhosts: dns\n", GREEN_DNS_ARES},
        {"hostsfile: ldap\n", GREEN_DNS_ARES},
        {"hosts:\n", GREEN_DNS_ARES},
        {"hosts: files mdns4_minimal [NOTFOUND=return] dns\n", GREEN_DNS_THREAD},
        {"passwd: files\nhosts: files resolve\n", GREEN_DNS_THREAD},
        {"hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n", GREEN_DNS_THREAD},
        {"hosts: ldap", GREEN_DNS_THREAD},
        {"hosts: wins files\n", GREEN_DNS_THREAD},
    };
    char path[] = "/tmp/test_dns_XXXXXX";
    make_path(path);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_file(path, rows[i].text);
        struct dns_source source = {.file.path = path};
        ck_assert_msg(green__dns_method(&source, false) == rows[i].method, "%s", rows[i].text);
        ck_assert_int_eq(green__dns_method(&source, true), GREEN_DNS_ARES);
    }
    ck_assert_int_eq(unlink(path), 0);
    struct dns_source source = {.file.path = path};
    ck_assert_int_eq(green__dns_method(&source, false), GREEN_DNS_ARES);
}
END_TEST

/* And the program over both. */
START_TEST(a_changed_nsswitch_is_noticed)
{
    char path[] = "/tmp/test_dns_XXXXXX";
    make_path(path);
    write_file(path, "hosts: mdns\n");
    ck_assert_int_eq(green__dns_paths(&(struct dns_paths){.nsswitch = path}), 0);
    ck_assert_int_eq(green_dns_servers(NULL), 0);
    release_found("some.libc", AF_UNSPEC);
    ck_assert_int_eq(counted(&calls), 1);
    write_file(path, "hosts: files\n");
    struct dns_source source = {.file.path = path, .read = true, .more = true};
    ck_assert_int_eq(green__dns_method(&source, false), GREEN_DNS_ARES);
    use(GREEN_DNS_THREAD);
    ck_assert_int_eq(green__dns_method(&source, false), GREEN_DNS_THREAD);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(the_environment_decides)
{
    static const char *const values[] = {"ares", "thread", "block", "auto", "nonsense", ""};
    static const enum green_dns_method methods[] = {GREEN_DNS_ARES, GREEN_DNS_THREAD, GREEN_DNS_BLOCK,
                                                    GREEN_DNS_ARES, GREEN_DNS_ARES,   GREEN_DNS_ARES};
    setenv("GREEN_RESOLVER", values[_i], 1);
    struct dns_source source = {.file.path = "/nonexistent"};
    ck_assert_int_eq(green__dns_method(&source, false), methods[_i]);
    use(GREEN_DNS_THREAD); /* the program knows better */
    ck_assert_int_eq(green__dns_method(&source, false), GREEN_DNS_THREAD);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {libc_answers, 0},
        {other_records_are_asked_for_as_ever, 0},
        {one_call_for_all_who_wait, 0},
        {many_names_at_a_time, 0},
        {nobody_else_is_on_these_threads, 0},
        {the_hub_may_close_meanwhile, 0},
        {blocking_blocks_the_thread, 0},
        {nsswitch_decides, 0},
        {a_changed_nsswitch_is_noticed, 0},
        {the_environment_decides, 6},
    };
    return RUN_DNS_TESTS(tests);
}
