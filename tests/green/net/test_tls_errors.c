/* OpenSSL's queue of errors belongs to the thread, and so to all of its greenlets: what one call leaves in it must not be
 * taken for the failure of another. And responses of OCSP that are none. */
#include <errno.h>

#include <openssl/err.h>

#include "tls_pair.h"

/* As some other library in this thread might. */
static void somebody_fails(void)
{
    for (int i = 0; i < 20; i++)
        ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
}

static void expect_nothing_left(const char *after)
{
    char text[256];
    unsigned long error = ERR_peek_error();
    ERR_error_string_n(error, text, sizeof text);
    ck_assert_msg(error == 0, "after %s: %s", after, text);
}

START_TEST(errors_of_others)
{
    char byte;
    green_tls_context_t *client = client_context(), *server = server_context();
    struct pair p = prepare_pair(client, server);
    somebody_fails();
    shake_both(&p);
    ck_assert_msg(p.client.result == 0 && p.server.result == 0, "%s %s", p.client.error, p.server.error);
    for (int i = 0; i < 3; i++) {
        somebody_fails();
        ck_assert_int_eq(green_stream_read(p.server.tls, &byte, 1, GREEN_NOWAIT), -EAGAIN);
        somebody_fails();
        send_text(p.client.tls, "x");
        somebody_fails();
        expect_text(p.server.tls, "x");
    }
    somebody_fails();
    ck_assert_int_eq(green_stream_shutdown(p.client.tls, soon()), 0);
    somebody_fails();
    expect_end(p.server.tls);
    ck_assert_str_eq(green_tls_error(p.server.tls), "");
    somebody_fails();
    close_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

/* Two connections in one thread: the failure of the first is no news for the second. */
START_TEST(a_failure_beside)
{
    static const unsigned char forged[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                           9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    char byte;
    struct pair bad = usual_pair(), good = usual_pair();
    ck_assert_int_eq(
        green_stream_write_all(green_tls_below(bad.client.tls), forged, sizeof forged, NULL, soon()), 0);
    ck_assert_int_eq(green_stream_read(bad.server.tls, &byte, 1, soon()), GREEN_ETLS);
    expect_nothing_left("a forged record");
    send_text(good.client.tls, "fine");
    expect_text(good.server.tls, "fine");
    ck_assert_int_eq(green_stream_read(bad.client.tls, &byte, 1, soon()), GREEN_ETLS_ALERT);
    expect_nothing_left("an alert");
    ck_assert_int_eq(green_stream_read(good.client.tls, &byte, 1, GREEN_NOWAIT), -EAGAIN);
    send_text(good.server.tls, "still");
    expect_text(good.client.tls, "still");
    close_both(&bad);
    close_both(&good);
    expect_nothing_left("the end");
}
END_TEST

static void expect_refusal(green_tls_context_t *client, green_tls_context_t *server, int code)
{
    struct pair p = prepare_pair(client, server);
    shake_both(&p);
    ck_assert_int_eq(p.client.result, code);
    expect_nothing_left("a handshake that failed");
    if (p.server.result == 0)
        ck_assert_int_eq(green_stream_close(p.server.tls), 0);
}

START_TEST(nothing_is_left)
{
    green_tls_certificate_t *c;
    green_tls_context_t *client = new_context(GREEN_TLS_CLIENT), *server = server_context();
    trust(client, &localhost); /* who has not signed it */
    expect_nothing_left("contexts");
    ck_assert_int_eq(green_tls_context_ca_pem(client, "nonsense", 8), GREEN_ETLS_PEM);
    expect_nothing_left("authorities that are none");
    ck_assert_int_eq(green_tls_certificate_parse(&c, authority.pem, strlen(authority.pem)), GREEN_ETLS_PEM);
    expect_nothing_left("a certificate without key");
    ck_assert_int_eq(green_tls_context_ciphers(server, "NO-SUCH-CIPHER", NULL), -EINVAL);
    expect_nothing_left("ciphers that are none");
    ck_assert_int_eq(green_tls_context_certificate_file(server, "/nowhere/a.pem", NULL), -ENOENT);
    expect_nothing_left("a file that is not there");
    green_tls_context_t *right = client_context();
    ck_assert_int_eq(green_tls_context_alpn(server, "h2"), 0);
    ck_assert_int_eq(green_tls_context_alpn(right, "http/1.1"), 0);
    expect_refusal(right, server, GREEN_ETLS_ALPN);
    struct pair p = prepare_pair(client, server);
    p.client.host = "elsewhere.example";
    shake_both(&p);
    ck_assert_int_lt(p.client.result, 0);
    expect_nothing_left("the wrong name");
    if (p.server.result == 0)
        ck_assert_int_eq(green_stream_close(p.server.tls), 0);
    green_tls_context_release(client);
    green_tls_context_release(server);
    green_tls_context_release(right);
}
END_TEST

/* --- responses of OCSP ----------------------------------------------------------------------------------------------- */

static green_tls_certificate_t *certificate_of(const struct identity *who, const struct identity *issuer)
{
    char pem[16384];
    green_tls_certificate_t *c;
    int n = snprintf(pem, sizeof pem, "%s%s%s", who->pem, issuer ? issuer->pem : "", who->key_pem);
    ck_assert_int_lt(n, (int)sizeof pem);
    ck_assert_int_eq(green_tls_certificate_parse(&c, pem, (size_t)n), 0);
    return c;
}

START_TEST(responses_that_are_none)
{
    static const unsigned char try_later[] = {0x30, 3, 0x0a, 1, 3};
    static char large[70000] = {0x30};
    void *question;
    size_t size;
    int64_t begins = -1, expires = -1;
    make_identities();
    green_tls_certificate_t *c = certificate_of(&localhost, &authority),
                            *alone = certificate_of(&localhost, NULL);
    ck_assert_ptr_null(green_tls_certificate_responder(c));
    ck_assert(!green_tls_certificate_must_staple(c));
    ck_assert_int_eq(green_tls_certificate_staple(c, "", 0), -EBADMSG);
    ck_assert_int_eq(green_tls_certificate_staple(c, "nonsense", 8), -EBADMSG);
    ck_assert_int_eq(green_tls_certificate_staple(c, large, sizeof large), -EBADMSG);
    ck_assert_int_eq(green_tls_certificate_staple(c, try_later, sizeof try_later), -EBADMSG);
    ck_assert_ptr_nonnull(strstr(green_tls_error(NULL), "trylater"));
    expect_nothing_left("responses");
    ck_assert_int_eq(green_tls_certificate_staple(c, NULL, 0), 0);
    green_tls_certificate_stapled(c, &begins, &expires);
    ck_assert(begins == 0 && expires == 0);
    ck_assert_int_eq(green_tls_certificate_question(c, &question, &size), 0);
    ck_assert_uint_gt(size, 20);
    free(question);
    ck_assert_int_eq(green_tls_certificate_question(alone, &question, &size), GREEN_ETLS_CERTIFICATE);
    ck_assert_ptr_null(question);
    ck_assert_int_eq(green_tls_certificate_staple(alone, try_later, sizeof try_later),
                     GREEN_ETLS_CERTIFICATE);
    expect_nothing_left("questions");
    green_tls_certificate_release(c);
    green_tls_certificate_release(alone);
}
END_TEST

START_TEST(the_library_has_a_name)
{
    ck_assert_ptr_nonnull(strstr(green_tls_library(), "OpenSSL"));
    const char *missing = green_tls_kernel_missing();
    ck_assert(!missing || strlen(missing) > 10);
    expect_nothing_left("the probe");
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {errors_of_others, 0},        {a_failure_beside, 0},       {nothing_is_left, 0},
        {responses_that_are_none, 0}, {the_library_has_a_name, 0},
    };
    return RUN_TESTS("tls_errors", tests);
}
