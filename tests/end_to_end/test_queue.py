"""Servers that may have only so many requests at a time, and the queue in front of them."""

import json
import signal
import threading
import time

from admin import Admin
from control_client import dial_control
from harness import answering, main, wait_for
from wire import get, ok


class Gate:
    """A server's script that answers when it is told to, and knows how many requests it had at a time."""

    def __init__(self):
        self.lock = threading.Lock()
        self.permits = threading.Semaphore(0)
        self.now = self.most = 0
        self.order = []

    def __call__(self, request):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.order.append(request.target)
        self.permits.acquire()
        with self.lock:
            self.now -= 1
        return ok(request.target.encode())

    def open(self, count=1000):
        for _ in range(count):
            self.permits.release()


class Queue(Admin):
    def gate(self):
        gate = Gate()
        self.addCleanup(gate.open)
        return gate, self.upstream(answering(gate))

    def dial(self, proxy, target):
        wire = proxy.dial()
        self.addCleanup(wire.close)
        wire.send(get(target))
        return wire

    def wait_waiting(self, count):
        wait_for(lambda: self.status_of()["waiting"] == count,
                 lambda: "%d requests in the queue; %r" % (count, self.status_of()))

    def in_line(self, proxy, gate, count):
        """The first request is at the server, the others wait, one after the other."""
        wires = [self.dial(proxy, "/0")]
        wait_for(lambda: gate.now == 1, "the first request")
        for i in range(1, count):
            wires.append(self.dial(proxy, "/%d" % i))
            self.wait_waiting(i)
        return wires

    def status_of(self):
        return json.loads(self.ask("/status.json")[2])["upstreams"][0]

    def reload(self, proxy, change):
        with open(self.path("greenway.ini")) as file:
            text = file.read()
        self.write("greenway.ini", change(text))
        before = proxy.stderr().count("reloaded")
        proxy.signal(signal.SIGHUP)
        wait_for(lambda: proxy.stderr().count("reloaded") > before, lambda: "the reload:\n" + proxy.stderr())

    # --- the queue -------------------------------------------------------------------------------------------

    def test_first_come_first_served(self):
        gate, server = self.gate()
        proxy = self.with_admin(server, upstream="max_connections = 1\nqueue_timeout = 1m")
        wires = self.in_line(proxy, gate, 5)
        gate.open()
        for i, wire in enumerate(wires):
            self.assertEqual(wire.final().body, b"/%d" % i)
        self.assertEqual(gate.order, ["/%d" % i for i in range(5)])
        self.assertEqual(gate.most, 1)
        self.wait_metric(4, "greenway_upstream_queue_seconds_count")
        self.wait_waiting(0)
        entries = sorted(proxy.access_log(5), key=lambda entry: entry["target"])
        self.assertNotIn("t_queue", entries[0])
        for entry in entries[1:]:
            self.assertLessEqual(0, entry["t_queue"])
            self.assertLessEqual(entry["t_queue"], entry["t_connect"])
        self.assertGreater(self.metrics().sum("greenway_upstream_queue_seconds_sum"), 0)

    def test_limit_is_for_all_workers(self):
        gate, server = self.gate()
        proxy = self.with_admin(server, workers=4, upstream="max_connections = 3\nqueue_timeout = 1m")
        wires = [self.dial(proxy, "/%d" % i) for i in range(20)]
        self.wait_waiting(17)
        self.assertEqual(self.metrics().sum("greenway_upstream_queue_waiting", upstream="app"), 17)
        [server_of] = self.status_of()["health"]
        self.assertEqual((server_of["in_use"], server_of["limit"]), (3, 3))
        gate.open()
        for i, wire in enumerate(wires):
            self.assertEqual(wire.final().body, b"/%d" % i)
        self.assertEqual(gate.most, 3)

    def test_load_of_many_clients(self):
        """Nobody is forgotten in the queue, and nobody is one too many at the servers."""
        now, most, lock = [0], [0], threading.Lock()

        def respond(request):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            answer = ok(request.target.encode())
            with lock:
                now[0] -= 1
            return answer
        servers = [self.upstream(answering(respond)) for _ in range(2)]
        proxy = self.with_admin(*servers, workers=4, upstream="max_connections = 2\nmax_requests = 3\nqueue_timeout = 1m")
        wrong = []

        def client(name):
            with proxy.dial() as wire:
                for i in range(50):
                    target = "/%d/%d" % (name, i)
                    answer = wire.exchange(get(target))
                    if (answer.status, answer.body) != (200, target.encode()):
                        wrong.append((target, answer.status))
        clients = [threading.Thread(target=client, args=(name,)) for name in range(16)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertLessEqual(most[0], 3)
        self.assertGreater(self.metrics().sum("greenway_upstream_queue_seconds_count"), 0)
        self.wait_waiting(0)
        wait_for(lambda: self.status_of()["in_use"] == 0, "all places to come back")

    def test_full_server_is_passed_over(self):
        first, second = self.gate(), self.gate()
        proxy = self.with_admin(first[1], second[1], upstream="max_connections = 2\nqueue_timeout = 1m")
        wires = [self.dial(proxy, "/%d" % i) for i in range(4)]
        wait_for(lambda: (first[0].now, second[0].now) == (2, 2), "two at each")
        wires.append(self.dial(proxy, "/4"))
        self.wait_waiting(1)
        second[0].open()
        self.assertEqual(wires[4].final().body, b"/4")
        self.assertEqual(second[0].order[-1], "/4")
        first[0].open()
        for i in range(4):
            self.assertEqual(wires[i].final().body, b"/%d" % i)

    def test_limit_of_the_whole(self):
        first, second = self.gate(), self.gate()
        proxy = self.with_admin(first[1], second[1], upstream="max_requests = 2\nqueue_timeout = 1m")
        wires = [self.dial(proxy, "/%d" % i) for i in range(3)]
        self.wait_waiting(1)
        wait_for(lambda: first[0].now + second[0].now == 2, "two at the servers")
        first[0].open()
        second[0].open()
        for i, wire in enumerate(wires):
            self.assertEqual(wire.final().body, b"/%d" % i)

    def test_wait_that_is_too_long(self):
        gate, server = self.gate()
        proxy = self.with_admin(server, upstream="max_connections = 1\nqueue_timeout = 300ms")
        self.dial(proxy, "/0")
        wait_for(lambda: gate.now == 1, "the first request")
        answer = proxy.exchange(get("/late"))
        self.assertEqual((answer.status, answer.get("Retry-After")), (503, "1"))
        self.assert_own_page(answer)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("queue_timeout", "queue_timeout"))
        self.assertEqual(gate.order, ["/0"])
        self.assertLess(200, entry["t_queue"])
        self.wait_metric(1, "greenway_upstream_failures_total", reason="queue_timeout")

    def test_queue_that_is_full(self):
        gate, server = self.gate()
        proxy = self.with_admin(server, upstream="max_connections = 1\nqueue_max = 1\nqueue_timeout = 1m")
        self.in_line(proxy, gate, 2)
        answer = proxy.exchange(get("/more"))
        self.assertEqual((answer.status, answer.get("Retry-After")), (503, "1"))
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("queue_full", "queue_max"))

    def test_no_queue(self):
        gate, server = self.gate()
        proxy = self.proxy(server, upstream="max_connections = 1\nqueue_max = 0")
        self.dial(proxy, "/0")
        wait_for(lambda: gate.now == 1, "the first request")
        answer = proxy.exchange(get("/more"))
        self.assertEqual((answer.status, answer.get("Retry-After")), (503, "1"))
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("servers_full", "max_connections"))

    def test_circuit_breaker(self):
        gate, server = self.gate()
        proxy = self.with_admin(server, upstream="max_requests = 2\nqueue_max = 0")
        for i in range(2):
            self.dial(proxy, "/%d" % i)
        wait_for(lambda: gate.now == 2, "two requests")
        self.assertEqual([self.status_of()[name] for name in ("in_use", "limit", "waiting")], [2, 2, 0])
        for _ in range(3):
            answer = proxy.exchange(get("/more"))
            self.assertEqual((answer.status, answer.get("Retry-After")), (503, "1"))
        for entry in proxy.access_log(3):
            self.assertEqual((entry["reason"], entry["directive"]), ("servers_full", "max_requests"))
        self.wait_metric(3, "greenway_upstream_failures_total", reason="servers_full", directive="max_requests")
        gate.open()
        wait_for(lambda: self.status_of()["in_use"] == 0, "both to end")
        self.assertEqual(proxy.exchange(get("/again")).status, 200)

    def test_clients_that_leave_the_queue(self):
        """By a reset, or by closing their side: nothing is sent for them, not even a connection is made."""
        for leave in (lambda wire: wire.reset(), lambda wire: wire.close(), lambda wire: wire.finish()):
            with self.subTest(leave=leave):
                self.leave_the_queue(leave)

    def leave_the_queue(self, leave):
        gate, server = self.gate()
        proxy = self.with_admin(server, upstream="max_connections = 1\nqueue_timeout = 1m")
        wires = self.in_line(proxy, gate, 3)
        leave(wires[1])
        self.wait_waiting(1)
        gate.open()
        self.assertEqual(wires[2].final().body, b"/2")
        self.assertEqual(gate.order, ["/0", "/2"])
        self.assertEqual(server.connections, 1)
        self.assertIn("client_gone", [entry["reason"] for entry in proxy.access_log(3)])

    def test_server_with_a_limit_of_its_own(self):
        first, second = self.gate(), self.gate()
        proxy = self.with_admin("%s max_connections=1" % first[1].server, "%s max_connections=3" % second[1].server,
                                upstream="balance = first\nmax_connections = 2\nqueue_timeout = 1m")
        wires = []
        for i in range(4):
            wires.append(self.dial(proxy, "/%d" % i))
            wait_for(lambda: first[0].now + second[0].now == i + 1, "request %d at a server" % i)
        self.assertEqual((first[0].now, second[0].now), (1, 3))
        wires.append(self.dial(proxy, "/4"))
        self.wait_waiting(1)
        rows = {row["server"]: (row["in_use"], row["limit"]) for row in self.status_of()["health"]}
        self.assertEqual(rows, {first[1].server: (1, 1), second[1].server: (3, 3)})
        first[0].open()
        self.assertEqual(wires[4].final().body, b"/4")
        self.assertEqual(first[0].order, ["/0", "/4"])
        second[0].open()
        for i in range(4):
            self.assertEqual(wires[i].final().body, b"/%d" % i)

    def test_packing(self):
        """balance = first fills one server after the other, whatever order they come free in."""
        gates = [self.gate() for _ in range(3)]
        proxy = self.with_admin(*[server for _, server in gates], upstream="balance = first\nmax_connections = 2\nqueue_max = 0")
        for i in range(5):
            self.dial(proxy, "/%d" % i)
            wait_for(lambda: sum(gate.now for gate, _ in gates) == i + 1, "request %d at a server" % i)
        self.assertEqual([gate.now for gate, _ in gates], [2, 2, 1])
        gates[0][0].open(2)
        wait_for(lambda: gates[0][0].now == 0 and self.status_of()["health"] and
                 sum(row["in_use"] for row in self.status_of()["health"]) == 3, "the first to be idle")
        self.dial(proxy, "/5")
        wait_for(lambda: gates[0][0].now == 1, "the first to be used again")

    def test_every_way_to_balance_finds_the_free_one(self):
        """Eight servers are full; the ninth is not."""
        for balance in ("round_robin", "least_connections", "random_two", "least_time", "hash:uri", "first"):
            with self.subTest(balance=balance):
                gates = [self.gate() for _ in range(8)]
                free = self.upstream()
                proxy = self.proxy(*["%s max_connections=1" % server.server for _, server in gates], free,
                                   upstream="balance = %s\nqueue_max = 0" % balance)
                busy = 0
                for i in range(500):
                    wire = self.dial(proxy, "/%d" % i)
                    wait_for(lambda: sum(gate.now for gate, _ in gates) > busy or wire.readable(0.01), "a server")
                    busy = sum(gate.now for gate, _ in gates)
                    if busy == 8:
                        break
                self.assertEqual([gate.now for gate, _ in gates], [1] * 8)
                for i in range(20):
                    self.assertEqual(proxy.exchange(get("/more%d" % i)).status, 200)

    def test_retry_waits_without_holding_up_others(self):
        """A request that left a server out waits for the other one; those behind it take the place that it does not want."""
        gate, busy = self.gate()
        refused = []

        def refusing(request):
            refused.append(request.target)
            if request.target == "/twice":
                return b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
            return ok(request.target.encode())
        other = self.upstream(answering(refusing))
        proxy = self.with_admin(busy, other, upstream="balance = first\nmax_connections = 1\nqueue_timeout = 1m\n"
                                "retry_on = 503\neject_after = off")
        first = self.dial(proxy, "/0")
        wait_for(lambda: gate.now == 1, "the first request")
        twice = self.dial(proxy, "/twice")
        self.wait_waiting(1)
        for i in range(5):
            self.assertEqual(proxy.exchange(get("/%d" % i)).body, b"/%d" % i)
        self.assertEqual(gate.order, ["/0"])
        gate.open()
        self.assertEqual(first.final().body, b"/0")
        self.assertEqual(twice.final().body, b"/twice")

    def test_limits_change_by_a_reload(self):
        gate, server = self.gate()
        proxy = self.with_admin(server, upstream="max_connections = 1\nqueue_timeout = 1m")
        self.in_line(proxy, gate, 4)
        self.reload(proxy, lambda text: text.replace("max_connections = 1\n", "max_connections = 3\n"))
        wait_for(lambda: gate.now == 3, "the new limit to be used")
        self.wait_waiting(1)
        self.reload(proxy, lambda text: text.replace("max_connections = 3\n", ""))
        wait_for(lambda: gate.now == 4, "nobody to wait")

    def test_what_operators_see(self):
        gate, server = self.gate()
        socket = self.path("control.sock")
        proxy = self.with_admin(server, greenway="control = %s" % socket,
                                upstream="max_connections = 1\nmax_requests = 9\nqueue_timeout = 1m")
        self.in_line(proxy, gate, 4)
        with dial_control(socket) as control:
            [upstream] = control.json("upstreams")["upstreams"]
            self.assertEqual([upstream[name] for name in ("active", "limit", "waiting")], [1, 9, 3])
            [row] = control.json("servers")["servers"]
            self.assertEqual([row[name] for name in ("active", "limit")], [1, 1])

    def test_names_that_stand_for_nothing(self):
        proxy = self.with_admin("nothing.invalid:80", upstream="max_connections = 1\nmax_requests = 1\ntimeout_connect = 2s",
                                greenway="dns_timeout = 500ms")
        self.assertIn(proxy.exchange(get("/")).status, (502, 503, 504))
        self.assertEqual(self.status_of()["waiting"], 0)
        self.assertEqual(self.status_of()["in_use"], 0)

    def test_places_come_back_after_failures(self):
        def resetting(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.reset()
        server = self.upstream(resetting)
        proxy = self.with_admin(server, upstream="max_connections = 1\nretries = 0\neject_after = off\nqueue_timeout = 20s")
        for _ in range(5):
            self.assertEqual(proxy.exchange(get("/")).status, 502)
        self.assertEqual(len(server.requests), 5)

    def test_tunnels_have_places(self):
        server = self.upstream()
        proxy = self.tcp_proxy(server, upstream="max_connections = 1\nqueue_timeout = 300ms")
        with proxy.dial() as first:
            self.assertEqual(first.exchange(get("/")).status, 200)
            with proxy.dial() as second:
                second.send(get("/"))
                self.assertEqual(second.ending()[1], b"")
            self.assertEqual(proxy.access_log(1)[0]["reason"], "queue_timeout")
        server.wait_live(0)
        with proxy.dial() as third:
            self.assertEqual(third.exchange(get("/")).status, 200)

    def test_connections_that_are_too_old(self):
        def respond(request):
            time.sleep(0.02)  # so old is the connection then
            return ok(b"")
        server = self.upstream(answering(respond))
        proxy = self.proxy(server, upstream="keepalive_age = 10ms")
        with proxy.dial() as wire:
            for _ in range(3):
                self.assertEqual(wire.exchange(get("/")).status, 200)
        self.assertEqual(server.connections, 3)


if __name__ == "__main__":
    main()
