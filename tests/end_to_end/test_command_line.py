"""The command line: each subcommand, what `check` says of a bad file, and failures that are told in one line."""

import os
import socket
import subprocess

from harness import PATIENCE, Case, Greenway, http_config, main, run_command, started_by, wait_for
from upstream import answering, echo
from wire import dial, get, post

GOOD = """[greenway]
workers = 2
access_log = off

[listener web]
bind = 127.0.0.1:0
protocol = http
upstream = app

[upstream app]
server = 127.0.0.1:9
timeout_connect = 3s

[timeouts]
timeout_head = 250ms
"""


class Check(Case):
    def check(self, text, *extra):
        return run_command("check", *extra, self.write("test.ini", text))

    def refused(self, text, *expected):
        """Every expectation is (line, words...): an error line that names this line and has all the words."""
        status, _, stderr = self.check(text)
        self.assertEqual(status, 2, stderr)
        for line, *words in expected:
            mark = "test.ini:%d:" % line
            found = [one for one in stderr.splitlines() if mark in one]
            self.assertTrue(any(all(word in one for word in words) for one in found),
                            "%s %r is not in:\n%s" % (mark, words, stderr))
        return stderr

    def test_good_file(self):
        status, _, stderr = self.check(GOOD)
        self.assertEqual((status, stderr.count("test.ini:")), (0, 0), stderr)

    def test_every_error_with_its_line(self):
        stderr = self.refused(
            "[greenway]\nworkers = many\nacess_log = -\n\n[listener web]\nbind = nonsense:port\nprotocol = gopher\n"
            "upstream = nowhere\n[upstream app]\nserver = 127.0.0.1:99999\ntimeout_connect = soon\n[nonsense]\nx = 1\n",
            (2, "workers"), (3, "acess_log", "access_log"), (6, "bind"), (7, "protocol", "http"), (8, "nowhere"),
            (10, "server"), (11, "timeout_connect"), (12, "nonsense"))
        self.assertGreaterEqual(stderr.count("test.ini:"), 8)

    def test_single_errors(self):
        base = "[listener web]\nbind = 127.0.0.1:0\nupstream = app\n[upstream app]\nserver = 127.0.0.1:9\n"
        for extra, word in (("keepalive = -1\n", "keepalive"), ("server = 127.0.0.1\n", "server"),
                            ("balance = best\n", "balance"), ("timeout_idle = 5 parsecs\n", "timeout_idle"),
                            ("serber = 127.0.0.1:9\n", "server"), ("[limits]\nmax_head = 16kk\n", "max_head"),
                            ("[route r]\nupstream = nope\n", "nope"), ("[route r]\nlistener = nope\nupstream = app\n",
                                                                     "nope"),
                            ("[limits]\nmax_fields = lots\n", "max_fields"), ("no equals sign\n", "")):
            with self.subTest(extra=extra):
                last = 5 + extra.count("\n")
                stderr = self.refused(base + extra)
                self.assertIn(word, stderr)
                self.assertRegex(stderr, r"test\.ini:(%s):" % "|".join(str(line) for line in range(6, last + 1)))

    def test_upstream_without_server_and_empty_file(self):
        self.refused("[listener web]\nbind = 127.0.0.1:0\nupstream = app\n[upstream app]\n", (4, "server"))
        status, _, stderr = self.check("")
        self.assertEqual(status, 2)
        self.assertIn("test.ini", stderr)

    def test_long_lines_are_whole_or_refused(self):
        """A line longer than a reader's buffer must not lose its tail."""
        hosts = ", ".join("host%03d.example" % number for number in range(40))
        text = GOOD + "[route r]\nhost = %s\nupstream = app\n" % hosts
        status, stdout, stderr = self.check(text, "--effective")
        if status == 0:
            self.assertIn("host039.example", stdout)
        else:
            self.assertEqual(status, 2)
            self.assertIn("test.ini:%d:" % (GOOD.count("\n") + 2), stderr)

    def test_effective(self):
        status, stdout, stderr = self.check(GOOD, "--effective")
        self.assertEqual(status, 0, stderr)
        line = [one for one in stdout.splitlines() if "timeout_head" in one]
        self.assertTrue(line and "250ms" in line[0], stdout)
        self.assertTrue(any("test.ini:15" in one for one in stdout.splitlines()), stdout)
        self.assertIn("max_head", stdout)

    def test_no_network(self):
        """check neither binds nor resolves: a port in use and a name that does not exist are no errors of a file."""
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            held.listen(1)
            text = GOOD.replace("127.0.0.1:0", "127.0.0.1:%d" % held.getsockname()[1]).replace(
                "127.0.0.1:9", "no-such-host.invalid:80")
            status, _, stderr = self.check(text)
        self.assertEqual(status, 0, stderr)

    def test_unreadable_file(self):
        for path in (self.path("missing.ini"), self.folder):
            status, _, stderr = run_command("check", path)
            self.assertEqual(status, 2)
            self.assertEqual(len(stderr.strip().splitlines()), 1, stderr)
            self.assertIn(path, stderr)

    def test_environment(self):
        text = GOOD.replace("127.0.0.1:9", "${TEST_SERVER}").replace("3s", "${TEST_UNSET:-4s}")
        path = self.write("test.ini", text)
        status, stdout, stderr = run_command("check", "--effective", path, env={"TEST_SERVER": "127.0.0.1:7777"})
        self.assertEqual(status, 0, stderr)
        self.assertIn("127.0.0.1:7777", stdout)
        self.assertTrue(any("timeout_connect" in one and "4s" in one for one in stdout.splitlines()), stdout)
        self.refused(text, (11, "TEST_SERVER"))


