"""Peers that stall or crawl: each is given up in the time configured, with the status that says so.

The limits here are short and the bounds on them are wide: a test waits for the end to come, and only checks that it
did not come before its time.
"""

import socket
import threading
import time

from harness import SCALE, Case, answering, echo, main, wait_for
from upstream import deaf_port, idle, raw_answer
from wire import get, ok, post


def timeouts(**keys):
    return "[timeouts]\n" + "".join("%s = %s\n" % item for item in keys.items())


class Client(Case):
    def check_408(self, proxy, message):
        begin = time.monotonic()
        with proxy.dial() as wire:
            wire.send(message)
            self.assert_refused(wire, (408,))
        return time.monotonic() - begin

    def test_head_that_never_ends(self):
        upstream = self.upstream()
        proxy = self.proxy(upstream, extra=timeouts(timeout_head="400ms"))
        self.assertGreater(self.check_408(proxy, "GET / HTTP/1.1\r\nHost: h.ex"), 0.3)
        self.assertEqual(upstream.connections, 0)
        self.assertEqual(proxy.access_log(1)[0]["status"], 408)

    def test_head_that_drips(self):
        """One line now and then keeps no connection open: the time for a head is a time for all of it."""
        proxy = self.proxy(self.upstream(), extra=timeouts(timeout_head="600ms"))
        stop = threading.Event()
        with proxy.dial() as wire:
            def drip():
                try:
                    wire.send("GET / HTTP/1.1\r\nHost: h.example\r\n")
                    while not stop.wait(0.1):
                        wire.send("X-A: b\r\n")
                except OSError:
                    pass
            dripper = threading.Thread(target=drip)
            dripper.start()
            try:
                self.assertEqual(wire.final().status, 408)
            finally:
                stop.set()
                dripper.join()

    def test_connection_that_says_nothing(self):
        """No byte of a request came: the connection ends, with or without a 408."""
        proxy = self.proxy(self.upstream(), extra=timeouts(timeout_head="300ms", timeout_keepalive="300ms"))
        with proxy.dial() as wire:
            how, rest = wire.ending()
            self.assertEqual(how, "fin")
            self.assertTrue(rest == b"" or rest.startswith(b"HTTP/1.1 408 "))

    def test_body_that_stalls(self):
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream, extra=timeouts(timeout_body="400ms", timeout_response="1m"))
        for message in ("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: 10\r\n\r\nhello",
                        "POST / HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"):
            with self.subTest(message=message):
                self.assertGreater(self.check_408(proxy, message), 0.3)
        upstream.wait_live(0)
        self.assertEqual(upstream.requests, [], "half a request is not a request")

    def test_late_body_is_not_a_request(self):
        """The body comes after the timeout and looks like a request; it must not be read as one."""
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream, extra=timeouts(timeout_body="300ms"))
        smuggled = get("/smuggled")
        with proxy.dial() as wire:
            wire.send("POST /p HTTP/1.1\r\nHost: h.example\r\nContent-Length: %d\r\n\r\n" % len(smuggled))
            self.assertEqual(wire.final().status, 408)
            try:
                wire.send(smuggled)
            except ConnectionError:
                pass
            self.assertEqual(wire.ending()[1], b"")
        self.assertEqual(upstream.requests, [])

    def test_body_that_crawls(self):
        """Progress is judged by rate: a byte now and then never times out on its own."""
        proxy = self.proxy(self.upstream(answering(echo)),
                           extra=timeouts(timeout_body="2s", timeout_response="1m", min_rate="1000"))
        stop = threading.Event()
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: 100000\r\n\r\n")

            def crawl():
                try:
                    while not stop.wait(0.1):
                        wire.send("x")
                except OSError:
                    pass
            crawler = threading.Thread(target=crawl)
            crawler.start()
            try:
                wire.sock.settimeout(60 * SCALE)
                self.assertEqual(wire.final().status, 408)
                self.assertEqual(proxy.access_log(1)[0]["directive"], "min_rate")
            finally:
                stop.set()
                crawler.join()

    def test_long_but_steady_body_passes(self):
        """Longer in all than timeout_body, but never idle for that long."""
        proxy = self.proxy(self.upstream(answering(echo)),
                           extra=timeouts(timeout_body="%dms" % (600 * SCALE), timeout_response="1m", min_rate="0"))
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: 20\r\n\r\n")
            begin = time.monotonic()
            for _ in range(20):
                self.assertFalse(wire.readable(0.06 * SCALE), "given up although it moves")
                wire.send("x")
            self.assertGreater(time.monotonic() - begin, 0.6 * SCALE)
            self.assertEqual(wire.final().body, b"x" * 20)

    def test_client_that_does_not_read(self):
        """The answer cannot be written: after timeout_write the client and its upstream connection are let go."""
        def script(wire, upstream):
            wire.request()
            wire.sock.settimeout(None)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                wire.send(b"x" * 65536)
        upstream = self.upstream(script)
        proxy = self.proxy(upstream, extra=timeouts(timeout_write="500ms"))
        with proxy.dial(receive_buffer=4096) as wire:
            wire.send(get("/"))
            self.assertEqual(wire.head().status, 200)
            upstream.wait_live(0)
            entry = proxy.access_log(1)[0]
            self.assertNotEqual(entry["reason"], "")

    def crawl(self, wire, size, pause, seconds):
        """Reads `size` bytes now and then; how many there were when the proxy ended it or the time was over."""
        end, total = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            try:
                data = wire.sock.recv(size)
            except ConnectionResetError:
                break
            if not data:
                break
            total += len(data)
            time.sleep(pause)  # the pace of this reader
        return total

    def test_reader_that_crawls(self):
        """It takes a few bytes now and then, and so keeps the connection from ever being idle."""
        body = b"x" * 20000000
        upstream = self.upstream(answering(lambda request: ok(body)))
        proxy = self.proxy(upstream, extra=timeouts(timeout_write="8s", min_rate_write="2000"))
        with proxy.dial(receive_buffer=2048) as wire:
            wire.send(get("/"))
            self.crawl(wire, 60, 0.1, 60 * SCALE)
            entry = proxy.access_log(1)[0]
        self.assertIn((entry["reason"], entry["directive"]), [("client_too_slow", "min_rate_write"),
                                                              ("write_timeout", "timeout_write")])
        self.assertGreaterEqual(entry["t_total"], 7900)
        self.assertLess(entry["bytes_out"], len(body))
        upstream.wait_live(0)

    def test_slow_reader_is_judged_by_what_it_reads(self):
        """The kernel holds so much for it that writes stall for longer than timeout_write, though it goes on."""
        body = b"x" * 30000000
        proxy = self.proxy(self.upstream(answering(lambda request: ok(body))),
                           extra=timeouts(timeout_write="1s", min_rate_write="1000"))
        with proxy.dial(receive_buffer=16384) as wire:
            wire.send(get("/"))
            wire.head()
            self.assertGreater(self.crawl(wire, 4000, 0.05, 5), 50000)
            self.assertEqual(proxy.access_lines(), [], "it was given up although it reads")

    def test_slow_reader_gets_everything(self):
        body = bytes(range(256)) * 20000
        proxy = self.proxy(self.upstream(answering(lambda request: ok(body))))
        with proxy.dial(receive_buffer=4096) as wire:
            wire.send(get("/"))
            self.assertEqual(wire.head().status, 200)
            seen = bytearray()
            while len(seen) < len(body):
                # Small sips from a small window: the proxy stalls again and again.
                seen += wire.exactly(min(len(body) - len(seen), 40000))
                wire.readable(0.001)
            self.assertTrue(seen == body)

    def test_slow_readers_and_writers_do_not_hold_up_others(self):
        def script(wire, upstream):
            while idle(wire):
                request = wire.request()
                upstream.record(request, wire)
                wire.send(ok(b"x" * 5000000 if request.target == "/big" else b"quick"))
        proxy = self.proxy(self.upstream(script))
        slow = []
        for number in range(40):
            wire = proxy.dial(receive_buffer=4096)
            self.addCleanup(wire.close)
            slow.append(wire)
            wire.send(get("/big") if number % 2 else post("/", b"x" * 10)[:-9])
        with proxy.dial() as wire:
            for _ in range(100):
                self.assertEqual(wire.exchange(get("/quick")).body, b"quick")


