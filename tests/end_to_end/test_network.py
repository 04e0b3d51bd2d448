"""Trouble of the network: packets that are lost, machines that vanish without a word, narrow links. In a network
namespace of the test's own; skipped where none can be made."""

import hashlib
import os
import random
import re
import threading
import unittest

import namespace
from harness import PATIENCE, SCALE, SMALL, Case, answering, main, wait_for
from upstream import idle
from wire import Truncated, get, ok, post

WHY_NOT = namespace.enter() if __name__ == "__main__" else "to be run by itself"


def ms(value):
    return "%dms" % (value * SCALE)


def established(pid, port):
    """Connections of the process to this port of loopback."""
    inodes = set()
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink("/proc/%d/fd/%s" % (pid, name)))
        except FileNotFoundError:
            continue
        if found:
            inodes.add(found.group(1))
    with open("/proc/%d/net/tcp" % pid) as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return sum(row[2].endswith(":%04X" % port) and row[3] == "01" and row[9] in inodes for row in rows)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Network(Case):
    def setUp(self):
        super().setUp()
        self.rules = namespace.Rules()
        self.addCleanup(self.rules.end)

    def two(self, keys, respond=None):
        servers = [self.upstream(answering(respond or (lambda request, name=name: ok(name)))) for name in (b"one", b"two")]
        return servers, self.proxy(*servers, upstream=keys)

    def warm(self, proxy, servers, count):
        """So many idle connections to each server."""
        gate = threading.Event()
        for server in servers:
            server.script = answering(lambda request: gate.wait(4 * PATIENCE) and ok(b"warm"))
        wires = [proxy.dial() for _ in range(count * len(servers))]
        for wire in wires:
            wire.send(get("/warm"))
        wait_for(lambda: sum(len(server.requests) for server in servers) == len(wires), "all requests")
        gate.set()
        for wire in wires:
            self.assertEqual(wire.final().body, b"warm")
            wire.close()

    def vanish(self, server):
        self.rules.silence(server.port)


class Gone(Network):
    """Machines that vanish: nobody says so, neither by FIN nor by RST."""

    def test_a_black_hole(self):
        """Its SYNs are dropped: after timeout_connect it is another one's turn, and soon nobody asks it any more."""
        servers, proxy = self.two("timeout_connect = %s\neject_after = 2\neject_time = 1h\neject_time_max = 1h" % ms(500))
        self.vanish(servers[0])
        with proxy.dial() as wire:
            for _ in range(8):
                self.assertEqual(wire.exchange(get("/")).body, b"two")
        tried = [entry for entry in proxy.access_log(8) if entry.get("tried") == servers[0].server]
        self.assertEqual(len(tried), 2)
        self.assertIn("server %s gets no requests" % servers[0].server, proxy.stderr())

    def test_a_black_hole_and_no_other(self):
        servers, proxy = self.two("timeout_connect = %s" % ms(300))
        for server in servers:
            self.vanish(server)
        answer = proxy.exchange(get("/"))
        self.assertEqual(answer.status, 504)
        self.assert_own_page(answer)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("connect_timeout", "timeout_connect"))
        self.rules.clear()
        self.assertEqual(proxy.exchange(get("/")).status, 200)

    def test_a_black_hole_behind_a_tcp_listener(self):
        """No byte has gone anywhere yet."""
        servers = [self.upstream() for _ in range(2)]
        proxy = self.tcp_proxy(*servers, upstream="timeout_connect = %s" % ms(500))
        self.vanish(servers[0])
        for _ in range(3):
            self.assertEqual(proxy.exchange(get("/")).status, 200)
        self.assertEqual(len(servers[1].requests), 3)

    def test_kept_connections_to_a_machine_that_vanished(self):
        """The first request on one of them finds it out, and goes to another server; the others are not tried."""
        servers, proxy = self.two("timeout_ack = %s\ntimeout_write = 1s\ntimeout_connect = %s\neject_time = 1h\neject_time_max = 1h"
                                  "\neject_after = 2" % (ms(1000), ms(1000)))
        self.warm(proxy, servers, 4)
        wait_for(lambda: established(proxy.pid, servers[0].port) == 4, "four kept connections")
        self.vanish(servers[0])
        servers[1].script = answering(lambda request: ok(b"two"))
        with proxy.dial(patience=4 * PATIENCE) as wire:
            for number in range(8):
                self.assertEqual(wire.exchange(get("/%d" % number)).status, 200)
        self.assertEqual(established(proxy.pid, servers[0].port), 0)
        again = [entry for entry in proxy.access_log(16) if entry.get("tries", 1) > 1]
        self.assertLessEqual(len(again), 2)

    def test_a_post_is_not_sent_twice(self):
        """Its bytes may have arrived."""
        servers, proxy = self.two("timeout_ack = %s\ntimeout_write = 500ms" % ms(500))
        self.warm(proxy, servers, 1)
        self.vanish(servers[0])
        self.vanish(servers[1])
        answer = proxy.exchange(post("/", b"once"))
        self.assertEqual(answer.status, 502)
        self.assert_own_page(answer)
        entry = proxy.access_log(3)[-1]
        self.assertEqual((entry["reason"], entry["directive"]), ("upstream_lost", "timeout_ack"))
        self.rules.clear()
        self.assertEqual(sum(len([r for r in server.requests if r.method == "POST"]) for server in servers), 0)

    def test_a_server_that_thinks_is_not_gone(self):
        """Its kernel acknowledges what it was sent."""
        release = threading.Event()
        self.addCleanup(release.set)
        servers, proxy = self.two("timeout_ack = 200ms\ntimeout_write = 200ms", lambda request: release.wait(4 * PATIENCE) and ok(b"late"))
        with proxy.dial(patience=4 * PATIENCE) as wire:
            wire.send(get("/"))
            wait_for(lambda: sum(len(server.requests) for server in servers) == 1, "the request")
            self.assertFalse(wire.readable(1.5))
            release.set()
            self.assertEqual(wire.final().body, b"late")

    def test_checks_find_it_and_its_return(self):
        servers, proxy = self.two("health_check = tcp every=100ms timeout=%s fall=2 rise=1" % ms(300))
        self.vanish(servers[0])
        wait_for(lambda: "server %s is down: cannot connect" % servers[0].server in proxy.stderr(), proxy.stderr)
        for _ in range(6):
            self.assertEqual(proxy.exchange(get("/")).body, b"two")
        self.rules.clear()
        wait_for(lambda: "server %s is up" % servers[0].server in proxy.stderr(), proxy.stderr, 4 * PATIENCE)
        self.assertEqual({proxy.exchange(get("/")).body for _ in range(4)}, {b"one", b"two"})

    def test_in_mid_answer(self):
        """Whoever reads is told of the end by timeout_read, and not that it was a good one."""
        def half(wire, upstream):
            upstream.record(wire.request(), wire)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
            idle(wire)
        server = self.upstream(half)
        proxy = self.proxy(server, upstream="timeout_read = %s" % ms(500))
        with proxy.dial() as wire:
            wire.send(get("/"))
            self.assertEqual(wire.head().status, 200)
            wire.exactly(1000)
            self.vanish(server)
            self.assertEqual(wire.ending()[1], b"")
        self.assertEqual(proxy.access_log(1)[0]["reason"], "read_timeout")


