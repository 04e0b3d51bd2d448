/* Who is believed: chains, names, dates, client certificates; and what is said about those who are not (case 113). */
#include "tls_pair.h"

/* The client's verdict on a server that presents `who`, called `host`. Released here: the client's context. */
static struct pair verdict(green_tls_context_t *client, const struct identity *who, const char *host)
{
    green_tls_context_t *server = new_context(GREEN_TLS_SERVER);
    identify(server, who);
    struct pair p = prepare_pair(client, server);
    p.client.host = host;
    shake_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
    return p;
}

static void close_pair_of(struct pair *p)
{
    ck_assert_int_eq(green_stream_close(p->client.tls), 0);
    ck_assert_int_eq(green_stream_close(p->server.tls), 0);
}

static void expect_refused(struct pair *p, int code, const char *why)
{
    ck_assert_msg(p->client.result == code, "%d: %s", p->client.result, p->client.error);
    ck_assert_str_eq(p->client.error, why);
    close_pair_of(p);
}

START_TEST(names_that_match)
{
    const char *hosts[] = {"localhost", "LocalHost", "localhost.",      "a.wild.example", "127.0.0.1",
                           "::1",       "[::1]",     "0:0:0:0:0:0:0:1", "B.WILD.example"};
    struct pair p = verdict(client_context(), &localhost, hosts[_i]);
    ck_assert_msg(p.client.result == 0, "%s: %s", hosts[_i], p.client.error);
    ck_assert_int_eq(p.server.result, 0);
    ck_assert_ptr_null(green_tls_verify_result(p.client.tls));
    close_pair_of(&p);
}
END_TEST

START_TEST(names_that_do_not)
{
    static const struct {
        const char *host, *kind;
    } rows[] = {
        {"example.com", "hostname mismatch"},
        {"wild.example", "hostname mismatch"},      /* the wildcard stands for one label */
        {"a.b.wild.example", "hostname mismatch"},  /* and not for two */
        {"localhost.example", "hostname mismatch"}, /* a beginning is not enough */
        {"127.0.0.2", "IP address mismatch"},
        {"::2", "IP address mismatch"},
    };
    char why[512];
    struct pair p = verdict(client_context(), &localhost, rows[_i].host);
    snprintf(why, sizeof why,
             "%s: CN=localhost, is for DNS:localhost, DNS:*.wild.example, IP:127.0.0.1, IP:::1, checked "
             "against %s %s",
             rows[_i].kind, rows[_i].kind[0] == 'I' ? "address" : "host name", rows[_i].host);
    expect_refused(&p, GREEN_ETLS_NAME, why);
}
END_TEST

START_TEST(the_common_name_is_no_name)
{
    make_identities();
    struct identity old = make_identity((struct wish){.subject = "example.com", .issuer = &authority});
    struct pair p = verdict(client_context(), &old, "example.com");
    expect_refused(&p, GREEN_ETLS_NAME,
                   "hostname mismatch: CN=example.com, checked against host name example.com");
    free_identity(&old);
}
END_TEST

START_TEST(not_a_host_name)
{
    static char endless[600];
    memset(endless, 'a', sizeof endless - 1);
    const char *hosts[] = {"",     ".",     ".localhost", "local host", "localhost/",
                           "a..b", endless, "h\xc3",      "[::1",       "*.example"};
    struct pair p = verdict(client_context(), &localhost, hosts[_i]);
    ck_assert_int_eq(p.client.result, -EINVAL);
    ck_assert_str_eq(p.client.error, "not a host name");
    ck_assert_int_eq(p.server.result, GREEN_ETLS_TRUNCATED); /* the stream below was closed */
}
END_TEST

START_TEST(no_host)
{
    struct pair p = verdict(client_context(), &localhost, NULL);
    ck_assert_int_eq(p.client.result, -EINVAL);
    ck_assert_int_eq(p.server.result, GREEN_ETLS_TRUNCATED);
}
END_TEST

