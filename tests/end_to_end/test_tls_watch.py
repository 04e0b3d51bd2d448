"""Certificates that are replaced while they are in use: noticed without a reload, and nobody is cut off."""

import json
import os
import ssl
import threading

from admin import Admin
from certificates import Authority, over_tls, secure, server_context
from harness import Case, echo, http_config, main, wait_for
from upstream import answering
from wire import get

WATCH = "certificate_watch = 100ms\n"


class Watch(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)

    def serve(self, certificates, listener=""):
        config = http_config(self.folder, self.upstream(answering(echo)), greenway=WATCH,
                             listener="certificate = %s\n%s" % (certificates, listener))
        return self.greenway(config)

    def dial_tls(self, proxy, name="one.example", context=None):
        wire = proxy.dial()
        try:
            return secure(wire, context or self.ca.client(), name)
        except BaseException:
            wire.close()
            raise

    def serial(self, proxy, name="one.example"):
        with self.dial_tls(proxy, name) as wire:
            return int(wire.sock.getpeercert()["serialNumber"], 16)

    def wait_for_serial(self, proxy, certificate, name="one.example"):
        wait_for(lambda: self.serial(proxy, name) == certificate.serial_number, "the new certificate")

    def replace(self, path, *names, **options):
        """A new certificate in the place of another, as careful programs do it."""
        new = self.ca.issue(*names, file="new.tmp", **options)
        os.rename(new, path)
        return self.ca.latest


class Renewal(Watch):
    def test_by_renaming_while_a_connection_lives(self):
        path = self.ca.issue("one.example")
        proxy = self.serve(path)
        with self.dial_tls(proxy) as wire:
            before = int(wire.sock.getpeercert()["serialNumber"], 16)
            self.assertEqual(wire.exchange(get("/")).status, 200)
            new = self.replace(path, "one.example")
            self.wait_for_serial(proxy, new)
            self.assertNotEqual(before, new.serial_number)
            self.assertEqual(wire.exchange(get("/")).status, 200)
        wait_for(lambda: "were read again" in proxy.stderr(), "word of it")
        self.assertEqual(proxy.stderr().count("were read again"), 1)

    def test_in_place(self):
        path = self.ca.issue("one.example")
        proxy = self.serve(path)
        self.ca.issue("one.example", file=os.path.basename(path))
        self.wait_for_serial(proxy, self.ca.latest)

    def test_by_turning_a_link_to_a_folder(self):
        for version in "12":
            os.mkdir(self.path(version))
        self.ca.issue("one.example", file="1/site.pem")
        os.symlink("1", self.path("current"))
        os.symlink("current/site.pem", self.path("site.pem"))
        proxy = self.serve(self.path("site.pem"))
        self.serial(proxy)
        self.ca.issue("one.example", file="2/site.pem")
        os.symlink("2", self.path("next"))
        os.rename(self.path("next"), self.path("current"))
        self.wait_for_serial(proxy, self.ca.latest)

    def test_files_come_to_a_folder_and_go(self):
        os.mkdir(self.path("sites"))
        self.ca.issue("one.example", file="sites/one.pem")
        proxy = self.serve(self.path("sites"))
        with self.assertRaises(ssl.SSLError):
            self.serial(proxy, "two.example")
        os.rename(self.ca.issue("two.example", file="two.tmp"), self.path("sites/two.pem"))

        def served(name):
            try:
                return bool(self.serial(proxy, name))
            except ssl.SSLError:
                return False
        wait_for(lambda: served("two.example"), "the second name")
        os.unlink(self.path("sites/one.pem"))
        wait_for(lambda: not served("one.example"), "the end of the first name")
        self.assertTrue(served("two.example"))

    def test_key_that_comes_after_its_certificate(self):
        first = self.ca.issue("one.example", separate=True)
        proxy = self.serve(first, "certificate_key = %s.secret\n" % first)
        old = self.ca.latest.serial_number
        second = self.ca.issue("one.example", separate=True, file="second.pem")
        os.rename(second, first)
        wait_for(lambda: "does not match" in proxy.stderr(), "a word about the key")
        self.assertEqual(self.serial(proxy), old)
        os.rename(second + ".secret", first + ".secret")
        self.wait_for_serial(proxy, self.ca.latest)
        self.assertEqual(proxy.stderr().count("does not match"), 1)

    def test_broken_and_missing_files_leave_the_old_one(self):
        path = self.ca.issue("one.example")
        proxy = self.serve(path)
        old = self.ca.latest.serial_number
        with open(path, "rb") as file:
            whole = file.read()
        for number, damage in enumerate((b"", b"nonsense", whole[:300], None)):
            if damage is None:
                os.unlink(path)
            else:
                self.write("damaged.tmp", damage.decode())
                os.rename(self.path("damaged.tmp"), path)
            wait_for(lambda: proxy.stderr().count("remain in use") == number + 1, "the error")
            self.assertEqual(self.serial(proxy), old)
        new = self.replace(path, "one.example")
        self.wait_for_serial(proxy, new)
        self.assertEqual(proxy.stderr().count("remain in use"), 4)

    def test_revocation_list_that_is_renewed(self):
        certificate = self.ca.issue("one.example")
        client = self.ca.issue("somebody")
        revoked = self.ca.latest
        crl = self.ca.crl()
        proxy = self.serve(certificate, "client_certificate = require\nclient_ca = %s\nclient_crl = %s\n" % (self.ca.file, crl))
        context = self.ca.client(client)

        def welcome():
            try:
                with self.dial_tls(proxy, context=context) as wire:
                    return wire.exchange(get("/")).status == 200
            except (ssl.SSLError, OSError):
                return False
        self.assertTrue(welcome())
        self.ca.revoke(revoked)
        os.rename(self.ca.crl("new.crl"), crl)
        wait_for(lambda: not welcome(), "the new list")

    def test_under_load_no_handshake_fails(self):
        path = self.ca.issue("one.example")
        proxy = self.serve(path)
        seen, failures, stop = set(), [], threading.Event()

        def load():
            while not stop.is_set():
                try:
                    with self.dial_tls(proxy) as wire:
                        seen.add(int(wire.sock.getpeercert()["serialNumber"], 16))
                        if wire.exchange(get("/")).status != 200:
                            failures.append("status")
                except Exception as error:  # whatever it is, it is a failure
                    failures.append(repr(error))
        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                new = self.replace(path, "one.example")
                wait_for(lambda: new.serial_number in seen or failures, "the new certificate under load")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])


