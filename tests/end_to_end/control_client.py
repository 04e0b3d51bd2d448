"""A client of the control socket: commands in either form, over one connection."""

import json
import os
import socket

from patience import PATIENCE


class Refused(Exception):
    """The command's answer was an error."""


def dial_control(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    sock.connect(path)
    return Control(sock)


class Control:
    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        return self.file.readline().decode()

    def lines(self):
        """The lines of one answer, without the empty one that ends it; None at the end of the connection."""
        lines = []
        while True:
            line = self.line()
            if line == "\n":
                return lines
            if not line.endswith("\n"):
                return None
            lines.append(line[:-1])

    def text(self, command):
        self.send(command + "\n")
        lines = self.lines()
        assert lines is not None, "the answer to %r broke off" % command
        if lines and lines[0].startswith("error: "):
            raise Refused(lines[0][7:])
        return lines

    def json(self, command):
        self.send("json " + command + "\n")
        lines = self.lines()
        assert lines is not None and len(lines) == 1, "no JSON object answers %r: %r" % (command, lines)
        answer = json.loads(lines[0])
        if "error" in answer:
            raise Refused(answer["error"])
        return answer


class Controlled:
    """For test cases: a proxy with a control socket."""

    def control_path(self):
        return os.path.join(self.folder, "control.sock")

    def control_key(self):
        return "control = %s" % self.control_path()

    def dial_control(self):
        control = dial_control(self.control_path())
        self.addCleanup(control.close)
        return control
