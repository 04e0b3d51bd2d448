"""Which upstream a request goes to: listener, host, path, servers in turn, the next one when one does not answer."""

import threading
from collections import Counter

from harness import Case, answering, main
from upstream import refused_port
from wire import get, ok, post


class Routes(Case):
    def named(self, name):
        return self.upstream(answering(lambda request: ok(name.encode())))

    def routes(self, routes, fallback=True):
        """Starts a proxy whose routes are (host lines, upstream name); every upstream answers its name."""
        names = sorted({name for _, name in routes} | {"fallback"})
        text = "[greenway]\naccess_log = %s\n[listener web]\nbind = 127.0.0.1:0\n" % self.path("access.log")
        text += "upstream = fallback\n" if fallback else ""
        for number, (match, name) in enumerate(routes):
            text += "[route r%d]\n%supstream = %s\n" % (number, match, name)
        for name in names:
            text += "[upstream %s]\nserver = %s\n" % (name, self.named(name).server)
        return self.greenway(text)

    def goes_to(self, proxy, host, target):
        return proxy.exchange(get(target, host)).body.decode()

    def test_host(self):
        proxy = self.routes([("host = a.example, b.example\n", "ab"), ("host = *.c.example\n", "wild"),
                             ("host = x.c.example\n", "late")])
        for host, name in (("a.example", "ab"), ("b.example", "ab"), ("A.Example", "ab"), ("a.example:8080", "ab"),
                           ("x.c.example", "wild"), ("y.x.c.example", "wild"), ("c.example", "fallback"),
                           ("xc.example", "fallback"), ("a.example.evil", "fallback"), ("127.0.0.1", "fallback")):
            with self.subTest(host=host):
                self.assertEqual(self.goes_to(proxy, host, "/"), name)

    def test_path(self):
        proxy = self.routes([("path = =/exact\n", "exact"), ("path = /v1/*, /v2/*\n", "api"),
                             ("path = /a/b/*\n", "ab")])
        for target, name in (("/exact", "exact"), ("/exact?q=1", "exact"), ("/exact/", "fallback"),
                             ("/v1", "api"), ("/v1/", "api"), ("/v1/x/y?z=/q", "api"), ("/v1?x", "api"),
                             ("/v10", "fallback"), ("/v2/x", "api"), ("/V1/x", "fallback"), ("/a/b", "ab"),
                             ("/a/bc", "fallback"), ("/", "fallback")):
            with self.subTest(target=target):
                self.assertEqual(self.goes_to(proxy, "h.example", target), name)

    def test_path_tricks_do_not_change_the_route(self):
        """However a dot segment is written it must not reach behind a route that would not have matched it."""
        proxy = self.routes([("path = /public/*\n", "public")])
        for target in ("/public/../private", "/public/%2e%2e/private", "/public/..%2fprivate",
                       "/./public/../private"):
            with self.subTest(target=target):
                answer = proxy.exchange(get(target))
                self.assertTrue(answer.status == 400 or answer.body == b"fallback", answer)

    def test_host_and_path_together_first_match_wins(self):
        proxy = self.routes([("host = a.example\npath = /v1/*\n", "both"), ("host = a.example\n", "host"),
                             ("path = /v1/*\n", "path")])
        for host, target, name in (("a.example", "/v1/x", "both"), ("a.example", "/v2", "host"),
                                   ("b.example", "/v1/x", "path"), ("b.example", "/v2", "fallback")):
            self.assertEqual(self.goes_to(proxy, host, target), name)

    def test_each_request_of_a_connection_is_routed(self):
        proxy = self.routes([("host = a.example\n", "a"), ("host = b.example\n", "b")])
        with proxy.dial() as wire:
            for host, name in (("a.example", b"a"), ("b.example", b"b"), ("a.example", b"a"),
                               ("c.example", b"fallback")):
                self.assertEqual(wire.exchange(get("/", host)).body, name)

    def test_no_route_is_404(self):
        proxy = self.routes([("host = a.example\n", "a")], fallback=False)
        with proxy.dial() as wire:
            answer = wire.exchange(get("/", "b.example"))
            self.assertEqual(answer.status, 404)
            self.assert_own_page(answer)
            # The request was whole, so the connection may go on.
            if "close" not in answer.tokens("Connection"):
                self.assertEqual(wire.exchange(get("/", "a.example")).body, b"a")
        self.assertEqual(proxy.access_log(1)[0]["reason"], "no_route")

    def test_routes_of_listeners(self):
        one, two = self.named("one"), self.named("two")
        proxy = self.greenway(
            "[listener first]\nbind = 127.0.0.1:0\n[listener second]\nbind = 127.0.0.1:0\n"
            "[route x]\nlistener = first\nupstream = one\n[route y]\nlistener = second\nupstream = two\n"
            "[upstream one]\nserver = %s\n[upstream two]\nserver = %s\n" % (one.server, two.server), listeners=2)
        for listener, name in (("first", b"one"), ("second", b"two")):
            with proxy.dial(listener) as wire:
                self.assertEqual(wire.exchange(get("/")).body, name)

    def test_unix_sockets_and_several_addresses(self):
        app = self.named("app")
        path = self.path("web.sock")
        proxy = self.greenway("[listener web]\nbind = 127.0.0.1:0, unix:%s\nupstream = app\n[upstream app]\n"
                              "server = %s\n" % (path, app.server), listeners=2)
        self.assertEqual(proxy.exchange(get("/")).body, b"app")
        done = self.curl("--unix-socket", path, "http://h.example/")
        self.assertEqual(done.stdout, b"app")


    def test_expressions(self):
        proxy = self.routes([("path = ~^/users/[0-9]+$\n", "user"), ("host = ~^shop[0-9]+[.]example$\n", "shop"),
                             ("path = ~(?i)secret\n", "secret")])
        for host, target, name in (("h", "/users/17", "user"), ("h", "/users/%31?x", "user"), ("h", "/users/x", "fallback"),
                                   ("h", "/x/users/17", "fallback"), ("Shop12.Example", "/", "shop"),
                                   ("shop.example", "/", "fallback"), ("h", "/a/../SECRET", "secret")):
            with self.subTest(host=host, target=target):
                self.assertEqual(self.goes_to(proxy, host, target), name)

    def test_method_header_query_cookie_source(self):
        proxy = self.routes([("method = POST\n", "post"), ("header = X-Beta: ~^(1|yes)$\nheader = !X-Not\n", "header"),
                             ("query = debug=1\n", "query"), ("cookie = who=me\n", "cookie"),
                             ("source = 192.0.2.0/24\n", "never"), ("source = 127.0.0.0/8\n", "local")])

        def goes_to(request):
            return proxy.exchange(request).body.decode()
        self.assertEqual(goes_to(post("/", b"x")), "post")
        for lines, target, name in (("X-Beta: yes", "/", "header"), ("x-beta: 1", "/?debug=1", "header"),
                                    ("X-Beta: yes\r\nX-Not: 1", "/", "local"), ("X-Beta: no", "/?a&debug=1", "query"),
                                    ("Cookie: a=b; who=me", "/?debug=0", "cookie"), ("X-A: 1", "/", "local")):
            with self.subTest(lines=lines, target=target):
                self.assertEqual(goes_to(b"GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n"
                                         % (target.encode(), lines.encode())), name)

    def test_an_expression_that_takes_too_long_refuses(self):
        """The route behind it is not served either: it might have been meant to be kept out of."""
        proxy = self.routes([("path = ~^/(a+)+$\n", "guarded")])
        answer = proxy.exchange(get("/" + "a" * 5000 + "!"))
        self.assertEqual(answer.status, 400)
        self.assert_own_page(answer)
        self.assertEqual(self.goes_to(proxy, "h", "/aaa"), "guarded")
        line = next(line for line in proxy.access_log(2) if line["status"] == 400)  # workers log when they like
        self.assertEqual((line["reason"], line["directive"]), ("match_too_costly", "path"))
        self.assertRegex(line["origin"], r":7$")


