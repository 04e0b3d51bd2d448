"""Bodies pass unchanged, whatever frames them: Content-Length, chunks, the end of the connection, no body at all."""

import random
import threading

from harness import Case, answering, echo, main
from upstream import idle
from wire import Truncated, get, ok, post, post_chunked

SIZES = (0, 1, 2, 4095, 4096, 16383, 16384, 16385, 65535, 65536, 65537, 300001, 2 * 1024 * 1024 + 3)


def noise(size, seed=1):
    return random.Random(seed * 7919 + size).randbytes(size)


def pieces(data, seed=1, largest=20000):
    """Cuts data at random places; small pieces are as frequent as large ones."""
    chance = random.Random(seed)
    at = 0
    while at < len(data):
        size = min(len(data) - at, int(largest ** chance.random()))
        yield data[at:at + size]
        at += size


def download(wire, upstream):
    """/FRAMING/SIZE is answered with that many bytes in that framing."""
    while idle(wire):
        request = wire.request()
        upstream.record(request, wire)
        _, framing, size = request.target.split("/")
        body = noise(int(size))
        if framing == "length":
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            for piece in pieces(body):
                wire.send(piece)
        elif framing == "chunked":
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in pieces(body):
                wire.send_chunk(piece)
            wire.send(b"0\r\n\r\n")
        elif framing in ("close", "close10"):
            wire.send("HTTP/1.%d 200 OK\r\n\r\n" % (framing == "close"))
            for piece in pieces(body):
                wire.send(piece)
            return


class Download(Case):
    def check(self, framing):
        proxy = self.proxy(self.upstream(download))
        for size in SIZES:
            with self.subTest(size=size):
                answer = proxy.exchange(get("/%s/%d" % (framing, size)))
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.version, "HTTP/1.1")
                self.assertTrue(answer.body == noise(size), "the body differs")

    def test_content_length(self):
        self.check("length")

    def test_chunked(self):
        self.check("chunked")

    def test_close_delimited(self):
        self.check("close")

    def test_http_1_0_upstream(self):
        self.check("close10")

    def test_all_framings_on_one_client_connection(self):
        """A close-delimited answer of the upstream need not cost the client its connection, but may."""
        proxy = self.proxy(self.upstream(download))
        wire = proxy.dial()
        for framing in ("length", "chunked", "length", "chunked"):
            answer = wire.exchange(get("/%s/70000" % framing))
            self.assertTrue(answer.body == noise(70000))
            self.assertNotIn("close", answer.tokens("Connection"))
        answer = wire.exchange(get("/close/70000"))
        self.assertTrue(answer.body == noise(70000))
        self.assertTrue(answer.has("Transfer-Encoding") or "close" in answer.tokens("Connection"))
        wire.close()

    def test_http_1_0_client_gets_no_chunks(self):
        proxy = self.proxy(self.upstream(download))
        for framing in ("length", "chunked", "close"):
            with self.subTest(framing=framing), proxy.dial() as wire:
                wire.send("GET /%s/50000 HTTP/1.0\r\nHost: h.example\r\n\r\n" % framing)
                answer = wire.final()
                self.assertFalse(answer.has("Transfer-Encoding"))
                self.assertTrue(answer.body == noise(50000), "the body differs")
                self.assertTrue(wire.closed_cleanly())


