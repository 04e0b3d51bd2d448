"""Requests that are sent once more: when, how often, and above all when not."""

import threading

from admin import Admin
from harness import SMALL, answering, main, wait_for
from upstream import raw_answer, refused_port
from wire import get, ok, post


def resetting(wire, upstream):
    """Takes a request and resets the connection."""
    upstream.record(wire.request(), wire)
    wire.reset()


def silent(wire, upstream):
    """Takes requests and never answers."""
    upstream.record(wire.request(), wire)
    wire.sock.settimeout(None)
    wire.more()


def status(code):
    return answering(lambda request: b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % code)


class Retries(Admin):
    def refused(self):
        sock, where = refused_port()
        self.addCleanup(sock.close)
        return where

    def exchanges(self, proxy, count, request=None):
        return [proxy.exchange(request or get("/")).status for _ in range(count)]

    # --- when ------------------------------------------------------------------------------------------------

    def test_reset_goes_to_another_server(self):
        bad, good = self.upstream(resetting), self.upstream()
        proxy = self.with_admin(bad, good)
        self.assertEqual(self.exchanges(proxy, 6), [200] * 6)
        self.assertGreater(len(bad.requests), 0)
        entries = proxy.access_log(6)
        again = [entry for entry in entries if entry.get("tries") == 2]
        self.assertEqual(len(again), len(bad.requests))
        self.assertEqual({(entry["tried"], entry["server"]) for entry in again}, {(bad.server, good.server)})
        self.assertTrue(all("tried" not in entry for entry in entries if entry not in again))
        self.wait_metric(len(bad.requests), "greenway_upstream_retries_total")

    def test_reset_in_the_answers_head(self):
        bad, good = self.upstream(raw_answer(b"HTTP/1.1 200 OK\r\nConte", end="rst")), self.upstream()
        proxy = self.proxy(bad, good)
        self.assertEqual(self.exchanges(proxy, 4), [200] * 4)

    def test_what_has_begun_is_not_tried_again(self):
        """The client has had the start of an answer: another one would be a different one."""
        bad, good = self.upstream(raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal", end="rst")), self.upstream()
        proxy = self.proxy(bad, good)
        with proxy.dial() as wire:
            wire.send(get("/"))
            how, rest = wire.ending()
            self.assertIn(b"hal", rest)
        self.assertEqual(good.requests, [])

    def test_posts_are_not_sent_twice(self):
        bad, good = self.upstream(resetting), self.upstream()
        proxy = self.proxy(bad, good)
        self.assertEqual(proxy.exchange(post("/", b"once")).status, 502)
        self.assertEqual((len(bad.requests), len(good.requests)), (1, 0))
        self.assertEqual(proxy.access_log(1)[0]["reason"], "upstream_closed")

    def test_posts_are_sent_twice_by_choice(self):
        bad, good = self.upstream(resetting), self.upstream(answering(lambda request: ok(request.body)))
        proxy = self.proxy(bad, good, upstream="retry_methods = all")
        self.assertEqual(proxy.exchange(post("/", b"twice")).body, b"twice")
        self.assertEqual((len(bad.requests), len(good.requests)), (1, 1))

    def test_posts_pass_over_servers_that_refuse(self):
        """Nothing was sent."""
        good = self.upstream(answering(lambda request: ok(request.body)))
        proxy = self.proxy(self.refused(), good)
        for _ in range(4):
            self.assertEqual(proxy.exchange(post("/", b"body")).body, b"body")

    def test_puts_with_their_bodies(self):
        bad, good = self.upstream(resetting), self.upstream(answering(lambda request: ok(request.body)))
        proxy = self.proxy(bad, good)
        body = b"x" * 3000
        message = b"PUT / HTTP/1.1\r\nHost: h.example\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        for _ in range(4):
            self.assertEqual(proxy.exchange(message).body, body)

    def test_safe_methods_alone(self):
        bad, good = self.upstream(resetting), self.upstream()
        proxy = self.proxy(bad, good, upstream="retry_methods = safe")
        message = b"PUT / HTTP/1.1\r\nHost: h.example\r\nContent-Length: 1\r\n\r\nx"
        self.assertEqual(sorted(self.exchanges(proxy, 2, message)), [200, 502])
        self.assertEqual(self.exchanges(proxy, 4), [200] * 4)

    def test_statuses(self):
        bad, good = self.upstream(status(503)), self.upstream()
        proxy = self.proxy(bad, good, upstream="retry_on = 502 503")
        self.assertEqual(self.exchanges(proxy, 4), [200] * 4)
        self.assertGreater(len(bad.requests), 0)

    def test_statuses_that_were_not_asked_for(self):
        bad, good = self.upstream(status(500)), self.upstream()
        proxy = self.proxy(bad, good, upstream="retry_on = 503")
        self.assertEqual(sorted(self.exchanges(proxy, 4)), [200, 200, 500, 500])

    def test_last_answer_is_the_servers(self):
        """When all tries are used up the client gets what the server said."""
        bad = self.upstream(status(503))
        proxy = self.proxy(bad, upstream="retry_on = 503\nretries = 2\nretry_backoff = 1ms")
        answer = proxy.exchange(get("/"))
        self.assertEqual((answer.status, answer.body), (503, b"no"))
        self.assertEqual(len(bad.requests), 3)
        self.assertEqual(proxy.access_log(1)[0]["tries"], 3)

    def test_tries_that_take_too_long(self):
        bad, good = self.upstream(silent), self.upstream()
        proxy = self.proxy(bad, good, upstream="retry_on = timeout\ntimeout_try = 300ms")
        self.assertEqual(self.exchanges(proxy, 4), [200] * 4)
        self.assertGreater(len(bad.requests), 0)

    def test_a_try_that_takes_too_long_and_no_other(self):
        bad = self.upstream(silent)
        proxy = self.proxy(bad, upstream="timeout_try = 300ms")
        answer = proxy.exchange(get("/"))
        self.assertEqual(answer.status, 504)
        self.assert_own_page(answer)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("try_timeout", "timeout_try"))

    def test_all_tries_have_one_time(self):
        bad = self.upstream(silent)
        proxy = self.proxy(bad, upstream="retry_on = timeout\ntimeout_try = 400ms\ntimeout_response = 1s\nretries = 50")
        self.assertEqual(proxy.exchange(get("/")).status, 504)
        self.assertEqual(proxy.access_log(1)[0]["reason"], "response_timeout")
        self.assertLess(len(bad.requests), 10)

    def test_off(self):
        bad, good = self.upstream(resetting), self.upstream()
        proxy = self.proxy(bad, good, upstream="retry_on = off")
        self.assertEqual(sorted(self.exchanges(proxy, 4)), [200, 200, 502, 502])

    def test_connect_failures_can_be_left(self):
        good = self.upstream()
        proxy = self.proxy(self.refused(), good, upstream="retry_on = reset")
        self.assertEqual(sorted(self.exchanges(proxy, 4)), [200, 200, 502, 502])

    def test_client_that_leaves_is_not_tried_for(self):
        bad = self.upstream(silent)
        proxy = self.proxy(bad, upstream="retry_on = timeout reset\ntimeout_try = 20s")
        with proxy.dial() as wire:
            wire.send(get("/"))
            bad.wait_requests(1)
            wire.reset()
        bad.wait_live(0)
        self.assertEqual(proxy.access_log(1)[0]["reason"], "client_gone")
        self.assertEqual(len(bad.requests), 1)

    def test_backups_in_the_same_request(self):
        """Nobody has to fail first for it to be known that they are needed."""
        backup = self.upstream()
        proxy = self.proxy(self.refused(), self.refused(), backup.server + " backup", upstream="eject_after = off")
        self.assertEqual(self.exchanges(proxy, 4), [200] * 4)

    def test_who_failed_before_is_asked_before_all_is_given_up(self):
        first, others = self.upstream(status(503)), [self.upstream() for _ in range(2)]
        proxy = self.proxy(first, *others, upstream="eject_after = 2\neject_time = 1h\neject_time_max = 1h")
        wait_for(lambda: self.exchanges(proxy, 1) and "gets no requests" in proxy.stderr(), "an ejection")
        first.script = answering(lambda request: ok(b"well again"))
        asked = len(first.requests)
        self.assertEqual(self.exchanges(proxy, 6), [200] * 6)
        self.assertEqual(len(first.requests), asked)
        for server in others:
            server.stop()
        for _ in range(4):
            self.assertEqual(proxy.exchange(get("/")).body, b"well again")
        self.assertNotIn("gets requests again", proxy.stderr())

    # --- how often -------------------------------------------------------------------------------------------

    def test_tries_are_bounded(self):
        """No storm when all servers are down: requests times (1 + retries) at most."""
        bad = [self.upstream(resetting) for _ in range(5)]
        proxy = self.proxy(*bad, upstream="retries = 2\nretry_backoff = 1ms\neject_after = off")
        self.assertEqual(self.exchanges(proxy, 4), [502] * 4)
        self.assertEqual(sum(len(server.requests) for server in bad), 12)
        self.assertTrue(all(entry["tries"] == 3 for entry in proxy.access_log(4)))

    def test_connects_are_bounded(self):
        proxy = self.proxy(*[self.refused() for _ in range(8)], upstream="retries = 2")
        self.assertEqual(self.exchanges(proxy, 3), [502] * 3)
        self.assertTrue(all(entry["tries"] == 3 for entry in proxy.access_log(3)))

    def test_budget(self):
        """Ten a second are always allowed, and a reserve of ten seconds; what goes beyond fails at once."""
        bad = self.upstream(resetting)
        proxy = self.with_admin(bad, upstream="retries = 100\nretry_budget = 0%\nretry_backoff = 1ms\neject_after = off")
        self.assertEqual(self.exchanges(proxy, 4), [502] * 4)
        self.assertGreater(len(bad.requests), 50)
        self.wait_metric(len(bad.requests) - 4, "greenway_upstream_retries_total")
        wait_for(lambda: self.metrics().sum("greenway_upstream_retries_refused_total") >= 1, "a retry that was refused")

    # --- together --------------------------------------------------------------------------------------------

    def test_one_of_three_dies_under_load(self):
        """Nobody sees it."""
        respond = answering(lambda request: ok(b"fine"))
        servers = [self.upstream(respond) for _ in range(3)]
        proxy = self.proxy(*servers)
        seen, rounds = [], 20 if SMALL else 60

        def client():
            for _ in range(rounds):
                seen.append(proxy.exchange(get("/")).status)
        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        servers[0].wait_requests(5)
        servers[0].stop()  # connections under way and idle ones end, and new ones are refused
        for thread in threads:
            thread.join()
        self.assertEqual(seen, [200] * 4 * rounds)

    def test_tcp_passes_over_servers_that_refuse(self):
        good = self.upstream()
        proxy = self.tcp_proxy(self.refused(), self.refused(), good)
        self.assertEqual(self.exchanges(proxy, 3), [200] * 3)


if __name__ == "__main__":
    main()
