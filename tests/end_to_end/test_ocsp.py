"""OCSP stapling: what clients are told of the revocation of our certificates, from files and from responders."""

import datetime
import os
import shutil
import subprocess
import tempfile

from certificates import Authority, pem
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from harness import SCALE, main, wait_for
from stapling import Responder, Stapling


class Files(Stapling):
    def test_beside_the_certificate_and_renewed(self):
        certificate = self.ca.issue("one.example", file="site.pem")
        self.put("site.ocsp", self.response(self.ca.latest))
        proxy = self.serve(certificate)
        for version in ("-tls1_2", "-tls1_3"):
            self.assertEqual(self.stapled(proxy, version=version), "good")
        os.unlink(self.path("site.ocsp"))
        self.wait_for_staple(proxy, None)
        self.put("site.ocsp", self.response(self.ca.latest))
        self.wait_for_staple(proxy)
        self.put("site.ocsp", b"nonsense")
        self.wait_for_word(proxy, "site.ocsp: this is no response of OCSP")
        self.wait_for_staple(proxy, None)

    def test_named_in_any_order_for_two_kinds_of_keys(self):
        one = self.ca.issue("one.example")
        first = self.put("first", self.response(self.ca.latest))
        two = self.ca.issue("two.example", kind="rsa")
        second = self.put("second", self.response(self.ca.latest))
        three = self.ca.issue("three.example")
        proxy = self.serve("%s, %s, %s" % (one, two, three), "ocsp = %s, %s" % (second, first))
        self.assertEqual([self.stapled(proxy, n + ".example") for n in ("one", "two", "three")], ["good", "good", None])

    def test_renewed_in_a_folder_of_its_own(self):
        """Which the sandbox lets it look into."""
        elsewhere = tempfile.mkdtemp(prefix="greenway-test-ocsp-")
        self.addCleanup(shutil.rmtree, elsewhere)
        given = os.path.join(elsewhere, "one")
        certificate = self.ca.issue("one.example")
        self.put(given, self.response(self.ca.latest))
        proxy = self.serve(certificate, "ocsp = " + given)
        self.assertEqual(self.stapled(proxy), "good")
        self.put(given, self.response(self.ca.latest, seconds=777777))
        wait_for(lambda: self.metrics().sum("greenway_ocsp_response_expires_seconds")
                 > datetime.datetime.now().timestamp() + 700000, lambda: "the new one: " + proxy.stderr())

    def test_delegated_responder(self):
        certificate = self.ca.issue("one.example")
        leaf = self.ca.latest
        self.ca.issue(subject="Responder", usage=ExtendedKeyUsageOID.OCSP_SIGNING, file="delegate.pem")
        with open(self.path("delegate.pem"), "rb") as file:
            key = serialization.load_pem_private_key(file.read(), None)
        given = self.put("x.ocsp", self.response(leaf, signer=(self.ca.latest, key)))
        self.assertEqual(self.stapled(self.serve(certificate, "ocsp = " + given)), "good")

    def test_what_is_refused(self):
        certificate = self.ca.issue("one.example")
        leaf = self.ca.latest
        self.ca.issue("other.example")
        other = self.ca.latest
        stranger = Authority(self.folder, "Stranger", parent=self.root)
        stranger.issue(subject="Helper", file="helper.pem")
        with open(self.path("helper.pem"), "rb") as file:
            helper = (stranger.latest, serialization.load_pem_private_key(file.read(), None))
        for data, word in ((b"", "this is no response"), (b"nonsense", "this is no response"),
                           (self.response(leaf) + b"x", "this is no response"), (b"\x30" * 70000, "File too large|large"),
                           (self.response(other), "about none of the listener's certificates|another certificate"),
                           (self.response(leaf, signer=(stranger.certificate, stranger.key)), "not signed by the issuer"),
                           (self.response(leaf, signer=helper), "not signed by the issuer"),
                           (self.response(leaf, ocsp.OCSPCertStatus.UNKNOWN), "none of the listener|does not know"),
                           (ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
                            .public_bytes(serialization.Encoding.DER), "trylater")):
            status, _, errors = self.check("certificate = %s\nocsp = %s" % (certificate, self.put("bad", data)))
            self.assertEqual(status, 2, word)
            self.assertRegex(errors, r"checked.ini:4: \[listener a\] ocsp: .*(%s)" % word)

    def test_what_is_out_of_date_or_revoked_keeps_nobody_from_starting(self):
        certificate = self.ca.issue("one.example")
        for response, word in ((self.response(self.ca.latest, begins=-7200, seconds=-3600), "out of date"),
                               (self.response(self.ca.latest, begins=7200), "not valid yet"),
                               (self.response(self.ca.latest, ocsp.OCSPCertStatus.REVOKED), "has revoked the certificate")):
            given = self.put("x.ocsp", response)
            status, _, errors = self.check("certificate = %s\nocsp = %s" % (certificate, given))
            self.assertEqual(status, 0, errors)
            self.assertIn(word, errors)
        self.assertIsNone(self.stapled(self.serve(certificate, "ocsp = " + given)))

    def test_what_check_says(self):
        must = self.ca.issue("one.example", must_staple=True)
        self.assertIn("must staple", self.check("certificate = " + must)[2])
        given = self.put("x", self.response(self.ca.latest))
        self.assertNotIn("must staple", self.check("certificate = %s\nocsp = %s" % (must, given))[2])
        self.assertIn("names no responder", self.check("certificate = %s\nocsp_stapling = on" % must)[2])
        orphan = self.root.issue("one.example", responder="http://127.0.0.1/")
        self.assertIn("issuer is not in the file", self.check("certificate = %s\nocsp_stapling = on" % orphan)[2])
        self.assertIn("has no TLS", self.check("ocsp_stapling = on")[2])


