/* Contexts: loading, versions, ciphers, application protocols, the choice by name, sessions (case 113). */
#include "tls_pair.h"

#include <pthread.h>

#include "net/tls_state.h"

static int load(green_tls_context_t *context, const char *chain, const char *key)
{
    return green_tls_context_certificate_pem(context, chain, strlen(chain), key, key ? strlen(key) : 0);
}

static void expect_said(const char *part)
{
    ck_assert_msg(strstr(green_tls_error(NULL), part) != NULL, "%s", green_tls_error(NULL));
}

START_TEST(sides)
{
    green_tls_context_t *context;
    ck_assert_int_eq(green_tls_context_new(&context, 0), -EINVAL);
    ck_assert_int_eq(green_tls_context_new(&context, GREEN_TLS_CLIENT | GREEN_TLS_SERVER), -EINVAL);
    ck_assert_int_eq(green_tls_context_new(&context, GREEN_TLS_CLIENT | 1024), -EINVAL);
    context = new_context(GREEN_TLS_CLIENT);
    ck_assert_int_eq(green_tls_context_client_certificate(context, GREEN_TLS_REQUIRED_CLIENT_CERTIFICATE),
                     -EINVAL);
    ck_assert_int_eq(green_tls_context_choose(context, NULL, NULL), -EINVAL);
    ck_assert_ptr_eq(green_tls_context_retain(context), context);
    green_tls_context_release(context);
    green_tls_context_release(context);
    green_tls_context_release(NULL);
}
END_TEST

START_TEST(the_wrong_side_closes_the_stream)
{
    green_tls_context_t *client = client_context(), *server = server_context(),
                        *bare = new_context(GREEN_TLS_SERVER);
    struct pair p = prepare_pair(server, client);
    shake_both(&p);
    ck_assert_int_eq(p.client.result, -EINVAL);
    ck_assert_int_eq(p.server.result, -EINVAL);
    p = prepare_pair(client, bare);
    shake_both(&p);
    ck_assert_int_eq(p.server.result, -EINVAL);
    ck_assert_str_eq(p.server.error, "the context has no certificate");
    ck_assert_int_lt(p.client.result, 0);
    green_stream_t *out;
    ck_assert_int_eq(green_tls_connect(&out, client, NULL, "localhost", soon()), -EINVAL);
    ck_assert_int_eq(green_tls_accept(&out, server, NULL, soon()), -EINVAL);
    ck_assert_ptr_null(out);
    green_tls_context_release(client);
    green_tls_context_release(server);
    green_tls_context_release(bare);
}
END_TEST

START_TEST(what_is_no_certificate)
{
    make_identities();
    green_tls_context_t *context = new_context(GREEN_TLS_SERVER);
    ck_assert_int_eq(load(context, "", ""), GREEN_ETLS_PEM);
    expect_said("no start line");
    ck_assert_int_eq(load(context, "garbage", localhost.key_pem), GREEN_ETLS_PEM);
    ck_assert_int_eq(load(context, localhost.key_pem, localhost.key_pem), GREEN_ETLS_PEM);
    ck_assert_int_eq(load(context, localhost.pem, localhost.pem), GREEN_ETLS_PEM);
    expect_said("private key");
    ck_assert_int_eq(load(context, localhost.pem, NULL), GREEN_ETLS_PEM);
    ck_assert_int_eq(load(context, localhost.pem, authority.key_pem), GREEN_ETLS_KEY);
    expect_said("mismatch");
    ck_assert_int_eq(green_tls_context_certificate_pem(context, NULL, 0, NULL, 0), GREEN_ETLS_PEM);
    ck_assert_int_eq(green_tls_context_ca_pem(context, "x", 1), GREEN_ETLS_PEM);
    char *cut = strdup(localhost.pem);
    cut[strlen(cut) / 2] = 0;
    ck_assert_int_eq(load(context, cut, localhost.key_pem), GREEN_ETLS_PEM);
    char *two; /* a good one, then half a one */
    ck_assert_int_gt(asprintf(&two, "%s%s", localhost.pem, cut), 0);
    ck_assert_int_eq(load(context, two, localhost.key_pem), GREEN_ETLS_PEM);
    free(two);
    free(cut);
    ck_assert_int_eq(load(context, localhost.pem, localhost.key_pem), 0);
    green_tls_context_release(context);
}
END_TEST

