"""Header fields that the configuration sets, adds and removes, and the variables in them."""

import re

from harness import Case, answering, echo, main
from upstream import refused_port
from wire import get, ok, post

HEX = re.compile(r"^[0-9a-f]{32}$")


class Rules(Case):
    def seen(self, lines, request, upstream="", extra=""):
        """The request as the upstream gets it."""
        app = self.upstream(answering(echo))
        gateway = self.proxy(app, listener=lines, upstream=upstream, extra=extra)
        answer = gateway.exchange(request)
        self.assertEqual(answer.status, 200, answer)
        return app.requests[-1]

    def answered(self, lines, fields="", extra="", request=None):
        app = self.upstream(answering(lambda request: ok(b"x", fields)))
        return self.proxy(app, listener=lines, extra=extra).exchange(request or get())


class Request(Rules):
    def test_set_add_remove(self):
        seen = self.seen("request_header = set X-Set new\nrequest_header = add X-Add 2\n"
                         "request_header = remove X-Gone\nrequest_header = remove X-Never\n",
                         get(extra="x-set: a\r\nX-Set: b\r\nX-Add: 1\r\nx-gone: c\r\nX-Other: d\r\n"))
        self.assertEqual(seen.all("X-Set"), ["new"])
        self.assertEqual(seen.all("X-Add"), ["1", "2"])
        self.assertFalse(seen.has("X-Gone") or seen.has("X-Never"))
        self.assertEqual(seen.all("X-Other"), ["d"])

    def test_a_route_has_the_last_word(self):
        """A set undoes what came before it, whoever said it: never two fields of one name by two sets."""
        seen = self.seen("request_header = set X-A listener\nrequest_header = add X-B one\n"
                         "request_header = set X-C listener\n", get("/r/x"),
                         extra="[route r]\npath = /r/*\nupstream = app\nrequest_header = set x-a route\n"
                               "request_header = add X-B two\nrequest_header = remove X-C\n")
        self.assertEqual(seen.all("X-A"), ["route"])
        self.assertEqual(seen.all("X-B"), ["one", "two"])
        self.assertFalse(seen.has("X-C"))

    def test_what_variables_stand_for(self):
        lines = "".join("request_header = set X-%s ${%s}\n" % (re.sub("[^a-z]", "-", name), name) for name in (
            "method", "scheme", "host", "port", "authority", "uri", "path", "query", "client", "client_port",
            "listener", "route", "upstream", "time", "query:q", "header:X-In", "cookie:b", "request_id"))
        seen = self.seen(lines, get("/r/%61?a=1&q=%2B+x&q=2", host="H.Example:81",
                                    extra="X-In: 1\r\nx-in: 2\r\nCookie: a=0; b=yes; c=3\r\nCookie: b=no\r\n"),
                         extra="[route r1]\npath = /r/*\nupstream = app\n")
        for name, value in (("method", "GET"), ("scheme", "http"), ("host", "h.example"), ("port", "81"),
                            ("authority", "H.Example:81"), ("uri", "/r/%61?a=1&q=%2B+x&q=2"), ("path", "/r/%61"),
                            ("query", "a=1&q=%2B+x&q=2"), ("client", "127.0.0.1"), ("listener", "web"),
                            ("route", "r1"), ("upstream", "app"), ("query-q", "+ x"), ("header-X-In".lower(), "1, 2"),
                            ("cookie-b", "yes")):
            with self.subTest(variable=name):
                self.assertEqual([v for k, v in seen.fields if k.lower().replace("--n", "-in") == "x-" + name
                                  or (name == "header-x-in" and k.lower().startswith("x-header"))], [value])
        self.assertTrue(seen.get("X-client-port").isdigit())
        self.assertRegex(seen.get("X-time"), r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(seen.get("X-request-id"), HEX)

    def test_nothing_makes_no_field(self):
        seen = self.seen("request_header = set X-A ${header:X-None}\nrequest_header = add X-B ${cookie:none}\n"
                         "request_header = set X-C ${query:none}!\n", get(extra="X-A: spoofed\r\n"))
        self.assertFalse(seen.has("X-A") or seen.has("X-B"))
        self.assertEqual(seen.get("X-C"), "!")

    def test_nobody_gets_a_line_in(self):
        seen = self.seen("request_header = set X-A ${query:a}\nrequest_header = set X-B a${query:a}b\n",
                         get("/?a=1%0d%0aX-Evil:%202%00%0a"))
        self.assertEqual(seen.get("X-A"), "1??X-Evil: 2??")
        self.assertEqual(seen.get("X-B"), "a1??X-Evil: 2??b")
        self.assertFalse(seen.has("X-Evil"))

    def test_a_request_has_one_name(self):
        """On both sides, and no two requests the same."""
        app = self.upstream(answering(lambda request: ok(b"x")))
        gateway = self.proxy(app, listener="request_header = set X-Id ${request_id}\n"
                                           "response_header = set X-Id ${request_id}\n")
        names = set()
        with gateway.dial() as wire:
            for _ in range(3):
                answer = wire.exchange(get())
                self.assertEqual(answer.get("X-Id"), app.requests[-1].get("X-Id"))
                self.assertRegex(answer.get("X-Id"), HEX)
                names.add(answer.get("X-Id"))
        self.assertEqual(len(names), 3)

    def test_many_rules(self):
        lines = "".join("request_header = add X-Many %d\nrequest_header = set X-%d ${uri}\n" % (i, i) for i in range(50))
        seen = self.seen(lines, get("/" + "u" * 100))
        self.assertEqual(seen.all("X-Many"), [str(i) for i in range(50)])
        self.assertTrue(all(seen.all("X-%d" % i) == ["/" + "u" * 100] for i in range(50)))

    def test_more_than_there_is_room_for(self):
        """What one request may make the proxy hold is bounded; it is told so."""
        app = self.upstream(answering(echo))
        lines = "".join("request_header = set X-%d a${header:X-Large}\n" % i for i in range(64))
        gateway = self.proxy(app, listener=lines)
        answer = gateway.exchange(get(extra="X-Large: %s\r\n" % ("l" * 15000)))
        self.assertEqual(answer.status, 500)
        self.assert_own_page(answer)
        self.assertEqual(app.requests, [])
        entry = gateway.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("no_memory", "request_header"))

    def test_forwarding_fields_may_be_set(self):
        seen = self.seen("request_header = set X-Forwarded-Proto https\nrequest_header = remove X-Forwarded-Host\n"
                         "request_header = set X-Forwarded-For ${client}\nrequest_header = remove Via\n", get())
        self.assertEqual(seen.all("X-Forwarded-Proto"), ["https"])
        self.assertEqual(seen.all("X-Forwarded-For"), ["127.0.0.1"])
        self.assertFalse(seen.has("X-Forwarded-Host") or seen.has("Via"))