class Links(Network):
    """Links that lose, break or cut up what they carry."""

    def bodies(self, proxy, sizes, clients=4):
        """Bodies go both ways and come back as they were."""
        wrong = []

        def client(seed):
            draw = random.Random(seed)
            with proxy.dial(patience=8 * PATIENCE) as wire:
                for size in sizes:
                    body = draw.randbytes(size)
                    answer = wire.exchange(post("/", body))
                    if answer.status != 200 or hashlib.sha256(answer.body).digest() != hashlib.sha256(body).digest():
                        wrong.append((seed, size, answer))
        threads = [threading.Thread(target=client, args=(seed,)) for seed in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(16 * PATIENCE)
            self.assertFalse(thread.is_alive(), "a client hangs")
        self.assertEqual(wrong, [])

    def mirror(self, **options):
        return self.proxy(self.upstream(answering(lambda request: ok(request.body))), **options)

    def mtu(self, size):
        namespace.run("ip", "link", "set", "lo", "mtu", str(size))
        self.addCleanup(namespace.run, "ip", "link", "set", "lo", "mtu", "65536")

    def test_one_packet_in_twenty_is_lost(self):
        self.mtu(1500)
        proxy = self.mirror()
        self.rules.add("meta l4proto tcp numgen random mod 100 < 5 drop")
        self.bodies(proxy, (0, 1, 5000, 20000) if SMALL else (0, 1, 5000, 20000, 100000))

    def test_small_packets(self):
        self.mtu(576)
        proxy = self.mirror()
        self.bodies(proxy, (0, 1, 1000, 65536, 500000, 3000000))

    def test_a_narrow_link(self):
        """A megabit a second: it is slow, but it moves, and no timeout strikes."""
        self.mtu(1500)
        proxy = self.mirror()
        namespace.run("tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "1mbit", "burst", "16kb", "latency", "400ms")
        self.addCleanup(namespace.run, "tc", "qdisc", "del", "dev", "lo", "root")
        self.bodies(proxy, (20000,), clients=2)

    def test_a_reset_after_some_packets(self):
        """A firewall in between loses patience: what the client has is not taken for the whole."""
        self.mtu(1500)
        size = 16 * 1024 * 1024
        server = self.upstream(answering(lambda request: ok(b"x" * size)))
        proxy = self.proxy(server)
        self.rules.add("tcp dport %d quota over 2000 bytes reject with tcp reset" % server.port)
        with proxy.dial(receive_buffer=4096) as wire:
            with self.assertRaises((Truncated, ConnectionResetError)):
                answer = wire.exchange(get("/"))
                self.fail("a whole body: %r" % answer)
        self.rules.clear()
        self.assertEqual(len(proxy.exchange(get("/")).body), size)

    def test_a_firewall_that_refuses(self):
        """An ICMP message instead of an answer: another server, at once."""
        servers, proxy = self.two("timeout_connect = 1m")
        self.rules.add("tcp dport %d reject with icmp type host-unreachable" % servers[0].port)
        for _ in range(4):
            self.assertEqual(proxy.exchange(get("/")).body, b"two")


if __name__ == "__main__":
    main()
