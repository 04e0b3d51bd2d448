"""Limits on what a client may ask for: heads, bodies, connections; and early answers that the client can read."""

import os
import threading

from harness import PATIENCE, Case, answering, echo, main, sanitized, settled
from upstream import idle
from wire import Truncated, dial, get, ok, post, post_chunked

LIMITS = "[limits]\nmax_head = 4k\nmax_fields = 20\nmax_target = 1k\nmax_body = 10k\n"


class Heads(Case):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.gateway = self.proxy(self.app, extra=LIMITS)

    def refused(self, message, statuses):
        before = len(self.app.requests)
        with self.gateway.dial() as wire:
            wire.send(message)
            answer = self.assert_refused(wire, statuses)
        self.assertEqual(len(self.app.requests), before)
        return answer

    def test_long_head(self):
        self.assertEqual(self.gateway.exchange(get("/", extra="X-A: %s\r\n" % ("a" * 3500))).status, 200)
        self.refused(get("/", extra="X-A: %s\r\n" % ("a" * 4200)), (431,))
        self.assertEqual(self.gateway.access_log(2)[1]["reason"], "head_too_large")

    def test_head_without_end(self):
        """The limit holds while the head is still coming; nobody waits for its end."""
        with self.gateway.dial() as wire:
            wire.send("GET / HTTP/1.1\r\nHost: h.example\r\nX-A: " + "a" * 20000)
            self.assert_refused(wire, (431,))

    def test_many_fields(self):
        self.assertEqual(self.gateway.exchange(get("/", extra="A: b\r\n" * 15)).status, 200)
        self.refused(get("/", extra="A: b\r\n" * 25), (431,))

    def test_long_target(self):
        self.assertEqual(self.gateway.exchange(get("/" + "t" * 1000)).status, 200)
        self.refused(get("/" + "t" * 1100), (414, 431))

    def test_target_without_end(self):
        with self.gateway.dial() as wire:
            wire.send("GET /" + "t" * 20000)
            self.assert_refused(wire, (414, 431))

    def test_defaults_are_finite(self):
        proxy = self.proxy(self.upstream())
        with proxy.dial() as wire:
            try:
                wire.send("GET / HTTP/1.1\r\nHost: h.example\r\n" + "X-A: b\r\n" * 200000)
            except ConnectionError:
                pass
            self.assertEqual(wire.final().status, 431)

    def test_upstreams_head_has_a_limit_too(self):
        for data in (b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 2000000, b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100000):
            proxy = self.proxy(self.upstream(answering(lambda request, data=data: data)))
            answer = proxy.exchange(get("/"))
            self.assertEqual(answer.status, 502)
            self.assert_own_page(answer)


