"""Header fields through the proxy: what is taken out, what is put in, what must stay as it is."""

from harness import Case, answering, echo, main
from wire import get, ok, ok_chunked, post_chunked

HOP_BY_HOP = ("Connection: X-Private, keep-alive\r\nX-Private: secret\r\nKeep-Alive: timeout=5\r\n"
              "Proxy-Connection: keep-alive\r\n")


class Request(Case):
    def setUp(self):
        super().setUp()
        self.app = self.upstream(answering(echo))
        self.gateway = self.proxy(self.app)

    def seen(self, request, method="GET"):
        """The request as the upstream received it."""
        self.assertEqual(self.gateway.exchange(request, method).status, 200)
        return self.app.requests[-1]

    def test_hop_by_hop_fields_end_here(self):
        seen = self.seen(get("/", extra=HOP_BY_HOP + "X-Public: yes\r\n"))
        for name in ("X-Private", "Keep-Alive", "Proxy-Connection"):
            self.assertFalse(seen.has(name), name)
        self.assertNotIn("x-private", seen.tokens("Connection"))
        self.assertEqual(seen.get("X-Public"), "yes")

    def test_several_connection_lines_are_one_list(self):
        seen = self.seen(get("/", extra="connection: x-a\r\nX-A: 1\r\nConnection: ,X-B ,\r\nx-b: 2\r\nX-C: 3\r\n"))
        self.assertFalse(seen.has("X-A") or seen.has("X-B"))
        self.assertEqual(seen.get("X-C"), "3")

    def test_connection_cannot_take_away_what_the_proxy_needs(self):
        """Host, the framing and the proxy's own fields stay, whatever Connection names (or: 400)."""
        for nominated in ("Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"):
            with self.subTest(nominated=nominated):
                count = len(self.app.requests)
                answer = self.gateway.exchange(get("/", extra="Connection: %s\r\n" % nominated))
                if answer.status == 400:
                    self.assertEqual(len(self.app.requests), count)
                    continue
                seen = self.app.requests[-1]
                self.assertEqual(seen.get("Host"), "h.example")
                self.assertEqual(seen.get("X-Forwarded-For"), "127.0.0.1")

    def test_connection_names_content_length(self):
        """The body stays a body: it must not become a request of its own."""
        body = "GET /smuggled HTTP/1.1\r\nHost: h.example\r\n\r\n"
        self.gateway.exchange("POST /p HTTP/1.1\r\nHost: h.example\r\nConnection: Content-Length\r\n"
                              "Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.assertNotIn("/smuggled", self.app.targets())

    def test_te_is_not_passed_on_as_it_came(self):
        seen = self.seen(get("/", extra="TE: gzip, trailers;q=0.5\r\nConnection: TE\r\n"))
        self.assertIn(seen.get("TE"), (None, "trailers"))
        if seen.has("TE"):
            self.assertIn("te", seen.tokens("Connection"))

    def test_forwarded_fields_are_set(self):
        seen = self.seen(get("/", host="api.example:8080"))
        self.assertEqual(seen.all("X-Forwarded-For"), ["127.0.0.1"])
        self.assertEqual(seen.all("X-Forwarded-Proto"), ["http"])
        self.assertEqual(seen.all("X-Forwarded-Host"), ["api.example:8080"])
        self.assertEqual(seen.all("Host"), ["api.example:8080"])

    def test_spoofed_forwarded_fields_are_dropped(self):
        spoof = ("X-Forwarded-For: 10.1.2.3\r\nx-forwarded-for: 10.4.5.6\r\nX-Forwarded-Proto: https\r\n"
                 "X-Forwarded-Host: evil.example\r\nForwarded: for=10.7.8.9;host=evil.example\r\n"
                 "X-Forwarded-Port: 443\r\nX-Real-IP: 10.1.1.1\r\n")
        seen = self.seen(get("/", extra=spoof))
        self.assertEqual(seen.all("X-Forwarded-For"), ["127.0.0.1"])
        self.assertEqual(seen.all("X-Forwarded-Proto"), ["http"])
        self.assertEqual(seen.all("X-Forwarded-Host"), ["h.example"])
        self.assertFalse(any("10.7.8.9" in value for value in seen.all("Forwarded")))
        self.assertFalse(seen.has("X-Forwarded-Port"))

    def test_other_fields_pass_unchanged_and_in_order(self):
        fields = [("X-A", "1"), ("Cookie", "a=b; c=d"), ("X-A", "2"), ("X-Empty", ""), ("Accept", "*/*"),
                  ("X-Text", "\xe9t\xe9 \"quoted\" \t tab"), ("X-a", "3"), ("Authorization", "Basic eDp5"),
                  ("X-Long", "v" * 3000), ("User-Agent", "test/1.0 (a; b)")]
        seen = self.seen(get("/", extra="".join("%s: %s\r\n" % field for field in fields)))
        names = {name.lower() for name, _ in fields}
        self.assertEqual([(name.lower(), value) for name, value in seen.fields if name.lower() in names],
                         [(name.lower(), value) for name, value in fields])

    def test_target_passes_unchanged(self):
        for target in ("/", "/a/b?c=d&e=%2F", "/x%20y%7E", "/a//b", "/?", "/a%0d%0aX-Injected:%201",
                       "/" + "p" * 2000, "/;a=b,c:d@e!$'()*+~"):
            with self.subTest(target=target[:40]):
                self.assertEqual(self.seen(get(target)).target, target)

    def test_absolute_form_becomes_origin_form(self):
        for target, expected in (("http://h.example/a?b", "/a?b"), ("http://h.example", "/"),
                                 ("HTTP://h.example:80/x", "/x")):
            with self.subTest(target=target):
                host = target.split("/")[2]
                seen = self.seen(get(target, host=host))
                self.assertEqual(seen.target, expected)
                self.assertEqual(seen.get("Host"), host)

    def test_absolute_form_rules_over_host(self):
        """Where they differ the target's authority is the host, or the request is refused; never the other."""
        count = len(self.app.requests)
        answer = self.gateway.exchange(get("http://h.example/a", host="other.example"))
        if answer.status == 200:
            self.assertEqual(self.app.requests[-1].get("Host"), "h.example")
            self.assertEqual(self.app.requests[-1].get("X-Forwarded-Host"), "h.example")
        else:
            self.assertEqual(answer.status, 400)
            self.assertEqual(len(self.app.requests), count)

    def test_upstream_is_spoken_to_in_http_1_1(self):
        seen = self.seen(b"GET /old HTTP/1.0\r\nHost: h.example\r\n\r\n")
        self.assertEqual(seen.version, "HTTP/1.1")
        self.assertEqual(seen.get("Host"), "h.example")

    def test_http_1_0_without_host(self):
        """Allowed in HTTP/1.0; upstream, where it is HTTP/1.1, it is for the server that it goes to."""
        seen = self.seen(b"GET /nohost HTTP/1.0\r\n\r\n")
        self.assertEqual(seen.all("Host"), [self.app.server])
        self.assertFalse(seen.has("X-Forwarded-Host"))

    def test_methods_pass(self):
        for method in ("OPTIONS", "DELETE", "PATCH", "PUT", "PROPFIND"):
            with self.subTest(method=method):
                answer = self.gateway.exchange("%s /m HTTP/1.1\r\nHost: h.example\r\n\r\n" % method)
                self.assertEqual(answer.get("X-Method"), method)
        answer = self.gateway.exchange("OPTIONS * HTTP/1.1\r\nHost: h.example\r\n\r\n")
        if answer.status == 200:
            self.assertEqual(answer.get("X-Target"), "*")

    def test_connect_is_refused(self):
        """This is a gateway: no tunnel to wherever a client likes."""
        with self.gateway.dial() as wire:
            wire.send("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (self.app.server, self.app.server))
            answer = wire.final()
            self.assertIn(answer.status, (400, 403, 405, 501))
            wire.ending()
        self.assertEqual(self.app.requests, [])


class Response(Case):
    def answered(self, data, request=None, method="GET"):
        proxy = self.proxy(self.upstream(answering(lambda request: data)))
        return proxy.exchange(request or get("/"), method)

    def test_hop_by_hop_fields_end_here(self):
        answer = self.answered(ok(b"x", HOP_BY_HOP + "X-Public: yes\r\n"))
        for name in ("X-Private", "Keep-Alive", "Proxy-Connection"):
            self.assertFalse(answer.has(name), name)
        self.assertNotIn("x-private", answer.tokens("Connection"))
        self.assertEqual(answer.get("X-Public"), "yes")

    def test_close_of_the_upstream_is_not_the_clients(self):
        proxy = self.proxy(self.upstream(answering(lambda request: ok(b"x", "Connection: close\r\n"))))
        with proxy.dial() as wire:
            for _ in range(2):
                answer = wire.exchange(get("/"))
                self.assertNotIn("close", answer.tokens("Connection"))

    def test_fields_pass_unchanged_and_in_order(self):
        fields = [("Set-Cookie", "a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT"), ("Set-Cookie", "b=2"),
                  ("Content-Type", "text/plain"), ("X-Empty", ""), ("Vary", "a"), ("vary", "b"),
                  ("Server", "origin/1"), ("Date", "Wed, 09 Jun 2027 10:18:14 GMT"), ("X-Text", "\xe9")]
        answer = self.answered(ok(b"x", "".join("%s: %s\r\n" % field for field in fields)))
        names = {name.lower() for name, _ in fields}
        self.assertEqual([(name.lower(), value) for name, value in answer.fields if name.lower() in names],
                         [(name.lower(), value) for name, value in fields])
        self.assertFalse(answer.has("Proxy-Status"), "this answer is not the proxy's own")

    def test_status_and_reason_pass(self):
        for line in ("200 OK", "201 Created", "299 Something Else", "404 Not Found", "503 Busy", "200 \xe9t\xe9"):
            with self.subTest(line=line):
                answer = self.answered(("HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % line).encode("latin-1"))
                self.assertEqual(answer.status, int(line[:3]))
                self.assertTrue(answer.start.startswith("HTTP/1.1 " + line[:3] + " "))

    def test_missing_reason(self):
        for line in (b"HTTP/1.1 200 \r\n", b"HTTP/1.0 200 OK\r\n"):
            answer = self.answered(line + b"Content-Length: 2\r\n\r\nok")
            self.assertEqual((answer.status, answer.version, answer.body), (200, "HTTP/1.1", b"ok"))


class Trailers(Case):
    def test_response_trailers(self):
        data = ok_chunked([b"one", b"two"], "Trailer: X-Sum, X-More\r\n", "X-Sum: 42\r\nX-More: m\r\n")
        proxy = self.proxy(self.upstream(answering(lambda request: data)))
        with proxy.dial() as wire:
            for _ in range(2):
                answer = wire.exchange(get("/", extra="TE: trailers\r\nConnection: TE\r\n"))
                self.assertEqual(answer.body, b"onetwo")
                self.assertEqual((answer.trailer("X-Sum"), answer.trailer("X-More")), ("42", "m"))
                self.assertFalse(answer.has("X-Sum"), "a trailer never becomes a header field")

    def test_request_trailers(self):
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        answer = proxy.exchange(post_chunked("/", [b"body"], extra="Trailer: X-Sum\r\n", trailers="X-Sum: 7\r\n"))
        self.assertEqual(answer.body, b"body")
        self.assertEqual(upstream.requests[0].trailer("X-Sum"), "7")
        self.assertFalse(upstream.requests[0].has("X-Sum"))

    def test_forbidden_trailers_are_dropped(self):
        """Framing, routing, authentication and connection fields have no business in a trailer section."""
        forbidden = ("Content-Length: 99\r\nTransfer-Encoding: chunked\r\nHost: evil.example\r\n"
                     "Authorization: Basic eDp5\r\nConnection: close\r\nSet-Cookie: e=1\r\n")
        upstream = self.upstream(answering(
            lambda request: ok_chunked([b"x"], trailers=forbidden + "X-Good: 1\r\n")))
        proxy = self.proxy(upstream)
        answer = proxy.exchange(get("/", extra="TE: trailers\r\nConnection: TE\r\n"))
        for name in ("Content-Length", "Transfer-Encoding", "Host", "Connection"):
            self.assertIsNone(answer.trailer(name), name)
        self.assertEqual(answer.trailer("X-Good"), "1")
        answer = proxy.exchange(post_chunked("/up", [b"x"], trailers=forbidden))
        if answer.status != 400:
            for name in ("Content-Length", "Transfer-Encoding", "Host", "Authorization", "Connection"):
                self.assertIsNone(upstream.requests[-1].trailer(name), name)

    def test_trailers_to_http_1_0_vanish(self):
        proxy = self.proxy(self.upstream(answering(
            lambda request: ok_chunked([b"one", b"two"], trailers="X-Sum: 42\r\n"))))
        with proxy.dial() as wire:
            wire.send("GET / HTTP/1.0\r\nHost: h.example\r\n\r\n")
            self.assertEqual(wire.final().body, b"onetwo")
            self.assertTrue(wire.closed_cleanly())


if __name__ == "__main__":
    main()
