"""Requests that a gateway must not touch: refused, the connection ended, and no request at the upstream.

Each table entry is one message of the kind that two parsers may read in two ways. /smuggled stands where a sloppy
reader would find a second request.
"""

import random

from harness import Case, answering, echo, main
from wire import Truncated, get

HOST = "Host: h.example\r\n"
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: h.example\r\n\r\n"
CHUNKS = "5\r\nhello\r\n0\r\n\r\n"


def with_head(line, fields=HOST, body=""):
    return "%s\r\n%s\r\n%s" % (line, fields, body)


def with_line(line):
    return with_head(line)


def with_field(field):
    return with_head("GET /f HTTP/1.1", HOST + field + "\r\n")


def with_host(value):
    return with_head("GET /h HTTP/1.1", "Host: %s\r\n" % value)


def with_length(*values):
    lines = "".join("Content-Length: %s\r\n" % value for value in values)
    return with_head("POST /l HTTP/1.1", HOST + lines, "hello" + SMUGGLED)


def with_coding(lines, body=CHUNKS):
    return with_head("POST /t HTTP/1.1", HOST + lines + "\r\n", body + SMUGGLED)


def with_chunks(body):
    return with_head("POST /c HTTP/1.1", HOST + "Transfer-Encoding: chunked\r\n", body + SMUGGLED)


