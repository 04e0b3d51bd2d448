"""Tunnels that are held open while something is done to the proxy, and the server at their other end.

One thread each, with a selector: a server that answers every upgrade with 101, or begins at once, and sends back what it
gets; and clients that say something about once a second, expect it back, and count themselves when they do not get it.
"""

import selectors
import socket
import threading
import time

UPGRADE = (b"GET /tunnel HTTP/1.1\r\nHost: bench.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
SWITCHING = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
PATIENCE = 20.0  # seconds for an echo


class Loop:
    """A thread with a selector, until stop()."""

    def __init__(self):
        self.selector, self.ended = selectors.DefaultSelector(), False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.ended:
            for key, _ in self.selector.select(0.1):
                key.data(key.fileobj)
            self.tick()

    def tick(self):
        pass

    def stop(self):
        self.ended = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


class EchoServer(Loop):
    """Its port is for tunnels of both kinds: a connection that begins with GET is answered first."""

    def __init__(self):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.thread.start()

    def accept(self, listener):
        connection, _ = listener.accept()
        self.selector.register(connection, selectors.EVENT_READ, self.serve)

    def serve(self, connection):
        try:
            data = connection.recv(4096)
            if data:
                connection.sendall(SWITCHING if data.startswith(b"GET ") else data)
                return
        except OSError:
            pass
        self.selector.unregister(connection)
        connection.close()


class Tunnel:
    def __init__(self, port, upgrade):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.settimeout(PATIENCE)
        if upgrade:
            self.socket.sendall(UPGRADE)
            head = b""
            while b"\r\n\r\n" not in head:
                head += self.more()
            if not head.startswith(b"HTTP/1.1 101"):
                raise OSError("no tunnel: " + head.split(b"\r\n")[0].decode(errors="replace"))
        self.asked = None

    def more(self):
        data = self.socket.recv(4096)
        if not data:
            raise OSError("closed before it was a tunnel")
        return data


class Tunnels(Loop):
    """`count` of each kind: to the HTTP port by upgrade, and to the TCP port. `closed` says how many were lost."""

    def __init__(self, http, tcp, count):
        super().__init__()
        self.closed = self.echoes = 0
        self.all = [Tunnel(http, True) for _ in range(count)] + [Tunnel(tcp, False) for _ in range(count)]
        for tunnel in self.all:
            tunnel.socket.setblocking(False)
            self.selector.register(tunnel.socket, selectors.EVENT_READ, lambda _, tunnel=tunnel: self.heard(tunnel))
        self.next = 0.0
        self.thread.start()

    def lose(self, tunnel):
        self.closed += 1
        self.all.remove(tunnel)
        self.selector.unregister(tunnel.socket)
        tunnel.socket.close()

    def heard(self, tunnel):
        try:
            data = tunnel.socket.recv(4096)
        except OSError:
            data = b""
        if data != b"ping":
            self.lose(tunnel)
            return
        tunnel.asked = None
        self.echoes += 1

    def tick(self):
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + 1.0
        for tunnel in list(self.all):
            if tunnel.asked is None:
                try:
                    tunnel.socket.sendall(b"ping")
                    tunnel.asked = now
                except OSError:
                    self.lose(tunnel)
            elif now - tunnel.asked > PATIENCE:
                self.lose(tunnel)
