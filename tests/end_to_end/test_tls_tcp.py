"""TLS and tcp listeners: passed through by name and protocol, terminated, begun towards servers."""

import hashlib
import os
import ssl
import struct

from certificates import Authority, over_tls, secure, server_context
from harness import Case, main, wait_for
from wire import get, ok


def said(name, context):
    """A server that says which one it is, and echoes."""
    def script(wire, upstream):
        wire.send(name.encode())
        while wire.more():
            wire.send(wire.take(len(wire.buffer)))
    return over_tls(context, script) if context else script


class Tcp(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)

    def backend(self, name, tls=True, alpn=None):
        context = server_context(self.ca.issue(name, "*." + name)) if tls else None
        if alpn:
            context.set_alpn_protocols(alpn)
        return self.upstream(said(name, context))

    def hello(self, name, alpn=None):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.ca.client(alpn=alpn).wrap_bio(incoming, outgoing, server_hostname=name)
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        return outgoing.read()

    def config(self, routes, listener="", default=None, **upstreams):
        text = "[greenway]\nworkers = 1\naccess_log = %s\nlog_format = json\n[listener in]\nbind = 127.0.0.1:0\n" % self.path("access.log")
        text += "protocol = tcp\ntls_route = %s\n%s%s" % (routes, listener, "upstream = %s\n" % default if default else "")
        for name, server in upstreams.items():
            text += "[upstream %s]\nserver = %s\n" % (name, server.server)
        return self.greenway(text)

    def visit(self, proxy, name, alpn=None):
        with proxy.dial() as wire:
            secure(wire, self.ca.client(alpn=alpn), name)
            answer = wire.exactly(len("one.example"))
            data = os.urandom(50000)
            wire.send(data)
            self.assertEqual(wire.exactly(len(data)), data)
            return answer.decode()


class Passthrough(Tcp):
    def test_by_name_and_protocol(self):
        one, two, new = self.backend("one.example"), self.backend("two.example"), self.backend("two.example", alpn=["h2"])
        proxy = self.config("one.example one, *.two.example alpn=h2 new, *.two.example two", one=one, two=two, new=new)
        self.assertEqual(self.visit(proxy, "one.example"), "one.example")
        self.assertEqual(self.visit(proxy, "ONE.EXAMPLE"), "one.example")
        self.assertEqual(self.visit(proxy, "a.two.example"), "two.example")
        self.assertEqual(self.visit(proxy, "a.two.example", ["h2", "http/1.1"]), "two.example")
        self.assertEqual((one.connections, two.connections, new.connections), (2, 1, 1))
        for name in ("three.example", "two.example"):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.visit(proxy, name)
        refused = [e for e in proxy.access_log(6) if e["reason"]]
        self.assertEqual([(e["reason"], e["directive"]) for e in refused], [("tls_name_unrouted", "tls_route")] * 2)

    def test_the_rest_and_what_is_not_tls(self):
        one, rest = self.backend("one.example"), self.backend("rest", tls=False)
        proxy = self.config("one.example one", default="rest", one=one, rest=rest)
        with proxy.dial() as wire:
            wire.send(b"EHLO somebody\r\n")
            self.assertEqual(wire.exactly(4 + 15), b"restEHLO somebody\r\n")
        with proxy.dial() as wire:
            hello = self.hello("elsewhere.example")
            wire.send(hello)
            self.assertEqual(wire.exactly(4 + len(hello)), b"rest" + hello)  # as it came, byte for byte

    def test_split_over_records_and_segments(self):
        rest = self.backend("rest", tls=False)
        proxy = self.config("one.example rest", rest=rest)
        hello = self.hello("one.example", ["h2"])
        body = hello[5:]
        cut = b"".join(b"\x16\x03\x01" + struct.pack(">H", len(part)) + part
                       for part in (body[i:i + 50] for i in range(0, len(body), 50)))
        for data, step in ((hello, 1), (cut, 97), (cut, len(cut))):
            with proxy.dial() as wire:
                for i in range(0, len(data), step):
                    wire.send(data[i:i + step])
                self.assertEqual(wire.exactly(4 + len(data)), b"rest" + data)

    def test_large_and_malformed(self):
        rest = self.backend("rest", tls=False)
        proxy = self.config("* rest", rest=rest)
        hello = self.hello("one.example")

        def padded(size):
            """The same with an extension of `size` bytes that nobody knows."""
            body = bytearray(hello[9:])
            at = 2 + 32
            at += 1 + body[at]
            at += 2 + struct.unpack_from(">H", body, at)[0]
            at += 1 + body[at]
            struct.pack_into(">H", body, at, struct.unpack_from(">H", body, at)[0] + 4 + size)
            message = b"\x01" + struct.pack(">I", len(body) + 4 + size)[1:] + bytes(body) + b"\xfa\xfa" + struct.pack(">H", size) + bytes(size)
            return b"".join(b"\x16\x03\x01" + struct.pack(">H", len(message[i:i + 16000])) + message[i:i + 16000]
                            for i in range(0, len(message), 16000))
        data = padded(15000)
        with proxy.dial() as wire:
            wire.send(data)
            self.assertEqual(wire.exactly(4 + len(data)), b"rest" + data)
        for data in (padded(17000), hello[:5] + b"\x02" + hello[6:], hello[:9] + b"\x09" + hello[10:]):
            with proxy.dial() as wire:
                wire.send(data)
                wire.ending()
        self.assertEqual([e["reason"] for e in proxy.access_log(4) if e["reason"]],
                         ["client_hello_too_large", "client_hello_malformed", "client_hello_malformed"])

    def test_the_silent_are_not_waited_for(self):
        rest = self.backend("rest", tls=False)
        proxy = self.config("* rest", "timeout_handshake = 500ms\n", rest=rest)
        hello = self.hello("one.example")
        wires = [proxy.dial() for _ in range(50)]
        for i, wire in enumerate(wires):
            wire.send(hello[:i])
        for wire in wires:
            wire.ending()
            wire.close()
        self.assertEqual({e["reason"] for e in proxy.access_log(50)}, {"tls_handshake_timeout"})
        self.assertEqual(rest.connections, 0)


