"""What is counted is what happened, whoever did it, and no request can make the labels grow."""

import collections
import gzip
import random
import signal
import threading

from admin import Admin
from harness import SMALL, answering, http_config, main, run_command, wait_for
from upstream import refused_port
from wire import get, ok, post

ROUTES = """
[route api]
path = /api/*
upstream = app
[route gone]
path = =/gone
respond = 410 gone
[route closed]
path = =/closed
deny = 0.0.0.0/0
upstream = app
[route small]
path = =/small
max_body = 10
upstream = app
"""


def respond(request):
    status = request.target.rpartition("/")[2]
    body = b"x" * (int(status) if status.isdigit() else 2)
    if status in ("404", "503"):
        return ("HTTP/1.1 %s Whatever\r\nContent-Length: %d\r\n\r\n" % (status, len(body))).encode() + body
    return ok(body)


class Counts(Admin):
    def test_several_workers_lose_nothing(self):
        proxy = self.with_admin(self.upstream(answering(respond)), workers=4, extra=ROUTES)
        wanted = [(get, "/api/1", "GET", 200), (get, "/api/404", "GET", 404), (get, "/api/503", "GET", 503),
                  (post, "/api/7", "POST", 200), (get, "/gone", "GET", 410), (get, "/closed", "GET", 403),
                  (get, "/other", "GET", 200)]
        rounds, clients = (5, 4) if SMALL else (25, 8)
        sent, errors, lock = collections.Counter(), [], threading.Lock()

        def client(seed):
            choices = random.Random(seed)
            try:
                for _ in range(rounds):
                    with proxy.dial() as wire:
                        for _ in range(6):
                            make, target, method, status = choices.choice(wanted)
                            answer = wire.exchange(make(target))
                            self.assertEqual(answer.status, status, target)
                            with lock:
                                sent[target, method, status] += 1
                                sent["bytes"] += len(answer.body) if status != 403 else 0  # pages of refusals: as in the log
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=client, args=(seed,)) for seed in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        total = rounds * clients * 6
        self.wait_metric(total, "greenway_listener_requests_total", listener="web")
        self.wait_metric(rounds * clients, "greenway_listener_connections_total", listener="web")
        seen = self.metrics()

        def count(**asked):
            return sum(n for key, n in sent.items() if key != "bytes" and
                       all({"route": key[0].split("/")[1], "method": key[1], "code": "%dxx" % (key[2] // 100),
                            "status": key[2]}[name] == value for name, value in asked.items()))

        for method in ("GET", "POST"):
            for code in ("2xx", "4xx", "5xx"):
                self.assertEqual(seen.sum("greenway_listener_requests_total", method=method, code=code),
                                 count(method=method, code=code), (method, code))
        for route in ("api", "gone", "closed"):
            self.assertEqual(seen.sum("greenway_route_requests_total", route=route), count(route=route), route)
            self.assertEqual(seen.sum("greenway_route_request_duration_seconds_count", route=route), count(route=route))
        self.assertEqual(seen.sum("greenway_listener_request_duration_seconds_count"), total)
        self.assertEqual(seen.sum("greenway_listener_sent_bytes_total"), sent["bytes"])
        self.assertEqual(seen.sum("greenway_failures_total", reason="source_denied", directive="deny", side="rule"),
                         count(route="closed"))
        served = count(route="api") + count(route="other")
        self.assertEqual(seen.sum("greenway_server_responses_total"), served)
        self.assertEqual(seen.sum("greenway_upstream_first_byte_seconds_count"), served)
        connects = seen.sum("greenway_server_connects_total")
        self.assertEqual(seen.sum("greenway_upstream_connect_duration_seconds_count"), connects)
        wait_for(lambda: self.metrics().sum("greenway_upstream_connections_reused_total") + connects == served,
                 "each request to go over a new connection or a kept one")
        wait_for(lambda: self.metrics().sum("greenway_listener_connections") == 0, "no open connection")
        self.assertEqual(self.metrics().sum("greenway_listener_connections_idle"), 0)
        self.assertEqual(seen.sum("greenway_workers"), 4)
        self.assertEqual(len(seen.labels("greenway_worker_polls_total", "worker")), 4)

    def test_no_request_makes_a_label(self):
        proxy = self.with_admin(self.upstream(answering(respond)), extra=ROUTES)
        before = {name: len(values) for name, values in self.metrics().samples.items()}
        hostile = random.Random(7)
        for i in range(100 if SMALL else 400):
            with proxy.dial() as wire:
                name = "".join(hostile.choice("abcdefgh") for _ in range(12))
                wire.send("%s /%s\"{}\\%s HTTP/1.1\r\nHost: %s.example\r\nX-%s: \"\\\r\n\r\n"
                          % (hostile.choice(("GET", "get", "PROPFIND", name.upper())), name, i, name, name))
                wire.send("nonsense\r\n\r\n")
                wire.finish()
                wire.until_end()
        after = self.metrics()
        for name, values in after.samples.items():
            if "requests_total" not in name and "failures_total" not in name:
                self.assertEqual(len(values), before[name], name)
        self.assertLessEqual(after.labels("greenway_listener_requests_total", "method"),
                             {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "other"})
        self.assertLessEqual(len(after.samples["greenway_failures_total"]), 12, after.samples["greenway_failures_total"])
        text = self.ask("/metrics")[2].decode()
        self.assertNotIn("example", text)

    def test_failures_name_their_key(self):
        nobody, server = refused_port()
        self.addCleanup(nobody.close)
        proxy = self.with_admin(server, extra=ROUTES, listener="max_head = 4k")
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/x")).status, 502)
            self.assertEqual(wire.exchange(get("/api/")).status, 502)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(post("/small", b"x" * 100)).status, 413)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/", extra="X: %s\r\n" % ("y" * 5000))).status, 431)
        self.wait_metric(2, "greenway_failures_total", reason="connect_failed", directive="server", side="upstream")
        self.wait_metric(1, "greenway_failures_total", reason="body_too_large", directive="max_body", side="rule")
        self.wait_metric(1, "greenway_failures_total", reason="head_too_large", directive="max_head", side="rule")
        seen = self.metrics()
        self.assertEqual(seen.sum("greenway_upstream_failures_total", upstream="app", reason="connect_failed"), 2)
        self.assertEqual(seen.sum("greenway_server_connect_failures_total"), 2)
        self.assertEqual(seen.sum("greenway_server_responses_total"), 0)

    def test_places_and_tunnels(self):
        script = self.upstream(lambda wire, upstream: wire.until_end())
        self.watched = self.tcp_proxy(script, greenway="admin = 127.0.0.1:0", listener="max_connections = 2")
        with self.watched.dial() as one, self.watched.dial() as two:
            one.send("hello")
            two.send("you")
            wait_for(lambda: self.metrics().sum("greenway_listener_tunnels") == 2, "two tunnels")
            with self.watched.dial() as three:
                three.ending()
            self.wait_metric(1, "greenway_listener_connections_turned_away_total")
            self.wait_metric(1, "greenway_failures_total", reason="too_many_connections", directive="max_connections")
            self.assertEqual(self.metrics().sum("greenway_listener_connections"), 2)
        wait_for(lambda: self.metrics().sum("greenway_listener_tunnels") == 0, "the end of the tunnels")
        seen = self.metrics()
        self.assertEqual(seen.sum("greenway_listener_received_bytes_total"), 8)
        self.assertEqual(seen.sum("greenway_listener_tunnels_total"), 2)
        self.assertEqual(seen.sum("greenway_listener_requests_total"), 0)

    def test_gzip_when_asked(self):
        self.with_admin(self.upstream(answering(respond)))
        for accepted, packed in (("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("br", False),
                                 ("gzip;q=0.0, br", False), ("x-gzippy", False)):
            _, fields, body = self.ask("/metrics", Accept_Encoding=accepted)
            self.assertEqual(fields.get("Content-Encoding"), "gzip" if packed else None, accepted)
            text = gzip.decompress(body) if packed else body
            self.assertTrue(text.startswith(b"# HELP"), accepted)


class Health(Admin):
    def test_ready_until_it_drains(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def hold(request):
            gate.wait(120)
            return ok(b"done")
        app = self.upstream(answering(hold))
        proxy = self.with_admin(app, greenway="shutdown_grace = 60s")
        self.assertEqual(self.ask("/healthz")[0], 200)
        wait_for(lambda: self.ask("/readyz")[0] == 200, "the workers to start")
        with proxy.dial() as wire:
            wire.send(get("/held"))
            app.wait_requests(1)
            proxy.signal(signal.SIGTERM)
            wait_for(lambda: self.ask("/readyz")[0] == 503, "a proxy that drains to be ready no more")
            self.assertEqual(self.ask("/readyz")[2], b"draining\n")
            self.assertEqual(self.ask("/healthz")[0], 200)
            self.assertEqual(self.metrics().sum("greenway_draining"), 1)
            gate.set()
            self.assertEqual(wire.final().status, 200)
        self.assertEqual(proxy.wait(), 0)

    def test_a_taken_port_is_said(self):
        first = self.upstream(answering(respond))
        self.with_admin(first)
        config = http_config(self.folder, first, greenway="admin = 127.0.0.1:%d" % self.admin_port())
        status, _, stderr = run_command("run", "-c", self.write("second.ini", config))
        self.assertEqual(status, 1)
        self.assertRegex(stderr, r"second\.ini:\d+: cannot listen on 127\.0\.0\.1:\d+ for admin: another process")


if __name__ == "__main__":
    main()