START_TEST(an_encrypted_key_asks_nobody)
{
    make_identities();
    green_tls_context_t *context = new_context(GREEN_TLS_SERVER);
    BIO *bio = BIO_new(BIO_s_mem());
    char password[] = "secret";
    ck_assert(PEM_write_bio_PrivateKey(bio, localhost.key, EVP_aes_128_cbc(), NULL, 0, NULL, password));
    char *key = bio_text(bio);
    ck_assert_int_eq(load(context, localhost.pem, key), GREEN_ETLS_PEM);
    expect_said("private key: ");
    free(key);
    green_tls_context_release(context);
}
END_TEST

START_TEST(weak_keys)
{
    struct identity weak = {.certificate = X509_new(), .key = EVP_RSA_gen(1024)};
    X509_gmtime_adj(X509_getm_notBefore(weak.certificate), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(weak.certificate), DAY);
    X509_set_pubkey(weak.certificate, weak.key);
    ck_assert(X509_sign(weak.certificate, weak.key, EVP_sha256()));
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert(PEM_write_bio_X509(bio, weak.certificate));
    ck_assert(PEM_write_bio_PrivateKey(bio, weak.key, NULL, NULL, 0, NULL, NULL));
    weak.pem = bio_text(bio);
    green_tls_context_t *context = new_context(GREEN_TLS_SERVER);
    ck_assert_int_eq(load(context, weak.pem, NULL), GREEN_ETLS_KEY); /* both are in one text, by the way */
    expect_said("too small");
    green_tls_context_release(context);
    free_identity(&weak);
}
END_TEST

/* --- files -------------------------------------------------------------------------------------------------------- */

struct folder {
    char path[64];
};

