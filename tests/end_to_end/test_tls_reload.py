"""Certificates and reloads: new ones are shown at once, broken ones keep the old, sessions and connections live on."""

import os
import signal
import ssl
import threading

from certificates import Authority, secure
from harness import Case, echo, main, wait_for
from upstream import answering
from wire import get


class Reload(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)
        self.certificate = self.ca.issue("one.example", file="site.pem")
        self.proxy_ = self.proxy(self.upstream(answering(echo)), listener="certificate = %s\n" % self.certificate)

    def serial(self):
        with secure(self.proxy_.dial(), self.ca.client(), "one.example") as wire:
            self.assertEqual(wire.exchange(get()).status, 200)
            return wire.sock.getpeercert()["serialNumber"]

    def reload(self, said):
        before = len(self.proxy_.lines)
        self.proxy_.signal(signal.SIGHUP)
        wait_for(lambda: any(said in line for line in self.proxy_.lines[before:]),
                 lambda: "%r; greenway said:\n%s" % (said, self.proxy_.stderr()))

    def test_a_new_certificate(self):
        old = self.serial()
        with secure(self.proxy_.dial(), self.ca.client(), "one.example") as wire:
            self.assertEqual(wire.exchange(get()).status, 200)
            self.ca.issue("one.example", file="site.pem")
            self.proxy_.signal(signal.SIGHUP)
            wait_for(lambda: self.serial() != old, "the new certificate")
            self.assertEqual(wire.exchange(get()).status, 200)  # who was there stays

    def test_a_broken_one(self):
        old = self.serial()
        self.write("site.pem", "nothing of use\n")
        self.reload("site.pem")
        self.assertEqual(self.serial(), old)
        os.unlink(self.certificate)
        self.reload("No such file")
        self.assertEqual(self.serial(), old)
        self.ca.issue("one.example", file="site.pem")
        self.proxy_.signal(signal.SIGHUP)
        wait_for(lambda: self.serial() != old, "the new certificate")

    def test_sessions_outlive_it(self):
        context = self.ca.client()

        def visit(session=None):
            wire = self.proxy_.dial()
            wire.sock = context.wrap_socket(wire.sock, server_hostname="one.example", session=session)
            with wire:
                self.assertEqual(wire.exchange(get()).status, 200)
                return wire.sock.session_reused, wire.sock.session
        old = self.serial()
        session = visit()[1]
        self.ca.issue("one.example", file="site.pem")
        self.proxy_.signal(signal.SIGHUP)
        wait_for(lambda: self.serial() != old, "the new certificate")
        self.assertTrue(visit(session)[0])

    def test_while_clients_come(self):
        failures, served, done = [], [], threading.Event()

        def client():
            while not done.is_set():
                try:
                    served.append(self.serial())
                except (OSError, AssertionError) as error:
                    failures.append(error)
        threads = [threading.Thread(target=client) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(8):
                self.ca.issue("one.example", file="next.pem")
                expected = "%X" % self.ca.latest.serial_number
                os.rename(self.path("next.pem"), self.certificate)
                self.proxy_.signal(signal.SIGHUP)
                wait_for(lambda: served and int(served[-1], 16) == int(expected, 16), "the new certificate")
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertGreaterEqual(len(set(served)), 8)


if __name__ == "__main__":
    main()