class Bodies(Case):
    def test_declared_length(self):
        """Too long by its own account: refused before a byte goes upstream."""
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream, extra=LIMITS)
        self.assertEqual(len(proxy.exchange(post("/", b"x" * 10240)).body), 10240)
        with proxy.dial() as wire:
            wire.send(post("/", b"x" * 10241))
            self.assert_refused(wire, (413,))
        self.assertEqual(len(upstream.requests), 1)
        self.assertEqual(proxy.access_log(2)[1]["reason"], "body_too_large")

    def test_chunked(self):
        """The limit is hit on the way; the upstream must not take the part for the whole."""
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream, extra=LIMITS)
        self.assertEqual(proxy.exchange(post_chunked("/", [b"x" * 1024] * 10)).status, 200)
        with proxy.dial() as wire:
            wire.send(post_chunked("/", [b"x" * 1024] * 11))
            self.assert_refused(wire, (413,))
        self.assertEqual(len(upstream.requests), 1)

    def test_route_overrides(self):
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream, extra=LIMITS + "[route big]\npath = /big/*\nupstream = app\nmax_body = 1m\n")
        self.assertEqual(proxy.exchange(post("/big/x", b"x" * 500000)).status, 200)
        self.assertEqual(proxy.exchange(post("/small", b"x" * 20000)).status, 413)

    def test_curl_reads_the_early_413(self):
        """The client is in the middle of a large upload when the answer comes: it must not be lost to a reset."""
        with open(self.path("large"), "wb") as file:
            file.truncate(64 * 1024 * 1024)
        proxy = self.proxy(self.upstream(), extra=LIMITS)
        for extra in ([], ["-H", "Transfer-Encoding: chunked"]):
            for _ in range(5):
                done = self.curl("-T", self.path("large"), "-H", "Expect:", *extra, "-o", "/dev/null",
                                 "-w", "%{http_code}", proxy.url("/"), check=False)
                self.assertEqual(done.stdout, b"413", done.stderr)

    def test_early_answer_of_the_upstream(self):
        """The upstream answers 413 without reading the body, and closes: curl sees that answer through the proxy."""
        def script(wire, upstream):
            upstream.record(wire.head(), wire)
            wire.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge")
            wire.finish()
            wire.ending()
        with open(self.path("large"), "wb") as file:
            file.truncate(64 * 1024 * 1024)
        proxy = self.proxy(self.upstream(script))
        for _ in range(3):
            done = self.curl("-T", self.path("large"), "-H", "Expect:", "-w", " %{http_code}", proxy.url("/"),
                             check=False)
            self.assertEqual(done.stdout, b"large 413", done.stderr)

    def test_early_answer_on_a_kept_connection(self):
        """A final answer before the body was read: that upstream connection has half a request in it."""
        def script(wire, upstream):
            while idle(wire):
                request = wire.head()
                upstream.record(request, wire)
                wire.send(ok(b"early"))
                if request.method == "POST":
                    wire.sock.settimeout(None)
                    while wire.more():
                        wire.take(len(wire.buffer))
                    return
        upstream = self.upstream(script)
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.send("POST /up HTTP/1.1\r\nHost: h.example\r\nContent-Length: 100\r\n\r\nhalf")
            self.assertEqual(wire.final().body, b"early")
        for _ in range(3):
            self.assertEqual(proxy.exchange(get("/next")).body, b"early")
        post_on = upstream.requests[0].connection
        self.assertNotIn(post_on, [request.connection for request in upstream.requests[1:]])


