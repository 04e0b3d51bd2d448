"""A name server on a free port of loopback that answers as a test tells it, and remembers what it was asked.

`names` maps a name to a list of answers, each a list of addresses; every question for A takes the next one, the last
stays. Other types of records, and names that are not there, have no answer.
"""

import socket
import struct
import threading

from patience import PATIENCE

A = 1


class NameServer:
    def __init__(self, names, ttl=1):
        self.names = names
        self.ttl = ttl
        self.asked = {}
        self.silent = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.stopping = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            data, client = self.socket.recvfrom(4096)
            if self.stopping:
                return
            if not self.silent:
                self.socket.sendto(self.answer(data), client)

    def answer(self, data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("ascii"))
            at += 1 + data[at]
        name = ".".join(labels).lower()
        kind = struct.unpack(">H", data[at + 1:at + 3])[0]
        question = data[12:at + 5]
        records, code = [], 0 if name in self.names else 3
        if kind == A and name in self.names:
            turn = self.asked.get(name, 0)
            self.asked[name] = turn + 1
            answers = self.names[name]
            records = answers[min(turn, len(answers) - 1)]
        head = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + question + b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", A, 1, self.ttl, 4) + socket.inet_aton(address) for address in records)

    def stop(self):
        self.stopping = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.socket.getsockname())
        self.thread.join(PATIENCE)
        self.socket.close()
