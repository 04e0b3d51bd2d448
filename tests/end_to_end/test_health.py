"""Health of servers: checks that are made, requests that fail, and what clients notice of it."""

import json
import re
import signal
import threading

from admin import Admin
from harness import Case, PATIENCE, answering, main, wait_for
from wire import ok


def healthy(name):
    """Answers with its name; its health is what the test says."""
    def answer(request):
        if request.target.startswith("/healthz"):
            return answer.health
        return ok(name.encode())
    answer.health = ok(b"fine")
    return answer


SICK = b"HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n"


class Health(Case):
    def names(self, proxy, count=12):
        with proxy.dial() as wire:
            return {wire.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").body.decode() for _ in range(count)}

    def two(self, keys, scripts=None):
        self.scripts = scripts or [healthy("one"), healthy("two")]
        self.servers = [self.upstream(answering(script)) for script in self.scripts]
        return self.proxy(*self.servers, upstream=keys)

    def said(self, proxy, pattern):
        wait_for(lambda: re.search(pattern, proxy.stderr()), lambda: "%r in:\n%s" % (pattern, proxy.stderr()))

    def wait_names(self, proxy, names):
        wait_for(lambda: self.names(proxy) == names, lambda: "answers of %r; there are those of %r" % (names, self.names(proxy)))

    def test_a_server_that_says_that_it_is_sick_gets_nothing(self):
        proxy = self.two("health_check = GET /healthz every=50ms rise=2 fall=2 timeout=5s")
        self.wait_names(proxy, {"one", "two"})
        self.scripts[1].health = SICK
        self.said(proxy, r"server %s is down: status 500" % self.servers[1].server)
        self.assertEqual(self.names(proxy), {"one"})
        self.scripts[1].health = ok(b"fine")
        self.said(proxy, r"server %s is up: status 200" % self.servers[1].server)
        self.assertEqual(self.names(proxy), {"one", "two"})

    def test_one_failure_is_none(self):
        failures = []
        answer = healthy("two")
        usual = answer.health

        def flapping(request):
            if request.target == "/healthz":
                failures.append(len(failures) % 2)
                return SICK if failures[-1] else usual
            return answer(request)
        proxy = self.two("health_check = GET /healthz every=20ms rise=2 fall=2 timeout=5s", [healthy("one"), flapping])
        wait_for(lambda: len(failures) > 20, lambda: "20 checks")
        self.assertNotIn("is down", proxy.stderr())
        self.assertEqual(self.names(proxy), {"one", "two"})

    def test_bodies_are_matched_and_hosts_are_told(self):
        proxy = self.two("health_check = GET /healthz?deep every=50ms fall=1 rise=1 timeout=5s host=check.example match=\"^state: (fine|good)$\"")
        self.said(proxy, r"server %s is down: the answer does not match" % self.servers[0].server)
        for script in self.scripts:
            script.health = ok(b"state: good")
        self.wait_names(proxy, {"one", "two"})
        check = next(r for r in self.servers[0].requests if r.target == "/healthz?deep")
        self.assertEqual(check.get("Host"), "check.example")

    def test_all_down_is_said_at_once_and_recovers(self):
        proxy = self.two("health_check = GET /healthz every=50ms fall=1 rise=1 timeout=5s")
        for script in self.scripts:
            script.health = SICK
        for server in self.servers:
            self.said(proxy, r"server %s is down" % server.server)
        answer = proxy.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(answer.status, 503)
        self.assert_own_page(answer)
        self.assertEqual(proxy.access_log(1)[-1]["reason"], "servers_down")
        self.scripts[0].health = ok(b"")
        self.wait_names(proxy, {"one"})

    def test_a_start_as_down(self):
        release = threading.Event()
        one = healthy("one")

        def late(request):
            if request.target == "/healthz":
                release.wait(PATIENCE)
            return one(request)
        proxy = self.two("health_check = GET /healthz every=50ms fall=1 rise=1 timeout=60s start=down", [late, late])
        self.assertEqual(proxy.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 503)
        release.set()
        self.wait_names(proxy, {"one"})

    def test_the_state_survives_a_reload_and_the_end_of_checks(self):
        proxy = self.two("health_check = GET /healthz every=50ms fall=1 rise=1 timeout=5s")
        self.scripts[1].health = SICK
        self.said(proxy, r"server %s is down" % self.servers[1].server)
        path = self.path("greenway.ini")
        with open(path) as file:
            text = file.read()

        def reload(changed):
            with open(path, "w") as file:
                file.write(changed)
            before = proxy.stderr().count("reload")
            proxy.signal(signal.SIGHUP)
            wait_for(lambda: proxy.stderr().count("reload") > before, lambda: "a word on the reload:\n" + proxy.stderr())
        reload(text + "\n; the same\n")
        for _ in range(5):
            self.assertEqual(self.names(proxy), {"one"})
        self.assertEqual(proxy.stderr().count("%s is down" % self.servers[1].server), 1)
        reload(text.replace("health_check", ";health_check"))
        self.wait_names(proxy, {"one", "two"})

    def test_greetings_of_protocols(self):
        def greeting(first, reply=None):
            def script(wire, upstream):
                if first:
                    wire.send(first)
                data = wire.sock.recv(1000)
                if reply and data:
                    wire.send(reply)
                    wire.sock.recv(1000)
            return script
        cases = {
            "smtp": (greeting(b"220 mail.example ESMTP\r\n"), greeting(b"421 no\r\n")),
            "redis": (greeting(b"", b"+PONG\r\n"), greeting(b"", b"-LOADING\r\n")),
            "postgresql": (greeting(b"", b"R\0\0\0\x08\0\0\0\x05"), greeting(b"", b"E\0\0\0\x20SFATAL\0C57P03\0Mstarting\0\0")),
            "mysql": (greeting(b"J\0\0\0\x0a8.0.32\0"), greeting(b"\x10\0\0\0\xff\x10\x04Too many")),
            "send=\"HI\\r\\n\" expect=\"YES \\x01\"": (greeting(b"", b"YES \x01..."), greeting(b"", b"NO")),
        }
        for check, (good, bad) in cases.items():
            with self.subTest(check=check):
                servers = [self.upstream(good), self.upstream(bad)]
                proxy = self.tcp_proxy(*servers, upstream="health_check = %s every=50ms fall=1 rise=1 timeout=5s" % check)
                self.said(proxy, r"server %s is down" % servers[1].server)
                wait_for(lambda: servers[0].connections > 3, lambda: "checks")
                self.assertNotIn("server %s is down" % servers[0].server, proxy.stderr())
                proxy.stop()

    def test_a_port_of_its_own_and_tcp(self):
        checked = self.upstream(lambda wire, upstream: wire.sock.recv(1))
        proxy = self.two("health_check = tcp port=%d every=50ms fall=1 rise=1 timeout=5s" % checked.port)
        wait_for(lambda: checked.connections > 3, lambda: "checks")
        checked.stop()
        for server in self.servers:
            self.said(proxy, r"server %s is down: cannot connect" % server.server)
        self.assertEqual(proxy.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 503)


class Shown(Admin):
    def test_health_is_shown(self):
        answer = healthy("one")
        answer.health = SICK
        sick, well = self.upstream(answering(answer)), self.upstream(answering(healthy("two")))
        self.with_admin(sick, well, upstream="health_check = GET /healthz every=50ms fall=1 rise=1 timeout=5s")
        self.wait_metric(1, "greenway_server_health_changes_total", server=sick.server)
        self.assertEqual(self.metrics().sum("greenway_server_up", server=sick.server), 0)
        self.assertEqual(self.metrics().sum("greenway_server_up", server=well.server), 1)
        for server, name in ((sick, "greenway_server_check_failures_total"), (well, "greenway_server_checks_total")):
            wait_for(lambda: self.metrics().sum(name, server=server.server) > 1, name)
        self.assertEqual(self.metrics().sum("greenway_server_check_failures_total", server=well.server), 0)
        health = {h["server"]: h for h in json.loads(self.ask("/status.json")[2])["upstreams"][0]["health"]}
        self.assertEqual((health[sick.server]["state"], health[sick.server]["check"]), ("down", "status 500"))
        self.assertEqual(health[well.server]["state"], "up")


class Ejection(Case):
    def names(self, proxy, count=12):
        return [proxy.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").body for _ in range(count)]

    def test_who_fails_again_and_again_is_left_alone_for_a_while(self):
        broken = self.upstream(answering(lambda request: b"HTTP/1.1 503 No\r\nContent-Length: 6\r\n\r\nbroken"))
        good = self.upstream(answering(lambda request: ok(b"good")))
        proxy = self.proxy(broken, good, upstream="eject_after = 3\neject_time = 1h\neject_time_max = 1h")
        wait_for(lambda: "gets no requests" in proxy.stderr() or not self.names(proxy, 1), lambda: proxy.stderr())
        self.assertEqual(set(self.names(proxy)), {b"good"})
        self.assertEqual(len(broken.requests), 3)
        self.assertRegex(proxy.stderr(), r"server %s gets no requests for .* s: 3 failures in a row" % broken.server)

    def test_it_is_tried_again_and_put_away_at_the_first_failure(self):
        state = {"good": False}
        server = self.upstream(answering(
            lambda request: ok(b"back") if state["good"] else b"HTTP/1.1 502 No\r\nContent-Length: 6\r\n\r\nbroken"))
        good = self.upstream(answering(lambda request: ok(b"good")))
        proxy = self.proxy(server, good, upstream="eject_after = 2\neject_time = 200ms\neject_time_max = 1h")

        def twice():
            self.names(proxy, 2)
            return proxy.stderr().count("gets no requests for") >= 2
        wait_for(twice, lambda: "two ejections:\n" + proxy.stderr())
        self.assertIn("gets requests again", proxy.stderr())
        state["good"] = True
        wait_for(lambda: b"back" in self.names(proxy), lambda: "the server back:\n" + proxy.stderr())

    def test_the_last_one_stays(self):
        broken = [self.upstream(answering(lambda request: b"HTTP/1.1 503 No\r\nContent-Length: 6\r\n\r\nbroken")) for _ in range(2)]
        proxy = self.proxy(*broken, upstream="eject_after = 1\neject_time = 1h\neject_time_max = 1h")
        self.assertEqual(self.names(proxy, 20), [b"broken"] * 20)
        self.assertEqual(proxy.stderr().count("gets no requests"), 1)

    def test_it_can_be_off(self):
        broken = self.upstream(answering(lambda request: b"HTTP/1.1 503 No\r\nContent-Length: 6\r\n\r\nbroken"))
        good = self.upstream(answering(lambda request: ok(b"good")))
        proxy = self.proxy(broken, good, upstream="eject_after = off")
        self.assertEqual(self.names(proxy, 40).count(b"broken"), 20)

    def test_by_rate_and_by_latency(self):
        count = [0]

        def sometimes(request):
            count[0] += 1
            return ok(b"some") if count[0] % 2 else b"HTTP/1.1 502 No\r\nContent-Length: 6\r\n\r\nbroken"
        flaky = self.upstream(answering(sometimes))
        good = self.upstream(answering(lambda request: ok(b"good")))
        proxy = self.proxy(flaky, good, upstream="eject_failure_rate = 40\neject_volume = 5\neject_window = 100ms\neject_time = 1h\neject_time_max = 1h")
        wait_for(lambda: self.names(proxy, 2) and "gets no requests" in proxy.stderr(), lambda: proxy.stderr())
        self.assertRegex(proxy.stderr(), r"server %s gets no requests.*requests failed" % flaky.server)


class Hashing(Case):
    def test_the_same_value_goes_to_the_same_server(self):
        servers = [self.upstream(answering(lambda request, i=i: ok(b"%d" % i))) for i in range(3)]
        for balance, vary in {"hash:header:X-Key": lambda i: (b"/", b"X-Key: %d\r\n" % i),
                              "hash:cookie:id": lambda i: (b"/", b"Cookie: a=b; id=%d\r\n" % i),
                              "hash:query:q": lambda i: (b"/?x=1&q=%d" % i, b""),
                              "hash:path": lambda i: (b"/%d?%d" % (i, id(i)), b""),
                              "hash:uri": lambda i: (b"/?%d" % i, b"")}.items():
            with self.subTest(balance=balance):
                proxy = self.proxy(*servers, upstream="balance = " + balance)
                seen = []
                for _ in range(2):
                    seen.append([proxy.exchange(b"GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % vary(i)).body for i in range(30)])
                self.assertEqual(seen[0], seen[1])
                self.assertEqual(len(set(seen[0])), 3)
                proxy.stop()


class Sticky(Case):
    KEY = "key=0123456789abcdef"

    def ask(self, proxy, cookie=None):
        field = b"Cookie: a=b; route=%s\r\n" % cookie if cookie else b""
        return proxy.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n" % field)

    def test_a_client_comes_back_to_its_server(self):
        servers = [self.upstream(answering(lambda request, i=i: ok(b"%d" % i))) for i in range(3)]
        keys = "sticky = cookie route path=/app max_age=1h %s" % self.KEY
        proxy = self.proxy(*servers, upstream=keys)
        tokens = {}
        for _ in range(6):
            answer = self.ask(proxy)
            found = re.fullmatch(r"route=([0-9a-f]{32}); Path=/app; Max-Age=3600; HttpOnly; SameSite=Lax", answer.get("Set-Cookie"))
            self.assertTrue(found, answer.get("Set-Cookie"))
            tokens[answer.body] = found.group(1).encode()
        self.assertEqual(len(set(tokens.values())), 3)
        for body, token in tokens.items():
            for _ in range(4):
                answer = self.ask(proxy, token)
                self.assertEqual(answer.body, body)
                self.assertIsNone(answer.get("Set-Cookie"))
        for forged in (b"0" * 32, tokens[b"0"][:-1] + b"x", tokens[b"0"] * 2, b"x"):
            self.assertIn("route=", self.ask(proxy, forged).get("Set-Cookie"))
        proxy.stop()
        # The key is the same, so another instance knows its clients; a server that has left is chosen anew.
        proxy = self.proxy(*servers[1:], upstream=keys)
        self.assertEqual(self.ask(proxy, tokens[b"2"]).body, b"2")
        answer = self.ask(proxy, tokens[b"0"])
        self.assertIn(answer.body, (b"1", b"2"))
        self.assertIn(tokens[answer.body].decode(), answer.get("Set-Cookie"))

    def test_a_server_that_is_gone_is_chosen_anew(self):
        servers = [self.upstream(answering(lambda request, i=i: ok(b"%d" % i))) for i in range(2)]
        proxy = self.proxy(*servers, upstream="sticky = cookie route")
        answer = self.ask(proxy)
        token = re.match(r"route=(\w+)", answer.get("Set-Cookie")).group(1).encode()
        servers[int(answer.body)].stop()
        other = self.ask(proxy, token)
        self.assertEqual((other.status, other.body), (200, b"%d" % (1 - int(answer.body))))
        self.assertNotIn(token.decode(), other.get("Set-Cookie"))


if __name__ == "__main__":
    main()
