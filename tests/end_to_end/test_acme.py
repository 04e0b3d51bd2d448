"""Automatic certificates, from pebble (the test server of Let's Encrypt), with a name server of its own."""

import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import unittest
import urllib.request

from certificates import Authority, secure
from harness import Case, echo, main, wait_for
from patience import SCALE
from upstream import answering
from wire import get

PATIENT = 90 * SCALE


def free_ports(count):
    """Of moments: they are given back before they are used, and nobody else here takes ports by number."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@unittest.skipUnless(shutil.which("pebble") and shutil.which("pebble-challtestsrv"), "pebble is not installed")
class Acme(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)
        os.chmod(self.folder, 0o755)

    def run_program(self, *arguments, **environment):
        log = open(self.path(os.path.basename(arguments[0]) + ".log"), "ab")
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**os.environ, **environment})
        log.close()
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def pebble(self, http_port, tls_port, bindings=None, **environment):
        """Starts the authority and its DNS; every name leads to 127.0.0.1. Returns the URL of its directory."""
        acme, management, dns, control = free_ports(4)
        self.run_program("pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01",
                         "127.0.0.1:%d" % dns, "-management", "127.0.0.1:%d" % control, "-http01", "", "-https01", "",
                         "-tlsalpn01", "")
        settings = {"listenAddress": "127.0.0.1:%d" % acme, "managementListenAddress": "127.0.0.1:%d" % management,
                    "certificate": self.ca.issue("localhost", "127.0.0.1", separate=True, file="pebble.pem"),
                    "privateKey": self.path("pebble.pem.secret"), "httpPort": http_port, "tlsPort": tls_port,
                    "ocspResponderURL": "", "externalAccountBindingRequired": bindings is not None,
                    "externalAccountMACKeys": bindings or {}}
        config = self.write("pebble.json", json.dumps({"pebble": settings}))
        self.run_program("pebble", "-config", config, "-dnsserver", "127.0.0.1:%d" % dns,
                         **{"PEBBLE_VA_NOSLEEP": "1", **environment})
        self.management = "https://127.0.0.1:%d" % management
        wait_for(lambda: self.answers(acme), "pebble")
        return "https://localhost:%d/dir" % acme

    def answers(self, port):
        try:
            with socket.create_connection(("localhost", port), 1):
                return True
        except OSError:
            return False

    def roots(self):
        context = self.ca.client()
        with urllib.request.urlopen(self.management + "/roots/0", context=context, timeout=10) as answer:
            return answer.read().decode()

    def trusting(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.roots())
        return context

    def config(self, directory, ports, secure_listener="", greenway="", plain_listener="redirect_https = on\n"):
        plain, tls = ports
        return """
[greenway]
workers = 2
certificate_watch = 200ms
acme_directory = %s
acme_storage = %s/acme
acme_ca = %s
%s
[listener plain]
bind = 127.0.0.1:%d
%s
[listener secure]
bind = 127.0.0.1:%d
acme = on
%s
upstream = app
[route one]
listener = secure
host = one.example, *.one.example
upstream = app
[upstream app]
server = %s
""" % (directory, self.folder, self.ca.file, greenway, plain, plain_listener, tls, secure_listener,
       self.upstream(answering(echo)).server)

    def fetched(self, proxy, context, name="one.example"):
        """The certificate that a client sees who trusts the authority alone; None: it does not accept it."""
        try:
            with secure(proxy.dial("secure"), context, name) as wire:
                self.assertEqual(wire.exchange(get("/", host=name)).status, 200)
                return wire.sock.getpeercert()
        except (ssl.SSLError, OSError):
            return None


class Fetching(Acme):
    def test_http_01_then_kept_over_a_restart(self):
        ports = free_ports(2)
        directory = self.pebble(*ports)
        text = self.config(directory, ports, greenway="acme_email = admin@one.example\n")
        proxy = self.greenway(text, listeners=2)
        context = self.trusting()
        seen = wait_for(lambda: self.fetched(proxy, context), lambda: "the certificate: " + proxy.stderr(), PATIENT)
        self.assertEqual(seen["subjectAltName"], (("DNS", "one.example"),))
        self.assertEqual(sorted(os.listdir(self.path("acme"))), ["account.key", "one.example.pem"])
        for name in ("account.key", "one.example.pem"):
            self.assertEqual(stat.S_IMODE(os.stat(self.path("acme/" + name)).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("acme")).st_mode), 0o700)
        with proxy.dial("plain") as wire:  # nothing of it remains
            answer = wire.exchange(get("/.well-known/acme-challenge/x", host="one.example"))
            self.assertEqual(answer.status, 308)
        proxy.stop()
        again = self.greenway(text, listeners=2)
        self.assertEqual(self.fetched(again, context)["serialNumber"], seen["serialNumber"])
        self.assertNotIn("was fetched", again.stderr())

    def test_tls_alpn_01_with_bad_nonces(self):
        ports = free_ports(2)
        directory = self.pebble(*ports, PEBBLE_WFE_NONCEREJECT="50")
        proxy = self.greenway(self.config(directory, ports, "acme_challenge = tls-alpn-01\n"), listeners=2)
        context = self.trusting()
        wait_for(lambda: self.fetched(proxy, context), lambda: "the certificate: " + proxy.stderr(), PATIENT)

    def test_account_that_is_bound(self):
        key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
        ports = free_ports(2)
        directory = self.pebble(*ports, bindings={"kid-1": key})
        text = self.config(directory, ports, "acme_names = two.example, three.example\n", "acme_account = kid-1 %s\n" % key)
        proxy = self.greenway(text, listeners=2)
        context = self.trusting()
        for name in ("two.example", "three.example"):
            wait_for(lambda: self.fetched(proxy, context, name), lambda: "the certificate: " + proxy.stderr(), PATIENT)


class Failing(Acme):
    def test_names_that_lead_elsewhere(self):
        """Until it works a certificate of our own stands there, and the log says why."""
        ports = free_ports(2)
        others = free_ports(2)
        directory = self.pebble(*others)  # it looks for us where nobody is
        proxy = self.greenway(self.config(directory, ports), listeners=2)
        wait_for(lambda: "no certificate for one.example could be fetched" in proxy.stderr(), "the error", PATIENT)
        self.assertIn("could not see by http-01", proxy.stderr())
        self.assertIsNone(self.fetched(proxy, self.trusting()))
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        self.assertIsNotNone(self.fetched(proxy, anybody))
        self.assertEqual(os.listdir(self.path("acme")), ["account.key"])

    def test_no_authority(self):
        ports = free_ports(3)
        proxy = self.greenway(self.config("https://localhost:%d/dir" % ports[2], ports[:2]), listeners=2)
        wait_for(lambda: "could be fetched" in proxy.stderr(), "the error", PATIENT)
        proxy.stop()

    def test_damaged_files_are_replaced(self):
        ports = free_ports(2)
        directory = self.pebble(*ports)
        os.mkdir(self.path("acme"), 0o700)
        self.write("acme/one.example.pem", "nonsense\n")
        proxy = self.greenway(self.config(directory, ports), listeners=2)
        context = self.trusting()
        wait_for(lambda: self.fetched(proxy, context), lambda: "the certificate: " + proxy.stderr(), PATIENT)


if __name__ == "__main__":
    main()
