#!/usr/bin/env python3
"""Servers of Debian that have a thread for each connection, unmodified under greenrun --threads: one thread serves many
at once, and they end when they are told to.

    test_greenrun_servers.py GREENRUN LIBRARY
"""

import contextlib
import http.server
import os
import pathlib
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import unittest

GREENRUN, LIBRARY = sys.argv[1:3]
PATIENCE = 60
CLIENTS = 40
BODY = b"a line of the page\n" * 5000


class Meeting(http.server.BaseHTTPRequestHandler):
    """Answers when all clients have asked: so many connections are open at once."""

    together = threading.Barrier(CLIENTS)

    def do_GET(self):
        try:
            self.together.wait(PATIENCE)
        except threading.BrokenBarrierError:
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *what):
        pass


class Web(socketserver.ThreadingMixIn, http.server.HTTPServer):
    request_queue_size = 2 * CLIENTS
    daemon_threads = True


def free_port():
    """None of these servers can say which port it was given."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the server does not listen; status %s" % process.poll())


class Servers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="green-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.web = Web(("127.0.0.1", 0), Meeting)
        self.page = "http://127.0.0.1:%d/" % self.web.server_address[1]
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        self.addCleanup(self.web.server_close)
        self.addCleanup(self.web.shutdown)

    @contextlib.contextmanager
    def serving(self, port, *command):
        if not shutil.which(command[0]):
            self.skipTest("no " + command[0])
        with open(self.folder / "log", "wb") as log:
            server = subprocess.Popen([GREENRUN, "--library=" + LIBRARY, "--threads", *command], stdout=log, stderr=log)
        try:
            wait_for_port(port, server)
            yield server
        finally:
            server.kill()
            server.wait()

    def ask(self, server, *options, url):
        """All at once, twice."""
        for _ in range(2):
            r = subprocess.run(["curl", "-sS", "--no-progress-meter", "--parallel", "--parallel-immediate", "--parallel-max",
                                str(CLIENTS), "--max-time", str(PATIENCE), "--fail", *options] + [url] * CLIENTS,
                               capture_output=True)
            self.assertEqual((r.returncode, r.stderr), (0, b""), (self.folder / "log").read_text())
            self.assertEqual(len(r.stdout), len(BODY) * CLIENTS)  # in pieces of any of them
        status = pathlib.Path("/proc/%d/status" % server.pid).read_text()
        self.assertEqual(re.search(r"Threads:\s*(\d+)", status).group(1), "1")

    def end(self, server, status):
        server.terminate()
        self.assertEqual(server.wait(PATIENCE), status)

    def test_microsocks(self):
        port = free_port()
        with self.serving(port, "microsocks", "-i", "127.0.0.1", "-p", str(port)) as server:
            self.ask(server, "--proxy", "socks5h://127.0.0.1:%d" % port, url=self.page)
            self.end(server, -15)  # it has no handler

    def test_tinyproxy(self):
        port = free_port()
        (self.folder / "conf").write_text(
            "Port %d\nListen 127.0.0.1\nMaxClients %d\nTimeout %d\nLogLevel Error\n" % (port, 2 * CLIENTS, PATIENCE))
        with self.serving(port, "tinyproxy", "-d", "-c", str(self.folder / "conf")) as server:
            self.ask(server, "--proxy", "http://127.0.0.1:%d" % port, url=self.page)
            self.end(server, 0)

    def test_stunnel(self):
        port = free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.folder / "key.pem", "-out",
                        self.folder / "cert.pem"], check=True, stderr=subprocess.DEVNULL)
        (self.folder / "conf").write_text("foreground = quiet\npid =\n[web]\naccept = 127.0.0.1:%d\nconnect = 127.0.0.1:%d\n"
                                          "cert = %s/cert.pem\nkey = %s/key.pem\n" % (
                                              port, self.web.server_address[1], self.folder, self.folder))
        with self.serving(port, "stunnel4", str(self.folder / "conf")) as server:
            self.ask(server, "--cacert", str(self.folder / "cert.pem"), url="https://127.0.0.1:%d/" % port)
            self.end(server, 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:])