START_TEST(dates)
{
    make_identities();
    struct identity old = make_identity((struct wish){
        .subject = "old", .names = "DNS:localhost", .issuer = &authority, .from = -3 * DAY, .until = -DAY});
    struct identity young = make_identity((struct wish){
        .subject = "young", .names = "DNS:localhost", .issuer = &authority, .from = DAY, .until = 3 * DAY});
    struct pair p = verdict(client_context(), &old, "localhost");
    ck_assert_int_eq(p.server.result, GREEN_ETLS_ALERT); /* and it is told why */
    ck_assert_str_eq(p.server.error, "the peer refused: certificate expired");
    expect_refused(&p, GREEN_ETLS_CERTIFICATE,
                   "certificate has expired: CN=old, checked against host name localhost");
    p = verdict(client_context(), &young, "127.0.0.1");
    ck_assert_int_eq(p.client.result, GREEN_ETLS_NAME); /* the name is looked at first */
    close_pair_of(&p);
    p = verdict(client_context(), &young, "localhost");
    expect_refused(&p, GREEN_ETLS_CERTIFICATE,
                   "certificate is not yet valid: CN=young, checked against host name localhost");
    free_identity(&old);
    free_identity(&young);
}
END_TEST

START_TEST(unknown_authority)
{
    struct identity stranger = make_identity((struct wish){.subject = "Stranger", .authority = true});
    struct identity leaf =
        make_identity((struct wish){.subject = "leaf", .names = "DNS:localhost", .issuer = &stranger});
    struct pair p = verdict(client_context(), &leaf, "localhost");
    expect_refused(&p, GREEN_ETLS_CERTIFICATE,
                   "unable to get local issuer certificate: CN=leaf, issued by CN=Stranger, checked against "
                   "host name localhost");
    free_identity(&leaf);
    free_identity(&stranger);
}
END_TEST

START_TEST(the_system_does_not_know_us)
{
    make_identities();
    struct pair p = verdict(new_context(GREEN_TLS_CLIENT), &localhost, "localhost");
    ck_assert_int_eq(p.client.result, GREEN_ETLS_CERTIFICATE);
    close_pair_of(&p);
    int fds[2];
    tcp_pair(fds); /* no context: the same */
    green_tls_context_t *server = server_context();
    p = (struct pair){.client = {.below = stream_over(fds[0]), .host = "localhost"},
                      .server = {.context = server, .below = stream_over(fds[1])}};
    shake_both(&p);
    expect_refused(
        &p, GREEN_ETLS_CERTIFICATE,
        "unable to get local issuer certificate: CN=localhost, issued by CN=Test authority, checked "
        "against host name localhost");
    green_tls_context_release(server);
}
END_TEST

START_TEST(self_signed)
{
    struct identity self = make_identity((struct wish){.subject = "self", .names = "DNS:localhost"});
    struct pair p = verdict(client_context(), &self, "localhost");
    expect_refused(&p, GREEN_ETLS_CERTIFICATE,
                   "self-signed certificate: CN=self, checked against host name localhost");
    green_tls_context_t *client = new_context(GREEN_TLS_CLIENT);
    trust(client, &self); /* by name, it is believed */
    p = verdict(client, &self, "localhost");
    ck_assert_msg(p.client.result == 0, "%s", p.client.error);
    close_pair_of(&p);
    free_identity(&self);
}
END_TEST