class Host(Rules):
    def test_of_the_upstream_and_of_the_route(self):
        seen = self.seen("", get(), upstream="upstream_host = app.internal:8080\n")
        self.assertEqual(seen.all("Host"), ["app.internal:8080"])
        self.assertEqual(seen.get("X-Forwarded-Host"), "h.example")
        seen = self.seen("", get(), upstream="upstream_host = app.internal\n",
                         extra="[route r]\nupstream = app\nupstream_host = ${host}.internal\n")
        self.assertEqual(seen.all("Host"), ["h.example.internal"])

    def test_of_the_server(self):
        app = self.upstream(answering(echo))
        self.proxy(app, upstream="upstream_host = ${server}\n").exchange(get())
        self.assertEqual(app.requests[-1].all("Host"), [app.server])

    def test_it_has_to_be_one(self):
        app = self.upstream(answering(echo))
        gateway = self.proxy(app, upstream="upstream_host = ${query:h}\n")
        self.assertEqual(gateway.exchange(get("/?h=b.example")).status, 200)
        self.assertEqual(app.requests[-1].all("Host"), ["b.example"])
        for bad in ("", "a%20b", "a/b", "a%0d%0aX:1"):
            answer = gateway.exchange(get("/?h=" + bad))
            self.assertEqual(answer.status, 500, bad)
        self.assertEqual(len(app.requests), 1)
        self.assertEqual(gateway.access_log(5)[-1]["reason"], "upstream_host_invalid")


