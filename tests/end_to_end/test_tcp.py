"""The TCP proxy: bytes, ends and resets pass as they come, in each direction for itself."""

import hashlib
import random
import socket
import threading

from harness import SMALL, Case, main, sanitized, settled, wait_for
from upstream import deaf_port, refused_port

SIZES = (0, 1, 4096, 65535, 65536, 65537, 1000003)


def mirror(wire, upstream):
    """Returns every byte, and the end after it."""
    wire.sock.settimeout(None)
    while wire.more():
        wire.send(wire.take(len(wire.buffer)))


def after_the_end(wire, upstream):
    """Reads to the end first and answers then."""
    data = wire.until_end()
    wire.send(b"%d %s" % (len(data), hashlib.sha1(data).hexdigest().encode()))


class Bytes(Case):
    def test_echo(self):
        proxy = self.tcp_proxy(self.upstream(mirror))
        for size in SIZES:
            with self.subTest(size=size), proxy.dial() as wire:
                data = random.Random(size).randbytes(size)
                sender = threading.Thread(target=lambda: (wire.send(data), wire.finish()))
                sender.start()
                how, seen = wire.ending()
                sender.join()
                self.assertEqual(how, "fin")
                self.assertTrue(seen == data)

    def test_every_byte_value_and_no_protocol(self):
        proxy = self.tcp_proxy(self.upstream(mirror))
        data = bytes(range(256)) * 3 + b"\r\n\r\nGET / HTTP/1.1\r\n\r\n\0"
        with proxy.dial() as wire:
            for byte in data:
                wire.send(bytes([byte]))
            self.assertEqual(wire.exactly(len(data)), data)

    def test_server_speaks_first(self):
        def greeter(wire, upstream):
            wire.send(b"220 hello\r\n")
            self.assertEqual(wire.line(), "QUIT")
            wire.send(b"221 bye\r\n")
        proxy = self.tcp_proxy(self.upstream(greeter))
        with proxy.dial() as wire:
            self.assertEqual(wire.line(), "220 hello")
            wire.send(b"QUIT\r\n")
            self.assertEqual(wire.ending(), ("fin", b"221 bye\r\n"))

    def test_large_transfer_both_ways_at_once(self):
        size = (32 if SMALL else 256) * 1024 * 1024
        block = random.Random(1).randbytes(1024 * 1024)
        sums = {}

        def pump(wire, name):
            state = hashlib.sha1()
            for number in range(size // len(block)):
                piece = number.to_bytes(8, "big") + block[8:]
                state.update(piece)
                wire.send(piece)
            wire.finish()
            sums[name] = state.hexdigest()

        def drain(wire, name):
            state = hashlib.sha1()
            while wire.more():
                state.update(wire.take(len(wire.buffer)))
            sums[name] = state.hexdigest()

        def server(wire, upstream):
            sender = threading.Thread(target=pump, args=(wire, "down sent"))
            sender.start()
            drain(wire, "up received")
            sender.join()
        upstream = self.upstream(server)
        proxy = self.tcp_proxy(upstream)
        before = proxy.rss()
        with proxy.dial() as wire:
            sender = threading.Thread(target=pump, args=(wire, "up sent"))
            sender.start()
            drain(wire, "down received")
            sender.join()
        upstream.wait_live(0)
        self.assertEqual(sums["up sent"], sums["up received"])
        self.assertEqual(sums["down sent"], sums["down received"])
        if not sanitized():
            self.assertLess(proxy.rss() - before, 4 * 1024 * 1024)

    def test_many_connections(self):
        proxy = self.tcp_proxy(self.upstream(mirror))
        wires = [proxy.dial() for _ in range(200)]
        for number, wire in enumerate(wires):
            self.addCleanup(wire.close)
            wire.send(b"%05d" % number)
        for number, wire in enumerate(wires):
            self.assertEqual(wire.exactly(5), b"%05d" % number)

    def test_stalled_reader_holds_no_memory(self):
        def endless(wire, upstream):
            wire.sock.settimeout(None)
            while True:
                wire.send(b"x" * 65536)
                upstream.sent += 65536
        upstream = self.upstream(endless)
        upstream.sent = 0
        proxy = self.tcp_proxy(upstream)
        before = proxy.rss()
        with proxy.dial(receive_buffer=65536) as wire:
            settled(lambda: upstream.sent)
            if not sanitized():
                self.assertLess(proxy.rss() - before, 2 * 1024 * 1024)
            wire.exactly(10000000)
        upstream.wait_live(0)


class Ends(Case):
    def test_half_close_of_the_client_keeps_the_answer(self):
        proxy = self.tcp_proxy(self.upstream(after_the_end))
        for size in SIZES:
            with self.subTest(size=size), proxy.dial() as wire:
                data = random.Random(size).randbytes(size)
                wire.send(data)
                wire.finish()
                expected = b"%d %s" % (size, hashlib.sha1(data).hexdigest().encode())
                self.assertEqual(wire.ending(), ("fin", expected))

    def test_half_close_of_the_server_keeps_the_upload(self):
        received = []

        def server(wire, upstream):
            wire.send(b"greeting")
            wire.finish()
            received.append(wire.until_end())
        upstream = self.upstream(server)
        proxy = self.tcp_proxy(upstream)
        with proxy.dial() as wire:
            self.assertEqual(wire.ending(), ("fin", b"greeting"))
            for _ in range(10):
                wire.send(b"x" * 100000)
        upstream.wait_live(0)
        self.assertEqual(received, [b"x" * 1000000])

    def test_half_close_at_once(self):
        """The client's end may come before the upstream connection exists."""
        proxy = self.tcp_proxy(self.upstream(after_the_end))
        with proxy.dial() as wire:
            wire.finish()
            self.assertTrue(wire.ending()[1].startswith(b"0 "))

    def test_reset_of_the_server_is_a_reset(self):
        def server(wire, upstream):
            wire.exactly(4)
            wire.reset()
        proxy = self.tcp_proxy(self.upstream(server))
        with proxy.dial() as wire:
            wire.send(b"die!")
            self.assertEqual(wire.ending()[0], "rst")

    def test_reset_of_the_client_is_a_reset(self):
        seen = []

        def server(wire, upstream):
            wire.send(b"ready")
            seen.append(wire.ending())
        upstream = self.upstream(server)
        proxy = self.tcp_proxy(upstream)
        wire = proxy.dial()
        self.assertEqual(wire.exactly(5), b"ready")
        wire.reset()
        wait_for(lambda: seen, "the server to see the end")
        self.assertEqual(seen, [("rst", b"")])

    def test_end_is_an_end(self):
        """A plain close is never turned into a reset."""
        seen = []

        def server(wire, upstream):
            wire.send(b"ready")
            seen.append(wire.ending())
        upstream = self.upstream(server)
        proxy = self.tcp_proxy(upstream)
        with proxy.dial() as wire:
            self.assertEqual(wire.exactly(5), b"ready")
            wire.send(b"bye")
        wait_for(lambda: seen, "the server to see the end")
        self.assertEqual(seen, [("fin", b"bye")])


class Servers(Case):
    def test_refused_connect_tries_the_next(self):
        held, dead = refused_port()
        self.addCleanup(held.close)
        alive = self.upstream(mirror)
        proxy = self.tcp_proxy(dead, alive)
        for _ in range(4):
            with proxy.dial() as wire:
                wire.send(b"hello")
                self.assertEqual(wire.exactly(5), b"hello")
        self.assertEqual(alive.connections, 4)

    def test_hanging_connect_tries_the_next(self):
        held, deaf = deaf_port()
        for sock in held:
            self.addCleanup(sock.close)
        alive = self.upstream(mirror)
        proxy = self.tcp_proxy(deaf, alive, upstream="timeout_connect = 300ms")
        for _ in range(2):
            with proxy.dial() as wire:
                wire.send(b"hello")
                self.assertEqual(wire.exactly(5), b"hello")

    def test_all_refuse(self):
        held, dead = refused_port()
        self.addCleanup(held.close)
        proxy = self.tcp_proxy(dead)
        try:
            with proxy.dial() as wire:
                self.assertEqual(wire.ending()[1], b"")
        except ConnectionResetError:
            pass  # so soon that it looks like our own connect failed
        self.assertEqual(proxy.access_log(1)[0]["reason"], "connect_failed")

    def test_round_robin(self):
        servers = [self.upstream(mirror) for _ in range(3)]
        proxy = self.tcp_proxy(*servers)
        for _ in range(12):
            with proxy.dial() as wire:
                wire.send(b"x")
                wire.exactly(1)
        self.assertEqual([server.connections for server in servers], [4, 4, 4])

    def test_one_client_connection_is_one_upstream_connection(self):
        """After a byte has passed nothing is tried again elsewhere."""
        def dying(wire, upstream):
            wire.exactly(1)
        first, second = self.upstream(dying), self.upstream(dying)
        proxy = self.tcp_proxy(first, second)
        with proxy.dial() as wire:
            wire.send(b"x")
            wire.ending()
        self.assertEqual(first.connections + second.connections, 1)


class Limits(Case):
    def test_idle_connection_ends(self):
        upstream = self.upstream(mirror)
        proxy = self.tcp_proxy(upstream, extra="[timeouts]\ntimeout_tunnel = 300ms\n")
        with proxy.dial() as wire:
            wire.send(b"x")
            self.assertEqual(wire.exactly(1), b"x")
            wire.ending()
        upstream.wait_live(0)
        self.assertNotEqual(proxy.access_log(1)[0]["reason"], "")

    def test_traffic_in_one_direction_is_not_idle(self):
        """The client says nothing for longer than the timeout, but the server does."""
        go_on = threading.Event()

        def ticker(wire, upstream):
            for _ in range(30):
                wire.send(b"t")
                go_on.wait(0.05)
        proxy = self.tcp_proxy(self.upstream(ticker), extra="[timeouts]\ntimeout_tunnel = 600ms\n")
        with proxy.dial() as wire:
            self.assertEqual(wire.ending(), ("fin", b"t" * 30))

    def test_max_connections(self):
        upstream = self.upstream(mirror)
        proxy = self.tcp_proxy(upstream, listener="max_connections = 5")
        wires = [proxy.dial() for _ in range(5)]
        for wire in wires:
            self.addCleanup(wire.close)
            wire.send(b"x")
            wire.exactly(1)
        extra = proxy.dial()
        self.addCleanup(extra.close)
        extra.sock.settimeout(1)
        try:
            extra.send(b"y")
            self.assertEqual(extra.sock.recv(1), b"", "one connection too many was served")
        except (socket.timeout, ConnectionError):
            pass
        self.assertEqual(upstream.connections, 5)
        for wire in wires:
            wire.send(b"z")
            self.assertEqual(wire.exactly(1), b"z")

    def test_log_line(self):
        proxy = self.tcp_proxy(self.upstream(mirror))
        with proxy.dial() as wire:
            wire.send(b"x" * 1000)
            wire.exactly(1000)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["bytes_in"], entry["bytes_out"], entry["reason"]), (1000, 1000, ""))
        self.assertEqual((entry["listener"], entry["upstream"]), ("web", "app"))


if __name__ == "__main__":
    main()
