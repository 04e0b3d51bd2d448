"""What a case is, and how the cases are handed to the test of the message code (test_messages.c).

A case is the bytes that one peer sends, and what a strict gateway makes of them. There are two kinds: Requests, from a
client, and Answer, from a server. request_cases.py and answer_cases.py hold the cases, one function for each rule of the RFCs.
"""

import sys

HOST = "Host: h.example\r\n"
TCHAR = set(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
FIELD_BYTES = set(range(0x20, 0x7f)) | set(range(0x80, 0x100)) | {9}

KEEP = "keep"  # all is well, and the connection can be used on
CLOSE = "close"  # the connection ends after the last of the good requests, whatever follows
PART = "part"  # the last message is not complete


def latin(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


class Requests:
    """Bytes of a client: first some good requests, then `end`: KEEP, CLOSE, PART, or the statuses of a refusal."""

    kind = "request"

    def __init__(self, name, data, good=(), end=KEEP):
        self.name = name
        self.data = latin(data)
        self.good = [Good(*entry) if isinstance(entry, tuple) else Good(entry) for entry in good]
        self.end = end

    def lines(self):
        end = self.end if isinstance(self.end, str) else ",".join(str(status) for status in self.end)
        yield "request %s %s %s" % (self.name, end, self.data.hex() or "-")
        for good in self.good:
            yield "good %s %s %s" % (good.method, good.target, good.body.hex() or "-")


class Good:
    """A request that reaches the server: "METHOD /target", in origin-form, and its body."""

    def __init__(self, line, body=b""):
        self.method, self.target = line.split(" ")
        self.body = latin(body)

    def key(self):
        return self.method, self.target, self.body


class Answer:
    """Bytes of a server in answer to a request with this method. end: what it does then, "keep" or "fin".

    verdict: "pass" with what the client gets and whether the server's connection may be used again; "bad" for a head
    that cannot be an answer; "cut" for a body that breaks off or turns out wrong.
    """

    kind = "answer"

    def __init__(self, name, data, verdict="pass", status=200, body=b"ok", reuse=True, method="GET", end="keep"):
        self.name = name
        self.data = latin(data)
        self.verdict = verdict
        self.status = status
        self.body = latin(body)
        self.reuse = reuse and end == "keep"
        self.method = method
        self.end = end

    def lines(self):
        yield "answer %s %s %s %s %d %d %s %s" % (self.name, self.method, self.end, self.verdict, self.status,
                                                  self.reuse, self.body.hex() or "-", self.data.hex() or "-")


def checked(cases):
    """The cases of all rules, which are functions that yield them; names are unique and without spaces."""
    names = set()
    result = []
    for rule in cases:
        for case in rule():
            case.name = "%s/%s" % (rule.__name__, case.name)
            assert case.name not in names and " " not in case.name, case.name
            names.add(case.name)
            result.append(case)
    return result


def byte_name(byte):
    return "%02x" % byte


def main():
    """usage: cases.py FILE: writes all of them as lines of words, bytes in hexadecimal."""
    import answer_cases
    import request_cases
    with open(sys.argv[1], "w", encoding="ascii") as file:
        for case in request_cases.ALL + answer_cases.ALL:
            for line in case.lines():
                file.write(line + "\n")


if __name__ == "__main__":
    main()
