"""Kept connections on both sides: reuse, the upstream pool, its limits, and what ends a connection."""

import random
import selectors
import threading

from harness import SCALE, SMALL, Case, answering, echo, main, sanitized, wait_for
from upstream import idle, raw_answer
from wire import get, ok, post


class Client(Case):
    def test_many_requests_on_one_connection(self):
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            for number in range(200):
                answer = wire.exchange(post("/%d" % number, b"x" * number))
                self.assertEqual((answer.status, len(answer.body)), (200, number))
                self.assertNotIn("close", answer.tokens("Connection"))
        self.assertEqual(upstream.connections, 1)

    def test_close_is_honoured(self):
        upstream = self.upstream()
        proxy = self.proxy(upstream)
        for extra in ("Connection: close\r\n", "Connection: keep-alive, Close\r\n"):
            with proxy.dial() as wire:
                answer = wire.exchange(get("/", extra=extra))
                self.assertIn("close", answer.tokens("Connection"))
                self.assertTrue(wire.closed_cleanly())
        self.assertEqual(upstream.connections, 1, "the client's close is not the pool's")

    def test_nothing_after_close_is_processed(self):
        upstream = self.upstream()
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.send(get("/first", extra="Connection: close\r\n") + get("/second"))
            self.assertEqual(wire.final().status, 200)
            self.assertEqual(wire.ending()[1], b"")
        self.assertEqual(upstream.targets(), ["/first"])

    def test_http_1_0_closes_unless_asked(self):
        proxy = self.proxy(self.upstream())
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange("GET / HTTP/1.0\r\nHost: h.example\r\n\r\n").body, b"hello")
            self.assertTrue(wire.closed_cleanly())
        with proxy.dial() as wire:
            answer = wire.exchange("GET / HTTP/1.0\r\nHost: h.example\r\nConnection: keep-alive\r\n\r\n")
            self.assertEqual(answer.body, b"hello")
            if "keep-alive" in answer.tokens("Connection"):
                self.assertEqual(wire.exchange("GET / HTTP/1.0\r\nHost: h.example\r\n\r\n").body, b"hello")
            self.assertTrue(wire.closed_cleanly())

    def test_half_close_after_the_request(self):
        """A client may say FIN after its request and still wants the answer."""
        proxy = self.proxy(self.upstream())
        with proxy.dial() as wire:
            wire.send(get("/"))
            wire.finish()
            self.assertEqual(wire.final().body, b"hello")
            self.assertTrue(wire.closed_cleanly())

    def test_idle_client_is_let_go_without_a_word(self):
        proxy = self.proxy(self.upstream(), extra="[timeouts]\ntimeout_keepalive = 200ms\n")
        with proxy.dial() as wire:
            wire.exchange(get("/"))
            self.assertTrue(wire.closed_cleanly(), "an idle connection ends in FIN, not in a 408")
        with proxy.dial() as wire:
            for _ in range(3):
                wire.exchange(get("/"))
            self.assertTrue(wire.closed_cleanly())

    def test_empty_line_before_a_request_is_skipped_once(self):
        proxy = self.proxy(self.upstream())
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(b"\r\n" + get("/")).status, 200)