class Run(Case):
    def fails(self, text, status=None):
        path = self.write("run.ini", text)
        seen, _, stderr = run_command("run", "-c", path)
        self.assertNotEqual(seen, 0)
        if status is not None:
            self.assertEqual(seen, status, stderr)
        return stderr

    def test_bad_file_touches_no_socket(self):
        """The good listener before the bad line must not have been bound, not even for a moment."""
        path = self.path("web.sock")
        stderr = self.fails("[listener web]\nbind = 127.0.0.1:0, unix:%s\nupstream = app\n[upstream app]\n"
                            "server = 127.0.0.1:9\ntimeout_connect = soon\n" % path, 2)
        self.assertIn("run.ini:6:", stderr)
        self.assertNotIn("listening", stderr)
        self.assertFalse(os.path.exists(path))

    def test_missing_file(self):
        status, _, stderr = run_command("run", "-c", self.path("missing.ini"))
        self.assertEqual(status, 2)
        self.assertEqual(len(stderr.strip().splitlines()), 1, stderr)

    def test_port_in_use(self):
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            held.listen(1)
            address = "127.0.0.1:%d" % held.getsockname()[1]
            stderr = self.fails(GOOD.replace("127.0.0.1:0", address))
        self.assertEqual(len(stderr.strip().splitlines()), 1, stderr)
        self.assertIn(address, stderr)
        self.assertRegex(stderr, "in use|using")

    def test_port_in_use_by_another_greenway(self):
        """Sockets that share a port between threads must not share it between two proxies by accident."""
        first = self.proxy(self.upstream())
        stderr = self.fails(GOOD.replace("127.0.0.1:0", "127.0.0.1:%d" % first.port))
        self.assertRegex(stderr, "in use|using")
        self.assertEqual(first.exchange(get("/")).status, 200)

    def test_log_file_that_cannot_be_opened(self):
        stderr = self.fails(GOOD.replace("access_log = off", "access_log = %s/none/access.log" % self.folder))
        self.assertEqual(len([line for line in stderr.splitlines() if "error:" in line]), 1, stderr)
        self.assertIn("none/access.log", stderr)

    def test_name_that_does_not_resolve(self):
        """The proxy starts, warns once, and answers 502 or 503 until the name resolves."""
        proxy = self.proxy("no-such-host.invalid:80")
        answer = proxy.exchange(get("/"))
        self.assertIn(answer.status, (502, 503))
        self.assert_own_page(answer)
        wait_for(lambda: any("no-such-host.invalid" in line for line in proxy.lines), "a line about the name")
        self.assertNotEqual(proxy.access_log(1)[0]["reason"], "")

    def test_one_line_for_each_listener(self):
        proxy = self.greenway("[greenway]\naccess_log = off\n[listener a]\nbind = 127.0.0.1:0\nupstream = app\n"
                              "[listener b]\nbind = 127.0.0.1:0\nprotocol = tcp\nupstream = app\n"
                              "[upstream app]\nserver = %s\n" % self.upstream().server, listeners=2)
        self.assertEqual(sorted(proxy.ports), ["a", "b"])
        self.assertTrue(any("(http, listener a)" in line for line in proxy.lines))
        self.assertTrue(any("(tcp, listener b)" in line for line in proxy.lines))

    def test_log_to_standard_output(self):
        path = self.write("run.ini", http_config(self.folder, self.upstream()).replace(
            "access_log = %s/access.log" % self.folder, "access_log = -"))
        with open(self.path("stdout"), "w") as stdout, open(self.path("stderr"), "w") as stderr:
            process = subprocess.Popen([os.environ["GREENWAY"], *started_by(["run", "-c", path])], stdout=stdout, stderr=stderr)
        try:
            def port():
                with open(self.path("stderr")) as file:
                    found = file.read().partition("listening on 127.0.0.1:")[2]
                return found and found.split()[0]
            with dial(("127.0.0.1", int(wait_for(port, "the listener")))) as wire:
                self.assertEqual(wire.exchange(get("/seen")).status, 200)

            def logged():
                with open(self.path("stdout")) as file:
                    return '"/seen"' in file.read()
            wait_for(logged, "the line on standard output")
        finally:
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)


