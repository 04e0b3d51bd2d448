"""HTTP/1.1 as bytes on a socket, for both ends of a test.

A Wire is a connected socket with a strict reader: messages are taken apart exactly as they stand in the byte
stream, so that a missing CRLF, a wrong length or a message that ends too early is an error of the test and never
repaired on the way. Nothing here knows about the proxy.
"""

import array
import fcntl
import select
import socket
import struct
import termios

from patience import PATIENCE


class Truncated(Exception):
    """The peer closed before the message was complete."""


class Malformed(Exception):
    """The bytes are not what the protocol allows."""


class Message:
    """One request or response: start line, field lines in order, body, trailers."""

    def __init__(self, start, fields):
        self.start = start
        self.fields = fields
        self.body = b""
        self.trailers = []
        self.chunks = None  # sizes of the chunks as they came, when the body was chunked
        parts = start.split(" ", 2)
        if start.startswith("HTTP/"):
            if len(parts) < 2 or len(parts[1]) != 3 or not parts[1].isdigit():
                raise Malformed("status line: %r" % start)
            self.version, self.status = parts[0], int(parts[1])
        else:
            if len(parts) != 3:
                raise Malformed("request line: %r" % start)
            self.method, self.target, self.version = parts

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return ", ".join(values) if values else None

    def has(self, name):
        return bool(self.all(name))

    def tokens(self, name):
        """The members of a comma separated list, in lower case."""
        return [token.strip().lower() for token in (self.get(name) or "").split(",") if token.strip()]

    def trailer(self, name):
        values = [value for key, value in self.trailers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def __repr__(self):
        return "<%s %r body=%d bytes>" % (self.start, self.fields, len(self.body))


class Wire:
    def __init__(self, sock, patience=PATIENCE):
        self.sock = sock
        self.buffer = bytearray()
        sock.settimeout(patience)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # --- writing ---------------------------------------------------------------------------------------------

    def send(self, data):
        self.sock.sendall(data if isinstance(data, (bytes, bytearray, memoryview)) else data.encode("latin-1"))

    def send_chunk(self, data):
        self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    def finish(self):
        """Half-close: FIN, while we can still read."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def unacknowledged(self):
        """Bytes that the peer's kernel has not acknowledged yet."""
        count = array.array("i", [0])
        fcntl.ioctl(self.sock.fileno(), termios.TIOCOUTQ, count)
        return count[0]

    # --- reading ---------------------------------------------------------------------------------------------

    def more(self):
        """Reads what is there; false at the end of the stream."""
        data = self.sock.recv(262144)
        self.buffer += data
        return bool(data)

    def take(self, count):
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise Truncated("%d of %d bytes" % (len(self.buffer), count))
        return self.take(count)

    def until(self, mark):
        seen = 0
        while True:
            at = self.buffer.find(mark, max(0, seen - len(mark)))
            if at >= 0:
                return self.take(at + len(mark))
            seen = len(self.buffer)
            if not self.more():
                raise Truncated("end of stream in %r" % bytes(self.buffer[:200]))

    def until_end(self):
        while self.more():
            pass
        return self.take(len(self.buffer))

    def line(self):
        line = self.until(b"\r\n")[:-2]
        if b"\n" in line or b"\r" in line:
            raise Malformed("bare CR or LF in %r" % line)
        return line.decode("latin-1")

    def field_lines(self):
        fields = []
        while True:
            line = self.line()
            if not line:
                return fields
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip() or " " in name:
                raise Malformed("field line %r" % line)
            fields.append((name, value.strip(" \t")))

    def head(self):
        return Message(self.line(), self.field_lines())

    def chunked_body(self, message):
        """Reads chunks up to and including the trailer section."""
        message.chunks = []
        body = bytearray()
        while True:
            size_text = self.line().split(";")[0]
            if not size_text or any(c not in "0123456789abcdefABCDEF" for c in size_text):
                raise Malformed("chunk size %r" % size_text)
            size = int(size_text, 16)
            if size == 0:
                break
            message.chunks.append(size)
            body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise Malformed("no CRLF after chunk data")
        message.trailers = self.field_lines()
        message.body = bytes(body)

    def framed_body(self, message, to_the_end):
        lengths = message.all("Content-Length")
        codings = message.all("Transfer-Encoding")
        if codings:
            if lengths or [c.lower() for c in codings] != ["chunked"]:
                raise Malformed("framing: %r" % message.fields)
            self.chunked_body(message)
        elif lengths:
            if len(lengths) != 1 or not lengths[0].isdigit():
                raise Malformed("Content-Length %r" % lengths)
            message.body = self.exactly(int(lengths[0]))
        elif to_the_end:
            message.body = self.until_end()

    def request(self):
        """Reads one whole request (a server's side)."""
        message = self.head()
        self.framed_body(message, False)
        return message

    def response(self, method="GET"):
        """Reads one response, interim ones included: whoever expects a final one calls final()."""
        message = self.head()
        if method != "HEAD" and message.status >= 200 and message.status not in (204, 304):
            self.framed_body(message, True)
        return message

    def final(self, method="GET"):
        """Reads up to the final response; the interim ones stay in its .interim."""
        interim = []
        while True:
            message = self.response(method)
            if message.status >= 200 or message.status == 101:
                message.interim = interim
                return message
            interim.append(message)

    def exchange(self, request, method="GET"):
        self.send(request)
        return self.final(method)

    # --- endings ---------------------------------------------------------------------------------------------

    def readable(self, seconds):
        return bool(self.buffer) or bool(select.select([self.sock], [], [], seconds)[0])

    def ending(self):
        """Reads to the end of the stream: ("fin" or "rst", the bytes before it)."""
        try:
            return "fin", self.until_end()
        except ConnectionResetError:
            return "rst", self.take(len(self.buffer))

    def closed_cleanly(self):
        """True when nothing more comes but the end of the stream."""
        return self.ending() == ("fin", b"")


def dial(address, patience=PATIENCE, receive_buffer=0, send_buffer=0, source=None):
    """Connects to (host, port), or to a path for a unix socket. Small buffers make a peer feel a stall soon. `source`
    is a (host, port) of our own."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(patience)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if send_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    try:
        if source:
            sock.bind(source)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return Wire(sock, patience)


def get(target="/", host="h.example", extra=""):
    """The bytes of a GET; `extra` holds whole field lines."""
    return ("GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (target, host, extra)).encode("latin-1")


def post(target="/", body=b"", host="h.example", extra=""):
    head = "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s\r\n" % (target, host, len(body), extra)
    return head.encode("latin-1") + body


def post_chunked(target="/", chunks=(), host="h.example", extra="", trailers=""):
    head = "POST %s HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n%s\r\n" % (target, host, extra)
    data = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head.encode("latin-1") + data + b"0\r\n" + trailers.encode("latin-1") + b"\r\n"


def ok(body=b"ok", extra=""):
    """The bytes of a 200 with a Content-Length."""
    head = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), extra)
    return head.encode("latin-1") + body


def ok_chunked(chunks, extra="", trailers=""):
    data = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n" % extra
    return head.encode("latin-1") + data + b"0\r\n" + trailers.encode("latin-1") + b"\r\n"
