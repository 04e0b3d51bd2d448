"""TLS towards clients: certificates by name, versions and protocols, sessions, what servers and the log are told."""

import hashlib
import os
import ssl
import subprocess
import time

from certificates import Authority, secure
from harness import PATIENCE, SMALL, Case, echo, http_config, main, run_command, settled, wait_for
from upstream import answering
from wire import get, ok, post

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)

    def tls_proxy(self, *certificates, upstream=None, listener="", workers=1, **sections):
        lines = "".join("certificate = %s\n" % c for c in certificates)
        config = http_config(self.folder, upstream or self.upstream(answering(echo)), listener=lines + listener, **sections)
        return self.greenway(config.replace("workers = 1", "workers = %d" % workers), listeners=config.count("[listener"))

    def dial_tls(self, proxy, context=None, name="one.example", **options):
        wire = proxy.dial(**options)
        try:
            return secure(wire, context or self.ca.client(), name)
        except BaseException:
            wire.close()
            raise

    def names_shown(self, proxy, name, **options):
        with self.dial_tls(proxy, self.ca.client(**options), name) as wire:
            return [value for _, value in wire.sock.getpeercert()["subjectAltName"]]

    def key_kind(self, proxy, ciphers):
        with self.dial_tls(proxy, self.ca.client(version=V12, ciphers=ciphers)) as wire:
            return wire.sock.cipher()[0].split("-")[1]


