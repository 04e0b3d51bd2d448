"""Clients that say something else than they should at the port for TLS, and clients that stop in the middle of it."""

import resource
import ssl
import threading

import client_hello
from certificates import Authority, secure
from harness import PATIENCE, SCALE, SMALL, Case, echo, main, settled, wait_for
from upstream import answering
from wire import get

CLIENTS = 400 if SMALL else 2000

# Odd, but no server has to mind what it does not need; or it has answered before it could.
TAKEN = {"points: compressed only", "a key with a short seal", "a key without its seal", "a cookie that nobody gave", "two hellos"}


class Hostile(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)

    def start(self, listener="", greenway=""):
        proxy = self.proxy(self.upstream(answering(echo)), greenway=greenway,
                           listener="certificate = %s\n%s" % (self.ca.issue("one.example"), listener))
        self.assert_serves(proxy)
        return proxy

    def assert_serves(self, proxy):
        with secure(proxy.dial(), self.ca.client(), "one.example") as wire:
            self.assertEqual(wire.exchange(get("/", host="one.example")).status, 200)

    def answer(self, proxy, *pieces):
        """Everything that comes back."""
        with proxy.dial() as wire:
            try:
                for number, piece in enumerate(pieces):
                    if number:
                        wire.exactly(5)  # its answer has begun
                    wire.send(piece)
                wire.finish()
            except OSError:
                pass  # it has closed already
            return bytes(wire.buffer) + wire.ending()[1]

    @staticmethod
    def alert_in(data):
        """The number of the alert that stands in it in the clear, if nothing else does."""
        return data[6] if len(data) == 7 and data[0] == 21 and data[5] == 2 else None


class Hellos(Hostile):
    def test_good_ones_are_answered(self):
        proxy = self.start()
        for name, data in client_hello.good():
            with self.subTest(name):
                answer = self.answer(proxy, data)
                self.assertEqual((answer[:1], answer[5:6]), (b"\x16", b"\2"), answer[:80])

    def test_bad_ones_by_the_hundred(self):
        proxy = self.start()
        fds, count = settled(proxy.fds), 0
        for name, data, alerts in client_hello.bad():
            with self.subTest(name):
                answer = self.answer(proxy, data)
                count += 1
                if alerts:
                    self.assertIn(self.alert_in(answer), alerts, answer[:80])
                elif answer:
                    refused = self.alert_in(answer) is not None or answer[:1] == b"\x15" or answer.startswith(b"HTTP/1.1 400 ")
                    harmless = answer[:1] == b"\x16" and name in TAKEN
                    self.assertTrue(refused or harmless, answer[:80])
        self.assertGreater(count, 400)
        self.assert_serves(proxy)
        wait_for(lambda: proxy.fds() <= fds + 3, lambda: "descriptors to go: %d, were %d" % (proxy.fds(), fds))

    def test_what_follows_a_good_one(self):
        proxy = self.start()
        fds = settled(proxy.fds)
        for name, hello, data in client_hello.behind_a_hello():
            with self.subTest(name):
                answer = self.answer(proxy, hello, data)
                self.assertNotIn(b"HTTP/1.1 200", answer)
        self.assert_serves(proxy)
        wait_for(lambda: proxy.fds() <= fds + 3, lambda: "descriptors to go: %d, were %d" % (proxy.fds(), fds))

    def test_mutations(self):
        proxy = self.start()
        fds = settled(proxy.fds)
        for name, data, _ in client_hello.mutated(150 if SMALL else 1000):
            self.answer(proxy, data)
        self.assert_serves(proxy)
        wait_for(lambda: proxy.fds() <= fds + 3, lambda: "descriptors to go: %d, were %d" % (proxy.fds(), fds))

    def test_plain_http_is_told(self):
        proxy = self.start()
        for request in (b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n", b"POST / HTTP/1.0\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n"):
            self.assertTrue(self.answer(proxy, request).startswith(b"HTTP/1.1 400 "))


class Halves(Hostile):
    """Clients that stop in the middle of each flight."""

    def connections(self, proxy, count):
        """(how far it goes, its wire): a quarter each."""
        for number in range(count):
            wire = proxy.dial()
            self.addCleanup(wire.close)
            version = ssl.TLSVersion.TLSv1_2 if number % 8 >= 4 else ssl.TLSVersion.TLSv1_3
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = self.ca.client(version=version).wrap_bio(incoming, outgoing, server_hostname="one.example")
            self.advance(client)
            hello = outgoing.read()
            stage = number % 4
            wire.send(hello[:100] if stage == 0 else hello)
            yield stage, wire, client, incoming, outgoing

    @staticmethod
    def advance(client):
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass

    def go_on(self, stage, wire, client, incoming, outgoing):
        """The second flight: none of it, the beginning, or all but the last byte."""
        if stage < 2:
            return
        flight = b""
        while not flight:
            self.assertTrue(wire.buffer or wire.more())
            incoming.write(wire.take(len(wire.buffer)))
            self.advance(client)
            flight = outgoing.read()
        wire.send(flight[:8] if stage == 2 else flight[:-1])

    def test_they_are_freed_in_time_and_others_are_served(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * CLIENTS + 200)), hard))
        proxy = self.start("timeout_handshake = %ds\n" % (5 * SCALE), "max_handshakes = 10000")
        fds, failures, stop = settled(proxy.fds), [], threading.Event()
        served = [0]

        def visit():
            while not stop.is_set():
                try:
                    self.assert_serves(proxy)
                    served[0] += 1
                except Exception as error:  # whatever it is, somebody was not served
                    failures.append(repr(error))
                    return
                stop.wait(0.05)
        visitor = threading.Thread(target=visit)
        visitor.start()
        try:
            for half in list(self.connections(proxy, CLIENTS)):
                self.go_on(*half)
            before = served[0]
            wait_for(lambda: served[0] > before or failures, "somebody to be served meanwhile")
            wait_for(lambda: proxy.fds() <= fds + 20, lambda: "those that stopped to be freed: %d descriptors, were %d"
                     % (proxy.fds(), fds), PATIENCE * 4)
        finally:
            stop.set()
            visitor.join()
        self.assertEqual(failures, [])
        wait_for(lambda: sum("tls_handshake_timeout" in line for line in proxy.access_lines()) == CLIENTS,
                 lambda: "%d lines in the log; there are %d" % (CLIENTS, len(proxy.access_lines())))


if __name__ == "__main__":
    main()
