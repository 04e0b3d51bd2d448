"""Answers that a server should not have sent, and their harmless neighbours, rule by rule.

What a client gets must be a whole valid message or visibly none: never bytes behind the answer's end, never a part that
looks complete, never a byte that a second reader takes for the end of a line.
"""

from cases import FIELD_BYTES, TCHAR, Answer, byte_name, checked

EVIL = "HTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil"
OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EVERY_BYTE = range(256)


def head(fields, body="ok", line="HTTP/1.1 200 OK"):
    return "%s\r\n%s\r\n%s" % (line, fields, body)


def length(line="HTTP/1.1 200 OK", fields=""):
    return head(fields + "Content-Length: 2\r\n", "ok", line)


def chunked(body, fields=""):
    return head(fields + "Transfer-Encoding: chunked\r\n", body)


def plain():
    yield Answer("length", OK)
    yield Answer("length-0", head("Content-Length: 0\r\n", ""), body="")
    yield Answer("chunked", chunked("2\r\nok\r\n0\r\n\r\n"))
    yield Answer("chunked-many", chunked("1\r\no\r\n1\r\nk\r\n0\r\n\r\n"))
    yield Answer("chunked-nothing", chunked("0\r\n\r\n"), body="")
    yield Answer("until-close", head(""), end="fin")
    yield Answer("until-close-old", head("", line="HTTP/1.0 200 OK"), end="fin")
    yield Answer("until-close-nothing", head("", ""), body="", end="fin")
    yield Answer("old-with-length", length("HTTP/1.0 200 OK"), reuse=False)
    yield Answer("old-kept", length("HTTP/1.0 200 OK", "Connection: keep-alive\r\n"))
    yield Answer("close", length(fields="Connection: close\r\n"), reuse=False)
    yield Answer("close-among-others", length(fields="Connection: x, close\t\r\n"), reuse=False)
    yield Answer("no-reason", length("HTTP/1.1 200 "))
    yield Answer("no-reason-no-space", length("HTTP/1.1 200"))
    yield Answer("latin-reason", length("HTTP/1.1 200 \xe9t\xe9"))
    yield Answer("cookies",
                 length(fields="Set-Cookie: a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT\r\nSet-Cookie: b=2\r\n"))
    yield Answer("extensions", chunked("2;a=b\r\nok\r\n0;x\r\n\r\n"))
    yield Answer("trailer", chunked("2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", "Trailer: X-Sum\r\n"))
    yield Answer("trailer-of-framing",
                 chunked("2\r\nok\r\n0\r\nContent-Length: 99\r\nSet-Cookie: e=1\r\nConnection: close\r\n\r\n"))
    yield Answer("upgrade-without-switch", length(fields="Connection: Upgrade\r\nUpgrade: websocket\r\n"))


def bodiless():
    """Statuses and methods whose answers have no body, whatever their fields say (RFC 9112, 6.3)."""
    for name, line in (("204", "HTTP/1.1 204 No Content"), ("304", "HTTP/1.1 304 Not Modified")):
        status = int(name)
        yield Answer(name, head("", "", line), status=status, body="")
        yield Answer(name + "-bytes", head("", "hello", line), status=status, body="", reuse=False)
        yield Answer(name + "-next", head("", EVIL, line), status=status, body="", reuse=False)
    yield Answer("304-length", head("Content-Length: 100\r\n", "", "HTTP/1.1 304 Not Modified"), status=304,
                 body="")
    yield Answer("304-chunked", head("Transfer-Encoding: chunked\r\n", "", "HTTP/1.1 304 Not Modified"), status=304,
                 body="")
    yield Answer("204-length", head("Content-Length: 5\r\n", "hello", "HTTP/1.1 204 No Content"), status=204,
                 body="", reuse=False)
    yield Answer("204-length-alone", head("Content-Length: 5\r\n", "", "HTTP/1.1 204 No Content"), status=204,
                 body="", reuse=False)
    yield Answer("204-chunked", head("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n",
                                     "HTTP/1.1 204 No Content"), status=204, body="", reuse=False)
    yield Answer("head-length", head("Content-Length: 100\r\n", ""), body="", method="HEAD")
    yield Answer("head-chunked", head("Transfer-Encoding: chunked\r\n", ""), body="", method="HEAD")
    yield Answer("head-nothing", head("", ""), body="", method="HEAD")
    yield Answer("head-body", head("Content-Length: 5\r\n", "hello"), body="", method="HEAD", reuse=False)
    yield Answer("head-next", head("Content-Length: 5\r\n", EVIL), body="", method="HEAD", reuse=False)
    yield Answer("head-404", head("Content-Length: 5\r\n", "", "HTTP/1.1 404 No"), status=404, body="",
                 method="HEAD")


