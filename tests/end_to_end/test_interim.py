"""Interim answers and Expect: 100-continue: passed on when they mean something, never to HTTP/1.0."""

import time

from harness import PATIENCE, Case, answering, echo, main
from upstream import idle
from wire import get, ok, post


def continuing(wire, upstream):
    """Says 100 before it reads the body, as a server that was asked to does; /refuse gets 417, /large 413."""
    while idle(wire):
        request = wire.head()
        upstream.record(request, wire)
        if request.target == "/refuse":
            wire.send(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            return
        if request.target == "/large":
            wire.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
            return
        if request.has("Expect"):
            wire.send("HTTP/1.1 100 Continue\r\n\r\n")
        wire.framed_body(request, False)
        wire.send(ok(request.body))


class Expect(Case):
    def setUp(self):
        super().setUp()
        self.app = self.upstream(continuing)
        self.gateway = self.proxy(self.app)

    def head(self, target="/", length=5, version="1.1", extra=""):
        return ("POST %s HTTP/%s\r\nHost: h.example\r\nExpect: 100-continue\r\nContent-Length: %d\r\n%s\r\n"
                % (target, version, length, extra))

    def test_the_body_waits_for_the_upstreams_100(self):
        with self.gateway.dial() as wire:
            for _ in range(2):
                wire.send(self.head())
                interim = wire.response()
                self.assertEqual(interim.status, 100)
                wire.send(b"hello")
                self.assertEqual(wire.final().body, b"hello")
        self.assertEqual(self.app.requests[0].tokens("Expect"), ["100-continue"])
        self.assertEqual([request.body for request in self.app.requests], [b"hello", b"hello"])

    def test_early_refusal_of_the_upstream_is_the_answer(self):
        """No 100 then: the client keeps its body, and the connection cannot be used on if it does."""
        for target, status, body in (("/refuse", 417, b"no"), ("/large", 413, b"big")):
            with self.subTest(target=target), self.gateway.dial() as wire:
                wire.send(self.head(target, 1000000))
                answer = wire.final()
                self.assertEqual((answer.status, answer.body, answer.interim), (status, body, []))

    def test_body_over_the_limit_is_refused_before_100(self):
        upstream = self.upstream(continuing)
        proxy = self.proxy(upstream, extra="[limits]\nmax_body = 1k\n")
        with proxy.dial() as wire:
            wire.send(self.head("/", 2000))
            answer = self.assert_refused(wire, (413,))
            self.assertEqual(answer.interim, [])
        self.assertEqual(upstream.requests, [])

    def test_body_sent_without_waiting(self):
        with self.gateway.dial() as wire:
            wire.send(self.head() + "hello" + get("/second").decode())
            self.assertEqual(wire.final().body, b"hello")
            self.assertEqual(wire.final().status, 200)

    def test_a_body_that_looks_like_a_request_stays_a_body(self):
        smuggled = "GET /smuggled HTTP/1.1\r\nHost: h.example\r\n\r\n"
        with self.gateway.dial() as wire:
            wire.send(self.head("/", len(smuggled)) + smuggled)
            self.assertEqual(wire.final().body, smuggled.encode())
        self.assertNotIn("/smuggled", self.app.targets())

    def test_unknown_expectation(self):
        with self.gateway.dial() as wire:
            wire.send(post("/", b"hello", extra="Expect: 200-ok\r\n"))
            answer = wire.final()
            self.assertIn(answer.status, (200, 400, 417))

    def test_http_1_0_expectation_is_ignored(self):
        with self.gateway.dial() as wire:
            wire.send(self.head(version="1.0") + "hello")
            answer = wire.final()
            self.assertEqual((answer.status, answer.body, answer.interim), (200, b"hello", []))

    def test_upstream_that_never_says_100(self):
        """curl sends its body after a second of silence; so may any client. Nobody waits for ever."""
        proxy = self.proxy(self.upstream(answering(echo)))
        done = self.curl("-H", "Expect: 100-continue", "--data-binary", "x" * 3000, proxy.url("/"))
        self.assertEqual(done.stdout, b"x" * 3000)

    def test_curl_with_expect(self):
        body = b"e" * 2000000
        with open(self.path("body"), "wb") as file:
            file.write(body)
        done = self.curl("-H", "Expect: 100-continue", "--expect100-timeout", "30", "--data-binary",
                         "@" + self.path("body"), self.gateway.url("/"))
        self.assertTrue(done.stdout == body)
        refused = self.curl("-H", "Expect: 100-continue", "--expect100-timeout", "30", "--data-binary",
                            "@" + self.path("body"), "-o", "/dev/null", "-w", "%{http_code} %{size_upload}",
                            self.gateway.url("/large"))
        self.assertEqual(refused.stdout, b"413 0")


class Interim(Case):
    HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"

    def test_early_hints_and_unknown_interim_answers_pass(self):
        data = self.HINTS + self.HINTS + b"HTTP/1.1 199 Odd\r\nX-Odd: 1\r\n\r\n" + ok(b"done")
        proxy = self.proxy(self.upstream(answering(lambda request: data)))
        with proxy.dial() as wire:
            for _ in range(2):
                answer = wire.exchange(get("/"))
                self.assertEqual((answer.status, answer.body), (200, b"done"))
                self.assertEqual([interim.status for interim in answer.interim], [103, 103, 199])
                self.assertEqual(answer.interim[0].get("Link"), "</a.css>; rel=preload")

    def test_an_interim_answer_comes_before_the_final_one_exists(self):
        def script(wire, upstream):
            wire.head()
            wire.send(self.HINTS)
            # Goes on only when the client has said that the hints arrived.
            wire.exactly(2)
            wire.send(ok(b"done"))
        proxy = self.proxy(self.upstream(script))
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: 2\r\n\r\n")
            self.assertEqual(wire.response().status, 103)
            wire.send("go")
            self.assertEqual(wire.final().body, b"done")

    def test_none_to_http_1_0(self):
        proxy = self.proxy(self.upstream(answering(
            lambda request: self.HINTS + b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"done"))))
        with proxy.dial() as wire:
            wire.send("GET / HTTP/1.0\r\nHost: h.example\r\n\r\n")
            answer = wire.final()
            self.assertEqual((answer.status, answer.body, answer.interim), (200, b"done", []))

    def test_interim_answer_then_nothing(self):
        def script(wire, upstream):
            wire.request()
            wire.send(self.HINTS)
        proxy = self.proxy(self.upstream(script))
        answer = proxy.exchange(get("/"))
        self.assertEqual(answer.status, 502)
        self.assert_own_page(answer)

    def test_interim_answers_without_end(self):
        """A bound or the response timeout ends it; the proxy's memory does not."""
        def script(wire, upstream):
            wire.request()
            while True:
                wire.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
        proxy = self.proxy(self.upstream(script), extra="[timeouts]\ntimeout_response = 1s\n")
        with proxy.dial() as wire:
            wire.send(get("/"))
            end = time.monotonic() + PATIENCE
            answer = wire.response()
            while answer.status < 200:
                self.assertLess(time.monotonic(), end, "interim answers for ever")
                answer = wire.response()
            self.assertIn(answer.status, (502, 504))
            self.assert_own_page(answer)


if __name__ == "__main__":
    main()
