"""Requests that go to a second server while the first one is slow: when, who wins, and what becomes of the loser."""

import threading

from admin import Admin
from harness import answering, main, wait_for
from upstream import refused_port
from wire import get, ok, post

SOON = "hedge_after = 100ms\n"


class Slow:
    """A server's script that takes requests and answers when it is told to; `ended` counts connections that were closed
    before."""

    def __init__(self, body=b"slow"):
        self.body, self.go, self.ended, self.taken = body, threading.Event(), 0, 0

    def __call__(self, wire, upstream):
        while True:
            request = wire.request()
            if request is None:
                return
            upstream.record(request, wire)
            self.taken += 1
            while not self.go.is_set():
                if wire.readable(0.02):
                    self.ended += 1
                    return
            wire.send(ok(self.body))


class Hedging(Admin):
    def slow_and_fast(self, upstream=SOON, slow=None, **sections):
        """balance = first: every request goes to the slow one to begin with."""
        self.slow = slow or Slow()
        self.first, self.second = self.upstream(self.slow), self.upstream(answering(lambda request: ok(b"fast")))
        self.addCleanup(self.slow.go.set)
        return self.with_admin(self.first, self.second, upstream="balance = first\neject_after = off\n" + upstream, **sections)

    def hedges(self, sent, won):
        self.wait_metric(sent, "greenway_upstream_hedges_total")
        self.wait_metric(won, "greenway_upstream_hedges_won_total")

    # --- who wins ----------------------------------------------------------------------------------------------------

    def test_second_one_wins(self):
        proxy = self.slow_and_fast()
        with proxy.dial() as wire:
            for _ in range(3):
                self.assertEqual(wire.exchange(get("/a")).body, b"fast")
        wait_for(lambda: self.slow.ended == 3, "the losers' connections to be closed")
        self.assertEqual(self.second.connections, 1, "the winner's is kept")
        self.hedges(3, 3)
        for entry in proxy.access_log(3):
            self.assertEqual((entry["hedge"], entry["tries"], entry["server"], entry["reason"]),
                             ("won", 2, self.second.server, ""))
            self.assertLess(90, entry["t_first_byte"])

    def test_first_one_wins(self):
        proxy = self.slow_and_fast(slow=Slow(b"first"))
        other = Slow()
        self.addCleanup(other.go.set)
        self.second.script = other
        with proxy.dial() as wire:
            wire.send(get("/a"))
            wait_for(lambda: other.taken == 1, "the second try")
            self.slow.go.set()
            self.assertEqual(wire.final().body, b"first")
            wait_for(lambda: other.ended == 1, "the loser's connection to be closed")
            self.assertEqual(wire.exchange(get("/b")).body, b"first")
        self.assertEqual(self.first.connections, 1, "the winner's is kept")
        self.hedges(1, 0)
        entry = proxy.access_log(2)[0]
        self.assertEqual((entry["hedge"], entry["tries"], entry["server"]), ("lost", 2, self.first.server))

    def test_large_answers_of_winners(self):
        body = bytes(range(256)) * 8192
        proxy = self.slow_and_fast()
        self.second.script = answering(lambda request: ok(body))
        with proxy.dial() as wire:
            for _ in range(3):
                self.assertEqual(wire.exchange(get("/a")).body, body)

    def test_first_one_dies_while_the_second_thinks(self):
        """No retry is left; the answer of the second try is."""
        proxy = self.slow_and_fast("retries = 0\n" + SOON)
        other = Slow(b"second")
        self.addCleanup(other.go.set)
        self.second.script = other
        with proxy.dial() as wire:
            wire.send(get("/a"))
            wait_for(lambda: other.taken == 1, "the second try")
            self.first.stop()
            other.go.set()
            self.assertEqual(wire.final().body, b"second")

    def test_second_one_fails(self):
        sock, refused = refused_port()
        self.addCleanup(sock.close)
        for second in (refused, self.upstream(answering(lambda request: b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"))):
            with self.subTest(second=second):
                slow = Slow()
                self.addCleanup(slow.go.set)
                proxy = self.with_admin(self.upstream(slow), second, upstream="balance = first\n" + SOON)
                with proxy.dial() as wire:
                    wire.send(get("/a"))
                    wait_for(lambda: slow.taken == 1, "the first try")
                    wait_for(lambda: self.metrics().sum("greenway_server_failures_total") +
                             self.metrics().sum("greenway_server_connect_failures_total") > 0 or
                             not isinstance(second, str) and second.requests, "the second try")
                    slow.go.set()
                    self.assertEqual(wire.final().body, b"slow")

    def test_both_are_silent(self):
        proxy = self.slow_and_fast("timeout_response = 600ms\n" + SOON)
        other = Slow()
        self.addCleanup(other.go.set)
        self.second.script = other
        answer = proxy.exchange(get("/a"))
        self.assertEqual(answer.status, 504)
        self.assertEqual((self.slow.taken, other.taken), (1, 1))
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("response_timeout", "timeout_response"))
        wait_for(lambda: self.slow.ended == other.ended == 1, "both to be let go")

    def test_client_that_leaves(self):
        proxy = self.slow_and_fast()
        other = Slow()
        self.addCleanup(other.go.set)
        self.second.script = other
        wire = proxy.dial()
        wire.send(get("/a"))
        wait_for(lambda: other.taken == 1, "the second try")
        wire.reset()
        wait_for(lambda: self.slow.ended == other.ended == 1, "both to be let go")
        self.assertEqual(proxy.access_log(1)[0]["reason"], "client_gone")

    def test_one_that_hangs_is_ejected(self):
        """Though others answer in its place."""
        self.slow = Slow()
        self.addCleanup(self.slow.go.set)
        self.first, self.second = self.upstream(self.slow), self.upstream()
        proxy = self.with_admin(self.first, self.second, upstream="balance = first\neject_after = 3\neject_time = 5m\n" + SOON)
        with proxy.dial() as wire:
            for _ in range(6):
                self.assertEqual(wire.exchange(get("/a")).status, 200)
        self.assertEqual(self.slow.taken, 3)

    # --- when not ----------------------------------------------------------------------------------------------------

    def never(self, proxy, request):
        taken = self.slow.taken
        with proxy.dial() as wire:
            wire.send(request)
            wait_for(lambda: self.slow.taken > taken, "the first try")
            self.assertFalse(wire.readable(0.4))
            self.slow.go.set()
            self.assertEqual(wire.final().body, b"slow")
            self.slow.go.clear()
        self.assertEqual(len(self.second.requests), 0)

    def test_requests_that_must_not_be_sent_twice(self):
        proxy = self.slow_and_fast()
        self.never(proxy, post("/a", b"body"))
        self.never(proxy, "POST /a HTTP/1.1\r\nHost: h.example\r\nContent-Length: 0\r\n\r\n")
        self.never(proxy, "PUT /a HTTP/1.1\r\nHost: h.example\r\nContent-Length: 2\r\n\r\nhi")
        self.never(proxy, "PATCH /a HTTP/1.1\r\nHost: h.example\r\n\r\n")
        self.hedges(0, 0)

    def test_safe_methods_alone(self):
        proxy = self.slow_and_fast("retry_methods = safe\n" + SOON)
        self.never(proxy, "DELETE /a HTTP/1.1\r\nHost: h.example\r\n\r\n")
        self.assertEqual(proxy.exchange(get("/a")).body, b"fast")

    def test_no_place_at_the_other(self):
        proxy = self.slow_and_fast(SOON + "max_connections = 1\nqueue_timeout = 1m\nretry_on = off")
        held = Slow()
        self.addCleanup(held.go.set)
        self.second.script = held
        with proxy.dial() as one, proxy.dial() as two:
            one.send(get("/1"))
            wait_for(lambda: held.taken == 1, "the second try")
            two.send(get("/2"))  # both servers are taken by one request: it waits
            self.assertFalse(two.readable(0.4))
            self.slow.go.set()
            self.assertEqual(one.final().body, b"slow")
            self.assertEqual(two.final().body, b"slow")
        # The place that the first try beside it frees may be the second request's, which is hedged in its turn.
        wait_for(lambda: held.ended == held.taken, "the losers' places")

    def test_budget(self):
        """Ten a second, and what a share of the traffic adds: here 0 %."""
        proxy = self.slow_and_fast("hedge_after = 1ms\nretry_budget = 0%\n")
        wires = [proxy.dial() for _ in range(300)]
        for wire in wires:
            wire.send(get("/a"))
        wait_for(lambda: self.slow.taken + len(self.second.requests) >= 300, "all requests to be sent")
        wait_for(lambda: self.metrics().sum("greenway_upstream_retries_refused_total") > 0, "the budget to be used up")
        self.slow.go.set()
        for wire in wires:
            self.assertEqual(wire.final().status, 200)
            wire.close()

    def test_off(self):
        self.never(self.slow_and_fast(""), get("/a"))

    # --- percentiles -------------------------------------------------------------------------------------------------

    def test_percentile(self):
        """Nothing is hedged until enough answers were seen; then what takes longer than most of them."""
        proxy = self.slow_and_fast("hedge_after = 95%\n")
        self.slow.go.set()
        with proxy.dial() as wire:
            def seen():
                for _ in range(100):
                    self.assertEqual(wire.exchange(get("/quick")).status, 200)
                self.slow.go.clear()
                with proxy.dial() as other:
                    other.send(get("/slow"))
                    fast = other.readable(0.5)
                    self.slow.go.set()
                    return other.final().body == b"fast" and fast
            wait_for(seen, "a hedged request")


if __name__ == "__main__":
    main()
