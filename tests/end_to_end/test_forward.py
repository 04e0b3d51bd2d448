"""The forward proxy: absolute-form and CONNECT, where they may lead, and what is refused."""

import os
import ssl
import subprocess

from harness import SMALL, Case, answering, echo, main, wait_for
from name_server import NameServer
from upstream import raw_answer, refused_port, deaf_port
from wire import get, ok, post, post_chunked

OPEN = "allow_internal = 127.0.0.0/8\nallow_ports = 1-65535\n"


def connect(authority, extra="", version="HTTP/1.1"):
    return "CONNECT %s %s\r\nHost: %s\r\n%s\r\n" % (authority, version, authority, extra)


class ForwardCase(Case):
    def forward(self, listener=OPEN, greenway="", extra=""):
        return self.greenway("[greenway]\nworkers = 1\naccess_log = %s/access.log\nshutdown_grace = 5s\n%s\n"
                             "[listener web]\nbind = 127.0.0.1:0\nprotocol = forward\n%s\n%s"
                             % (self.folder, greenway, listener, extra))

    def name_server(self, **names):
        server = NameServer({name.replace("_", "."): answers for name, answers in names.items()})
        self.addCleanup(server.stop)
        return server

    def denied(self, proxy, request, key, status=403, reason="destination_denied"):
        """Refused; logged() checks later that the access log says why and names the key."""
        with proxy.dial() as wire:
            answer = wire.exchange(request)
            self.assertEqual(answer.status, status, answer)
            self.assert_own_page(answer)
        self.expected.append((status, reason, key))

    def setUp(self):
        super().setUp()
        self.expected = []

    def logged(self, proxy):
        """Everything that the test has done with this proxy stands in its log as expected."""
        entries = proxy.access_log(len(self.expected))
        self.assertEqual([(entry["status"], entry["reason"], entry.get("directive")) for entry in entries],
                         self.expected)
        return entries


