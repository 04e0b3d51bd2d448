"""Answers that greenway gives itself: redirects, fixed answers, error pages, maintenance; and rewritten paths."""

import os

from harness import Case, answering, echo, main, wait_for
from upstream import refused_port
from wire import get, ok, post, post_chunked


def status(code, body=b"theirs", extra=""):
    head = "HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n%s\r\n" % (code, len(body), extra)
    return head.encode() + body


class Redirects(Case):
    def test_where_it_leads(self):
        for target, request, location in (
                ("308 https://www.example.com${uri}", get("/a/b?c=%20d&e"), "https://www.example.com/a/b?c=%20d&e"),
                ("301 https://${host}:8443${path}", get("/a?b", host="H.example:81"), "https://h.example:8443/a"),
                ("302 /login?next=${uri}", get("/a?b=c"), "/login?next=/a?b=c"),
                ("302 /login?next=${header:X-A}", get(extra="X-A: a&b=/c\r\n"), "/login?next=a%26b%3D%2Fc"),
                ("307 /x?${query:q}", get("/?q=1%0d%0aX-Evil:+1"), "/x?1%0D%0AX-Evil%3A%201"),
                ("303 ${path}", get("//evil.example/"), "/evil.example/"),
                ("303 ${uri}", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "/")):
            with self.subTest(target=target):
                gateway = self.greenway("[greenway]\naccess_log = off\n[listener web]\nbind = 127.0.0.1:0\n"
                                        "[route r]\nredirect = %s\n" % target)
                answer = gateway.exchange(request)
                self.assertEqual((answer.status, answer.all("Location")), (int(target[:3]), [location]))
                self.assertFalse(answer.has("X-Evil"))
                self.assertEqual(answer.body, b"")
                gateway.stop()

    def test_a_request_without_host(self):
        gateway = self.proxy(extra="[route r]\nredirect = 301 https://${host}${uri}\n")
        answer = gateway.exchange("GET /a HTTP/1.0\r\n\r\n")
        self.assertEqual(answer.status, 400)
        entry = gateway.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("host_missing", "redirect"))

    def test_curl_follows(self):
        app = self.upstream(answering(lambda request: ok(request.target.encode())))
        gateway = self.proxy(app, extra="[route r]\npath = /old/*\nredirect = 308 http://${authority}/new?${query}\n")
        self.assertEqual(self.curl("-L", gateway.url("/old/x?y=1")).stdout, b"/new?y=1")

    def test_bodies_do_not_become_requests(self):
        """What a request to an answer of our own has for a body is read away, or the connection ends."""
        gateway = self.proxy(extra="[route r]\nredirect = 308 /x${uri}\n")
        smuggled = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
        with gateway.dial() as wire:
            wire.send(post("/1", smuggled) + get("/2"))
            self.assertEqual([wire.final().get("Location") for _ in range(2)], ["/x/1", "/x/2"])
        with gateway.dial() as wire:
            wire.send("POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
            answer = wire.final()
            self.assertEqual((answer.get("Location"), answer.tokens("Connection")), ("/x/3", ["close"]))
            wire.send(smuggled)
            wire.finish()
            self.assertEqual(wire.ending()[1], b"")
        with gateway.dial() as wire:
            wire.send(post_chunked("/4", [smuggled]) + get("/5"))
            self.assertEqual(wire.final().get("Location"), "/x/4")


class Texts(Case):
    def answer(self, value, request=None, method="GET", listener=""):
        gateway = self.proxy(listener=listener, extra="[route r]\nrespond = %s\n" % value)
        return gateway.exchange(request or get(), method)

    def test_content_and_type(self):
        answer = self.answer("200 hello ${client}", listener="response_header = set X-A ${status}\n")
        self.assertEqual((answer.status, answer.body), (200, b"hello 127.0.0.1"))
        self.assertEqual(answer.get("Content-Type"), "text/plain; charset=utf-8")
        self.assertEqual(answer.get("X-Content-Type-Options"), "nosniff")
        self.assertEqual(answer.get("X-A"), "200")
        self.assertFalse(answer.has("Proxy-Status"))

    def test_nothing(self):
        answer = self.answer("204")
        self.assertEqual((answer.status, answer.body, answer.has("Content-Length")), (204, b"", False))
        answer = self.answer("404")
        self.assertEqual((answer.status, answer.get("Content-Length")), (404, "0"))

    def test_head(self):
        answer = self.answer("200 hello", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD")
        self.assertEqual((answer.status, answer.get("Content-Length"), answer.body), (200, "5", b""))

    def test_markup_is_escaped(self):
        query = get("/?q=%3Cscript%3E%22%27%26%0a")
        self.assertEqual(self.answer("200 text/html <p>${query:q}", query).body,
                         b"<p>&lt;script&gt;&quot;&#39;&amp;\n")
        self.assertEqual(self.answer('200 application/json {"q":"${query:q}"}', query).body,
                         b'{"q":"\\u003cscript>\\"\'&\\u000a"}')

    def test_too_long(self):
        query = get("/?q=" + "%3c" * 2600)
        answer = self.answer("200 text/html ${query:q}${query:q}", query)
        self.assertEqual(answer.status, 500)
        self.assert_own_page(answer)


class Pages(Case):
    def test_of_the_proxy(self):
        held, dead = refused_port()
        self.addCleanup(held.close)
        page = self.write("sorry.html", "<h1>Sorry ${status}</h1>" + "x" * 100000)
        gateway = self.proxy(dead, listener="max_body = 1\nerror_page = 5xx %s\n"
                                            "error_page = 413 400 too ${status} ${uri}\n" % page,
                             extra="[route r]\npath = /r/*\nupstream = app\nerror_page = 502 text/html <b>${uri}</b>\n")
        with gateway.dial() as wire:
            answer = wire.exchange(get())
            self.assertEqual((answer.status, answer.get("Content-Type")), (502, "text/html; charset=utf-8"))
            self.assertEqual(answer.body, b"<h1>Sorry ${status}</h1>" + b"x" * 100000)
            self.assert_own_page(answer)
            answer = wire.exchange(get("/r/<>"))
            self.assertEqual(answer.status, 400)  # such a target is none
        with gateway.dial() as wire:
            answer = wire.exchange(get("/r/%3c"))
            self.assertEqual((answer.status, answer.body), (502, b"<b>/r/%3c</b>"))
            wire.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = wire.final("HEAD")
            self.assertEqual((answer.status, answer.get("Content-Length")), (502, "100024"))
            answer = wire.exchange(post("/p", b"large"))
            self.assertEqual((answer.status, answer.body), (413, b"too 413 /p"))

    def test_of_servers_only_if_wanted(self):
        app = self.upstream(answering(lambda request: status(
            int(request.target[1:]), b"" if request.method == "HEAD" else b"theirs", extra="Content-Type: image/png\r\nETag: \"x\"\r\nContent-Encoding: gzip\r\n"
                                           "Retry-After: 7\r\nSet-Cookie: a=b\r\nContent-Language: de\r\n")))
        lines = "error_page = 503 ours ${status} of ${server}\n"
        answer = self.proxy(app, listener=lines).exchange(get("/503"))
        self.assertEqual((answer.status, answer.body), (503, b"theirs"))
        gateway = self.proxy(app, listener=lines + "intercept_errors = on\nresponse_header = set X-A 1\n")
        with gateway.dial() as wire:
            answer = wire.exchange(get("/503"))
            self.assertEqual((answer.status, answer.body), (503, b"ours 503 of " + app.server.encode()))
            self.assertEqual(answer.all("Content-Type"), ["text/plain; charset=utf-8"])
            self.assertEqual((answer.get("Retry-After"), answer.get("Set-Cookie"), answer.get("X-A")), ("7", "a=b", "1"))
            for gone in ("ETag", "Content-Encoding", "Content-Language"):
                self.assertFalse(answer.has(gone), gone)
            for other in (200, 404, 500):
                self.assertEqual(wire.exchange(get("/%d" % other)).body, b"theirs")
            wire.send("HEAD /503 HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(wire.final("HEAD").status, 503)
            self.assertEqual(wire.exchange(get("/200")).body, b"theirs")
        self.assertEqual(app.connections, 2)  # one for each proxy: content that was here did not cost it

    def test_large_content_of_servers(self):
        """It is not read, and what comes of it reaches nobody."""
        app = self.upstream(answering(lambda request: status(500, b"s" * 1000000)))
        gateway = self.proxy(app, listener="error_page = 500 ours\nintercept_errors = on\n")
        with gateway.dial() as wire:
            for _ in range(3):
                self.assertEqual(wire.exchange(get()).body, b"ours")

    def test_a_route_may_let_errors_pass(self):
        app = self.upstream(answering(lambda request: status(404)))
        gateway = self.proxy(app, listener="error_page = 404 ours\nintercept_errors = on\n",
                             extra="[route r]\npath = /r/*\nupstream = app\nintercept_errors = off\n")
        self.assertEqual(gateway.exchange(get("/x")).body, b"ours")
        self.assertEqual(gateway.exchange(get("/r/x")).body, b"theirs")


class Maintenance(Case):
    def test_on(self):
        app = self.upstream()
        gateway = self.proxy(app, listener="maintenance = on\nmaintenance_retry_after = 90s\nerror_page = 503 soon\n",
                             extra="[route open]\npath = /status/*\nupstream = app\nmaintenance = off\n")
        answer = gateway.exchange(get())
        self.assertEqual((answer.status, answer.get("Retry-After"), answer.body), (503, "90", b"soon"))
        self.assertEqual(gateway.exchange(get("/status/x")).status, 200)
        self.assertEqual(app.targets(), ["/status/x"])
        entry = gateway.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("maintenance", "maintenance"))

    def test_for_some(self):
        app = self.upstream()
        gateway = self.proxy(app, listener="maintenance = on\nmaintenance_allow = 127.0.0.0/8\n",
                             extra="[route r]\npath = /r/*\nupstream = app\nmaintenance = on\n")
        self.assertEqual(gateway.exchange(get()).status, 200)
        self.assertEqual(gateway.exchange(get("/r/x")).status, 503)

    def test_a_file_switches_it(self):
        app = self.upstream()
        switch = self.path("maintenance")
        gateway = self.proxy(app, listener="maintenance_file = %s\n" % switch)
        with gateway.dial() as wire:
            self.assertEqual(wire.exchange(get()).status, 200)
            self.write("maintenance", "")
            wait_for(lambda: wire.exchange(get()).status == 503, lambda: "maintenance to begin")
            os.unlink(switch)
            wait_for(lambda: wire.exchange(get()).status == 200, lambda: "maintenance to end")
        self.assertTrue(any(entry.get("directive") == "maintenance_file" for entry in gateway.access_log(3)))


class Paths(Case):
    def seen(self, lines, target, method="GET"):
        app = self.upstream(answering(echo))
        gateway = self.proxy(app, extra="[route r]\npath = /*\nupstream = app\n" + lines)
        self.assertEqual(gateway.exchange("%s %s HTTP/1.1\r\nHost: h\r\n\r\n" % (method, target)).status, 200)
        return app.requests[-1].target

    def test_prefixes(self):
        for lines, target, seen in (
                ("strip_prefix = /v1\n", "/v1/users?a=/v1", "/users?a=/v1"),
                ("strip_prefix = /v1\n", "/v1", "/"),
                ("strip_prefix = /v1\n", "/v1?x", "/?x"),
                ("strip_prefix = /v1\n", "/v1/", "/"),
                ("strip_prefix = /v1\n", "/v12/x", "/v12/x"),
                ("strip_prefix = /v1\n", "/other%20x", "/other%20x"),
                ("strip_prefix = /v1\n", "/v1//evil.example/", "/evil.example/"),
                ("strip_prefix = /v1\n", "/x/../%761/a%2cb", "/a%2Cb"),
                ("add_prefix = /app\n", "/x?y", "/app/x?y"),
                ("add_prefix = /app\n", "/", "/app/"),
                ("strip_prefix = /v1\nadd_prefix = /v2\n", "/v1/x", "/v2/x"),
                ("strip_prefix = /v1\nadd_prefix = /v2\n", "/v1", "/v2/")):
            with self.subTest(lines=lines, target=target):
                self.assertEqual(self.seen(lines, target), seen)

    def test_rewrites(self):
        for lines, target, seen in (
                ("rewrite = ^/user/([0-9]+)$ /users?id=$1\n", "/user/17?old", "/users?id=17"),
                ("rewrite = ^/user/([0-9]+)$ /users?id=$1&${query}\n", "/user/17?a=b", "/users?id=17&a=b"),
                ("rewrite = ^/user/([0-9]+)$ /users?\n", "/user/17?a=b", "/users"),
                ("rewrite = ^/user/([0-9]+)$ /users/$1\n", "/user/x?a", "/user/x?a"),
                ("rewrite = ^/a(/.*)?$ $1\n", "/a/b?c", "/b?c"),
                ("rewrite = ^/(.*)$ /$1/$1\nrewrite = ^/(b)/(.*)$ /$2/c\n", "/b", "/b/c"),
                ("rewrite = /(.*) /x/${header:X-No}$1$$1\n", "/a%20b%2c", "/x/a%20b%2C$1"),
                ("rewrite = .* /t/${query:q}?\n", "/?q=a%20%3fb", "/t/a%20%3Fb"),
                ("strip_prefix = /v1\nrewrite = ^/x$ /y\nadd_prefix = /v2\n", "/v1/x", "/v2/y")):
            with self.subTest(lines=lines, target=target):
                self.assertEqual(self.seen(lines, target), seen)

    def test_rewrites_that_make_no_path(self):
        app = self.upstream(answering(echo))
        gateway = self.proxy(app, extra="[route r]\npath = /*\nupstream = app\nrewrite = ^/a(.*)$ $1\n"
                                        "rewrite = ^/up$ /${query:q}/x?\n")
        for target, code in (("/a/b", 200), ("/a", 400), ("/ab", 400), ("/up?q=a", 200), ("/up?q=..", 400),
                             ("/up?q=a%2fb", 400)):
            with self.subTest(target=target):
                self.assertEqual(gateway.exchange(get(target)).status, code)
        self.assertEqual(app.targets(), ["/b", "/a/x"])
        self.assertEqual({entry["reason"] for entry in gateway.access_log(6)}, {"", "rewritten_invalid"})

    def test_captures_of_the_route(self):
        gateway = self.proxy(extra="[route r]\nhost = ~^([a-z]+)\\.example$\npath = ~^/([a-z]+)/(.*)$\n"
                                   "redirect = 302 /x/${path.2}?h=${host.1}&p=${path.1}&n=${path.9}\n")
        answer = gateway.exchange(get("/abc/d%20e/f", host="www.example"))
        self.assertEqual(answer.get("Location"), "/x/d%20e/f?h=www&p=abc&n=")

    def test_what_is_no_path_stays(self):
        self.assertEqual(self.seen("add_prefix = /app\n", "*", "OPTIONS"), "*")

    def test_files(self):
        self.write("page.txt", "a file")
        gateway = self.proxy(extra="[route r]\npath = /static/*\nroot = %s\nstrip_prefix = /static\n" % self.folder)
        self.assertEqual(gateway.exchange(get("/static/page.txt")).body, b"a file")


if __name__ == "__main__":
    main()
