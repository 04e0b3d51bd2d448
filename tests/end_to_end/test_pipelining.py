"""Several requests in one write: answered in order, each with its own body, until one of them is wrong."""

import threading

from harness import Case, answering, echo, main
from upstream import idle
from wire import get, ok, post, post_chunked


class Pipelining(Case):
    def test_fifty_in_one_write(self):
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.send(b"".join(get("/%d" % number) for number in range(50)))
            for number in range(50):
                answer = wire.final()
                self.assertEqual((answer.status, answer.get("X-Target")), (200, "/%d" % number))
            self.assertFalse(wire.buffer)
        self.assertEqual(upstream.targets(), ["/%d" % number for number in range(50)])

    def test_mixed_bodies(self):
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        requests, bodies = [], []
        for number in range(60):
            body = bytes([65 + number % 26]) * (number * 997 % 40000)
            kind = number % 4
            bodies.append(b"" if kind == 0 else body)
            requests.append(get("/%d" % number) if kind == 0 else
                            post("/%d" % number, body) if kind == 1 else
                            post_chunked("/%d" % number, [body[:100], body[100:]] if len(body) > 100 else []))
            if kind > 1 and len(body) <= 100:
                bodies[-1] = b""
        with proxy.dial() as wire:
            sender = threading.Thread(target=wire.send, args=(b"".join(requests),))
            sender.start()
            for number, body in enumerate(bodies):
                answer = wire.final()
                self.assertEqual(answer.get("X-Target"), "/%d" % number)
                self.assertTrue(answer.body == body, number)
            sender.join()

    def test_heads_and_no_body_between(self):
        answers = {"/a": ok(b"a"), "/b": b"HTTP/1.1 204 No Content\r\n\r\n", "/c": ok(b"ccc")}
        proxy = self.proxy(self.upstream(answering(lambda request: answers[request.target])))
        with proxy.dial() as wire:
            head = get("/c").replace(b"GET", b"HEAD")
            # The upstream answers HEAD with a body that it must not send, so ask for one it answers rightly.
            wire.send(get("/a") + get("/b") + get("/c") + get("/b") + get("/a"))
            self.assertEqual([wire.final().body for _ in range(5)], [b"a", b"", b"ccc", b"", b"a"])
            wire.send(head.replace(b"/c", b"/b") + get("/a"))
            self.assertEqual(wire.final("HEAD").status, 204)
            self.assertEqual(wire.final().body, b"a")

    def test_slow_answer_does_not_change_the_order(self):
        """The first answer takes its time over many pieces; the second is there at once."""
        def script(wire, upstream):
            while idle(wire):
                request = wire.request()
                upstream.record(request, wire)
                if request.target == "/slow":
                    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for _ in range(200):
                        wire.send_chunk(b"s")
                    wire.send(b"0\r\n\r\n")
                else:
                    wire.send(ok(b"quick"))
        proxy = self.proxy(self.upstream(script))
        with proxy.dial() as wire:
            wire.send(get("/slow") + get("/quick"))
            self.assertEqual(wire.final().body, b"s" * 200)
            self.assertEqual(wire.final().body, b"quick")

    def test_error_in_the_middle_ends_it(self):
        """What stood before the bad request is answered, it gets a 400, and what stands after is never looked at."""
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        for bad in (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET /x y HTTP/1.1\r\nHost: a\r\n\r\n",
                    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n"):
            with self.subTest(bad=bad), proxy.dial() as wire:
                before = len(upstream.requests)
                wire.send(get("/1") + post("/2", b"two") + bad + get("/after"))
                self.assertEqual(wire.final().get("X-Target"), "/1")
                self.assertEqual(wire.final().body, b"two")
                self.assert_refused(wire, (400,))
                self.assertEqual(upstream.targets()[before:], ["/1", "/2"])

    def test_error_in_the_body_ends_it(self):
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.send(get("/1") + b"POST /2 HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n"
                      b"5\r\nhelloXX" + get("/after"))
            self.assertEqual(wire.final().get("X-Target"), "/1")
            self.assert_refused(wire, (400,))
        self.assertEqual(upstream.targets(), ["/1"])

    def test_last_answer_survives_bytes_that_nobody_reads(self):
        """After a refusal more bytes arrive: closing at once would turn into a reset that eats the answer."""
        proxy = self.proxy(self.upstream())
        for _ in range(20):
            with proxy.dial() as wire:
                wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + b"X" * 200000)
                self.assertEqual(wire.final().status, 400)

    def test_answers_larger_than_the_client_reads(self):
        """A pipeline whose answers fill every buffer: nothing is lost once the client reads."""
        proxy = self.proxy(self.upstream(answering(lambda request: ok(request.target.encode() * 30000))))
        with proxy.dial(receive_buffer=8192) as wire:
            wire.send(b"".join(get("/%03d" % number) for number in range(40)))
            for number in range(40):
                self.assertTrue(wire.final().body == b"/%03d" % number * 30000, number)


if __name__ == "__main__":
    main()
