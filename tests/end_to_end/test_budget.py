"""System calls are counted, not timed: a keepalive request has a budget, whatever the machine does meanwhile."""

import collections
import re
import shutil
import signal
import subprocess
import unittest

from certificates import Authority, secure
from harness import Case, main, sanitized
from patience import wait_for
from wire import get

REQUESTS = 300
BODY = 32 << 20
NETWORK = ("read", "write", "readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg", "epoll_wait", "epoll_pwait",
           "epoll_pwait2")


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
@unittest.skipIf(sanitized(), "sanitizers make calls of their own")
class Budget(Case):
    def count(self, proxy, work):
        """The system calls by name that all threads of the proxy make during work()."""
        output = self.path("strace.txt")
        tracer = subprocess.Popen(["strace", "-f", "-o", output, "-p", str(proxy.pid)], stderr=subprocess.PIPE, text=True)
        self.addCleanup(tracer.stderr.close)
        first = tracer.stderr.readline()
        if "attached" not in first:
            tracer.wait()
            self.skipTest("strace may not attach here: " + first)
        work()
        tracer.send_signal(signal.SIGINT)
        wait_for(lambda: tracer.poll() is not None, "the end of strace")
        with open(output) as lines:
            return collections.Counter(match.group(1) for match in (re.match(r"\d+ +(\w+)\(", line) for line in lines)
                                       if match)

    def test_keepalive_request(self):
        proxy = self.proxy(self.nginx("location / { return 200 'a small body'; }"))
        with proxy.dial() as wire:
            self.keep_within_budget(proxy, wire)

    def test_https_keepalive_request(self):
        ca = Authority(self.folder)
        upstream = self.nginx("location / { return 200 'a small body'; }")
        proxy = self.proxy(upstream, listener="certificate = " + ca.issue("one.example"))
        with secure(proxy.dial(), ca.client(), "one.example") as wire:
            self.keep_within_budget(proxy, wire)

    def test_large_body_over_https(self):
        """It cannot be spliced: it moves in pieces of 64 KiB, that is four records."""
        ca = Authority(self.folder)
        with open(self.path("body"), "wb") as file:
            file.write(bytes(range(256)) * (BODY // 256))
        proxy = self.proxy(self.nginx(f"location / {{ root {self.folder}; }}"),
                           listener="certificate = " + ca.issue("one.example"))
        with secure(proxy.dial(), ca.client(), "one.example") as wire:
            ask = lambda: self.assertEqual(wire.exchange(get("/body")).body, bytes(range(256)) * (BODY // 256))
            ask()
            calls = self.count(proxy, ask)
        for name in ("recvfrom", "sendto"):
            self.assertGreater(calls[name], BODY // (4 << 20), calls)
            self.assertLessEqual(calls[name], 2 * BODY // 65536, calls)  # twice: what came so far may be less

    def keep_within_budget(self, proxy, wire):
        def ask(times):
            for _ in range(times):
                self.assertEqual(wire.exchange(get("/")).status, 200)
        ask(20)
        calls = self.count(proxy, lambda: ask(REQUESTS))
        used = sum(calls[name] for name in NETWORK)
        self.assertGreater(used, 3 * REQUESTS, calls)  # or the trace saw nothing
        self.assertLessEqual(used, 6.1 * REQUESTS + 30, calls)  # some are the clock's: the log's timer, giving back memory
        self.assertEqual(calls["epoll_ctl"], 0, calls)
        self.assertLessEqual(calls["mmap"] + calls["munmap"] + calls["brk"], 4, calls)


if __name__ == "__main__":
    main()
