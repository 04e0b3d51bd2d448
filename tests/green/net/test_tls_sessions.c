/* What gateways need: certificates as objects, sessions across contexts, keys that replace themselves, reasons in a word. */
#include <errno.h>

#include "tls_pair.h"

static char path[] = "/tmp/green-tls-XXXXXX";

static const char *write_file(const char *one, const char *two)
{
    strcpy(path, "/tmp/green-tls-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, one, strlen(one)), (ssize_t)strlen(one));
    ck_assert_int_eq(write(fd, two, strlen(two)), (ssize_t)strlen(two));
    close(fd);
    return path;
}

/* --- certificates ------------------------------------------------------------------------------------------------ */

START_TEST(what_a_certificate_says)
{
    green_tls_certificate_t *c;
    make_identities();
    int64_t now = (int64_t)time(NULL);
    ck_assert_int_eq(green_tls_certificate_load(&c, write_file(localhost.pem, localhost.key_pem), NULL), 0);
    ck_assert_str_eq(green_tls_certificate_name(c, 0), "localhost");
    ck_assert_str_eq(green_tls_certificate_name(c, 1), "*.wild.example");
    ck_assert_ptr_null(green_tls_certificate_name(c, 2)); /* addresses are no names */
    ck_assert_str_eq(green_tls_certificate_subject(c), "CN=localhost");
    ck_assert_int_eq(green_tls_certificate_kind(c), GREEN_TLS_ECDSA);
    ck_assert_int_lt(green_tls_certificate_begins(c), now);
    ck_assert_int_gt(green_tls_certificate_expires(c), now + 20 * DAY);
    green_tls_certificate_release(green_tls_certificate_retain(c));

    green_tls_context_t *server = new_context(GREEN_TLS_SERVER), *client = client_context();
    ck_assert_int_eq(green_tls_context_certificate(server, c), 0);
    green_tls_certificate_release(c);
    struct pair p = connect_pair(client, server);
    ck_assert_int_eq(green_tls_context_certificate(server, c), -EBUSY);
    close_both(&p);
    green_tls_context_release(server);
    green_tls_context_release(client);
    unlink(path);
}
END_TEST

START_TEST(certificates_that_cannot_be_used)
{
    green_tls_certificate_t *c;
    make_identities();
    ck_assert_int_eq(green_tls_certificate_load(&c, "/nowhere/a.pem", NULL), -ENOENT);
    ck_assert_ptr_null(c);
    ck_assert_int_eq(green_tls_certificate_load(&c, write_file(localhost.pem, ""), NULL), GREEN_ETLS_PEM);
    unlink(path);
    ck_assert_int_eq(green_tls_certificate_load(&c, write_file(localhost.pem, authority.key_pem), NULL),
                     GREEN_ETLS_KEY);
    unlink(path);
    ck_assert_int_eq(green_tls_certificate_load(&c, write_file("", localhost.key_pem), NULL), GREEN_ETLS_PEM);
    unlink(path);
}
END_TEST

/* --- sessions ---------------------------------------------------------------------------------------------------- */

struct servers {
    green_tls_context_t *client, *one, *two; /* contexts of servers that may have something in common */
};

static struct servers servers_with(green_tls_tickets_t *tickets, const char *scope_one, const char *scope_two)
{
    struct servers s = {client_context(), server_context(), server_context()};
    /* A ticket of TLS 1.3 is for one time only where its successor has come. */
    ck_assert_int_eq(green_tls_context_versions(s.client, GREEN_TLS_1_2, GREEN_TLS_1_2), 0);
    ck_assert_int_eq(green_tls_context_tickets(s.one, tickets), 0);
    ck_assert_int_eq(green_tls_context_tickets(s.two, tickets), 0);
    ck_assert_int_eq(green_tls_context_scope(s.one, scope_one, strlen(scope_one)), 0);
    ck_assert_int_eq(green_tls_context_scope(s.two, scope_two, strlen(scope_two)), 0);
    return s;
}

static void release(struct servers *s)
{
    green_tls_context_release(s->client);
    green_tls_context_release(s->one);
    green_tls_context_release(s->two);
}

/* A session of the first server. */
static green_tls_session_t *visit(green_tls_context_t *client, green_tls_context_t *server)
{
    struct pair p = connect_pair(client, server);
    send_text(p.server.tls, "x");
    expect_text(p.client.tls, "x");
    green_tls_session_t *session = green_tls_session(p.client.tls);
    ck_assert_ptr_nonnull(session);
    ck_assert(green_tls_session_fits(session, client) && !green_tls_session_fits(session, server));
    close_both(&p);
    return session;
}

static bool resumes(green_tls_context_t *client, green_tls_context_t *server,
                    const green_tls_session_t *session)
{
    struct pair p = prepare_pair(client, server);
    p.client.session = session;
    shake_both(&p);
    ck_assert_int_eq(p.client.result, 0);
    ck_assert_int_eq(p.server.result, 0);
    bool reused = green_tls_session_reused(p.client.tls);
    ck_assert(reused == green_tls_session_reused(p.server.tls));
    close_both(&p);
    return reused;
}

START_TEST(tickets_are_good_where_keys_and_scope_are_the_same)
{
    green_tls_tickets_t *tickets, *others;
    ck_assert_int_eq(green_tls_tickets_new(&tickets, GREEN_S(3600)), 0);
    ck_assert_int_eq(green_tls_tickets_new(&others, GREEN_S(3600)), 0);
    struct servers same = servers_with(tickets, "site", "site"),
                   apart = servers_with(tickets, "site", "other"),
                   strange = servers_with(others, "site", "site");
    green_tls_session_t *session = visit(same.client, same.one);
    ck_assert(resumes(same.client, same.two, session));
    ck_assert(resumes(same.client, apart.one, session)); /* made later, as after a reload */
    ck_assert(!resumes(same.client, apart.two, session));
    ck_assert(!resumes(same.client, strange.one, session));
    green_tls_session_free(session);
    release(&same);
    release(&apart);
    release(&strange);
    green_tls_tickets_release(tickets);
    green_tls_tickets_release(others);
}
END_TEST

START_TEST(keys_grow_old)
{
    const int64_t period = GREEN_MS(400);
    green_tls_tickets_t *tickets;
    ck_assert_int_eq(green_tls_tickets_new(&tickets, period), 0);
    struct servers s = servers_with(tickets, "site", "site");
    green_tls_session_t *session = visit(s.client, s.one);
    int tries = 0;
    while (resumes(s.client, s.two, session)) { /* for two periods at most */
        ck_assert_msg(tries++ < 100, "the key opens for ever");
        ck_assert_int_eq(green_sleep(period / 4), 0);
    }
    green_tls_session_free(session);
    session = visit(s.client, s.one);
    green_tls_session_free(session);
    release(&s);
    green_tls_tickets_release(tickets);
}
END_TEST

START_TEST(keys_that_are_given)
{
    unsigned char large[80], small[48];
    green_tls_tickets_t *here, *there;
    memset(large, 7, sizeof large);
    memset(small, 8, sizeof small);
    ck_assert_int_eq(green_tls_tickets_new(&here, 0), 0);
    ck_assert_int_eq(green_tls_tickets_new(&there, 0), 0);
    ck_assert_int_eq(green_tls_tickets_add(here, large, 79), -EINVAL);
    ck_assert_int_eq(green_tls_tickets_add(here, large, sizeof large), 0);
    ck_assert_int_eq(green_tls_tickets_add(there, small, sizeof small),
                     0); /* a new one first, the old one still opens */
    ck_assert_int_eq(green_tls_tickets_add(there, large, sizeof large), 0);
    struct servers s = servers_with(here, "site", "site"), other = servers_with(there, "site", "site");
    green_tls_session_t *session = visit(s.client, s.one);
    ck_assert(resumes(s.client, other.one, session));
    green_tls_session_free(session);
    session = visit(s.client, other.one);
    ck_assert(!resumes(s.client, s.one, session));
    green_tls_session_free(session);
    for (int i = 2; i < 16; i++)
        ck_assert_int_eq(green_tls_tickets_add(there, small, sizeof small), 0);
    ck_assert_int_eq(green_tls_tickets_add(there, small, sizeof small), -E2BIG);
    release(&s);
    release(&other);
    green_tls_tickets_release(here);
    green_tls_tickets_release(there);
    ck_assert_int_eq(green_tls_tickets_new(&here, -1), -EINVAL);
    ck_assert_int_eq(green_tls_tickets_new(&here, GREEN_S(1)), 0);
    ck_assert_int_eq(green_tls_tickets_add(here, large, sizeof large), -EINVAL);
    green_tls_tickets_release(here);
}
END_TEST

START_TEST(a_cache_for_those_without_tickets)
{
    for (int cached = 0; cached < 2; cached++) {
        green_tls_context_t *client = client_context(),
                            *server = new_context(GREEN_TLS_SERVER | GREEN_TLS_NO_TICKETS);
        identify(server, &localhost);
        ck_assert_int_eq(green_tls_context_sessions(server, 60, cached ? 100 : 0), 0);
        ck_assert_int_eq(green_tls_context_versions(client, GREEN_TLS_1_2, GREEN_TLS_1_2), 0);
        struct pair p = connect_pair(client, server);
        green_tls_session_t *session = green_tls_session(p.client.tls);
        close_both(&p);
        if (cached)
            ck_assert(resumes(client, server, session));
        else
            ck_assert(!session || !resumes(client, server, session));
        green_tls_session_free(session);
        green_tls_context_release(client);
        green_tls_context_release(server);
    }
}
END_TEST

START_TEST(settings_that_are_refused)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    green_tls_tickets_t *tickets;
    ck_assert_int_eq(green_tls_tickets_new(&tickets, GREEN_S(60)), 0);
    ck_assert_int_eq(green_tls_context_tickets(client, tickets), -EINVAL);
    ck_assert_int_eq(green_tls_context_scope(client, "x", 1), -EINVAL);
    ck_assert_int_eq(green_tls_context_sessions(client, 60, 0), -EINVAL);
    ck_assert_int_eq(green_tls_context_sessions(server, 0, 0), -EINVAL);
    ck_assert_int_eq(green_tls_context_sessions(server, 60, -1), -EINVAL);
    ck_assert_int_eq(green_tls_context_depth(server, -1), -EINVAL);
    struct pair p = connect_pair(client, server);
    ck_assert_int_eq(green_tls_context_tickets(server, tickets), -EBUSY);
    ck_assert_int_eq(green_tls_context_scope(server, "x", 1), -EBUSY);
    ck_assert_int_eq(green_tls_context_crl_file(server, "/nowhere"), -EBUSY);
    close_both(&p);
    green_tls_tickets_release(tickets);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

/* --- reasons ----------------------------------------------------------------------------------------------------- */

static void expect_reason(green_tls_context_t *client, const struct identity *who, const char *host,
                          const char *reason)
{
    green_tls_context_t *server = new_context(GREEN_TLS_SERVER);
    identify(server, who);
    int fds[2];
    tcp_pair(fds);
    struct end end = {.context = server, .below = stream_over(fds[1]), .accepts = true};
    green_stream_t *tls;
    green_t *other = spawn(shake, &end);
    ck_assert_int_lt(green_tls_connect(&tls, client, stream_over(fds[0]), host, soon()), 0);
    ck_assert_str_eq(green_tls_reason(), reason);
    finish(other);
    ck_assert_int_eq(green_stream_close(end.tls), 0);
    green_tls_context_release(server);
}

START_TEST(reasons)
{
    green_tls_context_t *client = client_context(), *nobody = new_context(GREEN_TLS_CLIENT);
    struct identity stranger = make_identity((struct wish){.subject = "somebody", .authority = true}),
                    late = make_identity((struct wish){.subject = "late",
                                                       .names = "DNS:localhost",
                                                       .issuer = &authority,
                                                       .from = -9 * DAY,
                                                       .until = -DAY}),
                    early = make_identity((struct wish){.subject = "early",
                                                        .names = "DNS:localhost",
                                                        .issuer = &authority,
                                                        .from = DAY,
                                                        .until = 2 * DAY});
    trust(nobody, &stranger);
    expect_reason(client, &late, "localhost", "certificate_expired");
    expect_reason(client, &early, "localhost", "certificate_not_yet_valid");
    expect_reason(client, &localhost, "example.com", "name_mismatch");
    expect_reason(nobody, &localhost, "localhost", "certificate_untrusted");
    green_tls_context_release(client);
    green_tls_context_release(nobody);
    free_identity(&stranger);
    free_identity(&late);
    free_identity(&early);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {what_a_certificate_says, 0},
        {certificates_that_cannot_be_used, 0},
        {tickets_are_good_where_keys_and_scope_are_the_same, 0},
        {keys_grow_old, 0},
        {keys_that_are_given, 0},
        {a_cache_for_those_without_tickets, 0},
        {settings_that_are_refused, 0},
        {reasons, 0},
    };
    return RUN_TESTS("tls_sessions", tests);
}
