"""Names of servers as a real dnsmasq serves them, and as name servers that lie do: the last good addresses stay, and nobody
who needs none of it waits."""

import os
import signal
import socket
import struct
import subprocess

from admin import Admin
from harness import PATIENCE, Upstream, answering, main, wait_for
from name_server import NameServer, encoded
from wire import get, ok

A, CNAME = 1, 5


def head(data, answers, code=0):
    return data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, answers, 0, 0)


def record(name, kind, content, ttl=1, length=None):
    return name + struct.pack(">HHIH", kind, 1, ttl, len(content) if length is None else length) + content


ASKED = b"\xc0\x0c"  # the name in the question
EVIL = socket.inet_aton("127.0.9.9")

# What is answered to a question: nothing of it may be believed, and none may hurt.
LIES = {
    "loop": lambda data, question: head(data, 2) + question + record(ASKED, CNAME, encoded("other.test"))
    + record(encoded("other.test"), CNAME, ASKED),
    "selfish": lambda data, question: head(data, 1) + question + record(ASKED, CNAME, ASKED),
    "pointer": lambda data, question: head(data, 1) + question + record(struct.pack(">H", 0xC000 | 12 + len(question)), A, EVIL),
    "pointers": lambda data, question: head(data, 1) + question
    + record(struct.pack(">H", 0xC000 | 12 + len(question) + 12), A, struct.pack(">HH", 0xC000 | 12 + len(question), 0)),
    "beyond": lambda data, question: head(data, 1) + question + record(b"\xff\xff", A, EVIL),
    "count": lambda data, question: head(data, 65535) + question + record(ASKED, A, EVIL),
    "cut": lambda data, question: head(data, 1) + question + record(ASKED, A, EVIL)[:-2],
    "length": lambda data, question: head(data, 1) + question + record(ASKED, A, EVIL, length=4000),
    "short": lambda data, question: head(data, 1) + question + record(ASKED, A, EVIL[:3]),
    "other": lambda data, question: head(data, 1) + question + record(encoded("evil.test"), A, EVIL),
    "answer": lambda data, question: head(data, 1) + encoded("evil.test") + question[-4:] + record(ASKED, A, EVIL),
    "identity": lambda data, question: bytes([data[0] ^ 255, data[1]]) + head(data, 1)[2:] + question + record(ASKED, A, EVIL),
    "empty": lambda data, question: b"",
    "half": lambda data, question: data[:7],
    "noise": lambda data, question: os.urandom(300),
    "refused": lambda data, question: head(data, 0, 5) + question,
    "unimplemented": lambda data, question: head(data, 0, 4) + question,
    "nothing": lambda data, question: head(data, 0) + question,
}


class Lies(Admin):
    def setUp(self):
        super().setUp()
        self.names = NameServer({"%s.test" % name: [["127.0.1.1"]] for name in LIES})
        self.addCleanup(self.names.stop)

    def hosts(self):
        """The same free port on both addresses."""
        for attempt in range(20):
            first = Upstream(answering(lambda request: ok(b"127.0.1.1")), host="127.0.1.1")
            self.addCleanup(first.stop)
            try:
                second = Upstream(answering(lambda request: ok(b"127.0.1.2")), host="127.0.1.2", port=first.port)
            except OSError:
                continue
            self.addCleanup(second.stop)
            return first.port
        self.fail("no port is free on both addresses")

    def test_what_was_good_stays(self):
        port = self.hosts()
        extra = "".join("[route %s]\npath = =/%s\nupstream = %s\n[upstream %s]\nserver = %s.test:%d\n" % (*[name] * 5, port)
                        for name in LIES)
        proxy = self.with_admin(self.upstream(), greenway="name_servers = %s\ndns_timeout = 300ms\ndns_retry = 500ms"
                                % self.names.address, extra=extra)

        def answers():
            with proxy.dial() as wire:
                return {name: wire.exchange(get("/" + name)).body for name in LIES}

        def all_from(host):
            return lambda: answers() == dict.fromkeys(LIES, host)
        wait_for(all_from(b"127.0.1.1"), "good answers")
        self.names.lies = {"%s.test" % name: lie for name, lie in LIES.items()}
        wait_for(lambda: all("'%s.test' does not resolve any more" % name in proxy.stderr() for name in LIES),
                 lambda: "word of each lie:\n" + proxy.stderr(), 6 * PATIENCE)
        self.assertEqual(answers(), dict.fromkeys(LIES, b"127.0.1.1"))
        self.names.names = {name: [["127.0.1.2"]] for name in self.names.names}
        self.names.lies = {}
        wait_for(all_from(b"127.0.1.2"), lambda: "the new addresses: %r" % answers(), 6 * PATIENCE)

    def test_a_chain_of_names(self):
        """Canonical names are followed, however deep and whatever their order."""
        port = self.hosts()
        chain = [ASKED] + [encoded("c%d.test" % i) for i in range(8)]
        links = [record(chain[i], CNAME, chain[i + 1]) for i in range(8)] + [record(chain[-1], A, socket.inet_aton("127.0.1.2"))]
        self.names.lies["chain.test"] = lambda data, question: head(data, 9 if question[-3] == A else 8) + question + b"".join(
            links if question[-3] == A else links[:-1])
        proxy = self.with_admin("chain.test:%d" % port, greenway="name_servers = %s" % self.names.address)
        self.assertEqual(proxy.exchange(get("/")).body, b"127.0.1.2")

    def test_who_needs_no_name_does_not_wait(self):
        """A name server that says nothing holds up those who wait for its answer, and nobody else."""
        self.names.silent = True
        proxy = self.with_admin(self.upstream(), greenway="name_servers = %s\ndns_timeout = 20s" % self.names.address,
                                upstream="", extra="[route slow]\npath = =/slow\nupstream = slow\n"
                                "[upstream slow]\nserver = slow.test:80\ntimeout_connect = 1m\n")
        with proxy.dial() as waiting, proxy.dial() as wire:
            waiting.send(get("/slow"))
            wait_for(lambda: self.names.unanswered, "a question")
            for _ in range(200):
                self.assertEqual(wire.exchange(get("/")).body, b"hello")
            self.assertFalse(waiting.readable(0))


