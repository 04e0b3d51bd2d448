"""The load: wrk for throughput, plain sockets where requests must be counted or connections held."""

import re
import socket
import ssl
import subprocess
import time

from process import Failure

REQUEST = b"GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n"
PATIENCE = 10.0  # seconds without an answer that end a measurement


def tls_context():
    """A client's that takes any certificate. It is the proxies that are measured."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


TLS = tls_context()


class Connection:
    """A keepalive connection that sends one request at a time."""

    def __init__(self, port, tls=False, session=None):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = TLS.wrap_socket(self.socket, server_hostname="bench.example", session=session)

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


def get(port, tls=False):
    connection = Connection(port, tls)
    try:
        connection.send()
        return connection.receive()
    finally:
        connection.close()


def hold_open(port, count, at_once, tls=False):
    """Opens `count` connections, `at_once` at a time with a request in flight on each; returns them, idle."""
    held = []
    try:
        while len(held) < count:
            batch = []
            for _ in range(min(at_once, count - len(held))):
                held.append(Connection(port, tls))
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


def wrk(program, port, connections, seconds, tls=False):
    """Runs wrk with one thread (on our core). Returns (requests, requests/s)."""
    argv = [program, "-t1", f"-c{connections}", f"-d{seconds}s", f"http{'s' if tls else ''}://127.0.0.1:{port}/"]
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


def handshakes(port, path, resumed, seconds):
    """Makes connections one after the other, with a request on each; all of them resume, or none does. How many."""
    request = REQUEST.replace(b"/ HTTP", path.encode() + b" HTTP").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    session, count, end = None, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        connection = Connection(port, True, session)
        try:
            connection.socket.sendall(request)
            connection.expect_200()
            if connection.socket.session_reused != (session is not None):
                raise Failure("the session was " + ("not resumed" if session else "resumed"))
            if resumed:
                session = connection.socket.session
        finally:
            connection.close()
        count += 1
    return count


def drain_tls(program, port, path, times):
    """Downloads over TLS and discards; returns the body bytes."""
    argv = [program, "--silent", "--show-error", "--fail", "--insecure", "--write-out", "%{size_download}\n"]
    for _ in range(times):
        argv += ["--output", "/dev/null", f"https://127.0.0.1:{port}{path}"]
    return sum(int(line) for line in run(argv, 120).split())


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
