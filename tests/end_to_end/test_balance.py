"""Which server a connection or request comes to: hashes at tcp listeners, and what is shown of it."""

import collections
import ssl

from admin import Admin
from control_client import Controlled
from harness import Case, answering, main, tcp_config, wait_for
from wire import get, ok

SERVERS = 4
KEYS = 80


def hello(name):
    """The ClientHello for a server of this name (None: for nobody in particular)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def saying(name):
    """Waits for something to be said, and says its name."""
    def script(wire, upstream):
        if wire.more():
            wire.send(name)
    return script


class Tcp(Case):
    def begin(self, balance):
        self.servers = [self.upstream(saying(b"%d" % i)) for i in range(SERVERS)]
        text = tcp_config(self.folder, *self.servers, upstream="balance = " + balance)
        self.gateway = self.greenway(text.replace("workers = 1", "workers = 2"))

    def ask(self, said, source="127.0.0.1"):
        with self.gateway.dial(source=(source, 0)) as wire:
            wire.send(said)
            return wire.until_end()

    def homes(self, ask):
        """Where each key is at home, asked for twice: by whichever worker."""
        first = [ask(i) for i in range(KEYS)]
        self.assertEqual(first, [ask(i) for i in range(KEYS)])
        self.assertEqual(len(set(first)), SERVERS, "all of them are somebody's home: %r" % first)
        return first

    def leaves(self, ask, before):
        """A server that is gone gives its keys to others; theirs stay where they are."""
        gone = collections.Counter(before).most_common()[-1][0]
        self.servers[int(gone)].stop()
        after = [ask(i) for i in range(KEYS)]
        self.assertNotIn(gone, after)
        for home, now in zip(before, after):
            if home != gone:
                self.assertEqual(home, now)

    def test_by_source(self):
        self.begin("hash:source")

        def by_source(i):
            return self.ask(b"x", "127.0.2.%d" % (i + 1))
        self.leaves(by_source, self.homes(by_source))

    def test_by_server_name(self):
        self.begin("hash:sni")

        def by_name(i):
            return self.ask(hello("host%d.example" % i), "127.0.2.%d" % (i % 3 + 1))
        homes = self.homes(by_name)
        for i in range(8):  # a name is the same in large letters, and when it comes byte by byte
            self.assertEqual(self.ask(hello("HOST%d.Example" % i)), homes[i])
        with self.gateway.dial() as wire:
            for byte in hello("host9.example"):
                wire.send(bytes([byte]))
            self.assertEqual(wire.until_end(), homes[9])
        self.leaves(by_name, homes)

    def test_without_a_name(self):
        """Who names nobody, or speaks no TLS, is served all the same."""
        self.begin("hash:sni")
        for said in (hello(None), b"SSH-2.0-client\r\n"):
            self.assertIn(self.ask(said), [b"%d" % i for i in range(SERVERS)])


class Shown(Controlled, Admin):
    def test_what_is_in_use_and_what_is_drained(self):
        one, two = self.upstream(answering(lambda request: ok(b"one"))), self.upstream(self.holding)
        self.held = []
        proxy = self.with_admin(one, two, greenway=self.control_key())
        control = self.dial_control()
        control.text("drain app " + one.server)
        self.wait_metric(1, "greenway_server_drained", server=one.server)
        with proxy.dial() as first, proxy.dial() as second:
            for wire in (first, second):
                wire.send(get("/"))
            wait_for(lambda: len(self.held) == 2, "both requests at the other server")
            self.wait_metric(2, "greenway_server_connections_active", server=two.server)
            self.assertEqual(self.metrics().sum("greenway_server_connections_active", server=one.server), 0)
            for server in self.held:
                server.send(ok(b"two"))
            for wire in (first, second):
                self.assertEqual(wire.final().body, b"two")
        wait_for(lambda: self.metrics().sum("greenway_server_connections_active", server=two.server) == 0,
                 "nothing to be in use")
        control.text("enable app " + one.server)
        self.assertEqual(self.metrics().sum("greenway_server_drained", server=one.server), 0)

    def holding(self, wire, upstream):
        wire.request()
        self.held.append(wire)
        wire.until_end()


if __name__ == "__main__":
    main()
