"""The access log: one line for each request, in JSON or in the combined format, with facts that add up."""

import json
import os
import re
import threading
from datetime import datetime, timezone

from harness import Case, answering, echo, http_config, main, wait_for
from upstream import refused_port
from wire import get, ok, post, post_chunked

FIELDS = {"time": str, "client": str, "listener": str, "route": str, "upstream": str, "server": str, "method": str,
          "host": str, "target": str, "protocol": str, "status": int, "bytes_in": int, "bytes_out": int,
          "reason": str, "t_connect": (int, float), "t_first_byte": (int, float), "t_total": (int, float)}

COMBINED = re.compile(r'^(\S+) - (\S+) \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] '
                      r'"((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')


class Json(Case):
    def test_fields(self):
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream, extra="[route api]\npath = /api/*\nupstream = app\n")
        proxy.exchange(post("/api/x?q=1", b"12345", host="Api.Example"))
        entry = proxy.access_log(1)[0]
        for name, kind in FIELDS.items():
            self.assertIsInstance(entry.get(name), kind, name)
        expected = {"listener": "web", "route": "api", "upstream": "app", "server": upstream.server, "method": "POST",
                    "target": "/api/x?q=1", "protocol": "HTTP/1.1", "status": 200, "reason": ""}
        self.assertEqual({name: entry[name] for name in expected}, expected)
        self.assertEqual(entry["host"].lower(), "api.example")
        self.assertTrue(entry["client"].startswith("127.0.0.1"))
        self.assertGreaterEqual(entry["bytes_in"], 5)
        self.assertGreaterEqual(entry["bytes_out"], 5)
        moment = datetime.fromisoformat(entry["time"].replace("Z", "+00:00"))
        self.assertLess(abs((datetime.now(timezone.utc) - moment).total_seconds()), 600)

    def test_timers_follow_what_happened(self):
        def slow(wire, upstream):
            wire.request()
            wire.readable(0.3)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
            wire.readable(0.3)
            wire.send(b"k")
        proxy = self.proxy(self.upstream(slow))
        proxy.exchange(get("/"))
        entry = proxy.access_log(1)[0]
        self.assertGreaterEqual(entry["t_connect"], 0)
        self.assertGreater(entry["t_first_byte"], 250)
        self.assertGreater(entry["t_total"], entry["t_first_byte"] + 250)
        self.assertLess(entry["t_total"], 60000)

    def test_every_request_has_its_line(self):
        proxy = self.proxy(self.upstream(answering(echo)))
        with proxy.dial() as wire:
            wire.send(b"".join(get("/%d" % number) for number in range(100)))
            for _ in range(100):
                wire.final()
        self.assertEqual([entry["target"] for entry in proxy.access_log(100)],
                         ["/%d" % number for number in range(100)])

    def test_hostile_text_stays_inside_its_string(self):
        """Quotes, backslashes and bytes above 127 in what a client sends: still one line, still JSON."""
        proxy = self.proxy(self.upstream())
        for target in ('/"},{"status":999', "/\\", "/%0a%0d", "/%22"):
            proxy.exchange(get(target, extra='User-Agent: "\\\t\xff\xe9\r\nReferer: "x\r\n'))
        proxy.exchange(get("/after"))
        wait_for(lambda: any("/after" in line for line in proxy.access_lines()), "the last line")
        for line in proxy.access_lines():
            self.assertIsInstance(json.loads(line)["status"], int)

    def test_reasons_and_statuses(self):
        held, dead = refused_port()
        self.addCleanup(held.close)
        upstream = self.upstream(lambda wire, upstream: wire.reset())
        proxy = self.greenway(
            "[greenway]\naccess_log = %s\n[listener web]\nbind = 127.0.0.1:0\n[limits]\nmax_body = 10\n"
            "[route dead]\npath = =/dead\nupstream = dead\n[route reset]\npath = =/reset\nupstream = reset\n"
            "[upstream dead]\nserver = %s\n[upstream reset]\nserver = %s\n"
            % (self.path("access.log"), dead, upstream.server))
        for number, (request, statuses, reason) in enumerate((
                (get("/none"), (404,), "no_route"),
                (get("/dead"), (502, 503), "connect_failed"),
                (get("/reset"), (502,), None),
                (post("/dead", b"x" * 11), (413,), "body_too_large"),
                (b"GET / HTTP/1.1\r\n\r\n", (400,), None))):
            with self.subTest(request=request):
                status = proxy.exchange(request).status
                entry = proxy.access_log(number + 1)[number]
                self.assertIn(status, statuses)
                self.assertEqual(entry["status"], status)
                if reason:
                    self.assertEqual(entry["reason"], reason)
                self.assertRegex(entry["reason"], r"^[a-z0-9_]+$")

    def test_client_that_leaves_in_mid_answer(self):
        def endless(wire, upstream):
            wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            while True:
                wire.send(b"x" * 65536)
        proxy = self.proxy(self.upstream(endless))
        with proxy.dial() as wire:
            wire.send(get("/"))
            wire.exactly(100000)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["status"], entry["reason"]), (200, "client_gone"))
        self.assertLess(entry["bytes_out"], 100000000)

    def test_bytes_count_the_bodies(self):
        proxy = self.proxy(self.upstream(answering(lambda request: ok(b"y" * 70000))))
        proxy.exchange(post_chunked("/", [b"x" * 1000] * 50))
        entry = proxy.access_log(1)[0]
        self.assertTrue(50000 <= entry["bytes_in"] < 53000, entry)
        self.assertTrue(70000 <= entry["bytes_out"] < 72000, entry)