class Connections(Case):
    def start(self, listener="", greenway=""):
        """A proxy whose upstream answers /wait only when told to: those requests keep their connections busy."""
        self.go_on = threading.Event()

        def respond(request):
            if request.target == "/wait":
                self.go_on.wait(PATIENCE)
            return ok(b"here")
        self.app = self.upstream(answering(respond))
        self.addCleanup(self.go_on.set)
        return self.proxy(self.app, listener=listener, greenway=greenway)

    def dial(self, proxy):
        wire = proxy.dial()
        self.addCleanup(wire.close)
        return wire

    def idle(self, proxy, count):
        wires = [self.dial(proxy) for _ in range(count)]
        for wire in wires:
            self.assertEqual(wire.exchange(get("/")).status, 200)
        return wires

    def busy(self, proxy, count):
        wires = [self.dial(proxy) for _ in range(count)]
        before = len(self.app.requests)
        for wire in wires:
            wire.send(get("/wait"))
        self.app.wait_requests(before + count)
        return wires

    def refusal(self, proxy, status=503):
        with proxy.dial() as wire:
            wire.send(get("/"))
            return self.assert_refused(wire, (status,))

    def check_busy(self, proxy):
        """Those inside are served on, those above are refused, a place freed is free again."""
        wires = self.busy(proxy, 10)
        for _ in range(3):
            self.refusal(proxy)
        self.go_on.set()
        for wire in wires:
            self.assertEqual(wire.final().status, 200)
        for wire in wires:
            self.assertEqual(wire.exchange(get("/")).status, 200)
        wires.pop().close()
        settled(proxy.fds)
        self.assertEqual(proxy.exchange(get("/")).status, 200)

    def test_of_a_listener(self):
        self.check_busy(self.start(listener="max_connections = 10"))

    def test_of_the_process(self):
        self.check_busy(self.start(greenway="max_connections = 10"))

    def test_whoever_waits_longest_makes_room(self):
        """Idle connections, and those that have sent nothing yet, give way to new ones; busy ones do not."""
        proxy = self.start(listener="max_connections = 5")
        busy = self.busy(proxy, 2)
        old, young = self.idle(proxy, 2)
        silent = self.dial(proxy)
        self.assertEqual(young.exchange(get("/")).status, 200)
        self.assertEqual(old.exchange(get("/")).status, 200)
        newcomers = []
        for gone in (silent, young, old):
            newcomers.append(self.idle(proxy, 1)[0])
            self.assertEqual(gone.ending(), ("fin", b""))
        self.go_on.set()
        for wire in busy:
            self.assertEqual(wire.final().status, 200)
        for wire in newcomers:
            self.assertEqual(wire.exchange(get("/")).status, 200)
        self.assertIn("max_connections", proxy.stderr())

    def test_half_a_head_makes_room_too(self):
        proxy = self.start(listener="max_connections = 3")
        slow = [self.dial(proxy) for _ in range(3)]
        for wire in slow:
            wire.send("GET / HTTP/1.1\r\nHost: h.exa")
        settled(proxy.fds)
        for _ in range(20):
            self.assertEqual(proxy.exchange(get("/")).status, 200)
        served = 0
        for wire in slow:
            try:
                wire.send("mple\r\n\r\n")
                served += wire.final().status == 200
            except (ConnectionError, Truncated):
                pass
        shed = [entry for entry in proxy.access_log(23) if entry["reason"] == "shed"]
        self.assertGreaterEqual(len(shed), 1)
        self.assertEqual(shed[0]["directive"], "max_connections")
        self.assertEqual(served + len(shed), 3, "whoever was not shed is served")

    def test_of_one_source(self):
        proxy = self.start(listener="max_connections_per_source = 3")
        wires = self.idle(proxy, 3)
        answer = self.refusal(proxy, 429)
        self.assert_own_page(answer)
        entry = proxy.access_log(4)[3]
        self.assertEqual((entry["reason"], entry["directive"]),
                         ("too_many_connections_of_source", "max_connections_per_source"))
        with dial(("127.0.0.1", proxy.port), source=("127.0.0.2", 0)) as other:
            self.assertEqual(other.exchange(get("/")).status, 200)
        wires.pop().close()
        settled(proxy.fds)
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        for wire in wires:
            self.assertEqual(wire.exchange(get("/")).status, 200)

    def test_trusted_proxies_are_many_sources(self):
        proxy = self.start(listener="max_connections_per_source = 1\ntrusted = 127.0.0.1")
        self.idle(proxy, 5)

    def test_of_one_source_over_tcp(self):
        proxy = self.tcp_proxy(self.upstream(answering(echo)), listener="max_connections_per_source = 1")
        with proxy.dial() as first:
            self.assertEqual(first.exchange(post("/", b"x")).body, b"x")
            with proxy.dial() as second:
                self.assertEqual(second.ending()[1], b"")
            self.assertEqual(proxy.access_log(1)[0]["reason"], "too_many_connections_of_source")
            self.assertEqual(first.exchange(post("/", b"y")).body, b"y")

    def test_requests_of_one_source(self):
        proxy = self.start(listener="max_requests_per_source = 2\ntrusted = 127.0.0.1")
        mine = "X-Forwarded-For: 192.0.2.1\r\n"
        busy = [self.dial(proxy) for _ in range(2)]
        for wire in busy:
            wire.send(get("/wait", extra=mine))
        self.app.wait_requests(2)
        with proxy.dial() as wire:
            answer = wire.exchange(get("/", extra=mine))
            self.assertEqual(answer.status, 429)
            self.assert_own_page(answer)
            self.assertEqual(wire.exchange(get("/", extra="X-Forwarded-For: 192.0.2.2\r\n")).status, 200)
            self.go_on.set()
            for other in busy:
                self.assertEqual(other.final().status, 200)
            self.assertEqual(wire.exchange(get("/", extra=mine)).status, 200)
        self.assertEqual(proxy.access_log(1)[0]["directive"], "max_requests_per_source")


