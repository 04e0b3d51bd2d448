"""Compression: what is compressed for whom, what the head says then, and that it is the same body after all."""

import gzip
import os
import random
import re
import subprocess
import threading
import unittest
import zlib

from harness import Case, PATIENCE, answering, main, sanitized
from upstream import idle
from wire import get, ok, ok_chunked

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "true", "false", "null", "name", "value"]
TEXT = " ".join(random.Random(1).choice(WORDS) for _ in range(4000)).encode()
ON = "compress = zstd, br, gzip\n"


def decode(coding, data):
    """By other people's decoders: Python's for gzip, the command line tools of Debian for the others."""
    if coding == "gzip":
        return gzip.decompress(data)
    tool = {"br": ["brotli", "-dc"], "zstd": ["zstd", "-dcq"]}[coding]
    return subprocess.run(tool, input=data, capture_output=True, check=True, timeout=PATIENCE).stdout


def typed(body=TEXT, fields="", kind="text/plain"):
    return ok(body, "Content-Type: %s\r\n%s" % (kind, fields))


class Negotiation(Case):
    def setUp(self):
        super().setUp()
        self.answer = typed()
        self.app = self.upstream(answering(lambda request: self.answer))
        self.gateway = self.proxy(self.app, listener=ON)

    def ask(self, accept="gzip", extra="", method="GET", version="1.1"):
        extra += "Accept-Encoding: %s\r\n" % accept if accept is not None else ""
        request = get("/", extra=extra).replace(b"GET", method.encode(), 1).replace(b"HTTP/1.1", b"HTTP/" + version.encode())
        return self.gateway.exchange(request, method)

    def assert_plain(self, answer, body=TEXT):
        self.assertFalse(answer.has("Content-Encoding"), answer)
        self.assertEqual(answer.get("Content-Length"), str(len(body)))
        self.assertEqual(answer.body, body)

    def assert_coded(self, answer, coding="gzip", body=TEXT):
        self.assertEqual(answer.all("Content-Encoding"), [coding])
        self.assertFalse(answer.has("Content-Length"))
        self.assertLess(len(answer.body), len(body) / 2)
        self.assertEqual(decode(coding, answer.body), body)
        self.assertIn("accept-encoding", answer.tokens("Vary"))

    def test_each_coding(self):
        for coding in ("gzip", "br", "zstd"):
            self.assert_coded(self.ask(coding), coding)

    def test_weights_and_our_order(self):
        self.assert_coded(self.ask("gzip, deflate, br, zstd"), "zstd")
        self.assert_coded(self.ask("gzip, deflate, br"), "br")
        self.assert_coded(self.ask("br;q=0.5, gzip;q=0.8, zstd;q=0"), "gzip")
        self.assert_coded(self.ask("*"), "zstd")
        self.assert_coded(self.ask("identity;q=0, gzip;q=0.1"), "gzip")

    def test_not_asked_for(self):
        for accept in (None, "", "identity", "gzip;q=0", "deflate", "identity, gzip;q=0.5", "gzip;q=nonsense"):
            answer = self.ask(accept)
            self.assert_plain(answer)
            self.assertEqual(answer.tokens("Vary"), ["accept-encoding"])  # another client might get another one

    def test_curl_takes_it(self):
        body = self.curl("--compressed", self.gateway.url("/")).stdout
        self.assertEqual(body, TEXT)

    def test_http10_client_gets_it_plain(self):
        answer = self.ask("gzip", version="1.0")
        self.assert_plain(answer)
        self.assertIn("accept-encoding", answer.tokens("Vary"))

    def test_what_is_never_compressed(self):
        for answer in (typed(fields="Content-Encoding: br\r\n"),
                       typed(fields="Cache-Control: public, no-transform\r\n"),
                       typed(fields="Content-Range: bytes 0-9/100\r\n"),
                       typed().replace(b"200 OK", b"206 Partial Content"),
                       typed(kind="image/png"),
                       typed(kind="text/event-stream"),
                       typed(kind="Text/Event-Stream; charset=utf-8"),
                       ok(TEXT)):
            self.answer = answer
            got = self.ask("gzip, br, zstd")
            self.assertEqual(got.body, TEXT)
            self.assertFalse(got.has("Vary"), got)
            self.assertEqual(got.all("Content-Encoding"), ["br"] if b"Encoding: br" in answer else [])
        self.answer = typed(TEXT[:1000])
        self.assert_plain(self.ask(), TEXT[:1000])  # less than compress_min_size
        self.answer = typed()
        self.assert_plain(self.ask(extra="Cache-Control: no-transform\r\n"))

    def test_without_a_body(self):
        for status in ("204 No Content", "304 Not Modified"):
            self.answer = ("HTTP/1.1 %s\r\nContent-Type: text/plain\r\n\r\n" % status).encode()
            got = self.ask()
            self.assertEqual(got.status, int(status[:3]))
            self.assertFalse(got.has("Content-Encoding"))
        self.answer = typed(b"")
        self.assertFalse(self.ask().has("Content-Encoding"))

    def test_errors_are_compressed_too(self):
        self.answer = typed().replace(b"200 OK", b"404 Not Found")
        self.assert_coded(self.ask())

    def test_head_says_what_get_would(self):
        got = self.ask(method="HEAD")
        self.assertEqual((got.get("Content-Encoding"), got.has("Content-Length"), got.body), ("gzip", False, b""))
        self.assertEqual(got.tokens("Vary"), ["accept-encoding"])
        got = self.ask(None, method="HEAD")
        self.assertEqual((got.get("Content-Encoding"), got.get("Content-Length")), (None, str(len(TEXT))))

    def test_private_responses(self):
        for extra in ("Cookie: session=1\r\n", "Authorization: Basic eDp5\r\n"):
            self.assert_plain(self.ask(extra=extra))
        self.answer = typed(fields="Set-Cookie: session=1\r\n")
        self.assert_plain(self.ask())

    def test_private_responses_if_wanted(self):
        self.gateway = self.proxy(self.app, listener=ON + "compress_private = on\n")
        for extra in ("Cookie: session=1\r\n", "Authorization: Basic eDp5\r\n"):
            self.assert_coded(self.ask(extra=extra))
        self.answer = typed(fields="Set-Cookie: session=1\r\n")
        self.assert_coded(self.ask())

    def test_validators_and_digests(self):
        self.answer = typed(fields='ETag: "v1"\r\nAccept-Ranges: bytes\r\nContent-MD5: abc\r\nDigest: sha-256=abc\r\n'
                                   "Content-Digest: sha-256=:abc:\r\nRepr-Digest: sha-256=:abc:\r\nX-Kept: yes\r\n")
        got = self.ask()
        self.assert_coded(got)
        self.assertEqual(got.all("ETag"), ['W/"v1"'])
        self.assertEqual(got.get("X-Kept"), "yes")
        for name in ("Accept-Ranges", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest"):
            self.assertFalse(got.has(name), name)
        got = self.ask(None)
        self.assertEqual((got.get("ETag"), got.get("Digest")), ('"v1"', "sha-256=abc"))
        for given, expected in (('W/"v1"', ['W/"v1"']), ("v1", [])):
            self.answer = typed(fields="ETag: %s\r\n" % given)
            self.assertEqual(self.ask().all("ETag"), expected)

    def test_not_modified_has_the_tag_that_the_client_knows(self):
        self.answer = b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n'
        got = self.ask(extra='If-None-Match: "v0", W/"v1"\r\n')
        self.assertEqual((got.status, got.all("ETag"), got.tokens("Vary")), (304, ['W/"v1"'], ["accept-encoding"]))
        got = self.ask(extra='If-None-Match: "v1"\r\n')
        self.assertEqual((got.status, got.all("ETag"), got.has("Vary")), (304, ['"v1"'], False))

    def test_vary_is_merged(self):
        for given, expected in (("Origin", ["origin", "accept-encoding"]), ("*", ["*"]),
                                ("origin, ACCEPT-encoding", ["origin", "accept-encoding"])):
            self.answer = typed(fields="Vary: %s\r\n" % given)
            self.assertEqual(self.ask().tokens("Vary"), expected)

    def test_the_connection_goes_on(self):
        with self.gateway.dial() as wire:
            for _ in range(3):
                self.assert_coded(wire.exchange(get("/", extra="Accept-Encoding: br\r\n")), "br")
        self.app.wait_live(1)
        self.assertEqual(self.app.connections, 1)

    def test_the_log_counts_what_was_sent(self):
        got = self.ask()
        self.assertEqual(self.gateway.access_log(1)[0]["bytes_out"], len(got.body))


class Bodies(Case):
    def gateway_for(self, script, settings=ON):
        self.app = self.upstream(script)
        return self.proxy(self.app, listener=settings)

    def test_sizes_around_the_buffers(self):
        """Every framing of the server's, every coding, sizes where buffers end, with bytes that do not compress."""
        noise = random.Random(2).randbytes(200000)

        def respond(request):
            size, framing = int(request.target.split("/")[1]), request.target.split("/")[2]
            body = noise[:size // 2] + TEXT * (size // len(TEXT) + 1)
            body = body[:size]
            if framing == "chunked":
                return ok_chunked([body[i:i + 1000] for i in range(0, size, 1000)], "Content-Type: text/plain\r\n")
            return typed(body)

        proxy = self.gateway_for(answering(respond), ON + "compress_min_size = 0\n")
        for coding in ("gzip", "br", "zstd"):
            with proxy.dial() as wire:
                for size in (1, 100, 16383, 16384, 16385, 65536, 131072, 400000):
                    for framing in ("length", "chunked"):
                        got = wire.exchange(get("/%d/%s" % (size, framing), extra="Accept-Encoding: %s\r\n" % coding))
                        self.assertEqual(got.get("Content-Encoding"), coding)
                        expected = (noise[:size // 2] + TEXT * (size // len(TEXT) + 1))[:size]
                        self.assertEqual(decode(coding, got.body), expected, (coding, size, framing))

    def test_every_level(self):
        app = self.upstream(answering(lambda request: typed()))
        levels = [("gzip", n) for n in range(1, 10)] + [("br", n) for n in range(7)] + [("zstd", n) for n in range(1, 10)]
        routes = "".join("[route %s%d]\npath = =/%s%d\nupstream = app\ncompress = %s level=%d\n"
                         % (coding, level, coding, level, coding, level) for coding, level in levels)
        proxy = self.proxy(app, extra=routes)
        for coding, level in levels:
            got = proxy.exchange(get("/%s%d" % (coding, level), extra="Accept-Encoding: *\r\n"))
            self.assertEqual(got.get("Content-Encoding"), coding)
            self.assertEqual(decode(coding, got.body), TEXT)
        self.assertFalse(proxy.exchange(get("/", extra="Accept-Encoding: *\r\n")).has("Content-Encoding"))

    def test_until_close(self):
        def script(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + TEXT)

        got = self.gateway_for(script).exchange(get("/", extra="Accept-Encoding: gzip\r\n"))
        self.assertEqual(decode("gzip", got.body), TEXT)

    def test_trailers_pass_but_for_digests(self):
        trailers = ["X-Checksum: 1\r\n", "X-Checksum: 1\r\nContent-Digest: sha-256=:a:\r\n"]
        proxy = self.gateway_for(answering(lambda request: ok_chunked(
            [TEXT], "Content-Type: text/plain\r\n", trailers[int(request.target[1:])])))
        got = proxy.exchange(get("/0", extra="Accept-Encoding: gzip\r\n"))
        self.assertEqual(got.trailer("X-Checksum"), "1")
        got = proxy.exchange(get("/1", extra="Accept-Encoding: gzip\r\n"))
        self.assertEqual((decode("gzip", got.body), got.trailers), (TEXT, []))

    def test_a_body_that_breaks_off_is_seen_to(self):
        """What came is passed on, and nobody can take it for all of it."""
        def script(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n" + TEXT[:20000])

        for coding in ("gzip", "br", "zstd"):
            with self.gateway_for(script).dial() as wire:
                wire.send(get("/", extra="Accept-Encoding: %s\r\n" % coding))
                head = wire.head()
                self.assertEqual(head.get("Content-Encoding"), coding)
                end, data = wire.ending()
                self.assertFalse(data.endswith(b"0\r\n\r\n"), data[-20:])
                if coding == "gzip":
                    chunks = re.split(rb"\r\n", data, 1)
                    size = int(chunks[0], 16)
                    self.assertEqual(zlib.decompressobj(31).decompress(chunks[1][:size]), TEXT[:20000])

    def test_local_pages_are_left_alone(self):
        got = self.gateway_for(answering(lambda request: None)).exchange(get("/", extra="Accept-Encoding: gzip\r\n"))
        self.assertEqual((got.status, got.has("Content-Encoding")), (502, False))

    def test_a_client_that_leaves(self):
        """A large body under way to somebody who goes: encoder, buffers and connections come back."""
        def script(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
            noise = os.urandom(50000)
            while True:
                wire.send_chunk(noise)

        proxy = self.gateway_for(script)
        for _ in range(20):
            with proxy.dial() as wire:
                wire.send(get("/", extra="Accept-Encoding: gzip\r\n"))
                wire.exactly(100000)
        self.app.wait_live(0)
        proxy.access_log(20)


class Memory(Case):
    def test_beyond_the_budget_bodies_are_plain(self):
        """Two encoders fit; as long as they are in use, nobody gets a third one, and afterwards one is used again."""
        release = threading.Event()
        self.addCleanup(release.set)

        def script(wire, upstream):
            while idle(wire):
                request = wire.request()
                upstream.record(request, wire)
                if request.target == "/slow":
                    wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
                    wire.send_chunk(TEXT)
                    release.wait(PATIENCE * 2)
                    wire.send(b"0\r\n\r\n")
                else:
                    wire.send(typed())

        app = self.upstream(script)
        proxy = self.proxy(app, greenway="compress_memory = 700k", listener="compress = gzip\n")
        accept = "Accept-Encoding: gzip\r\n"
        with proxy.dial() as one, proxy.dial() as two, proxy.dial() as three:
            for wire in (one, two):
                wire.send(get("/slow", extra=accept))
                self.assertEqual(wire.head().get("Content-Encoding"), "gzip")
            got = three.exchange(get("/", extra=accept))
            self.assertEqual((got.get("Content-Encoding"), got.get("Vary"), got.body), (None, "Accept-Encoding", TEXT))
            release.set()
            for wire in (one, two):
                wire.until(b"\r\n0\r\n\r\n")
            proxy.access_log(3)
            self.assertEqual(decode("gzip", three.exchange(get("/", extra=accept)).body), TEXT)

    @unittest.skipIf(sanitized(), "memory is measured")
    def test_many_bodies_leave_nothing_behind(self):
        app = self.upstream(answering(lambda request: typed()))
        proxy = self.proxy(app, listener=ON)

        def ask(times):
            with proxy.dial() as wire:
                for i in range(times):
                    coding = ("gzip", "br", "zstd")[i % 3]
                    self.assertEqual(wire.exchange(get("/", extra="Accept-Encoding: %s\r\n" % coding)).get("Content-Encoding"),
                                     coding)

        ask(60)
        before = proxy.rss()
        ask(600)
        self.assertLess(proxy.rss(), before + 8 * 2**20)


class Fairness(Case):
    def test_others_are_served_meanwhile(self):
        """A body that takes long to encode does not keep the one worker from answering somebody else."""
        noise = bytes(random.Random(3).choices(b"abcdefghijklmnopqrstuvwxyz     ", k=100000))

        def script(wire, upstream):
            while idle(wire):
                request = wire.request()
                upstream.record(request, wire)
                if request.target == "/long":
                    wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for _ in range(100):
                        wire.send_chunk(noise)
                    wire.send(b"0\r\n\r\n")
                else:
                    wire.send(ok(b"quick"))

        app = self.upstream(script)
        proxy = self.proxy(app, listener="compress = gzip level=9\n")
        with proxy.dial() as long, proxy.dial() as quick:
            self.assertEqual(quick.exchange(get("/")).body, b"quick")
            long.send(get("/long", extra="Accept-Encoding: gzip\r\n"))
            self.assertEqual(long.head().get("Content-Encoding"), "gzip")
            served = 0
            reader = threading.Thread(target=lambda: long.until(b"\r\n0\r\n\r\n"))
            reader.start()
            while reader.is_alive():
                self.assertEqual(quick.exchange(get("/")).body, b"quick")
                served += 1
            reader.join()
        self.assertGreater(served, 3)


if __name__ == "__main__":
    main()
