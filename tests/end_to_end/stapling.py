"""For tests of OCSP stapling: responders, what they say, and what clients see of it."""

import base64
import datetime
import http.server
import os
import re
import subprocess
import threading
import urllib.parse

from admin import Admin
from certificates import Authority
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from harness import PATIENCE, echo, run_command, wait_for
from upstream import answering

SECOND = datetime.timedelta(seconds=1)


class Responder(http.server.ThreadingHTTPServer):
    """Answers with what .answer(question) returns: a status and a body."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.answer = lambda question: (404, b"")
        self.url = "http://127.0.0.1:%d/ask" % self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, *_):
        pass  # whoever asked has gone


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        question = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/ocsp-request", self.headers
        self.reply(question)

    def do_GET(self):
        """As nginx asks."""
        self.reply(base64.b64decode(urllib.parse.unquote(self.path.rpartition("/")[2])))

    def reply(self, question):
        self.server.asked.append(ocsp.load_der_ocsp_request(question))
        status, body = self.server.answer(self.server.asked[-1])
        self.send_response(status)
        self.send_header("Content-Type", "application/ocsp-response")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def response(authority, certificate, status=ocsp.OCSPCertStatus.GOOD, begins=-3600, seconds=86400, signer=None):
    """What an authority says of a certificate, in DER; the times are seconds from now."""
    now = datetime.datetime.utcnow()
    revoked = status == ocsp.OCSPCertStatus.REVOKED
    name, key = signer or (authority.certificate, authority.key)
    builder = (ocsp.OCSPResponseBuilder()
               .add_response(cert=certificate, issuer=authority.certificate, algorithm=hashes.SHA1(),
                             cert_status=status, this_update=now + begins * SECOND,
                             next_update=now + seconds * SECOND if seconds else None,
                             revocation_time=now - 3600 * SECOND if revoked else None, revocation_reason=None)
               .responder_id(ocsp.OCSPResponderEncoding.HASH, name))
    if signer:
        builder = builder.certificates([name])
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Stapling(Admin):
    def setUp(self):
        super().setUp()
        self.root = Authority(self.folder, "Root")
        self.ca = Authority(self.folder, "Issuer", parent=self.root)

    def responder(self):
        responder = Responder()
        self.addCleanup(responder.server_close)
        self.addCleanup(responder.shutdown)
        return responder

    def response(self, certificate, *arguments, **options):
        return response(self.ca, certificate, *arguments, **options)

    def put(self, name, data):
        """As careful programs do it."""
        with open(self.path("tmp.new"), "wb") as file:
            file.write(data)
        os.rename(self.path("tmp.new"), self.path(name))
        return self.path(name)

    def serve(self, certificate, listener=""):
        return self.with_admin(self.upstream(answering(echo)), greenway="certificate_watch = 100ms",
                               listener="certificate = %s\n%s" % (certificate, listener))

    def stapled(self, proxy, name="one.example", version="-tls1_3"):
        """What s_client sees: "good", "revoked", ... or None where no response was sent."""
        done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % proxy.port, "-servername", name, "-status",
                               version, "-CAfile", self.root.file, "-verify_return_error"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        if "OCSP response: no response sent" in done.stdout:
            return None
        self.assertIn("OCSP Response Status: successful", done.stdout)
        return re.search(r"Cert Status: (\w+)", done.stdout).group(1)

    def wait_for_staple(self, proxy, wanted="good"):
        wait_for(lambda: self.stapled(proxy) == wanted, lambda: "%s to be stapled:\n%s" % (wanted, proxy.stderr()),
                 PATIENCE * 2)

    def wait_for_word(self, proxy, text):
        wait_for(lambda: text in proxy.stderr(), lambda: "%r in:\n%s" % (text, proxy.stderr()), PATIENCE * 2)

    def check(self, listener):
        config = self.write("checked.ini", "[listener a]\nbind = 127.0.0.1:0\n%s\n[route r]\nrespond = 200 text/plain x\n"
                            % listener)
        return run_command("check", config)

    def start(self, answer, listener="", **options):
        """A proxy whose certificate names a responder that answers like this."""
        self.asked = self.responder()
        self.asked.answer = answer
        certificate = self.ca.issue("one.example", responder=self.asked.url, file="site.pem", **options)
        self.leaf = self.ca.latest
        return self.serve(certificate, "ocsp_stapling = on\n" + listener)

    def fails(self, answer, word):
        proxy = self.start(answer)
        self.wait_for_word(proxy, "no response of OCSP could be had from %s: " % self.asked.url)
        self.assertRegex(proxy.stderr(), word + ".*; clients get none")
        self.assertIsNone(self.stapled(proxy))
        self.assertEqual(self.metrics().sum("greenway_ocsp_failures_total"), 1)