static struct folder make_folder(void)
{
    struct folder folder = {"/tmp/green-tls-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(folder.path));
    return folder;
}

static void put(const struct folder *folder, const char *name, const char *text, char path[128])
{
    snprintf(path, 128, "%s/%s", folder->path, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(from_files)
{
    make_identities();
    struct folder folder = make_folder();
    char chain[128], key[128], ca[128], hashed[128], name[32];
    put(&folder, "chain.pem", localhost.pem, chain);
    put(&folder, "key.pem", localhost.key_pem, key);
    put(&folder, "ca.pem", authority.pem, ca);
    snprintf(name, sizeof name, "%08lx.0",
             X509_NAME_hash_ex(X509_get_subject_name(authority.certificate), NULL, NULL, NULL));
    put(&folder, name, authority.pem, hashed);
    green_tls_context_t *server = new_context(GREEN_TLS_SERVER);
    ck_assert_int_eq(green_tls_context_certificate_file(server, "/nowhere", key), -ENOENT);
    expect_said("/nowhere");
    ck_assert_int_eq(green_tls_context_certificate_file(server, chain, "/nowhere"), -ENOENT);
    ck_assert_int_eq(green_tls_context_certificate_file(server, folder.path, NULL), -EISDIR);
    ck_assert_int_eq(green_tls_context_certificate_file(server, "/dev/zero", NULL), -EFBIG);
    ck_assert_int_eq(green_tls_context_ca_folder(server, "/nowhere"), -ENOENT);
    ck_assert_int_eq(green_tls_context_certificate_file(server, chain, key), 0);
    for (int way = 0; way < 2; way++) {
        green_tls_context_t *client = new_context(GREEN_TLS_CLIENT);
        ck_assert_int_eq(way ? green_tls_context_ca_folder(client, folder.path)
                             : green_tls_context_ca_file(client, ca),
                         0);
        struct pair p = connect_pair(client, server);
        close_both(&p);
        green_tls_context_release(client);
    }
    green_tls_context_release(server);
    const char *paths[] = {chain, key, ca, hashed};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(unlink(paths[i]), 0);
    ck_assert_int_eq(rmdir(folder.path), 0);
}
END_TEST

START_TEST(the_system_and_ours)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    ck_assert_int_eq(green_tls_context_ca_system(client), 0); /* adds, and takes nothing away */
    struct pair p = connect_pair(client, server);
    close_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

START_TEST(two_kinds_of_key)
{
    make_identities();
    struct identity rsa = make_identity(
        (struct wish){.subject = "rsa", .names = "DNS:localhost", .issuer = &authority, .rsa = true});
    green_tls_context_t *server = server_context();
    identify(server, &rsa);
    const char *ciphers[] = {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"};
    const char *subjects[] = {"CN=rsa", "CN=localhost"};
    for (int i = 0; i < 2; i++) {
        green_tls_context_t *client = client_context();
        ck_assert_int_eq(green_tls_context_ciphers(client, ciphers[i], NULL), 0);
        ck_assert_int_eq(green_tls_context_versions(client, GREEN_TLS_1_2, GREEN_TLS_1_2), 0);
        struct pair p = connect_pair(client, server);
        char subject[64];
        ck_assert_int_gt(green_tls_peer_subject(p.client.tls, subject, sizeof subject), 0);
        ck_assert_str_eq(subject, subjects[i]);
        ck_assert_str_eq(green_tls_cipher(p.server.tls), ciphers[i]);
        close_both(&p);
        green_tls_context_release(client);
    }
    green_tls_context_release(server);
    free_identity(&rsa);
}
END_TEST

/* --- versions and ciphers ----------------------------------------------------------------------------------------- */

START_TEST(versions)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    ck_assert_int_eq(green_tls_context_versions(client, GREEN_TLS_1_3, GREEN_TLS_1_2), -EINVAL);
    ck_assert_int_eq(green_tls_context_versions(client, (enum green_tls_version)0x0302, GREEN_TLS_1_2),
                     -EINVAL);
    ck_assert_int_eq(green_tls_context_versions(client, GREEN_TLS_1_2, GREEN_TLS_1_2), 0);
    struct pair p = connect_pair(client, server);
    ck_assert_str_eq(green_tls_version(p.client.tls), "TLSv1.2");
    send_text(p.client.tls, "hello");
    expect_text(p.server.tls, "hello");
    ck_assert_int_eq(green_stream_shutdown(p.server.tls, soon()), 0);
    expect_end(p.client.tls);
    close_both(&p);
    green_tls_context_release(server);
    server = server_context();
    ck_assert_int_eq(green_tls_context_versions(server, GREEN_TLS_1_3, GREEN_TLS_1_3), 0);
    p = prepare_pair(client, server);
    shake_both(&p);
    ck_assert_int_eq(p.client.result, GREEN_ETLS_ALERT);
    ck_assert_str_eq(p.client.error, "the peer refused: protocol version");
    ck_assert_int_eq(p.server.result, GREEN_ETLS);
    ck_assert_str_eq(p.server.error, "unsupported protocol");
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

START_TEST(ciphers)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    ck_assert_int_eq(green_tls_context_ciphers(client, "no-such-cipher", NULL), -EINVAL);
    ck_assert_int_eq(green_tls_context_ciphers(client, NULL, "no-such-cipher"), -EINVAL);
    ck_assert_int_eq(green_tls_context_ciphers(client, NULL, "TLS_CHACHA20_POLY1305_SHA256"), 0);
    struct pair p = connect_pair(client, server);
    ck_assert_str_eq(green_tls_cipher(p.server.tls), "TLS_CHACHA20_POLY1305_SHA256");
    close_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

START_TEST(used_is_finished)
{
    make_identities();
    green_tls_context_t *client = client_context(), *server = server_context();
    struct pair p = connect_pair(client, server);
    green_tls_context_t *both[] = {client, server};
    for (int i = 0; i < 2; i++) {
        green_tls_context_t *c = both[i];
        ck_assert_int_eq(load(c, localhost.pem, localhost.key_pem), -EBUSY);
        ck_assert_int_eq(green_tls_context_ca_pem(c, authority.pem, strlen(authority.pem)), -EBUSY);
        ck_assert_int_eq(green_tls_context_ca_system(c), -EBUSY);
        ck_assert_int_eq(green_tls_context_ca_folder(c, "/tmp"), -EBUSY);
        ck_assert_int_eq(green_tls_context_versions(c, GREEN_TLS_1_2, GREEN_TLS_1_2), -EBUSY);
        ck_assert_int_eq(green_tls_context_ciphers(c, "ALL", NULL), -EBUSY);
        ck_assert_int_eq(green_tls_context_alpn(c, "h2"), -EBUSY);
    }
    ck_assert_int_eq(green_tls_context_choose(server, NULL, NULL), -EBUSY);
    ck_assert_int_eq(green_tls_context_client_certificate(server, GREEN_TLS_NO_CLIENT_CERTIFICATE), -EBUSY);
    close_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

/* --- application protocols ---------------------------------------------------------------------------------------- */

static struct pair with_alpn(const char *client_offers, const char *server_speaks)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    if (client_offers)
        ck_assert_int_eq(green_tls_context_alpn(client, client_offers), 0);
    if (server_speaks)
        ck_assert_int_eq(green_tls_context_alpn(server, server_speaks), 0);
    struct pair p = prepare_pair(client, server);
    shake_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
    return p;
}

START_TEST(application_protocols)
{
    static const struct {
        const char *offered, *spoken, *agreed;
    } rows[] = {
        {"h2,http/1.1", "h2,http/1.1", "h2"},
        {"http/1.1,h2", "h2,http/1.1", "h2"}, /* the server's order */
        {"http/1.1", "h2,http/1.1", "http/1.1"},
        {NULL, "h2", NULL},
        {"h2", NULL, NULL},
    };
    struct pair p = with_alpn(rows[_i].offered, rows[_i].spoken);
    ck_assert_int_eq(p.client.result, 0);
    ck_assert_int_eq(p.server.result, 0);
    green_stream_t *ends[] = {p.client.tls, p.server.tls};
    for (int i = 0; i < 2; i++) {
        if (rows[_i].agreed)
            ck_assert_str_eq(green_tls_alpn(ends[i]), rows[_i].agreed);
        else
            ck_assert_ptr_null(green_tls_alpn(ends[i]));
    }
    close_both(&p);
}
END_TEST

START_TEST(no_application_protocol_in_common)
{
    struct pair p = with_alpn("http/1.1", "h2");
    ck_assert_int_eq(p.client.result, GREEN_ETLS_ALPN);
    ck_assert_int_eq(p.server.result, GREEN_ETLS_ALPN);
    ck_assert_str_eq(p.client.error, "the peer refused: no application protocol");
    ck_assert_str_eq(p.server.error, "no application protocol");
}
END_TEST

START_TEST(what_is_no_protocol_list)
{
    green_tls_context_t *context = new_context(GREEN_TLS_CLIENT);
    char longest[257];
    memset(longest, 'x', 256);
    longest[256] = 0;
    ck_assert_int_eq(green_tls_context_alpn(context, longest), -EINVAL);
    longest[255] = 0;
    ck_assert_int_eq(green_tls_context_alpn(context, longest), 0);
    const char *wrong[] = {"", ",", "h2,", ",h2", "a,,b"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(green_tls_context_alpn(context, wrong[i]), -EINVAL);
    green_tls_context_release(context);
}
END_TEST

/* --- the choice by name ------------------------------------------------------------------------------------------- */

struct choice {
    green_tls_context_t *standard, *other;
    char asked[64];
    int calls, sleep_result;
};

static green_tls_context_t *choose(void *arg, const char *name)
{
    struct choice *c = arg;
    c->calls++;
    c->sleep_result = green_sleep(GREEN_MS(1)); /* must not wait, and cannot */
    snprintf(c->asked, sizeof c->asked, "%s", name ? name : "(none)");
    return !name || !strcmp(name, "localhost") ? c->standard
           : !strcmp(name, "other.example")    ? c->other
                                               : NULL;
}

static struct choice make_choice(const struct identity *other)
{
    struct choice c = {.standard = server_context(), .other = new_context(GREEN_TLS_SERVER)};
    identify(c.other, other);
    return c;
}

START_TEST(a_context_for_each_name)
{
    make_identities();
    struct identity other =
        make_identity((struct wish){.subject = "other", .names = "DNS:other.example", .issuer = &authority});
    struct choice c = make_choice(&other);
    ck_assert_int_eq(green_tls_context_alpn(c.other, "h2"), 0);
    ck_assert_int_eq(green_tls_context_versions(c.other, GREEN_TLS_1_2, GREEN_TLS_1_2), 0);
    ck_assert_int_eq(green_tls_context_choose(c.standard, choose, &c), 0);
    green_tls_context_t *client = client_context();
    ck_assert_int_eq(green_tls_context_alpn(client, "http/1.1,h2"), 0);
    static const struct {
        const char *host, *asked;
        int client, server;
    } rows[] = {
        {"localhost", "localhost", 0, 0},
        {"Other.Example", "other.example", 0, 0},
        {"127.0.0.1", "(none)", 0, 0}, /* no name is sent for an address */
        {"unknown.example", "unknown.example", GREEN_ETLS_ALERT, GREEN_ETLS},
    };
    for (int i = 0; i < 4; i++) {
        struct pair p = prepare_pair(client, c.standard);
        p.client.host = rows[i].host;
        c.calls = 0;
        shake_both(&p);
        ck_assert_msg(p.client.result == rows[i].client, "%s", p.client.error);
        ck_assert_int_eq(p.server.result, rows[i].server);
        ck_assert_int_eq(c.calls, 1);
        ck_assert_int_eq(c.sleep_result, -EPERM);
        ck_assert_str_eq(c.asked, rows[i].asked);
        if (p.client.result < 0) {
            ck_assert_str_eq(p.client.error, "the peer refused: unrecognized name");
            continue;
        }
        char subject[64];
        ck_assert_int_gt(green_tls_peer_subject(p.client.tls, subject, sizeof subject), 0);
        ck_assert_str_eq(subject, i == 1 ? "CN=other" : "CN=localhost");
        ck_assert_str_eq(green_tls_version(p.client.tls), i == 1 ? "TLSv1.2" : "TLSv1.3");
        if (i == 1)
            ck_assert_str_eq(green_tls_alpn(p.client.tls), "h2");
        else
            ck_assert_ptr_null(green_tls_alpn(p.client.tls));
        if (i == 2)
            ck_assert_ptr_null(green_tls_server_name(p.server.tls));
        else
            ck_assert_str_eq(green_tls_server_name(p.server.tls), rows[i].asked);
        close_both(&p);
    }
    green_tls_context_release(client);
    green_tls_context_release(c.standard);
    green_tls_context_release(c.other);
    free_identity(&other);
}
END_TEST

/* --- sessions ----------------------------------------------------------------------------------------------------- */

/* A connection that has exchanged something, so that its tickets have come; and its session. */
static struct pair talk(green_tls_context_t *client, green_tls_context_t *server, const char *host,
                        const green_tls_session_t *session, green_tls_session_t **next)
{
    struct pair p = prepare_pair(client, server);
    p.client.host = host;
    p.client.session = session;
    shake_both(&p);
    ck_assert_msg(p.client.result == 0, "%s", p.client.error);
    ck_assert_msg(p.server.result == 0, "%s", p.server.error);
    send_text(p.server.tls, "hello");
    expect_text(p.client.tls, "hello");
    if (next)
        *next = green_tls_session(p.client.tls);
    return p;
}

static void resume_with(enum green_tls_version version)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    ck_assert_int_eq(green_tls_context_versions(client, version, version), 0);
    green_tls_session_t *session, *next;
    struct pair p = talk(client, server, "localhost", NULL, &session);
    ck_assert_ptr_nonnull(session);
    ck_assert(!green_tls_session_reused(p.client.tls));
    close_both(&p); /* without shutdown: no reason not to resume */
    for (int i = 0; i < 3; i++) {
        p = talk(client, server, "localhost", session, &next);
        ck_assert(green_tls_session_reused(p.client.tls) && green_tls_session_reused(p.server.tls));
        char subject[32];
        ck_assert_int_gt(green_tls_peer_subject(p.client.tls, subject, sizeof subject), 0);
        ck_assert_ptr_null(green_tls_verify_result(p.client.tls));
        close_both(&p);
        if (next) { /* TLS 1.2 need not send a new ticket */
            green_tls_session_free(session);
            session = next;
        }
    }
    green_tls_session_free(session);
    green_tls_session_free(NULL);
    green_tls_context_release(client);
    green_tls_context_release(server);
}

START_TEST(resumption)
{
    resume_with(_i ? GREEN_TLS_1_3 : GREEN_TLS_1_2);
}
END_TEST

START_TEST(a_session_for_somebody_else)
{
    green_tls_context_t *client = client_context(), *stranger = client_context(), *server = server_context();
    green_tls_session_t *session;
    struct pair p = talk(client, server, "localhost", NULL, &session);
    close_both(&p);
    p = prepare_pair(client, server);
    p.client.session = session;
    p.client.host = "127.0.0.1";
    shake_both(&p);
    ck_assert_int_eq(p.client.result, -EINVAL);
    p = prepare_pair(stranger, server);
    p.client.session = session;
    shake_both(&p);
    ck_assert_int_eq(p.client.result, -EINVAL);
    ck_assert_str_eq(p.client.error, "the session is of another context or host");
    green_tls_session_free(session);
    green_tls_context_release(client);
    green_tls_context_release(stranger);
    green_tls_context_release(server);
}
END_TEST

START_TEST(another_server_declines)
{
    green_tls_context_t *client = client_context(), *server = server_context(), *restarted = server_context();
    green_tls_session_t *session;
    struct pair p = talk(client, server, "localhost", NULL, &session);
    close_both(&p);
    p = talk(client, restarted, "localhost", session, NULL);
    ck_assert(!green_tls_session_reused(p.client.tls));
    close_both(&p);
    green_tls_session_free(session);
    green_tls_context_release(client);
    green_tls_context_release(server);
    green_tls_context_release(restarted);
}
END_TEST

START_TEST(a_server_without_tickets)
{
    green_tls_context_t *client = client_context(),
                        *server = new_context(GREEN_TLS_SERVER | GREEN_TLS_NO_TICKETS);
    identify(server, &localhost);
    green_tls_session_t *session;
    struct pair p = talk(client, server, "localhost", NULL, &session);
    ck_assert_ptr_null(session);
    close_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

/* A session made where no client certificate is asked for opens no door where one is: both names are served by one
 * listener, which can read both's tickets. */
START_TEST(no_resumption_across_names)
{
    make_identities();
    struct identity other = make_identity(
        (struct wish){.subject = "other", .names = "DNS:other.example,DNS:localhost", .issuer = &authority});
    struct choice c = make_choice(&other);
    ck_assert_int_eq(green_tls_context_client_certificate(c.other, GREEN_TLS_REQUIRED_CLIENT_CERTIFICATE), 0);
    trust(c.other, &authority);
    ck_assert_int_eq(green_tls_context_choose(c.standard, choose, &c), 0);
    green_tls_context_t *client = client_context();
    enum green_tls_version version = _i ? GREEN_TLS_1_3 : GREEN_TLS_1_2;
    ck_assert_int_eq(green_tls_context_versions(client, version, version), 0);
    green_tls_session_t *session;
    struct pair p = talk(client, c.standard, "localhost", NULL, &session);
    close_both(&p);
    free(session->host); /* the library refuses to do this by accident: an attacker's client would not */
    session->host = strdup("other.example");
    p = prepare_pair(client, c.standard);
    p.client.host = "other.example";
    p.client.session = session;
    shake_both(&p);
    ck_assert_int_eq(p.server.result, GREEN_ETLS_CERTIFICATE);
    ck_assert_int_eq(green_stream_close(p.client.tls), 0);
    green_tls_session_free(session);
    green_tls_context_release(client);
    green_tls_context_release(c.standard);
    green_tls_context_release(c.other);
    free_identity(&other);
}
END_TEST

/* --- threads ------------------------------------------------------------------------------------------------------ */

struct shared {
    green_tls_context_t *client, *server;
};

static void *talk_in_a_thread(void *arg)
{
    const struct shared *shared = arg;
    green_tls_session_t *session = NULL, *next;
    for (int i = 0; i < 5; i++) {
        struct pair p = talk(shared->client, shared->server, "localhost", session, &next);
        ck_assert(green_tls_session_reused(p.client.tls) == (i > 0));
        close_both(&p);
        green_tls_session_free(session);
        session = next;
    }
    green_tls_session_free(session);
    green_tls_context_release(shared->client);
    green_tls_context_release(shared->server);
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

START_TEST(contexts_are_shared_between_threads)
{
    enum { THREADS = 3 };
    struct shared shared = {client_context(), server_context()};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        green_tls_context_retain(shared.client);
        green_tls_context_retain(shared.server);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, talk_in_a_thread, &shared), 0);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    green_tls_context_release(shared.client);
    green_tls_context_release(shared.server);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {sides, 0},
        {the_wrong_side_closes_the_stream, 0},
        {what_is_no_certificate, 0},
        {an_encrypted_key_asks_nobody, 0},
        {weak_keys, 0},
        {from_files, 0},
        {the_system_and_ours, 0},
        {two_kinds_of_key, 0},
        {versions, 0},
        {ciphers, 0},
        {used_is_finished, 0},
        {application_protocols, 5},
        {no_application_protocol_in_common, 0},
        {what_is_no_protocol_list, 0},
        {a_context_for_each_name, 0},
        {resumption, 2},
        {a_session_for_somebody_else, 0},
        {another_server_declines, 0},
        {a_server_without_tickets, 0},
        {no_resumption_across_names, 2},
        {contexts_are_shared_between_threads, 0},
    };
    return RUN_TESTS("tls_context", tests);
}
