/* Other people's programs at the other end: openssl s_server, openssl s_client, curl. */
#include "tls_pair.h"

#include <signal.h>
#include <sys/prctl.h>

/* A program with pipes at its standard input and output. */
struct program {
    pid_t pid;
    int in, out; /* we write to the first and read from the second; non-blocking */
};

static struct program start(const char *const *arguments)
{
    struct program p;
    int in[2], out[2];
    ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    p.pid = fork();
    ck_assert_int_ge(p.pid, 0);
    if (p.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    p.in = in[1];
    p.out = out[0];
    set_nonblocking(p.in);
    set_nonblocking(p.out);
    return p;
}

/* Its exit status. */
static int stop(struct program *p, bool by_force)
{
    int status;
    green_close(p->in);
    if (by_force)
        kill(p->pid, SIGKILL);
    char buffer[1024];
    while (green_read(p->out, buffer, sizeof buffer, soon()) > 0)
        ;
    green_close(p->out);
    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    return by_force ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Reads a program's output up to the first line that holds `what`, and returns that. */
static void read_line_with(int fd, const char *what, char *line, size_t size)
{
    for (size_t at = 0;;) {
        ck_assert_uint_lt(at, size - 1);
        ck_assert_int_eq(green_read(fd, line + at, 1, soon()), 1);
        if (line[at] != '\n') {
            at++;
            continue;
        }
        line[at] = 0;
        if (strstr(line, what))
            return;
        at = 0;
    }
}

struct files {
    char folder[64], ca[96], chain[96], key[96];
};

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static struct files write_files(void)
{
    struct files f = {.folder = "/tmp/green-tls-XXXXXX"};
    make_identities();
    ck_assert_ptr_nonnull(mkdtemp(f.folder));
    snprintf(f.ca, sizeof f.ca, "%s/ca.pem", f.folder);
    snprintf(f.chain, sizeof f.chain, "%s/chain.pem", f.folder);
    snprintf(f.key, sizeof f.key, "%s/key.pem", f.folder);
    put(f.ca, authority.pem);
    put(f.chain, localhost.pem);
    put(f.key, localhost.key_pem);
    return f;
}

static void remove_files(const struct files *f)
{
    ck_assert_int_eq(unlink(f->ca) + unlink(f->chain) + unlink(f->key), 0);
    ck_assert_int_eq(rmdir(f->folder), 0);
}

static const char *const versions[] = {"-tls1_2", "-tls1_3"};

START_TEST(openssl_serves)
{
    struct files f = write_files();
    const char *arguments[] = {"openssl",        "s_server",   "-accept", "127.0.0.1:0", "-cert",
                               f.chain,          "-key",       f.key,     "-rev",        "-alpn",
                               "other,text/rev", versions[_i], NULL};
    struct program server = start(arguments);
    char line[512];
    read_line_with(server.out, "ACCEPT", line, sizeof line);
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, "127.0.0.1", atoi(strrchr(line, ':') + 1)), 0);
    green_tls_context_t *context = client_context();
    ck_assert_int_eq(green_tls_context_alpn(context, "text/rev"), 0);
    green_tls_session_t *session = NULL;
    for (int i = 0; i < 2; i++) {
        int fd = green_connect(&address, soon());
        ck_assert_int_ge(fd, 0);
        green_stream_t *tls;
        int r = green_tls_resume(&tls, context, stream_over(fd), "localhost", session, soon());
        ck_assert_msg(r == 0, "%s", green_tls_error(NULL));
        ck_assert_str_eq(green_tls_version(tls), _i ? "TLSv1.3" : "TLSv1.2");
        ck_assert_str_eq(green_tls_alpn(tls), "text/rev");
        ck_assert(green_tls_session_reused(tls) == (i == 1));
        send_text(tls, "abcdef\n");
        expect_text(tls, "fedcba\n");
        green_tls_session_free(session);
        session = green_tls_session(tls);
        ck_assert_int_eq(green_stream_shutdown(tls, soon()), 0);
        ck_assert_int_eq(green_stream_close(tls), 0);
    }
    green_tls_session_free(session);
    stop(&server, true);
    green_tls_context_release(context);
    remove_files(&f);
}
END_TEST

/* --- our server --------------------------------------------------------------------------------------------------- */

struct service {
    int listener;
    green_tls_context_t *context;
    int result; /* of the handshake */
    char name[64], version[16], request[64];
    const char *answer;
};

