"""Passwords: who gets in and who does not, what the upstream and the log get to see, and what guessing costs whom."""

import base64
import os
import pty
import re
import select
import subprocess

from harness import Case, PATIENCE, answering, executable, main, run_command, wait_for
from passwords import basic, hashed
from wire import get, ok, post


SLOW = "$2b$11$abcdefghijklmnopqrstuu"


class BasicAuth(Case):
    def users(self, text, name="users"):
        return self.write(name, text)

    def guarded(self, users, listener="", extra="", greenway=""):
        """A proxy whose listener asks for the passwords of these users, in front of an upstream `self.app`."""
        self.app = self.upstream(answering(lambda request: ok(b"in")))
        return self.proxy(self.app, listener="basic_auth = %s\n%s" % (self.users(users), listener), extra=extra,
                          greenway=greenway)

    def assert_challenged(self, answer, realm="greenway"):
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.get("WWW-Authenticate"), 'Basic realm="%s", charset="UTF-8"' % realm)
        self.assert_own_page(answer)
        self.assertIn("error=http_request_denied", answer.get("Proxy-Status"))

    def test_the_right_password(self):
        proxy = self.guarded("alice:%s\nbob:%s\n" % (hashed("wonder land:x"), hashed("b")))
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get(extra=basic("alice", "wonder land:x"))).body, b"in")
            self.assertEqual(wire.exchange(get(extra=basic("bob", "b"))).status, 200)
            self.assertEqual(wire.exchange(get(extra=basic("bob", "b").replace("Basic", "bAsIc"))).status, 200)
        self.assertEqual([entry["user"] for entry in proxy.access_log(3)], ["alice", "bob", "bob"])

    def test_curl(self):
        proxy = self.guarded("alice:%s\n" % hashed("geheim"))
        self.assertEqual(self.curl("-u", "alice:geheim", proxy.url()).stdout, b"in")
        done = self.curl("-o", "/dev/null", "-w", "%{http_code}", "-u", "alice:other", proxy.url())
        self.assertEqual(done.stdout, b"401")

    def test_no_password_and_wrong_ones(self):
        proxy = self.guarded("alice:%s\nbob:%s\n" % (hashed("a"), hashed("b")))
        wrong = [basic("alice", "b"), basic("alice", ""), basic("alice", "a "), basic("Alice", "a"),
                 basic("carol", "a"), basic("", "a"), basic("alice\0", "a"), basic("alice", "a\0"),
                 basic("alice", "a" * 600), basic("a" * 300, "a"), basic("alice:a", ""), basic("alic", "a"),
                 basic("alicee", "a")]
        with proxy.dial() as wire:
            self.assert_challenged(wire.exchange(get()))
            for line in wrong:
                with self.subTest(line=line):
                    self.assert_challenged(wire.exchange(get(extra=line)))
        entries = proxy.access_log(1 + len(wrong))
        self.assertEqual(entries[0]["reason"], "password_missing")
        self.assertEqual(entries[1]["reason"], "password_wrong")
        self.assertTrue(all(entry["status"] == 401 and "user" not in entry for entry in entries))
        self.assertEqual(entries[0]["directive"], "basic_auth")
        self.assertRegex(entries[0]["origin"], r"greenway\.ini:\d+$")
        self.assertEqual(self.app.requests, [])

    def test_damaged_credentials(self):
        proxy = self.guarded("alice:%s\n" % hashed("a"))
        good = base64.b64encode(b"alice:a").decode()
        self.assertTrue(good.endswith("=="), good)
        damaged = ["Basic", "Basic ", "Basic " + good[:-1], "Basic " + good[:-2], "Basic " + good + "=",
                   "Basic " + good[:-3] + "R==", "Basic " + good.replace("=", ""), "Basic  %s x" % good,
                   "Basic " + good[:4] + " " + good[4:], "Basic, " + good, "Bearer " + good, "Basi " + good,
                   "Basic" + good, good, "Basic YWxpY2U=", "Basic " + "A" * 4000]
        with proxy.dial() as wire:
            for value in damaged:
                with self.subTest(value=value):
                    self.assert_challenged(wire.exchange(get(extra="Authorization: %s\r\n" % value)))
            twice = basic("alice", "a") + basic("alice", "a")
            self.assert_challenged(wire.exchange(get(extra=twice)))
            self.assertEqual(wire.exchange(get(extra=basic("alice", "a"))).status, 200)

    def test_all_good_methods(self):
        settings = {"bcrypt": "$2b$04$abcdefghijklmnopqrstuu", "htpasswd": "$2y$04$abcdefghijklmnopqrstuu",
                    "sha256": "$5$saltsalt", "sha512": "$6$rounds=1000$saltsalt", "yescrypt": "$y$j75$saltsalt",
                    "scrypt": "$7$CU..../....saltsaltsaltsaltsaltsa"}
        proxy = self.guarded("# all of them\n\n" + "".join("%s:%s\r\n" % (name, hashed("pass " + name, setting))
                                                           for name, setting in settings.items()))
        with proxy.dial() as wire:
            for name in settings:
                with self.subTest(method=name):
                    self.assertEqual(wire.exchange(get(extra=basic(name, "pass " + name))).status, 200)
                    self.assertEqual(wire.exchange(get(extra=basic(name, "pass"))).status, 401)

    def test_bad_files(self):
        good = hashed("x")
        for text, wrong in (("alice:secret\n", "no hash of a known method"), ("alice:\n", "no hash of a known method"),
                            ("alice:$apr1$abcdefgh$0123456789012345678901\n", "apr1"),
                            ("alice:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=\n", "too fast"),
                            ("alice:$1$abcdefgh$0123456789012345678901\n", "MD5"),
                            ("alice:$2b$10$short\n", "incomplete or damaged"), ("alice:%s x\n" % good, "damaged"),
                            ("alice\n", "line 1"), (":%s\n" % good, "line 1"), ("", "names no users"),
                            ("# nobody\n", "names no users"),
                            ("a:%s\nb:%s\na:%s\n" % (good, good, good), "names 'a' twice")):
            with self.subTest(text=text):
                path = self.users(text)
                ini = self.write("bad.ini", "[listener l]\nbind = :0\nupstream = u\nbasic_auth = %s\n"
                                            "[upstream u]\nserver = 127.0.0.1:1\n" % path)
                status, _, err = run_command("check", ini)
                self.assertEqual(status, 2)
                self.assertIn("%s:4: [listener l] basic_auth: '%s' " % (ini, path), err)
                self.assertIn(wrong, err)
                self.assertNotIn(good, err)
        for path, wrong in ((self.path("missing"), "cannot be read"), (self.folder, "not a regular file"),
                            ("/dev/zero", "not a regular file")):
            ini = self.write("bad.ini", "[listener l]\nbind = :0\nupstream = u\nbasic_auth = %s\n"
                                        "[upstream u]\nserver = 127.0.0.1:1\n" % path)
            status, _, err = run_command("check", ini)
            self.assertEqual((status, wrong in err), (2, True), err)

    def test_authorization_does_not_go_on(self):
        proxy = self.guarded("alice:%s\n" % hashed("a"), extra="[route kept]\npath = /kept/*\nupstream = app\n"
                             "forward_authorization = on\n[route open]\npath = /open/*\nupstream = app\n"
                             "basic_auth = off\n")
        for target, seen in (("/", False), ("/kept/", True), ("/open/", True)):
            proxy.exchange(get(target, extra=basic("alice", "a")))
            self.assertEqual(self.app.requests[-1].has("Authorization"), seen, target)

    def test_a_route_has_its_own_users_realm_or_none(self):
        staff = self.users("boss:%s\n" % hashed("b"), "staff")
        proxy = self.guarded("alice:%s\n" % hashed("a"), listener="realm = Everybody",
                             extra="[route staff]\npath = /staff/*\nupstream = app\nbasic_auth = %s\nrealm = Staff\n"
                                   "[route open]\npath = /open/*\nupstream = app\nbasic_auth = off\n" % staff)
        self.assert_challenged(proxy.exchange(get("/")), "Everybody")
        self.assert_challenged(proxy.exchange(get("/staff/")), "Staff")
        self.assertEqual(proxy.exchange(get("/open/")).status, 200)
        self.assertEqual(proxy.exchange(get("/staff/", extra=basic("boss", "b"))).status, 200)
        self.assertEqual(proxy.exchange(get("/staff/", extra=basic("alice", "a"))).status, 401)
        self.assertEqual(proxy.exchange(get("/", extra=basic("boss", "b"))).status, 401)

    def test_networks_come_first(self):
        proxy = self.guarded("alice:%s\n" % hashed("a"), listener="deny = 127.0.0.0/8")
        self.assertEqual(proxy.exchange(get()).status, 403)
        self.assertEqual(proxy.exchange(get(extra=basic("alice", "a"))).status, 403)

    def test_bodies(self):
        """A body that is here goes with the refusal, one that is not costs the connection."""
        proxy = self.guarded("alice:%s\n" % hashed("a"))
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(post("/", b"x" * 100)).status, 401)
            self.assertEqual(wire.exchange(post("/", b"x" * 100, extra=basic("alice", "a"))).status, 200)
            self.assertEqual(wire.exchange(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD").status, 401)
            wire.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
            self.assert_refused(wire, (401,))

    def test_combined_log(self):
        proxy = self.guarded("al ice:%s\n" % hashed("a"), greenway="")
        log = self.path("combined.log")
        other = Case.greenway(self, "[greenway]\nworkers = 1\naccess_log = %s\nlog_format = combined\n[listener l]\n"
                              "bind = 127.0.0.1:0\nupstream = app\nbasic_auth = %s\n[upstream app]\nserver = %s\n"
                              % (log, self.path("users"), self.app.server))
        self.assertEqual(other.exchange(get(extra=basic("al ice", "a"))).status, 200)
        self.assertEqual(other.exchange(get()).status, 401)

        def text():
            with open(log) as file:
                return file.read()
        wait_for(lambda: os.path.exists(log) and text().count("\n") == 2, "two lines")
        self.assertRegex(text(), r'^127\.0\.0\.1 - al_ice \[.*\n127\.0\.0\.1 - - \[')
        self.assertEqual(proxy.process.poll(), None)


class ForwardProxy(Case):
    def test_a_forward_proxy_has_fields_of_its_own(self):
        """Proxy-Authorization is for us and goes no further; Authorization is the server's."""
        app = self.upstream(answering(lambda request: ok(b"in")))
        users = self.write("users", "alice:%s\n" % hashed("a"))
        proxy = self.greenway("[greenway]\nworkers = 1\naccess_log = %s\n[listener web]\nbind = 127.0.0.1:0\n"
                              "protocol = forward\nallow_internal = 127.0.0.0/8\nallow_ports = 1-65535\n"
                              "basic_auth = %s\n" % (self.path("access.log"), users))
        url = "http://%s/" % app.server
        for extra, status in (("", 407), (basic("alice", "a"), 407), ("Proxy-" + basic("alice", "b"), 407),
                              ("Proxy-" + basic("alice", "a") + basic("x", "y"), 200)):
            answer = proxy.exchange("GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (url, app.server, extra))
            self.assertEqual(answer.status, status, extra)
            if status == 407:
                self.assertEqual(answer.get("Proxy-Authenticate"), 'Basic realm="greenway", charset="UTF-8"')
                self.assertFalse(answer.has("WWW-Authenticate"))
        request = app.requests[0]
        self.assertIn("Authorization: %s\r\n" % request.get("Authorization"), basic("x", "y"))
        self.assertFalse(request.has("Proxy-Authorization"))
        done = self.curl("-x", "http://alice:a@127.0.0.1:%d" % proxy.port, "--proxytunnel", "--noproxy", "", url)
        self.assertEqual(done.stdout, b"in")
        done = self.curl("-x", "http://alice:b@127.0.0.1:%d" % proxy.port, "--proxytunnel", "--noproxy", "", url,
                         check=False)
        self.assertNotEqual(done.returncode, 0)

    def test_off_leaves_a_forward_proxy_open(self):
        ini = self.write("open.ini", "[listener l]\nbind = :0\nprotocol = forward\nbasic_auth = off\n")
        status, _, err = run_command("check", ini)
        self.assertEqual((status, "open to everybody" in err), (2, True), err)


class Costs(Case):
    def guarded(self, listener="timeout_auth = 2s\n"):
        self.app = self.upstream(answering(lambda request: ok(b"in")))
        users = self.write("users", "alice:%s\nbob:%s\n" % (hashed("a", SLOW), hashed("b", SLOW)))
        return self.proxy(self.app, listener="basic_auth = %s\n%s" % (users, listener),
                          extra="[route open]\npath = /open/*\nupstream = app\nbasic_auth = off\n")

    def cost(self, proxy, lines):
        before = proxy.cpu_seconds()
        with proxy.dial() as wire:
            for line in lines:
                wire.exchange(get(extra=line))
        return proxy.cpu_seconds() - before

    def test_a_password_is_checked_once(self):
        proxy = self.guarded()
        first = self.cost(proxy, [basic("alice", "a")] * 3)
        many = self.cost(proxy, [basic("alice", "a")] * 100)
        self.assertLess(many, first * 10)  # each time would be 33 times as much
        self.assertEqual(proxy.exchange(get(extra=basic("bob", "a"))).status, 401)

    def test_unknown_users_cost_what_known_ones_do(self):
        proxy = self.guarded()
        known = self.cost(proxy, [basic("alice", "guess %d" % n) for n in range(8)])
        unknown = self.cost(proxy, [basic("carol%d" % n, "guess") for n in range(8)])
        self.assertGreater(unknown, known / 3)
        self.assertLess(unknown, known * 3)

    def test_guessing_holds_nobody_else_up(self):
        proxy = self.guarded()
        self.assertEqual(proxy.exchange(get(extra=basic("alice", "a"))).status, 200)
        wires = [proxy.dial() for _ in range(120)]
        for number, wire in enumerate(wires):
            wire.send(get(extra=basic("alice", "guess %d" % number)))
        for _ in range(5):
            self.assertEqual(proxy.exchange(get(extra=basic("alice", "a"))).status, 200)
            self.assertEqual(proxy.exchange(get("/open/")).status, 200)
            self.assertEqual(proxy.exchange(get("/")).status, 401)
        answers = [wire.final() for wire in wires]
        for wire in wires:
            wire.close()
        statuses = {answer.status for answer in answers}
        self.assertLessEqual(statuses, {401, 503})
        refused = [answer for answer in answers if answer.status == 503]
        self.assertGreaterEqual(len(refused), 120 - 64 - 2 - 10)
        self.assertTrue(all(answer.has("Retry-After") for answer in refused))
        reasons = [entry for entry in proxy.access_log(120) if entry["status"] == 503]
        self.assertEqual({(entry["reason"], entry["directive"]) for entry in reasons},
                         {("password_checks_busy", "timeout_auth")})

    def test_clients_that_leave_while_they_wait(self):
        proxy = self.guarded()
        for number in range(20):
            wire = proxy.dial()
            wire.send(get(extra=basic("alice", "guess %d" % number)))
            wire.reset()
        self.assertEqual(proxy.exchange(get("/open/")).status, 200)

    def test_the_proxy_ends_while_passwords_are_checked(self):
        proxy = self.guarded()
        wires = [proxy.dial() for _ in range(10)]
        for number, wire in enumerate(wires):
            wire.send(get(extra=basic("alice", "guess %d" % number)))
        proxy.signal()
        self.assertEqual(proxy.wait(), 0)
        for wire in wires:
            wire.close()


class HashPassword(Case):
    def run_it(self, *arguments, stdin=b""):
        return subprocess.run([executable(), "hash-password", *arguments], input=stdin, capture_output=True,
                              timeout=PATIENCE)

    def test_a_line_from_a_pipe(self):
        done = self.run_it("alice", stdin=b"pass word\n")
        self.assertEqual(done.returncode, 0)
        name, _, made = done.stdout.decode().rstrip("\n").partition(":")
        self.assertEqual(name, "alice")
        self.assertRegex(made, r"^\$2b\$1\d\$")
        self.assertEqual(hashed("pass word", made), made)
        self.assertNotEqual(self.run_it("alice", stdin=b"pass word\n").stdout, done.stdout)

    def test_what_it_prints_is_what_basic_auth_reads(self):
        users = self.path("users")
        with open(users, "wb") as file:
            for name in ("alice", "bob"):
                file.write(self.run_it(name, stdin=b"of " + name.encode()).stdout)
        proxy = self.proxy(self.upstream(), listener="basic_auth = %s" % users)
        self.assertEqual(proxy.exchange(get(extra=basic("bob", "of bob"))).status, 200)
        self.assertEqual(proxy.exchange(get(extra=basic("bob", "of alice"))).status, 401)

    def test_what_is_wrong(self):
        for arguments, stdin, status in (((), b"x\n", 2), (("a", "b"), b"x\n", 2), (("a:b",), b"x\n", 2),
                                         (("",), b"x\n", 2), (("a",), b"", 1), (("a",), b"\n", 1),
                                         (("a",), b"x" * 600, 1), (("a",), b"x\0y\n", 1)):
            with self.subTest(arguments=arguments, stdin=stdin):
                done = self.run_it(*arguments, stdin=stdin)
                self.assertEqual((done.returncode, done.stdout), (status, b""))
                self.assertTrue(done.stderr)

    def at_terminal(self, *answers):
        """What it shows at a terminal, and prints to standard output."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        process = subprocess.Popen([executable(), "hash-password", "alice"], stdin=slave, stderr=slave,
                                   stdout=subprocess.PIPE)
        os.close(slave)
        shown = b""
        for answer in answers:
            while not re.search(rb": $", shown):
                self.assertTrue(select.select([master], [], [], PATIENCE)[0], shown)
                shown += os.read(master, 1000)
            os.write(master, answer + b"\n")
            shown += b"|"
        out = process.stdout.read()
        process.stdout.close()
        process.wait(PATIENCE)
        while True:
            try:
                more = os.read(master, 1000)
            except OSError:  # nobody has the other side open any more
                break
            shown += more
        return process.returncode, shown, out

    def test_a_terminal_shows_no_password(self):
        status, shown, out = self.at_terminal(b"geheim", b"geheim")
        self.assertEqual(status, 0, shown)
        self.assertNotIn(b"geheim", shown)
        made = out.decode().strip().partition(":")[2]
        self.assertEqual(hashed("geheim", made), made)

    def test_two_that_differ(self):
        status, shown, out = self.at_terminal(b"geheim", b"gemein")
        self.assertEqual((status, out), (1, b""))
        self.assertIn(b"differ", shown)


if __name__ == "__main__":
    main()
