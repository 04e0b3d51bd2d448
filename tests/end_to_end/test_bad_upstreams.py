"""Upstreams that break the protocol, die, or lie: 502 while nothing was sent, a visible cut afterwards."""

import threading

from harness import SMALL, Case, answering, main, wait_for
from upstream import idle, raw_answer
from wire import Truncated, get, ok

OK = b"HTTP/1.1 200 OK\r\n"
TWO = b"Content-Length: 2\r\n"

# What no client may see: answered with 502.
BAD_HEADS = {
    "other version": b"HTTP/2.0 200 OK\r\n" + TWO + b"\r\nok",
    "version in lower case": b"http/1.1 200 OK\r\n" + TWO + b"\r\nok",
    "two digits of status": b"HTTP/1.1 20 OK\r\n" + TWO + b"\r\nok",
    "four digits of status": b"HTTP/1.1 2000 OK\r\n" + TWO + b"\r\nok",
    "status 099": b"HTTP/1.1 099 OK\r\n" + TWO + b"\r\nok",
    "status with a letter": b"HTTP/1.1 2x0 OK\r\n" + TWO + b"\r\nok",
    "no space after the status": b"HTTP/1.1 200OK\r\n" + TWO + b"\r\nok",
    "other protocol": b"ICY 200 OK\r\n" + TWO + b"\r\nok",
    "mail server": b"220 mail.example ESMTP ready\r\n",
    "plain text": b"hello, I am no web server\n",
    "NUL in the reason": b"HTTP/1.1 200 a\0b\r\n" + TWO + b"\r\nok",
    "bare CR in the reason": b"HTTP/1.1 200 a\rX-I: 1\r\n" + TWO + b"\r\nok",
    "empty name": OK + b": x\r\n" + TWO + b"\r\nok",
    "no colon": OK + b"Foo\r\n" + TWO + b"\r\nok",
    "space in a name": OK + b"Fo o: x\r\n" + TWO + b"\r\nok",
    "NUL in a name": OK + b"Fo\0o: x\r\n" + TWO + b"\r\nok",
    "space before the first field": OK + b" Foo: a\r\n" + TWO + b"\r\nok",
    "length is a word": OK + b"Content-Length: two\r\n\r\nok",
    "length is negative": OK + b"Content-Length: -2\r\n\r\nok",
    "length with a sign": OK + b"Content-Length: +2\r\n\r\nok",
    "length is a list": OK + b"Content-Length: 2, 3\r\n\r\nok",
    "length overflows": OK + b"Content-Length: 99999999999999999999999\r\n\r\nok",
    "two lengths": OK + TWO + b"Content-Length: 3\r\n\r\nok!",
    "unknown coding": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "empty coding": OK + b"Transfer-Encoding: \r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "coding with a parameter": OK + b"Transfer-Encoding: chunked;a=b\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "body of an interim answer": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello" + OK + TWO + b"\r\nok",
}

# Wrong in the body: 502, or a message that the client sees as cut.
BAD_BODIES = {
    "space after the size": b"2 \r\nok\r\n0\r\n\r\n",
    "size overflows": b"FFFFFFFFFFFFFFFF0\r\nok\r\n0\r\n\r\n",
    "no size": b"\r\nok\r\n0\r\n\r\n",
    "not a number": b"xyz\r\nok\r\n0\r\n\r\n",
    "endless extension": b"2;" + b"e" * 70000 + b"\r\nok\r\n0\r\n\r\n",
    "wrong after valid data": b"2\r\nok\r\nZZ\r\n",
    "no CRLF after the data": b"2\r\nokXX0\r\n\r\n",
    "negative last chunk": b"2\r\nok\r\n-0\r\n\r\n",
}