/* One connection: reads a line, and what follows it if that is a request of HTTP; answers; ends. */
static void *serve_one(void *arg)
{
    struct service *s = arg;
    green_stream_t *tls;
    int fd = green_accept(s->listener, NULL, soon());
    ck_assert_int_ge(fd, 0);
    s->result = green_tls_accept(&tls, s->context, stream_over(fd), soon());
    if (s->result < 0)
        return NULL;
    snprintf(s->name, sizeof s->name, "%s", green_tls_server_name(tls));
    snprintf(s->version, sizeof s->version, "%s", green_tls_version(tls));
    char text[4096] = {0};
    for (size_t at = 0; !strstr(text, s->answer[0] == 'H' ? "\r\n\r\n" : "\n");) {
        ssize_t n = green_stream_read(tls, text + at, sizeof text - 1 - at, soon());
        ck_assert_int_gt(n, 0);
        at += (size_t)n;
    }
    snprintf(s->request, sizeof s->request, "%.*s", (int)strcspn(text, "\r\n"), text);
    send_text(tls, s->answer);
    ck_assert_int_eq(green_stream_shutdown(tls, soon()), 0);
    char byte;
    ssize_t n = green_stream_read(tls, &byte, 1, soon());
    ck_assert(n == 0 || n == GREEN_ETLS_TRUNCATED || n == -ECONNRESET); /* not everybody says good-bye */
    ck_assert_int_eq(green_stream_close(tls), 0);
    return NULL;
}

static struct service open_service(int *port, const char *answer)
{
    green_address_t address;
    struct service s = {.listener = listen_anywhere(&address), .context = server_context(), .answer = answer};
    *port = green_address_port(&address);
    return s;
}

static void close_service(struct service *s)
{
    ck_assert_int_eq(green_close(s->listener), 0);
    green_tls_context_release(s->context);
}

START_TEST(openssl_asks)
{
    struct files f = write_files();
    int port;
    struct service s = open_service(&port, "and you too\n");
    char where[32], line[512];
    snprintf(where, sizeof where, "127.0.0.1:%d", port);
    const char *arguments[] = {"openssl",          "s_client",
                               "-connect",         where,
                               "-CAfile",          f.ca,
                               "-quiet",           "-servername",
                               "localhost",        "-verify_return_error",
                               "-verify_hostname", "localhost",
                               versions[_i],       NULL};
    green_t *server = spawn(serve_one, &s);
    struct program client = start(arguments);
    ck_assert_int_eq(green_write_all(client.in, "hello\n", 6, NULL, soon()), 0);
    read_line_with(client.out, "and you", line, sizeof line);
    ck_assert_str_eq(line, "and you too");
    stop(&client, true);
    finish(server);
    ck_assert_str_eq(s.request, "hello");
    ck_assert_str_eq(s.name, "localhost");
    ck_assert_str_eq(s.version, _i ? "TLSv1.3" : "TLSv1.2");
    close_service(&s);
    remove_files(&f);
}
END_TEST

START_TEST(curl_asks)
{
    struct files f = write_files();
    int port;
    struct service s = open_service(&port, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it\n");
    char url[64], line[512];
    snprintf(url, sizeof url, "https://localhost:%d/path", port);
    const char *arguments[] = {"curl", "-sS", "--noproxy", "*", "-4", "--cacert", f.ca, url, NULL};
    green_t *server = spawn(serve_one, &s);
    struct program client = start(arguments);
    read_line_with(client.out, "all", line, sizeof line);
    ck_assert_str_eq(line, "all of it");
    ck_assert_int_eq(stop(&client, false), 0); /* curl complains about an end without close_notify */
    finish(server);
    ck_assert_str_eq(s.request, "GET /path HTTP/1.1");
    ck_assert_str_eq(s.name, "localhost");
    close_service(&s);
    remove_files(&f);
}
END_TEST

START_TEST(curl_does_not_trust_us)
{
    int port;
    struct service s = open_service(&port, "HTTP/1.0 200 OK\r\n\r\n");
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
    const char *arguments[] = {"curl", "-sS", "--noproxy", "*", url, NULL};
    green_t *server = spawn(serve_one, &s);
    struct program client = start(arguments);
    ck_assert_int_eq(stop(&client, false), 60); /* CURLE_PEER_FAILED_VERIFICATION */
    finish(server);
    ck_assert_int_eq(s.result, GREEN_ETLS_ALERT);
    ck_assert_str_eq(green_tls_error(NULL), "the peer refused: unknown CA");
    close_service(&s);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {openssl_serves, 2}, {openssl_asks, 2}, {curl_asks, 0}, {curl_does_not_trust_us, 0}};
    return RUN_TESTS("tls_foreign", tests);
}
