"""`greenway explain`: what it tells of a request is what the request then meets."""

from harness import Case, main, run_command
from upstream import answering
from wire import ok

CONFIG = """[listener web]
bind = 127.0.0.1:8080
upstream = app
deny = 192.0.2.0/24
trusted = 10.0.0.0/8
[listener plain]
bind = 127.0.0.1:9000
protocol = tcp
upstream = app
[route old]
host = old.example
upstream = app
[route api]
path = ~^/v1/(.*)$
header = X-Key
upstream = app weight=90, canary weight=10
split_by = cookie:id
timeout_response = 5s
max_body = 10
[timeouts]
timeout_read = 7s
[upstream app]
server = 127.0.0.1:1 weight=2
[upstream canary]
server = 127.0.0.1:2
"""
API = ("GET", "http://shop.example:8080/v1/users?q=1", "-H", "X-Key: a")


class Explain(Case):
    def explain(self, *arguments, config=CONFIG, status=0):
        self.file = self.write("explained.ini", config)
        code, stdout, stderr = run_command("explain", self.file, *arguments)
        self.assertEqual(code, status, stderr)
        return stdout if status == 0 else stderr

    def lines(self, *arguments, config=CONFIG):
        """Lines with their blanks squeezed and the file's name left out."""
        return [" ".join(line.split()).replace(self.file, "FILE")
                for line in self.explain(*arguments, config=config).splitlines()]

    def test_the_whole_way(self):
        lines = self.lines(*API)
        for expected in ("request GET http://shop.example:8080/v1/users?q=1 from 127.0.0.1", "listener [listener web] FILE:1",
                         "not [route old] FILE:10", "host = old.example ; FILE:11", "route [route api] FILE:13",
                         "${path.1} = users", "GET /v1/users?q=1 HTTP/1.1", "Host: shop.example:8080", "X-Key: a",
                         "X-Forwarded-For: 127.0.0.1", "Via: 1.1 greenway"):
            self.assertIn(expected, lines)
        self.assertTrue(any(line.startswith("shares app 90.0 %, canary 10.0 %") for line in lines), lines)

    def test_keys_with_their_places_and_only_those_that_apply(self):
        lines = self.lines(*API[:2], "-H", "X-Key: a", "-H", "Cookie: id=1")
        for expected in ("timeout_response = 5s ; FILE:18", "timeout_read = 7s ; FILE:21", "max_body = 10 ; FILE:19",
                         "timeout_head = 10s ; default", "timeout_connect = 3s ; default"):
            self.assertIn(expected, lines)
        self.assertEqual([line for line in lines if line.startswith("timeout_response =")],
                         ["timeout_response = 5s ; FILE:18"])
        self.assertEqual([line for line in lines if line.startswith("max_body =")], ["max_body = 10 ; FILE:19"])

    def test_no_route(self):
        lines = self.lines("GET", "http://shop.example:8080/v2")
        self.assertIn("path = ~^/v1/(.*)$$ ; FILE:14", lines)
        self.assertTrue(any(line.startswith("route none matches") for line in lines), lines)
        self.assertIn("upstream [upstream app] FILE:22", lines)

    def test_the_first_key_that_does_not_hold(self):
        lines = self.lines("GET", "http://shop.example:8080/v1/x")
        self.assertIn("header = x-key ; FILE:15", lines)
        self.assertNotIn("path = ~^/v1/(.*)$$ ; FILE:14", lines)

    def test_refusals(self):
        for arguments, expected in (
                (("GET", "http://h:8080/", "--from", "192.0.2.9"), "refused 403 Forbidden: source_denied, by deny FILE:4"),
                (("POST", "http://h:8080/v1/", "-H", "X-Key: a", "-H", "Content-Length: 11"),
                 "refused 413 Content Too Large: body_too_large, by max_body FILE:19"),
                (("GET", "http://h:8080/%2e%2e/x"), "refused 400 Bad Request: ambiguous_path"),
                (("GET", "http://h:8080/", "-H", "Content-Length: x"), "refused 400 Bad Request: "),
                (("G?T", "http://h:8080/"), "refused 400 Bad Request: ")):
            with self.subTest(arguments=arguments):
                lines = self.lines(*arguments)
                self.assertTrue(any(line.startswith(expected) for line in lines), lines)
                self.assertNotIn("sent", lines)

    def test_behind_a_trusted_proxy(self):
        lines = self.lines("GET", "http://h:8080/", "--from", "10.1.2.3", "-H", "X-Forwarded-For: 192.0.2.9")
        self.assertIn("request GET http://h:8080/ from 10.1.2.3, a trusted proxy, for 192.0.2.9", lines)
        self.assertIn("refused 403 Forbidden: source_denied, by deny FILE:4", lines)

    def test_listeners(self):
        self.assertIn("listener [listener plain] FILE:6", self.lines("GET", "http://h:9000/"))
        self.assertIn("listener [listener web] FILE:1", self.lines("GET", "http://h/"))  # the only one that has requests
        self.assertIn("listener [listener plain] FILE:6", self.lines("GET", "http://h/", "--listener", "plain"))
        two = CONFIG.replace("protocol = tcp\n", "")
        self.assertIn("no listener is on port 80", self.explain("GET", "http://h/", config=two, status=2))

    def test_questions_that_make_no_sense(self):
        for arguments, words in ((("GET",), "needs a file, a method and a URL"), (("GET", "/x"), "http://"),
                                 (("GET", "http:///x"), "no host"), (("GET", "http://u@h/"), "no host"),
                                 (API + ("--from", "here"), "--from"), (API + ("--listener", "x"), "no such listener"),
                                 (API + ("-H",), "needs a value"), (API + ("--wrong",), "no option"),
                                 (API + ("more",), "too much")):
            with self.subTest(arguments=arguments):
                self.assertIn(words, self.explain(*arguments, status=2))

    def test_a_wrong_file(self):
        self.assertIn("explained.ini:2:", self.explain(*API, config="[listener web]\nbind = x\n", status=2))

    def test_nothing_steers_the_terminal(self):
        out = self.explain("GET", "http://h:8080/\x1b[31m", "-H", "X-A: \x1b[31m")
        self.assertNotIn("\x1b", out)

    def test_the_head_is_the_one_that_a_server_gets(self):
        app = self.upstream(answering(lambda request: ok(b"")))
        text = ("[greenway]\nvia = edge\naccess_log = off\n"  # a name of its own, which else is drawn at each start
                "[listener web]\nbind = 127.0.0.1:0\n[route a]\npath = /a/*\nmethod = PUT\nupstream = app\n"
                "[upstream app]\nserver = %s\n" % app.server)
        proxy = self.greenway(text)
        fields = ("Accept: */*", "X-One: 1", "Connection: X-One", "X-Forwarded-For: 192.0.2.1", "Content-Length: 0")
        proxy.exchange(("PUT /a/%41?x HTTP/1.1\r\nHost: H.example\r\n" + "\r\n".join(fields) + "\r\n\r\n").encode())
        options = [word for field in fields for word in ("-H", field)]
        lines = self.explain("PUT", "http://H.example/a/%41?x", *options, config=text).splitlines()
        start = lines.index("sent") + 1
        end = next(i for i in range(start, len(lines)) if not lines[i].startswith(" "))
        seen = app.requests[0]
        self.assertEqual([line.strip() for line in lines[start:end]],
                         [seen.start] + ["%s: %s" % field for field in seen.fields])


if __name__ == "__main__":
    main()
