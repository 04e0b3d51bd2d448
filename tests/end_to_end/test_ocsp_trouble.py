"""OCSP stapling with responders that fail for a while, or hang: what was said before lasts, but not too long."""

import threading

from harness import PATIENCE, SCALE, main, wait_for
from stapling import Stapling


class Trouble(Stapling):
    def test_kept_while_the_responder_fails_until_it_is_out_of_date(self):
        proxy = self.start(lambda _: (200, self.response(self.leaf, begins=0, seconds=10 * max(1, min(3, int(SCALE))))))
        self.wait_for_staple(proxy)
        self.asked.answer = lambda _: (503, b"")
        self.wait_for_word(proxy, "no new response of OCSP could be had")
        self.assertIn("another status than 200; the one before is good for", proxy.stderr())
        wait_for(lambda: self.stapled(proxy) is None, "the end of its time", 60 * SCALE)
        self.asked.answer = lambda _: (200, self.response(self.leaf))
        wait_for(lambda: self.stapled(proxy) == "good", "a new one", 120)
        self.wait_for_word(proxy, "there is a response of OCSP again")
        self.assertGreaterEqual(self.metrics().sum("greenway_ocsp_failures_total"), 1)

    def test_slow(self):
        held = threading.Event()
        self.addCleanup(held.set)
        self.fails(lambda _: (held.wait(PATIENCE * 4) and 200, b""), "timed out")


if __name__ == "__main__":
    main()