class Upstreams(Case):
    def test_no_answer_is_504(self):
        upstream = self.upstream(raw_answer(b"", "stall"))
        proxy = self.proxy(upstream, extra=timeouts(timeout_response="400ms"))
        begin = time.monotonic()
        answer = proxy.exchange(get("/"))
        self.assertEqual(answer.status, 504)
        self.assertGreater(time.monotonic() - begin, 0.3)
        self.assert_own_page(answer)
        self.assertEqual(proxy.access_log(1)[0]["reason"], "response_timeout")
        upstream.wait_live(0)
        self.assertEqual(len(upstream.requests), 1)

    def test_request_that_is_not_taken(self):
        """The server reads the head and then nothing: its buffers are full in time."""
        taken = threading.Event()

        def deaf(wire, upstream):
            wire.head()
            taken.set()
            over.wait()
        over = threading.Event()
        self.addCleanup(over.set)
        upstream = self.upstream(deaf)
        proxy = self.proxy(upstream, upstream="timeout_write = 500ms", listener="max_body = 0",
                           extra=timeouts(timeout_response="5m", timeout_body="5m"))
        with proxy.dial() as wire:
            def send():
                try:
                    wire.send(post("/", b"x" * (64 << 20)))
                except OSError:
                    pass  # nobody reads the rest of it
            sender = threading.Thread(target=send)
            sender.start()
            try:
                self.assertTrue(taken.wait(60 * SCALE))
                self.assertEqual(wire.final().status, 504)
            finally:
                wire.sock.shutdown(socket.SHUT_RDWR)
                sender.join()
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("request_write_timeout", "timeout_write"))
        self.assertRegex(entry["origin"], r"greenway\.ini:\d+$")

    def test_half_a_head_is_504(self):
        proxy = self.proxy(self.upstream(raw_answer(b"HTTP/1.1 200 OK\r\nX-A: ", "stall")),
                           extra=timeouts(timeout_response="400ms"))
        self.assertEqual(proxy.exchange(get("/")).status, 504)

    def test_post_is_504_too_and_sent_once(self):
        upstream = self.upstream(raw_answer(b"", "stall"))
        other = self.upstream(raw_answer(b"", "stall"))
        proxy = self.proxy(upstream, other, extra=timeouts(timeout_response="300ms"))
        self.assertEqual(proxy.exchange(post("/", b"pay")).status, 504)
        self.assertEqual(len(upstream.requests) + len(other.requests), 1)

    def test_server_that_takes_nothing_for_a_while(self):
        """That is for timeout_write to judge: its machine acknowledges that there is no room."""
        def script(wire, upstream):
            threading.Event().wait(1.5)
            wire.request()
            wire.send(ok(b"taken"))
        upstream = self.upstream(script)
        upstream.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)  # for those that it accepts
        proxy = self.proxy(upstream, upstream="timeout_ack = 200ms")
        self.assertEqual(proxy.exchange(post("/", bytes(24 << 20))).body, b"taken")

    def test_route_overrides_the_response_timeout(self):
        def script(wire, upstream):
            wire.request()
            wire.readable(0.8)
            wire.send(ok(b"slow"))
        upstream = self.upstream(script)
        proxy = self.proxy(upstream, extra=timeouts(timeout_response="200ms") + "[route slow]\npath = /slow/*\n"
                           "upstream = app\ntimeout_response = 1m\n")
        self.assertEqual(proxy.exchange(get("/quick")).status, 504)
        self.assertEqual(proxy.exchange(get("/slow/x")).body, b"slow")

    def test_body_that_stalls_is_cut(self):
        """Too late for a 504: the client must see that the body is not whole."""
        for head in (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                     b"HTTP/1.1 200 OK\r\n\r\nhello"):
            upstream = self.upstream(raw_answer(head, "stall"))
            proxy = self.proxy(upstream, extra=timeouts(timeout_read="400ms"))
            with self.subTest(head=head), proxy.dial() as wire:
                wire.send(get("/"))
                self.assertEqual(wire.head().status, 200)
                how, rest = wire.ending()
                self.assertIn(b"hello", rest)
                if b"Transfer" not in head and b"Length" not in head and rest == b"hello":
                    self.assertEqual(how, "rst", "a clean end would make the part the whole")
                self.assertNotIn(b"0\r\n\r\n", rest)
            upstream.wait_live(0)
            proxy.stop()

    def test_connect_that_hangs(self):
        held, deaf = deaf_port()
        for sock in held:
            self.addCleanup(sock.close)
        proxy = self.proxy(deaf, extra=timeouts(timeout_connect="400ms"))
        answer = proxy.exchange(get("/"))
        self.assertIn(answer.status, (502, 503, 504))
        self.assert_own_page(answer)
        alive = self.upstream()
        proxy = self.proxy(deaf, alive, extra=timeouts(timeout_connect="400ms"))
        for _ in range(2):
            self.assertEqual(proxy.exchange(get("/")).status, 200)

    def test_client_gone_while_the_upstream_thinks(self):
        """Nobody waits for the answer any more: the upstream connection is given up."""
        upstream = self.upstream(raw_answer(b"", "stall"))
        proxy = self.proxy(upstream)
        wire = proxy.dial()
        wire.send(get("/"))
        upstream.wait_requests(1)
        wire.reset()
        upstream.wait_live(0)
        self.assertEqual(proxy.access_log(1)[0]["reason"], "client_gone")

    def test_nothing_spins_meanwhile(self):
        """Stalled on every side, the proxy sleeps."""
        proxy = self.proxy(self.upstream(raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "stall")))
        wires = [proxy.dial() for _ in range(20)]
        for number, wire in enumerate(wires):
            self.addCleanup(wire.close)
            wire.send((get("/"), "GET / HT", post("/", b"12345")[:-4], "")[number % 4])
        for wire in wires[::4]:
            self.assertEqual(wire.head().status, 200)
        used, begin = proxy.cpu_seconds(), time.monotonic()
        wait_for(lambda: time.monotonic() - begin > 1, "a second")
        self.assertLess(proxy.cpu_seconds() - used, 0.2)


