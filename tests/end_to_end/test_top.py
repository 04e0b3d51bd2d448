"""`greenway top`: plain lines without a terminal, a view that refreshes on one, and the terminal as it was on any end."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

from control_client import Controlled
from harness import PATIENCE, Case, executable, main, run_command, wait_for
from wire import get

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """top on a terminal of 80 by 24."""

    def __init__(self, *arguments):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen([executable(), "top", *arguments], stdin=slave, stdout=slave, stderr=subprocess.PIPE)
        self.seen = b""

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            self.seen += os.read(self.master, 65536)
        return self.seen

    def wait_seen(self, pattern):
        found = wait_for(lambda: re.search(pattern, self.read(), re.S), lambda: "%r in %r" % (pattern, self.seen[-3000:]))
        self.seen = self.seen[found.end():]
        return found

    def key(self, key):
        os.write(self.master, key)

    def end(self):
        status = wait_for(lambda: (self.read(), self.process.poll())[1] is not None and [self.process.poll()], "the end of top")
        self.read()
        return status[0]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


class Top(Controlled, Case):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.gateway = self.proxy(self.app, greenway=self.control_key())
        for _ in range(3):
            self.assertEqual(self.gateway.exchange(get("/")).status, 200)

    def terminal(self, *arguments):
        terminal = Terminal("-s", self.control_path(), "--interval", "0.1", *arguments)
        self.addCleanup(terminal.close)
        return terminal

    def test_plain_lines(self):
        status, out, err = run_command("top", "-s", self.control_path(), "--interval", "0.1", "-n", "3")
        self.assertEqual((status, err), (0, ""))
        self.assertNotIn("\x1b", out)
        self.assertEqual(len(re.findall(r"^web +\d+ +\d+", out, re.M)), 3)
        self.assertEqual(len(re.findall(r"^app +\d+ +\d+", out, re.M)), 3)
        self.assertEqual(len(re.findall(r"^greenway .* pid %d " % self.gateway.pid, out, re.M)), 3)
        self.assertTrue(all(len(line) <= 80 for line in out.split("\n")), out)

    def test_numbers_move(self):
        top = subprocess.Popen([executable(), "top", "-c", self.path("greenway.ini"), "--interval", "0.1"],
                               stdout=subprocess.PIPE, text=True)
        self.addCleanup(top.stdout.close)
        busy = False
        with self.gateway.dial() as wire:
            for _ in range(300):
                for _ in range(30):
                    wire.exchange(get("/"))
                line = top.stdout.readline()
                fields = line.split()
                busy = busy or (fields[:1] == ["web"] and int(fields[1]) == 1 and int(fields[2]) > 0)
                if busy:
                    break
        top.terminate()
        self.assertEqual(top.wait(PATIENCE), 0)
        self.assertTrue(busy)

    def test_terminal(self):
        top = self.terminal()
        top.wait_seen(re.escape(ENTER))
        top.wait_seen(rb"LISTENER[^\n]*\n[^\n]*web ")
        self.assertNotEqual(termios.tcgetattr(top.slave)[3], top.before[3])
        for name in (b"by requests", b"by bytes", b"by time", b"as configured"):
            top.key(b"s")
            top.wait_seen(name)
        top.key(b"p")
        top.wait_seen(b"PAUSED")
        top.key(b"p")
        top.wait_seen(rb"as configured\x1b")
        top.key(b"q")
        self.assertEqual(top.end(), 0)
        self.assertIn(LEAVE, top.seen)
        self.assertEqual(termios.tcgetattr(top.slave), top.before)

    def test_every_end_restores_the_terminal(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSEGV, signal.SIGABRT):
            top = self.terminal()
            top.wait_seen(rb"web ")
            top.process.send_signal(number)
            top.end()
            self.assertIn(LEAVE, top.seen, number)
            self.assertEqual(termios.tcgetattr(top.slave), top.before, number)

    def test_the_end_of_greenway(self):
        top = self.terminal()
        top.wait_seen(rb"web ")
        self.gateway.signal()
        self.assertEqual(top.end(), 1)
        self.assertIn(b"no answer any more", top.process.stderr.read())
        self.assertEqual(termios.tcgetattr(top.slave), top.before)

    def test_a_frame_fits_into_24_rows(self):
        self.gateway.stop()
        listeners = "".join("[listener l%d]\nbind = 127.0.0.1:0\nupstream = app\n" % i for i in range(40))
        self.gateway = self.proxy(self.app, greenway=self.control_key(), extra=listeners)
        self.dial_control().json("status")
        top = self.terminal()
        frame = top.wait_seen(rb"\x1b\[H(greenway .*?)\x1b\[J").group(1)
        self.assertLessEqual(frame.count(b"\n"), 23)
        self.assertIn(b"more", frame)
        self.assertIn(b"WORKER", frame)
        self.assertIn(b"q quits", frame)

    def test_usage(self):
        for words in (("--interval", "0"), ("--interval", "x"), ("-n", "0"), ("-n",), ("nonsense",), ("--interval", "nan")):
            self.assertEqual(run_command("top", *words)[0], 2, words)
        status, _, err = run_command("top", "-s", self.path("none.sock"))
        self.assertEqual(status, 1)
        self.assertIn("no greenway listens", err)


if __name__ == "__main__":
    main()