REQUEST_LINES = {
    "two spaces": with_line("GET  /a HTTP/1.1"),
    "tab as separator": with_line("GET\t/a HTTP/1.1"),
    "form feed as separator": with_line("GET /a\x0cHTTP/1.1"),
    "leading space": with_line(" GET /a HTTP/1.1"),
    "trailing space": with_line("GET /a HTTP/1.1 "),
    "no target": with_line("GET HTTP/1.1"),
    "two versions": with_line("GET /a HTTP/1.1 HTTP/1.1"),
    "version with two digits": with_line("GET /a HTTP/1.10"),
    "version in lower case": with_line("GET /a http/1.1"),
    "major version 2": with_line("GET /a HTTP/2.0"),
    "minor version 9": with_line("GET /a HTTP/1.9"),
    "HTTP/0.9": "GET /a\r\n\r\n",
    "other protocol": with_line("GET /a ICY/1.1"),
    "method with a colon": with_line("GE:T /a HTTP/1.1"),
    "method with a control byte": with_line("G\x07T /a HTTP/1.1"),
    "no method": with_line("/a HTTP/1.1"),
    "fragment in the target": with_line("GET /a#b HTTP/1.1"),
    "space in the target": with_line("GET /a /b HTTP/1.1"),
    "NUL in the target": with_line("GET /a\x00b HTTP/1.1"),
    "DEL in the target": with_line("GET /a\x7fb HTTP/1.1"),
    "relative target": with_line("GET a/b HTTP/1.1"),
    "asterisk with GET": with_line("GET * HTTP/1.1"),
    "userinfo in the target": with_line("GET http://u:p@h.example/ HTTP/1.1"),
    "target without authority": with_line("GET http:///a HTTP/1.1"),
    "bare CR": with_line("GET /a HTTP/1.1\rX: y"),
    "CR CR LF": "GET /a HTTP/1.1\r\r\n" + HOST + "\r\n",
    "TLS ClientHello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "r" * 40 + "\r\n\r\n",
    "HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}

FIELDS = {
    "space before the colon": with_field("X-A : 1"),
    "tab before the colon": with_field("X-A\t: 1"),
    "space in the name": with_field("X A: 1"),
    "empty name": with_field(": 1"),
    "no colon": with_field("X-A"),
    "folded line": with_field("X-A: 1\r\n folded"),
    "folded line with a tab": with_field("X-A: 1\r\n\tContent-Length: 5"),
    "first line begins with a space": with_head("GET /f HTTP/1.1", " X-A: 1\r\n" + HOST),
    "NUL in a value": with_field("X-A: 1\x002"),
    "NUL in a name": with_field("X\x00A: 1"),
    "bare CR in a value": with_field("X-A: 1\rX-B: 2"),
    "bare LF ends a line": with_field("X-A: 1\nX-B: 2"),
    "bare CR LF at the end": "GET /f HTTP/1.1\r\n" + HOST + "X-A: 1\r\n\n" + SMUGGLED,
    "CR X ends the head": "GET /f HTTP/1.1\r\n" + HOST + "\r\rX: y\r\n\r\n",
    "byte above 127 in a name": with_field("X-\xe9: 1"),
    "control byte in a value": with_field("X-A: a\x0bb"),
    "parenthesis in a name": with_field("X(A): 1"),
}

HOSTS = {
    "no Host": "GET /h HTTP/1.1\r\nX-A: 1\r\n\r\n",
    "two Hosts": with_head("GET /h HTTP/1.1", HOST + "X-A: 1\r\n" + HOST),
    "two different Hosts": with_head("GET /h HTTP/1.1", HOST + "host: evil.example\r\n"),
    "list": with_host("h.example, evil.example"),
    "space": with_host("h.example evil.example"),
    "userinfo": with_host("user@h.example"),
    "path": with_host("h.example/evil"),
    "port that is no number": with_host("h.example:8o"),
    "port over 65535": with_host("h.example:65536"),
    "bare IPv6": with_host("::1"),
    "half a bracket": with_host("[::1"),
    "absolute target without Host": "GET http://h.example/ HTTP/1.1\r\nX-A: 1\r\n\r\n",
}

LENGTHS = {
    "negative": with_length("-5"), "plus sign": with_length("+5"), "hexadecimal": with_length("0x5"),
    "trailing letter": with_length("5a"), "empty": with_length(""), "two values": with_length("5, 6"),
    "two lines": with_length("5", "6"), "inner space": with_length("1 0"), "decimal point": with_length("5.0"),
    "vertical tab": with_length("5\x0b"), "over 64 bits": with_length("18446744073709551621"),
    "over 63 bits": with_length("9223372036854775808"), "sixty digits": with_length("1" + "0" * 60),
    "space before the colon": with_head("POST /l HTTP/1.1", HOST + "Content-Length : 5\r\n", "hello"),
}

CODINGS = {
    "with a length": with_coding("Transfer-Encoding: chunked\r\nContent-Length: 5"),
    "with a length before": with_coding("Content-Length: 5\r\nTransfer-Encoding: chunked"),
    "unknown": with_coding("Transfer-Encoding: xchunked"),
    "unknown with a length": with_coding("Transfer-Encoding: xchunked\r\nContent-Length: 5", "hello"),
    "gzip alone": with_coding("Transfer-Encoding: gzip"),
    "chunked is not last": with_coding("Transfer-Encoding: chunked, gzip"),
    "chunked twice": with_coding("Transfer-Encoding: chunked, chunked"),
    "two lines": with_coding("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    "empty": with_coding("Transfer-Encoding: "),
    "parameter": with_coding("Transfer-Encoding: chunked;q=1"),
    "quoted": with_coding("Transfer-Encoding: \"chunked\""),
    "vertical tab": with_coding("Transfer-Encoding: \x0bchunked"),
    "folded": with_coding("Transfer-Encoding:\r\n chunked"),
    "space before the colon": with_coding("Transfer-Encoding : chunked"),
    "in HTTP/1.0": with_head("POST /t HTTP/1.0", HOST + "Transfer-Encoding: chunked\r\n", CHUNKS + SMUGGLED),
}

CHUNKED = {
    "prefix": with_chunks("0x5\r\nhello\r\n0\r\n\r\n"),
    "sign": with_chunks("+5\r\nhello\r\n0\r\n\r\n"),
    "leading space": with_chunks(" 5\r\nhello\r\n0\r\n\r\n"),
    "no size": with_chunks(";a=b\r\nhello\r\n0\r\n\r\n"),
    "not a number": with_chunks("hello\r\n0\r\n\r\n"),
    "overflow": with_chunks("10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "LF after the size": with_chunks("5\nhello\r\n0\r\n\r\n"),
    "CR after the size": with_chunks("5\rXhello\r\n0\r\n\r\n"),
    "LF in an extension": with_chunks("5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "too much data": with_chunks("5\r\nhello!!\r\n0\r\n\r\n"),
    "no CRLF after the data": with_chunks("5\r\nhello0\r\n\r\n"),
    "LF after the data": with_chunks("5\r\nhello\n0\r\n\r\n"),
    "LF ends the body": with_chunks("5\r\nhello\r\n0\r\n\n"),
    "CR X ends the body": with_chunks("5\r\nhello\r\n0\r\n\rX"),
    "minus zero": with_chunks("5\r\nhello\r\n-0\r\n\r\n"),
    "empty trailer name": with_chunks("5\r\nhello\r\n0\r\n: x\r\n\r\n"),
    "trailer with a space before the colon": with_chunks("5\r\nhello\r\n0\r\nX : y\r\n\r\n"),
}


class BadRequests(Case):
    def refuse_all(self, table, statuses=(400,), head_may_pass=False):
        """Every entry on a connection of its own; between two of them the proxy still serves a good request."""
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        for name, message in table.items():
            with self.subTest(name=name), proxy.dial() as wire:
                wire.send(message)
                self.assert_refused(wire, statuses)
                self.assertEqual(upstream.targets(), [], "nothing of it may be a request upstream")
        if not head_may_pass:
            self.assertEqual(upstream.connections, 0, "nothing of them may reach the upstream")
        self.assertEqual(proxy.exchange(get("/good")).status, 200)
        *refused, good = proxy.access_log(len(table) + 1)
        self.assertEqual((len(refused), good["reason"]), (len(table), ""))
        for entry in refused:
            self.assertRegex(entry["reason"], "^[a-z0-9_]+$")
            self.assertIn(entry["status"], statuses)
        self.assertNotIn("/smuggled", upstream.targets())

    def test_request_lines(self):
        self.refuse_all(REQUEST_LINES, (400, 405, 501, 505))

    def test_fields(self):
        self.refuse_all(FIELDS)

    def test_hosts(self):
        self.refuse_all(HOSTS)

    def test_content_lengths(self):
        self.refuse_all(LENGTHS, (400, 413))

    def test_transfer_encodings(self):
        self.refuse_all(CODINGS, (400, 501))

    def test_chunked_bodies(self):
        """The head may have gone upstream by the time that the body turns out wrong; it never becomes a request."""
        self.refuse_all(CHUNKED, (400, 413), head_may_pass=True)

    def test_in_segments(self):
        """However the bytes are cut, the verdict is the same."""
        upstream = self.upstream(answering(echo))
        proxy = self.proxy(upstream)
        for table in (FIELDS, HOSTS, CODINGS):
            for name, message in list(table.items())[::4]:
                data = message.encode("latin-1")
                for step in (1, 7):
                    with self.subTest(name=name, step=step), proxy.dial() as wire:
                        try:
                            for at in range(0, len(data), step):
                                wire.send(data[at:at + step])
                        except ConnectionError:
                            pass  # refused before the last byte, which is as good
                        try:
                            self.assertIn(wire.final().status, (400, 501))
                        except (ConnectionError, Truncated):
                            self.fail("no answer")
        self.assertEqual(upstream.requests, [])

    def test_page_says_nothing_of_the_request(self):
        """An error page must not be a mirror for script."""
        proxy = self.proxy(self.upstream())
        with proxy.dial() as wire:
            wire.send("GET /<script>alert(1)</script> x HTTP/1.1\r\nHost: <b>\r\n\r\n")
            answer = wire.final()
        self.assertEqual(answer.status, 400)
        self.assertNotIn(b"<script>", answer.body)
        self.assertNotIn(b"<b>", answer.body)
        self.assertTrue(answer.has("Content-Type"))

    def test_garbage(self):
        """Bytes of no protocol at all: an answer or an end, and the next client is served."""
        chance = random.Random(4)
        upstream = self.upstream()
        proxy = self.proxy(upstream, extra="[timeouts]\ntimeout_head = 500ms\n")
        for _ in range(60):
            with proxy.dial() as wire:
                try:
                    wire.send(chance.randbytes(chance.randrange(1, 3000)) + b"\r\n\r\n")
                    wire.finish()
                except ConnectionError:
                    continue
                _, rest = wire.ending()
                self.assertTrue(rest == b"" or rest.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), rest[:80])
        self.assertEqual(upstream.requests, [])
        self.assertEqual(proxy.exchange(get("/good")).status, 200)


if __name__ == "__main__":
    main()
