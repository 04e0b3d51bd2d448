"""Health as real servers show it: PostgreSQL, Redis and MariaDB that come and go, checks over TLS, and servers that are
put aside because they are slow."""

import contextlib
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "green", "patch"))

import with_server
from certificates import Authority, over_tls, server_context
from harness import PATIENCE, SCALE, Case, answering, main, wait_for
from upstream import idle
from wire import get, ok


class Checks(Case):
    def said(self, proxy, pattern):
        wait_for(lambda: re.search(pattern, proxy.stderr()), lambda: "%r in:\n%s" % (pattern, proxy.stderr()), 4 * PATIENCE)


class Databases(Checks):
    @contextlib.contextmanager
    def running(self, make):
        """One of with_server's, in a folder that its user may own."""
        with tempfile.TemporaryDirectory(prefix="greenway-test-") as folder:
            try:
                with make(pathlib.Path(folder)) as where:
                    yield where
            except SystemExit as end:
                if end.code == with_server.SKIPPED:
                    self.skipTest("the server is not installed")
                self.fail("the server: %s" % end.code)

    def life(self, make, kind, path, meanwhile=None):
        with self.running(make) as where:
            server = "unix:" + path(where)
            proxy = self.tcp_proxy(server, upstream="health_check = %s every=100ms timeout=20s rise=2 fall=2 start=down" % kind)
            self.said(proxy, r"server %s is up: answered as expected" % server)
            if meanwhile:
                meanwhile(where, proxy)
            self.assertNotIn("is down", proxy.stderr())
        self.said(proxy, r"server %s is down" % server)

    def test_postgresql(self):
        """It knows no user `greenway`, and says so as one that is well."""
        def meanwhile(where, proxy):
            done = subprocess.run(["psql", "-h", "127.0.0.1", "-p", str(proxy.port), "-U", "test", "-d", "postgres", "-Atc", "select 6*7"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=4 * PATIENCE)
            self.assertEqual((done.returncode, done.stdout), (0, "42\n"), done.stderr)
        self.life(with_server.postgres, "postgresql", lambda where: where["PGHOST"] + "/.s.PGSQL.5432", meanwhile)

    def test_redis(self):
        """Also when it wants a password."""
        def cli(where, *words):
            return subprocess.run(["redis-cli", "-s", where["REDIS_SOCKET"], *words], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=4 * PATIENCE).stdout

        def commands(where):
            return int(re.search(r"total_connections_received:(\d+)", cli(where, "-a", "secret", "info", "stats")).group(1))

        def meanwhile(where, proxy):
            self.assertEqual(cli(where, "config", "set", "requirepass", "secret"), "OK\n")
            before = commands(where)
            wait_for(lambda: commands(where) > before + 20, "more checks")
        self.life(with_server.redis, "redis", lambda where: where["REDIS_SOCKET"], meanwhile)

    def test_mariadb(self):
        self.life(with_server.mariadb, "mysql", lambda where: where["MARIADB_SOCKET"])


class Tls(Checks):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)
        self.good = self.ca.issue("127.0.0.1")

    def server(self, certificate, script=None):
        context = server_context(certificate)
        wrapped = over_tls(context, script or answering(lambda request: ok(b"hello")))

        def tolerant(wire, upstream):
            try:
                wrapped(wire, upstream)
            except ssl.SSLError:
                pass  # who checks may leave without a word
        return self.upstream(tolerant)

    def start(self, servers, check, wanted=("tls = on",)):
        return self.proxy(*servers, upstream="health_check = %s every=100ms timeout=%dms rise=1 fall=1 start=down\n%s\n"
                          % (check, 2000 * SCALE, "\n".join([*wanted, "tls_ca = " + self.ca.file])))

    def test_handshakes(self):
        late = self.server(self.ca.issue("127.0.0.1", subject="late", begins=-9, days=-1))
        plain = self.upstream(answering(lambda request: ok()))
        silent = self.upstream(lambda wire, upstream: idle(wire) and idle(wire) and wire.until_end())
        good = self.server(self.good)
        proxy = self.start([good, late, plain, silent], "tls")
        self.said(proxy, r"server %s is up: TLS handshake done" % good.server)
        wait_for(lambda: late.connections > 2 and plain.connections > 2 and silent.connections > 2, "checks of the others")
        for server in (late, plain, silent):
            self.assertNotIn("server %s is up" % server.server, proxy.stderr())
        for _ in range(4):
            self.assertEqual(proxy.exchange(get("/")).body, b"hello")

    def test_a_certificate_that_is_not_good_any_more(self):
        """The check says what is wrong with it."""
        context = server_context(self.good)
        server = self.upstream(over_tls(context, answering(lambda request: ok(b"hello"))))
        proxy = self.start([server], "tls")
        self.said(proxy, r"server %s is up" % server.server)
        context.load_cert_chain(self.ca.issue("127.0.0.1", subject="late", begins=-9, days=-1))
        self.said(proxy, r"server %s is down: TLS: tls_certificate_expired" % server.server)
        self.assertEqual(proxy.exchange(get("/")).status, 503)

    def test_http_over_tls(self):
        sick = self.server(self.good, answering(lambda request: b"HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n"))
        well = self.server(self.good)
        proxy = self.start([sick, well], "GET /healthz")
        self.said(proxy, r"server %s is up: status 200" % well.server)
        wait_for(lambda: len(sick.requests) > 3, "checks")
        self.assertNotIn("server %s is up" % sick.server, proxy.stderr())
        self.assertEqual(proxy.exchange(get("/")).body, b"hello")


class Slow(Checks):
    def proxy_of(self, delays, factor):
        """Servers that take so long to answer, in seconds, and clients that ask."""
        def respond(delay):
            return answering(lambda request: time.sleep(delay) or ok(b"%g" % delay))
        servers = [self.upstream(respond(delay)) for delay in delays]
        proxy = self.proxy(*servers, upstream="eject_latency = %d\neject_volume = 5\neject_window = 200ms\neject_time = 1h"
                           "\neject_time_max = 1h" % factor)
        stopping = threading.Event()

        def client():
            with proxy.dial(patience=4 * PATIENCE) as wire:
                while not stopping.is_set():
                    wire.exchange(get("/"))
        threads = [threading.Thread(target=client, daemon=True) for _ in range(12)]
        for thread in threads:
            thread.start()

        def stop():
            stopping.set()
            for thread in threads:
                thread.join(4 * PATIENCE)
        self.addCleanup(stop)
        return servers, proxy

    def test_a_server_that_is_much_slower_than_the_others(self):
        servers, proxy = self.proxy_of([0.01, 0.5 * SCALE, 0.01], 3)
        self.said(proxy, r"server %s gets no requests for .* s: its answers take [\d.e+]+ ms, those of the others [\d.e+]+ ms"
                  % servers[1].server)
        at = len(servers[1].requests)
        wait_for(lambda: len(servers[0].requests) > 2 * at + 100, "the others to go on")
        self.assertLessEqual(len(servers[1].requests), at + 12)  # what was under way, if anything
        self.assertEqual(proxy.stderr().count("gets no requests"), 1)

    def test_all_are_as_slow_as_each_other(self):
        servers, proxy = self.proxy_of([0.1] * 3, 100)
        wait_for(lambda: min(len(server.requests) for server in servers) > 20, "requests", 4 * PATIENCE)
        self.assertNotIn("gets no requests", proxy.stderr())


if __name__ == "__main__":
    main()
