"""The examples of conf/examples do what their comments say: each is loaded, given addresses of this machine in place of
those that it names, and serves."""

import os
import re
import shutil
import ssl

from certificates import secure
from harness import Case, answering, main
from passwords import basic, hashed
from upstream import idle
from wire import dial, get, ok

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "conf", "examples")
DEFAULT = os.path.join(EXAMPLES, "..", "..", "packaging", "greenway.ini")


class Examples(Case):
    def example(self, name, *changes):
        """The example with its listeners on free ports; `changes` are patterns, each with what comes instead, and have to
        be found."""
        with open(os.path.join(EXAMPLES, name)) as file:
            text = file.read()
        for pattern, replacement in ((r"(?m)^bind = .*$", "bind = 127.0.0.1:0"), *changes):
            text, count = re.subn(pattern, replacement, text)
            self.assertGreater(count, 0, "%s has no %s" % (name, pattern))
        if "[greenway]" not in text:
            text = "[greenway]\n" + text
        return text.replace("[greenway]", "[greenway]\nworkers = 1\nshutdown_grace = 5s", 1)

    def app(self, name=b"app"):
        return self.upstream(answering(lambda request: ok(name + b" " + request.target.encode())))

    def ask(self, proxy, target, extra="", host="h.example"):
        with proxy.dial() as wire:
            return wire.exchange(get(target, host, extra))

    def test_reverse(self):
        app = self.app()
        proxy = self.greenway(self.example("reverse.ini", (r"127\.0\.0\.1:3000", app.server)))
        self.assertEqual(self.ask(proxy, "/x").body, b"app /x")

    def test_virtual_hosts(self):
        site, api = self.app(b"site"), self.app(b"api")
        proxy = self.greenway(self.example("virtual-hosts.ini", (r"127\.0\.0\.1:3000", site.server),
                                           (r"(?s)127\.0\.0\.1:4001.*?api\.sock", api.server)))
        for host, target, answer in (("www.example.com", "/", b"site /"), ("api.example.com", "/v1/a", b"api /v1/a"),
                                     ("x.api.example.com", "/status", b"api /status"), ("api.example.com", "/", b"site /"),
                                     ("www.example.com", "/upload/1", b"api /upload/1")):
            with self.subTest(host=host, target=target):
                self.assertEqual(self.ask(proxy, target, host=host).body, answer)

    def test_files(self):
        os.makedirs(self.path("www/assets"))
        for name, text in (("index.html", "the site"), ("assets/style.css", "p {}")):
            self.write("www/" + name, text)
        proxy = self.greenway(self.example("files.ini", (r"127\.0\.0\.1:3000", self.app().server),
                                           (r"/srv/www", self.path("www"))))
        self.assertEqual(self.ask(proxy, "/api/users").body, b"app /api/users")
        css = self.ask(proxy, "/assets/style.css")
        self.assertEqual((css.body, css.get("Cache-Control")), (b"p {}", "public, max-age=300"))
        self.assertEqual(self.ask(proxy, "/some/page").body, b"the site")

    def test_https(self):
        """But for the authority: what stands in for its certificates is signed by greenway."""
        app = self.app()
        proxy = self.greenway(self.example("https.ini", (r"127\.0\.0\.1:3000", app.server),
                                           (r"bind = 127\.0\.0\.1:0", "bind = 127.0.0.1:0, 127.0.0.1:0 tls"),
                                           (r"acme_email = .*", "acme_storage = %s/acme\nacme_directory = https://127.0.0.1:9/directory"
                                            % self.folder)), listeners=2)
        plain, tls = (("127.0.0.1", int(address.rpartition(":")[2])) for address in proxy.addresses)
        with dial(plain) as wire:
            answer = wire.exchange(get("/x", "example.com"))
            self.assertEqual((answer.status, answer.get("Location")), (308, "https://example.com/x"))
        anybody = ssl._create_unverified_context()
        for host, wanted in (("www.example.com", (200, None, b"app /x")), ("example.com", (308, "https://www.example.com/x", b""))):
            with secure(dial(tls), anybody, host) as wire:
                answer = wire.exchange(get("/x", host))
                self.assertEqual((answer.status, answer.get("Location"), answer.body), wanted)
                self.assertEqual(answer.get("Strict-Transport-Security"), "max-age=300")
        with self.assertRaises(ssl.SSLError):
            secure(dial(tls), anybody, "other.example.com")

    def test_tcp(self):
        def database(wire, upstream):
            wire.send(b"ready>")
            idle(wire)
        server = self.upstream(database)
        proxy = self.greenway(self.example("tcp.ini", (r"10\.0\.0\.21:5432", server.server)))
        with proxy.dial() as wire:
            while len(wire.buffer) < 6 and wire.more():
                pass
            self.assertEqual(wire.take(6), b"ready>")

    def test_forward(self):
        app = self.app()
        proxy = self.greenway(self.example("forward.ini", (r"10\.20\.0\.0/16", "127.0.0.1/32"),
                                           (r"allow_ports = .*", "allow_ports = %d" % app.port)))
        with proxy.dial() as wire:
            answer = wire.exchange("GET http://%s/page HTTP/1.1\r\nHost: %s\r\n\r\n" % (app.server, app.server))
            self.assertEqual(answer.body, b"app /page")
            self.assertEqual(wire.exchange("GET http://127.0.0.2:%d/ HTTP/1.1\r\nHost: 127.0.0.2:%d\r\n\r\n"
                                           % (app.port, app.port)).status, 403)

    def test_edge(self):
        def identity(request):
            return ok(b"", "X-User: %s\r\n" % "alice") if request.get("Authorization") == "Bearer right" else \
                b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
        app, judge = self.app(), self.upstream(answering(identity))
        users = self.write("users", "root:%s\n" % hashed("secret"))
        proxy = self.greenway(self.example("edge.ini", (r"10\.0\.0\.11:8080, 10\.0\.0\.12:8080", app.server),
                                           (r"10\.0\.0\.5:9000", judge.server),
                                           (r"; basic_auth = /etc/greenway/users", "basic_auth = " + users)))
        self.assertEqual(self.ask(proxy, "/health").body, b"ok")
        site = self.ask(proxy, "/site")
        self.assertEqual((site.body, site.get("X-Content-Type-Options")), (b"app /site", "nosniff"))
        self.assertEqual(self.ask(proxy, "/admin/").status, 401)
        self.assertEqual(self.ask(proxy, "/admin/", basic("root", "wrong")).status, 401)
        self.assertEqual(self.ask(proxy, "/admin/", basic("root", "secret")).body, b"app /admin/")
        self.assertEqual(self.ask(proxy, "/partners/1").status, 401)
        self.assertEqual(self.ask(proxy, "/partners/1", "Authorization: Bearer right\r\n").body, b"app /partners/1")
        self.assertEqual(app.requests[-1].get("X-User"), "alice")
        with proxy.dial() as wire:
            wire.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n")
            self.assertEqual(wire.final().status, 413)
        with proxy.dial() as wire:
            wire.send(get("/") * 300)
            self.assertIn(429, [wire.final().status for _ in range(300)])

    def test_gateway(self):
        proxy = self.greenway(self.example("gateway.ini", (r"127\.0\.0\.1:3000", self.app().server),
                                           (r"/run/greenway/maintenance", self.path("maintenance"))))
        self.assertEqual(self.ask(proxy, "/api/users").body, b"app /v2/users")
        self.assertEqual(self.ask(proxy, "/health").body, b"ok")
        moved = self.ask(proxy, "/a?b", host="old.example.com")
        self.assertEqual((moved.status, moved.get("Location")), (308, "https://www.example.com/a?b"))

    def test_what_a_package_installs(self):
        """The file of the service, which logs where the service may and includes what lies beside it."""
        with open(DEFAULT) as file:
            text = file.read()
        for ours, here in ("/var/log/greenway", self.folder), ("/run/greenway", self.folder), ("127.0.0.1:8080", "127.0.0.1:0"):
            text = text.replace(ours, here)
        os.mkdir(self.path("conf.d"))
        shutil.copy(os.path.join(EXAMPLES, "reverse.ini"), self.path("conf.d/10-reverse.ini"))
        with open(self.path("conf.d/10-reverse.ini")) as file:
            more = file.read().replace(":8080", "127.0.0.1:0").replace("127.0.0.1:3000", self.app().server)
        self.write("conf.d/10-reverse.ini", more)
        proxy = self.greenway(text, listeners=2)
        with proxy.dial("welcome") as wire:
            self.assertIn(b"greenway runs", wire.exchange(get("/")).body)
        with proxy.dial("web") as wire:
            self.assertEqual(wire.exchange(get("/y")).body, b"app /y")


if __name__ == "__main__":
    main()