class Requests(ForwardCase):
    def test_a_request_and_its_answer(self):
        upstream = self.upstream(answering(lambda request: ok(b"hello", "X-Kept: yes\r\nProxy-Connection: close\r\n"
                                                              "Proxy-Authenticate: Basic realm=x\r\n")))
        proxy = self.forward()
        with proxy.dial() as wire:
            answer = wire.exchange("GET http://%s/a%%20b?c=d HTTP/1.1\r\nHost: %s\r\nProxy-Connection: keep-alive\r\n"
                                   "Proxy-Authorization: Basic c2VjcmV0\r\nX_Under: 1\r\nX-Drop: 1\r\n"
                                   "Connection: x-drop\r\nX-Forwarded-For: 192.0.2.1\r\nAccept: */*\r\n\r\n"
                                   % (upstream.server, upstream.server))
            self.assertEqual((answer.status, answer.body), (200, b"hello"))
            self.assertEqual(answer.get("X-Kept"), "yes")
            self.assertRegex(answer.get("Via"), "^1.1 greenway-[0-9a-f]{8}$")
            for name in ("Proxy-Connection", "Proxy-Authenticate", "Connection"):
                self.assertFalse(answer.has(name), name)
            self.assertEqual(wire.exchange(get("http://%s" % upstream.server, upstream.server)).status, 200)
        first, second = upstream.requests
        self.assertEqual((first.method, first.target, first.get("Host")), ("GET", "/a%20b?c=d", upstream.server))
        self.assertEqual(second.target, "/")
        self.assertEqual(first.get("Via"), answer.get("Via"))
        self.assertEqual((first.get("Accept"), first.get("X_Under")), ("*/*", "1"))
        for name in ("Proxy-Connection", "Proxy-Authorization", "X-Drop", "Connection", "X-Forwarded-For",
                     "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"):
            self.assertFalse(first.has(name), name)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["server"], entry["upstream"], entry["reason"]), (upstream.server, None, ""))

    def test_curl(self):
        upstream = self.upstream(answering(echo))
        proxy = self.forward()
        url = "http://%s/path" % upstream.server
        done = self.curl("-x", "http://127.0.0.1:%d" % proxy.port, "--noproxy", "", "-d", "data", url, url)
        self.assertEqual(done.stdout, b"datadata")
        self.assertEqual(upstream.connections, 1)

    def test_bodies_of_every_kind(self):
        upstream = self.upstream(answering(echo))
        proxy = self.forward()
        where = "http://%s/" % upstream.server
        big = os.urandom(300000 if SMALL else 3000000)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(post(where, b"abc", upstream.server)).body, b"abc")
            self.assertEqual(wire.exchange(post_chunked(where, [b"x" * 10, b"y"], upstream.server)).body,
                             b"x" * 10 + b"y")
            self.assertTrue(wire.exchange(post(where, big, upstream.server)).body == big)
            answer = wire.exchange("HEAD %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (where, upstream.server), "HEAD")
            self.assertEqual(answer.status, 200)
        self.assertEqual(upstream.connections, 1)

    def test_options_of_a_whole_server(self):
        upstream = self.upstream(answering(echo))
        proxy = self.forward()
        for target, seen in (("http://%s", "*"), ("http://%s/", "/"), ("http://%s?x", "/?x")):
            with self.subTest(target=target):
                answer = proxy.exchange("OPTIONS %s HTTP/1.1\r\nHost: %s\r\n\r\n"
                                        % (target % upstream.server, upstream.server))
                self.assertEqual((answer.status, answer.get("X-Target")), (200, seen))

    def test_options_for_the_proxy_itself(self):
        upstream = self.upstream(answering(echo))
        proxy = self.forward()

        def ask(hops):
            return proxy.exchange("OPTIONS http://%s/ HTTP/1.1\r\nHost: %s\r\nMax-Forwards: %s\r\n\r\n"
                                  % (upstream.server, upstream.server, hops))
        answer = ask(0)
        self.assertEqual((answer.status, answer.get("Content-Length")), (200, "0"))
        self.assertIn("get", answer.tokens("Allow"))
        self.assertEqual(upstream.connections, 0)
        self.assertEqual(ask(1).get("X-Target"), "/")
        self.assertEqual(upstream.requests[0].get("Max-Forwards"), "0")

    def test_targets_that_name_no_server(self):
        upstream = self.upstream()
        proxy = self.forward()
        host = upstream.server
        for line, reason in (("GET / HTTP/1.1", "absolute_target_required"),
                             ("OPTIONS * HTTP/1.1", "absolute_target_required"),
                             ("GET https://%s/ HTTP/1.1" % host, "https_needs_connect"),
                             ("GET ftp://%s/ HTTP/1.1" % host, "bad_target"),
                             ("GET http://user@%s/ HTTP/1.1" % host, "bad_target"),
                             ("GET http://user:pass@%s/ HTTP/1.1" % host, "bad_target"),
                             ("GET http:///path HTTP/1.1", "bad_target"),
                             ("GET http://%s/ HTTP/1.1" % "other.example", "host_mismatch"),
                             ("TRACE http://%s/ HTTP/1.1" % host, "method_refused")):
            status = {"https_needs_connect": 501, "method_refused": 405}.get(reason, 400)
            with self.subTest(line=line):
                self.denied(proxy, "%s\r\nHost: %s\r\n\r\n" % (line, host), None, status, reason)
        self.logged(proxy)
        self.assertEqual(upstream.connections, 0)

    def test_odd_spellings_of_addresses(self):
        upstream = self.upstream()
        proxy = self.forward()
        for host in ("0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.1", "127.0.0.1.", "%31%32%37.0.0.1",
                     "127.0.0.01"):
            with self.subTest(host=host):
                authority = "%s:%d" % (host, upstream.port)
                self.denied(proxy, get("http://%s/" % authority, authority), None, 400, "bad_destination")
                self.denied(proxy, connect(authority), None, 400, "bad_destination")
        self.logged(proxy)
        self.assertEqual(upstream.connections, 0)

    def test_a_login_that_the_server_asks_for_is_not_ours(self):
        upstream = self.upstream(answering(
            lambda request: b"HTTP/1.1 407 Log In\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"))
        proxy = self.forward()
        self.denied(proxy, get("http://%s/" % upstream.server, upstream.server), None, 502,
                    "origin_wants_proxy_login")
        self.logged(proxy)

    def test_websocket_without_connect(self):
        def switching(wire, upstream):
            upstream.record(wire.head(), wire)
            wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            wire.send(wire.exactly(4).upper())
        upstream = self.upstream(switching)
        proxy = self.forward()
        with proxy.dial() as wire:
            wire.send(get("http://%s/ws" % upstream.server, upstream.server,
                          "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
            self.assertEqual(wire.final().status, 101)
            wire.send("ping")
            self.assertEqual(wire.ending(), ("fin", b"PING"))

    def test_servers_that_fail(self):
        proxy = self.forward(OPEN + "timeout_connect = 300ms\ntimeout_response = 300ms\n")
        sock, refused = refused_port()
        held, deaf = deaf_port()
        silent = self.upstream(raw_answer(b"", "stall"))
        gone = self.upstream(answering(lambda request: None))
        garbage = self.upstream(raw_answer(b"SSH-2.0-OpenSSH\r\n", "fin"))
        with sock:
            for server, status, reason, key in (
                    (refused, 502, "connect_failed", None), (deaf, 504, "connect_timeout", "timeout_connect"),
                    (silent.server, 504, "response_timeout", "timeout_response"),
                    (gone.server, 502, "upstream_closed", None), (garbage.server, 502, "bad_status_line", None)):
                with self.subTest(reason=reason):
                    self.denied(proxy, get("http://%s/" % server, server), key, status, reason)
            for server, status, reason in ((refused, 502, "connect_failed"), (deaf, 504, "connect_timeout")):
                with self.subTest(connect=reason):
                    self.denied(proxy, connect(server), "timeout_connect" if status == 504 else None, status, reason)
        self.logged(proxy)
        for sock in held:
            sock.close()


class Pool(ForwardCase):
    def test_connections_are_kept_for_each_server(self):
        first, second = self.upstream(), self.upstream()
        proxy = self.forward()
        for _ in range(5):
            for upstream in (first, second):
                self.assertEqual(proxy.exchange(get("http://%s/" % upstream.server, upstream.server)).body, b"hello")
        self.assertEqual((first.connections, second.connections), (1, 1))

    def test_the_oldest_makes_room(self):
        servers = [self.upstream() for _ in range(3)]
        proxy = self.forward(OPEN + "keepalive = 2\n")

        def ask(number):
            server = servers[number].server
            self.assertEqual(proxy.exchange(get("http://%s/" % server, server)).status, 200)
        for number in (0, 1, 0, 2):
            ask(number)
        servers[1].wait_live(0)
        self.assertEqual([server.live for server in servers], [1, 0, 1])
        for number in (0, 2, 1):
            ask(number)
        self.assertEqual([server.connections for server in servers], [1, 2, 1])

    def test_none_are_kept_and_idle_ones_end(self):
        upstream = self.upstream()
        proxy = self.forward(OPEN + "keepalive = 0\n")
        for _ in range(3):
            proxy.exchange(get("http://%s/" % upstream.server, upstream.server))
        self.assertEqual(upstream.connections, 3)
        upstream.wait_live(0)
        proxy.stop()
        proxy = self.forward(OPEN + "timeout_idle = 200ms\n")
        proxy.exchange(get("http://%s/" % upstream.server, upstream.server))
        upstream.wait_live(0)

    def test_a_kept_connection_that_died_is_replaced(self):
        def once(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.send(ok(b"one"))
        upstream = self.upstream(once)
        proxy = self.forward()
        for _ in range(4):
            self.assertEqual(proxy.exchange(get("http://%s/" % upstream.server, upstream.server)).body, b"one")
        self.assertEqual(upstream.connections, 4)

    def test_connections_that_were_logged_in_are_not_shared(self):
        answers = {"/ntlm": b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x, NTLM\r\nContent-Length: 0\r\n\r\n"}
        upstream = self.upstream(answering(lambda request: answers.get(request.target, ok())))
        proxy = self.forward()
        where = "http://%s" % upstream.server
        with proxy.dial() as wire:
            wire.exchange(get(where + "/ntlm", upstream.server))
            wire.exchange(get(where + "/", upstream.server, "Authorization: Negotiate YII=\r\n"))
            wire.exchange(get(where + "/", upstream.server, "Authorization: Basic YTpi\r\n"))
            wire.exchange(get(where + "/", upstream.server))
        self.assertEqual([request.connection for request in upstream.requests], [1, 2, 3, 3])


class Connect(ForwardCase):
    def echoing(self):
        def script(wire, upstream):
            while wire.buffer or wire.more():
                wire.send(wire.take(len(wire.buffer)))
            wire.send(b"<end>")
        return self.upstream(script)

    def test_bytes_both_ways_and_the_log(self):
        upstream = self.echoing()
        proxy = self.forward()
        with proxy.dial() as wire:
            answer = wire.exchange(connect(upstream.server), "HEAD")
            self.assertEqual(answer.status, 200)
            for name in ("Content-Length", "Transfer-Encoding", "Connection"):
                self.assertFalse(answer.has(name))
            for size in (1, 1000, 100001):
                data = os.urandom(size)
                wire.send(data)
                self.assertTrue(wire.exactly(size) == data)
            wire.finish()
            self.assertEqual(wire.ending(), ("fin", b"<end>"))
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["method"], entry["target"], entry["status"], entry["server"], entry["reason"]),
                         ("CONNECT", upstream.server, 200, upstream.server, ""))
        self.assertEqual((entry["bytes_in"], entry["bytes_out"]), (101002, 101007))
        self.assertIsNotNone(entry["t_first_byte"])

    def test_bytes_behind_connect_wait_for_the_tunnel(self):
        """They are no request, and reach the server only behind the 200."""
        upstream = self.echoing()
        proxy = self.forward()
        inside = b"GET http://inside.example/ HTTP/1.1\r\nHost: inside.example\r\n\r\n"
        with proxy.dial() as wire:
            wire.send(connect(upstream.server).encode() + inside)
            self.assertEqual(wire.head().status, 200)
            self.assertEqual(wire.exactly(len(inside)), inside)
        self.assertEqual(len(proxy.access_log(1)), 1)

    def test_bytes_behind_a_refused_connect_are_no_request(self):
        upstream = self.upstream()
        proxy = self.forward()
        sock, refused = refused_port()
        with sock:
            for target in (refused, "127.0.0.1:%d" % proxy.port, "nosuch.invalid:443", "0x7f.1:443"):
                with self.subTest(target=target), proxy.dial() as wire:
                    wire.send(connect(target).encode() + get("http://%s/smuggled" % upstream.server, upstream.server))
                    answer = wire.final()
                    self.assertGreaterEqual(answer.status, 400)
                    self.assertIn("close", answer.tokens("Connection"))
                    self.assertEqual(wire.ending()[1], b"")
        self.assertEqual(upstream.connections, 0)

    def test_bad_authorities(self):
        proxy = self.forward()
        for target in ("127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:99999999999",
                       "127.0.0.1:-1", "127.0.0.1:http", ":443", "/", "*", "http://127.0.0.1:80/", "a@127.0.0.1:80",
                       "127.0.0.1:80/path", "127.0.0.1:80?q", "[::1]", "[::1:80", "::1:80", "[fe80::1%25lo]:80",
                       "a b:80", "127.0.0.1:80:80", "a,b:80", "-a.example:80", "a..b:80", "%6cocalhost:80"):
            with self.subTest(target=target), proxy.dial() as wire:
                wire.send("CONNECT %s HTTP/1.1\r\nHost: h.example\r\n\r\n" % target)
                self.assert_refused(wire, (400,))

    def test_host_that_differs(self):
        proxy = self.forward()
        with proxy.dial() as wire:
            wire.send("CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: 127.0.0.2:443\r\n\r\n")
            self.assert_refused(wire, (400,))

    def test_connect_with_a_body(self):
        upstream = self.echoing()
        proxy = self.forward()
        for extra, statuses in (("Content-Length: 5\r\n", (400,)), ("Transfer-Encoding: chunked\r\n", (400,))):
            with self.subTest(extra=extra), proxy.dial() as wire:
                wire.send(connect(upstream.server, extra))
                self.assert_refused(wire, statuses)
        with proxy.dial() as wire:
            wire.send(connect(upstream.server, "Content-Length: 0\r\n") + "after")
            self.assertEqual(wire.head().status, 200)
            self.assertEqual(wire.exactly(5), b"after")

    def test_http_1_0(self):
        upstream = self.echoing()
        proxy = self.forward()
        with proxy.dial() as wire:
            wire.send("CONNECT %s HTTP/1.0\r\n\r\nhello" % upstream.server)
            self.assertEqual(wire.head().status, 200)
            self.assertEqual(wire.exactly(5), b"hello")

    def test_either_side_may_end_it(self):
        def farewell(wire, upstream):
            if wire.exactly(4) == b"stop":
                wire.send(b"bye")
        upstream = self.upstream(farewell)
        proxy = self.forward()
        with proxy.dial() as wire:
            wire.send(connect(upstream.server) + "stop")
            self.assertEqual(wire.head().status, 200)
            self.assertEqual(wire.ending(), ("fin", b"bye"))
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(connect(upstream.server), "HEAD").status, 200)
            wire.reset()
        upstream.wait_live(0)
        self.assertEqual(proxy.access_log(2)[1]["reason"], "client_reset")

    def test_a_client_that_leaves_while_it_is_connected(self):
        held, deaf = deaf_port()
        proxy = self.forward(OPEN + "timeout_connect = 300ms\n")
        with proxy.dial() as wire:
            wire.send(connect(deaf))
        self.assertEqual(proxy.access_log(1)[0]["reason"], "connect_timeout")
        self.assertEqual(proxy.exchange(get("/")).status, 400)
        for sock in held:
            sock.close()

    def test_limits_of_a_tunnel(self):
        upstream = self.echoing()
        proxy = self.forward(OPEN + "timeout_tunnel = 300ms\n")
        with proxy.dial() as wire:
            wire.exchange(connect(upstream.server), "HEAD")
            wire.ending()
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("idle_timeout", "timeout_tunnel"))
        proxy.stop()
        os.remove(proxy.access_path)
        proxy = self.forward(OPEN + "max_tunnel_time = 500ms\n")
        with proxy.dial() as wire:
            wire.exchange(connect(upstream.server), "HEAD")
            with self.assertRaises((ConnectionError, TimeoutError, AssertionError)):
                while True:  # it never is idle
                    wire.send(b"x" * 1000)
                    self.assertTrue(wire.more())
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("tunnel_timeout", "max_tunnel_time"))
        upstream.wait_live(0)

    def test_connections_are_capped(self):
        upstream = self.echoing()
        proxy = self.forward(OPEN + "max_connections = 2\n")
        with proxy.dial() as one, proxy.dial() as two:
            for wire in (one, two):
                self.assertEqual(wire.exchange(connect(upstream.server), "HEAD").status, 200)
            with proxy.dial() as three:
                self.assertEqual(three.final().status, 503)

    def test_https_through_a_tunnel(self):
        key, certificate = self.path("key.pem"), self.path("cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

        def secure(wire, upstream):
            wire.sock = context.wrap_socket(wire.sock, server_side=True)
            try:
                while True:
                    upstream.record(wire.request(), wire)
                    wire.send(ok(b"secret"))
            except ssl.SSLError as error:
                raise ConnectionError(str(error))
        upstream = self.upstream(secure)
        proxy = self.forward()
        for host in ("localhost", "127.0.0.1"):
            done = self.curl("-x", "http://127.0.0.1:%d" % proxy.port, "--noproxy", "", "--cacert", certificate,
                             "https://%s:%d/x" % (host, upstream.port))
            self.assertEqual(done.stdout, b"secret")
        self.assertEqual([entry["host"] for entry in proxy.access_log(2)],
                         ["localhost:%d" % upstream.port, "127.0.0.1:%d" % upstream.port])


class Destinations(ForwardCase):
    def test_nothing_internal_by_default(self):
        upstream = self.upstream()
        proxy = self.forward("allow_ports = 1-65535\n")
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]",
                     "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "[fd00:ec2::254]",
                     "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:808:808::80ff:fffe]", "224.0.0.1",
                     "255.255.255.255", "127.255.255.254"):
            with self.subTest(host=host):
                authority = "%s:%d" % (host, upstream.port)
                self.denied(proxy, get("http://%s/" % authority, authority), "allow_internal")
                self.denied(proxy, connect(authority), "allow_internal")
        self.assertEqual({entry["server"] for entry in self.logged(proxy)}, {None})
        self.assertEqual(upstream.connections, 0)

    def test_ports(self):
        upstream = self.upstream()
        proxy = self.forward("allow_internal = 127.0.0.0/8\n")
        self.denied(proxy, get("http://%s/" % upstream.server, upstream.server), "allow_ports")
        self.denied(proxy, connect("localhost:22"), "allow_ports")
        self.logged(proxy)
        self.assertEqual(upstream.connections, 0)

    def test_hosts(self):
        upstream = self.upstream()
        server = self.name_server(good_test=[["127.0.0.1"]], bad_good_test=[["127.0.0.1"]], other_test=[["127.0.0.1"]])
        proxy = self.forward(OPEN + "allow_destinations = good.test, *.good.test\ndeny_destinations = bad.good.test\n",
                             greenway="name_servers = %s" % server.address)
        for host, key in (("good.test", None), ("bad.good.test", "deny_destinations"),
                          ("BAD.good.test.", "deny_destinations"), ("other.test", "allow_destinations"),
                          ("127.0.0.1", "allow_destinations")):
            with self.subTest(host=host):
                authority = "%s:%d" % (host, upstream.port)
                request = get("http://%s/" % authority, authority)
                if key:
                    self.denied(proxy, request, key)
                else:
                    self.assertEqual(proxy.exchange(request).status, 200)
                    self.expected.append((200, "", None))
        self.logged(proxy)
        self.assertEqual(list(server.asked), ["good.test"])

    def test_a_name_does_not_hide_an_address(self):
        server = self.name_server(inside_test=[["127.0.0.1"]], metadata_test=[["169.254.169.254"]],
                                  denied_test=[["127.0.0.9"]])
        proxy = self.forward("allow_internal = 127.0.0.9\ndeny_destinations = 127.0.0.8/29\n",
                             greenway="name_servers = %s" % server.address)
        self.denied(proxy, get("http://inside.test/", "inside.test"), "allow_internal")
        self.denied(proxy, connect("metadata.test:443"), "allow_internal")
        self.denied(proxy, connect("denied.test:443"), "deny_destinations")
        self.logged(proxy)

    def test_only_addresses_that_passed_are_connected_to(self):
        good = self.upstream(host="127.0.0.2")
        bad = self.upstream(host="127.0.0.3", port=good.port)
        server = self.name_server(mixed_test=[["127.0.0.3", "127.0.0.2", "10.0.0.1"]])
        proxy = self.forward("allow_internal = 127.0.0.2\nallow_ports = 1-65535\nkeepalive = 0\n",
                             greenway="name_servers = %s" % server.address)
        authority = "mixed.test:%d" % good.port
        for _ in range(5):
            self.assertEqual(proxy.exchange(get("http://%s/" % authority, authority)).status, 200)
        self.assertEqual((good.connections, bad.connections), (5, 0))

    def test_rebinding(self):
        """The address that was judged is the one that is connected to: no second look-up lies between."""
        good = self.upstream(host="127.0.0.2")
        bad = self.upstream(host="127.0.0.3", port=good.port)
        server = self.name_server(rebound_test=[["127.0.0.2"], ["127.0.0.3"]])
        proxy = self.forward("allow_internal = 127.0.0.2\nallow_ports = 1-65535\nkeepalive = 0\n",
                             greenway="name_servers = %s" % server.address)
        authority = "rebound.test:%d" % good.port
        request = get("http://%s/" % authority, authority)
        self.assertEqual(proxy.exchange(request).status, 200)
        self.assertEqual(server.asked["rebound.test"], 1)
        seen = []
        wait_for(lambda: seen.append(proxy.exchange(request).status) or seen[-1] == 403,
                 lambda: "a refusal of the second answer; there were %r" % seen)
        self.assertEqual(set(seen[:-1]) | {200}, {200})
        self.assertEqual(server.asked["rebound.test"], 2)
        self.assertEqual(bad.connections, 0)

    def test_answers_that_change(self):
        first = self.upstream(answering(lambda request: ok(b"first")), host="127.0.0.2")
        second = self.upstream(answering(lambda request: ok(b"second")), host="127.0.0.3", port=first.port)
        server = self.name_server(moving_test=[["127.0.0.2"], ["127.0.0.3"]])
        proxy = self.forward(OPEN + "keepalive = 0\n", greenway="name_servers = %s" % server.address)
        authority = "moving.test:%d" % first.port
        seen = []
        wait_for(lambda: seen.append(proxy.exchange(get("http://%s/" % authority, authority)).body)
                 or seen[-1] == b"second", lambda: "the second address; there were %r" % seen)
        self.assertEqual(seen[0], b"first")
        self.assertGreater(second.connections, 0)

    def test_names_that_do_not_resolve(self):
        server = self.name_server(empty_test=[[]])
        proxy = self.forward(OPEN + "timeout_connect = 500ms\n", greenway="name_servers = %s" % server.address)
        for host in ("nosuch.test", "empty.test"):
            self.denied(proxy, get("http://%s/" % host, host), None, 502, "dns_failed")
        server.silent = True
        self.denied(proxy, connect("silent.test:443"), "timeout_connect", 504, "dns_timeout")
        self.logged(proxy)

    def test_never_to_itself(self):
        upstream = self.upstream()
        proxy = self.greenway("[greenway]\nworkers = 1\naccess_log = %s/access.log\n"
                              "[listener web]\nbind = 127.0.0.1:0\nprotocol = forward\nallow_ports = 1-65535\n"
                              "allow_internal = 127.0.0.0/8, 0.0.0.0/8\n"
                              "[listener every]\nbind = 0.0.0.0:0\nprotocol = forward\nallow = 127.0.0.1\n"
                              "[listener site]\nbind = 127.0.0.1:0\nupstream = app\n[upstream app]\nserver = %s\n"
                              % (self.folder, upstream.server), listeners=3)
        for host, name in (("127.0.0.1", "web"), ("localhost", "web"), ("127.0.0.1", "every"), ("127.9.9.9", "every"),
                           ("0.0.0.0", "every")):
            with self.subTest(host=host, name=name):
                authority = "%s:%d" % (host, proxy.ports[name])
                self.denied(proxy, get("http://%s/" % authority, authority), "bind")
                self.denied(proxy, connect(authority), "bind")
        self.logged(proxy)
        authority = "127.0.0.1:%d" % proxy.ports["site"]
        self.assertEqual(proxy.exchange(get("http://%s/" % authority, authority)).status, 200)

    def test_clients_are_admitted_first(self):
        upstream = self.upstream()
        proxy = self.forward(OPEN + "deny = 127.0.0.1\n")
        self.denied(proxy, get("http://%s/" % upstream.server, upstream.server), "deny", 403, "source_denied")
        self.denied(proxy, connect("0.0.0.0:1"), "deny", 403, "source_denied")
        self.logged(proxy)


class CommandLine(ForwardCase):
    def test_forward(self):
        proxy = self.greenway(arguments=["forward", "0"])
        self.assertRegex(proxy.addresses[0], r"^127\.0\.0\.1:")
        self.assertIn("public addresses on ports 80 and 443", proxy.stderr())
        self.assertEqual(proxy.exchange(get("http://127.0.0.1/", "127.0.0.1")).status, 403)
        self.assertEqual(proxy.exchange(connect("localhost:443")).status, 403)


if __name__ == "__main__":
    main()
