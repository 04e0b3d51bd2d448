"""`trace NETWORK`: requests shown live, to those who ask and while they stay; nothing is held up by it."""

import json
import os
import signal
import socket
import subprocess
import threading

from control_client import Controlled, Refused
from harness import PATIENCE, Case, answering, executable, main, tcp_config, wait_for
from test_upgrade import ASK, switching
from wire import dial, get, ok


class TraceCase(Controlled, Case):
    def start(self, script=None, **sections):
        self.app = self.upstream(script or answering(lambda request: ok(b"x" * 1000)))
        self.gateway = self.proxy(self.app, greenway=self.control_key() + "\n" + sections.pop("greenway", ""), **sections)
        return self.gateway

    def trace(self, network, form="json "):
        control = self.dial_control()
        control.send("%strace %s\n" % (form, network))
        greeting = control.line()
        self.assertIn(network, greeting)
        return control

    def tracers(self):
        """Greenlets that watch for a client of `trace` to leave."""
        with self.dial_control() as control:
            return sum('"control client"' in line for line in control.json("greenlets")["lines"])


class Trace(TraceCase):
    def test_a_request_with_everything_known_of_it(self):
        proxy = self.start(extra="[route r]\npath = /r/*\nupstream = app\n")
        control = self.trace("127.0.0.1")
        with proxy.dial() as wire:
            wire.exchange(get("/r/path?q", host="host.example"))
            event = json.loads(control.line())
            self.assertEqual((event["method"], event["host"], event["path"], event["status"]),
                             ("GET", "host.example", "/r/path?q", 200))
            self.assertEqual(event["client"], "127.0.0.1:%d" % wire.sock.getsockname()[1])
            self.assertEqual((event["listener"], event["route"], event["upstream"], event["server"]),
                             ("web", "r", "app", self.app.server))
            self.assertEqual((event["bytes_in"], event["bytes_out"], event["reason"]), (0, 1000, None))
            self.assertLessEqual(0, event["connected_s"])
            self.assertLessEqual(event["connected_s"], event["first_byte_s"])
            self.assertLessEqual(event["first_byte_s"], event["total_s"])
            wire.exchange(get("/2"))
            event = json.loads(control.line())
            self.assertEqual((event["path"], event["route"]), ("/2", None))

    def test_a_refusal_with_reason_and_key(self):
        proxy = self.start(listener="deny = 127.0.0.0/8")
        control = self.trace("127.0.0.0/8")
        text = self.trace("127.0.0.0/8", "")
        self.assertEqual(proxy.exchange(get("/")).status, 403)
        event = json.loads(control.line())
        self.assertEqual((event["status"], event["directive"], event["upstream"]), (403, "deny", "app"))
        self.assertTrue(event["reason"])
        self.assertRegex(event["origin"], r"greenway\.ini:\d+$")
        self.assertRegex(text.line(), r"^\S+Z 127\.0\.0\.1:\d+ GET h\.example / 403 .*reason=%s directive=deny" % event["reason"])

    def test_only_those_asked_for(self):
        proxy = self.start()
        control = self.trace("127.0.0.2")
        everybody = self.trace("127.0.0.0/8")
        self.assertEqual(proxy.exchange(get("/one")).status, 200)
        with dial(("127.0.0.1", proxy.port), source=("127.0.0.2", 0)) as wire:
            wire.exchange(get("/two"))
        self.assertEqual(json.loads(control.line())["path"], "/two")
        self.assertEqual([json.loads(everybody.line())["path"] for _ in range(2)], ["/one", "/two"])

    def test_without_an_access_log(self):
        self.app = self.upstream()
        config = self.write("off.ini", "[greenway]\naccess_log = off\n%s\n[listener web]\nbind = 127.0.0.1:0\n"
                                       "upstream = app\n[upstream app]\nserver = %s\n" % (self.control_key(), self.app.server))
        proxy = self.greenway(arguments=["run", "-c", config])
        control = self.trace("127.0.0.1")
        proxy.exchange(get("/quiet"))
        self.assertEqual(json.loads(control.line())["path"], "/quiet")

    def test_tunnels(self):
        proxy = self.start(switching)
        control = self.trace("127.0.0.1")
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/ws", extra=ASK)).status, 101)
            wire.finish()
            wire.ending()
        event = json.loads(control.line())
        self.assertEqual((event["path"], event["status"]), ("/ws", 101))

    def test_tcp(self):
        self.app = self.upstream(lambda wire, upstream: wire.send(b"hello"))
        proxy = self.greenway(tcp_config(self.folder, self.app, greenway=self.control_key()))
        control = self.trace("127.0.0.1")
        with proxy.dial() as wire:
            wire.exactly(5)
            wire.finish()
            wire.ending()
        event = json.loads(control.line())
        self.assertEqual((event["method"], event["status"], event["bytes_out"], event["upstream"]), (None, None, 5, "app"))

    def test_what_is_no_network(self):
        self.start()
        control = self.dial_control()
        for wrong in ("nonsense", "1.2.3.4/99", "300.1.1.1"):
            with self.assertRaises(Refused):
                control.json("trace " + wrong)
        with self.assertRaises(Refused):
            control.json("trace")

    def test_hostile_texts(self):
        proxy = self.start()
        control, text = self.trace("127.0.0.1"), self.trace("127.0.0.1", "")
        with proxy.dial() as wire:
            wire.send(b"GET /\xc3\xa4\xff\xc2\x9b%1b[31m?" + b"z" * 3000 + b" HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n\r\n")
            wire.ending()
        event = json.loads(control.line())
        if event["path"]:
            self.assertLess(len(event["path"]), 2100)
            self.assertTrue(event["path"].endswith("..."))
        line = text.line()
        self.assertTrue(all(c.isprintable() for c in line[:-1]), line)