class Response(Rules):
    def test_set_add_remove(self):
        answer = self.answered("response_header = set Server mine\nresponse_header = remove x-powered-by\n"
                               "response_header = add Vary Origin\nresponse_header = set X-Status ${status}\n"
                               "response_header = set Date then\n",
                               "Server: app\r\nX-Powered-By: php\r\nVary: Accept\r\n")
        self.assertEqual(answer.all("Server"), ["mine"])
        self.assertFalse(answer.has("X-Powered-By"))
        self.assertEqual(answer.all("Vary"), ["Accept", "Origin"])
        self.assertEqual(answer.get("X-Status"), "200")
        self.assertEqual(answer.all("Date"), ["then"])
        self.assertEqual(answer.body, b"x")

    def test_which_server(self):
        app = self.upstream(answering(lambda request: ok(b"x")))
        answer = self.proxy(app, listener="response_header = set X-Server ${server}\n").exchange(get())
        self.assertEqual(answer.get("X-Server"), app.server)

    def test_pages_only_with_always(self):
        app = self.upstream(answering(lambda request: ok(b"x")))
        gateway = self.proxy(app, listener="max_body = 1\nresponse_header = always set X-Frame-Options DENY\n"
                                           "response_header = set X-Plain 1\n"
                                           "response_header = always set X-Status ${status} ${uri}\n")
        answer = gateway.exchange(get("/u"))
        self.assertEqual([answer.get(n) for n in ("X-Frame-Options", "X-Plain", "X-Status")], ["DENY", "1", "200 /u"])
        answer = gateway.exchange(post("/u", b"too much"))
        self.assertEqual(answer.status, 413)
        self.assert_own_page(answer)
        self.assertEqual([answer.get(n) for n in ("X-Frame-Options", "X-Plain", "X-Status")], ["DENY", None, "413 /u"])
        answer = gateway.exchange("GET /u HTTP/1.1\r\nHo st: a\r\n\r\n")  # nothing is known of it
        self.assertEqual(answer.status, 400)
        self.assertEqual([answer.get(n) for n in ("X-Frame-Options", "X-Plain", "X-Status")], ["DENY", None, "400"])

    def test_a_page_may_lose_its_own_fields(self):
        held, dead = refused_port()
        self.addCleanup(held.close)
        gateway = self.proxy(dead,
                             listener="response_header = always remove Server\n"
                                      "response_header = always remove Proxy-Status\n"
                                      "response_header = always set X-Content-Type-Options none\n")
        answer = gateway.exchange(get())
        self.assertEqual(answer.status, 502)
        self.assertFalse(answer.has("Server") or answer.has("Proxy-Status"))
        self.assertEqual(answer.all("X-Content-Type-Options"), ["none"])

    def test_a_page_comes_even_if_there_is_no_room_for_its_fields(self):
        lines = "max_body = 1\n" + "".join("response_header = always set X-%d a${uri}\n" % i for i in range(100))
        gateway = self.proxy(self.upstream(), listener=lines)
        answer = gateway.exchange(post("/" + "u" * 8000, b"too much"))
        self.assertEqual(answer.status, 413)
        self.assertFalse(answer.has("X-0"))
        self.assertEqual(gateway.access_log(1)[0]["reason"], "body_too_large")

    def test_kept_connections_stay_in_step(self):
        app = self.upstream(answering(lambda request: ok(b"x" * 3000)))
        gateway = self.proxy(app, listener="response_header = set X-Uri ${uri}\n")
        with gateway.dial() as wire:
            for i in range(20):
                answer = wire.exchange(get("/%d" % i))
                self.assertEqual((answer.get("X-Uri"), len(answer.body)), ("/%d" % i, 3000))


if __name__ == "__main__":
    main()
