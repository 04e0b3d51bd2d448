"""Reloads that change everything there is, while clients ask without a pause and tunnels of both kinds are open: nothing
fails, no tunnel is closed, and nothing is left behind. `./dev bench reload` is the long form, beside other proxies."""

import os

from harness import SMALL, main, sanitized, settled, wait_for
from test_binary_upgrade import Client
from test_reload import Reloading, mirror, named, threads
from test_upgrade import ASK, switching
from wire import Truncated, get

RELOADS = int(os.environ.get("GREENWAY_TEST_RELOADS", "10"))
TUNNELS = 10 if SMALL else 40  # of each kind


class NewEachTime(Client):
    """Asks on a connection of its own each time."""

    def run(self):
        while not self.over:
            try:
                with self.proxy.dial() as wire:
                    answer = wire.exchange(get("/", extra="Connection: close\r\n"))
                    if answer.status != 200 or not wire.closed_cleanly():
                        self.broken.append(answer)
                    self.answers += 1
            except (Truncated, OSError) as error:
                self.broken.append(error)


class UnderLoad(Reloading):
    def setUp(self):
        super().setUp()
        self.one, self.two, self.sockets = (self.upstream(named(b"one")), self.upstream(named(b"two")),
                                            self.upstream(switching))
        self.echo = self.upstream(mirror)

    def config(self, step):
        """Workers, listeners, routes, servers and their order, limits, where logs go: all of it is different each time."""
        workers, servers = (4, 2, 3)[step % 3], [self.one.server, self.two.server][::1 if step % 2 else -1]
        return ("[greenway]\nworkers = %d\nshutdown_grace = 30s\naccess_log = %s/access%d.log\nerror_log = -\n"
                "max_connections = %d\n"
                "[listener web]\nbind = 127.0.0.1:0\nupstream = app\nmax_body = %dk\n"
                "[listener raw]\nbind = 127.0.0.1:0\nprotocol = tcp\nupstream = echo\n"
                "[listener step%d]\nbind = 127.0.0.1:0, unix:%s/step%d\nupstream = app\n"
                "[route sockets]\npath = =/ws\nupstream = sockets\n"
                "[route step%d]\npath = =/step%d\nrespond = 200\n"
                "[upstream app]\nserver = %s\n[upstream sockets]\nserver = %s\ntimeout_read = %ds\n"
                "[upstream echo]\nserver = %s\n"
                % (workers, self.folder, step % 2, 5000 + step, 100 + step, step % 4, self.folder, step % 4, step, step,
                   ", ".join(servers[:1 + step % 3 // 2]), self.sockets.server, 60 + step, self.echo.server))

    def tunnels(self, proxy):
        wires = []
        for _ in range(TUNNELS):
            wire = proxy.dial("web")
            self.addCleanup(wire.close)
            self.assertEqual(wire.exchange(get("/ws", extra=ASK)).status, 101)
            raw = proxy.dial("raw")
            self.addCleanup(raw.close)
            wires += [wire, raw]
        return wires

    def status(self, proxy, target):
        with proxy.dial("web") as wire:
            return wire.exchange(get(target)).status

    def test_everything_changes(self):
        proxy = self.greenway(self.config(0), listeners=4)
        wires = self.tunnels(proxy)
        clients = [kind(proxy) for kind in (Client, Client, NewEachTime, NewEachTime)]
        try:
            for step in range(1, RELOADS + 1):
                served = sum(client.answers for client in clients)
                self.reload(proxy, self.config(step))
                self.assertEqual((self.status(proxy, "/step%d" % step)), 200)
                for wire in wires:
                    self.talks(wire)
                wait_for(lambda: sum(client.answers for client in clients) > served + 20, "more requests")
        finally:
            for client in clients:
                client.over = True
            for client in clients:
                client.join()
        self.assertEqual([client.broken for client in clients], [[]] * len(clients))

    def test_nothing_is_left_of_what_was_changed(self):
        """Once round all variants, and again and again: as many descriptors and threads, and no more memory."""
        proxy = self.greenway(self.config(0), listeners=4)
        wires = self.tunnels(proxy)

        def round_of_twelve(first):
            for step in range(first, first + 12):
                self.reload(proxy, self.config(step))
                with proxy.dial("web") as wire:
                    self.assertEqual(wire.exchange(get("/")).status, 200)
            for wire in wires:
                self.talks(wire)
        for lap in range(3):
            round_of_twelve(lap * 12)
        fds, tasks, memory = settled(proxy.fds), settled(lambda: threads(proxy)), proxy.rss()
        for lap in range(3, 5 if SMALL else 9):
            round_of_twelve(lap * 12)
        wait_for(lambda: proxy.fds() <= fds, lambda: "%d descriptors; there are %d" % (fds, proxy.fds()))
        wait_for(lambda: threads(proxy) <= tasks, lambda: "%d threads; there are %d" % (tasks, threads(proxy)))
        if not sanitized():
            self.assertLess(proxy.rss() - memory, 1 << 20)


if __name__ == "__main__":
    main()