START_TEST(an_intermediate)
{
    make_identities();
    struct identity middle =
        make_identity((struct wish){.subject = "Middle", .issuer = &authority, .authority = true});
    struct identity leaf =
        make_identity((struct wish){.subject = "leaf", .names = "DNS:localhost", .issuer = &middle});
    struct pair p = verdict(client_context(), &leaf, "localhost");
    ck_assert_int_eq(p.client.result, GREEN_ETLS_CERTIFICATE);
    close_pair_of(&p);
    char *chain = NULL;
    ck_assert_int_gt(asprintf(&chain, "%s%s", leaf.pem, middle.pem), 0);
    struct identity both = leaf;
    both.pem = chain;
    p = verdict(client_context(), &both, "localhost");
    ck_assert_msg(p.client.result == 0, "%s", p.client.error);
    close_pair_of(&p);
    free(chain);
    /* Somebody who is no authority cannot vouch. */
    struct identity forged =
        make_identity((struct wish){.subject = "forged", .names = "DNS:example.com", .issuer = &leaf});
    ck_assert_int_gt(asprintf(&chain, "%s%s%s", forged.pem, leaf.pem, middle.pem), 0);
    both = forged;
    both.pem = chain;
    p = verdict(client_context(), &both, "example.com");
    ck_assert_int_eq(p.client.result, GREEN_ETLS_CERTIFICATE);
    close_pair_of(&p);
    free(chain);
    free_identity(&forged);
    free_identity(&leaf);
    free_identity(&middle);
}
END_TEST

START_TEST(anybody_will_do)
{
    struct identity self = make_identity((struct wish){.subject = "self", .names = "DNS:other"});
    struct pair p = verdict(new_context(GREEN_TLS_CLIENT | GREEN_TLS_DANGEROUSLY_ACCEPT_ANY_CERTIFICATE),
                            &self, "localhost");
    ck_assert_int_eq(p.client.result, 0);
    ck_assert_ptr_nonnull(green_tls_verify_result(p.client.tls)); /* but it is told */
    send_text(p.client.tls, "hello");
    expect_text(p.server.tls, "hello");
    close_pair_of(&p);
    p = verdict(new_context(GREEN_TLS_CLIENT | GREEN_TLS_DANGEROUSLY_ACCEPT_ANY_CERTIFICATE), &self, NULL);
    ck_assert_int_eq(p.client.result, 0);
    ck_assert_ptr_null(green_tls_server_name(p.server.tls));
    close_pair_of(&p);
    free_identity(&self);
}
END_TEST

START_TEST(hostile_text_in_a_certificate)
{
    make_identities();
    struct identity nasty = make_identity((struct wish){
        .subject = "evil\n\x1b[31mforged log line", .names = "DNS:a\nb\x1b", .issuer = &authority});
    struct pair p = verdict(client_context(), &nasty, "localhost");
    ck_assert_int_eq(p.client.result, GREEN_ETLS_NAME);
    for (const char *c = p.client.error; *c; c++)
        ck_assert_int_ge((unsigned char)*c, ' ');
    close_pair_of(&p);
    free_identity(&nasty);
}
END_TEST

/* --- client certificates ------------------------------------------------------------------------------------------ */

static struct pair mutual(const struct identity *client_is, enum green_tls_client_certificate wish,
                          enum green_tls_version version)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    trust(server, &authority);
    ck_assert_int_eq(green_tls_context_client_certificate(server, wish), 0);
    ck_assert_int_eq(green_tls_context_versions(client, version, version), 0);
    if (client_is)
        identify(client, client_is);
    struct pair p = prepare_pair(client, server);
    shake_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
    return p;
}

static const enum green_tls_version versions[] = {GREEN_TLS_1_2, GREEN_TLS_1_3};

START_TEST(a_client_with_a_certificate)
{
    make_identities();
    struct identity alice = make_identity((struct wish){.subject = "alice", .issuer = &authority});
    for (int wish = GREEN_TLS_OPTIONAL_CLIENT_CERTIFICATE; wish <= GREEN_TLS_REQUIRED_CLIENT_CERTIFICATE;
         wish++) {
        struct pair p = mutual(&alice, (enum green_tls_client_certificate)wish, versions[_i]);
        ck_assert_int_eq(p.client.result, 0);
        ck_assert_int_eq(p.server.result, 0);
        char subject[64];
        ck_assert_int_eq(green_tls_peer_subject(p.server.tls, subject, sizeof subject), 8);
        ck_assert_str_eq(subject, "CN=alice");
        close_both(&p);
    }
    struct pair p = mutual(&alice, GREEN_TLS_NO_CLIENT_CERTIFICATE, versions[_i]); /* not asked: not told */
    char subject[64];
    ck_assert_int_eq(green_tls_peer_subject(p.server.tls, subject, sizeof subject), -ENOENT);
    close_both(&p);
    free_identity(&alice);
}
END_TEST

