"""Requests that have come a long way: Via and loops, Max-Forwards, several gateways in a row."""

import os
import re
import shutil
import tempfile

from harness import Case, Greenway, answering, echo, http_config, main
from wire import dial, get, post

NAME = re.compile(r"^1\.1 (greenway-[0-9a-f]{8})$")


class Via(Case):
    def another(self, *servers, **sections):
        """A further proxy beside the first."""
        folder = tempfile.mkdtemp(prefix="another-", dir=self.folder)
        path = os.path.join(folder, "greenway.ini")
        with open(path, "w") as file:
            file.write(http_config(folder, *servers, **sections))
        proxy = Greenway(folder, ["run", "-c", path])
        self.addCleanup(shutil.rmtree, folder, True)
        self.addCleanup(proxy.stop)
        return proxy

    def test_every_instance_has_a_name_of_its_own(self):
        app = self.upstream(answering(echo))
        inner = self.another(app)
        outer = self.another("127.0.0.1:%d" % inner.port)
        self.assertEqual(outer.exchange(get("/")).status, 200)
        first, second = app.requests[-1].all("Via")
        self.assertRegex(first, NAME)
        self.assertRegex(second, NAME)
        self.assertNotEqual(first, second)

    def test_configured_name(self):
        app = self.upstream(answering(echo))
        proxy = self.proxy(app, greenway="via = edge-1.example")
        proxy.exchange(b"GET / HTTP/1.0\r\nHost: h.example\r\nVia: 1.1 other, 1.0 another (with a comment)\r\n\r\n")
        self.assertEqual(app.requests[-1].all("Via"),
                         ["1.1 other, 1.0 another (with a comment)", "1.0 edge-1.example"])

    def test_a_loop_ends(self):
        """The proxy's server is the proxy itself."""
        app = self.upstream(answering(echo))
        relay = self.upstream(answering(lambda request: self.pass_on(request)))
        proxy = self.proxy(relay, greenway="via = me\nmax_loops = 3")
        self.back_to = proxy.port
        answer = proxy.exchange(get("/round"))
        self.assertEqual(answer.status, 502)
        self.assert_own_page(answer)
        self.assertIn("proxy_loop_detected", answer.get("Proxy-Status"))
        self.assertEqual(len(relay.requests), 3)
        self.assertEqual([len(request.all("Via")) for request in relay.requests], [1, 2, 3])
        entry = next(entry for entry in proxy.access_log(4) if entry["reason"] == "loop_detected")
        self.assertEqual(entry["status"], 502)
        self.assertIn("max_loops", str(entry))
        self.assertEqual(app.requests, [])

    def pass_on(self, request):
        """Sends a request to the proxy again as it came, and its answer back."""
        via = "".join("Via: %s\r\n" % value for value in request.all("Via"))
        with dial(("127.0.0.1", self.back_to)) as wire:
            answer = wire.exchange(get(request.target, extra=via))
        fields = "".join("%s: %s\r\n" % field for field in answer.fields if field[0].lower() == "proxy-status")
        return b"HTTP/1.1 %d Loop\r\n%sContent-Length: 0\r\n\r\n" % (answer.status, fields.encode())

    def test_it_takes_its_own_name_as_often_as_that(self):
        app = self.upstream(answering(echo))
        proxy = self.proxy(app, greenway="via = me\nmax_loops = 2")
        for via, status in (("1.1 me", 200), ("1.1 me, 1.1 you", 200), ("1.1 me, 1.1 ME", 502),
                            ("1.1 me,1.1 x,  1.0\tMe (c)", 502),
                            ("1.1 men, 1.1 meme, me 1.1", 200), ("me, me, me", 200), ("1.1 you (1.1 me)", 200)):
            with self.subTest(via=via):
                self.assertEqual(proxy.exchange(get("/", extra="Via: %s\r\n" % via)).status, status)
        self.assertEqual(proxy.exchange(get("/", extra="Via: 1.1 me\r\nVia: 1.1 me\r\n")).status, 502)

    def test_two_in_a_row_are_no_loop(self):
        app = self.upstream(answering(echo))
        inner = self.another(app, greenway="max_loops = 1")
        outer = self.another("127.0.0.1:%d" % inner.port, greenway="max_loops = 1")
        for i in range(5):
            self.assertEqual(outer.exchange(post("/%d" % i, b"body")).body, b"body")
        self.assertEqual(outer.exchange(b"GET /old HTTP/1.0\r\n\r\n").status, 200)

    def test_connection_cannot_take_via_away(self):
        app = self.upstream(answering(echo))
        proxy = self.proxy(app, greenway="via = me\nmax_loops = 1")
        self.assertEqual(proxy.exchange(get("/", extra="Connection: Via\r\nVia: 1.1 me\r\n")).status, 502)
        self.assertEqual(proxy.exchange(get("/", extra="Connection: Via\r\nVia: 1.1 you\r\n")).status, 200)
        self.assertEqual(app.requests[-1].all("Via"), ["1.1 you", "1.1 me"])


class MaxForwards(Case):
    def setUp(self):
        super().setUp()
        self.app = self.upstream(answering(echo))
        self.gateway = self.proxy(self.app)

    def ask(self, method, value, target="/a"):
        return self.gateway.exchange("%s %s HTTP/1.1\r\nHost: h.example\r\nMax-Forwards: %s\r\n\r\n"
                                     % (method, target, value), method)

    def test_options_count_down(self):
        for target in ("/a", "*"):
            for value, passed in (("1", "0"), ("10", "9"), ("2147483647", "2147483646")):
                self.assertEqual(self.ask("OPTIONS", value, target).status, 200)
                self.assertEqual(self.app.requests[-1].all("Max-Forwards"), [passed])
                self.assertEqual(self.app.requests[-1].target, target)

    def test_the_last_one_answers_itself(self):
        for target in ("/a", "*"):
            answer = self.ask("OPTIONS", "0", target)
            self.assertEqual(answer.status, 200)
            self.assertIn("options", answer.tokens("Allow"))
        self.assertEqual(self.app.requests, [])
        with self.gateway.dial() as wire:  # and the connection goes on
            body = b"OPTIONS /a HTTP/1.1\r\nHost: h.example\r\nMax-Forwards: 0\r\nContent-Length: 5\r\n\r\nhello"
            self.assertEqual(wire.exchange(body).status, 200)
            self.assertEqual(wire.exchange(get("/next")).status, 200)

    def test_other_methods_do_not_count(self):
        for method in ("GET", "POST", "DELETE"):
            self.assertEqual(self.ask(method, "0").status, 200)
            self.assertEqual(self.app.requests[-1].all("Max-Forwards"), ["0"])

    def test_nonsense_is_no_limit(self):
        for value in ("-1", "x", "", "99999999999999999999"):
            self.assertEqual(self.ask("OPTIONS", value).status, 200)

    def test_trace_is_refused_anyway(self):
        self.assertEqual(self.ask("TRACE", "0").status, 405)
        self.assertEqual(self.ask("TRACE", "1").status, 405)
        self.assertEqual(self.app.requests, [])


if __name__ == "__main__":
    main()