class Ends(Tcp):
    def tunnel(self, listener="", upstream="", script=None):
        server = self.upstream(script or said("hello", None))
        return self.tcp_proxy(server, listener=listener, upstream=upstream)

    def test_terminated(self):
        proxy = self.tunnel("certificate = %s\nalpn = echo\n" % self.ca.issue("one.example"))
        with proxy.dial() as wire:
            secure(wire, self.ca.client(alpn=["echo"]), "one.example")
            self.assertEqual(wire.sock.selected_alpn_protocol(), "echo")
            self.assertEqual(wire.exactly(5), b"hello")
            data = os.urandom(3 << 20)
            digest = hashlib.sha256()
            for i in range(0, len(data), 1 << 16):
                wire.send(data[i:i + (1 << 16)])
                digest.update(wire.exactly(1 << 16))
            self.assertEqual(digest.digest(), hashlib.sha256(data).digest())

    def test_terminated_and_routed(self):
        one, two = self.upstream(said("one.example", None)), self.upstream(said("two.example", None))
        proxy = self.config("one.example one, two.example two", "certificate = %s\ncertificate = %s\n"
                            % (self.ca.issue("one.example"), self.ca.issue("two.example")), one=one, two=two)
        self.assertEqual(self.visit(proxy, "two.example"), "two.example")
        self.assertEqual(self.visit(proxy, "one.example"), "one.example")

    def test_the_end_of_input_is_passed_on(self):
        """close_notify of the client becomes FIN, and the other direction stays open."""
        def script(wire, upstream):
            wire.send(b"got %d" % len(wire.until_end()))
        proxy = self.tunnel("certificate = %s\n" % self.ca.issue("one.example"), script=script)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.ca.client().wrap_bio(incoming, outgoing, server_hostname="one.example")
        with proxy.dial() as wire:
            def step(call):
                while True:
                    try:
                        return call()
                    except ssl.SSLWantReadError:
                        wire.send(outgoing.read())
                        incoming.write(wire.sock.recv(65536))
                    finally:
                        wire.send(outgoing.read())
            step(client.do_handshake)
            step(lambda: client.write(b"x" * 1000))
            try:
                client.unwrap()
            except (ssl.SSLWantReadError, ssl.SSLError):
                pass
            wire.send(outgoing.read())
            data = wire.until_end()
        self.assertGreater(len(data), 8)  # the answer, encrypted, and the server's own close_notify
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["bytes_in"], entry["bytes_out"]), ("", 1000, 8))

    def test_begun(self):
        server = self.backend("127.0.0.1")
        proxy = self.tcp_proxy(server, upstream="tls = on\ntls_ca = %s\n" % self.ca.file)
        with proxy.dial() as wire:
            self.assertEqual(wire.exactly(9), b"127.0.0.1")
            data = os.urandom(300000)
            for i in range(0, len(data), 30000):
                wire.send(data[i:i + 30000])
                self.assertEqual(wire.exactly(30000), data[i:i + 30000])

    def test_begun_with_somebody_else(self):
        server = self.upstream(said("x", server_context(self.ca.issue("other.example"))))
        proxy = self.tcp_proxy(server, upstream="tls = on\ntls_ca = %s\n" % self.ca.file)
        with proxy.dial() as wire:
            self.assertEqual(wire.ending()[1], b"")
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("tls_name_mismatch", "tls_name"))


if __name__ == "__main__":
    main()