class Short(Case):
    def test_version(self):
        status, stdout, _ = run_command("version")
        self.assertEqual(status, 0)
        self.assertRegex(stdout, r"greenway \d+\.\d+")

    def test_build(self):
        status, stdout, _ = run_command("-V")
        self.assertEqual(status, 0)
        self.assertRegex(stdout, r"^greenway \d+\.\d+.*\nTLS: OpenSSL 3\..*\nTLS in the kernel: (to be had|not to be had \(.+\))")
        with open("/proc/sys/net/ipv4/tcp_available_ulp") as file:  # a module that is not loaded yet is not in there
            if "tls" in file.read().split():
                self.assertNotIn("the kernel has no module", stdout)
        self.assertNotEqual(run_command("-V", "x")[0], 0)

    def test_help(self):
        status, stdout, _ = run_command("help")
        self.assertEqual(status, 0)
        for word in ("run", "check", "reverse", "tcp", "version"):
            self.assertIn(word, stdout)

    def test_help_of_a_key(self):
        for key in ("timeout_head", "max_body", "server", "bind"):
            status, stdout, stderr = run_command("help", key)
            self.assertEqual(status, 0, stderr)
            self.assertIn(key, stdout)
        status, _, stderr = run_command("help", "timeout_hed")
        self.assertNotEqual(status, 0)
        self.assertIn("timeout_head", stderr)

    def test_bad_usage(self):
        for arguments in (["nonsense"], ["run", "--nonsense"], ["check"], ["reverse", ":0"], ["tcp"],
                          ["reverse", "nonsense", "127.0.0.1:9"], ["run", "-c"]):
            with self.subTest(arguments=arguments):
                status, _, stderr = run_command(*arguments)
                self.assertEqual(status, 2)
                self.assertTrue(stderr.strip())

    def test_reverse(self):
        upstream = self.upstream(answering(echo))
        proxy = self.greenway(arguments=["reverse", "127.0.0.1:0", upstream.server])
        self.assertEqual(proxy.exchange(post("/", b"body")).body, b"body")
        self.assertEqual(upstream.requests[0].get("X-Forwarded-For"), "127.0.0.1")

    def test_tcp(self):
        def server(wire, upstream):
            wire.send(b"first " + wire.exactly(4))
        proxy = self.greenway(arguments=["tcp", "127.0.0.1:0", self.upstream(server).server])
        with proxy.dial() as wire:
            wire.send("\0\1\2\3")
            self.assertEqual(wire.ending(), ("fin", b"first \0\1\2\3"))

    def test_demo(self):
        """Without a file: a listener on 127.0.0.1:8080 in front of a responder of its own."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", 8080))
            except OSError:
                self.skipTest("port 8080 is taken on this machine")
        proxy = Greenway(self.folder, ["run"])
        self.addCleanup(proxy.stop)
        self.assertTrue(any(address.endswith("127.0.0.1:8080") for address in proxy.addresses))
        done = self.curl("-f", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/headers", "-o", "/dev/null", "-o",
                         "/dev/null", "-w", "%{http_code} ")
        self.assertIn(b"200", done.stdout)


if __name__ == "__main__":
    main()
