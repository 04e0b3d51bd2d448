"""Who a client is behind other proxies: whose word is taken, and what servers are told."""

from harness import Case, main
from wire import get

SPOOF = ("X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n"
         "X-Real-IP: 198.51.100.7\r\nForwarded: for=198.51.100.7;proto=https\r\n")


class Strangers(Case):
    def seen(self, listener, extra):
        app = self.upstream()
        proxy = self.proxy(app, listener=listener)
        self.assertEqual(proxy.exchange(get("/", extra=extra)).status, 200)
        return app.requests[0], proxy.access_log(1)[0]

    def test_their_word_counts_for_nothing(self):
        for listener in ("", "trusted = 192.0.2.0/24, 2001:db8::/32"):
            request, entry = self.seen(listener, SPOOF)
            self.assertEqual(request.all("X-Forwarded-For"), ["127.0.0.1"])
            self.assertEqual(request.all("X-Forwarded-Proto"), ["http"])
            self.assertEqual(request.all("X-Forwarded-Host"), ["h.example"])
            self.assertFalse(request.has("X-Real-IP"))
            self.assertFalse(request.has("Forwarded"))
            self.assertEqual(entry["client"], "127.0.0.1")
            self.assertNotIn("peer", entry)

    def test_forwarded_instead(self):
        request, _ = self.seen("forwarded_headers = forwarded", SPOOF)
        self.assertEqual(request.all("Forwarded"), ['for=127.0.0.1;host="h.example";proto=http'])
        self.assertFalse(request.has("X-Forwarded-For"))
        self.assertFalse(request.has("X-Forwarded-Proto"))

    def test_nothing_at_all(self):
        request, _ = self.seen("forwarded_headers = off", SPOOF)
        for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP"):
            self.assertFalse(request.has(name), name)

    def test_their_word_opens_no_door(self):
        app = self.upstream()
        proxy = self.proxy(app, listener="allow = 198.51.100.0/24")
        self.assertEqual(proxy.exchange(get("/", extra=SPOOF)).status, 403)
        self.assertEqual(app.requests, [])


class Trusted(Case):
    def start(self, *lines, greenway=""):
        self.app = self.upstream()
        self.gateway = self.proxy(self.app, listener="\n".join(lines), greenway=greenway)
        self.count = 0

    def ask(self, extra):
        """The request as the server saw it, and its log entry."""
        self.assertEqual(self.gateway.exchange(get("/", extra=extra)).status, 200)
        self.count += 1
        return self.app.requests[-1], self.gateway.access_log(self.count)[-1]

    def test_x_forwarded_for(self):
        self.start("trusted = 127.0.0.0/8, 10.0.0.0/8", "forwarded_headers = both")
        request, entry = self.ask("X-Forwarded-For: 203.0.113.9, 192.0.2.5, 10.0.0.1\r\nForwarded: for=203.0.113.9\r\n"
                                  "X-Real-IP: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n")
        self.assertEqual(entry["client"], "192.0.2.5")
        self.assertEqual(entry["peer"], "127.0.0.1")
        self.assertEqual(request.all("X-Forwarded-For"), ["203.0.113.9, 192.0.2.5, 10.0.0.1, 127.0.0.1"])
        self.assertEqual(request.all("X-Forwarded-Proto"), ["https"])
        self.assertEqual(request.all("X-Real-IP"), ["192.0.2.5"])
        self.assertEqual(request.all("Forwarded"), ['for=192.0.2.5, for=127.0.0.1;host="h.example";proto=http'])

    def test_garbage_ends_the_search(self):
        self.start("trusted = 127.0.0.0/8")
        for value in ("", "garbage", "1.2.3.4, \"><script>", "1.2.3.4, unknown", "1.2.3.4 5.6.7.8", "1.2.3.4:http"):
            _, entry = self.ask("X-Forwarded-For: %s\r\n" % value)
            self.assertEqual(entry["client"], "127.0.0.1", value)

    def test_forwarded(self):
        self.start("client_address_from = forwarded", greenway="trusted = 127.0.0.1")
        request, entry = self.ask('Forwarded: for=203.0.113.9, For="[2001:db8::7]:80";proto=https\r\n'
                                  "X-Forwarded-For: 203.0.113.9\r\n")
        self.assertEqual(entry["client"], "2001:db8::7")
        self.assertEqual(request.all("X-Forwarded-For"), ["2001:db8::7, 127.0.0.1"])
        self.assertEqual(request.all("Forwarded"), ['for=203.0.113.9, For="[2001:db8::7]:80";proto=https'])

    def test_x_real_ip(self):
        self.start("trusted = 127.0.0.1", "client_address_from = x_real_ip")
        _, entry = self.ask("X-Real-IP: 192.0.2.5\r\nX-Forwarded-For: 203.0.113.9\r\n")
        self.assertEqual(entry["client"], "192.0.2.5")

    def test_a_listeners_own_list(self):
        self.start("trusted = 192.0.2.0/24", greenway="trusted = 127.0.0.1")
        _, entry = self.ask("X-Forwarded-For: 192.0.2.5\r\n")
        self.assertEqual(entry["client"], "127.0.0.1")

    def test_rules_are_for_the_client(self):
        """Not for the proxy that it came through."""
        app = self.upstream()
        proxy = self.proxy(app, listener="trusted = 127.0.0.1\nallow = 192.0.2.0/24\ndeny = 192.0.2.66")
        for address, status in (("192.0.2.5", 200), ("192.0.2.66", 403), ("198.51.100.1", 403)):
            self.assertEqual(proxy.exchange(get("/", extra="X-Forwarded-For: %s\r\n" % address)).status, status)
        self.assertEqual(proxy.exchange(get("/")).status, 403)

    def test_each_request_of_a_connection(self):
        self.start("trusted = 127.0.0.1")
        with self.gateway.dial() as wire:
            for n in range(1, 4):
                self.assertEqual(wire.exchange(get("/", extra="X-Forwarded-For: 192.0.2.%d\r\n" % n)).status, 200)
            self.assertEqual(wire.exchange(get("/")).status, 200)
        clients = [entry["client"] for entry in self.gateway.access_log(4)]
        self.assertEqual(clients, ["192.0.2.1", "192.0.2.2", "192.0.2.3", "127.0.0.1"])


if __name__ == "__main__":
    main()