class SlowServer(Case):
    def test_response_that_crawls(self):
        def script(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not wire.readable(0.1):
                wire.send(b"x")
        proxy = self.proxy(self.upstream(script), upstream="min_rate_response = 1k")
        with proxy.dial(patience=60 * SCALE) as wire:
            wire.send(get("/"))
            self.assertEqual(wire.head().status, 200)
            self.assertLess(len(wire.ending()[1]), 100000)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("response_too_slow", "min_rate_response"))


class Whole(Case):
    """timeout_request: a limit on all of it, for those who want one."""

    def dripping(self, first):
        def script(wire, upstream):
            while True:
                request = wire.request()
                upstream.record(request, wire)
                wire.send(first)
                try:
                    while not wire.readable(0.05):
                        wire.send(b"x" if first else b"")
                except OSError:
                    return
        return self.upstream(script)

    def check(self, entry, directive_of):
        self.assertEqual((entry["reason"], entry["directive"]), ("request_timeout", "timeout_request"))
        self.assertGreaterEqual(entry["t_total"], 390)
        with open(self.path("greenway.ini")) as file:
            line = file.read().split("\n")[int(entry["origin"].rpartition(":")[2]) - 1]
        self.assertEqual(line, directive_of)

    def test_server_that_does_not_answer(self):
        proxy = self.proxy(self.dripping(b""), listener="timeout_request = 400ms")
        with proxy.dial() as wire:
            wire.send(get("/"))
            answer = wire.final()
            self.assertEqual(answer.status, 504)
            self.assert_own_page(answer)
        self.check(proxy.access_log(1)[0], "timeout_request = 400ms")

    def test_response_that_never_ends(self):
        upstream = self.dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        proxy = self.proxy(upstream, listener="timeout_request = 1h",
                           extra="[route r]\nupstream = app\ntimeout_request = 401ms\n")
        with proxy.dial() as wire:
            wire.send(get("/"))
            self.assertEqual(wire.head().status, 200)
            self.assertLess(len(wire.ending()[1]), 100000)
        self.check(proxy.access_log(1)[0], "timeout_request = 401ms")
        upstream.wait_live(0)

    def test_request_that_never_ends(self):
        proxy = self.proxy(self.upstream(answering(echo)), listener="timeout_request = 400ms")
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: 100\r\n\r\nhello")
            self.assert_refused(wire, (408,))
        self.check(proxy.access_log(1)[0], "timeout_request = 400ms")

    def test_each_request_has_its_own(self):
        """And what is done in time is not touched, nor is the connection."""
        proxy = self.proxy(self.upstream(answering(echo)), listener="timeout_request = %dms" % (1000 * SCALE))
        with proxy.dial() as wire:
            end = time.monotonic() + 1.5 * SCALE
            while time.monotonic() < end:
                self.assertEqual(wire.exchange(post("/", b"x")).status, 200)
                wire.readable(0.2)


if __name__ == "__main__":
    main()