class Fetched(Stapling):
    def test_good_and_asked_once(self):
        proxy = self.start(lambda _: (200, self.response(self.leaf)), must_staple=True)
        self.wait_for_staple(proxy)
        self.assertEqual(self.asked.asked[0].serial_number, self.leaf.serial_number)
        metrics = self.metrics()
        self.assertAlmostEqual(metrics.sum("greenway_ocsp_response_expires_seconds"),
                               datetime.datetime.now().timestamp() + 86400, delta=600)
        self.assertEqual(metrics.sum("greenway_ocsp_failures_total"), 0)
        self.asked.answer = lambda _: (500, b"")
        proxy.signal(1)  # the response outlives a reload, and that the files are read again
        self.wait_for_word(proxy, "reloaded")
        self.assertEqual(self.stapled(proxy), "good")
        os.utime(self.path("site.pem"))
        self.wait_for_word(proxy, "were read again")
        self.assertEqual(self.stapled(proxy), "good")
        self.assertEqual(len(self.asked.asked), 1)

    def test_asked_again_when_half_is_over(self):
        proxy = self.start(lambda _: (200, self.response(self.leaf, begins=0, seconds=10)))
        self.wait_for_staple(proxy)
        wait_for(lambda: len(self.asked.asked) > 1, "a second question", 60)
        self.wait_for_staple(proxy)
        self.assertNotIn("no new response", proxy.stderr())

    def test_revoked(self):
        proxy = self.start(lambda _: (200, self.response(self.leaf, begins=0, seconds=10)))
        self.wait_for_staple(proxy)
        self.asked.answer = lambda _: (200, self.response(self.leaf, ocsp.OCSPCertStatus.REVOKED))
        self.wait_for_word(proxy, "has revoked this certificate")
        self.assertIsNone(self.stapled(proxy))
        self.assertEqual(self.metrics().sum("greenway_ocsp_response_expires_seconds"), 0)

    def test_garbage(self):
        self.fails(lambda _: (200, b"<html>"), "no response of OCSP")

    def test_huge_answer(self):
        self.fails(lambda _: (200, b"x" * (10 << 20)), "more than 64 KiB")

    def test_wrong_issuer(self):
        stranger = Authority(self.folder, "Stranger", parent=self.root)
        self.fails(lambda _: (200, self.response(self.leaf, signer=(stranger.certificate, stranger.key))), "not signed")

    def test_out_of_date(self):
        self.fails(lambda _: (200, self.response(self.leaf, begins=-7200, seconds=-10)), "out of date")

    def test_nobody_there(self):
        gone = Responder()
        gone.shutdown()
        gone.server_close()
        proxy = self.serve(self.ca.issue("one.example", responder=gone.url), "ocsp_stapling = on\n")
        self.wait_for_word(proxy, "clients get none")
        self.assertIn("refused", proxy.stderr())
        self.assertIsNone(self.stapled(proxy))

    def test_a_file_comes_first(self):
        proxy = self.start(lambda _: (200, self.response(self.leaf)))
        self.wait_for_staple(proxy)
        before = len(self.asked.asked)
        self.put("site.ocsp", self.response(self.leaf, seconds=777777))
        wait_for(lambda: self.metrics().sum("greenway_ocsp_response_expires_seconds")
                 > datetime.datetime.now().timestamp() + 700000, "the file's")
        self.assertEqual(len(self.asked.asked), before)


class WithOpenssl(Stapling):
    def test_its_responder(self):
        """openssl ocsp knows two certificates, one of which was revoked."""
        index = open(self.path("index.txt"), "w")
        process = None
        self.write("issuer.key", pem(self.ca.key).decode())

        def note(flag, certificate):
            end = (certificate.not_valid_after).strftime("%y%m%d%H%M%SZ")
            gone = datetime.datetime.utcnow().strftime("%y%m%d%H%M%SZ") if flag == "R" else ""
            serial = "%X" % certificate.serial_number
            index.write("%s\t%s\t%s\t%s\tunknown\t/CN=x\n" % (flag, end, gone, serial.zfill(len(serial) + len(serial) % 2)))
        with Responder() as held:  # to learn a port that is free
            port = held.server_address[1]
            held.shutdown()
        url = "http://127.0.0.1:%d" % port
        good = self.ca.issue("one.example", responder=url)
        note("V", self.ca.latest)
        bad = self.ca.issue("bad.example", responder=url)
        note("R", self.ca.latest)
        index.close()
        process = subprocess.Popen(["openssl", "ocsp", "-port", str(port), "-index", self.path("index.txt"), "-CA", self.ca.file,
                                    "-rsigner", self.ca.file, "-rkey", self.path("issuer.key"), "-nmin", "5"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        proxy = self.serve("%s, %s" % (good, bad), "ocsp_stapling = on")
        wait_for(lambda: self.stapled(proxy) == "good", lambda: proxy.stderr(), 60 * SCALE)
        self.wait_for_word(proxy, "bad.example-ec.pem: its authority has revoked")
        self.assertIsNone(self.stapled(proxy, "bad.example"))


if __name__ == "__main__":
    main()
