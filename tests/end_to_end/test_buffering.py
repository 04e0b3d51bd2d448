"""Request buffering: no server sees a request before its body is complete; the body is the same; what can go wrong."""

import os
import random
import subprocess

from harness import Case, SMALL, answering, echo, main, wait_for
from upstream import idle
from wire import get, ok, post, post_chunked

NOISE = random.Random(5).randbytes(300000)


class Buffering(Case):
    def setUp(self):
        super().setUp()
        self.spool = self.path("spool")
        os.mkdir(self.spool)

    def start(self, app, listener="", greenway="", extra=""):
        return self.proxy(app, greenway="temp_path = %s\n%s" % (self.spool, greenway), extra=extra,
                          listener="request_buffering = on\nmax_body = 100m\nbuffer_memory = 32k\n" + listener)

    def open_files(self, proxy):
        """Files of the spool that are open; they have no name, so only the descriptors tell."""
        count = 0
        for fd in os.listdir("/proc/%d/fd" % proxy.pid):
            try:
                count += os.readlink("/proc/%d/fd/%s" % (proxy.pid, fd)).startswith(self.spool)
            except FileNotFoundError:
                pass
        return count

    def assert_nothing_left(self, proxy):
        wait_for(lambda: self.open_files(proxy) == 0, "the files to be closed")
        self.assertEqual(os.listdir(self.spool), [])

    def test_bodies_of_all_sizes(self):
        app = self.upstream(answering(echo))
        proxy = self.start(app)
        with proxy.dial() as wire:
            for size in (1, 1000, 16367, 16368, 16369, 32767, 32768, 32769, 49152, 200000):
                self.assertEqual(wire.exchange(post("/", NOISE[:size])).body, NOISE[:size], size)
                chunks = [NOISE[i:min(i + 7000, size)] for i in range(0, size, 7000)]
                self.assertEqual(wire.exchange(post_chunked("/", chunks)).body, NOISE[:size], size)
        self.assert_nothing_left(proxy)

    def test_memory_of_all_sizes(self):
        app = self.upstream(answering(echo))
        routes = "".join("[route r%d]\npath = =/%d\nupstream = app\nbuffer_memory = %d\n" % (n, n, n)
                         for n in (0, 1, 16368, 16384, 40000, 1000000))
        proxy = self.start(app, extra=routes)
        with proxy.dial() as wire:
            for memory in (0, 1, 16368, 16384, 40000, 1000000):
                for size in (20000, 40000, 40001, 250000):
                    self.assertEqual(wire.exchange(post("/%d" % memory, NOISE[:size])).body, NOISE[:size], (memory, size))
        self.assert_nothing_left(proxy)

    def test_the_server_gets_a_length(self):
        app = self.upstream(answering(echo))
        proxy = self.start(app)
        self.assertEqual(proxy.exchange(post_chunked("/", [b"abc", b"defg"])).body, b"abcdefg")
        self.assertEqual(proxy.exchange(post_chunked("/", [b"abc"], extra="Trailer: X-T\r\n", trailers="X-T: 1\r\n")).body, b"abc")
        self.assertEqual(proxy.exchange(post_chunked("/", [])).body, b"")
        one, two, three = app.requests
        self.assertEqual((one.get("Content-Length"), one.has("Transfer-Encoding")), ("7", False))
        self.assertEqual((two.get("Transfer-Encoding"), two.trailer("X-T")), ("chunked", "1"))
        self.assertEqual(three.get("Content-Length"), "0")

    def test_no_server_before_the_body_is_complete(self):
        app = self.upstream(answering(echo))
        proxy = self.start(app)
        with proxy.dial() as slow:
            slow.send("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: 100000\r\n\r\n")
            slow.send(NOISE[:60000])
            wait_for(lambda: self.open_files(proxy) == 1, "the body to reach the file")
            self.assertEqual(proxy.exchange(get("/quick")).status, 200)
            self.assertEqual(app.targets(), ["/quick"])
            self.assertEqual(app.connections, 1)
            slow.send(NOISE[60000:100000])
            self.assertEqual(slow.final().body, NOISE[:100000])
        self.assert_nothing_left(proxy)

    def test_expect_is_answered_here(self):
        app = self.upstream(answering(echo))
        proxy = self.start(app)
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nExpect: 100-continue\r\nContent-Length: 50000\r\n\r\n")
            self.assertEqual(wire.response().status, 100)
            self.assertEqual(app.connections, 0)
            wire.send(NOISE[:50000])
            got = wire.final()
            self.assertEqual((got.status, got.body, got.interim), (200, NOISE[:50000], []))
        self.assertFalse(app.requests[0].has("Expect"))
        self.write("body", "x" * 200000)
        body = self.curl("--data-binary", "@" + self.path("body"), "-H", "Expect: 100-continue", proxy.url("/")).stdout
        self.assertEqual(body, b"x" * 200000)

    def test_off_for_a_route(self):
        """Elsewhere bodies go on as they come."""
        def script(wire, upstream):
            request = wire.head()
            upstream.record(request, wire)
            self.assertEqual(wire.exactly(10), b"5\r\nearly\r\n")
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        app = self.upstream(script)
        proxy = self.start(app, extra="[route r]\npath = /live/*\nupstream = app\nrequest_buffering = off\n")
        with proxy.dial() as wire:
            wire.send("POST /live/x HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            wire.send_chunk(b"early")
            self.assertEqual(wire.final().status, 200)

    def test_a_body_beyond_the_limit(self):
        app = self.upstream(answering(echo))
        proxy = self.start(app, extra="[route r]\npath = /small/*\nupstream = app\nmax_body = 50k\n")
        for request in (post("/small/x", NOISE[:60000]), post_chunked("/small/x", [NOISE[:40000], NOISE[:40000]])):
            with proxy.dial() as wire:
                wire.send(request)
                self.assert_refused(wire, (413,))
        self.assertEqual(app.connections, 0)
        self.assert_nothing_left(proxy)

    def test_bodies_that_end_badly(self):
        app = self.upstream(answering(echo))
        proxy = self.start(app)
        start = "POST / HTTP/1.1\r\nHost: h.example\r\n"
        with proxy.dial() as wire:
            wire.send(start + "Transfer-Encoding: chunked\r\n\r\n")
            wire.send_chunk(NOISE[:50000])
            wire.send("zz\r\n")
            self.assert_refused(wire, (400,))
        with proxy.dial() as wire:
            wire.send(start + "Content-Length: 100000\r\n\r\n")
            wire.send(NOISE[:50000])
            wait_for(lambda: self.open_files(proxy) == 1, "the body to reach the file")
            wire.reset()
        self.assertEqual([entry["reason"] for entry in proxy.access_log(2)], ["bad_chunk_size", "client_gone"])
        self.assertEqual(app.connections, 0)
        self.assert_nothing_left(proxy)

    def test_a_client_that_falls_silent(self):
        app = self.upstream(answering(echo))
        proxy = self.start(app, "timeout_body = 300ms\n")
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: 100000\r\n\r\n" + "x" * 50000)
            self.assert_refused(wire, (408,))
        self.assertEqual(proxy.access_log(1)[0]["reason"], "body_timeout")
        self.assertEqual(app.connections, 0)
        self.assert_nothing_left(proxy)

    def test_a_dead_connection_gets_another_chance(self):
        """The server closes a kept connection just as it is used; a whole upload can be sent again."""
        def script(wire, upstream):
            while idle(wire):
                request = wire.head()
                upstream.record(request, wire)
                if wire.number == 1 and request.target == "/again":
                    wire.reset()
                    return
                wire.framed_body(request, False)
                wire.send(ok(request.body))

        app = self.upstream(script)
        proxy = self.start(app)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/")).status, 200)
            request = post("/again", NOISE[:200000]).replace(b"POST", b"PUT", 1)
            got = wire.exchange(request)
            self.assertEqual((got.status, got.body), (200, NOISE[:200000]))
        self.assertEqual(app.targets(), ["/", "/again", "/again"])
        self.assert_nothing_left(proxy)

    def test_an_early_answer(self):
        """The server answers without reading what was kept: the client has it, and may go on."""
        def script(wire, upstream):
            while idle(wire):
                request = wire.head()
                upstream.record(request, wire)
                wire.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope")
                if request.method == "POST":
                    wire.sock.settimeout(None)
                    wire.ending()
                    return

        app = self.upstream(script)
        proxy = self.start(app)
        size = 64 * 2**20  # more than sockets take
        with proxy.dial() as wire:
            got = wire.exchange(post("/", b"x" * size))
            self.assertEqual((got.status, got.body), (403, b"nope"))
            self.assertEqual(wire.exchange(get("/")).status, 403)
        self.assertEqual(app.connections, 2)  # the first one is of no use any more
        self.assert_nothing_left(proxy)

    def test_a_client_that_leaves_while_the_server_thinks(self):
        app = self.upstream(lambda wire, upstream: (upstream.record(wire.request(), wire), wire.ending()))
        proxy = self.start(app)
        with proxy.dial() as wire:
            wire.send(post("/", NOISE[:100000]))
            app.wait_requests(1)
            wire.reset()
            app.wait_live(0)
        self.assertEqual(proxy.access_log(1)[0]["reason"], "client_gone")
        self.assert_nothing_left(proxy)

    def test_large(self):
        size = (4 if SMALL else 60) * 2**20
        app = self.upstream(answering(lambda request: ok(str(len(request.body)).encode())))
        proxy = self.start(app)
        proxy.exchange(post("/", NOISE))
        before = proxy.rss()
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(0, size, 2**20):
                wire.send(b"x" * 2**20)
            self.assertEqual(wire.final().body, str(size).encode())
        self.assertLess(proxy.rss(), before + size / 2)
        self.assert_nothing_left(proxy)


class Disk(Case):
    def refuse(self, folder, status, reason):
        app = self.upstream(answering(echo))
        proxy = self.proxy(app, greenway="temp_path = %s\n" % folder,
                           listener="request_buffering = on\nmax_body = 100m\nbuffer_memory = 32k\n")
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: 300000\r\n\r\n")
            wire.send(NOISE)
            self.assert_refused(wire, (status,))
        self.assertEqual(proxy.exchange(post("/", NOISE[:20000])).body, NOISE[:20000])  # what fits into memory goes on
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["status"], entry["reason"]), (status, reason))
        self.assertEqual(len(app.requests), 1)

    def test_no_folder(self):
        self.refuse(self.path("nothing"), 503, "buffer_unwritable")

    def test_full(self):
        folder = self.path("tiny")
        os.mkdir(folder)
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tiny", folder], capture_output=True)
        if mount.returncode:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", folder])
        self.refuse(folder, 507, "buffer_full")


if __name__ == "__main__":
    main()
