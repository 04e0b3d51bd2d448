"""Servers by name: what the records say is where requests go, whatever name servers do meanwhile."""

import collections
import json
import signal
import socket
import threading

from admin import Admin
from control_client import Controlled
from harness import Upstream, answering, main, wait_for
from name_server import NameServer
from wire import get, ok


class Names(Controlled, Admin):
    def name_server(self, names=None, **options):
        server = NameServer(names or {}, **options)
        self.addCleanup(server.stop)
        return server

    def servers(self, count):
        """The same free port on 127.0.1.1, 127.0.1.2, ..."""
        hosts = ["127.0.1.%d" % (i + 1) for i in range(count)]
        for attempt in range(20):
            made = {}
            try:
                for host in hosts:
                    port = next(iter(made.values())).port if made else 0
                    made[host] = Upstream(answering(lambda request, host=host: ok(host.encode())), host=host, port=port)
            except OSError:
                for server in made.values():
                    server.stop()
                continue
            for server in made.values():
                self.addCleanup(server.stop)
            return made, next(iter(made.values())).port
        self.fail("no port is free on all addresses")

    def named(self, server, name_server, keys="", **options):
        return self.with_admin(server, greenway="name_servers = %s\ndns_timeout = 300ms\n%s"
                               % (name_server.address, keys), **options)

    def tally(self, proxy, count):
        seen = collections.Counter()
        for _ in range(count):
            answer = proxy.exchange(get("/"))
            seen[answer.body.decode() if answer.status == 200 else answer.status] += 1
        return seen

    def wait_tally(self, proxy, wanted, what):
        """Until as many requests as there are servers find just these."""
        wait_for(lambda: set(self.tally(proxy, 2 * len(wanted))) == set(wanted), what)

    def status(self):
        return json.loads(self.ask("/status.json")[2])

    # --- addresses -------------------------------------------------------------------------------------------

    def test_every_address_is_a_server(self):
        _, port = self.servers(3)
        names = self.name_server({"app.test": [["127.0.1.3", "127.0.1.1", "127.0.1.2"]]}, ttl=60)
        proxy = self.named("app.test:%d" % port, names)
        self.assertEqual(self.tally(proxy, 9), {"127.0.1.1": 3, "127.0.1.2": 3, "127.0.1.3": 3})
        logged = {entry["server"] for entry in proxy.access_log(9)}
        self.assertEqual(logged, {"127.0.1.%d:%d" % (i, port) for i in (1, 2, 3)})
        self.assertEqual(names.asked["app.test"], 1)

    def test_workers_and_upstreams_share_one_look_up(self):
        _, port = self.servers(1)
        names = self.name_server({"app.test": [["127.0.1.1"]]}, ttl=600)
        proxy = self.named("app.test:%d" % port, names, workers=4, extra="""
[route other]
path = /other/*
upstream = other
[upstream other]
server = app.test:%d, APP.test:%d weight=3
""" % (port, port))
        for _ in range(20):
            self.assertEqual(proxy.exchange(get("/")).body, b"127.0.1.1")
            self.assertEqual(proxy.exchange(get("/other/")).body, b"127.0.1.1")
        self.assertEqual(names.asked["app.test"], 1)
        self.assertEqual(self.metrics().sum("greenway_upstream_names_asked_total", upstream="app"), 1)

    def test_changed_records_are_followed(self):
        servers, port = self.servers(3)
        names = self.name_server({"app.test": [["127.0.1.1", "127.0.1.2"]]})
        proxy = self.named("app.test:%d" % port, names, upstream="timeout_idle = 1h")
        self.wait_tally(proxy, ["127.0.1.1", "127.0.1.2"], "both servers")
        before = servers["127.0.1.2"].connections
        names.names["app.test"] = [["127.0.1.2", "127.0.1.3"]]
        self.wait_tally(proxy, ["127.0.1.2", "127.0.1.3"], "the new server in place of the old one")
        self.assertEqual(servers["127.0.1.2"].connections, before, "the server that stayed keeps its connection")
        servers["127.0.1.1"].wait_live(0)  # nobody needs a connection to it any more

    def test_requests_under_way_end_where_they_are(self):
        servers, port = self.servers(2)
        names = self.name_server({"app.test": [["127.0.1.1"]]})
        proxy = self.named("app.test:%d" % port, names)
        let_go = self.slow(servers["127.0.1.1"])
        with proxy.dial() as wire:
            wire.send(get("/slow"))
            servers["127.0.1.1"].wait_requests(1)
            names.names["app.test"] = [["127.0.1.2"]]
            self.wait_tally(proxy, ["127.0.1.2"], "the other server")
            let_go.set()
            self.assertEqual(wire.final().body, b"slow")

    def slow(self, server):
        let_go = threading.Event()
        self.addCleanup(let_go.set)

        def respond(request):
            if request.target == "/slow":
                let_go.wait()
            return ok(b"slow")
        server.script = answering(respond)
        return let_go

    def test_two_families_make_one_server(self):
        """A family that leads nowhere costs nobody a request."""
        _, port = self.servers(1)
        names = self.name_server({"app.test": [["::1", "127.0.1.1"]]}, ttl=60)
        proxy = self.named("app.test:%d" % port, names)
        self.assertEqual(self.tally(proxy, 4), {"127.0.1.1": 4})
        self.assertEqual({entry["server"] for entry in proxy.access_log(4)}, {"127.0.1.1:%d" % port})

    def test_ipv6_alone(self):
        try:
            server = self.upstream6()
        except OSError:
            self.skipTest("there is no IPv6 here")
        names = self.name_server({"app.test": [["::1"]]}, ttl=60)
        proxy = self.named("app.test:%d" % server.getsockname()[1], names)
        with proxy.dial() as wire:
            wire.send(get("/"))
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(ok(b"six"))
                self.assertEqual(wire.final().body, b"six")

    def upstream6(self):
        sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.addCleanup(sock.close)
        sock.bind(("::1", 0))
        sock.listen(5)
        sock.settimeout(30)
        return sock

    def test_tcp_listener(self):
        servers, port = self.servers(2)
        names = self.name_server({"app.test": [["127.0.1.1", "127.0.1.2"]]}, ttl=60)
        proxy = self.tcp_proxy("app.test:%d" % port, greenway="name_servers = %s" % names.address)
        self.assertEqual(self.tally(proxy, 4), {"127.0.1.1": 2, "127.0.1.2": 2})
        self.assertEqual({entry["server"] for entry in proxy.access_log(4)},
                         {"127.0.1.1:%d" % port, "127.0.1.2:%d" % port})

    # --- services --------------------------------------------------------------------------------------------

    def test_service_records(self):
        servers = [self.upstream(answering(lambda request, i=i: ok(b"%d" % i))) for i in range(2)]
        names = self.name_server({"host.app.test": [["127.0.0.1"]]}, ttl=60, services={
            "_http._tcp.app.test": [(10, 30, servers[0].port, "host.app.test"),
                                    (10, 10, servers[1].port, "host.app.test")]})
        proxy = self.named("srv:_http._tcp.app.test", names)
        self.assertEqual(self.tally(proxy, 8), {"0": 6, "1": 2})

    def test_service_that_moves(self):
        servers = [self.upstream(answering(lambda request, i=i: ok(b"%d" % i))) for i in range(2)]
        records = [(0, 0, server.port, "host.app.test") for server in servers]
        names = self.name_server({"host.app.test": [["127.0.0.1"]]}, services={"_http._tcp.app.test": records[:1]})
        proxy = self.named("srv:_http._tcp.app.test", names)
        self.wait_tally(proxy, ["0"], "the first server")
        names.services["_http._tcp.app.test"] = records[1:]
        self.wait_tally(proxy, ["1"], "the second server")

    # --- trouble ---------------------------------------------------------------------------------------------

    def test_name_that_comes_to_exist(self):
        _, port = self.servers(1)
        names = self.name_server()
        proxy = self.named("app.test:%d" % port, names, "dns_retry = 200ms")
        self.assertEqual(proxy.exchange(get("/")).status, 502)
        entry = proxy.access_log(1)[0]
        self.assertEqual(entry["reason"], "dns_failed")
        self.assertEqual(entry["server"], "app.test:%d" % port)
        wait_for(lambda: any("warning" in line and "app.test" in line and "does not resolve" in line
                             for line in proxy.lines), "a warning")
        names.names["app.test"] = [["127.0.1.1"]]
        self.wait_tally(proxy, ["127.0.1.1"], "the server")
        self.assertTrue(any("resolves again" in line for line in proxy.lines), proxy.stderr())

    def test_failures_are_remembered(self):
        names = self.name_server()
        proxy = self.named("app.test:80", names, "dns_retry = 1h")
        for _ in range(20):
            self.assertEqual(proxy.exchange(get("/")).status, 502)
        self.assertLessEqual(self.metrics().sum("greenway_upstream_names_asked_total", upstream="app"), 3)

    def outage(self, begin, end):
        """Whatever name servers do: the last good answer stays."""
        _, port = self.servers(2)
        names = self.name_server({"app.test": [["127.0.1.1"]]})
        proxy = self.named("app.test:%d" % port, names, "dns_retry = 300ms")
        self.wait_tally(proxy, ["127.0.1.1"], "the server")
        begin(names)
        wait_for(lambda: any("does not resolve any more" in line for line in proxy.lines), "word of the outage")
        self.assertEqual(self.tally(proxy, 5), {"127.0.1.1": 5})
        self.assertEqual(self.status()["upstreams"][0]["names"],
                         [{"name": "app.test:%d" % port, "addresses": ["127.0.1.1"], "failing": True}])
        end(names)
        names.names["app.test"] = [["127.0.1.2"]]
        self.wait_tally(proxy, ["127.0.1.2"], "the new address")

    def test_silent_name_server(self):
        self.outage(lambda names: setattr(names, "silent", True), lambda names: setattr(names, "silent", False))

    def test_failing_name_server(self):
        self.outage(lambda names: setattr(names, "code", 2), lambda names: setattr(names, "code", 0))

    def test_name_that_vanishes(self):
        self.outage(lambda names: names.names.clear(), lambda names: None)

    def test_stale_answers_end(self):
        _, port = self.servers(1)
        names = self.name_server({"app.test": [["127.0.1.1"]]})
        proxy = self.named("app.test:%d" % port, names, "dns_retry = 200ms\ndns_stale = 1s")
        self.wait_tally(proxy, ["127.0.1.1"], "the server")
        names.names.clear()
        self.wait_tally(proxy, [502], "the end of the stale answer")
        self.assertTrue(any("dns_stale" in line for line in proxy.lines), proxy.stderr())

    def test_slow_name_server_at_the_start(self):
        """The first requests wait for the first answer."""
        _, port = self.servers(1)
        names = self.name_server({"app.test": [["127.0.1.1"]]}, ttl=60)
        names.delay = 0.1
        proxy = self.named("app.test:%d" % port, names, upstream="timeout_connect = 20s")
        self.assertEqual(proxy.exchange(get("/")).body, b"127.0.1.1")

    def test_requests_do_not_wait_for_ever(self):
        names = self.name_server()
        names.silent = True
        proxy = self.named("app.test:80", names, upstream="timeout_connect = 100ms")
        answer = proxy.exchange(get("/"))
        self.assertIn(answer.status, (502, 504))
        self.assertIn(proxy.access_log(1)[0]["reason"], ("dns_timeout", "dns_failed"))

    def test_truncated_answers_come_by_tcp(self):
        _, port = self.servers(1)
        names = self.name_server({"app.test": [["127.0.1.1"]]}, ttl=60)
        names.truncating = True
        proxy = self.named("app.test:%d" % port, names)
        self.assertEqual(self.tally(proxy, 3), {"127.0.1.1": 3})
        self.assertGreater(names.by_tcp, 0)

    def test_large_answer(self):
        servers, port = self.servers(1)
        addresses = ["127.0.1.1"] + ["127.0.2.%d" % i for i in range(1, 20)]
        names = self.name_server({"app.test": [addresses]}, ttl=60)
        proxy = self.named("app.test:%d" % port, names, upstream="retries = 20")
        for _ in range(3):  # the others refuse
            self.assertEqual(proxy.exchange(get("/")).status, 200)
        self.assertEqual(len(self.status()["upstreams"][0]["names"][0]["addresses"]), 20)

    def test_drained_whatever_it_stands_for(self):
        """An operator's word is about the name: for the addresses of now, for others, and after a time without any."""
        _, port = self.servers(2)
        names = self.name_server({"app.test": [["127.0.1.1"]]})
        server = "app.test:%d" % port
        proxy = self.named(server, names, self.control_key() + "\ndns_retry = 100ms\ndns_stale = 200ms")
        control = self.dial_control()
        self.wait_tally(proxy, ["127.0.1.1"], "the server")
        control.text("drain app " + server)
        self.assertEqual(self.tally(proxy, 3), {503: 3})

        def standing():
            return [(one["state"], one["health"]) for one in control.json("servers app")["servers"]]

        def addresses():
            return self.status()["upstreams"][0]["names"][0]["addresses"]

        names.names["app.test"] = [["127.0.1.2"]]
        wait_for(lambda: any("127.0.1.2" in one for one in addresses()), "the other address")
        self.assertEqual(self.tally(proxy, 3), {503: 3})
        del names.names["app.test"]
        self.wait_tally(proxy, [502], "the end of the name")
        self.assertEqual(standing(), [("drained", "unresolved")])
        self.wait_metric(1, "greenway_upstream_names_failing", upstream="app")
        names.names["app.test"] = [["127.0.1.1", "127.0.1.2"]]
        wait_for(lambda: len(addresses()) == 2, "both addresses")
        self.assertEqual(self.tally(proxy, 3), {503: 3})
        wait_for(lambda: proxy.access_log(1)[-1]["reason"] == "servers_disabled", "the reason")
        self.assertEqual(standing(), [("drained", "up")])
        self.assertEqual(self.metrics().sum("greenway_upstream_names_failing", upstream="app"), 0)
        control.text("enable app " + server)
        self.wait_tally(proxy, ["127.0.1.1", "127.0.1.2"], "both servers")

    def test_as_well_as_the_best_host(self):
        _, port = self.servers(1)
        names = self.name_server({"app.test": [["127.0.0.254", "127.0.1.1"]]})  # nobody is at the first
        proxy = self.named("app.test:%d" % port, names, self.control_key(),
                           upstream="health_check = tcp every=50ms fall=1 rise=1 timeout=5s")
        control = self.dial_control()
        wait_for(lambda: any("(127.0.0.254:%d) is down" % port in line for line in proxy.lines), proxy.stderr)
        self.assertEqual([one["health"] for one in control.json("servers app")["servers"]], ["up"])
        self.assertEqual(self.tally(proxy, 4), {"127.0.1.1": 4})

    def test_zero_ttl(self):
        _, port = self.servers(1)
        names = self.name_server({"app.test": [["127.0.1.1"]]}, ttl=0)
        proxy = self.named("app.test:%d" % port, names, "dns_ttl_min = 1h")
        self.assertEqual(self.tally(proxy, 20), {"127.0.1.1": 20})
        self.assertEqual(names.asked["app.test"], 1)

    def test_reload_keeps_what_is_known(self):
        servers, port = self.servers(1)
        names = self.name_server({"app.test": [["127.0.1.1"]]}, ttl=600)
        proxy = self.named("app.test:%d" % port, names)
        self.assertEqual(self.tally(proxy, 2), {"127.0.1.1": 2})
        with open(self.path("greenway.ini"), "a") as file:
            file.write("[route extra]\npath = =/extra\nrespond = 200 extra\n")
        proxy.signal(signal.SIGHUP)
        wait_for(lambda: proxy.exchange(get("/extra")).body == b"extra", "the reload")
        names.silent = True
        self.assertEqual(self.tally(proxy, 5), {"127.0.1.1": 5})
        self.assertEqual(names.asked["app.test"], 1)
        self.assertEqual(servers["127.0.1.1"].connections, 1)


if __name__ == "__main__":
    main()
