"""Another service is asked whether a request may pass: what it gets to see, what its answers do, and what its failures do."""

from harness import Case, answering, main, run_command
from passwords import basic, hashed
from upstream import deaf_port, raw_answer, refused_port
from wire import get, ok, ok_chunked, post


def answer(status, extra="", body=b""):
    return ("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), extra)).encode() + body


class ForwardAuth(Case):
    def guarded(self, respond=None, listener="", extra="", service=None, auth="", fields="Remote-User, Remote-Groups"):
        """A proxy that asks `self.service` before anything reaches `self.app`."""
        self.app = self.upstream(answering(lambda request: ok(b"in")))
        self.service = service or self.upstream(answering(respond or (lambda request: answer("200 OK"))))
        where = self.service if isinstance(self.service, str) else self.service.server
        return self.proxy(self.app, listener="forward_auth = login /verify?a=b\nforward_auth_headers = %s\n%s"
                          % (fields, listener), extra="[upstream login]\nserver = %s\n%s\n%s" % (where, auth, extra))

    def test_what_the_service_is_asked(self):
        proxy = self.guarded(lambda request: answer("204 No Content"))
        body = b"x" * 5000
        fields = ("Cookie: a=b\r\nAuthorization: Bearer t\r\nX-Own: 1\r\nContent-Type: text/plain\r\nRange: bytes=0-1\r\n"
                  "If-None-Match: \"x\"\r\nX-Forwarded-Uri: /forged\r\nX-Forwarded-Method: FORGED\r\n"
                  "X-Forwarded-For: 9.9.9.9\r\nConnection: X-Hop\r\nX-Hop: 1\r\nRemote-User: root\r\n")
        got = proxy.exchange(post("/path/%20x?q=1&r=2", body, host="site.example", extra=fields))
        self.assertEqual((got.status, got.body), (200, b"in"))
        asked, request = self.service.requests[0], self.app.requests[0]
        self.assertEqual((asked.method, asked.target, asked.body), ("GET", "/verify?a=b", b""))
        for name, value in (("Host", "site.example"), ("X-Forwarded-Method", "POST"),
                            ("X-Forwarded-Uri", "/path/%20x?q=1&r=2"), ("X-Forwarded-Host", "site.example"),
                            ("X-Forwarded-Proto", "http"), ("X-Forwarded-For", "127.0.0.1"), ("Cookie", "a=b"),
                            ("Authorization", "Bearer t"), ("X-Own", "1")):
            self.assertEqual(asked.all(name), [value], name)
        for name in ("Content-Type", "Content-Length", "Transfer-Encoding", "Range", "If-None-Match", "X-Hop",
                     "Remote-User", "Upgrade", "Expect"):
            self.assertFalse(asked.has(name), name)
        self.assertEqual((request.method, request.target, request.body), ("POST", "/path/%20x?q=1&r=2", body))
        self.assertEqual((request.get("Range"), request.get("Content-Type")), ("bytes=0-1", "text/plain"))
        self.assertFalse(request.has("Remote-User") or request.has("X-Forwarded-Method"))
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["upstream"], entry["server"], entry["reason"]), ("app", self.app.server, ""))

    def test_fields_of_a_good_answer(self):
        def respond(request):
            return ok(b"some body", "Remote-User: alice\r\nremote-groups: a\r\nRemote-Groups: b\r\nX-Other: 1\r\n")
        proxy = self.guarded(respond)
        forged = "Remote-User: root\r\nREMOTE-USER: root\r\nRemote-Groups: admin\r\n"
        for _ in range(3):
            self.assertEqual(proxy.exchange(get(extra=forged)).body, b"in")
        for request in self.app.requests:
            self.assertEqual(request.all("Remote-User"), ["alice"])
            self.assertEqual(request.all("Remote-Groups"), ["a", "b"])
            self.assertFalse(request.has("X-Other"))
        self.assertEqual(self.service.connections, 1)

    def test_a_good_answer_with_chunks(self):
        proxy = self.guarded(lambda request: ok_chunked([b"x" * 1000] * 3, "Remote-User: u\r\n"))
        with proxy.dial() as wire:
            for _ in range(3):
                self.assertEqual(wire.exchange(get()).body, b"in")
        self.assertEqual(self.service.connections, 1)

    def test_a_good_answer_that_is_endless(self):
        proxy = self.guarded(lambda request: ok(b"x" * 1000000, "Remote-User: u\r\n"))
        with proxy.dial() as wire:
            for _ in range(3):
                self.assertEqual(wire.exchange(get()).body, b"in")
        self.assertEqual(self.app.requests[-1].get("Remote-User"), "u")

    def test_refusals_go_to_the_client(self):
        cases = {"/302": answer("302 Found", "Location: https://login.example/?rd=x\r\nSet-Cookie: a=1\r\n"
                                             "Set-Cookie: b=2\r\n"),
                 "/401": answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"sso\"\r\n", b"who?"),
                 "/403": answer("403 Forbidden", "Content-Type: text/html\r\n", b"<p>no</p>"),
                 "/429": answer("429 Too Many Requests", "Retry-After: 7\r\n"),
                 "/big": answer("403 Forbidden", "", b"x" * 1000000),
                 "/chunks": ok_chunked([b"n", b"o"]).replace(b"200 OK", b"403 Forbidden")}
        proxy = self.guarded(lambda request: cases[request.get("X-Forwarded-Uri")])
        with proxy.dial() as wire:
            got = wire.exchange(get("/302"))
            self.assertEqual((got.status, got.get("Location")), (302, "https://login.example/?rd=x"))
            self.assertEqual(got.all("Set-Cookie"), ["a=1", "b=2"])
            got = wire.exchange(get("/401"))
            self.assertEqual((got.status, got.get("WWW-Authenticate"), got.body), (401, 'Basic realm="sso"', b"who?"))
            got = wire.exchange(get("/403"))
            self.assertEqual((got.status, got.get("Content-Type"), got.body), (403, "text/html", b"<p>no</p>"))
            self.assertEqual(wire.exchange(get("/429")).get("Retry-After"), "7")
            self.assertEqual(len(wire.exchange(get("/big")).body), 1000000)
            self.assertEqual(wire.exchange(get("/chunks")).body, b"no")
        self.assertEqual(self.app.requests, [])
        self.assertEqual(self.service.connections, 1)
        for entry in proxy.access_log(6):
            self.assertEqual((entry["reason"], entry["directive"], entry["upstream"], entry["server"]),
                             ("forward_auth_denied", "forward_auth", "login", self.service.server))
            self.assertRegex(entry["origin"], r"greenway\.ini:\d+$")

    def test_head_requests_get_no_body(self):
        proxy = self.guarded(lambda request: answer("403 Forbidden", "", b"no way"))
        with proxy.dial() as wire:
            for _ in range(3):
                got = wire.exchange(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD")
                self.assertEqual((got.status, got.get("Content-Length")), (403, "6"))
            self.assertEqual(wire.exchange(get()).body, b"no way")

    def test_bodies_of_refused_requests(self):
        proxy = self.guarded(lambda request: answer("403 Forbidden", "", b"no"))
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(post("/", b"x" * 100)).body, b"no")
            self.assertEqual(wire.exchange(get()).body, b"no")
            wire.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
            got = wire.final()
            self.assertEqual((got.status, got.tokens("Connection")), (403, ["close"]))
            self.assertEqual(wire.ending()[1], b"")
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(wire.response().status, 403)

    def test_answers_that_decide_nothing_refuse(self):
        cases = {"/500": answer("500 Oops"), "/503": answer("503 Busy", "Retry-After: 1\r\n"), "/404": answer("404 No"),
                 "/304": b"HTTP/1.1 304 Not Modified\r\n\r\n", "/400": answer("400 Bad")}
        proxy = self.guarded(lambda request: cases[request.get("X-Forwarded-Uri")])
        with proxy.dial() as wire:
            for path in cases:
                with self.subTest(path=path):
                    got = wire.exchange(get(path))
                    self.assertEqual(got.status, 502)
                    self.assert_own_page(got)
        self.assertEqual({(entry["reason"], entry["directive"]) for entry in proxy.access_log(len(cases))},
                         {("forward_auth_failed", "forward_auth")})
        self.assertEqual(self.app.requests, [])

    def test_services_that_break_the_protocol(self):
        for data, end in ((b"", "fin"), (b"HTTP/1.1 200", "fin"), (b"nonsense\r\n\r\n", "fin"),
                          (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", "fin"),
                          (b"HTTP/1.1 100 Continue\r\n\r\n" * 40, "fin"),
                          (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "fin"),
                          (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100000, "fin")):
            with self.subTest(data=data[:60]):
                proxy = self.guarded(service=self.upstream(raw_answer(data, end)))
                self.assertEqual(proxy.exchange(get()).status, 502)
                self.assertEqual(self.app.requests, [])

    def test_interim_answers_are_skipped(self):
        data = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer("200 OK", "Remote-User: u\r\n")
        proxy = self.guarded(service=self.upstream(raw_answer(data)))
        got = proxy.exchange(get())
        self.assertEqual((got.status, got.interim), (200, []))
        self.assertEqual(self.app.requests[0].get("Remote-User"), "u")

    def test_services_that_cannot_be_reached(self):
        held, dead = refused_port()
        self.addCleanup(held.close)
        proxy = self.guarded(service=dead)
        got = proxy.exchange(get())
        self.assertIn(got.status, (502, 503))
        self.assert_own_page(got)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["upstream"], entry["server"]), ("connect_failed", "login", dead))
        self.assertEqual(self.app.requests, [])
        held, deaf = deaf_port()
        for sock in held:
            self.addCleanup(sock.close)
        proxy = self.guarded(service=deaf, auth="timeout_connect = 200ms")
        self.assertEqual(proxy.exchange(get()).status, 504)

    def test_services_that_are_silent(self):
        proxy = self.guarded(service=self.upstream(raw_answer(b"", "stall")), auth="timeout_response = 200ms")
        got = proxy.exchange(get())
        self.assertEqual(got.status, 504)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("forward_auth_timeout", "timeout_response"))
        self.assertEqual(self.app.requests, [])

    def test_a_kept_connection_that_has_died(self):
        def dying(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.send(answer("200 OK"))
            upstream.record(wire.request(), wire)  # and no answer
        proxy = self.guarded(service=self.upstream(dying))
        for _ in range(6):
            self.assertEqual(proxy.exchange(get()).status, 200)

    def test_clients_that_leave_while_the_service_thinks(self):
        proxy = self.guarded(service=self.upstream(raw_answer(b"", "stall")), auth="timeout_response = 500ms")
        for _ in range(10):
            wire = proxy.dial()
            wire.send(get())
            wire.reset()
        self.assertEqual(proxy.exchange(get()).status, 504)

    def test_routes(self):
        proxy = self.guarded(lambda request: answer("403 Forbidden"), extra=(
            "[route open]\npath = /open/*\nupstream = app\nforward_auth = off\n"
            "[route other]\npath = /other/*\nupstream = app\nforward_auth = second /x\nforward_auth_headers = X-Name\n"
            "[upstream second]\nserver = %s\n" % self.upstream(answering(lambda request: answer(
                "200 OK", "X-Name: n\r\nRemote-User: u\r\n"))).server))
        self.assertEqual(proxy.exchange(get("/")).status, 403)
        self.assertEqual(proxy.exchange(get("/open/", extra="Remote-User: root\r\n")).status, 200)
        self.assertFalse(self.app.requests[-1].has("Remote-User"))
        self.assertEqual(proxy.exchange(get("/other/", extra="X-Name: root\r\n")).status, 200)
        self.assertEqual(self.app.requests[-1].all("X-Name"), ["n"])
        self.assertFalse(self.app.requests[-1].has("Remote-User"))

    def test_passwords_come_first(self):
        users = self.write("users", "bob:%s\n" % hashed("b"))
        proxy = self.guarded(listener="basic_auth = %s" % users)
        self.assertEqual(proxy.exchange(get()).status, 401)
        self.assertEqual(self.service.requests, [])
        self.assertEqual(proxy.exchange(get(extra=basic("bob", "b"))).status, 200)
        self.assertEqual(len(self.service.requests), 1)
        self.assertFalse(self.service.requests[0].has("Authorization"))

    def test_upgrades_and_curl(self):
        proxy = self.guarded(lambda request: answer("401 Unauthorized", "", b"who?"))
        upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" \
                  "Sec-WebSocket-Version: 13\r\n"
        self.assertEqual(proxy.exchange(get(extra=upgrade)).status, 401)
        self.assertFalse(self.service.requests[0].has("Upgrade"))
        self.assertEqual(self.curl("-T", "-", proxy.url()).stdout, b"who?")

    def test_no_connections_are_left(self):
        proxy = self.guarded(lambda request: answer("403 Forbidden", "", b"no"))
        proxy.exchange(get())
        before = proxy.fds()
        for _ in range(50):
            proxy.exchange(get())
        self.assertLessEqual(proxy.fds(), before + 2)

    def test_bad_values(self):
        for value, wrong in (("nobody /x", "there is no [upstream nobody]"), ("u", "no path"), ("u x", "no path"),
                             ("u /a b", "'%'"), ("u /a#b", "'%'"), ("off", None), ("u /x?y=z", None)):
            ini = self.write("bad.ini", "[listener l]\nbind = :0\nupstream = u\nforward_auth = %s\n[upstream u]\n"
                                        "server = 127.0.0.1:1\n" % value)
            status, _, err = run_command("check", ini)
            self.assertEqual(status, 2 if wrong else 0, err)
            self.assertIn(wrong or "", err)
        ini = self.write("bad.ini", "[listener l]\nbind = :0\nupstream = u\nforward_auth_headers = A, Host\n"
                                    "[upstream u]\nserver = 127.0.0.1:1\n")
        status, _, err = run_command("check", ini)
        self.assertEqual((status, "cannot be set" in err), (2, True), err)


if __name__ == "__main__":
    main()