def status_lines():
    for text in ("HTTP/2.0 200 OK", "HTTP/2 200 OK", "HTTP/0.9 200 OK", "HTTP/1.2 200 OK", "HTTP/1.10 200 OK",
                 "HTTP/11.1 200 OK", "http/1.1 200 OK", "HTTP/1,1 200 OK",
                 "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 OK",
                 "HTTP/1.1 000 OK", "HTTP/1.1 600 OK", "HTTP/1.1 999 OK",
                 "HTTP/1.1 -20 OK", "HTTP/1.1 +20 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 0x2 OK", "HTTP/1.1 200OK",
                 "HTTP/1.1 200\tOK", "HTTP/1.1 OK", "HTTP/1.1 ", "HTTP/1.1",
                 "HTTP/1.1200 OK", "HTTP 200 OK", "ICY 200 OK", "RTSP/1.0 200 OK", " HTTP/1.1 200 OK",
                 "\r\nHTTP/1.1 200 OK", "\nHTTP/1.1 200 OK", "\xef\xbb\xbfHTTP/1.1 200 OK",
                 "200 OK", "OK", "220 mail.example ESMTP", "SSH-2.0-OpenSSH_9.2", "<html>hello</html>",
                 "-ERR unknown command", "\x15\x03\x01\x00\x02\x02\x50", "GET / HTTP/1.1",
                 "HTTP/1.1 200 OK\rX: 1", "HTTP/1.1 200 OK\nX: 1", "HTTP/1.1 200 OK\r", "HTTP/1.1 200 a\0b"):
        yield Answer("bad-" + text.encode("latin-1").hex(), length(text), "bad")
    for byte in EVERY_BYTE:
        if byte in FIELD_BYTES:
            yield Answer("reason-" + byte_name(byte), length("HTTP/1.1 200 a%cb" % byte))
        elif byte != 0x0a:
            yield Answer("reason-" + byte_name(byte), length("HTTP/1.1 200 a%cb" % byte), "bad")
    yield Answer("lf-only", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "bad")
    yield Answer("nothing", "", "bad", end="fin")
    yield Answer("part-of-a-line", "HTTP/1.1 20", "bad", end="fin")
    yield Answer("part-of-a-head", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "bad", end="fin")
    yield Answer("long", "HTTP/1.1 200 " + "a" * 70000 + "\r\n\r\n", "bad")


def fields():
    for byte in EVERY_BYTE:
        if byte == ord(":"):
            continue
        for place, text in (("in", "X%cA: 1\r\n"), ("behind", "X%c: 1\r\n"), ("before", "%cX: 1\r\n")):
            verdict = "pass" if byte in TCHAR else "bad"
            yield Answer("name-%s-%02x" % (place, byte), length(fields=text % byte), verdict)
    for byte in EVERY_BYTE:
        for place, text in (("in", "X: a%cb\r\n"), ("last", "X: a%c\r\n")):
            verdict = "pass" if byte in FIELD_BYTES else "bad"
            yield Answer("value-%s-%02x" % (place, byte), length(fields=text % byte), verdict)
    for name, text in (("no-name", ": x\r\n"), ("no-colon", "X\r\n"), ("folded", "X: a\r\n b\r\n"),
                       ("folded-tab", "X: a\r\n\tb\r\n"), ("first-space", " X: a\r\n"),
                       ("cr-inject", "X: a\rX-Evil: 1\r\n"), ("lf-inject", "X: a\nX-Evil: 1\r\n"),
                       ("split", "Transfer-\r\nEncoding: chunked\r\n"), ("cr-cr-lf", "X: a\r\r\n")):
        yield Answer("bad-" + name, length(fields=text), "bad")
    for name, text in (("lf", "\n"), ("cr", "\rX"), ("cr-cr-lf", "\r\r\n")):
        yield Answer("end-" + name, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + text + "ok", "bad")
    yield Answer("hundred", length(fields="".join("X-%d: 1\r\n" % i for i in range(100))))
    yield Answer("thousand", length(fields="".join("X-%d: 1\r\n" % i for i in range(1000))), "bad")
    yield Answer("large", length(fields="X: %s\r\n" % ("a" * 30000)))
    yield Answer("too-large", length(fields="X: %s\r\n" % ("a" * 70000)), "bad")