START_TEST(a_client_without_a_certificate)
{
    char byte;
    struct pair p = mutual(NULL, GREEN_TLS_OPTIONAL_CLIENT_CERTIFICATE, versions[_i]);
    ck_assert_int_eq(p.server.result, 0);
    ck_assert_int_eq(green_tls_peer_subject(p.server.tls, &byte, 1), -ENOENT);
    close_both(&p);
    p = mutual(NULL, GREEN_TLS_REQUIRED_CLIENT_CERTIFICATE, versions[_i]);
    ck_assert_int_eq(p.server.result, GREEN_ETLS_CERTIFICATE);
    ck_assert_str_eq(p.server.error, "peer did not return a certificate");
    if (versions[_i] == GREEN_TLS_1_2) {
        ck_assert_int_eq(p.client.result, GREEN_ETLS_ALERT);
    } else { /* the client is ready before the server has judged */
        ck_assert_int_eq(p.client.result, 0);
        ck_assert_int_eq(green_stream_read(p.client.tls, &byte, 1, soon()), GREEN_ETLS_ALERT);
        ck_assert_str_eq(green_tls_error(p.client.tls), "the peer refused: certificate required");
        ck_assert_int_eq(green_stream_read(p.client.tls, &byte, 1, soon()), GREEN_ETLS_ALERT); /* for good */
        ck_assert_int_eq(green_stream_write(p.client.tls, &byte, 1, soon()), GREEN_ETLS_ALERT);
        ck_assert_int_eq(green_stream_shutdown(p.client.tls, soon()), GREEN_ETLS_ALERT);
    }
    close_pair_of(&p);
}
END_TEST

START_TEST(a_client_nobody_knows)
{
    struct identity mallory = make_identity((struct wish){.subject = "mallory"});
    struct pair p = mutual(&mallory, GREEN_TLS_OPTIONAL_CLIENT_CERTIFICATE, versions[_i]);
    ck_assert_int_eq(p.server.result, GREEN_ETLS_CERTIFICATE);
    ck_assert_str_eq(p.server.error, "self-signed certificate: CN=mallory");
    close_pair_of(&p);
    free_identity(&mallory);
}
END_TEST

/* --- what can be known about the peer ------------------------------------------------------------------------------ */

START_TEST(the_peer_in_words)
{
    struct pair p = usual_pair();
    green_stream_t *s = p.client.tls;
    char text[4096], small[6];
    ck_assert_int_eq(green_tls_peer_subject(s, text, sizeof text), 12);
    ck_assert_str_eq(text, "CN=localhost");
    ck_assert_int_eq(green_tls_peer_subject(s, small, sizeof small), 12); /* cut, but the length is told */
    ck_assert_str_eq(small, "CN=lo");
    ck_assert_int_eq(green_tls_peer_subject(s, NULL, 0), 12);
    ck_assert_int_eq(green_tls_peer_issuer(s, text, sizeof text), 17);
    ck_assert_str_eq(text, "CN=Test authority");
    const char *names[] = {"DNS:localhost", "DNS:*.wild.example", "IP:127.0.0.1", "IP:::1"};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(green_tls_peer_name(s, i, text, sizeof text), (int)strlen(names[i]));
        ck_assert_str_eq(text, names[i]);
    }
    ck_assert_int_eq(green_tls_peer_name(s, 4, text, sizeof text), -ENOENT);
    ck_assert_int_eq(green_tls_peer_pem(s, text, sizeof text), (int)strlen(localhost.pem));
    ck_assert_str_eq(text, localhost.pem);
    unsigned char fingerprint[32], expected[EVP_MAX_MD_SIZE];
    ck_assert_int_eq(green_tls_peer_fingerprint(s, fingerprint), 0);
    ck_assert(X509_digest(localhost.certificate, EVP_sha256(), expected, NULL));
    ck_assert_int_eq(memcmp(fingerprint, expected, 32), 0);
    ck_assert_ptr_null(green_tls_verify_result(s));
    ck_assert_int_eq(green_tls_peer_pem(p.server.tls, text, sizeof text), -ENOENT);
    ck_assert_int_eq(green_tls_peer_fingerprint(p.server.tls, fingerprint), -ENOENT);
    close_both(&p);
}
END_TEST