class Upload(Case):
    def check(self, send):
        proxy = self.proxy(self.upstream(answering(echo)))
        for size in SIZES:
            with self.subTest(size=size), proxy.dial() as wire:
                body = noise(size, 2)
                sender = threading.Thread(target=send, args=(wire, body))
                sender.start()
                answer = wire.final()
                sender.join()
                self.assertEqual(answer.status, 200)
                self.assertTrue(answer.body == body, "the body differs")

    def test_content_length(self):
        def send(wire, body):
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nContent-Length: %d\r\n\r\n" % len(body))
            for piece in pieces(body, 3):
                wire.send(piece)
        self.check(send)

    def test_chunked(self):
        def send(wire, body):
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in pieces(body, 4):
                wire.send_chunk(piece)
            wire.send("0\r\n\r\n")
        self.check(send)

    def test_chunked_in_segments_of_any_size(self):
        """The chunk framing is cut into segments at every possible kind of place."""
        def send(wire, body):
            message = post_chunked("/", list(pieces(body, 5, 3000)), extra="X-Pad: %s\r\n" % ("p" * 500))
            for piece in pieces(message, 6, 7 if len(message) < 6000 else 40000):
                wire.send(piece)
        self.check(send)

    def test_one_byte_at_a_time(self):
        proxy = self.proxy(self.upstream(answering(echo)))
        message = post_chunked("/", [b"a", b"bc", b"def" * 20], trailers="X-T: v\r\n") + post("/2", b"12345")
        with proxy.dial() as wire:
            for byte in message:
                wire.send(bytes([byte]))
            self.assertEqual(wire.final().body, b"abc" + b"def" * 20)
            self.assertEqual(wire.final().body, b"12345")

    def test_framing_reaches_the_upstream_regenerated(self):
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.exchange(b"POST /a HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
                          b"5;ext=1\r\nhello\r\n000\r\n\r\n")
            wire.exchange(b"POST /b HTTP/1.1\r\nHost: h.example\r\nContent-Length: \t3 \r\n\r\nabc")
            wire.exchange(b"GET /c HTTP/1.1\r\nHost: h.example\r\n\r\n")
        chunked, counted, bare = upstream.requests
        self.assertEqual(chunked.body, b"hello")
        self.assertEqual(counted.body, b"abc")
        self.assertFalse(bare.has("Content-Length") or bare.has("Transfer-Encoding"))

    def test_bytes_pass_before_the_body_is_complete(self):
        """Nothing is held back until an end: each piece is answered before the next one is sent."""
        def ping_pong(wire, upstream):
            wire.head()
            wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                size = int(wire.line(), 16)
                data = wire.exactly(size + 2)[:-2]
                if not size:
                    break
                wire.send_chunk(data.upper())
            wire.send("0\r\n\r\n")
        proxy = self.proxy(self.upstream(ping_pong))
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            wire.send_chunk(b"first")
            self.assertEqual(wire.head().status, 200)
            for word in (b"first", b"second", b"third"):
                if word != b"first":
                    wire.send_chunk(word)
                self.assertEqual(wire.line(), "%x" % len(word))
                self.assertEqual(wire.exactly(len(word) + 2), word.upper() + b"\r\n")
            wire.send("0\r\n\r\n")
            self.assertEqual(wire.exactly(5), b"0\r\n\r\n")


