"""A name server on a free port of loopback that answers as a test tells it, and remembers what it was asked.

`names` maps a name to a list of answers, each a list of addresses; every question for A takes the next one, the last
stays. IPv6 addresses of the same answer are given to questions for AAAA. `services` maps a name to SRV records:
(priority, weight, port, target). Other types of records have no answer, and names that are not there do not exist.

While `silent` nothing is answered; `code` is an error for everything (2: the server fails); `delay` is waited before
each answer; `truncating` sends everybody who asks by UDP to TCP. `lies` maps a name to a function from (question's bytes,
its section) to what is answered instead.
"""

import socket
import struct
import threading

from patience import PATIENCE

A, AAAA, SRV = 1, 28, 33


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"


class NameServer:
    def __init__(self, names, ttl=1, services=None):
        self.names = names
        self.services = services or {}
        self.ttl = ttl
        self.asked = {}
        self.by_tcp = 0
        self.unanswered = 0  # while silent
        self.silent = self.truncating = False
        self.code = 0
        self.delay = 0
        self.lies = {}
        self.open_sockets()
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.serve, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def open_sockets(self):
        """The same port for both protocols."""
        for _ in range(100):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", 0))
            self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                self.listener.bind(self.socket.getsockname())
                self.listener.listen(16)
                return
            except OSError:
                self.socket.close()
                self.listener.close()
        raise AssertionError("no port is free for both protocols")

    def serve(self):
        while True:
            data, client = self.socket.recvfrom(4096)
            if self.stopping.is_set():
                return
            if self.silent:
                self.unanswered += 1
                continue
            if self.truncating:
                self.socket.sendto(data[:2] + struct.pack(">HHHHH", 0x8380, 1, 0, 0, 0) + data[12:], client)
                continue
            self.stopping.wait(self.delay)
            self.socket.sendto(self.answer(data), client)

    def serve_tcp(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                if self.stopping.is_set():
                    return
                sock.settimeout(PATIENCE)
                try:
                    self.converse(sock)
                except OSError:
                    pass

    def converse(self, sock):
        file = sock.makefile("rb")
        while True:
            size = file.read(2)
            if len(size) < 2:
                return
            data = file.read(struct.unpack(">H", size)[0])
            answer = self.answer(data)
            self.by_tcp += 1
            sock.sendall(struct.pack(">H", len(answer)) + answer)

    def answer(self, data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("ascii"))
            at += 1 + data[at]
        name = ".".join(labels).lower()
        kind = struct.unpack(">H", data[at + 1:at + 3])[0]
        question = data[12:at + 5]
        if name in self.lies:
            self.asked[name] = self.asked.get(name, 0) + 1
            return self.lies[name](data, question)
        known = name in self.names or name in self.services
        code = self.code or (0 if known else 3)
        records = [] if code else self.records(name, kind)
        head = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + question + b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, self.ttl, len(record)) + record for record in records)

    def records(self, name, kind):
        if kind == SRV:
            self.asked[name] = self.asked.get(name, 0) + 1
            return [struct.pack(">HHH", *record[:3]) + encoded(record[3]) for record in self.services.get(name, ())]
        if kind not in (A, AAAA) or name not in self.names:
            return []
        turn = self.asked.get(name, 0)
        if kind == A:
            self.asked[name] = turn + 1
        answers = self.names[name]
        answer = answers[min(turn, len(answers) - 1)]
        if kind == A:
            return [socket.inet_aton(address) for address in answer if ":" not in address]
        return [socket.inet_pton(socket.AF_INET6, address) for address in answer if ":" in address]

    def stop(self):
        self.stopping.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.socket.getsockname())
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(PATIENCE)
        self.listener.close()
        self.socket.close()
