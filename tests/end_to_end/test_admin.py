"""Who may look at the admin pages, and what hostile clients cannot do to them."""

import json
import os
import signal
import socket

from admin import Admin
from harness import SMALL, answering, http_config, main, run_command, wait_for
from wire import dial, get, ok

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


def events(wire):
    """The events of a stream whose head has been read, as they come."""
    text = b""
    while True:
        size = int(wire.line(), 16)
        text += wire.exactly(size)
        wire.line()
        while b"\n\n" in text:
            event, _, text = text.partition(b"\n\n")
            assert event.startswith(b"data: "), event[:100]
            yield json.loads(event[6:])


class Status(Admin):
    def setUp(self):
        super().setUp()
        self.with_admin(self.upstream(answering(lambda request: ok(b"12345"))), workers=2,
                        extra="[route closed]\npath = /closed/*\ndeny = 0.0.0.0/0\nupstream = app\n")
        self.where = ("127.0.0.1", self.admin_port())

    def status(self):
        status, fields, body = self.ask("/status.json")
        self.assertEqual((status, fields["Content-Type"]), (200, "application/json"))
        return json.loads(body)

    def test_tells_what_happened(self):
        with self.watched.dial() as wire:
            for _ in range(5):
                self.assertEqual(wire.exchange(get("/")).status, 200)
            self.assertEqual(wire.exchange(get("/closed/\"<\\x", host="odd.example")).status, 400)
        with self.watched.dial() as wire:
            self.assertEqual(wire.exchange(get("/closed/a?b=c", host="some.example")).status, 403)
        self.wait_metric(7, "greenway_listener_requests_total")
        seen = self.status()
        web, app = seen["listeners"][0], seen["upstreams"][0]
        self.assertEqual((web["name"], web["protocol"], web["requests"]["2xx"], web["requests"]["4xx"], web["sent"]),
                         ("web", "http", 5, 2, 25))
        self.assertEqual(web["latency"]["count"], 7)
        self.assertLessEqual(web["latency"]["p50"], web["latency"]["p99"])
        self.assertEqual(app["servers"][0]["responses"]["2xx"], 5)
        self.assertEqual(app["first_byte"]["count"], 5)
        self.assertEqual(seen["routes"][0]["requests"]["4xx"], 1)
        denied = [f for f in seen["failures"] if f["reason"] == "source_denied"]
        self.assertEqual((denied[0]["directive"], denied[0]["side"], denied[0]["count"]), ("deny", "rule", 1))
        entry = next(r for r in seen["refusals"] if r["reason"] == "source_denied")
        self.assertEqual((entry["status"], entry["route"], entry["client"], entry["method"], entry["host"], entry["target"]),
                         (403, "closed", "127.0.0.1", "GET", "some.example", "/closed/a?b=c"))
        self.assertRegex(entry["origin"], r"greenway\.ini:\d+$")
        self.assertEqual((seen["state"], seen["process"]["pid"], len(seen["workers"])), ("running", self.watched.pid, 2))
        self.assertGreater(seen["process"]["memory"], 0)
        wait_for(lambda: sum(sample[0] for sample in self.status()["history"]) == 7, "the history of seven requests")

    def test_follows_reloads(self):
        with open(self.path("greenway.ini")) as file:
            text = file.read()
        with self.watched.dial() as client, dial(self.where) as wire:
            self.assertEqual(client.exchange(get("/")).status, 200)
            wire.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wire.head()
            stream = events(wire)
            for i in range(1, 6):
                self.write("greenway.ini", text + "".join("[route r%d]\npath = /%d/*\nupstream = app\n" % (k, k)
                                                          for k in range(i % 3)))
                self.watched.signal(signal.SIGHUP)
                event = next(event for event in stream if event["reload"]["count"] == i)
                self.assertEqual(len(event["routes"]), 1 + i % 3)
                self.assertEqual(event["listeners"][0]["requests"]["2xx"], 1)
                self.status()
        self.write("greenway.ini", text + "nonsense")
        self.watched.signal(signal.SIGHUP)
        self.wait_metric(1, "greenway_reloads_failed_total")
        self.assertEqual(self.metrics().sum("greenway_reloads_total"), 5)

    def test_refusals_are_bounded(self):
        for i in range(100):
            with self.watched.dial() as wire:
                wire.send(get("/closed/%d" % i + "x" * 5000))
                wire.final()
        self.wait_metric(100, "greenway_failures_total", reason="source_denied")
        refusals = self.status()["refusals"]
        self.assertLessEqual(len(refusals), 50)
        self.assertLess(max(len(r["target"]) for r in refusals), 200)

    def test_events_come_each_second(self):
        with dial(self.where) as wire:
            wire.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = wire.head()
            self.assertEqual((head.status, head.get("Content-Type")), (200, "text/event-stream"))
            stream = events(wire)
            first = next(stream)
            with self.watched.dial() as client:
                for _ in range(3):
                    self.assertEqual(client.exchange(get("/")).status, 200)
            following = next(event for event in stream if event["listeners"][0]["requests"]["2xx"] == 3)
            self.assertGreater(following["samples"], first["samples"])
            self.assertEqual(len(following["history"]), 1)

    def test_a_thousand_watchers(self):
        held, refused = [], 0
        self.addCleanup(lambda: [wire.close() for wire in held])
        for _ in range(100 if SMALL else 1000):
            wire = dial(self.where)
            wire.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = wire.head()
            if head.status == 200:
                held.append(wire)
                continue
            self.assertEqual((head.status, head.get("Retry-After")), (503, "10"))
            refused += 1
            wire.close()
        self.assertEqual(len(held), 32)
        self.assertEqual(self.ask("/metrics")[0], 200)
        streams = [events(wire) for wire in held]
        samples = [[next(stream)["samples"], next(stream)["samples"]] for stream in streams]
        self.assertTrue(all(second > first or not first for first, second in samples), samples)
        for wire in held:
            wire.close()
        held.clear()

        def again():
            with dial(self.where) as wire:
                wire.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return wire.head().status == 200
        wait_for(again, "a place after the others have left")

    def test_who_never_reads_hurts_nobody(self):
        slow = [dial(self.where, receive_buffer=4096) for _ in range(10)]
        self.addCleanup(lambda: [wire.close() for wire in slow])
        for wire in slow:
            wire.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n" + "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
        with dial(self.where) as wire:
            wire.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wire.head()
            stream = events(wire)
            self.assertLess(next(stream)["samples"], next(stream)["samples"] + 1)
        self.assertEqual(self.ask("/metrics")[0], 200)


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
