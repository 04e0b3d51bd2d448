"""Upgrades: a tunnel after the upstream's 101 and at no other time; real WebSockets through it."""

import asyncio
import os
import random
import threading

from harness import SMALL, Case, answering, main, wait_for
from upstream import idle
from wire import get, ok

ASK = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def switching(wire, upstream):
    """Says 101 and then returns every byte."""
    upstream.record(wire.head(), wire)
    wire.send(SWITCH)
    while wire.buffer or wire.more():
        wire.send(wire.take(len(wire.buffer)))
    wire.send(b"<end>")


class Tunnel(Case):
    def test_bytes_pass_both_ways_after_101(self):
        upstream = self.upstream(switching)
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            answer = wire.exchange(get("/ws", extra=ASK))
            self.assertEqual(answer.status, 101)
            self.assertEqual(answer.tokens("Upgrade"), ["websocket"])
            self.assertIn("upgrade", answer.tokens("Connection"))
            for size in (1, 100, 16384, 100001):
                data = random.Random(size).randbytes(size)
                wire.send(data)
                self.assertTrue(wire.exactly(size) == data)
            wire.finish()
            self.assertEqual(wire.ending(), ("fin", b"<end>"))
        seen = upstream.requests[0]
        self.assertEqual(seen.tokens("Upgrade"), ["websocket"])
        self.assertIn("upgrade", seen.tokens("Connection"))
        self.assertEqual(seen.get("Sec-WebSocket-Key"), "dGhlIHNhbXBsZSBub25jZQ==")

    def test_bytes_that_came_with_either_head(self):
        """What the upstream sends in one segment with its 101, and what the client sends right after its request."""
        def eager(wire, upstream):
            wire.head()
            wire.send(SWITCH + b"greeting")
            wire.send(wire.exactly(5).upper())
        proxy = self.proxy(self.upstream(eager))
        with proxy.dial() as wire:
            wire.send(get("/ws", extra=ASK) + b"early")
            self.assertEqual(wire.final().status, 101)
            self.assertEqual(wire.ending(), ("fin", b"greetingEARLY"))

    def test_nothing_is_tunnelled_before_101(self):
        """The bytes after the request reach the upstream only once it has switched."""
        told = threading.Event()

        def slow(wire, upstream):
            wire.head()
            upstream.early = wire.readable(0.3)
            told.set()
            wire.send(SWITCH)
            wire.send(wire.exactly(5))
        upstream = self.upstream(slow)
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.send(get("/ws", extra=ASK) + b"early")
            self.assertEqual(wire.final().status, 101)
            self.assertEqual(wire.exactly(5), b"early")
        self.assertFalse(upstream.early)

    def test_any_other_answer_stays_http(self):
        """200 or 426, even with Upgrade fields of its own: the connection goes on as HTTP and is checked as such."""
        for line in ("200 OK", "426 Upgrade Required", "400 Bad Request", "403 Forbidden"):
            data = ("HTTP/1.1 %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno"
                    % line).encode()
            upstream = self.upstream(answering(lambda request: data if request.target == "/ws" else ok(b"next")))
            proxy = self.proxy(upstream)
            with self.subTest(line=line), proxy.dial() as wire:
                wire.send(get("/ws", extra=ASK) + get("/second"))
                answer = wire.final()
                self.assertEqual((answer.status, answer.body), (int(line[:3]), b"no"))
                self.assertEqual(wire.final().body, b"next")
                self.assertEqual(upstream.targets(), ["/ws", "/second"])
                wire.send(b"GET /a b HTTP/1.1\r\nHost: h.example\r\n\r\n")
                self.assert_refused(wire, (400,))
            proxy.stop()

    def test_refused_upgrade_with_tunnel_bytes_is_a_bad_request(self):
        upstream = self.upstream(answering(lambda request: ok(b"no")))
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.send(get("/ws", extra=ASK) + b"\x81\x85\x01\x02\x03\x04abcde")
            self.assertEqual(wire.final().body, b"no")
            self.assert_refused(wire, (400,))
        self.assertEqual(len(upstream.requests), 1)

    def test_h2c_is_never_passed(self):
        upstream = self.upstream()
        proxy = self.proxy(upstream)
        for value in ("h2c", "websocket, h2c", "H2C", "h2c, foo/1"):
            with self.subTest(value=value):
                before = len(upstream.requests)
                answer = proxy.exchange(get("/", extra="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\n"
                                            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n" % value))
                self.assertIn(answer.status, (200, 400))
                for request in upstream.requests[before:]:
                    self.assertNotIn("h2c", ",".join(request.tokens("Upgrade")))
                    self.assertFalse(request.has("HTTP2-Settings"))

    def test_101_nobody_asked_for(self):
        proxy = self.proxy(self.upstream(answering(lambda request: SWITCH + b"surprise")))
        answer = proxy.exchange(get("/"))
        self.assertEqual(answer.status, 502)
        self.assert_own_page(answer)

    def test_upgrade_without_connection_is_no_upgrade(self):
        """Upgrade that Connection does not name is not for us; nor is one in HTTP/1.0."""
        upstream = self.upstream()
        proxy = self.proxy(upstream)
        self.assertEqual(proxy.exchange(get("/", extra="Upgrade: websocket\r\n")).status, 200)
        with proxy.dial() as wire:
            wire.send("GET / HTTP/1.0\r\nHost: h.example\r\n%s\r\n" % ASK)
            self.assertEqual(wire.final().status, 200)
        for request in upstream.requests:
            self.assertFalse(request.has("Upgrade"))

    def test_upgrade_request_with_a_body(self):
        """The body is framed before anything switches (or the request is refused)."""
        def script(wire, upstream):
            while idle(wire):
                request = wire.request()
                upstream.record(request, wire)
                wire.send(ok(request.body))
        upstream = self.upstream(script)
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.send("POST /ws HTTP/1.1\r\nHost: h.example\r\n%sContent-Length: 5\r\n\r\nhello" % ASK
                      + get("/second").decode())
            answer = wire.final()
            self.assertIn(answer.status, (200, 400))
            if answer.status == 200:
                self.assertEqual(answer.body, b"hello")
                self.assertEqual(wire.final().status, 200)
                self.assertEqual(upstream.targets(), ["/ws", "/second"])

    def test_end_of_either_side_ends_the_tunnel(self):
        def farewell(wire, upstream):
            wire.head()
            wire.send(SWITCH)
            if wire.exactly(4) == b"stop":
                wire.send(b"bye")
        upstream = self.upstream(farewell)
        proxy = self.proxy(upstream)
        with proxy.dial() as wire:
            wire.exchange(get("/ws", extra=ASK))
            wire.send(b"stop")
            self.assertEqual(wire.ending(), ("fin", b"bye"))
        with proxy.dial() as wire:
            wire.exchange(get("/ws", extra=ASK))
        upstream.wait_live(0)

    def test_tunnel_is_logged_and_never_pooled(self):
        upstream = self.upstream(switching)
        proxy = self.proxy(upstream)
        for _ in range(3):
            with proxy.dial() as wire:
                wire.exchange(get("/ws", extra=ASK))
                wire.send(b"12345")
                wire.exactly(5)
        self.assertEqual(upstream.connections, 3)
        self.assertEqual([entry["status"] for entry in proxy.access_log(3)], [101, 101, 101])

    def test_idle_tunnel_ends(self):
        upstream = self.upstream(switching)
        proxy = self.proxy(upstream, extra="[timeouts]\ntimeout_tunnel = 300ms\n")
        with proxy.dial() as wire:
            wire.exchange(get("/ws", extra=ASK))
            wire.send(b"x")
            self.assertEqual(wire.exactly(1), b"x")
            wire.ending()
        upstream.wait_live(0)


class WebSocket(Case):
    """Both ends are Debian's python3-websockets."""

    def run_pair(self, client, **options):
        import websockets

        async def serve(socket):
            async for message in socket:
                if message == "close 4321":
                    return await socket.close(4321, "as asked")
                await socket.send(message)

        async def story():
            async with websockets.serve(serve, "127.0.0.1", 0, max_size=None, **options) as server:
                port = server.sockets[0].getsockname()[1]
                loop = asyncio.get_running_loop()
                proxy = await loop.run_in_executor(None, self.proxy, "127.0.0.1:%d" % port)
                url = "ws://127.0.0.1:%d/chat?x=1" % proxy.port
                async with websockets.connect(url, max_size=None, **options) as socket:
                    await client(socket)
                return proxy
        return asyncio.run(asyncio.wait_for(story(), 120))

    def test_messages_of_every_size(self):
        async def client(socket):
            for size in (0, 1, 125, 126, 65535, 65536, 1000001, (2 if SMALL else 16) * 1024 * 1024):
                data = os.urandom(size)
                await socket.send(data)
                self.assertTrue(await socket.recv() == data, size)
        for compression in (None, "deflate"):
            with self.subTest(compression=compression):
                self.run_pair(client, compression=compression)

    def test_fragments_ping_and_close_code(self):
        import websockets

        async def client(socket):
            await socket.send(["frag", "ment", "ed"])
            self.assertEqual(await socket.recv(), "fragmented")
            await (await socket.ping(b"are you there"))
            await socket.send("close 4321")
            with self.assertRaises(websockets.ConnectionClosed):
                await socket.recv()
            self.assertEqual((socket.close_code, socket.close_reason), (4321, "as asked"))
        self.run_pair(client)

    def test_hundred_at_once(self):
        import websockets

        async def client(first):
            url = "ws://127.0.0.1:%d/" % first.remote_address[1]

            async def one(number):
                async with websockets.connect(url) as socket:
                    for turn in range(10):
                        await socket.send("%d-%d" % (number, turn))
                        self.assertEqual(await socket.recv(), "%d-%d" % (number, turn))
            await asyncio.gather(*(one(number) for number in range(20 if SMALL else 100)))
        proxy = self.run_pair(client)
        wait_for(lambda: len(proxy.access_lines()) >= (21 if SMALL else 101), "a log line for each WebSocket")

    def test_server_lost_is_seen_as_an_abnormal_end(self):
        import websockets

        async def serve(socket):
            await socket.recv()
            socket.transport.abort()

        async def story():
            async with websockets.serve(serve, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                loop = asyncio.get_running_loop()
                proxy = await loop.run_in_executor(None, self.proxy, "127.0.0.1:%d" % port)
                async with websockets.connect("ws://127.0.0.1:%d/" % proxy.port) as socket:
                    await socket.send("die")
                    with self.assertRaises(websockets.ConnectionClosed):
                        await socket.recv()
                    self.assertEqual(socket.close_code, 1006)
        asyncio.run(asyncio.wait_for(story(), 120))


if __name__ == "__main__":
    main()
