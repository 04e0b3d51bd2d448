"""Everything at once for a while: requests of several kinds, uploads, tunnels of both kinds, clients that break off, and a
reload that changes the configuration every second. Afterwards nothing has failed, the counters have counted what the
clients did, and the process is as large as it was. `./dev soak MINUTES` runs it for longer, and so does the environment's
GREENWAY_SOAK_MINUTES; under a sanitizer's build it is a search for leaks and races."""

import collections
import os
import random
import signal
import statistics
import threading
import time

from admin import Admin
from harness import SMALL, answering, http_config, main, sanitized, wait_for
from test_reload import mirror
from test_upgrade import ASK, switching
from wire import Truncated, get, ok, post

MINUTES = float(os.environ.get("GREENWAY_SOAK_MINUTES", "0.15"))
PAUSE = 1.0  # between reloads


def respond(request):
    if request.target.startswith("/large"):
        return ok(b"x" * 300000)
    return ok(request.body or b"hello")


class Soak(Admin):
    def config(self, step):
        return http_config(
            self.folder, self.apps[step % 2], *self.apps[2:], greenway="admin = 127.0.0.1:0\nmax_connections = %d" % (5000 + step),
            listener="max_body = 1m\ntimeout_head = %ds" % (20 + step % 5),
            extra="[route sockets]\npath = =/ws\nupstream = sockets\n[route none]\npath = =/none\nrespond = 404\n"
                  "[route small]\npath = =/small\nmax_body = 10\nupstream = app\n"
                  "[route step%d]\npath = =/step\nrespond = 204\n"
                  "[listener raw]\nbind = 127.0.0.1:0\nprotocol = tcp\nupstream = echo\n"
                  "[upstream sockets]\nserver = %s\n[upstream echo]\nserver = %s\n"
                  % (step % 7, self.sockets.server, self.echo.server))

    # --- clients: each does one thing on one connection and counts it --------------------------------------------------

    def kept(self, dice):
        """Requests one after the other on one connection, until it is closed with an answer."""
        with self.watched.dial("web") as wire:
            for _ in range(dice.randrange(1, 30)):
                if self.ask_something(wire, dice):
                    break

    def ask_something(self, wire, dice):
        request, status = dice.choice((
            (get("/"), 200), (get("/large"), 200), (post("/", b"y" * dice.randrange(50000)), 200), (get("/none"), 404),
            (b"POST /chunks HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200)))
        wire.send(request)
        answer = wire.final()
        self.assertEqual(answer.status, status)
        self.count(status // 100)
        return "close" in answer.tokens("Connection")

    def refused(self, dice):
        with self.watched.dial("web") as wire:
            self.assertEqual(wire.exchange(post("/small", b"z" * 100)).status, 413)
            self.count(4)

    def websocket(self, dice):
        with self.watched.dial("web") as wire:
            self.assertEqual(wire.exchange(get("/ws", extra=ASK)).status, 101)
            self.talk(wire, dice)
            wire.finish()
            self.assertEqual(wire.ending(), ("fin", b"<end>"))
        self.count("tunnel")

    def tcp(self, dice):
        with self.watched.dial("raw") as wire:
            self.talk(wire, dice)
            wire.finish()
            self.assertEqual(wire.ending(), ("fin", b""))
        self.count("tunnel")

    def talk(self, wire, dice):
        for _ in range(dice.randrange(1, 10)):
            data = dice.randbytes(dice.randrange(1, 20000))
            wire.send(data)
            self.assertTrue(wire.exactly(len(data)) == data)

    def broken_off(self, dice):
        """Gone before the answer has been read, or the request been sent: counted or not, nothing may stay of it."""
        with self.watched.dial("web") as wire:
            wire.send(dice.choice((get("/large"), b"GET / HT", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")))

    def count(self, what):
        with self.lock:
            self.done[what] += 1

    def client(self, seed):
        dice = random.Random(seed)
        while not self.over:
            action = dice.choice((self.kept, self.kept, self.kept, self.refused, self.websocket, self.tcp, self.broken_off))
            try:
                action(dice)
            except (Truncated, OSError, AssertionError) as error:
                self.failed.append((action.__name__, repr(error)))
                return

    # --- the test ---------------------------------------------------------------------------------------------------------

    def reload(self, step):
        done = lambda: sum("greenway: reloaded " in line for line in self.watched.lines)
        before = done()
        self.write("greenway.ini", self.config(step))
        self.watched.signal(signal.SIGHUP)
        wait_for(lambda: done() > before, lambda: "the reload; greenway said:\n" + self.watched.stderr()[-3000:])

    def test_mixed_load_with_reloads(self):
        self.apps = [self.upstream(answering(respond)) for _ in range(3)]
        self.sockets, self.echo = self.upstream(switching), self.upstream(mirror)
        self.watched = self.greenway(self.config(0), listeners=2)
        self.done, self.failed, self.lock, self.over = collections.Counter(), [], threading.Lock(), False
        clients = [threading.Thread(target=self.client, args=(seed,)) for seed in range(4 if SMALL else 8)]
        for client in clients:
            client.start()
        sizes, step, end = [], 0, time.monotonic() + MINUTES * 60
        try:
            while time.monotonic() < end and not self.failed:
                step += 1
                self.reload(step)
                sizes.append(self.watched.rss())
                time.sleep(PAUSE)  # the pace of the reloads
        finally:
            self.over = True
            for client in clients:
                client.join()
        self.assertEqual(self.failed, [])
        self.check_counters()
        self.check_rest(step)
        third = len(sizes) // 3
        if third >= 20 and not sanitized():  # for so long that it has seen everything once
            self.assertLess(statistics.median(sizes[-third:]) - statistics.median(sizes[third:2 * third]), 1 << 20, sizes)
        if MINUTES > 1:
            print("%d reloads; %r; resident KiB: %r" % (step, dict(self.done), [size >> 10 for size in sizes[::len(sizes) // 20 + 1]]))

    def check_counters(self):
        """Those who broke off may be counted as well, each once."""
        def seen(code):
            return self.metrics().sum("greenway_listener_requests_total", listener="web", code=code)
        self.assertGreater(self.done[2], 20)
        wait_for(lambda: seen("4xx") >= self.done[4], lambda: "%d answers with 4xx; %d" % (self.done[4], seen("4xx")))
        wait_for(lambda: seen("2xx") >= self.done[2], lambda: "%d answers with 2xx; %d" % (self.done[2], seen("2xx")))
        wait_for(lambda: self.metrics().sum("greenway_listener_connections") == 0, "no connection")
        self.assertEqual(self.metrics().sum("greenway_listener_tunnels_total"), self.done["tunnel"])
        self.assertEqual(self.metrics().sum("greenway_route_requests_total", route="none", code="4xx"),
                         self.done[4] - self.metrics().sum("greenway_route_requests_total", route="small", code="4xx"))

    def check_rest(self, steps):
        seen = self.metrics()
        self.assertEqual((seen.sum("greenway_reloads_total"), seen.sum("greenway_reloads_failed_total")), (steps, 0))
        self.assertEqual(seen.sum("greenway_listener_tunnels"), 0)
        self.assertEqual(seen.sum("greenway_access_log_lines_dropped_total"), 0)


if __name__ == "__main__":
    main()