class Dnsmasq(Admin):
    def setUp(self):
        super().setUp()
        self.hosts_path = self.path("hosts")
        self.process = None
        self.addCleanup(self.end)
        for _ in range(20):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            self.hosts({})
            if self.start():
                return
        self.fail("dnsmasq does not start: " + self.said())

    def said(self):
        with open(self.path("dnsmasq.log")) as file:
            return file.read()

    def hosts(self, table):
        with open(self.hosts_path, "w") as file:
            file.writelines("%s %s\n" % (address, name) for name, addresses in table.items() for address in addresses)
        if self.process:
            self.process.send_signal(signal.SIGHUP)

    def start(self, *more):
        with open(self.path("dnsmasq.log"), "w") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                 "--addn-hosts=" + self.hosts_path, "--port=%d" % self.port, "--listen-address=127.0.0.1", "--bind-interfaces",
                 "--local=/test/", "--local-ttl=1", "--neg-ttl=1", "--pid-file", "--user=", "--group=", *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: "read %s" % self.hosts_path in self.said() or self.process.poll() is not None, self.said)
        return self.process.poll() is None

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        self.process = None

    def named(self, server, **options):
        return self.with_admin(server, greenway="name_servers = 127.0.0.1:%d\ndns_timeout = 300ms\ndns_retry = 300ms" % self.port,
                               **options)

    def servers(self, count):
        for _ in range(20):
            made = []
            try:
                for i in range(count):
                    host = "127.0.2.%d" % (i + 1)
                    made.append(Upstream(answering(lambda request, host=host: ok(host.encode())), host=host,
                                         port=made[0].port if made else 0))
            except OSError:
                for server in made:
                    server.stop()
                continue
            for server in made:
                self.addCleanup(server.stop)
            return made[0].port
        self.fail("no port is free on all addresses")

    def wait_from(self, proxy, hosts):
        wanted = {host.encode() for host in hosts}
        wait_for(lambda: {proxy.exchange(get("/")).body for _ in range(2 * len(wanted))} == wanted, "answers of %r" % hosts)

    def test_the_life_of_a_name(self):
        """It comes to exist, moves, grows, vanishes; its name server dies and comes back."""
        port = self.servers(3)
        proxy = self.named("app.test:%d" % port)
        self.assertEqual(proxy.exchange(get("/")).status, 502)
        self.assertEqual(proxy.access_log(1)[0]["reason"], "dns_failed")
        self.hosts({"app.test": ["127.0.2.1"]})
        self.wait_from(proxy, ["127.0.2.1"])
        self.hosts({"app.test": ["127.0.2.2", "127.0.2.3"]})
        self.wait_from(proxy, ["127.0.2.2", "127.0.2.3"])
        self.hosts({})
        wait_for(lambda: "does not resolve any more" in proxy.stderr(), proxy.stderr)
        self.wait_from(proxy, ["127.0.2.2", "127.0.2.3"])
        self.end()
        self.wait_from(proxy, ["127.0.2.2", "127.0.2.3"])
        self.hosts({"app.test": ["127.0.2.1"]})
        self.assertTrue(self.start(), self.said())
        self.wait_from(proxy, ["127.0.2.1"])
        self.assertIn("resolves again", proxy.stderr())

    def test_services(self):
        port = self.servers(2)
        self.end()
        self.hosts({"one.test": ["127.0.2.1"], "two.test": ["127.0.2.2"]})
        self.assertTrue(self.start("--srv-host=_http._tcp.app.test,one.test,%d,0,1" % port,
                                   "--srv-host=_http._tcp.app.test,two.test,%d,0,3" % port), self.said())
        proxy = self.named("srv:_http._tcp.app.test")
        seen = [proxy.exchange(get("/")).body for _ in range(8)]
        self.assertEqual((seen.count(b"127.0.2.1"), seen.count(b"127.0.2.2")), (2, 6))

    def test_more_than_a_datagram_holds(self):
        """A hundred addresses: dnsmasq cuts the answer short, and it is asked again by TCP."""
        port = self.servers(1)
        self.hosts({"app.test": ["127.0.2.1"] + ["127.0.3.%d" % (i + 1) for i in range(99)]})
        proxy = self.named("app.test:%d" % port, upstream="retries = 100\neject_after = off")
        self.assertEqual(proxy.exchange(get("/")).body, b"127.0.2.1")


if __name__ == "__main__":
    main()