class Shares(Case):
    def shared(self, listener, route=""):
        """A proxy before two upstreams, app and canary, each answering its name."""
        upstreams = [self.upstream(answering(lambda request, name=name: ok(name))) for name in (b"app", b"canary")]
        proxy = self.greenway("[greenway]\nworkers = 1\naccess_log = %s\n[listener web]\nbind = 127.0.0.1:0\n%s\n%s\n"
                              "[upstream app]\nserver = %s\n[upstream canary]\nserver = %s\n"
                              % ((self.path("access.log"), listener, route)
                                 + tuple(upstream.server for upstream in upstreams)))
        return proxy, upstreams

    def ask(self, proxy, requests):
        with proxy.dial() as wire:
            return [wire.exchange(request).body.decode() for request in requests]

    def test_requests_are_spread_as_the_weights_say(self):
        proxy, _ = self.shared("", "[route all]\nupstream = app weight=80, canary weight=20")
        counts = Counter(self.ask(proxy, [get("/")] * 1500))
        # 300 are expected, and the deviation of such a count is 15.5: this is eight of them.
        self.assertTrue(175 < counts["canary"] < 425, counts)
        logged = Counter(line["upstream"] for line in proxy.access_log(1500))
        self.assertEqual(logged, counts)

    def test_a_weight_of_nothing(self):
        proxy, _ = self.shared("upstream = app, canary weight=0")
        self.assertEqual(Counter(self.ask(proxy, [get("/")] * 100)), {"app": 100})

    def test_a_client_stays_where_it_is(self):
        proxy, _ = self.shared("upstream = app, canary\nsplit_by = cookie:id")
        requests = [b"GET / HTTP/1.1\r\nHost: h\r\nCookie: x=1; id=%d\r\n\r\n" % (number % 50) for number in range(200)]
        taken = self.ask(proxy, requests)
        self.assertEqual(taken[:50] * 4, taken)
        self.assertEqual(set(taken), {"app", "canary"})
        self.assertEqual(set(self.ask(proxy, [get("/")] * 200)), {"app", "canary"})

    def test_by_source(self):
        proxy, _ = self.shared("upstream = app, canary\nsplit_by = source")
        self.assertEqual(len(set(self.ask(proxy, [get("/")] * 50) + self.ask(proxy, [get("/")] * 50))), 1)

    def test_connections_of_a_tcp_listener(self):
        proxy, upstreams = self.shared("protocol = tcp\nupstream = app, canary")
        for _ in range(60):
            self.ask(proxy, [get("/")])
        counts = [len(upstream.requests) for upstream in upstreams]
        self.assertEqual(sum(counts), 60)
        self.assertTrue(all(count > 5 for count in counts), counts)