START_TEST(both_compute_the_same_binding)
{
    struct pair p = usual_pair(), q = usual_pair();
    unsigned char a[32], b[32], c[32];
    const char *label = "EXPORTER-Channel-Binding";
    ck_assert_int_eq(green_tls_export(p.client.tls, label, a, 32), 0);
    ck_assert_int_eq(green_tls_export(p.server.tls, label, b, 32), 0);
    ck_assert_int_eq(memcmp(a, b, 32), 0);
    ck_assert_int_eq(green_tls_export(p.client.tls, "EXPORTER-other", b, 32), 0);
    ck_assert_int_ne(memcmp(a, b, 32), 0);
    ck_assert_int_eq(green_tls_export(q.client.tls, label, c, 32), 0);
    ck_assert_int_ne(memcmp(a, c, 32), 0);
    ck_assert_int_eq(green_tls_export(q.client.tls, label, c, 0), -EINVAL);
    ck_assert_int_eq(green_tls_export(q.client.tls, NULL, c, 32), -EINVAL);
    close_both(&p);
    close_both(&q);
}
END_TEST

START_TEST(other_streams_know_nothing)
{
    int fds[2];
    char text[8];
    unsigned char fingerprint[32];
    tcp_pair(fds);
    green_stream_t *s = stream_over(fds[0]);
    ck_assert(!green_stream_is_tls(s) && !green_stream_is_tls(NULL));
    ck_assert_ptr_null(green_tls_below(s));
    ck_assert_ptr_null(green_tls_version(s));
    ck_assert_ptr_null(green_tls_cipher(s));
    ck_assert_ptr_null(green_tls_alpn(s));
    ck_assert_ptr_null(green_tls_server_name(s));
    ck_assert_ptr_null(green_tls_session(s));
    ck_assert_ptr_null(green_tls_verify_result(s));
    ck_assert_str_eq(green_tls_error(s), "");
    ck_assert(!green_tls_session_reused(s) && !green_tls_readable(s));
    ck_assert_uint_eq(green_tls_pending(s) + green_tls_unsent(s), 0);
    green_tls_trim(s);
    ck_assert_int_eq(green_tls_peer_subject(s, text, sizeof text), -EINVAL);
    ck_assert_int_eq(green_tls_peer_fingerprint(s, fingerprint), -EINVAL);
    ck_assert_int_eq(green_tls_export(s, "label", text, 8), -EINVAL);
    ck_assert_int_eq(green_stream_close(s), 0);
    ck_assert_int_eq(green_close(fds[1]), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {names_that_match, 9},
        {names_that_do_not, 6},
        {the_common_name_is_no_name, 0},
        {not_a_host_name, 10},
        {no_host, 0},
        {dates, 0},
        {unknown_authority, 0},
        {the_system_does_not_know_us, 0},
        {self_signed, 0},
        {an_intermediate, 0},
        {anybody_will_do, 0},
        {hostile_text_in_a_certificate, 0},
        {a_client_with_a_certificate, 2},
        {a_client_without_a_certificate, 2},
        {a_client_nobody_knows, 2},
        {the_peer_in_words, 0},
        {both_compute_the_same_binding, 0},
        {other_streams_know_nothing, 0},
    };
    return RUN_TESTS("tls_verify", tests);
}
