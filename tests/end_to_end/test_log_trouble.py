"""Logs under adverse conditions: rotation under load, pipes and daemons that stop. Traffic goes on, lines are counted."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import threading

from harness import SMALL, Case, answering, http_config, main, wait_for
from wire import get, ok

RECEIVER = """
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(len(receiver.recv(65536)), flush=True)
"""


class Rotation(Case):
    def test_no_line_is_lost(self):
        requests, clients, rotations = (50, 3, 5) if SMALL else (300, 4, 15)
        proxy = self.greenway(http_config(self.folder, self.upstream(answering(lambda request: ok(b"x")))).replace(
            "workers = 1", "workers = 2"))
        done = []

        def client(name):
            with proxy.dial() as wire:
                for number in range(requests):
                    wire.exchange(get("/%d/%d" % (name, number)))
                    done.append(name)
        threads = [threading.Thread(target=client, args=(name,)) for name in range(clients)]
        for thread in threads:
            thread.start()
        for number in range(rotations):
            wait_for(lambda: len(done) > number * requests * clients // (rotations + 1), "requests")
            os.rename(proxy.access_path, self.path("access.log.%d" % number))
            proxy.signal(signal.SIGUSR1)
            wait_for(lambda: os.path.exists(proxy.access_path), "the new file")
        for thread in threads:
            thread.join()
        proxy.stop()
        lines = []
        for name in os.listdir(self.folder):
            if name.startswith("access.log"):
                with open(self.path(name)) as file:
                    lines += file.read().split("\n")[:-1]
        targets = [re.search(r'"target":"([^"]*)"', line).group(1) for line in lines]
        self.assertEqual(len(targets), requests * clients)
        self.assertEqual(len(set(targets)), requests * clients)


class Stuck(Case):
    COUNT = 1500  # lines of 8 KB, more than may wait

    def flood(self, proxy):
        with proxy.dial() as wire:
            for number in range(self.COUNT):
                self.assertEqual(wire.exchange(get("/%d/%s" % (number, "x" * 7900))).status, 200)

    def gateway(self, target):
        return self.greenway(http_config(self.folder, self.upstream(answering(lambda request: ok(b"x")))).replace(
            "access_log = %s/access.log" % self.folder, "access_log = " + target))

    def test_a_pipe_that_nobody_reads(self):
        os.mkfifo(self.path("pipe"))
        reader = os.open(self.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        proxy = self.gateway(self.path("pipe"))
        self.flood(proxy)
        wait_for(lambda: "is stuck; lines are lost" in proxy.stderr(), proxy.stderr)
        self.assertEqual(proxy.stderr().count("is stuck"), 1)
        os.set_blocking(reader, True)
        seen = bytearray()

        def lost():
            return sum(int(count) for count in re.findall(r"has lost (\d+) lines", proxy.stderr()))

        def drained():
            os.set_blocking(reader, False)
            try:
                seen.extend(os.read(reader, 1 << 20))
            except BlockingIOError:
                pass
            return lost() and lost() + seen.count(b"\n") == self.COUNT
        wait_for(drained, lambda: "%d lines and %d lost of %d" % (seen.count(b"\n"), lost(), self.COUNT))

    def test_a_daemon_that_was_stopped(self):
        daemon = subprocess.Popen([sys.executable, "-c", RECEIVER, self.path("log")], stdout=subprocess.PIPE)
        self.addCleanup(daemon.stdout.close)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        self.assertEqual(daemon.stdout.readline(), b"ready\n")
        proxy = self.gateway("syslog:unix:" + self.path("log"))
        proxy.exchange(get("/before"))
        self.assertTrue(daemon.stdout.readline())
        daemon.send_signal(signal.SIGSTOP)
        self.flood(proxy)
        wait_for(lambda: "is stuck; lines are lost" in proxy.stderr(), proxy.stderr)
        daemon.send_signal(signal.SIGCONT)
        threading.Thread(target=daemon.stdout.read, daemon=True).start()
        wait_for(lambda: "has lost" in proxy.stderr(), proxy.stderr)
        self.assertEqual(proxy.exchange(get("/after")).status, 200)

    def test_an_error_log_that_nobody_reads(self):
        """Workers and reloads go on; how many lines were lost is told as soon as one can be written."""
        os.mkfifo(self.path("errors"))
        reader = os.open(self.path("errors"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        app = self.upstream(answering(lambda request: ok(b"x")))
        proxy = self.greenway(http_config(self.folder, app, greenway="error_log = %s\nadmin = 127.0.0.1:0" % self.path("errors")))
        for number in range(60):  # a line or two each, more than fits
            self.write("greenway.ini", http_config(self.folder, app, greenway="error_log = %s" % self.path("errors"), extra=(
                "[route r%d]\npath = =/r%d\nrespond = 204\n" % (number, number))))
            proxy.signal(signal.SIGHUP)
            wait_for(lambda: proxy.exchange(get("/r%d" % number)).status == 204, "the reload")
        seen = b""

        def told():
            nonlocal seen
            try:
                seen += os.read(reader, 65536)
            except BlockingIOError:
                proxy.signal(signal.SIGHUP)
            return re.search(rb"warning: (\d+) lines were lost here", seen)
        self.assertGreater(int(wait_for(told, "word of the lost lines").group(1)), 0)

    def test_the_end_does_not_wait_for_it(self):
        os.mkfifo(self.path("pipe"))
        reader = os.open(self.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        proxy = self.gateway(self.path("pipe"))
        self.flood(proxy)
        proxy.signal()
        self.assertEqual(proxy.wait(), 0)
        wait_for(lambda: "what waits for it is lost" in proxy.stderr(), proxy.stderr)


if __name__ == "__main__":
    main()