class Servers(Case):
    def counted(self, count):
        return [self.upstream() for _ in range(count)]

    def test_round_robin_is_exact(self):
        servers = self.counted(3)
        proxy = self.proxy(*servers)
        with proxy.dial() as wire:
            for _ in range(30):
                self.assertEqual(wire.exchange(get("/")).status, 200)
        self.assertEqual([len(server.requests) for server in servers], [10, 10, 10])

    def test_round_robin_over_connections(self):
        servers = self.counted(4)
        proxy = self.proxy(*servers, upstream="balance = round_robin")
        for _ in range(20):
            proxy.exchange(get("/"))
        self.assertEqual([len(server.requests) for server in servers], [5, 5, 5, 5])

    def test_weights(self):
        light, heavy = self.counted(2)
        proxy = self.proxy("%s weight=1" % light.server, "%s weight=3" % heavy.server)
        with proxy.dial() as wire:
            for _ in range(40):
                wire.exchange(get("/"))
        self.assertEqual((len(light.requests), len(heavy.requests)), (10, 30))

    def test_next_server_when_one_refuses(self):
        """No request was sent yet, so even a POST with its body goes on to the next server."""
        held, dead = refused_port()
        self.addCleanup(held.close)
        alive = self.upstream(answering(lambda request: ok(request.body)))
        proxy = self.proxy(dead, alive)
        with proxy.dial() as wire:
            for number in range(10):
                body = b"%d" % number * 100
                answer = wire.exchange(post("/", body))
                self.assertEqual((answer.status, answer.body), (200, body))
        self.assertEqual(len(alive.requests), 10)

    def test_all_refuse(self):
        held = [refused_port() for _ in range(3)]
        for sock, _ in held:
            self.addCleanup(sock.close)
        proxy = self.proxy(*(server for _, server in held))
        with proxy.dial() as wire:
            for _ in range(3):
                answer = wire.exchange(get("/"))
                self.assertIn(answer.status, (502, 503))
                self.assert_own_page(answer)
                if "close" in answer.tokens("Connection"):
                    break
        self.assertEqual(proxy.access_log(1)[0]["reason"], "connect_failed")

    def test_server_comes_back(self):
        held, dead = refused_port()
        self.addCleanup(held.close)
        proxy = self.proxy(dead)
        self.assertIn(proxy.exchange(get("/")).status, (502, 503))
        held.listen(5)

        def serve():
            sock, _ = held.accept()
            sock.recv(65536)
            sock.sendall(ok(b"back"))
            sock.close()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.assertEqual(proxy.exchange(get("/")).body, b"back")
        thread.join()

    def test_one_request_is_one_upstream_request(self):
        """A server that takes the request and dies: a POST is sent to nobody else."""
        def dying(wire, upstream):
            upstream.record(wire.request(), wire)
        first, second = self.upstream(dying), self.upstream(dying)
        proxy = self.proxy(first, second)
        answer = proxy.exchange(post("/", b"pay"))
        self.assertEqual(answer.status, 502)
        self.assertEqual(len(first.requests) + len(second.requests), 1)

    def test_host_name_as_server(self):
        upstream = self.upstream()
        proxy = self.proxy("localhost:%d" % upstream.port)
        for _ in range(3):
            self.assertEqual(proxy.exchange(get("/")).status, 200)

    def test_two_workers_serve_alike(self):
        upstream = self.upstream()
        config = ("[greenway]\nworkers = 2\naccess_log = %s\n[listener web]\nbind = 127.0.0.1:0\nupstream = app\n"
                  "[upstream app]\nserver = %s\n" % (self.path("access.log"), upstream.server))
        proxy = self.greenway(config)
        wires = [proxy.dial() for _ in range(64)]
        for turn in range(3):
            for wire in wires:
                wire.send(get("/%d" % turn))
            for wire in wires:
                self.assertEqual(wire.final().status, 200)
        for wire in wires:
            wire.close()
        self.assertEqual(Counter(upstream.targets()), {"/0": 64, "/1": 64, "/2": 64})
        self.assertEqual(len(proxy.access_log(192)), 192)


if __name__ == "__main__":
    main()
