"""The PROXY protocol: taken from those who may speak for others, refused from all else, and sent."""

import re
import signal
import socket
import struct

from certificates import Authority, secure
from harness import Case, main, wait_for
from upstream import answering, idle
from wire import get, ok

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.77 198.51.100.2 5678 443\r\n"


def v2(source="192.0.2.77", command=1, tlvs=b""):
    body = socket.inet_aton(source) + socket.inet_aton("198.51.100.2") + struct.pack(">HH", 5678, 443) + tlvs
    return SIGNATURE + bytes([0x20 | command, 0x11]) + struct.pack(">H", len(body)) + body


class Received(Case):
    FROM = "proxy_protocol = on\nproxy_protocol_from = 127.0.0.0/8\n"

    def start(self, listener=FROM, **sections):
        self.server = self.upstream(answering(lambda request: ok(request.get("X-Forwarded-For").encode())))
        return self.proxy(self.server, listener=listener, **sections)

    def ask(self, proxy, header, step=10000, request=get()):
        with proxy.dial() as wire:
            data = header + request
            for i in range(0, len(data), step):
                wire.send(data[i:i + step])
            return wire.final().body.decode()

    def test_both_versions(self):
        proxy = self.start()
        self.assertEqual(self.ask(proxy, V1), "192.0.2.77")
        self.assertEqual(self.ask(proxy, v2()), "192.0.2.77")
        self.assertEqual(self.ask(proxy, v2(tlvs=b"\x01\x00\x02h2\x04\x00\x03abc")), "192.0.2.77")
        self.assertEqual(self.ask(proxy, b"PROXY UNKNOWN\r\n"), "127.0.0.1")
        self.assertEqual(self.ask(proxy, v2(command=0)), "127.0.0.1")
        self.assertEqual([e["client"] for e in proxy.access_log(3)[:3]], ["192.0.2.77"] * 3)

    def test_split_over_segments(self):
        proxy = self.start()
        for header in (V1, v2()):
            self.assertEqual(self.ask(proxy, header, step=1), "192.0.2.77")
            self.assertEqual(self.ask(proxy, header, step=13), "192.0.2.77")

    def test_malformed_truncated_and_missing(self):
        proxy = self.start("timeout_proxy_protocol = 500ms\n" + self.FROM)
        for header, reason in [(get(), "proxy_header_malformed"), (V1.replace(b"TCP4", b"TCP9"), "proxy_header_malformed"),
                               (b"PROXY " + b"x" * 200, "proxy_header_malformed"), (v2(tlvs=b"\x01\x00"), "proxy_header_malformed"),
                               (v2(tlvs=b"\x03\x00\x04abcd"), "proxy_header_malformed"),
                               (SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 100, "proxy_header_malformed"),
                               (V1[:20], "proxy_header_timeout"), (v2()[:15], "proxy_header_timeout"),
                               (v2()[:20], "proxy_header_timeout")]:
            count = len(proxy.access_lines())
            with proxy.dial() as wire:
                wire.send(header)
                self.assertEqual(wire.ending()[1], b"", header)
            self.assertEqual(proxy.access_log(count + 1)[-1]["reason"], reason, header)
        with proxy.dial() as wire:
            wire.send(v2()[:20])
            wire.finish()
            wire.ending()
        self.assertEqual(proxy.access_log(10)[-1]["reason"], "proxy_header_truncated")
        self.assertEqual(self.server.requests, [])

    def test_from_strangers(self):
        proxy = self.start("proxy_protocol = on\nproxy_protocol_from = 203.0.113.0/24\n")
        with proxy.dial() as wire:
            self.assertEqual(wire.ending()[1], b"")
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("proxy_header_untrusted", "proxy_protocol_from"))

    def test_rules_see_the_client(self):
        proxy = self.start(self.FROM + "deny = 192.0.2.0/24\n")
        with proxy.dial() as wire:
            wire.send(V1 + get())
            self.assertEqual(wire.final().status, 403)

    def test_before_tls(self):
        ca = Authority(self.folder)
        proxy = self.start(self.FROM + "certificate = %s\n" % ca.issue("one.example"))
        with proxy.dial() as wire:
            wire.send(v2())
            secure(wire, ca.client(), "one.example")
            self.assertEqual(wire.exchange(get()).body, b"192.0.2.77")


