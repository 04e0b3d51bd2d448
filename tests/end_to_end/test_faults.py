"""System calls that fail: strace makes one call after another return an error, while requests of every kind run.

An interrupted call is repeated, and nobody notices. Any other error may cost the requests that it hits, visibly: an
error page or a connection that breaks off, never a wrong body and never a proxy that hangs or ends.
"""

import os
import random
import shutil
import subprocess
import unittest

from harness import Case, SMALL, answering, main, wait_for
from wire import Truncated, get, ok, ok_chunked, post, post_chunked

BODY = random.Random(3).randbytes(300000)
INTERRUPTED = ("recvfrom", "sendto", "writev", "splice", "connect", "accept4", "epoll_wait", "epoll_pwait", "read",
               "write")
# The calls of a kind that get it, one in each run; GREENWAY_TEST_FULL=1: each of so many.
FULL = os.environ.get("GREENWAY_TEST_FULL") == "1"
FAILING = (("recvfrom", "ECONNRESET", (1, 4, 9)), ("recvfrom", "ETIMEDOUT", (2,)), ("sendto", "EPIPE", (1, 2, 7)),
           ("sendto", "ECONNRESET", (3,)), ("writev", "EPIPE", (1,)), ("splice", "ECONNRESET", (1, 4)),
           ("splice", "EINVAL", (1,)), ("connect", "ECONNREFUSED", (1,)), ("connect", "EADDRNOTAVAIL", (1,)),
           ("socket", "EMFILE", (1,)), ("accept4", "ECONNABORTED", (1,)), ("accept4", "EMFILE", (1,)),
           ("accept4", "ENOMEM", (2,)), ("pipe2", "EMFILE", (1,)), ("epoll_ctl", "ENOMEM", (1, 2)),
           ("shutdown", "ENOTCONN", (1,)))


def answer(request):
    if request.target == "/chunked":
        return ok_chunked([request.body[:1000], request.body[1000:]])
    return ok(request.body or b"nothing")


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class Faults(Case):
    def setUp(self):
        super().setUp()
        self.app = self.upstream(answering(answer))
        self.gateway = self.proxy(self.app,
                                  upstream="timeout_response = 2s\ntimeout_read = 2s\ntimeout_connect = 1s",
                                  extra="[timeouts]\ntimeout_head = 2s\ntimeout_body = 2s\ntimeout_linger = 1s\n")

    def trace(self, call, what):
        """Attaches strace, which says so first."""
        tracer = subprocess.Popen(["strace", "-f", "-o", self.path("strace.txt"), "-e", "trace=" + call, "-e",
                                   "inject=%s:%s" % (call, what), "-p", str(self.gateway.pid)],
                                  stderr=subprocess.PIPE, text=True)
        first = tracer.stderr.readline()
        if "attached" not in first:
            tracer.wait()
            tracer.stderr.close()
            self.skipTest("strace may not attach here: " + first)
        return tracer

    def release(self, tracer):
        tracer.terminate()
        tracer.stderr.read()
        tracer.stderr.close()
        wait_for(lambda: tracer.poll() is not None, "the end of strace")
        with open(self.path("strace.txt")) as file:
            return file.read().count("(INJECTED)")

    def workload(self):
        """Requests of every kind on three connections: for each, whether it got its right answer. A wrong one fails."""
        results = []
        for _ in range(3):
            requests = ((get("/a"), b"nothing"), (post("/b", BODY), BODY),
                        (post_chunked("/chunked", [BODY[:5000]] * 3), BODY[:5000] * 3),
                        (post("/c", b"short"), b"short"), (get("/d"), b"nothing"))
            wire = None
            for request, body in requests:
                try:
                    if wire is None:
                        wire = self.gateway.dial()
                    reply = wire.exchange(request)
                except (ConnectionError, Truncated):
                    results.append(False)
                    if wire:
                        wire.close()
                    wire = None
                    continue
                if reply.status == 200:
                    self.assertEqual(reply.body, body, "a wrong body")
                else:
                    self.assertGreaterEqual(reply.status, 400)
                    self.assert_own_page(reply)
                results.append(reply.status == 200)
                if "close" in reply.tokens("Connection"):
                    wire.close()
                    wire = None
            if wire:
                wire.close()
        return results

    def test_interrupted_calls(self):
        hit = 0
        for call in INTERRUPTED:
            with self.subTest(call=call):
                # No further than this: a call that strace is about to fail when it leaves fails with ENOSYS instead.
                tracer = self.trace(call, "error=EINTR:when=1..19+2")
                results = self.workload()
                hit += self.release(tracer)
                self.assertTrue(all(results), "%s: %s" % (call, results))
        self.assertGreater(hit, 50)

    def test_failing_calls(self):
        hit = lost = done = 0
        for call, error, positions in FAILING:
            for position in range(1, max(positions) + 4) if FULL else positions[:1] if SMALL else positions:
                with self.subTest(call=call, error=error, position=position):
                    tracer = self.trace(call, "error=%s:when=%d" % (error, position))
                    results = self.workload()
                    hit += self.release(tracer)
                    lost += results.count(False)
                    done += len(results)
                    self.assertLessEqual(results.count(False), 2, "one error costs one request, or those behind it")
                    self.assertTrue(all(self.workload()), "and leaves nothing behind")
        self.assertGreater(hit, len(FAILING) // 2)
        self.assertLess(lost, done // 5)


if __name__ == "__main__":
    main()