class Heads(Case):
    def test_no_client_sees_a_bad_head(self):
        for name, data in BAD_HEADS.items():
            with self.subTest(name=name):
                upstream = self.upstream(raw_answer(data, "fin" if b"\r\n\r\n" not in data else "keep"))
                proxy = self.proxy(upstream)
                with proxy.dial() as wire:
                    wire.send(get("/"))
                    answer = wire.final()
                    if name == "body of an interim answer" and answer.interim:
                        self.assertEqual(answer.interim[0].status, 103)
                    self.assertEqual(answer.status, 502, answer)
                    self.assert_own_page(answer)
                    self.assertNotIn(b"ok", answer.body[-3:])
                upstream.wait_live(0)
                self.assertEqual(proxy.access_log(1)[0]["status"], 502)
                proxy.stop()

    def test_length_beside_chunked_never_passes_both(self):
        """Either 502, or chunked alone; the bytes behind the last chunk are nobody's answer."""
        data = (OK + b"Content-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                b"HTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 0\r\n\r\n")
        proxy = self.proxy(self.upstream(raw_answer(data)))
        for _ in range(3):
            answer = proxy.exchange(get("/"))
            self.assertIn(answer.status, (200, 502))
            self.assertFalse(answer.has("X-Evil"))
            if answer.status == 200:
                self.assertFalse(answer.has("Content-Length") and answer.has("Transfer-Encoding"))
                self.assertEqual(answer.body, b"")

    def test_end_or_reset_in_the_head(self):
        for data in (b"", b"HTTP/1.1 20", OK, OK + b"Content-Length: 2\r\nX-A"):
            for end in ("fin", "rst"):
                with self.subTest(data=data, end=end):
                    proxy = self.proxy(self.upstream(raw_answer(data, end)))
                    answer = proxy.exchange(get("/"))
                    self.assertEqual(answer.status, 502)
                    self.assert_own_page(answer)
                    proxy.stop()

    def test_reset_at_once(self):
        upstream = self.upstream(lambda wire, upstream: wire.reset())
        proxy = self.proxy(upstream)
        for _ in range(10):
            self.assertEqual(proxy.exchange(get("/")).status, 502)
        self.assertLess(upstream.connections, 50, "failure is not answered with a storm of retries")


class Cuts(Case):
    def cut(self, data, end, request=None):
        """The client gets the head and must not get a clean end; returns the bytes after the head."""
        proxy = self.proxy(self.upstream(raw_answer(data, end)))
        try:
            with proxy.dial() as wire:
                wire.send(request or get("/"))
                answer = wire.head()
                if answer.status == 502:
                    # The end came so soon that nothing had been sent on: then there is a better way to say it.
                    return self.assert_own_page(answer)
                self.assertEqual(answer.status, 200)
                with self.assertRaises((Truncated, ConnectionResetError), msg="the part was taken for the whole"):
                    wire.framed_body(answer, True)
                    self.fail("a whole body: %r" % answer)
            entry = proxy.access_log(1)[0]
            self.assertNotEqual(entry["reason"], "")
        finally:
            proxy.stop()

    def test_content_length(self):
        for end in ("fin", "rst"):
            for size in (0, 1, 5, 100000):
                with self.subTest(end=end, size=size):
                    self.cut(OK + b"Content-Length: 200000\r\n\r\n" + b"x" * size, end)

    def test_chunked(self):
        for end in ("fin", "rst"):
            for body in (b"", b"5", b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r\n", b"186a0\r\n" + b"x" * 100000,
                         b"186a0\r\n" + b"x" * 100000 + b"\r\n"):
                with self.subTest(end=end, body=body[:12]):
                    self.cut(OK + b"Transfer-Encoding: chunked\r\n\r\n" + body, end)

    def test_close_delimited_reset(self):
        """A body that ends in RST has not ended."""
        self.cut(OK + b"\r\n" + b"x" * 100000, "rst")

    def test_http_1_0_client_of_a_cut_chunked_body(self):
        """Its only sign of an end is the end of the connection, so that must not be a clean one."""
        self.cut(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "fin",
                 b"GET / HTTP/1.0\r\nHost: h.example\r\n\r\n")

    def test_curl_notices(self):
        for data in (OK + b"Content-Length: 10\r\n\r\nhello",
                     OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"):
            proxy = self.proxy(self.upstream(raw_answer(data, "fin")))
            done = self.curl("-f", proxy.url("/"), check=False)
            # A part of a file, a reset connection, or a 502.
            self.assertIn(done.returncode, (18, 56, 22))
            proxy.stop()

    def test_bad_chunks(self):
        for name, body in BAD_BODIES.items():
            with self.subTest(name=name):
                proxy = self.proxy(self.upstream(raw_answer(OK + b"Transfer-Encoding: chunked\r\n\r\n" + body)))
                with proxy.dial() as wire:
                    wire.send(get("/"))
                    try:
                        answer = wire.final()
                        self.assertEqual(answer.status, 502)
                    except (Truncated, ConnectionResetError):
                        pass
                proxy.stop()


class Lost(Case):
    def test_nginx_killed_in_mid_response(self):
        """Downloads are under way when the upstream dies: each client sees a cut, and the proxy lives on."""
        nginx = self.nginx("output_buffers 1 32k; sendfile_max_chunk 64k;")
        size = 64 * 1024 * 1024
        with open(nginx.www + "/large", "wb") as file:
            file.truncate(size)
        proxy = self.proxy(nginx)
        wires = [proxy.dial(receive_buffer=65536) for _ in range(20)]
        for wire in wires:
            self.addCleanup(wire.close)
            wire.send(get("/large"))
            head = wire.head()
            self.assertEqual((head.status, head.get("Content-Length")), (200, str(size)))
            wire.exactly(100000)
        nginx.kill()
        for wire in wires:
            _, rest = wire.ending()
            self.assertLess(len(rest), size - 100000)
        answer = proxy.exchange(get("/large"))
        self.assertIn(answer.status, (502, 503))
        self.assert_own_page(answer)
        entries = proxy.access_log(21)
        self.assertNotIn("", {entry["reason"] for entry in entries})

    def test_upstream_restarts_under_load(self):
        """The listener goes away and comes back elsewhere in time; errors only in between, and no hang."""
        count = 300 if SMALL else 1000
        first = self.upstream()
        second = self.upstream()
        proxy = self.proxy(first, second)
        statuses = []

        def client():
            with proxy.dial() as wire:
                for _ in range(count // 4):
                    answer = wire.exchange(get("/"))
                    statuses.append(answer.status)
                    if "close" in answer.tokens("Connection"):
                        break
        clients = [threading.Thread(target=client) for _ in range(4)]
        for thread in clients:
            thread.start()
        wait_for(lambda: len(statuses) > 40, "some answers")
        first.stop()
        for thread in clients:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        self.assertLessEqual(set(statuses), {200, 502})
        # What was in flight on the lost server may fail, once for each client; all the rest goes to the other.
        self.assertLessEqual(statuses.count(502), 8)
        for _ in range(10):
            self.assertEqual(proxy.exchange(get("/")).status, 200)

    def test_errors_do_not_stay(self):
        """A bad answer costs its own request and no other."""
        bad = [b"garbage\r\n\r\n", OK + b"Content-Length: 9\r\n\r\nx", OK + b"Content-Length: x\r\n\r\n"]

        def script(wire, upstream):
            while idle(wire):
                request = wire.request()
                upstream.record(request, wire)
                if request.target == "/good":
                    wire.send(ok(b"good"))
                else:
                    wire.send(bad[int(request.target[1:]) % 3])
                    return
        proxy = self.proxy(self.upstream(script))
        fds = None
        for number in range(60):
            with proxy.dial() as wire:
                wire.send(get("/%d" % number))
                try:
                    wire.final()
                except (Truncated, ConnectionResetError):
                    pass
            self.assertEqual(proxy.exchange(get("/good")).body, b"good")
            fds = fds or proxy.fds()
        wait_for(lambda: proxy.fds() <= fds + 2, "the descriptors of failed exchanges to be closed")

    def test_many_resets_leave_nothing_behind(self):
        upstream = self.upstream(answering(lambda request: ok(b"x" * 1000)))
        proxy = self.proxy(upstream)
        proxy.exchange(get("/"))
        fds = proxy.fds()
        for number in range(500):
            wire = proxy.dial()
            if number % 3:
                wire.send(get("/") if number % 3 == 1 else "GET / HT")
            wire.reset()
        wait_for(lambda: proxy.fds() <= fds + 20, lambda: "the descriptors to go: %d, %d" % (proxy.fds(), fds))
        self.assertEqual(proxy.exchange(get("/")).status, 200)


if __name__ == "__main__":
    main()