class Sent(Case):
    def start(self, version, listener="", upstream=""):
        self.heads = []

        def script(wire, upstream):
            if version == "v1":
                self.heads.append(wire.until(b"\r\n"))
            else:
                head = wire.exactly(16)
                self.heads.append(head + wire.exactly(struct.unpack(">H", head[14:])[0]))
            wire.send(b"welcome")
            while wire.more():
                pass
        return self.tcp_proxy(self.upstream(script), listener=listener, upstream="send_proxy_protocol = %s\n%s" % (version, upstream))

    def test_v1(self):
        proxy = self.start("v1")
        with proxy.dial() as wire:
            self.assertEqual(wire.exactly(7), b"welcome")
            port = wire.sock.getsockname()[1]
        self.assertEqual(self.heads, [b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (port, proxy.port)])

    def tlvs(self, data):
        found = {}
        while data:
            kind, length = struct.unpack(">BH", data[:3])
            found[kind] = data[3:3 + length]
            data = data[3 + length:]
        return found

    def test_v2_with_what_tls_says(self):
        ca = Authority(self.folder)
        proxy = self.start("v2", "certificate = %s\nalpn = echo\nclient_certificate = optional\nclient_ca = %s\n"
                           % (ca.issue("one.example"), ca.file))
        with proxy.dial() as wire:
            secure(wire, ca.client(ca.issue(subject="Ada"), alpn=["echo"]), "one.example")
            self.assertEqual(wire.exactly(7), b"welcome")
            port = wire.sock.getsockname()[1]
        head = self.heads[0]
        self.assertEqual(head[:14], SIGNATURE + b"\x21\x11")
        self.assertEqual(head[16:28], socket.inet_aton("127.0.0.1") * 2 + struct.pack(">HH", port, proxy.port))
        tlvs = self.tlvs(head[28:])
        self.assertEqual((tlvs[1], tlvs[2]), (b"echo", b"one.example"))
        self.assertEqual(tlvs[0x20][:5], b"\x07\0\0\0\0")
        inner = self.tlvs(tlvs[0x20][5:])
        self.assertEqual((inner[0x21], inner[0x22]), (b"TLSv1.3", b"CN=Ada"))
        self.assertEqual(struct.unpack(">I", tlvs[3])[0], crc32c(head.replace(tlvs[3], b"\0\0\0\0")))

    def test_between_two_of_ours(self):
        """What one sends the other understands, tcp before http."""
        server = self.upstream(answering(lambda request: ok(request.get("X-Forwarded-For").encode())))
        inner = self.proxy(server, listener=Received.FROM)
        for version in ("v1", "v2"):
            outer = self.tcp_proxy("127.0.0.1:%d" % inner.port, upstream="send_proxy_protocol = %s\n" % version)
            with outer.dial(source=("127.0.0.9", 0)) as wire:
                self.assertEqual(wire.exchange(get()).body, b"127.0.0.9")

    def test_kept_connections_begin_alike(self):
        """Those that began without a header are not used by requests that want one, and the other way round."""
        headers = []

        def script(wire, upstream):
            wire.more()
            headers.append(wire.buffer.startswith(b"PROXY "))
            if headers[-1]:
                wire.line()
            while idle(wire):
                upstream.record(wire.request(), wire)
                wire.send(ok())
        proxy = self.proxy(self.upstream(script), upstream="send_proxy_protocol = off")
        with proxy.dial() as wire:
            for word in ("off", "v1", "v1", "off"):
                with open(self.path("greenway.ini")) as file:
                    text = file.read()
                self.write("greenway.ini", re.sub("send_proxy_protocol = .*", "send_proxy_protocol = " + word, text))
                before = proxy.stderr().count("reloaded")
                proxy.signal(signal.SIGHUP)
                wait_for(lambda: proxy.stderr().count("reloaded") > before, lambda: "the reload:\n" + proxy.stderr())
                for _ in range(2):
                    self.assertEqual(wire.exchange(get()).status, 200)
        self.assertEqual(headers, [False, True, False])

    def test_requests_speak_for_nobody(self):
        server = self.upstream(answering(lambda request: ok(request.get("X-Forwarded-For").encode())))
        inner = self.proxy(server, listener=Received.FROM)
        outer = self.proxy("127.0.0.1:%d" % inner.port, upstream="send_proxy_protocol = v2\n")
        with outer.dial(source=("127.0.0.9", 0)) as wire:
            for _ in range(3):
                self.assertEqual(wire.exchange(get()).status, 200)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


if __name__ == "__main__":
    main()
