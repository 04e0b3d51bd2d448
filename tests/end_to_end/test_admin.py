"""Who may look at the admin pages, and what hostile clients cannot do to them."""

import os
import socket

from admin import Admin
from harness import answering, main, run_command, http_config, wait_for
from wire import dial, ok

TOKEN = "correct-horse-battery-staple"


class Access(Admin):
    def setUp(self):
        super().setUp()
        self.app = self.upstream(answering(lambda request: ok()))

    def test_a_token_is_asked_for(self):
        self.with_admin(self.app, greenway="admin_token = %s" % TOKEN)
        for fields in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "},
                       {"Authorization": "Bearer " + TOKEN[:-1]}, {"Authorization": "Bearer " + TOKEN + "x"},
                       {"Authorization": "Bearer " + TOKEN * 2}, {"Authorization": "Basic " + TOKEN}, {"Authorization": TOKEN},
                       {"Cookie": "greenway_admin="}, {"Cookie": "greenway_admin=" + "0" * 64}, {"Cookie": "greenway_admin"}):
            for path in ("/", "/metrics", "/status.json", "/events", "/nothing"):
                status, answer, _ = self.ask(path, **fields)
                self.assertEqual((status, answer["WWW-Authenticate"]), (401, 'Bearer realm="greenway"'), (path, fields))
        self.assertEqual(self.ask("/metrics", Authorization="Bearer " + TOKEN)[0], 200)
        self.assertEqual(self.ask("/metrics", Authorization="bearer  " + TOKEN)[0], 200)
        for open_page in ("/healthz", "/readyz"):
            self.assertEqual(self.ask(open_page)[0], 200)

    def test_a_browser_signs_in_and_out(self):
        self.with_admin(self.app, greenway="admin_token = %s" % TOKEN)
        status, fields, page = self.ask("/", Accept="text/html")
        self.assertEqual(status, 401)
        self.assertIn(b"<form", page)
        self.assertNotIn(b"not the token", page)
        self.assertIn("default-src 'none'", fields["Content-Security-Policy"])
        form = {"Content_Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        for wrong in ("token=nope", "", "token=", "tokens=" + TOKEN, "token=" + TOKEN[:-1], "token=%zz", "token=%00",
                      "token=" + "x" * 600, "a=b&token=" + TOKEN + "%20"):
            status, fields, page = self.ask("/login", "POST", wrong, **form)
            self.assertEqual(status, 401, wrong)
            self.assertNotIn("Set-Cookie", fields)
            self.assertIn(b"not the token", page)
        self.assertEqual(self.ask("/login", "POST", "token=" + TOKEN, Origin="http://evil.example", **form)[0], 403)
        status, fields, _ = self.ask("/login", "POST", "x=y&token=" + TOKEN.replace("-", "%2d"), **form)
        self.assertEqual((status, fields["Location"]), (303, "/"))
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, fields["Set-Cookie"])
        self.assertNotIn(TOKEN, fields["Set-Cookie"])
        cookie = "a=b; " + fields["Set-Cookie"].partition(";")[0] + "; c=d"
        self.assertEqual(self.ask("/metrics", Cookie=cookie)[0], 200)
        self.assertEqual(self.ask("/metrics", Cookie=cookie.replace("=", "=0", 2))[0], 401)
        self.assertEqual(self.ask("/logout", "POST", "", Cookie=cookie, **form)[0], 303)
        self.assertEqual(self.ask("/metrics", Cookie=cookie)[0], 401)

    def test_sessions_are_bounded(self):
        self.with_admin(self.app, greenway="admin_token = %s" % TOKEN)
        cookies = [self.ask("/login", "POST", "token=" + TOKEN)[1]["Set-Cookie"].partition(";")[0] for _ in range(40)]
        self.assertEqual(len(set(cookies)), 40)
        good = [self.ask("/metrics", Cookie=cookie)[0] == 200 for cookie in cookies]
        self.assertEqual(good, [False] * 8 + [True] * 32)

    def test_other_hosts_are_turned_away(self):
        self.with_admin(self.app)
        port = self.admin_port()
        for host, status in (("127.0.0.1:%d" % port, 200), ("localhost:%d" % port, 200), ("[::1]:%d" % port, 200),
                             ("LOCALHOST", 200), ("192.0.2.1", 200), ("evil.example", 421), ("localhost.evil.example", 421),
                             ("127.0.0.1.evil.example:%d" % port, 421), ("x" * 200, 421)):
            self.assertEqual(self.ask("/metrics", Host=host)[0], status, host)
        with dial(("127.0.0.1", port)) as wire:
            wire.send("GET /metrics HTTP/1.0\r\n\r\n")
            self.assertEqual(wire.final().status, 200)

    def test_a_unix_socket(self):
        path = os.path.join(self.folder, "admin.sock")
        self.with_admin(self.app, greenway="admin = unix:%s, 127.0.0.1:0\nadmin_token = %s" % (path, TOKEN))
        self.assertEqual(self.ask("/metrics")[0], 401)
        self.assertEqual(self.ask("/metrics", unix=path)[0], 200)
        self.assertEqual(os.stat(path).st_mode & 0o007, 0o005 & ~0o002)
        self.watched.stop()
        self.assertFalse(os.path.exists(path))

    def test_the_token_stays_secret(self):
        config = http_config(self.folder, self.app, greenway="admin = :0\nadmin_token = %s" % TOKEN)
        status, out, err = run_command("check", "--effective", self.write("secret.ini", config))
        self.assertEqual(status, 0)
        self.assertNotIn(TOKEN, out + err)
        config = http_config(self.folder, self.app, greenway="admin = :9901")
        status, out, err = run_command("check", self.write("open.ini", config))
        self.assertEqual(status, 2)
        self.assertIn("':9901' can be reached from other machines; set admin_token_file", err)


class Abuse(Admin):
    def setUp(self):
        super().setUp()
        self.with_admin(self.upstream(answering(lambda request: ok())))
        self.where = ("127.0.0.1", self.admin_port())

    def test_methods_paths_and_bodies(self):
        for method, path, status in (("POST", "/metrics", 405), ("DELETE", "/healthz", 405), ("GET", "/login", 405),
                                     ("GET", "/../etc/passwd", 404), ("GET", "/metrics/", 404), ("GET", "//metrics", 404),
                                     ("OPTIONS", "/metrics", 405), ("GET", "/%6detrics", 404), ("HEAD", "/metrics", 200),
                                     ("GET", "/metrics?x=y", 200)):
            answer, fields, _ = self.ask(path, method)
            self.assertEqual(answer, status, (method, path))
            self.assertEqual((fields["X-Content-Type-Options"], fields["X-Frame-Options"], fields["Cache-Control"]),
                             ("nosniff", "DENY", "no-store"))
        self.assertEqual(self.ask("/login", "POST", "x" * 100000)[0], 413)

    def test_many_silent_connections(self):
        silent = [socket.create_connection(self.where) for _ in range(200)]
        self.addCleanup(lambda: [each.close() for each in silent])
        for each in silent[::2]:
            each.send(b"GET /met")
        self.assertEqual(self.ask("/metrics")[0], 200)
        for each in silent:
            each.close()
        wait_for(lambda: self.ask("/healthz")[0] == 200, "an answer after they have gone")


if __name__ == "__main__":
    main()