def lengths():
    for value in ("abc", "-2", "+2", "0x2", "2x", "2,3", "2, 2", "2,", "", "2.0", "2e0", "2 2", "\v2", "2\0",
                  "\xb2", "99999999999999999999999", "18446744073709551618",
                  "9223372036854775808", '"2"'):
        yield Answer("bad-" + value.encode("latin-1").hex(), head("Content-Length: %s\r\n" % value), "bad")
    for name, text in (("other", "Content-Length: 2\r\nContent-Length: 3\r\n"),
                       ("same", "Content-Length: 2\r\nContent-Length: 2\r\n"),
                       ("coding-behind", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
                       ("coding-before", "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"),
                       ("space", "Content-Length : 2\r\n")):
        yield Answer("bad-" + name, head(text, "2\r\nok\r\n0\r\n\r\n" + EVIL), "bad")
    yield Answer("split-by-coding", head("Content-Length: 30\r\nTransfer-Encoding: chunked\r\n",
                                         "0\r\n\r\n" + EVIL), "bad")
    yield Answer("short", head("Content-Length: 10\r\n"), "cut", end="fin")
    yield Answer("short-nothing", head("Content-Length: 10\r\n", ""), "cut", end="fin")
    yield Answer("large-short", head("Content-Length: 4294967298\r\n"), "cut", end="fin")
    yield Answer("two-answers", OK + EVIL, reuse=False)
    yield Answer("bytes-behind", OK + "x", reuse=False)
    yield Answer("crlf-behind", OK + "\r\n", reuse=False)
    yield Answer("empty-and-bytes", head("Content-Length: 0\r\n", "EVIL"), body="", reuse=False)
    yield Answer("empty-and-answer", head("Content-Length: 0\r\n", EVIL), body="", reuse=False)
    yield Answer("chunked-and-answer", chunked("2\r\nok\r\n0\r\n\r\n" + EVIL), reuse=False)
    yield Answer("chunked-and-byte", chunked("2\r\nok\r\n0\r\n\r\nx"), reuse=False)


def codings():
    for value in ("chunked, gzip", "gzip", "gzip, chunked", "chunked, chunked", "", ",", "identity",
                  "chunked, identity", "identity, chunked", "chunked;a=b", "\vchunked", "chunked\v",
                  "xchunked", "chunked x", '"chunked"', "chunked,", ",chunked", "\0chunked", "\xa0chunked"):
        yield Answer("bad-" + value.encode("latin-1").hex(),
                     head("Transfer-Encoding: %s\r\n" % value, "2\r\nok\r\n0\r\n\r\n"), "bad", end="fin")
    yield Answer("twice", head("Transfer-Encoding: chunked\r\n" * 2, "2\r\nok\r\n0\r\n\r\n"), "bad")
    yield Answer("old", head("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n", "HTTP/1.0 200 OK"), "bad",
                 end="fin")
    yield Answer("upper", head("TRANSFER-ENCODING: CHUNKED\r\n", "2\r\nok\r\n0\r\n\r\n"))


def chunks():
    for size in ("", "2 ", " 2", "0x2", "+2", "-2", "2.", "g", "2h", "2_", "2\0", "FFFFFFFFFFFFFFFF0",
                 "10000000000000002", "FFFFFFFFFFFFFFFF", "7FFFFFFFFFFFFFFF"):
        yield Answer("size-" + size.encode().hex(), chunked("%s\r\nok\r\n0\r\n\r\n" % size), "cut")
    for name, body in (("size-lf", "2\nok\r\n0\r\n\r\n"), ("size-cr", "2\rok\r\n0\r\n\r\n"),
                       ("extension-lf", "2;a\nok\r\n0\r\n\r\n"), ("extension-bad", "2;=\r\nok\r\n0\r\n\r\n"),
                       ("extension-long", "2;%s\r\nok\r\n0\r\n\r\n" % ("e" * 70000)),
                       ("data-lf", "2\r\nok\n0\r\n\r\n"), ("data-none", "2\r\nok0\r\n\r\n"),
                       ("data-more", "2\r\nokk\r\n0\r\n\r\n"),
                       ("end-lf", "2\r\nok\r\n0\r\n\n"), ("end-cr-x", "2\r\nok\r\n0\r\n\rX"),
                       ("trailer-bad", "2\r\nok\r\n0\r\n: x\r\n\r\n"),
                       ("trailer-folded", "2\r\nok\r\n0\r\nX: y\r\n z\r\n\r\n"),
                       ("trailer-lf", "2\r\nok\r\n0\r\nX: y\n\r\n"),
                       ("trailer-large", "2\r\nok\r\n0\r\nX: %s\r\n\r\n" % ("a" * 70000)),
                       ("later", "2\r\nok\r\nZZ\r\n"),
                       ("answer-inside", "2\r\nok\r\n" + EVIL)):
        yield Answer(name, chunked(body), "cut")
    for name, body in (("nothing", ""), ("in-size", "2"), ("in-data", "2\r\no"), ("after-data", "2\r\nok"),
                       ("before-last", "2\r\nok\r\n"), ("in-last", "2\r\nok\r\n0"),
                       ("before-end", "2\r\nok\r\n0\r\n"),
                       ("in-end", "2\r\nok\r\n0\r\n\r"), ("in-trailer", "2\r\nok\r\n0\r\nX: y\r\n")):
        yield Answer("end-in-" + name, chunked(body), "cut", end="fin")


def interim():
    hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    yield Answer("hints", hints + OK)
    yield Answer("continue", "HTTP/1.1 100 Continue\r\n\r\n" + OK)
    yield Answer("unknown", "HTTP/1.1 199 Whatever\r\nX: y\r\n\r\n" + OK)
    yield Answer("fifty", hints * 50 + OK)
    yield Answer("then-nothing", hints, "bad", end="fin")
    yield Answer("then-garbage", hints + "hello", "bad", end="fin")
    yield Answer("with-length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello" + OK, "bad")
    yield Answer("with-bad-length", "HTTP/1.1 103 Early Hints\r\nContent-Length: x\r\n\r\n" + OK, "bad")
    yield Answer("switch-unasked",
                 "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + OK,
                 "bad")
    yield Answer("two-answers", hints + OK + EVIL, reuse=False)


ALL = checked([plain, bodiless, status_lines, fields, lengths, codings, chunks, interim])
