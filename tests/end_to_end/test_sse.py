"""Streams pass at once: each event arrives before the next one is sent, compressed or not, whatever the chunks."""

import threading
import zlib

from harness import Case, PATIENCE, main
from wire import get

CONFIGURATIONS = ("", "compress = zstd, br, gzip\n", "compress = gzip\ncompress_types = */*\ncompress_min_size = 0\n")
ACCEPT = "Accept: text/event-stream\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"


class Turns:
    """The server sends a piece only when the client has told that it has got the one before."""

    def __init__(self, case):
        self.pieces = threading.Semaphore(0)
        case.addCleanup(self.go_on, 1000)

    def go_on(self, count=1):
        self.pieces.release(count)

    def wait(self):
        if not self.pieces.acquire(timeout=PATIENCE * 2):
            raise AssertionError("the client never got the piece before")


def stream(turns, head, pieces, frame=lambda piece: piece, end=b""):
    def script(wire, upstream):
        upstream.record(wire.request(), wire)
        wire.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        for piece in pieces:
            turns.wait()
            wire.send(frame(piece))
        turns.wait()
        wire.send(end)

    return script


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


EVENTS = [b"data: %d\n\n" % i for i in range(20)] + [b": a comment\n", b"data: " + b"x" * 5000 + b"\n\n", b"\n"]


class Events(Case):
    def run_through(self, settings, head, frame, end, read):
        """Sends event after event in lock-step, and returns the head that the client saw."""
        turns = Turns(self)
        app = self.upstream(stream(turns, b"Content-Type: text/event-stream\r\n" + head, EVENTS, frame, end))
        proxy = self.proxy(app, listener=settings)
        with proxy.dial() as wire:
            wire.send(get("/events", extra=ACCEPT))
            answer = wire.head()  # before the first event
            for event in EVENTS:
                turns.go_on()
                self.assertEqual(read(wire, len(event)), event)
            turns.go_on()
            rest = wire.until(b"0\r\n\r\n")
        self.assertFalse(answer.has("Content-Encoding"), answer)
        self.assertFalse(answer.has("Vary"), answer)
        return rest

    def read_chunks(self, wire, count):
        """So many bytes of chunk data, and not one more: a chunk that comes later would be missed."""
        data = b""
        while len(data) < count:
            size = int(wire.line(), 16)
            data += wire.exactly(size)
            self.assertEqual(wire.exactly(2), b"\r\n")
        return data

    def test_chunk_by_chunk(self):
        for settings in CONFIGURATIONS:
            self.run_through(settings, b"Transfer-Encoding: chunked\r\n", chunk, b"0\r\n\r\n", self.read_chunks)

    def test_an_event_in_many_chunks(self):
        def frame(event):
            return b"".join(chunk(event[i:i + 3]) for i in range(0, len(event), 3))

        for settings in CONFIGURATIONS:
            self.run_through(settings, b"Transfer-Encoding: chunked\r\n", frame, b"0\r\n\r\n", self.read_chunks)

    def test_until_close(self):
        for settings in CONFIGURATIONS:
            self.run_through(settings, b"Connection: close\r\n", lambda event: event, b"", self.read_chunks)

    def test_a_chunk_that_is_not_complete(self):
        """The bytes of a chunk go on before the chunk is over."""
        turns = Turns(self)
        app = self.upstream(stream(turns, b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n",
                                   [b"64\r\n" + b"a" * 50, b"b" * 50], end=b"\r\n0\r\n\r\n"))
        for settings in CONFIGURATIONS:
            with self.proxy(app, listener=settings).dial() as wire:
                wire.send(get("/", extra=ACCEPT))
                wire.head()
                turns.go_on()
                self.assertEqual(self.read_chunks(wire, 50), b"a" * 50)
                turns.go_on()
                self.assertEqual(self.read_chunks(wire, 50), b"b" * 50)
                turns.go_on()
                self.assertEqual(wire.until(b"\r\n\r\n"), b"0\r\n\r\n")

    def test_a_client_that_leaves_is_noticed(self):
        for settings in CONFIGURATIONS:
            turns = Turns(self)
            app = self.upstream(stream(turns, b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n",
                                       EVENTS * 5000, chunk)) # more than anybody reads at once
            with self.proxy(app, listener=settings).dial() as wire:
                wire.send(get("/", extra=ACCEPT))
                wire.head()
                turns.go_on()
                self.read_chunks(wire, len(EVENTS[0]))
                wire.reset()
            turns.go_on(20000)
            app.wait_live(0)


class OtherStreams(Case):
    def test_a_compressed_stream(self):
        """What is not an event stream may be compressed; each piece can be decoded as soon as it was sent."""
        lines = [b'{"token": "%d"}\n' % i for i in range(50)] + [b'{"token": "%s"}\n' % (b"y" * 30000)]
        for framing, frame, end in ((b"Transfer-Encoding: chunked\r\n", chunk, b"0\r\n\r\n"),
                                    (b"Connection: close\r\n", lambda line: line, b"")):
            turns = Turns(self)
            app = self.upstream(stream(turns, b"Content-Type: application/x-ndjson\r\n" + framing, lines, frame, end))
            proxy = self.proxy(app, listener="compress = gzip\n")
            with proxy.dial() as wire:
                wire.send(get("/", extra="Accept-Encoding: gzip\r\n"))
                self.assertEqual(wire.head().get("Content-Encoding"), "gzip")
                decoder = zlib.decompressobj(31)
                for line in lines:
                    turns.go_on()
                    got = b""
                    while len(got) < len(line):
                        size = int(wire.line(), 16)
                        got += decoder.decompress(wire.exactly(size))
                        self.assertEqual(wire.exactly(2), b"\r\n")
                    self.assertEqual(got, line)
                turns.go_on()
                while size := int(wire.line(), 16):
                    self.assertEqual(decoder.decompress(wire.exactly(size)), b"")
                    self.assertEqual(wire.exactly(2), b"\r\n")
                self.assertTrue(decoder.eof)

    def test_long_polling(self):
        """The head comes when the server sends it, the body when there is something to say; the connection goes on."""
        for settings in CONFIGURATIONS:
            turns = Turns(self)

            def script(wire, upstream):
                while True:
                    upstream.record(wire.request(), wire)
                    turns.wait()
                    wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n")
                    turns.wait()
                    wire.send(b'{"news": "a"}')

            app = self.upstream(script)
            proxy = self.proxy(app, listener=settings)
            with proxy.dial() as wire:
                for turn in range(3):
                    wire.send(get("/poll", extra="" if turn == 2 else "Accept-Encoding: gzip\r\n"))
                    app.wait_requests(turn + 1)
                    self.assertFalse(wire.buffer)
                    turns.go_on()
                    head = wire.head()
                    turns.go_on()
                    wire.framed_body(head, False)
                    body = zlib.decompress(head.body, 31) if head.has("Content-Encoding") else head.body
                    self.assertEqual(body, b'{"news": "a"}')


if __name__ == "__main__":
    main()