class Upstreams(Watch):
    """The files that servers are spoken to with."""

    def start(self, server, lines):
        return self.proxy("127.0.0.1:%d" % server.port, greenway=WATCH, upstream="tls = on\nkeepalive = 0\n" + lines)

    def server(self, certificate):
        return self.upstream(over_tls(server_context(certificate), answering(echo)))

    def replace_file(self, path, data):
        with open(self.path("new.tmp"), "wb") as file:
            file.write(data)
        os.rename(self.path("new.tmp"), path)

    def test_authorities(self):
        other = Authority(self.folder, "Other")
        trusted = self.ca.write("trusted.pem", self.ca.pem())
        proxy = self.start(self.server(other.issue("127.0.0.1")), "tls_ca = %s\n" % trusted)
        self.assertEqual(proxy.exchange(get("/")).status, 502)
        self.replace_file(trusted, b"nonsense")
        wait_for(lambda: "remain in use" in proxy.stderr(), lambda: "the error: " + proxy.stderr())
        self.assertIn("[upstream app] tls_ca: ", proxy.stderr())
        self.replace_file(trusted, self.ca.pem() + other.pem())
        wait_for(lambda: proxy.exchange(get("/")).status == 200, "the new authority")
        self.replace_file(trusted, self.ca.pem())
        wait_for(lambda: proxy.exchange(get("/")).status == 502, "its end")
        self.assertEqual(proxy.stderr().count("upstream app: the certificates were read again"), 2)

    def test_revocation_list(self):
        certificate = self.ca.issue("127.0.0.1")
        revoked, crl = self.ca.latest, self.ca.crl()
        proxy = self.start(self.server(certificate), "tls_ca = %s\ntls_crl = %s\n" % (self.ca.file, crl))
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        self.ca.revoke(revoked)
        os.rename(self.ca.crl("new.crl"), crl)
        wait_for(lambda: proxy.exchange(get("/")).status == 502, "the new list")

    def test_our_certificate(self):
        names = []

        def script(wire, upstream):
            names.append(wire.sock.getpeercert()["subject"][0][0][1])
            answering(echo)(wire, upstream)
        server = self.upstream(over_tls(server_context(self.ca.issue("127.0.0.1"), self.ca.file), script))
        ours = self.ca.issue(subject="first", file="ours.pem")
        proxy = self.start(server, "tls_ca = %s\ntls_certificate = %s\n" % (self.ca.file, ours))

        def seen():
            self.assertEqual(proxy.exchange(get("/")).status, 200)
            return names[-1]
        self.assertEqual(seen(), "first")
        self.replace(ours, subject="second")
        wait_for(lambda: seen() == "second", "the new certificate")


class Dates(Watch, Admin):
    def test_metrics_and_status_follow(self):
        path = self.ca.issue("one.example", days=40)
        self.with_admin(self.upstream(answering(echo)), greenway=WATCH, listener="certificate = " + path)

        def expires():
            samples = self.metrics().samples["greenway_certificate_expires_seconds"]
            self.assertEqual([dict(labels)["name"] for labels in samples], ["one.example"])
            return list(samples.values())[0]
        first = expires()
        self.replace(path, "one.example", days=80)
        wait_for(lambda: expires() > first + 39 * 86400, "the new date")
        status = json.loads(self.ask("/status.json")[2])["certificates"]
        self.assertEqual([(c["name"], c["file"]) for c in status], [("one.example", path)])
        self.assertIn(status[0]["days_left"], (79, 80))

    def test_warnings(self):
        seconds = 15 / 86400
        soon = self.ca.issue("soon.example", days=7 + seconds)
        late = self.ca.issue("late.example", days=seconds)
        calm = self.ca.issue("calm.example", days=60)
        proxy = self.serve("%s, %s, %s" % (soon, late, calm))
        wait_for(lambda: "soon.example expires in" in proxy.stderr() and "late.example has expired" in proxy.stderr(),
                 lambda: "the warnings: " + proxy.stderr(), 60)
        self.assertRegex(proxy.stderr(), "expires in [67] days: renew")
        self.assertNotIn("calm", proxy.stderr())
        self.assertEqual(proxy.stderr().count("late.example has expired"), 1)


if __name__ == "__main__":
    main()
