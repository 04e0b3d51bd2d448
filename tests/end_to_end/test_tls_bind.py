"""One listener with addresses for TLS and others for plain text (`bind = ADDRESS tls`)."""

import os
import signal
import ssl

from certificates import Authority, secure
from harness import Case, Greenway, echo, main, run_command, wait_for
from upstream import answering
from wire import dial, get

CONFIG = """
[greenway]
workers = 2
pid_file = %(folder)s/pid
access_log = %(folder)s/access.log
log_format = json
shutdown_grace = 5s
[listener web]
bind = %(bind)s
certificate = %(certificate)s
%(more)s
[upstream app]
server = %(server)s
"""


class Bind(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)
        self.server = self.upstream(answering(echo))
        self.certificate = self.ca.issue("one.example")

    def config(self, bind, more="upstream = app\n"):
        return CONFIG % {"folder": self.folder, "bind": bind, "certificate": self.certificate, "more": more,
                         "server": self.server.server}

    def start(self, bind, more="upstream = app\n", listeners=2):
        proxy = self.greenway(self.config(bind, more), listeners=listeners)
        self.ports = self.ports_of(proxy)
        return proxy

    def ports_of(self, proxy):
        return [(host, int(port)) for host, _, port in (address.rpartition(":") for address in proxy.addresses)]

    def check(self, bind, more="upstream = app\n"):
        return run_command("check", self.write("checked.ini", self.config(bind, more)))

    def over_tls(self, port, request=get("/", host="one.example")):
        with secure(dial(port), self.ca.client(), "one.example") as wire:
            return wire.exchange(request)

    def plain(self, port, request=get("/", host="one.example")):
        with dial(port) as wire:
            return wire.exchange(request)

    def speaks_tls(self, port):
        try:
            return self.over_tls(port).status == 200
        except (ssl.SSLError, OSError):
            return False

    def test_side_by_side(self):
        self.start("127.0.0.1:0, 127.0.0.1:0 tls,127.0.0.1:0", listeners=3)
        self.assertEqual([self.speaks_tls(port) for port in self.ports], [False, True, False])
        self.assertEqual([self.plain(port).status for port in self.ports], [200, 400, 200])
        protocols = [request.get("X-Forwarded-Proto") for request in self.server.requests]
        self.assertEqual(protocols, ["https", "http", "http"])

    def test_redirected_to_the_other_address(self):
        self.start("127.0.0.1:0 127.0.0.1:0 tls", "redirect_https = on\nhsts = 5m\nupstream = app\n")
        answer = self.plain(self.ports[0], get("/a", host="one.example"))
        self.assertEqual((answer.status, answer.get("Location")), (308, "https://one.example/a"))
        self.assertFalse(answer.has("Strict-Transport-Security"))
        answer = self.over_tls(self.ports[1])
        self.assertEqual((answer.status, answer.get("Strict-Transport-Security")), (200, "max-age=300"))

    def test_tcp(self):
        self.start("127.0.0.1:0 tls, 127.0.0.1:0", "protocol = tcp\nupstream = app\n")
        self.assertEqual(self.over_tls(self.ports[0]).status, 200)
        self.assertEqual(self.plain(self.ports[1]).status, 200)

    def test_a_reload_moves_the_mark(self):
        proxy = self.start("127.0.0.1:0, 127.0.0.1:0 tls")
        first, second = self.ports
        with dial(first) as kept:
            self.assertEqual(kept.exchange(get()).status, 200)
            for bind, wanted in (("127.0.0.1:%d tls, 127.0.0.1:%d", [True, False]), ("127.0.0.1:%d, 127.0.0.1:%d tls", [False, True]),
                                 ("127.0.0.1:%d, 127.0.0.1:%d", [True, True])):
                self.write("greenway.ini", self.config(bind % (first[1], second[1])))
                proxy.signal(signal.SIGHUP)
                wait_for(lambda: [self.speaks_tls(port) for port in self.ports] == wanted,
                         lambda: "%s to be %r: %s" % (bind, wanted, proxy.stderr()))
                self.assertEqual(kept.exchange(get()).status, 200)  # who was there stays, in plain text

    def test_over_an_upgrade(self):
        proxy = Greenway(self.folder, ["run", "-c", self.write("greenway.ini", self.config("127.0.0.1:0, 127.0.0.2:0 tls"))], 2)
        ports = self.ports_of(proxy)

        def pid():
            try:
                with open(self.path("pid")) as file:
                    return int(file.read() or 0)
            except (FileNotFoundError, ValueError):
                return 0
        wait_for(pid, "the pid file")
        old = pid()
        try:
            os.kill(old, signal.SIGUSR2)
            wait_for(lambda: pid() not in (0, old), lambda: "a new process: " + proxy.stderr())
            wait_for(lambda: proxy.process.poll() is not None, lambda: "the old process to end: " + proxy.stderr())
            self.assertEqual([self.speaks_tls(port) for port in ports], [False, True])
            self.assertEqual(self.plain(ports[0]).status, 200)
        finally:
            if pid() not in (0, old):
                os.kill(pid(), signal.SIGTERM)
                wait_for(lambda: not os.path.exists(self.path("pid")), lambda: "the end: " + proxy.stderr())

    def test_what_check_says(self):
        self.assertEqual(self.check("127.0.0.1:1, 127.0.0.1:2 tls")[0], 0)
        for bind, more, word in (
                ("127.0.0.1:1, 127.0.0.1:2 tls", "upstream = app\ntls = off\n", "are marked with tls; "),
                ("127.0.0.1:1 ssl", "upstream = app\n", "allowed: HOST:PORT"),
                ("127.0.0.1:1 tls tls", "upstream = app\n", "allowed: HOST:PORT"),
                ("127.0.0.1:1, tls", "upstream = app\n", "'tls' has no port"),
                ("127.0.0.1:1 tls", "upstream = app\nredirect_https = on\n", "would redirect to where the client is"),
                ("127.0.0.1:1, 127.0.0.1:2 tls", "redirect_https = on\n", "leads nowhere"),
                ("127.0.0.1:1, 127.0.0.1:2 tls", "upstream = app\nclient_certificate = require\nclient_ca = %s\n" % self.ca.file,
                 "whoever comes to '127.0.0.1:1' shows no certificate")):
            status, _, errors = self.check(bind, more)
            self.assertEqual(status, 2, (bind, more, errors))
            self.assertIn(word, errors)
        status, _, errors = run_command("check", self.write("checked.ini", "[listener a]\nbind = 127.0.0.1:1 tls\nupstream = b\n"
                                                            "[upstream b]\nserver = 127.0.0.1:2\n"))
        self.assertEqual(status, 2)
        self.assertIn("there is no certificate to show", errors)

    def test_what_it_means_is_printed_and_explained(self):
        config = self.write("checked.ini", self.config("127.0.0.1:1, 127.0.0.1:2 tls", "redirect_https = on\nupstream = app\n"))
        status, output, errors = run_command("check", "--effective", config)
        self.assertEqual(status, 0, errors)
        self.assertRegex(output, r"bind = 127.0.0.1:1 [^\n]*\nbind = 127.0.0.1:2 tls ")
        status, again, errors = run_command("check", "--effective", self.write("again.ini", output))
        self.assertEqual((status, again.count("127.0.0.1:2 tls")), (0, 1), errors)
        self.assertNotIn("[upstream app]", run_command("explain", config, "GET", "http://one.example:1/")[1])
        self.assertIn("[upstream app]", run_command("explain", config, "GET", "https://one.example:2/")[1])


if __name__ == "__main__":
    main()
