"""The end: SIGTERM lets what runs finish and takes nothing new; a second one ends at once."""

import signal
import threading
import time

from harness import Case, answering, main, wait_for
from patience import SCALE
from test_reload import mirror
from test_upgrade import ASK, switching
from wire import Truncated, dial, get, ok, post


class Held(Case):
    """An upstream whose answers wait for self.gate."""

    def setUp(self):
        super().setUp()
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)

        def respond(request):
            if request.target.startswith("/held"):
                self.gate.wait(120)
            return ok(b"done")
        self.app = self.upstream(answering(respond))

    def refuses(self, port):
        try:
            dial(("127.0.0.1", port), 5).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        return False


class Drain(Held):
    def test_idle_proxy_ends(self):
        proxy = self.proxy(self.app)
        proxy.signal()
        self.assertEqual(proxy.wait(), 0)

    def test_interrupt_is_like_terminate(self):
        proxy = self.proxy(self.app)
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        proxy.signal(signal.SIGINT)
        self.assertEqual(proxy.wait(), 0)

    def test_request_in_flight_finishes(self):
        proxy = self.proxy(self.app, greenway="shutdown_grace = 60s")
        with proxy.dial() as wire, proxy.dial() as upload:
            wire.send(get("/held"))
            upload.send("POST /held HTTP/1.1\r\nHost: h.example\r\nContent-Length: 10\r\n\r\nhello")
            self.app.wait_requests(1)
            proxy.signal()
            wait_for(lambda: self.refuses(proxy.port), "new connections to be refused")
            self.assertIsNone(proxy.process.poll(), "it must wait for its requests")
            upload.send("world")
            self.app.wait_requests(2)
            self.gate.set()
            for one in (wire, upload):
                answer = one.final()
                self.assertEqual((answer.status, answer.body), (200, b"done"))
                self.assertIn("close", answer.tokens("Connection"))
                self.assertTrue(one.closed_cleanly())
            self.assertEqual(proxy.wait(), 0)
        self.assertEqual([entry["status"] for entry in proxy.access_log(2)], [200, 200])

    def test_answer_under_way_finishes(self):
        """A streamed answer goes on to its end."""
        def stream(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            wire.send_chunk(b"first")
            self.gate.wait(120)
            wire.send_chunk(b"last")
            wire.send(b"0\r\n\r\n")
        proxy = self.proxy(self.upstream(stream), greenway="shutdown_grace = 60s")
        with proxy.dial() as wire:
            wire.send(get("/"))
            answer = wire.head()
            proxy.signal()
            wait_for(lambda: self.refuses(proxy.port), "new connections to be refused")
            self.gate.set()
            wire.framed_body(answer, True)
            self.assertEqual(answer.body, b"firstlast")
            self.assertTrue(wire.closed_cleanly())
        self.assertEqual(proxy.wait(), 0)

    def test_idle_connections_are_closed(self):
        proxy = self.proxy(self.app, greenway="shutdown_grace = 60s")
        wires = [proxy.dial() for _ in range(50)]
        for wire in wires:
            self.addCleanup(wire.close)
            wire.exchange(get("/"))
        silent = proxy.dial()
        self.addCleanup(silent.close)
        begin = time.monotonic()
        proxy.signal()
        for wire in wires + [silent]:
            self.assertTrue(wire.closed_cleanly())
        self.assertEqual(proxy.wait(), 0)
        self.assertLess(time.monotonic() - begin, 30 * SCALE, "idle connections do not use up the grace")
        self.app.wait_live(0)

    def test_grace_is_a_bound(self):
        proxy = self.proxy(self.app, greenway="shutdown_grace = 1s")
        with proxy.dial() as wire:
            wire.send(get("/held"))
            self.app.wait_requests(1)
            begin = time.monotonic()
            proxy.signal()
            self.assertEqual(proxy.wait(), 0)
            self.assertGreater(time.monotonic() - begin, 0.8)
            try:
                self.assertGreaterEqual(wire.final().status, 500)
            except (Truncated, ConnectionError):
                pass

    def test_second_signal_ends_at_once(self):
        proxy = self.proxy(self.app, greenway="shutdown_grace = 10m")
        with proxy.dial() as wire:
            wire.send(get("/held"))
            self.app.wait_requests(1)
            proxy.signal()
            wait_for(lambda: self.refuses(proxy.port), "new connections to be refused")
            self.assertIsNone(proxy.process.poll())
            proxy.statuses = (0, 1)
            proxy.signal()
            proxy.wait()

    def test_two_workers_end_together(self):
        proxy = self.greenway(
            "[greenway]\nworkers = 2\nshutdown_grace = 60s\naccess_log = %s\n[listener web]\nbind = 127.0.0.1:0\n"
            "upstream = app\n[upstream app]\nserver = %s\n" % (self.path("access.log"), self.app.server))
        wires = [proxy.dial() for _ in range(20)]
        for number, wire in enumerate(wires):
            self.addCleanup(wire.close)
            wire.send(get("/held%d" % number))
        self.app.wait_requests(20)
        proxy.signal()
        wait_for(lambda: self.refuses(proxy.port), "new connections to be refused")
        self.gate.set()
        for wire in wires:
            self.assertEqual(wire.final().body, b"done")
        self.assertEqual(proxy.wait(), 0)

    def test_under_load_nothing_is_lost(self):
        """Each request that was sent is answered, or its connection ended before anything of it was."""
        proxy = self.proxy(self.app, greenway="shutdown_grace = 60s")
        broken = []
        answered = [0]

        def client():
            try:
                while True:
                    with proxy.dial() as wire:
                        while True:
                            wire.send(post("/", b"x" * 100))
                            answer = wire.final()
                            if answer.status != 200:
                                broken.append(answer)
                            answered[0] += 1
                            if "close" in answer.tokens("Connection"):
                                break
            except ConnectionRefusedError:
                pass
            except (Truncated, ConnectionError) as error:
                # The proxy may close an idle connection just as the next request comes: no byte of answer then.
                if wire.buffer:
                    broken.append(error)
        clients = [threading.Thread(target=client) for _ in range(4)]
        for thread in clients:
            thread.start()
        wait_for(lambda: answered[0] > 200, "some load")
        proxy.signal()
        for thread in clients:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        self.assertEqual(broken, [])
        self.assertEqual(proxy.wait(), 0)

    def test_tunnel_goes_on_until_the_grace_is_over(self):
        proxy = self.proxy(self.upstream(switching), greenway="shutdown_grace = 2s")
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/", extra=ASK)).status, 101)
            begin = time.monotonic()
            proxy.signal()
            wait_for(lambda: self.refuses(proxy.port), "new connections to be refused")
            wire.send(b"still there")
            self.assertEqual(wire.exactly(11), b"still there")
            self.assertEqual(proxy.wait(), 0)
            self.assertGreater(time.monotonic() - begin, 1.8, "it was cut off early")
            wire.ending()
        self.assertIn("1 connections are cut off", proxy.stderr())

    def test_tcp_goes_on_until_the_grace_is_over(self):
        proxy = self.tcp_proxy(self.upstream(mirror), greenway="shutdown_grace = 2s")
        with proxy.dial() as wire:
            for word in (b"first", b"later"):
                wire.send(word)
                self.assertEqual(wire.exactly(5), word)
                if word == b"first":
                    proxy.signal()
                    wait_for(lambda: self.refuses(proxy.port), "new connections to be refused")
            self.assertEqual(proxy.wait(), 0)
            wire.ending()

    def test_tunnel_that_ends_lets_it_end(self):
        proxy = self.proxy(self.upstream(switching), greenway="shutdown_grace = 10m")
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/", extra=ASK)).status, 101)
            proxy.signal()
            wait_for(lambda: self.refuses(proxy.port), "new connections to be refused")
            self.assertIsNone(proxy.process.poll())
            wire.finish()
            self.assertEqual(wire.ending(), ("fin", b"<end>"))
        self.assertEqual(proxy.wait(), 0)

    def test_client_that_does_not_read_cannot_hold_it(self):
        def endless(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                wire.send(b"x" * 65536)
        proxy = self.proxy(self.upstream(endless), greenway="shutdown_grace = 500ms")
        with proxy.dial(receive_buffer=4096) as wire:
            wire.send(get("/"))
            wire.head()
            proxy.signal()
            self.assertEqual(proxy.wait(), 0)


if __name__ == "__main__":
    main()
