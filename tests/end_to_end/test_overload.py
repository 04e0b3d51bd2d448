"""Descriptors and memory that run short: the proxy lives, nobody spins, and all is well again afterwards."""

import json
import resource
import socket
import threading

from admin import Admin
from harness import SCALE, main, run_command, sanitized, settled, wait_for
from shortage import PATIENT, Shortage, close_all, knock
from wire import get


def limit(proxy, descriptors):
    _, hard = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (descriptors, hard))


class Descriptors(Admin, Shortage):
    def flood(self, greenway, limit_to, count):
        proxy = self.with_admin(self.upstream(), greenway=greenway)
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
        seen = self.metrics()
        self.assertGreater(seen.sum("greenway_overload_entered_total"), 0)
        self.assertGreater(seen.sum("greenway_overload_shed_total") + seen.sum("greenway_overload_reset_total"), 0)
        wait_for(lambda: self.metrics().sum("greenway_overload_level") == 0, "the level to be 0", PATIENT)
        self.assertLess(sum("overload" in line for line in proxy.lines), 40, "told for each step, not for each client")
        self.assertLess(self.calm(proxy), 0.2 * SCALE)

    def test_refusals_are_answered(self):
        """Clients that are not idle keep their places; who comes is told when to come back."""
        def slow(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
            upstream.gate.wait()
            wire.send(b"k")
        upstream = self.upstream(slow)
        upstream.gate = threading.Event()
        self.addCleanup(upstream.gate.set)
        proxy = self.with_admin(upstream)
        with proxy.dial() as silent:  # descriptors are the workers' as well, once they are there
            wait_for(lambda: self.metrics().sum("greenway_listener_connections") == 1, "a connection")
        base = settled(proxy.fds)
        limit(proxy, base + 90)
        wires = []
        enough = int(((base + 90) * 0.82 - base) / 2) + 1
        for number in range(60):  # each with a server's connection of its own
            if number == enough:  # the new limit has been seen
                wait_for(lambda: "overload: " in proxy.stderr(), proxy.stderr, PATIENT)
            wire = proxy.dial()
            self.addCleanup(wire.close)
            wire.send(get("/"))
            while b"\r\n" not in wire.buffer:
                self.assertTrue(wire.more())
            if wire.buffer.startswith(b"HTTP/1.1 503"):
                break
            wires.append(wire)
        answer = wire.final()
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.get("Retry-After"), "1")
        self.assert_own_page(answer)
        upstream.gate.set()
        for wire in wires:
            self.assertEqual(wire.final().body, b"ok")
            wire.close()
        self.serves_again(proxy)
        entry = next(entry for entry in proxy.access_log(2) if entry["status"] == 503)
        self.assertEqual((entry["reason"], entry["directive"]), ("overload", "overload"))
        self.assertGreaterEqual(self.metrics().sum("greenway_overload_refused_total"), 1)
        self.assertGreaterEqual(json.loads(self.ask("/status.json")[2])["overload"]["refused"], 1)

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
        status, stdout, stderr = run_command("check", self.write(
            "weak.ini", "[limits]\noverload = off\n[listener l]\nbind = :0\nupstream = a\n[upstream a]\nserver = h:1\n"))
        self.assertEqual(status, 0, stderr)
        self.assertIn("overload = off", stdout + stderr)


if __name__ == "__main__":
    main()