class Combined(Case):
    def test_format(self):
        proxy = self.greenway(http_config(self.folder, self.upstream(answering(echo))).replace(
            "log_format = json", "log_format = combined"))
        proxy.exchange(post("/a?b=c", b"12345",
                            extra="User-Agent: test/1.0 (\"x\")\r\nReferer: http://r.example/\r\n"))
        proxy.exchange(get("/plain"))
        wait_for(lambda: len(proxy.access_lines()) >= 2, "two lines")
        first, second = (COMBINED.match(line) for line in proxy.access_lines())
        self.assertTrue(first and second, proxy.access_lines())
        self.assertEqual(first.group(1), "127.0.0.1")
        moment = datetime.strptime(first.group(3), "%d/%b/%Y:%H:%M:%S %z")
        self.assertLess(abs((datetime.now(timezone.utc) - moment).total_seconds()), 600)
        self.assertEqual(first.group(4), "POST /a?b=c HTTP/1.1")
        self.assertEqual(first.group(5), "200")
        self.assertEqual(first.group(7), "http://r.example/")
        self.assertIn("test/1.0", first.group(8))
        self.assertEqual((second.group(7), second.group(8)), ("-", "-"))

    def test_hostile_text(self):
        """No client can forge a second line or break out of the quotes."""
        proxy = self.greenway(http_config(self.folder, self.upstream()).replace(
            "log_format = json", "log_format = combined"))
        proxy.exchange(get("/x", extra='User-Agent: a" 200 5 "-" "b\\\xff\r\nReferer: \t"\r\n'))
        proxy.exchange(get("/y"))
        wait_for(lambda: len(proxy.access_lines()) >= 2, "two lines")
        self.assertEqual(len(proxy.access_lines()), 2)
        for line in proxy.access_lines():
            self.assertTrue(COMBINED.match(line), line)


class Files(Case):
    def test_log_is_appended_to(self):
        with open(self.path("access.log"), "w") as file:
            file.write("{\"old\": true}\n")
        proxy = self.proxy(self.upstream())
        proxy.exchange(get("/"))
        self.assertEqual(proxy.access_log(2)[0], {"old": True})

    def test_off(self):
        text = http_config(self.folder, self.upstream()).replace("access_log = %s/access.log" % self.folder,
                                                                "access_log = off")
        proxy = self.greenway(text)
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        proxy.stop()
        self.assertFalse(os.path.exists(self.path("access.log")))
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith("log")], [])

    def test_full_disk_does_not_stop_traffic(self):
        text = http_config(self.folder, self.upstream()).replace("access_log = %s/access.log" % self.folder,
                                                                "access_log = /dev/full")
        proxy = self.greenway(text)
        for _ in range(50):
            self.assertEqual(proxy.exchange(get("/")).status, 200)
        self.assertLess(len(proxy.lines), 20, "one complaint, not one for each line")

    def test_error_log_file(self):
        text = http_config(self.folder, self.upstream(), greenway="error_log = %s" % self.path("error.log"))
        proxy = self.greenway(text)
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        proxy.stop()
        self.assertTrue(os.path.exists(self.path("error.log")))

    def test_lines_of_many_connections_are_whole(self):
        proxy = self.greenway(http_config(self.folder, self.upstream()).replace("workers = 1", "workers = 2"))

        def client(name):
            with proxy.dial() as wire:
                for number in range(100):
                    wire.exchange(get("/%s/%d/%s" % (name, number, "p" * 500)))
        threads = [threading.Thread(target=client, args=(name,)) for name in "abcdefgh"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        targets = [entry["target"] for entry in proxy.access_log(800)]
        self.assertEqual(len(set(targets)), 800)


if __name__ == "__main__":
    main()