class Leaving(TraceCase):
    def test_it_ends_when_the_client_goes(self):
        self.start()
        control = self.trace("127.0.0.1")
        wait_for(lambda: self.tracers() == 1, "a trace")
        control.close()
        wait_for(lambda: self.tracers() == 0, "the end of the trace")

    def test_a_client_that_ends_its_side_goes_on_reading(self):
        proxy = self.start()
        control = self.trace("127.0.0.1")
        control.sock.shutdown(socket.SHUT_WR)
        proxy.exchange(get("/still"))
        self.assertEqual(json.loads(control.line())["path"], "/still")
        control.close()
        with self.gateway.dial() as wire:
            wire.exchange(get("/"))
        wait_for(lambda: self.tracers() == 0, "the end of the trace")

    def test_ctl_killed(self):
        proxy = self.start()
        ctl = subprocess.Popen([executable(), "ctl", "-s", self.control_path(), "trace", "127.0.0.1"], stdout=subprocess.PIPE)
        self.addCleanup(ctl.stdout.close)
        self.assertEqual(ctl.stdout.readline(), b"tracing 127.0.0.1\n")
        proxy.exchange(get("/seen"))
        self.assertIn(b" /seen 200 ", ctl.stdout.readline())
        ctl.send_signal(signal.SIGKILL)
        ctl.wait()
        for _ in range(5):
            self.assertEqual(proxy.exchange(get("/")).status, 200)
        wait_for(lambda: self.tracers() == 0, "the end of the trace")

    def test_shutdown_ends_it(self):
        proxy = self.start()
        control = self.trace("127.0.0.1")
        proxy.signal()
        self.assertEqual(control.line(), "")
        self.assertEqual(proxy.wait(), 0)

    def test_who_does_not_read_loses_lines_and_holds_nobody_up(self):
        proxy = self.start()
        control = self.dial_control()
        control.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        control.send("json trace 127.0.0.1\n")
        target = "/" + "t" * 400
        errors = []

        def load():
            try:
                with proxy.dial() as wire:
                    for _ in range(600):
                        if wire.exchange(get(target)).status != 200:
                            errors.append("status")
            except Exception as error:
                errors.append(repr(error))
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        # all that was sent, and what was counted as lost, is all there was
        seen = lost = 0
        while seen + lost < 2400:
            line = json.loads(control.line())
            seen += "path" in line
            lost += line.get("lost", 0)
        self.assertEqual(seen + lost, 2400)
        self.assertGreater(seen, 0)


if __name__ == "__main__":
    main()
