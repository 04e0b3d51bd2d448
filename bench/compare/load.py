"""The load: wrk for throughput, plain sockets where requests must be counted or connections held."""

import re
import socket
import subprocess

from process import Failure

REQUEST = b"GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n"
PATIENCE = 10.0  # seconds without an answer that end a measurement


class Connection:
    """A keepalive connection that sends one request at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self):
        self.socket.sendall(REQUEST)

    def receive(self):
        """Reads one response with a Content-Length. Returns (status, body)."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length:\s*(\d+)", head, re.I)
        while length and len(body) < int(length.group(1)):
            body += self._more()
        return int(head.split(b" ", 2)[1]), body

    def _more(self):
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the connection was closed within a response")
        return chunk

    def ask(self, times=1):
        for _ in range(times):
            self.send()
            self.expect_200()

    def expect_200(self):
        status, _ = self.receive()
        if status != 200:
            raise Failure(f"status {status} instead of 200")

    def close(self):
        self.socket.close()


def get(port):
    connection = Connection(port)
    try:
        connection.send()
        return connection.receive()
    finally:
        connection.close()


def hold_open(port, count, at_once):
    """Opens `count` connections, `at_once` at a time with a request in flight on each; returns them, idle."""
    held = []
    try:
        while len(held) < count:
            batch = []
            for _ in range(min(at_once, count - len(held))):
                held.append(Connection(port))
                batch.append(held[-1])
            for connection in batch:
                connection.send()
            for connection in batch:
                connection.expect_200()
    except BaseException:
        close_all(held)
        raise
    return held


def close_all(connections):
    for connection in connections:
        connection.close()


def wrk(program, port, connections, seconds):
    """Runs wrk with one thread (on our core). Returns (requests, requests/s)."""
    argv = [program, "-t1", f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{port}/"]
    text = run(argv, seconds + PATIENCE)
    trouble = re.search(r"Socket errors.*|Non-2xx.*", text)
    # A read error is also what wrk counts when a keepalive connection was closed: none is expected here.
    if trouble:
        raise Failure("wrk: " + trouble.group(0))
    done = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
    if not done or not rate or int(done.group(1)) == 0:
        raise Failure("wrk counted no requests")
    return int(done.group(1)), float(rate.group(1))


def drain(program, port, path, times):
    """Downloads and discards; returns the body bytes."""
    return int(run([program, str(port), path, str(times)], 60))


def run(argv, at_most):
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=at_most)
    except subprocess.TimeoutExpired:
        raise Failure(f"{argv[0]} took more than {at_most:.0f} s")
    if done.returncode != 0:
        raise Failure(f"{argv[0]}: {done.stdout.strip() or f'exit status {done.returncode}'}")
    return done.stdout