class Names(Tls):
    def test_exact_wildcard_none_and_unknown(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"), self.ca.issue("*.two.example", "two.example"))
        self.assertEqual(self.names_shown(proxy, "one.example"), ["one.example"])
        self.assertEqual(self.names_shown(proxy, "ONE.example"), ["one.example"])
        for name in ("two.example", "a.two.example", "b.two.example"):
            self.assertEqual(self.names_shown(proxy, name), ["*.two.example", "two.example"])
        for name in ("three.example", "a.b.two.example", "example", "x.one.example"):
            with self.assertRaisesRegex(ssl.SSLError, "(?i)unrecognized"):
                self.dial_tls(proxy, name=name)
        anonymous = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anonymous.check_hostname = False
        anonymous.load_verify_locations(self.ca.file)
        with self.dial_tls(proxy, anonymous, None) as wire:
            self.assertEqual(wire.sock.getpeercert()["subjectAltName"], (("DNS", "one.example"),))
        with self.dial_tls(proxy, anonymous, "127.0.0.1") as wire:  # an address is no name, but is sent as one
            self.assertEqual(wire.sock.getpeercert()["subjectAltName"], (("DNS", "one.example"),))
        entries = [e for e in proxy.access_log(4) if e["reason"]]
        self.assertEqual({(e["reason"], e["directive"]) for e in entries}, {("tls_name_unknown", "certificate")})
        self.assertIn("greenway.ini:", entries[0]["origin"])

    def test_default_certificate(self):
        one, two = self.ca.issue("one.example"), self.ca.issue("two.example")
        proxy = self.tls_proxy(one, two, listener="default_certificate = %s\n" % two)
        context = self.ca.client()
        context.check_hostname = False
        with self.dial_tls(proxy, context, "elsewhere.example") as wire:
            self.assertEqual(wire.sock.getpeercert()["subjectAltName"], (("DNS", "two.example"),))

    def test_rsa_and_ecdsa_side_by_side(self):
        proxy = self.tls_proxy(self.ca.issue("one.example", kind="rsa"), self.ca.issue("one.example"))
        self.assertEqual(self.key_kind(proxy, "ECDHE+AESGCM"), "ECDSA")
        self.assertEqual(self.key_kind(proxy, "ECDHE-RSA-AES128-GCM-SHA256"), "RSA")

    def test_a_folder_and_keys_elsewhere(self):
        os.mkdir(self.path("sites"))
        for i in range(30):
            self.ca.issue("site%d.example" % i, file="sites/site%d.pem" % i)
        self.ca.issue("pair.example", file="sites/pair.crt", separate=True)
        os.rename(self.path("sites/pair.crt.secret"), self.path("sites/pair.key"))
        apart = self.ca.issue("apart.example", separate=True)
        proxy = self.proxy(self.upstream(), listener="certificate = %s\n" % self.path("sites"))
        self.assertEqual(self.names_shown(proxy, "site29.example"), ["site29.example"])
        self.assertEqual(self.names_shown(proxy, "pair.example"), ["pair.example"])
        proxy = self.proxy(self.upstream(), listener="certificate = %s\ncertificate_key = %s.secret\n" % (apart, apart))
        self.assertEqual(self.names_shown(proxy, "apart.example"), ["apart.example"])

    def check(self, listener):
        text = ("[listener web]\nbind = 127.0.0.1:0\nupstream = app\n%s\n[upstream app]\nserver = 127.0.0.1:1\n" % listener)
        return run_command("check", self.write("checked.ini", text))

    def test_what_check_says(self):
        good, other = self.ca.issue("one.example", separate=True), self.ca.issue("two.example", separate=True)
        self.write("nonsense.pem", "this is no certificate\n")
        self.write("short.key", "too short")
        for listener, said in [
                ("certificate = %s\ncertificate_key = %s.secret" % (good, other),
                 r"checked.ini:\d+: \[listener web\] certificate_key: .*does not match"),
                ("certificate = %s" % good, r"checked.ini:\d+: \[listener web\] certificate: .*private key"),
                ("certificate = /nowhere/site.pem", r"checked.ini:\d+: \[listener web\] certificate: .*No such file"),
                ("certificate = " + self.path("nonsense.pem"), r"certificate: .*nonsense.pem"),
                ("tls = on", r"\[listener web\] tls: there is no certificate"),
                ("certificate = %s\ncertificate_key = a/b, c/d" % good, r"1 certificates and 2 keys"),
                ("certificate = %s\ndefault_certificate = /other.pem" % self.ca.issue("three.example"),
                 r"default_certificate: .*none of the files"),
                ("certificate = %s\nticket_key_file = %s" % (self.ca.issue("four.example"), self.path("short.key")),
                 r"ticket_key_file: .*48 or 80 bytes"),
                ("client_certificate = require", r"only TLS carries certificates"),
                ("certificate = %s\nclient_certificate = require" % self.ca.issue("five.example"), r"set client_ca"),
                ("hsts = 30d preload", r"asks for preload"),
                ("hsts = often", r"does not begin with a duration")]:
            status, out, err = self.check(listener)
            self.assertNotEqual(status, 0, listener)
            self.assertRegex(out + err, said)

    def test_check_warns_of_dates(self):
        for days, begins, said in [(-1, -30, "expired on"), (5, -1, "in [45] days"), (90, 10, "not valid before")]:
            path = self.ca.issue("dates.example", days=days, begins=begins)
            status, out, err = self.check("certificate = " + path)
            self.assertEqual(status, 0, out + err)
            self.assertRegex(out + err, said)


class Agreement(Tls):
    def test_versions_and_protocols(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"))
        for version in (V12, V13):
            with self.dial_tls(proxy, self.ca.client(version=version, alpn=["h2", "http/1.1"])) as wire:
                self.assertEqual(wire.sock.selected_alpn_protocol(), "http/1.1")
                self.assertEqual(wire.exchange(get()).status, 200)
        with self.dial_tls(proxy) as wire:
            self.assertIsNone(wire.sock.selected_alpn_protocol())
            self.assertEqual(wire.sock.version(), "TLSv1.3")
        with self.assertRaisesRegex(ssl.SSLError, "(?i)application.protocol"):
            self.dial_tls(proxy, self.ca.client(alpn=["h2"]))
        for arguments in (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_2", "-cipher", "AES128-SHA"]):
            done = self.s_client(proxy, *arguments)
            self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual({e["reason"] for e in proxy.access_log(5) if e["reason"]},
                         {"client_no_shared_protocol", "client_tls_version", "tls_no_shared_cipher"})

    def test_modern(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"), listener="tls_profile = modern\n")
        with self.assertRaises(ssl.SSLError):
            self.dial_tls(proxy, self.ca.client(version=V12))
        with self.dial_tls(proxy, self.ca.client(version=V13)) as wire:
            self.assertEqual(wire.exchange(get()).status, 200)

    def s_client(self, proxy, *arguments, input=b""):
        return subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % proxy.port, "-servername",
                               "one.example", "-CAfile", self.ca.file, *arguments], input=input, capture_output=True,
                              timeout=PATIENCE * 2)

    def test_no_renegotiation_and_no_compression(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"))
        process = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % proxy.port, "-tls1_2", "-servername",
                                    "one.example"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = process.communicate(b"R\n", timeout=PATIENCE * 2)[0]
        self.assertIn(b"Compression: NONE", out)
        self.assertRegex(out, b"(?i)no renegotiation|alert|RENEGOTIATING")
        self.assertEqual(self.s_client(proxy, "-tls1_2").returncode, 0)

    def test_what_servers_and_the_log_are_told(self):
        upstream = self.upstream(answering(echo))
        proxy = self.tls_proxy(self.ca.issue("one.example"), upstream=upstream,
                               listener="hsts = 365d include_subdomains\nrequest_header = set X-Facts "
                                        "${scheme} ${port} ${tls_version} ${tls_name} ${tls_resumed}\n"
                                        "forwarded_headers = both\n")
        with self.dial_tls(proxy, name="one.example") as wire:
            answer = wire.exchange(get(extra="X-Client-Cert-Subject: CN=root\r\nClient-Cert: :AA==:\r\n"
                                             "X-Forwarded-Proto: http\r\n"))
            self.assertEqual(answer.get("Strict-Transport-Security"), "max-age=31536000; includeSubDomains")
        seen = upstream.requests[0]
        self.assertEqual(seen.get("X-Forwarded-Proto"), "https")
        self.assertIn("proto=https", seen.get("Forwarded"))
        self.assertEqual(seen.get("X-Facts"), "https 443 TLSv1.3 one.example no")
        self.assertFalse(seen.has("X-Client-Cert-Subject") or seen.has("Client-Cert"))

    def test_plain_http_on_the_tls_port(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"))
        answer = proxy.exchange(get())
        self.assertEqual(answer.status, 400)
        self.assertIn(b"https://", answer.body)
        with proxy.dial() as wire:
            wire.send(b"EHLO mail.example\r\n")
            self.assertIn(wire.ending()[0], ("fin", "rst"))
        entries = proxy.access_log(2)
        self.assertEqual(entries[0]["reason"], "plain_http_on_tls_port")

    def test_redirect_https(self):
        proxy = self.greenway("[greenway]\nworkers = 1\n[listener plain]\nbind = 127.0.0.1:0\nredirect_https = on\n"
                              "[listener port]\nbind = 127.0.0.1:0\nredirect_https = 8443\n", listeners=2)
        for listener, base in (("plain", "https://h.example"), ("port", "https://h.example:8443")):
            with proxy.dial(listener) as wire:
                answer = wire.exchange(get("/a%20b?c=d", host="h.example:8080"))
                self.assertEqual((answer.status, answer.get("Location")), (308, base + "/a%20b?c=d"))
                answer = wire.exchange(post("/x", b"body"))
                self.assertEqual((answer.status, answer.get("Location")), (308, base + "/x"))
        with proxy.dial("plain") as wire:
            wire.send(b"GET / HTTP/1.0\r\n\r\n")
            self.assertEqual(wire.final().status, 400)


class Sessions(Tls):
    def connect(self, proxy, context, session=None):
        """(resumed, the session to resume next)."""
        wire = proxy.dial()
        wire.sock = context.wrap_socket(wire.sock, server_hostname="one.example", session=session)
        with wire:
            self.assertEqual(wire.exchange(get()).status, 200)  # TLS 1.3 gives its tickets before the answer
            return wire.sock.session_reused, wire.sock.session

    def resumed(self, proxy, times=12, **options):
        context = self.ca.client(**options)
        first, session = self.connect(proxy, context)
        self.assertFalse(first)
        return [self.connect(proxy, context, session)[0] for _ in range(times)]

    def test_tickets_in_all_workers(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"), workers=3, upstream=self.upstream())
        for version in (V12, V13):
            self.assertEqual(self.resumed(proxy, version=version), [True] * 12)

    def test_the_cache_in_all_workers(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"), workers=3, upstream=self.upstream())
        self.assertEqual(self.resumed(proxy, version=V12, tickets=False), [True] * 12)

    def test_neither(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"), listener="tls_tickets = off\nsession_cache = 0\n")
        for version in (V12, V13):
            self.assertEqual(self.resumed(proxy, 3, version=version), [False] * 3)

    def test_a_shared_key_file(self):
        key = self.path("ticket.key")
        with open(key, "wb") as file:
            file.write(os.urandom(80))
        os.chmod(key, 0o600)
        certificate = self.ca.issue("one.example")
        proxies = [self.tls_proxy(certificate, listener="ticket_key_file = %s\n" % key) for _ in range(2)]
        context = self.ca.client()
        _, session = self.connect(proxies[0], context)
        self.assertTrue(self.connect(proxies[1], context, session)[0])

    def test_not_across_names(self):
        """A session of one certificate's context is worth nothing in another one that demands more."""
        proxy = self.tls_proxy(self.ca.issue("one.example"), listener="client_certificate = require\nclient_ca = %s\n"
                               % self.ca.file, extra="[listener open]\nbind = 127.0.0.1:0\ncertificate = %s\nupstream = app\n"
                               % self.ca.issue("one.example", file="again.pem"))
        context = self.ca.client(version=V12)

        def visit(listener, session=None):
            wire = proxy.dial(listener)
            wire.sock = context.wrap_socket(wire.sock, server_hostname="one.example", session=session)
            with wire:
                return wire.exchange(get()).status, wire.sock.session
        status, session = visit("open")
        self.assertEqual(status, 200)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            visit("web", session)


class Traffic(Tls):
    def test_keepalive_and_pipelining(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"))
        with self.dial_tls(proxy) as wire:
            for i in range(50):
                self.assertEqual(wire.exchange(get("/%d" % i)).get("X-Target"), "/%d" % i)
            wire.send(b"".join(get("/p%d" % i) for i in range(300)))
            for i in range(300):
                self.assertEqual(wire.final().get("X-Target"), "/p%d" % i)

    def test_large_bodies_both_ways(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"))
        body = os.urandom(1 << 20) * (8 if SMALL else 40)
        with self.dial_tls(proxy) as wire:
            for _ in range(2):
                answer = wire.exchange(post("/", body))
                self.assertEqual(hashlib.sha256(answer.body).digest(), hashlib.sha256(body).digest())

    def test_records_begin_small_and_do_so_again_after_a_rest(self):
        body = os.urandom(200000)
        proxy = self.tls_proxy(self.ca.issue("one.example"), upstream=self.upstream(answering(lambda request: ok(body))))
        with proxy.dial() as wire:
            incoming, outgoing, raw = ssl.MemoryBIO(), ssl.MemoryBIO(), bytearray()
            tls = self.ca.client().wrap_bio(incoming, outgoing, server_hostname="one.example")

            def until(step):
                while True:
                    try:
                        return step()
                    except ssl.SSLWantReadError:
                        if outgoing.pending:
                            wire.sock.sendall(outgoing.read())
                        data = wire.sock.recv(65536)
                        self.assertTrue(data)
                        raw.extend(data)
                        incoming.write(data)

            def sizes_of_answer():
                del raw[:]
                tls.write(get())
                wire.sock.sendall(outgoing.read())
                seen = b""
                while not seen.endswith(body):
                    seen += until(lambda: tls.read(65536))
                sizes, at = [], 0
                while at < len(raw):
                    sizes.append(int.from_bytes(raw[at + 3:at + 5], "big"))
                    at += 5 + sizes[-1]
                self.assertEqual(at, len(raw))
                return sizes
            until(tls.do_handshake)
            for _ in range(2):
                sizes = sizes_of_answer()
                self.assertLessEqual(max(sizes[:8]), 4096 + 256)
                self.assertGreater(max(sizes), 8192)
                self.assertFalse(wire.readable(1.5))

    def test_curl(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"), upstream=self.upstream())
        for version in ("1.2", "1.3"):
            done = self.curl("--cacert", self.ca.file, "--resolve", "one.example:%d:127.0.0.1" % proxy.port, "--tls-max",
                             version, "-o", "-", "-w", " %{http_version} %{ssl_verify_result}",
                             *["https://one.example:%d/" % proxy.port] * 2)
            self.assertEqual(done.stdout, b"hello 1.1 0" * 2)

    def test_end_of_a_body_without_length(self):
        def script(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 100000)
        proxy = self.tls_proxy(self.ca.issue("one.example"), upstream=self.upstream(script))
        wire = self.dial_tls(proxy)
        wire.sock.suppress_ragged_eofs = False  # a missing close_notify is an error
        wire.send(b"GET / HTTP/1.0\r\nHost: one.example\r\n\r\n")
        with wire:
            self.assertEqual(len(wire.final().body), 100000)

    def test_websocket(self):
        def script(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nfirst")
            while wire.buffer or wire.more():
                wire.send(bytes(wire.take(len(wire.buffer))))
        proxy = self.tls_proxy(self.ca.issue("one.example"), upstream=self.upstream(script))
        with self.dial_tls(proxy) as wire:
            wire.send(get(extra="Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"))
            self.assertEqual(wire.final().status, 101)
            self.assertEqual(wire.exactly(5), b"first")
            for size in (1, 1000, 100000, 7):
                data = os.urandom(size)
                wire.send(data)
                self.assertEqual(wire.exactly(size), data)


class Abuse(Tls):
    def hello(self):
        """A real ClientHello, as bytes."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.ca.client().wrap_bio(incoming, outgoing, server_hostname="one.example")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        return outgoing.read()

    def test_bad_hellos_by_the_hundred(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"))
        with self.dial_tls(proxy) as wire:
            self.assertEqual(wire.exchange(get()).status, 200)
        hello, fds = self.hello(), settled(proxy.fds)
        for i in range(300):
            data = bytearray(hello)
            if i % 3 == 0:
                data = data[:1 + i % (len(data) - 1)]
            elif i % 3 == 1:
                for k in range(1 + i % 7):
                    data[(i * 31 + k * 97) % len(data)] ^= 1 << (i % 8)
            else:
                data[5:] = os.urandom(len(data) - 5)
            with proxy.dial() as wire:
                wire.send(bytes(data))
                wire.finish()
                wire.ending()
        with self.dial_tls(proxy) as wire:
            self.assertEqual(wire.exchange(get()).status, 200)
        wait_for(lambda: proxy.fds() <= fds + 3, lambda: "descriptors to go: %d, were %d" % (proxy.fds(), fds))
        def rests():  # nothing turns round and round for those who are gone
            before = proxy.cpu_seconds()
            time.sleep(0.5)
            return proxy.cpu_seconds() - before <= 0.05
        wait_for(rests, "the worker to stay idle")

    def test_slow_handshakes(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"), listener="timeout_handshake = 1s\n")
        hello = self.hello()
        wires = []
        for part in (0, 1, 5, len(hello) // 2, len(hello) - 1, len(hello)):
            wire = proxy.dial()
            wires.append(wire)
            if part:
                wire.send(hello[:part])
        with self.dial_tls(proxy) as other:  # others are served meanwhile
            self.assertEqual(other.exchange(get()).status, 200)
        for wire in wires:
            wire.ending()
            wire.close()
        reasons = [e["reason"] for e in proxy.access_log(6)]
        self.assertEqual(reasons.count("tls_handshake_timeout"), 5, reasons)

    def test_too_many_handshakes(self):
        proxy = self.tls_proxy(self.ca.issue("one.example"), greenway="max_handshakes = 4")
        hello = self.hello()
        wires = [proxy.dial() for _ in range(20)]
        for wire in wires:
            wire.send(hello[:100])
        wait_for(lambda: len(proxy.access_lines()) >= 16, "16 of 20 to be given up")
        with self.dial_tls(proxy) as wire:
            self.assertEqual(wire.exchange(get()).status, 200)
        entry = proxy.access_log(16)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("too_many_handshakes", "max_handshakes"))
        for wire in wires:
            wire.close()


if __name__ == "__main__":
    main()
