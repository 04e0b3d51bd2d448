"""What a session is worth: in the same place it is resumed, with another name or another listener it is not, and nothing is
ever taken before the handshake is over."""

import os
import signal
import ssl
import subprocess

from certificates import Authority
from harness import PATIENCE, Case, echo, http_config, main, wait_for
from upstream import answering
from wire import get

VERSIONS = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Sessions(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)

    def start(self, *names, listener=""):
        lines = "".join("certificate = %s\n" % self.ca.issue(name) for name in names)
        self.text = http_config(self.folder, self.upstream(answering(echo)), listener=lines + listener)
        return self.greenway(self.text)

    def visit(self, proxy, context, name, session=None):
        """(resumed, the session to resume next)."""
        wire = proxy.dial()
        wire.sock = context.wrap_socket(wire.sock, server_hostname=name, session=session)
        with wire:
            self.assertEqual(wire.exchange(get(host=name)).status, 200)
            return wire.sock.session_reused, wire.sock.session

    def test_stateless_and_stateful_in_both_versions(self):
        for lines, options in (("", {}), ("session_cache = 0\n", {}), ("tls_tickets = off\n", {}), ("", {"tickets": False})):
            proxy = self.start("one.example", listener=lines)
            for version in VERSIONS:
                with self.subTest(lines=lines, version=version, **options):
                    context = self.ca.client(version=version, **options)
                    first, session = self.visit(proxy, context, "one.example")
                    again, session = self.visit(proxy, context, "one.example", session)
                    self.assertEqual((first, again), (False, True))

    def test_not_for_another_name(self):
        proxy = self.start("one.example", "two.example")
        for version in VERSIONS:
            for options in ({}, {"tickets": False}):
                with self.subTest(version=version, **options):
                    context = self.ca.client(version=version, **options)
                    _, session = self.visit(proxy, context, "one.example")
                    self.assertFalse(self.visit(proxy, context, "two.example", session)[0])
                    self.assertTrue(self.visit(proxy, context, "one.example", session)[0])

    def test_not_in_another_version(self):
        proxy = self.start("one.example")
        for first, second in (VERSIONS, VERSIONS[::-1]):
            context = self.ca.client()
            context.minimum_version = context.maximum_version = first
            _, session = self.visit(proxy, context, "one.example")
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.maximum_version = second
            context.minimum_version = second
            try:
                self.assertFalse(self.visit(proxy, context, "one.example", session)[0])
            except (ssl.SSLError, ValueError):
                pass  # the client itself will not have it

    def test_a_ticket_lives_through_reloads_and_new_keys(self):
        proxy = self.start("one.example")
        for version in VERSIONS:
            context = self.ca.client(version=version)
            _, session = self.visit(proxy, context, "one.example")
            for number in range(3):
                self.write("greenway.ini", self.text.replace("[listener web]", "[listener web]\nmax_head = %dk" % (20 + number)))
                before = proxy.stderr().count("reloaded")
                proxy.signal(signal.SIGHUP)
                wait_for(lambda: proxy.stderr().count("reloaded") > before, lambda: "the reload: " + proxy.stderr())
                self.assertTrue(self.visit(proxy, context, "one.example", session)[0])

    def test_key_files_are_rotated(self):
        """The first key seals, all open: what the one before has sealed is good until it is dropped."""
        keys = []
        for number in range(3):
            keys.append(self.path("key%d" % number))
            with open(keys[-1], "wb") as file:
                file.write(os.urandom(80))
            os.chmod(keys[-1], 0o600)
        proxy = self.start("one.example", listener="ticket_key_file = %s\n" % keys[0])
        context = self.ca.client()
        _, session = self.visit(proxy, context, "one.example")
        for current, wanted in (((1, 0), True), ((2, 1), False)):
            self.write("greenway.ini", self.text.replace(keys[0], ", ".join(keys[i] for i in current)))
            before = proxy.stderr().count("reloaded")
            proxy.signal(signal.SIGHUP)
            wait_for(lambda: proxy.stderr().count("reloaded") > before, lambda: "the reload: " + proxy.stderr())
            self.assertEqual(self.visit(proxy, context, "one.example", session)[0], wanted)

    def s_client(self, proxy, *arguments):
        return subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % proxy.port, "-servername", "one.example",
                               "-tls1_3", "-ign_eof", *arguments], input=b"GET / HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n",
                              capture_output=True, timeout=PATIENCE * 2)

    def test_nothing_is_taken_early(self):
        """0-RTT can be replayed: tickets do not offer it, and who tries it nevertheless is not heard."""
        proxy = self.start("one.example")
        session, early = self.path("session"), self.write("early", "GET /early HTTP/1.1\r\nHost: one.example\r\n\r\n")
        done = self.s_client(proxy, "-sess_out", session)
        self.assertIn(b"HTTP/1.1 200", done.stdout)
        text = subprocess.run(["openssl", "sess_id", "-in", session, "-noout", "-text"], capture_output=True, check=True).stdout
        self.assertNotRegex(text, rb"Max Early Data: [1-9]")
        done = self.s_client(proxy, "-sess_in", session, "-early_data", early)
        self.assertIn(b"Reused, TLSv1.3", done.stdout)
        self.assertNotIn(b"Early data was accepted", done.stdout)
        self.assertIn(b"HTTP/1.1 200", done.stdout)
        self.assertFalse([line for line in proxy.access_lines() if "/early" in line])


if __name__ == "__main__":
    main()
