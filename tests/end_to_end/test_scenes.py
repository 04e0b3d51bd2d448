"""Servers in trouble, and clients that must not notice: real nginx, killed, frozen, restarted, faulty, under load.
bench/upstreams has the long form, beside other proxies."""

import collections
import os
import re
import signal
import threading
import time

from harness import PATIENCE, SCALE, SMALL, Case, answering, main, sanitized, wait_for
from wire import Truncated, get, ok

NAMED = 'location = /healthz { return 200 "fine"; } location / { return 200 "%s"; }'


class Clients:
    """Ask one request after the other on kept connections, each its own, until they are told to stop."""

    def __init__(self, proxy, count=6):
        self.proxy = proxy
        self.seen = collections.Counter()  # statuses, or what broke
        self.answers = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        wire = None
        while not self.stopping.is_set():
            try:
                wire = wire or self.proxy.dial(patience=4 * PATIENCE)
                answer = wire.exchange(get("/"))
                what = answer.status
                if "close" in answer.tokens("Connection"):
                    wire.close()
                    wire = None
            except (OSError, Truncated) as error:
                what = repr(error)
                if wire:
                    wire.close()
                wire = None
            self.seen[what] += 1
            self.answers += 1
        if wire:
            wire.close()

    def wait_more(self, count):
        """Until so many more requests have ended."""
        goal = self.answers + count
        wait_for(lambda: self.answers >= goal, lambda: "%d answers; there are %d" % (goal, self.answers), 4 * PATIENCE)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(4 * PATIENCE)
            assert not thread.is_alive(), "a client hangs"
        return dict(self.seen)


class Scene(Case):
    COUNT = 20 if SMALL else 100  # requests between two troubles

    def three(self, server=None):
        return [self.nginx(server or NAMED % name) for name in ("one", "two", "three")]

    def clients(self, proxy, count=6):
        clients = Clients(proxy, count)
        self.addCleanup(clients.stop)
        return clients

    def again(self, nginx):
        """On its port."""
        wait_for(nginx.launch, "nginx to start again")

    def freeze(self, nginx, number=signal.SIGSTOP):
        with open("/proc/%d/task/%d/children" % (nginx.process.pid, nginx.process.pid)) as file:
            for pid in [nginx.process.pid, *map(int, file.read().split())]:
                os.kill(pid, number)

    def said(self, proxy, pattern):
        wait_for(lambda: re.search(pattern, proxy.stderr()), lambda: "%r in:\n%s" % (pattern, proxy.stderr()), 4 * PATIENCE)


class Unnoticed(Scene):
    def test_one_after_the_other_is_killed(self):
        servers = self.three()
        proxy = self.proxy(*servers)
        clients = self.clients(proxy)
        for number in range(6):
            clients.wait_more(self.COUNT)
            servers[number % 3].kill()
            clients.wait_more(self.COUNT)
            self.again(servers[number % 3])
        self.assertEqual(set(clients.stop()), {200})

    def test_a_rolling_restart(self):
        """Graceful: each ends when its last request has, and closes what is kept."""
        servers = self.three()
        proxy = self.proxy(*servers, upstream="health_check = GET /healthz every=100ms timeout=10s")
        clients = self.clients(proxy)
        for number in range(6):
            clients.wait_more(self.COUNT)
            nginx = servers[number % 3]
            nginx.process.send_signal(signal.SIGQUIT)
            nginx.process.wait(PATIENCE)
            self.again(nginx)
        clients.wait_more(self.COUNT)
        self.assertEqual(set(clients.stop()), {200})

    def test_one_is_frozen(self):
        """It accepts connections, since its kernel does, and never answers."""
        servers = self.three()
        proxy = self.proxy(*servers, upstream="timeout_try = %dms\nretry_on = connect_failure reset timeout\n"
                           "retry_budget = 100%%\neject_after = 3\neject_time = 100ms\neject_time_max = 500ms"
                           % (1000 * SCALE))
        clients = self.clients(proxy)
        clients.wait_more(self.COUNT)
        self.freeze(servers[0])
        self.addCleanup(self.freeze, servers[0], signal.SIGCONT)
        self.said(proxy, r"server %s gets no requests" % servers[0].server)
        clients.wait_more(self.COUNT)
        self.freeze(servers[0], signal.SIGCONT)
        served = len(proxy.access_lines())
        wait_for(lambda: any(servers[0].server in line and '"tries"' not in line
                             for line in proxy.access_lines()[served:]), "the server to serve again")
        self.assertEqual(set(clients.stop()), {200})

    def faulty(self, answer):
        servers = [self.nginx("reset_timedout_connection on; location / { %s }" % answer), *self.three()[1:]]
        proxy = self.proxy(*servers, upstream="retry_on = connect_failure reset 503")
        clients = self.clients(proxy)
        self.said(proxy, r"server %s gets no requests for .* failures in a row" % servers[0].server)
        clients.wait_more(2 * self.COUNT)
        self.assertEqual(set(clients.stop()), {200})

    def test_one_answers_503(self):
        self.faulty("return 503;")

    def test_one_resets(self):
        self.faulty("return 444;")


