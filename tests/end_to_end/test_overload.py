"""Descriptors and memory that run short: the proxy lives, nobody spins, and all is well again afterwards."""

import resource
import socket
import struct
import time

from harness import SCALE, SMALL, Case, answering, main, sanitized, settled, wait_for
from wire import get, ok

PATIENT = 40 * SCALE


def raise_own_limit(descriptors):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, descriptors)), hard))


def limit(proxy, descriptors):
    _, hard = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (descriptors, hard))


def knock(port):
    """A connection that has been begun, whatever becomes of it."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(("127.0.0.1", port))
    return sock


def close_all(socks, reset=False):
    for sock in socks:
        if reset:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        sock.close()


class Shortage(Case):
    def served(self, proxy):
        try:
            return proxy.exchange(get("/")).status == 200
        except Exception:  # refused, reset, or closed in mid-answer: not served
            return False

    def calm(self, proxy):
        """What the process burns over two seconds of rest, in seconds of processor time."""
        before = proxy.cpu_seconds()
        time.sleep(2)  # the span that is measured
        return proxy.cpu_seconds() - before

    def serves_again(self, proxy):
        wait_for(lambda: self.served(proxy), lambda: "an answer; it said:\n" + proxy.stderr(), PATIENT)


class Descriptors(Shortage):
    def flood(self, greenway, limit_to, count):
        proxy = self.proxy(self.upstream(), greenway=greenway)
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        limit(proxy, proxy.fds() + limit_to)
        socks = [knock(proxy.port) for _ in range(count)]
        self.addCleanup(close_all, socks)
        return proxy, socks

    def test_the_oldest_idle_make_room(self):
        proxy, socks = self.flood("", 100, 400)
        wait_for(lambda: any("overload: " in line for line in proxy.lines), "word of it", PATIENT)
        self.serves_again(proxy)  # though nobody has left by himself
        close_all(socks)
        wait_for(lambda: any("overload is over" in line for line in proxy.lines), proxy.stderr, PATIENT)
        self.serves_again(proxy)
        self.assertLess(sum("overload" in line for line in proxy.lines), 40, "told for each step, not for each client")
        self.assertLess(self.calm(proxy), 0.2 * SCALE)

    def test_refusals_are_answered(self):
        """Clients that are not idle keep their places; who comes is told when to come back."""
        def slow(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
            upstream.gate.wait()
            wire.send(b"k")
        import threading
        upstream = self.upstream(slow)
        upstream.gate = threading.Event()
        self.addCleanup(upstream.gate.set)
        proxy = self.proxy(upstream)
        base = proxy.fds()
        limit(proxy, base + 90)
        wires = []
        for _ in range(38):  # each with a server's connection of its own
            wire = proxy.dial()
            self.addCleanup(wire.close)
            wire.send(get("/"))
            wires.append(wire)

        def refused():
            try:
                answer = proxy.exchange(get("/"))
            except Exception:
                return False
            return answer.status == 503 and answer
        answer = wait_for(refused, lambda: "a refusal; it said:\n" + proxy.stderr(), PATIENT)
        self.assertEqual(answer.get("Retry-After"), "1")
        self.assert_own_page(answer)
        upstream.gate.set()
        for wire in wires:
            self.assertEqual(wire.final().body, b"ok")
            wire.close()
        self.serves_again(proxy)
        entry = next(entry for entry in proxy.access_log(2) if entry["status"] == 503)
        self.assertEqual((entry["reason"], entry["directive"]), ("overload", "overload"))

    def test_nothing_left_to_accept_with(self):
        """Without the governor: EMFILE. Pending clients are reset, nobody spins, and all works again."""
        proxy, socks = self.flood("overload = off", 20, 200)
        wait_for(lambda: "cannot accept on listener" in proxy.stderr(), proxy.stderr, PATIENT)
        self.assertLess(self.calm(proxy), 0.4 * SCALE)

        def ended(sock):
            try:
                return sock.recv(1) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True
        wait_for(lambda: sum(ended(sock) for sock in socks) >= 100, "resets", PATIENT)
        close_all(socks)
        self.serves_again(proxy)
        self.assertLess(self.calm(proxy), 0.2 * SCALE)

    def test_a_limit_below_what_is_open(self):
        proxy = self.proxy(self.upstream())
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        usual = proxy.fds()
        limit(proxy, 8)
        socks = [knock(proxy.port) for _ in range(50)]
        self.addCleanup(close_all, socks)
        wait_for(lambda: "overload: " in proxy.stderr(), proxy.stderr, PATIENT)
        self.assertLess(self.calm(proxy), 0.4 * SCALE)
        limit(proxy, usual + 500)
        self.serves_again(proxy)


class Memory(Shortage):
    def test_half_heads(self):
        if sanitized():
            self.skipTest("resident memory means nothing here")
        proxy = self.proxy(self.upstream(), greenway="max_memory = 24m\nmax_connections = 5000",
                           extra="[timeouts]\ntimeout_head = 5m\n")
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        socks = []
        self.addCleanup(lambda: close_all(socks))

        def short():
            if len(socks) < 3000:
                for _ in range(100):
                    sock = socket.create_connection(("127.0.0.1", proxy.port))
                    socks.append(sock)
                    try:
                        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX-A: ")
                    except OSError:
                        pass  # turned away already
            return any(" MiB of memory are in use: new connections are" in line or "answered with 503" in line
                       for line in proxy.lines)
        wait_for(short, lambda: "refusals; it said:\n" + proxy.stderr(), PATIENT)
        self.assertFalse(self.served(proxy))
        close_all(socks)
        del socks[:]
        self.serves_again(proxy)
        self.assertLess(self.calm(proxy), 0.2 * SCALE)

    def test_weakened(self):
        from harness import run_command
        status, stdout, stderr = run_command("check", self.write(
            "weak.ini", "[limits]\noverload = off\n[listener l]\nbind = :0\nupstream = a\n[upstream a]\nserver = h:1\n"))
        self.assertEqual(status, 0, stderr)
        self.assertIn("overload = off", stdout + stderr)


class Floods(Shortage):
    def test_ten_thousand_against_a_thousand(self):
        count, most = (2000, 200) if SMALL else (10000, 1000)
        raise_own_limit(count + 500)
        gate = []

        def slow(wire, upstream):
            request = wire.request()
            if request.target != "/slow":
                wire.send(ok(b"ok"))
                return
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            wait_for(lambda: gate, "the gate", PATIENT)
            wire.send(b"hello")
        proxy = self.proxy(self.upstream(slow), greenway="max_connections = %d" % most)
        with proxy.dial() as wire:
            wire.send(get("/slow"))
            socks = [knock(proxy.port) for _ in range(count)]
            self.addCleanup(close_all, socks)
            self.assertTrue(self.served(proxy))  # the oldest idle gives way
            self.assertLess(proxy.fds(), most + 200)
            gate.append(True)
            self.assertEqual(wire.final().body, b"hello")
        close_all(socks)
        wait_for(lambda: proxy.fds() < 100, lambda: "%d descriptors" % proxy.fds(), PATIENT)
        self.assertLess(self.calm(proxy), 0.2 * SCALE)

    def test_reset_storm(self):
        proxy = self.proxy(self.upstream())
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        before = settled(proxy.fds)
        for round_ in range(4 if SMALL else 20):
            socks = [knock(proxy.port) for _ in range(200)]
            for number, sock in enumerate(socks):
                if number % 2:
                    try:
                        sock.send(get("/") if number % 4 == 1 else b"GET / HT")
                    except OSError:
                        pass
            close_all(socks, reset=True)
        wait_for(lambda: proxy.fds() <= before + 70, lambda: "%d descriptors" % proxy.fds(), PATIENT)
        self.serves_again(proxy)
        self.assertLess(self.calm(proxy), 0.2 * SCALE)


if __name__ == "__main__":
    main()