class Backpressure(Case):
    """Memory stays where it is while one side stalls and the other side could go on for ever."""

    BOUND = 2 * 1024 * 1024

    def bound(self):
        return self.BOUND * (8 if sanitized() else 1)

    def endless(self, framing):
        def script(wire, upstream):
            wire.request()
            wire.sock.settimeout(None)
            wire.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")
            block = b"%x\r\n%s\r\n" % (65536, b"e" * 65536) if framing.startswith(b"Tr") else b"e" * 65536
            while True:
                wire.send(block)
                upstream.sent += len(block)
        upstream = self.upstream(script)
        upstream.sent = 0
        return upstream

    def check_stalled_client(self, framing):
        upstream = self.endless(framing)
        proxy = self.proxy(upstream, extra="[timeouts]\ntimeout_write = 10m\nmin_rate = 0\n")
        with proxy.dial(receive_buffer=65536) as warm:
            warm.send(get("/"))
            warm.head()
            warm.exactly(1000000)
        before = proxy.rss()
        stalled = [proxy.dial(receive_buffer=65536) for _ in range(4)]
        for wire in stalled:
            self.addCleanup(wire.close)
            wire.send(get("/"))
            self.assertEqual(wire.head().status, 200)
        sent = settled(lambda: upstream.sent)
        self.assertLess(proxy.rss() - before, self.bound())
        # The stall ends: the very same stream goes on.
        for wire in stalled:
            wire.exactly(5000000)
        self.assertGreater(upstream.sent, sent)
        self.assertLess(proxy.rss() - before, self.bound())
        for wire in stalled:
            wire.close()
        upstream.wait_live(0)

    def test_stalled_client_content_length(self):
        self.check_stalled_client(b"Content-Length: 1000000000000\r\n")

    def test_stalled_client_chunked(self):
        self.check_stalled_client(b"Transfer-Encoding: chunked\r\n")

    def test_stalled_client_close_delimited(self):
        self.check_stalled_client(b"Connection: close\r\n")

    def test_stalled_upstream(self):
        """An endless upload to a server that does not read."""
        go_on = threading.Event()

        def script(wire, upstream):
            wire.head()
            go_on.wait(120)
            wire.sock.settimeout(None)
            while wire.more():
                upstream.read += len(wire.take(len(wire.buffer)))
        upstream = self.upstream(script)
        upstream.read = 0
        proxy = self.proxy(upstream, extra="[timeouts]\ntimeout_body = 10m\ntimeout_write = 10m\nmin_rate = 0\n"
                           "timeout_response = 10m\n[limits]\nmax_body = 0\n")
        proxy_before = proxy.rss()
        sent = [0]
        wire = proxy.dial(send_buffer=65536)
        self.addCleanup(wire.close)

        def upload():
            wire.sock.settimeout(None)
            try:
                wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n")
                while not go_on.is_set() or sent[0] < 50000000:
                    wire.send_chunk(os.urandom(1) * 65536)
                    sent[0] += 65536
            except OSError:
                pass
        uploader = threading.Thread(target=upload, daemon=True)
        uploader.start()
        upstream.wait_live(1)
        settled(lambda: sent[0])
        self.assertLess(proxy.rss() - proxy_before, self.bound())
        go_on.set()
        uploader.join(60)
        self.assertGreaterEqual(sent[0], 50000000)
        self.assertLess(proxy.rss() - proxy_before, self.bound())

    def test_fast_client_and_endless_upstream(self):
        upstream = self.endless(b"Content-Length: 1000000000000\r\n")
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.send(get("/"))
            wire.head()
            wire.exactly(1000000)
            before = proxy.rss()
            for _ in range(100):
                wire.exactly(1000000)
            self.assertLess(proxy.rss() - before, self.bound())


if __name__ == "__main__":
    main()
