"""TLS towards servers: who is believed, who is not and what the log says then; resumption; our own certificate."""

import hashlib
import os
import signal
import socket
import ssl

from certificates import CLIENT_AUTH, Authority, over_tls, pem, server_context
from harness import Case, main, run_command, wait_for
from upstream import answering
from wire import Truncated, get, ok, post


class Servers(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)

    def server(self, certificate, script=None, client_ca=None):
        context = server_context(certificate, client_ca)
        return self.upstream(over_tls(context, script or answering(lambda request: ok(request.body or b"hello"))))

    def start(self, server, *lines, host="127.0.0.1"):
        return self.proxy("%s:%d" % (host, server.port), upstream="tls = on\ntls_ca = %s\n%s\n" % (self.ca.file, "\n".join(lines)))

    def assert_fails(self, proxy, reason, directive, status=502):
        answer = proxy.exchange(get())
        self.assertEqual(answer.status, status)
        self.assert_own_page(answer)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), (reason, directive))
        self.assertRegex(answer.get("Proxy-Status"), "error=(tls_|connection_t)")

    def test_verified(self):
        for names, lines, host in [(("127.0.0.1",), (), "127.0.0.1"),
                                   (("localhost",), (), "localhost"),
                                   (("app.internal",), ("tls_name = app.internal",), "127.0.0.1"),
                                   (("*.app.internal",), ("tls_name = a.app.internal",), "127.0.0.1")]:
            server = self.server(self.ca.issue(*names))
            proxy = self.start(server, *lines, host=host)
            self.assertEqual(proxy.exchange(get()).body, b"hello", names)

    def test_not_verified(self):
        stranger = Authority(self.folder, "Stranger")
        middle = Authority(self.folder, "Middle", parent=self.ca)
        alone = middle.issue("127.0.0.1", file="alone.pem")
        with open(alone) as file:
            text = file.read()
        narrow = Authority(self.folder, "Narrow", parent=self.ca, permitted="inside.example")
        false = Authority(self.folder, "False", parent=self.ca)  # signs with a certificate that is no authority's
        false.certificate = self.ca.make("False", false.key)
        first, key = text.index("-----END CERTIFICATE-----\n") + 26, text.index("-----BEGIN PRIVATE")
        for certificate, reason, directive in [
                (self.ca.issue("127.0.0.1", subject="late", begins=-9, days=-1), "tls_certificate_expired", "tls_verify"),
                (self.ca.issue("127.0.0.1", subject="early", begins=2), "tls_certificate_not_yet_valid", "tls_verify"),
                (self.ca.issue("other.example"), "tls_name_mismatch", "tls_name"),
                (self.ca.issue(subject="127.0.0.1", file="cn.pem"), "tls_name_mismatch", "tls_name"),
                (stranger.issue("127.0.0.1", subject="strange"), "tls_certificate_untrusted", "tls_ca"),
                (self.self_signed(), "tls_certificate_self_signed", "tls_ca"),
                (self.ca.issue("127.0.0.1", subject="client", usage=CLIENT_AUTH), "tls_certificate_misused", "tls_verify"),
                (self.ca.issue("127.0.0.2", subject="another address"), "tls_name_mismatch", "tls_name"),
                (self.ca.issue("x127.0.0.1", file="spelt.pem"), "tls_name_mismatch", "tls_name"),
                (narrow.issue("outside.example", "127.0.0.1", subject="beyond"), "tls_certificate_invalid", "tls_verify"),
                (false.issue("127.0.0.1", subject="below it"), "tls_certificate_invalid", "tls_verify"),
                (self.write("cut.pem", text[:first] + text[key:]), "tls_certificate_untrusted", "tls_ca")]:
            server = self.server(certificate)
            proxy = self.start(server)
            with self.subTest(os.path.basename(certificate)):
                self.assert_fails(proxy, reason, directive)
            self.assertEqual(server.requests, [])
            proxy.stop()
            os.unlink(proxy.access_path)

    def self_signed(self):
        alone = Authority(self.folder, "Alone", names=("127.0.0.1",))
        return alone.write("self.pem", alone.pem() + pem(alone.key))

    def test_wildcards_reach_one_label(self):
        server = self.server(self.ca.issue("*.app.internal"))
        self.assert_fails(self.start(server, "tls_name = a.b.app.internal"), "tls_name_mismatch", "tls_name")

    def test_revoked(self):
        bad = self.ca.issue("127.0.0.1")
        self.ca.revoke(self.ca.latest)
        proxy = self.start(self.server(bad), "tls_crl = " + self.ca.crl())
        self.assert_fails(proxy, "tls_certificate_revoked", "tls_crl")

    def test_verify_off_is_named(self):
        server = self.server(Authority(self.folder, "Stranger").issue("elsewhere.example"))
        proxy = self.start(server, "tls_verify = off")
        self.assertEqual(proxy.exchange(get()).status, 200)
        status, out, err = run_command("check", self.path("greenway.ini"))
        self.assertEqual(status, 0)
        self.assertRegex(out + err, r"greenway.ini:\d+: tls_verify = off in place of on: whoever stands between")

    def test_not_tls_at_all(self):
        server = self.upstream(lambda wire, upstream: wire.send(b"220 mail.example ESMTP\r\n"))
        self.assert_fails(self.start(server), "tls_not_spoken", "tls")

    def test_a_server_that_closes(self):
        self.assert_fails(self.start(self.upstream(lambda wire, upstream: wire.more())), "tls_handshake_closed", "tls")

    def test_a_silent_server(self):
        def script(wire, upstream):
            wire.sock.settimeout(None)
            while wire.more():
                pass
        proxy = self.start(self.upstream(script), "timeout_tls = 500ms\nretries = 0")
        self.assert_fails(proxy, "tls_handshake_timeout", "timeout_tls", 504)

    def test_old_servers(self):
        context = server_context(self.ca.issue("127.0.0.1"))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        server = self.upstream(over_tls(context, answering(lambda request: ok())))
        self.assert_fails(self.start(server, "tls_min_version = 1.3"), "tls_protocol_version", "tls_min_version")

    def test_our_certificate(self):
        server = self.server(self.ca.issue("127.0.0.1"), client_ca=self.ca.file)
        proxy = self.start(server, "tls_certificate = " + self.ca.issue(subject="gateway"))
        self.assertEqual(proxy.exchange(get()).status, 200)
        self.assertEqual(server.handshakes[0].getpeercert()["subject"], ((("commonName", "gateway"),),))
        naked = self.start(server)
        self.assertEqual(naked.exchange(get()).status, 502)

    def test_kept_connections_and_resumption(self):
        server = self.server(self.ca.issue("127.0.0.1"))
        proxy = self.start(server, "keepalive_requests = 5")
        with proxy.dial() as wire:
            for i in range(20):
                self.assertEqual(wire.exchange(post("/", b"%d" % i)).body, b"%d" % i)
        self.assertEqual(server.connections, 4)
        self.assertEqual(server.resumed, [False, True, True, True])

    def test_kept_connections_are_for_those_who_are_alike(self):
        """A reload that changes how connections are made ends those that are kept; one that does not leaves them."""
        server = self.server(self.ca.issue("127.0.0.1", "other.example"), client_ca=self.ca.file)
        one, two = ("tls_certificate = " + self.ca.issue(subject=name) for name in ("one", "two"))
        proxy = self.start(server, one)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get()).status, 200)
            for change in ((one, one + "\n;"), (one, two), (two, two + "\ntls_name = other.example"),
                           ("tls_name", "alpn = http/1.1\ntls_name"), ("alpn", "tls_min_version = 1.3\nalpn")):
                before = server.connections
                self.reload(proxy, *change)
                self.assertEqual(wire.exchange(get()).status, 200)
                self.assertEqual(server.connections - before, 0 if change[1].endswith(";") else 1, change)
                subject = server.handshakes[-1].getpeercert()["subject"][0][0][1]
                self.assertEqual(subject, "one" if change[0] == one and change[1] != two else "two")

    def reload(self, proxy, old, new):
        with open(self.path("greenway.ini")) as file:
            text = file.read()
        self.write("greenway.ini", text.replace(old, new, 1))
        before = proxy.stderr().count("reloaded")
        proxy.signal(signal.SIGHUP)
        wait_for(lambda: proxy.stderr().count("reloaded") > before, lambda: "the reload:\n" + proxy.stderr())

    def test_large_bodies_both_ways(self):
        server = self.server(self.ca.issue("127.0.0.1"))
        proxy = self.start(server)
        body = os.urandom(1 << 20) * 12
        with proxy.dial() as wire:
            answer = wire.exchange(post("/", body))
        self.assertEqual(hashlib.sha256(answer.body).digest(), hashlib.sha256(body).digest())

    def test_an_answer_that_is_cut_off(self):
        """Without close_notify the end of a body that has no length is not its end."""
        def script(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000)
            raw = socket.socket(fileno=wire.sock.detach())
            raw.shutdown(socket.SHUT_WR)
            wire.sock = raw
        proxy = self.start(self.server(self.ca.issue("127.0.0.1"), script))
        with proxy.dial() as wire:
            wire.send(get())
            with self.assertRaises((Truncated, ConnectionError)):
                wire.final()
        self.assertEqual(proxy.access_log(1)[0]["reason"], "upstream_truncated")

    def test_both_sides(self):
        server = self.server(self.ca.issue("127.0.0.1"))
        proxy = self.proxy("127.0.0.1:%d" % server.port, upstream="tls = on\ntls_ca = %s" % self.ca.file,
                           listener="certificate = " + self.ca.issue("one.example"))
        done = self.curl("--cacert", self.ca.file, "--resolve", "one.example:%d:127.0.0.1" % proxy.port,
                         "https://one.example:%d/" % proxy.port)
        self.assertEqual(done.stdout, b"hello")
        wait_for(lambda: server.live <= 1, "the kept connection alone")


if __name__ == "__main__":
    main()
