"""Slow attacks by slowhttptest: heads and bodies that trickle in, responses that are hardly read, ranges without number.
Meanwhile others are served as if nothing were, and in the end nobody of the attackers is left.

GREENWAY_ATTACKERS is the number of their connections; with GREENWAY_TEST_REPORT=1 the figures are printed
(`./dev bench slow`).
"""

import os
import subprocess
import threading
import time
import urllib.parse

from harness import PATIENCE, SCALE, Case, main, sanitized, wait_for
from wire import get

ATTACKERS = int(os.environ.get("GREENWAY_ATTACKERS", "1000"))
REPORT = os.environ.get("GREENWAY_TEST_REPORT") == "1"
SECONDS = 16  # an attack goes on for so long: slowness is judged after ten seconds

MODES = {
    "slow heads": ["-H", "-i", "1", "-x", "12"],
    "slow bodies": ["-B", "-i", "1", "-x", "12", "-s", "100000"],
    "slow reading": ["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "16"],
    "ranges": ["-R", "-a", "1", "-b", "3000", "-t", "GET"],
}

IMPATIENT = """[timeouts]
timeout_head = 3s
timeout_body = 3s
timeout_write = 3s
timeout_keepalive = 10s
timeout_response = 30s
"""


class Client(threading.Thread):
    """Somebody who has nothing to do with it: asks again and again, on new connections and on a kept one."""

    def __init__(self, proxy):
        super().__init__()
        self.proxy = proxy
        self.latencies = []
        self.errors = []
        self.over = threading.Event()

    def run(self):
        kept = None
        while not self.over.wait(0.01):
            begin = time.monotonic()
            try:
                if len(self.latencies) % 2:
                    status = self.proxy.exchange(get("/page")).status
                else:
                    kept = kept or self.proxy.dial()
                    answer = kept.exchange(get("/page"))
                    status = answer.status
                    if "close" in answer.tokens("Connection"):
                        kept.close()
                        kept = None
                if status != 200:
                    self.errors.append(status)
            except Exception as error:
                self.errors.append(repr(error))
                if kept:
                    kept.close()
                kept = None
            self.latencies.append(time.monotonic() - begin)
        if kept:
            kept.close()

    def finish(self):
        self.over.set()
        self.join()

    def percentile(self, share):
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class SlowAttacks(Case):
    def setUp(self):
        super().setUp()
        # What stands at /upload wants the whole body before it says anything.
        nginx = self.nginx("location = /upload { proxy_pass http://127.0.0.1:$server_port/page; }")
        for name, size in (("page", 1000), ("large", 20000000)):
            with open(os.path.join(nginx.www, name), "wb") as file:
                file.write(b"p" * size)
        self.server = nginx

    def attack(self, proxy, mode, connections, seconds):
        target = {"slow reading": "/large", "slow bodies": "/upload"}.get(mode, "/page")
        attacker = subprocess.Popen(
            ["slowhttptest", *MODES[mode], "-c", str(connections), "-r", str(max(1, connections // 3)),
             "-l", str(seconds), "-p", "3", "-u", urllib.parse.urljoin(proxy.url(), target)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, attacker)
        return attacker

    def end(self, attacker):
        if attacker.poll() is None:
            attacker.kill()
            attacker.wait()

    def served(self, proxy, seconds=None, until=None):
        """A client that runs for so long, or until the function returns."""
        client = Client(proxy)
        client.start()
        try:
            until() if until else time.sleep(seconds)
        finally:
            client.finish()
        return client

    def test_all_at_once(self):
        proxy = self.proxy(self.server, greenway="max_connections = %d" % (ATTACKERS * 2 + 100), extra=IMPATIENT)
        self.served(proxy, 0.5)
        before = self.served(proxy, 2)
        fds, memory = proxy.fds(), proxy.rss()
        most = {"fds": 0, "memory": 0}

        def rage():
            attackers = [self.attack(proxy, mode, ATTACKERS // len(MODES), SECONDS) for mode in MODES]
            while any(attacker.poll() is None for attacker in attackers):
                most["fds"] = max(most["fds"], proxy.fds())
                most["memory"] = max(most["memory"], proxy.rss())
                time.sleep(0.1)
        during = self.served(proxy, until=rage)

        self.assertEqual(during.errors, [])
        self.assertGreater(most["fds"] - fds, ATTACKERS // 4, "there was no attack to speak of")
        # The kernel's buffers apart, a connection costs a stack and at most some buffers.
        if not sanitized():
            self.assertLess(most["memory"] - memory, ATTACKERS * 100 * 1024 + (8 << 20))
        self.assertLess(during.percentile(0.5), 1000 * SCALE)
        # Those that were let go are gone.
        wait_for(lambda: proxy.fds() <= fds + 8, lambda: "%d descriptors, before the attack %d" % (proxy.fds(), fds))
        reasons = {}
        for entry in proxy.access_log(1):
            reasons[entry["reason"]] = reasons.get(entry["reason"], 0) + 1
        for reason in ("head_timeout", "body_too_slow", "write_timeout", "head_too_large"):
            self.assertGreater(reasons.get(reason, 0), ATTACKERS // 16, reasons)
        if REPORT:
            print("\n%d connections of attackers: %d descriptors, %.1f KiB of memory each" % (
                ATTACKERS, most["fds"] - fds, (most["memory"] - memory) / 1024 / max(1, most["fds"] - fds)))
            for name, client in (("before", before), ("during", during)):
                print("%s the attack: p50 %.1f ms, p99 %.1f ms, %d requests" % (
                    name, client.percentile(0.5), client.percentile(0.99), len(client.latencies)))
            print("how they ended: %s" % reasons)

    def test_a_house_full_of_them_lets_others_in(self):
        proxy = self.proxy(self.server, listener="max_connections = %d" % (ATTACKERS // 5))

        def rage():
            attacker = self.attack(proxy, "slow heads", ATTACKERS, 6)
            attacker.wait(PATIENCE * 4)
        during = self.served(proxy, until=rage)
        self.assertEqual([error for error in during.errors if error == 503], [])
        # The kept connection may be closed between two requests for somebody else's sake, as any idle one.
        self.assertLess(len(during.errors), len(during.latencies) // 4 + 1)
        self.assertGreater(len(during.latencies), 20)
        shed = sum(entry["reason"] == "shed" for entry in proxy.access_log(1))
        self.assertGreater(shed, 0)


if __name__ == "__main__":
    main()
