"""What tests of floods and shortages share: clients that come in numbers, and the question whether all is well."""

import socket
import struct
import time

from harness import SCALE, Case, wait_for
from wire import get

PATIENT = 40 * SCALE


def knock(port):
    """A connection that has been begun, whatever becomes of it."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(("127.0.0.1", port))
    return sock


def close_all(socks, reset=False):
    for sock in socks:
        if reset:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        sock.close()


class Shortage(Case):
    def served(self, proxy):
        try:
            return proxy.exchange(get("/")).status == 200
        except Exception:  # refused, reset, or closed in mid-answer: not served
            return False

    def calm(self, proxy):
        """What the process burns over two seconds of rest, in seconds of processor time."""
        before = proxy.cpu_seconds()
        time.sleep(2)  # the span that is measured
        return proxy.cpu_seconds() - before

    def serves_again(self, proxy):
        wait_for(lambda: self.served(proxy), lambda: "an answer; it said:\n" + proxy.stderr(), PATIENT)
