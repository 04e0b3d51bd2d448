"""The wall clock jumps by days, forth and back: no timeout fires early or never, and logs tell the time."""

import glob
import os
import time
from datetime import datetime, timedelta, timezone

from harness import Case, answering, echo, main, sanitized
from wire import get

LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)


class Jumps(Case):
    def set_clock(self, offset):
        with open(self.path("clock.new"), "w") as file:
            file.write(offset)
        os.rename(self.path("clock.new"), self.path("clock"))

    def start(self, **sections):
        if not LIBRARY or sanitized():
            self.skipTest("no libfaketime that could be preloaded")
        self.set_clock("+0")
        environment = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.path("clock"), "FAKETIME_NO_CACHE": "1",
                       "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        os.environ.update(environment)
        try:
            return self.proxy(self.upstream(answering(echo)), **sections)
        finally:
            for name in environment:
                del os.environ[name]

    def logged_after(self, proxy):
        """How far the log's clock is from ours, for a request that is made now."""
        before = len(proxy.access_lines())
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        entry = proxy.access_log(before + 1)[-1]
        self.assertLess(entry["t_total"], 60000)
        moment = datetime.fromisoformat(entry["time"].replace("Z", "+00:00"))
        return moment - datetime.now(timezone.utc)

    def test_days(self):
        proxy = self.start(listener="timeout_keepalive = 30s\ntimeout_head = 30s\n")
        with proxy.dial() as idle, proxy.dial() as half:
            self.assertEqual(idle.exchange(get("/")).status, 200)
            half.send(b"GET / HTTP/1.1\r\n")
            for offset, days in (("+1d", 1), ("-1d", -1), ("+0", 0)):
                self.set_clock(offset)
                error = self.logged_after(proxy) - timedelta(days=days)
                self.assertLess(abs(error.total_seconds()), 60, offset)
            self.assertEqual(idle.exchange(get("/")).status, 200, "it was not closed early")
            half.send(b"Host: h\r\n\r\n")
            self.assertEqual(half.final().status, 200)

    def test_timeouts_still_fire(self):
        proxy = self.start(listener="timeout_keepalive = 1s\ntimeout_head = 1s\n")
        with proxy.dial() as idle, proxy.dial() as half:
            self.assertEqual(idle.exchange(get("/")).status, 200)
            half.send(b"GET / HTTP/1.1\r\n")
            self.set_clock("-1d")
            began = time.monotonic()
            self.assertEqual(half.final().status, 408)
            self.assertEqual(idle.ending()[1], b"")
            self.assertGreater(time.monotonic() - began, 0.3)


if __name__ == "__main__":
    main()
