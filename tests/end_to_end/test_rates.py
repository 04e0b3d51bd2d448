"""How often, and with which methods, clients may ask."""

import re
import time

from harness import Case, http_config, main, sanitized
from wire import get, post


class Rates(Case):
    def ask(self, proxy, target="/", extra="", host="h.example"):
        return proxy.exchange(get(target, extra=extra, host=host))

    def statuses(self, proxy, *requests):
        return [self.ask(proxy, **request).status for request in requests]

    def test_burst_and_refusal(self):
        proxy = self.proxy(self.upstream(), listener="rate_limit = 1/h burst=2")
        self.assertEqual(self.statuses(proxy, {}, {}, {}), [200, 200, 200])
        answer = self.ask(proxy)
        self.assertEqual(answer.status, 429)
        self.assert_own_page(answer)
        self.assertTrue(3500 < int(answer.get("Retry-After")) <= 3600, answer.get("Retry-After"))
        self.assertEqual(answer.get("RateLimit-Policy"), '"default";q=1;w=3600')
        self.assertRegex(answer.get("RateLimit"), r'^"default";r=0;t=\d+$')
        entry = proxy.access_log(4)[3]
        self.assertEqual((entry["reason"], entry["directive"]), ("rate_limited", "rate_limit"))
        self.assertRegex(entry["origin"], r"greenway\.ini:\d+$")

    def test_the_connection_stays(self):
        proxy = self.proxy(self.upstream(), listener="rate_limit = 1/h")
        with proxy.dial() as wire:
            self.assertEqual([wire.exchange(get("/")).status for _ in range(3)], [200, 429, 429])

    def test_tokens_come_back(self):
        proxy = self.proxy(self.upstream(), listener="rate_limit = 2/s")
        self.assertEqual(self.ask(proxy).status, 200)
        ends, again = time.monotonic() + 30, 0
        while again < 2 and time.monotonic() < ends:
            again += self.ask(proxy).status == 200
        self.assertEqual(again, 2)

    def test_by_header_cookie_query_path_host(self):
        proxy = self.proxy(self.upstream(), extra="".join(
            "[route %s]\npath = /%s/*\nupstream = app\nrate_limit = 1/h by=%s\n" % (name, name, by)
            for name, by in (("header", "header:X-Key"), ("cookie", "cookie:id"), ("query", "query:k"), ("path", "path"),
                             ("host", "host"), ("two", "header:X-Key+path"))))
        self.assertEqual(self.statuses(
            proxy, {"target": "/header/a", "extra": "X-Key: 1\r\n"}, {"target": "/header/b", "extra": "x-key: 1\r\n"},
            {"target": "/header/a", "extra": "X-Key: 2\r\n"}), [200, 429, 200])
        self.assertEqual(self.statuses(
            proxy, {"target": "/cookie/", "extra": "Cookie: a=1; id=5\r\n"},
            {"target": "/cookie/", "extra": "Cookie: id=5;a=2\r\n"},
            {"target": "/cookie/", "extra": "Cookie: id=6\r\n"}), [200, 429, 200])
        self.assertEqual(self.statuses(
            proxy, {"target": "/query/?k=1"}, {"target": "/query/x?a=b&k=1"}, {"target": "/query/?k=2"}),
            [200, 429, 200])
        self.assertEqual(self.statuses(
            proxy, {"target": "/path/1"}, {"target": "/path/%31?x"}, {"target": "/path/x/../1"}, {"target": "/path/2"}),
            [200, 429, 429, 200])
        self.assertEqual(self.statuses(
            proxy, {"target": "/host/", "host": "a.example"}, {"target": "/host/", "host": "A.EXAMPLE"},
            {"target": "/host/", "host": "b.example"}), [200, 429, 200])
        self.assertEqual(self.statuses(
            proxy, {"target": "/two/1", "extra": "X-Key: 1\r\n"}, {"target": "/two/2", "extra": "X-Key: 1\r\n"},
            {"target": "/two/1", "extra": "X-Key: 2\r\n"}, {"target": "/two/1", "extra": "X-Key: 1\r\n"}),
            [200, 200, 200, 429])

    def test_leaving_the_key_out_or_doubling_it_does_not_help(self):
        proxy = self.proxy(self.upstream(), listener="rate_limit = 1/h by=header:X-Key")
        self.assertEqual(self.ask(proxy).status, 200)
        for extra in ("", "X-Key: \r\n", "X-Key: 1\r\nX-Key: 2\r\n", "X-Key: 3\r\nX-Key: 4\r\n"):
            self.assertEqual(self.ask(proxy, extra=extra).status, 429, extra)

    def test_by_the_clients_address_behind_a_proxy(self):
        proxy = self.proxy(self.upstream(), listener="trusted = 127.0.0.1\nrate_limit = 1/h\n")
        sources = ("192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
        self.assertEqual(self.statuses(proxy, *({"extra": "X-Forwarded-For: %s\r\n" % s} for s in sources)),
                         [200, 429, 200, 200, 429, 200])

    def test_all_of_several_have_to_be_kept(self):
        """And who is refused by one does not use up another."""
        proxy = self.proxy(self.upstream(),
                           listener="rate_limit = 1/h burst=2 by=source, 1/h burst=1 by=header:X-Key")
        key = ["X-Key: %d\r\n" % n for n in range(3)]
        self.assertEqual(self.statuses(proxy, *({"extra": key[n]} for n in (0, 0, 0, 0, 1, 2))),
                         [200, 200, 429, 429, 200, 429])

    def test_a_route_has_its_own_or_none(self):
        proxy = self.proxy(self.upstream(), listener="rate_limit = 1/h\nrate_limit_status = 503", extra=(
            "[route free]\npath = /free/*\nupstream = app\nrate_limit = off\n"
            "[route own]\npath = /own/*\nupstream = app\nrate_limit = 1/h burst=1\nrate_limit_status = 420\n"
            "[route plain]\npath = /plain/*\nupstream = app\n"))
        self.assertEqual(self.statuses(proxy, *[{"target": "/free/"}] * 4), [200] * 4)
        self.assertEqual(self.statuses(proxy, *[{"target": "/own/"}] * 4), [200, 200, 420, 420])
        self.assertEqual(self.statuses(proxy, {"target": "/plain/"}, {"target": "/"}), [200, 503])

    def test_dry_run_only_tells(self):
        proxy = self.proxy(self.upstream(), listener="rate_limit = 1/h dry_run")
        self.assertEqual(self.statuses(proxy, {}, {}), [200, 200])
        entries = proxy.access_log(2)
        self.assertEqual([entry["reason"] for entry in entries], ["", "rate_limit_dry_run"])
        self.assertEqual(entries[1]["directive"], "rate_limit")

    def test_a_dry_run_gains_nothing_by_anothers_refusal(self):
        proxy = self.proxy(self.upstream(), listener="trusted = 127.0.0.1\n"
                           "rate_limit = 1/h by=header:X-Key dry_run, 1/h by=source\n")
        sources = ("192.0.2.1", "192.0.2.1", "192.0.2.2")
        self.assertEqual(self.statuses(proxy, *({"extra": "X-Key: a\r\nX-Forwarded-For: %s\r\n" % source}
                                                for source in sources)), [200, 429, 200])
        self.assertEqual([entry["reason"] for entry in proxy.access_log(3)],
                         ["", "rate_limited", "rate_limit_dry_run"])

    def test_delay_spaces_requests_out(self):
        proxy = self.proxy(self.upstream(), listener="rate_limit = 5/s delay=1s")
        start = time.monotonic()
        wires = [proxy.dial() for _ in range(10)]
        try:
            for wire in wires:
                wire.send(get("/"))
            statuses = [wire.final().status for wire in wires]
        finally:
            for wire in wires:
                wire.close()
        self.assertEqual(set(statuses), {200, 429})
        served = statuses.count(200)
        self.assertGreaterEqual(served, 6)  # the first at once, five within the second of patience
        self.assertGreaterEqual(time.monotonic() - start, (served - 1) * 0.2 - 0.05)

    def test_workers_count_together(self):
        proxy = self.greenway(http_config(self.folder, self.upstream(), listener="rate_limit = 1/h burst=9").replace(
            "workers = 1", "workers = 4"))
        self.assertEqual(sorted(self.ask(proxy).status for _ in range(40)), [200] * 10 + [429] * 30)

    def test_a_flood_of_keys_grows_nothing(self):
        proxy = self.proxy(self.upstream(), greenway="rate_limit_keys = 1024",
                           listener="rate_limit = 1/h by=header:X-Key")
        self.assertEqual(self.ask(proxy, extra="X-Key: me\r\n").status, 200)

        def flood(start, count):
            with proxy.dial() as wire:
                for n in range(start, start + count):
                    self.assertEqual(wire.exchange(get("/", extra="X-Key: %d\r\n" % n)).status, 200)

        flood(0, 500)
        before = proxy.rss()
        flood(500, 5000)
        if not sanitized():  # they keep what was freed
            self.assertLess(proxy.rss() - before, 1 << 20)


class Methods(Case):
    def test_what_is_not_allowed_gets_405(self):
        app = self.upstream()
        proxy = self.proxy(app, listener="methods = GET, POST", extra=(
            "[route read]\npath = /read/*\nupstream = app\nmethods = GET\n"))
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        self.assertEqual(proxy.exchange(post("/", b"x")).status, 200)
        with proxy.dial() as wire:
            wire.send("HEAD / HTTP/1.1\r\nHost: h.example\r\n\r\n")
            self.assertEqual(wire.final("HEAD").status, 200)
            answer = wire.exchange("DELETE / HTTP/1.1\r\nHost: h.example\r\n\r\n")
            self.assertEqual(answer.status, 405)
            self.assertEqual(re.split(r", ", answer.get("Allow")), ["GET", "POST", "HEAD"])
            self.assert_own_page(answer)
            answer = wire.exchange(post("/read/", b"x"))
            self.assertEqual((answer.status, answer.get("Allow")), (405, "GET, HEAD"))
        self.assertEqual(len(app.requests), 3)
        entries = proxy.access_log(5)
        self.assertEqual([entry["reason"] for entry in entries[3:]], ["method_not_allowed"] * 2)
        self.assertEqual(entries[4]["directive"], "methods")


if __name__ == "__main__":
    main()
