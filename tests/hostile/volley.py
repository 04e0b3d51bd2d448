"""Many clients at once, in one thread: each sends its bytes in one or two pieces and reads to the end of the stream."""

import selectors
import socket
import time

from patience import PATIENCE


class Shot:
    """What one client sends, and what came back: `data`, and whether the other side ended it (`ended`)."""

    def __init__(self, case, cut=None, finish=False):
        self.case = case
        self.pieces = [case.data] if cut is None else [case.data[:cut], case.data[cut:]]
        self.cut = cut
        self.finish = finish  # say that nothing follows
        self.data = b""
        self.ended = False
        self.sock = None
        self.pending = b""

    def __repr__(self):
        return "%s cut at %s" % (self.case.name, self.cut)


class Volley:
    def __init__(self, port, probe):
        self.port = port
        self.probe = probe  # a request and its answer: by then the proxy, which is fair, has read all that came before

    def fire(self, shots):
        self.selector = selectors.DefaultSelector()
        self.left = len(shots)
        for shot in shots:
            shot.sock = socket.create_connection(("127.0.0.1", self.port))
            shot.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            shot.sock.setblocking(False)
            shot.pending = shot.pieces[0]
            self.selector.register(shot.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, shot)
        if any(len(shot.pieces) > 1 for shot in shots):
            self.run(lambda: all(shot.ended or not shot.pending for shot in shots))
            self.probe()
            for shot in shots:
                if len(shot.pieces) > 1 and not shot.ended:
                    shot.pending = shot.pieces[1]
                    self.selector.modify(shot.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, shot)
        for shot in shots:
            shot.pieces = []
            if not shot.pending and not shot.ended:
                self.sent(shot)
        self.run(lambda: self.left == 0)
        self.selector.close()

    def run(self, done):
        end = time.monotonic() + PATIENCE
        while not done():
            events = self.selector.select(1)
            if not events and time.monotonic() > end:
                waiting = [key.data for key in self.selector.get_map().values()]
                raise AssertionError("no end of these connections: %r" % waiting[:5])
            for key, mask in events:
                if mask & selectors.EVENT_WRITE and key.data.pending:
                    self.send(key.data)
                if mask & selectors.EVENT_READ and not key.data.ended:
                    self.receive(key.data)

    def send(self, shot):
        try:
            count = shot.sock.send(shot.pending)
        except BlockingIOError:
            return
        except ConnectionError:  # refused meanwhile: the answer is still to be read
            count = len(shot.pending)
        shot.pending = shot.pending[count:]
        if not shot.pending:
            self.selector.modify(shot.sock, selectors.EVENT_READ, shot)
            if not shot.pieces:
                self.sent(shot)

    def sent(self, shot):
        if shot.finish:
            try:
                shot.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        self.selector.modify(shot.sock, selectors.EVENT_READ, shot)

    def receive(self, shot):
        try:
            data = shot.sock.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        shot.data += data
        if not data:
            shot.ended = True
            self.left -= 1
            self.selector.unregister(shot.sock)
            shot.sock.close()
