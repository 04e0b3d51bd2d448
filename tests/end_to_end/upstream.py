"""Upstream servers that a test scripts: they answer, or misbehave, exactly as told.

Upstream(script) listens on a free port of loopback and runs script(wire, upstream) in a thread for every
connection; answering(fn) makes a script of a function from request to response bytes. What arrived is recorded:
`requests` in order of arrival, `connections` in all, `live` now. An exception in a script fails the test, except
when the peer simply went away.
"""

import socket
import threading
import traceback

from patience import PATIENCE, wait_for
from wire import Truncated, Wire, ok


class Upstream:
    def __init__(self, script=None, backlog=1024, host="127.0.0.1", port=0):
        self.script = script or answering(lambda request: ok(b"hello"))
        self.lock = threading.Lock()
        self.requests = []
        self.connections = 0
        self.live = 0
        self.cut = 0  # connections that ended in the middle of a message
        self.errors = []
        self.stopping = False
        self.wires = set()
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]
        self.server = "%s:%d" % (host, self.port)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            wire = Wire(sock)
            with self.lock:
                if self.stopping:
                    sock.close()
                    return
                self.connections += 1
                self.live += 1
                wire.number = self.connections
                self.wires.add(wire)
            threading.Thread(target=self.serve, args=(wire,), daemon=True).start()

    def serve(self, wire):
        try:
            self.script(wire, self)
        except (ConnectionError, Truncated):
            self.cut += 1
        except Exception:
            if not self.stopping:
                self.errors.append(traceback.format_exc())
        finally:
            wire.close()
            with self.lock:
                self.live -= 1
                self.wires.discard(wire)

    def record(self, request, wire):
        request.connection = wire.number
        with self.lock:
            self.requests.append(request)

    def targets(self):
        with self.lock:
            return [request.target for request in self.requests]

    def wait_requests(self, count):
        wait_for(lambda: len(self.requests) >= count,
                 lambda: "%d requests at the upstream; there are %d" % (count, len(self.requests)))

    def wait_live(self, count):
        wait_for(lambda: self.live == count,
                 lambda: "%d live upstream connections; there are %d" % (count, self.live))

    def stop(self):
        with self.lock:
            self.stopping = True
            wires = list(self.wires)
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for wire in wires:
            try:
                wire.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join(PATIENCE)
        if self.errors:
            raise AssertionError("an upstream script failed:\n" + "\n".join(self.errors))


def idle(wire):
    """Between two requests on a kept connection: true when another one begins, false at its end."""
    wire.sock.settimeout(None)
    try:
        if not wire.buffer and not wire.more():
            return False
    finally:
        try:
            wire.sock.settimeout(PATIENCE)
        except OSError:
            return False
    return True


def answering(respond):
    """A script that keeps the connection alive; respond(request) gives bytes, or None to close unanswered."""

    def script(wire, upstream):
        while idle(wire):
            request = wire.request()
            upstream.record(request, wire)
            answer = respond(request)
            if answer is None:
                return
            wire.send(answer)

    return script


def echo(request):
    """A response that says what the request was: its body, and its method in a field of its own."""
    return ok(request.body, "X-Method: %s\r\nX-Target: %s\r\n" % (request.method, request.target))


def raw_answer(data, end="keep"):
    """A script that reads one request and sends `data` as it is; end: keep, fin, rst, stall."""

    def script(wire, upstream):
        while idle(wire):
            upstream.record(wire.request(), wire)
            wire.send(data)
            if end == "fin":
                return
            if end == "rst":
                # Only what the proxy has read survives a reset: wait until it has all of it.
                wait_for(lambda: wire.unacknowledged() == 0, "the proxy's kernel to take the answer")
                wire.reset()
                return
            if end == "stall":
                wire.sock.settimeout(None)
                wire.more()
                return

    return script


def refused_port():
    """An address that refuses connections: a bound socket that does not listen keeps the port ours."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(("127.0.0.1", 0))
    return sock, "127.0.0.1:%d" % sock.getsockname()[1]


def deaf_port():
    """An address whose connects hang: its accept queue is full and nobody accepts."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    address = listener.getsockname()
    held = [listener]
    for _ in range(8):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        held.append(sock)
        sock.settimeout(0.2)
        try:
            sock.connect(address)
        except OSError:
            return held, "127.0.0.1:%d" % address[1]
    raise AssertionError("the accept queue never filled up")
