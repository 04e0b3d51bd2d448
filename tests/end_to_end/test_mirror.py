"""Mirrors: another upstream gets copies of the requests, and the client never notices."""

import re
import threading

from harness import Case, Upstream, answering, main
from patience import wait_for
from wire import get, ok, post, post_chunked


class Mirrors(Case):
    def mirrored(self, shadow, route="", greenway="", script=None, mirror="shadow"):
        """A proxy before an upstream, with copies for `shadow` ("host:port" or an Upstream)."""
        self.server = self.upstream(script)
        self.shadow = shadow
        where = shadow if isinstance(shadow, str) else shadow.server
        return self.proxy(self.server, greenway=greenway,
                          extra="[route all]\nupstream = app\nmirror = %s\n%s\n[upstream shadow]\nserver = %s\n"
                          % (mirror, route, where))

    def copies(self, count):
        wait_for(lambda: len(self.shadow.requests) >= count,
                 lambda: "%d copies; there are %d" % (count, len(self.shadow.requests)))
        return self.shadow.requests

    def told(self, proxy):
        """What the error log says at the end: answered, failed, dropped, too long."""
        proxy.stop()
        found = [re.search(r"mirrored requests: (\d+) answered, (\d+) failed, (\d+) dropped .*, (\d+) too long", line)
                 for line in proxy.lines]
        found = [match for match in found if match]
        return tuple(int(number) for number in found[-1].groups()) if found else None

    def test_copies_of_all_kinds(self):
        proxy = self.mirrored(self.upstream(answering(lambda request: ok(b"thrown away"))))
        body = b"b" * 100000
        with proxy.dial() as wire:
            for request in (get("/a?b=c", extra="X-Mine: 1\r\n"), post("/post", body),
                            post_chunked("/chunked", (b"one", b"two" * 1000), trailers="X-Last: 1\r\n"),
                            post_chunked("/nothing"), post("/empty", b""),
                            b"DELETE /gone HTTP/1.1\r\nHost: h\r\n\r\n"):
                self.assertEqual(wire.exchange(request).body, b"hello")
        copies = {copy.target: copy for copy in self.copies(6)}
        originals = {request.target: request for request in self.server.requests}
        self.assertEqual(set(copies), set(originals))
        for target, copy in copies.items():
            original = originals[target]
            self.assertEqual((copy.method, copy.body), (original.method, original.body), target)
            self.assertEqual(copy.fields, original.fields, target)
        self.assertEqual(copies["/a?b=c"].get("X-Mine"), "1")
        self.assertEqual(copies["/post"].body, body)

    def test_connections_to_the_mirror_are_kept(self):
        proxy = self.mirrored(self.upstream())
        with proxy.dial() as wire:
            for number in range(10):
                wire.exchange(get("/%d" % number))
                self.copies(number + 1)
        self.assertLess(self.shadow.connections, 10)

    def test_bodies_that_come_slowly(self):
        proxy = self.mirrored(self.upstream())
        with proxy.dial() as wire:
            wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello")
            wait_for(lambda: self.server.live, "the request to be on its way")
            self.assertEqual(self.shadow.connections, 0)  # not before all of it is here
            wire.send(b"world")
            self.assertEqual(wire.final().status, 200)
        self.assertEqual(self.copies(1)[0].body, b"helloworld")

    def test_a_body_that_breaks_off_is_not_copied(self):
        proxy = self.mirrored(self.upstream())
        with proxy.dial() as wire:
            wire.send(b"POST /broken HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello")
        proxy.access_log(1)
        proxy.exchange(get("/whole"))
        self.assertEqual([copy.target for copy in self.copies(1)], ["/whole"])

    def test_long_bodies_are_not_copied(self):
        proxy = self.mirrored(self.upstream(), route="mirror_max_body = 1000")
        with proxy.dial() as wire:
            wire.exchange(post("/short", b"x" * 1000))
            wire.exchange(post("/long", b"x" * 1001))
            wire.exchange(post_chunked("/chunks", [b"x" * 100] * 10))
            wire.exchange(post_chunked("/too-long", [b"x" * 100] * 11))
        self.assertEqual([len(request.body) for request in self.server.requests], [1000, 1001, 1000, 1100])
        self.assertEqual({copy.target for copy in self.copies(2)}, {"/short", "/chunks"})
        self.assertEqual(self.told(proxy)[3], 2)
        self.assertEqual(len(self.shadow.requests), 2)

    def test_the_limit_may_stand_for_all(self):
        proxy = self.mirrored(self.upstream(), greenway="mirror_max_body = 10")
        with proxy.dial() as wire:
            wire.exchange(post("/long", b"x" * 11))
            wire.exchange(get("/none"))
        self.assertEqual([copy.target for copy in self.copies(1)], ["/none"])

    def test_a_percentage(self):
        proxy = self.mirrored(self.upstream(), mirror="shadow 25%")
        with proxy.dial() as wire:
            for number in range(100):
                self.assertEqual(wire.exchange(get("/%d" % number)).status, 200)
        self.copies(25)
        self.assertEqual((self.told(proxy) or (0, 0, 0, 0))[2:], (0, 0))
        self.assertEqual(len(self.shadow.requests), 25)

    def test_a_mirror_that_is_down(self):
        gone = Upstream()
        gone.stop()
        proxy = self.mirrored(gone.server)
        with proxy.dial() as wire:
            for number in range(20):
                self.assertEqual(wire.exchange(post("/", b"x" * number)).body, b"hello")
        self.assertEqual(self.told(proxy), (0, 20, 0, 0))
        self.assertEqual({entry["status"] for entry in proxy.access_log(20)}, {200})

    def test_a_mirror_that_answers_rubbish_or_nothing(self):
        scripts = {"rubbish": lambda wire, upstream: (wire.request(), wire.send(b"rubbish\r\n\r\n")),
                   "nothing": lambda wire, upstream: wire.request(),
                   "cut": lambda wire, upstream: (wire.request(), wire.send(b"HTTP/1.1 200 OK\r\nContent-Le")),
                   "error": lambda wire, upstream: (wire.request(), wire.send(b"HTTP/1.1 500 No\r\n\r\n"))}
        for name, script in scripts.items():
            proxy = self.mirrored(self.upstream(script))
            with proxy.dial() as wire:
                for number in range(5):
                    self.assertEqual(wire.exchange(get("/")).body, b"hello", name)
            proxy.stop()

    def test_a_mirror_that_hangs_holds_nobody(self):
        free = threading.Event()

        def hang(wire, upstream):
            upstream.record(wire.request(), wire)
            free.wait()

        proxy = self.mirrored(self.upstream(hang), route="mirror_timeout = 1h", greenway="mirror_requests = 3")
        with proxy.dial() as wire:
            for number in range(10):
                self.assertEqual(wire.exchange(get("/")).body, b"hello")
        try:
            self.assertEqual(self.told(proxy), (0, 3, 7, 0))  # its end does not wait for them either
        finally:
            free.set()

    def test_a_mirror_that_hangs_is_given_up(self):
        free = threading.Event()

        def hang(wire, upstream):
            upstream.record(wire.request(), wire)
            free.wait()

        proxy = self.mirrored(self.upstream(hang), route="mirror_timeout = 50ms", greenway="mirror_requests = 1")
        try:
            with proxy.dial() as wire:
                def again():
                    wire.exchange(get("/"))
                    return len(self.shadow.requests) >= 3
                wait_for(again, "room for another copy")
        finally:
            free.set()
        self.assertGreaterEqual(self.told(proxy)[1], 2)

    def test_a_long_answer_is_not_read_for_ever(self):
        def flood(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            try:
                while True:
                    wire.send(b"x" * 65536)
            except OSError:
                pass

        proxy = self.mirrored(self.upstream(flood))
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/")).body, b"hello")
        wait_for(lambda: self.shadow.connections == 1 and self.shadow.live == 0, "the mirror's connection to be closed")

    def test_an_upgrade_is_not_copied(self):
        def upgrade(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                      b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            wire.until_end()

        proxy = self.mirrored(self.upstream(), script=upgrade)
        with proxy.dial() as wire:
            wire.send(get("/ws", extra="Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
            self.assertEqual(wire.final().status, 101)
        proxy.stop()
        self.assertEqual(self.shadow.connections, 0)


if __name__ == "__main__":
    main()