class Pool(Case):
    def test_connections_are_shared_by_clients_one_after_another(self):
        upstream = self.upstream()
        proxy = self.proxy(upstream)
        for _ in range(20):
            self.assertEqual(proxy.exchange(get("/")).status, 200)
        self.assertEqual(upstream.connections, 1)

    def test_one_connection_per_request_in_flight(self):
        gate = threading.Event()

        def respond(request):
            gate.wait(60)
            return ok(b"late")
        upstream = self.upstream(answering(respond))
        proxy = self.proxy(upstream)
        wires = [proxy.dial() for _ in range(10)]
        for wire in wires:
            wire.send(get("/"))
        upstream.wait_requests(10)
        self.assertEqual(upstream.connections, 10)
        gate.set()
        for wire in wires:
            self.assertEqual(wire.final().body, b"late")
        for wire in wires:
            self.assertEqual(wire.exchange(get("/again")).body, b"late")
            wire.close()
        self.assertEqual(upstream.connections, 10)

    def test_keepalive_bounds_the_idle_ones(self):
        gate = threading.Event()

        def respond(request):
            gate.wait(60)
            return ok()
        upstream = self.upstream(answering(respond))
        proxy = self.proxy(upstream, upstream="keepalive = 2")
        wires = [proxy.dial() for _ in range(8)]
        for wire in wires:
            wire.send(get("/"))
        upstream.wait_requests(8)
        gate.set()
        for wire in wires:
            wire.final()
        wait_for(lambda: upstream.live <= 2, "the surplus connections to close")
        self.assertGreaterEqual(upstream.live, 1)

    def test_keepalive_0_keeps_none(self):
        upstream = self.upstream()
        proxy = self.proxy(upstream, upstream="keepalive = 0")
        with proxy.dial() as wire:
            for _ in range(5):
                self.assertEqual(wire.exchange(get("/")).status, 200)
        upstream.wait_live(0)
        self.assertEqual(upstream.connections, 5)

    def test_keepalive_requests_bounds_the_uses(self):
        upstream = self.upstream()
        proxy = self.proxy(upstream, upstream="keepalive_requests = 3")
        with proxy.dial() as wire:
            for _ in range(9):
                self.assertEqual(wire.exchange(get("/")).status, 200)
        self.assertEqual(upstream.connections, 3)
        self.assertEqual([request.connection for request in upstream.requests], [1, 1, 1, 2, 2, 2, 3, 3, 3])

    def test_idle_connections_end_after_timeout_idle(self):
        upstream = self.upstream()
        proxy = self.proxy(upstream, upstream="timeout_idle = 200ms")
        proxy.exchange(get("/"))
        upstream.wait_live(0)
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        self.assertEqual(upstream.connections, 2)

    def test_announced_keepalive_timeout_is_kept(self):
        """Keep-Alive: timeout=1 of the upstream: no reuse later than that."""
        upstream = self.upstream(answering(lambda request: ok(b"x", "Keep-Alive: timeout=1\r\n")))
        proxy = self.proxy(upstream)
        proxy.exchange(get("/"))
        upstream.wait_live(0)
        self.assertEqual(proxy.exchange(get("/")).status, 200)

    def test_announced_last_use_is_kept(self):
        """Keep-Alive: max=0 after three requests: there is no fourth on that connection."""
        left = {}

        def respond(request):
            left[request.connection] = left.get(request.connection, 3) - 1
            return ok(b"x", "Keep-Alive: timeout=100, max=%d\r\n" % left[request.connection])
        upstream = self.upstream(answering(respond))
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            for _ in range(9):
                self.assertEqual(wire.exchange(get("/")).status, 200)
        self.assertEqual([request.connection for request in upstream.requests], [1, 1, 1, 2, 2, 2, 3, 3, 3])

    def test_close_of_the_upstream_is_honoured(self):
        for answer in (ok(b"x", "Connection: close\r\n"), b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"):
            upstream = self.upstream(answering(lambda request, answer=answer: answer))
            proxy = self.proxy(upstream)
            with proxy.dial() as wire:
                for _ in range(3):
                    self.assertEqual(wire.exchange(get("/")).body, b"x")
            self.assertEqual(upstream.connections, 3)
            proxy.stop()

    def test_connection_that_the_upstream_closed_is_not_used(self):
        """The upstream closes right after each answer without having said so; every request gets its answer."""
        def once(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.send(ok())
        upstream = self.upstream(once)
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            for number in range(50):
                self.assertEqual(wire.exchange(get("/%d" % number)).status, 200)
        self.assertEqual(upstream.connections, 50)

    def test_upstream_that_drops_the_second_request(self):
        """The pooled connection dies on reuse before a byte of answer: a GET goes again, a POST is never doubled."""
        def flaky(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.send(ok())
            if idle(wire):
                upstream.record(wire.request(), wire)
        upstream = self.upstream(flaky)
        proxy = self.proxy(upstream)
        self.assertEqual(proxy.exchange(get("/1")).status, 200)
        self.assertEqual(proxy.exchange(get("/2")).status, 200)
        self.assertEqual(upstream.targets(), ["/1", "/2", "/2"])
        answer = proxy.exchange(post("/3", b"body"))
        self.assertEqual(upstream.targets().count("/3"), 1)
        self.assertEqual(answer.status, 502)
        self.assert_own_page(answer)

    def test_stray_bytes_of_an_idle_connection_reach_nobody(self):
        stray = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nevil"
        for late in (stray, b"X"):
            told = threading.Event()

            def script(wire, upstream, late=late, told=told):
                upstream.record(wire.request(), wire)
                wire.send(ok(b"good"))
                if wire.number == 1:
                    told.wait(60)
                    wire.send(late)
                    wait_for(lambda: wire.unacknowledged() == 0, "the stray bytes to arrive")
                    told.clear()
                while idle(wire):
                    upstream.record(wire.request(), wire)
                    wire.send(ok(b"good"))
            upstream = self.upstream(script)
            proxy = self.proxy(upstream)
            self.assertEqual(proxy.exchange(get("/1")).body, b"good")
            told.set()
            wait_for(lambda: not told.is_set(), "the stray bytes")
            for _ in range(3):
                self.assertEqual(proxy.exchange(get("/2")).body, b"good")
            self.assertNotIn(1, [request.connection for request in upstream.requests[1:]])
            proxy.stop()

    def test_answer_with_bytes_after_its_end(self):
        evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Evil: 1\r\n\r\nevil"
        for data in (ok(b"ok") + evil, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nEXTRA",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + evil):
            with self.subTest(data=data):
                proxy = self.proxy(self.upstream(raw_answer(data)))
                with proxy.dial() as wire:
                    for _ in range(4):
                        answer = wire.exchange(get("/"))
                        self.assertFalse(answer.has("X-Evil"))
                        self.assertIn(answer.body, (b"ok", b""))
                    self.assertEqual(bytes(wire.buffer), b"")
                proxy.stop()

    def test_abandoned_answer_is_not_pooled(self):
        """A client leaves in mid-answer: the rest of that answer must not be the next client's."""
        def script(wire, upstream):
            while idle(wire):
                request = wire.request()
                upstream.record(request, wire)
                if request.target == "/long":
                    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
                    for _ in range(500):
                        wire.send(b"A" * 100000)
                else:
                    wire.send(ok(b"short"))
        upstream = self.upstream(script)
        proxy = self.proxy(upstream)
        with proxy.dial(receive_buffer=4096) as wire:
            wire.send(get("/long"))
            self.assertEqual(wire.head().status, 200)
            wire.exactly(1000)
        self.assertEqual(proxy.exchange(get("/short")).body, b"short")
        wait_for(lambda: upstream.live <= 1, "the abandoned upstream connection to end")


class Load(Case):
    def test_ten_thousand_requests_over_a_hundred_connections(self):
        total, width = (2000, 50) if SMALL else (10000, 100)
        nginx = self.nginx("location / { return 200 \"$request_uri\"; }")
        proxy = self.proxy(nginx)
        self.run_load(proxy, total, width)
        entries = proxy.access_log(total)
        self.assertEqual(len(entries), total)
        self.assertEqual({entry["status"] for entry in entries}, {200})

    def run_load(self, proxy, total, width):
        """Each of `width` connections keeps one request in flight until `total` were answered rightly."""
        selector = selectors.DefaultSelector()
        sent = 0
        for _ in range(width):
            wire = proxy.dial()
            self.addCleanup(wire.close)
            wire.expected = "/r%d" % sent
            wire.send(get(wire.expected))
            sent += 1
            selector.register(wire.sock, selectors.EVENT_READ, wire)
        answered = 0
        while answered < total:
            ready = selector.select(15 * SCALE)
            self.assertTrue(ready, "no answer came; %d of %d had" % (answered, total))
            for key, _ in ready:
                wire = key.data
                answer = wire.final()
                self.assertEqual((answer.status, answer.body.decode()), (200, wire.expected))
                answered += 1
                if sent < total:
                    wire.expected = "/r%d" % sent
                    wire.send(get(wire.expected))
                    sent += 1
        selector.close()

    def test_curl_in_parallel(self):
        nginx = self.nginx("location / { return 200 \"ok\\n\"; }")
        proxy = self.proxy(nginx)
        count = 500 if SMALL else 2000
        done = self.curl("-Z", "--parallel-max", "50", "-f", proxy.url("/x?[1-%d]" % count))
        self.assertEqual(done.stdout.count(b"ok"), count)

    def test_thousands_of_parked_connections(self):
        count = 1000 if SMALL else 4000
        upstream = self.upstream()
        proxy = self.proxy(upstream, extra="[timeouts]\ntimeout_keepalive = 10m\n")
        warm = [proxy.dial() for _ in range(100)]
        for wire in warm:
            wire.exchange(get("/"))
        before = proxy.rss()
        parked = []
        self.addCleanup(lambda: [wire.close() for wire in parked])
        for _ in range(count):
            wire = proxy.dial()
            parked.append(wire)
            self.assertEqual(wire.exchange(get("/")).status, 200)
        grown = proxy.rss() - before
        self.assertLess(upstream.connections, 50, "parked clients hold no upstream connection")
        if not sanitized():
            self.assertLess(grown / count, 1024, "bytes for each parked connection")
        # They hold no place in line either: others are served, and every parked one still is when it speaks.
        self.assertEqual(proxy.exchange(get("/other")).status, 200)
        order = parked + warm
        random.Random(1).shuffle(order)
        for wire in order:
            self.assertEqual(wire.exchange(get("/again")).status, 200)
        used = proxy.cpu_seconds()
        open_fds = proxy.fds()
        for wire in order:
            wire.close()
        wait_for(lambda: proxy.fds() < open_fds - count, "the parked connections to be freed")
        self.assertLess(proxy.cpu_seconds() - used, 5 * SCALE)


if __name__ == "__main__":
    main()
