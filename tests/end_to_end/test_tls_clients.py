"""Client certificates: who gets in, who does not and why, and what servers are told of whom."""

import hashlib
import json
import ssl

from certificates import CLIENT_AUTH, SERVER_AUTH, Authority, secure
from cryptography.hazmat.primitives import serialization
from harness import Case, echo, main, wait_for
from upstream import answering
from wire import Truncated, get


class Clients(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)
        self.clients = Authority(self.folder, "Clients CA")
        self.server = self.upstream(answering(echo))

    def start(self, extra="client_certificate = require\n"):
        return self.proxy(self.server, listener="certificate = %s\nclient_ca = %s\n%s"
                          % (self.ca.issue("one.example"), self.clients.file, extra))

    def visit(self, proxy, certificate=None, version=None, fields=""):
        with proxy.dial() as wire:
            secure(wire, self.ca.client(certificate, version=version), "one.example")
            return wire.exchange(get(extra=fields)).status

    def assert_refused(self, proxy, certificate, reason, directive):
        """Not served, in either version; TLS 1.3 learns of it after its side of the handshake."""
        def refusals():
            return [entry for entry in map(json.loads, proxy.access_lines()) if entry["reason"]]
        before = len(refusals())
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.assertRaises((ssl.SSLError, ConnectionError, Truncated)):
                self.visit(proxy, certificate, version)
        wait_for(lambda: len(refusals()) >= before + 2, lambda: "two refusals; there are %r" % refusals()[before:])
        for entry in refusals()[before:]:
            self.assertEqual((entry["reason"], entry["directive"], entry["status"]), (reason, directive, 0))

    def test_required(self):
        proxy = self.start()
        good = self.clients.issue(subject="Ada Lovelace", usage=CLIENT_AUTH)
        fingerprint = hashlib.sha256(self.clients.latest.public_bytes(serialization.Encoding.DER)).hexdigest()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(self.visit(proxy, good, version, "X-Client-Cert-Subject: CN=root\r\nX_Client_Cert_Issuer: x\r\n"
                                        "X-Client-Cert-Serial: 1\r\n"), 200)
            seen = self.server.requests[-1]
            self.assertEqual(seen.all("X-Client-Cert-Subject"), ["CN=Ada Lovelace"])
            self.assertEqual(seen.all("X-Client-Cert-Issuer"), ["CN=Clients CA"])
            self.assertEqual(seen.all("X-Client-Cert-Fingerprint"), [fingerprint])
            self.assertFalse(seen.has("X-Client-Cert-Serial") or seen.has("X_Client_Cert_Issuer"))

    def test_refused(self):
        proxy = self.start()
        self.assert_refused(proxy, None, "client_certificate_missing", "client_certificate")
        self.assert_refused(proxy, self.ca.issue(subject="stranger"), "client_certificate_untrusted", "client_ca")
        self.assert_refused(proxy, self.clients.issue(subject="late", begins=-9, days=-1), "client_certificate_expired",
                            "client_certificate")
        self.assert_refused(proxy, self.clients.issue(subject="early", begins=2), "client_certificate_not_yet_valid",
                            "client_certificate")
        self.assert_refused(proxy, self.clients.issue(subject="a server", usage=SERVER_AUTH), "client_certificate_misused",
                            "client_certificate")
        self.assertEqual(self.server.requests, [])

    def test_optional(self):
        proxy = self.start("client_certificate = optional\n")
        self.assertEqual(self.visit(proxy, fields="X-Client-Cert-Subject: CN=root\r\n"), 200)
        self.assertFalse(self.server.requests[0].has("X-Client-Cert-Subject"))
        self.assertEqual(self.visit(proxy, self.clients.issue(subject="bob")), 200)
        self.assertEqual(self.server.requests[1].get("X-Client-Cert-Subject"), "CN=bob")
        self.assert_refused(proxy, self.ca.issue(subject="stranger"), "client_certificate_untrusted", "client_ca")

    def test_revoked(self):
        bad = self.clients.issue(subject="revoked")
        self.clients.revoke(self.clients.latest)
        proxy = self.start("client_certificate = require\nclient_crl = %s\n" % self.clients.crl())
        self.assertEqual(self.visit(proxy, self.clients.issue(subject="good")), 200)
        self.assert_refused(proxy, bad, "client_certificate_revoked", "client_crl")
        stale = self.start("client_certificate = require\nclient_crl = %s\n" % self.clients.crl("stale.pem", days=-1))
        self.assert_refused(stale, self.clients.issue(subject="nice"), "client_crl_expired", "client_crl")

    def test_depth(self):
        middle = Authority(self.folder, "Middle", parent=self.clients)
        inner = Authority(self.folder, "Inner", parent=middle)
        chained = inner.issue(subject="deep")
        with open(chained, "ab") as file:
            file.write(middle.pem())
        self.assertEqual(self.visit(self.start(), chained), 200)
        proxy = self.start("client_certificate = require\nclient_certificate_depth = 1\n")
        self.assert_refused(proxy, chained, "client_certificate_chain_too_long", "client_certificate_depth")


if __name__ == "__main__":
    main()
