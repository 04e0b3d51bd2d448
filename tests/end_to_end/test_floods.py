"""More clients than there are places, and clients that leave as soon as they have come."""

import resource

from harness import SCALE, SMALL, main, settled, wait_for
from shortage import PATIENT, Shortage, close_all, knock
from wire import get, ok


def raise_own_limit(descriptors):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, descriptors)), hard))


class Floods(Shortage):
    def test_ten_thousand_against_a_thousand(self):
        count, most = (2000, 200) if SMALL else (10000, 1000)
        raise_own_limit(count + 500)
        gate, reached = [], []

        def slow(wire, upstream):
            request = wire.request()
            if request.target != "/slow":
                wire.send(ok(b"ok"))
                return
            reached.append(True)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            wait_for(lambda: gate, "the gate", PATIENT)
            wire.send(b"hello")
        proxy = self.proxy(self.upstream(slow), greenway="max_connections = %d" % most)
        with proxy.dial() as wire:
            wire.send(get("/slow"))
            wait_for(lambda: reached, "the request, or the client would be an idle one")
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