class Noticed(Scene):
    def test_errors_end_when_the_check_has_failed(self):
        """Without retries each failure is seen, but none after the server is known to be down; and when it is back it
        gets little at first."""
        servers = self.three()
        proxy = self.proxy(*servers, upstream="retries = 0\neject_after = off\nslow_start = 1h\n"
                           "health_check = GET /healthz every=100ms timeout=10s rise=1 fall=2")
        clients = self.clients(proxy)
        clients.wait_more(self.COUNT)
        servers[0].kill()
        self.said(proxy, r"server %s is down" % servers[0].server)
        clients.stop()  # some of theirs were under way
        clients = self.clients(proxy)
        clients.wait_more(2 * self.COUNT)
        self.assertEqual(set(clients.seen), {200})
        self.again(servers[0])
        self.said(proxy, r"server %s is up" % servers[0].server)
        at = len(proxy.access_lines())
        clients.wait_more(3 * self.COUNT)
        clients.stop()
        shares = collections.Counter(re.search(r'"server":"([^"]*)"', line).group(1) for line in proxy.access_lines()[at:])
        self.assertGreater(shares[servers[0].server], 0)
        self.assertLess(shares[servers[0].server] * 3, shares[servers[1].server])

    def test_all_are_gone_and_come_back(self):
        """503 at once, nothing grows, and nobody has to reload anything."""
        servers = self.three()
        proxy = self.proxy(*servers, upstream="health_check = GET /healthz every=100ms timeout=10s rise=1 fall=1")
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        for nginx in servers:
            nginx.kill()
        for nginx in servers:
            self.said(proxy, r"server %s is down" % nginx.server)

        def refused(count):
            with proxy.dial() as wire:
                for _ in range(count):
                    answer = wire.exchange(get("/"))
                    self.assertEqual(answer.status, 503)
                    self.assert_own_page(answer)
        refused(100)
        memory, descriptors = proxy.rss(), proxy.fds()
        refused(300 if SMALL else 3000)
        self.assertEqual({entry["reason"] for entry in proxy.access_log(400)[1:]}, {"servers_down"})
        wait_for(lambda: proxy.fds() <= descriptors + 4, "the descriptors to be as few as before")
        if not sanitized():
            self.assertLess(proxy.rss() - memory, 1024 * 1024)
        for nginx in servers:
            self.again(nginx)
        wait_for(lambda: {proxy.exchange(get("/")).body for _ in range(6)} == {b"one", b"two", b"three"},
                 "all three to serve again")

    def test_no_storm_when_all_fail(self):
        """However many clients ask at once: each request is tried as often as `retries` allows, at most."""
        def script(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.reset()
        servers = [self.upstream(script) for _ in range(3)]
        proxy = self.proxy(*servers, upstream="retries = 2\nretry_backoff = 1ms\nretry_budget = 100%")
        clients = self.clients(proxy, 8)
        clients.wait_more(80)
        self.assertEqual(set(clients.stop()), {502})
        tries = sum(entry.get("tries", 1) for entry in proxy.access_log(clients.answers))
        self.assertEqual(sum(len(server.requests) for server in servers), tries)
        self.assertLessEqual(tries, 3 * clients.answers)
        self.assertGreater(tries, clients.answers)

    def test_the_budget_bounds_the_storm(self):
        def script(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.reset()
        servers = [self.upstream(script) for _ in range(3)]
        proxy = self.proxy(*servers, upstream="retries = 10\nretry_backoff = 1ms\nretry_budget = 0%\neject_after = off")
        clients = self.clients(proxy, 4)
        wait_for(lambda: any('"tries"' not in line for line in proxy.access_lines()), "a request that is not tried again")
        clients.stop()


class Flapping(Case):
    def test_forty_servers_that_flap(self):
        """Checks come as often as they were asked for and no oftener, whatever they find; and each is a connection that
        ends."""
        servers = []
        for number in range(40):
            def respond(request, seen=[number]):
                seen[0] += 1
                return ok(b"fine") if seen[0] // 2 % 2 else b"HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n"
            servers.append(self.upstream(answering(respond)))
        every = 0.5 * SCALE
        began = time.monotonic()
        proxy = self.proxy(*servers, upstream="health_check = GET /healthz every=%dms timeout=30s rise=1 fall=1" % (every * 1000))
        wait_for(lambda: all(len(server.requests) >= 5 for server in servers), "five checks of each server", 10 * PATIENCE)
        counts = [len(server.requests) for server in servers]
        elapsed = time.monotonic() - began
        self.assertLessEqual(max(counts), elapsed / (every * 0.9) + 2)  # they come a tenth early at the most
        for word in ("is down", "is up"):
            wait_for(lambda: proxy.stderr().count(word) > 40, "each server to be down and up again", 10 * PATIENCE)
        wait_for(lambda: sum(server.live for server in servers) <= 4, "the checks' connections to end")


if __name__ == "__main__":
    main()