class NoBody(Case):
    def test_head_answers_have_no_body(self):
        def respond(request):
            if request.target == "/chunked":
                return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            return b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"
        proxy = self.proxy(self.upstream(answering(respond)))
        with proxy.dial() as wire:
            for target in ("/length", "/chunked", "/length"):
                wire.send("HEAD %s HTTP/1.1\r\nHost: h.example\r\n\r\n" % target)
                answer = wire.final("HEAD")
                self.assertEqual(answer.status, 200)
                if target == "/length":
                    self.assertEqual(answer.get("Content-Length"), "1234")

    def test_204_and_304(self):
        heads = {"/204": b"HTTP/1.1 204 No Content\r\nETag: \"a\"\r\n\r\n",
                 "/304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\nETag: \"b\"\r\n\r\n",
                 "/304bare": b"HTTP/1.1 304 Not Modified\r\n\r\n", "/ok": ok(b"body")}
        upstream = self.upstream(answering(lambda request: heads[request.target]))
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            for target, status in (("/204", 204), ("/304", 304), ("/304bare", 304), ("/ok", 200), ("/204", 204)):
                answer = wire.exchange(get(target))
                self.assertEqual(answer.status, status)
                self.assertFalse(answer.has("Transfer-Encoding"))
                if status == 204:
                    self.assertFalse(answer.has("Content-Length"))
                elif status == 304:
                    self.assertIn(answer.get("Content-Length"), (None, "100"))
                self.assertEqual(answer.body, b"body" if status == 200 else b"")
        self.assertEqual(upstream.connections, 1, "an answer without a body need not cost the connection")

    def test_an_answer_that_may_have_no_body_brings_one(self):
        """The extra bytes reach nobody: not this client as body, and not the next one as an answer."""
        evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        heads = {"/204": b"HTTP/1.1 204 No Content\r\n\r\n" + evil,
                 "/304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n" + evil,
                 "/head": b"HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n" + evil, "/ok": ok(b"good")}
        proxy = self.proxy(self.upstream(answering(lambda request: heads[request.target])))
        for target in ("/204", "/304", "/head"):
            with self.subTest(target=target), proxy.dial() as wire:
                method = "HEAD" if target == "/head" else "GET"
                wire.exchange("%s %s HTTP/1.1\r\nHost: h.example\r\n\r\n" % (method, target), method)
                self.assertEqual(wire.exchange(get("/ok")).body, b"good")

    def test_empty_chunked_answer(self):
        proxy = self.proxy(self.upstream(answering(
            lambda request: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")))
        with proxy.dial() as wire:
            for _ in range(3):
                self.assertEqual(wire.exchange(get("/")).body, b"")


class Curl(Case):
    def test_curl_both_ways(self):
        """The real client: sized and chunked uploads, HEAD, HTTP/1.0."""
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        with open(self.path("upload"), "wb") as file:
            file.write(noise(3000001))
        sized = self.curl("--data-binary", "@" + self.path("upload"), "-H", "Expect:", proxy.url("/a"))
        self.assertTrue(sized.stdout == noise(3000001))
        chunked = self.curl("-T", self.path("upload"), "-H", "Transfer-Encoding: chunked", "-H", "Expect:",
                            proxy.url("/b"))
        self.assertTrue(chunked.stdout == noise(3000001))
        old = self.curl("--http1.0", "--data-binary", "@" + self.path("upload"), proxy.url("/c"))
        self.assertTrue(old.stdout == noise(3000001))
        self.assertIn(b"200", self.curl("-I", proxy.url("/d")).stdout)
        self.assertEqual([request.method for request in upstream.requests], ["POST", "PUT", "POST", "HEAD"])

    def test_pieces_arrive_whole_in_one_connection(self):
        """Several transfers on one curl connection."""
        proxy = self.proxy(self.upstream(download))
        done = self.curl("-o", self.path("1"), "-o", self.path("2"), "-w", "%{num_connects} ",
                         proxy.url("/length/100000"), proxy.url("/chunked/100001"))
        self.assertEqual(done.stdout, b"1 0 ")
        for name, size in (("1", 100000), ("2", 100001)):
            with open(self.path(name), "rb") as file:
                self.assertTrue(file.read() == noise(size))


class Cut(Case):
    def test_a_client_that_stops_in_its_body_gets_no_answer_through(self):
        """The upstream must not see a complete request where the client sent half of one."""
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        for message in (b"POST /a HTTP/1.1\r\nHost: h.example\r\nContent-Length: 10\r\n\r\nhello",
                        b"POST /b HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
                        b"POST /c HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"):
            with self.subTest(message=message), proxy.dial() as wire:
                wire.send(message)
                wire.finish()
                how, rest = wire.ending()
                self.assertTrue(rest == b"" or rest.startswith(b"HTTP/1.1 400 "), rest)
        upstream.wait_live(0)
        self.assertEqual(upstream.requests, [])

    def test_truncated_is_what_the_reader_says_of_half_a_body(self):
        """The test's own reader must notice, or the others prove nothing."""
        proxy = self.proxy(self.upstream(lambda wire, upstream: (
            wire.request(), wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"))))
        with self.assertRaises((Truncated, ConnectionResetError)):
            proxy.exchange(get("/"))


if __name__ == "__main__":
    main()
