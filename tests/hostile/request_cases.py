"""Requests that two parsers may read in two ways, and their harmless neighbours, rule by rule.

Where a sloppy reader would find a second request there stands SMUGGLED, whose target no upstream may ever see. Each
byte that could be a delimiter for somebody is tried in each place where it could do harm.
"""

from cases import CLOSE, FIELD_BYTES, HOST, PART, TCHAR, Requests, byte_name, checked

SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: h.example\r\n\r\n"
NEXT = "GET /next HTTP/1.1\r\nHost: h.example\r\n\r\n"
CHUNKS = "5\r\nhello\r\n0\r\n\r\n"
BAD = (400,)
UNSERVED = (400, 501)  # a coding that is not served is as good a reason as one that is not understood
EVERY_BYTE = range(256)

# RFC 3986: what may stand in a path or a query. The rest is refused, or (where browsers send it) passed on as it came.
URI_BYTES = set(b"-._~!$&'()*+,;=:@/?%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def line(text, fields=HOST, body=""):
    return text + "\r\n" + fields + "\r\n" + body


def get(fields, target="/a", version="HTTP/1.1"):
    return "GET %s %s\r\n%s\r\n" % (target, version, fields)


def post(fields, body="", version="HTTP/1.1"):
    return "POST /p %s\r\n%s%s\r\n%s" % (version, HOST, fields, body)


def chunked(body):
    return post("Transfer-Encoding: chunked\r\n", body)


# --- what is right ------------------------------------------------------------------------------------------------------


def plain():
    yield Requests("get", get(HOST), ["GET /a"])
    yield Requests("two", get(HOST) + NEXT, ["GET /a", "GET /next"])
    yield Requests("ten", "".join(get(HOST, "/%d" % i) for i in range(10)), ["GET /%d" % i for i in range(10)])
    yield Requests("length", post("Content-Length: 5\r\n", "hello"), [("POST /p", "hello")])
    yield Requests("length-0", post("Content-Length: 0\r\n") + NEXT, ["POST /p", "GET /next"])
    yield Requests("no-length", post("") + NEXT, ["POST /p", "GET /next"])
    yield Requests("length-then-next", post("Content-Length: 5\r\n", "hello" + NEXT),
                   [("POST /p", "hello"), "GET /next"])
    yield Requests("chunked", chunked(CHUNKS), [("POST /p", "hello")])
    yield Requests("chunked-then-next", chunked(CHUNKS + NEXT), [("POST /p", "hello"), "GET /next"])
    yield Requests("chunked-many", chunked("1\r\na\r\n2\r\nbc\r\nA\r\n0123456789\r\n00\r\n\r\n"),
                   [("POST /p", "abc0123456789")])
    yield Requests("chunked-nothing", chunked("0\r\n\r\n" + NEXT), ["POST /p", "GET /next"])
    yield Requests("head", line("HEAD /a HTTP/1.1") + NEXT, ["HEAD /a", "GET /next"])
    yield Requests("old", get(HOST, version="HTTP/1.0") + SMUGGLED, ["GET /a"], CLOSE)
    yield Requests("old-kept", get(HOST + "Connection: keep-alive\r\n", version="HTTP/1.0") + NEXT,
                   ["GET /a", "GET /next"])
    yield Requests("old-without-host", get("", version="HTTP/1.0"), ["GET /a"], CLOSE)
    yield Requests("nothing", "")
    yield Requests("part-of-a-line", "GET /a HT", [], PART)
    yield Requests("part-of-a-head", "GET /a HTTP/1.1\r\nHost: h.example\r\n", [], PART)
    yield Requests("part-of-the-end", "GET /a HTTP/1.1\r\nHost: h.example\r\n\r", [], PART)
    yield Requests("part-of-a-body", post("Content-Length: 6\r\n", "hello"), [], PART)
    yield Requests("part-of-a-chunk", chunked("5\r\nhel"), [], PART)
    yield Requests("part-of-a-last-chunk", chunked("5\r\nhello\r\n0\r\n"), [], PART)
    yield Requests("second-in-part", get(HOST) + "GET /smuggled HTTP/1.1\r\n", ["GET /a"], PART)


def bodies_that_look_like_requests():
    for method in ("GET", "HEAD", "DELETE", "OPTIONS", "PUT", "PATCH", "PROPFIND"):
        head = "%s /b HTTP/1.1\r\n%s" % (method, HOST)
        yield Requests("length-" + method, head + "Content-Length: %d\r\n\r\n%s" % (len(SMUGGLED), SMUGGLED) + NEXT,
                       [("%s /b" % method, SMUGGLED), "GET /next"])
        yield Requests("chunked-" + method, head + "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n%s"
                       % (len(SMUGGLED), SMUGGLED, NEXT), [("%s /b" % method, SMUGGLED), "GET /next"])
    for name, fields in (("expect", "Expect: 100-continue\r\n"), ("expect-case", "EXPECT: 100-Continue\r\n"),
                         ("upgrade", "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
                         ("nominated", "Connection: Content-Length\r\n")):
        yield Requests(name, post(fields + "Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED + NEXT),
                       [("POST /p", SMUGGLED), "GET /next"])
    yield Requests("old-without-length", post("", SMUGGLED, "HTTP/1.0"), ["POST /p"], CLOSE)
    yield Requests("old-kept-without-length", post("Connection: keep-alive\r\n", SMUGGLED, "HTTP/1.0"), ["POST /p"],
                   CLOSE)


# --- the request line (RFC 9112, 3) -------------------------------------------------------------------------------------


def method_bytes():
    """A token of a known method. One byte more makes another method, or none."""
    for byte in EVERY_BYTE:
        if byte == 0x20:
            continue
        text = "G%cT /a HTTP/1.1" % byte
        if byte != ord("E"):
            yield Requests(byte_name(byte), line(text), [], (400, 405, 501))
    yield Requests("lower", line("get /a HTTP/1.1"), [], (400, 405, 501))
    yield Requests("unknown", line("BREW /a HTTP/1.1"), [], (400, 405, 501))
    yield Requests("long", line("A" * 9000 + " /a HTTP/1.1"), [], (400, 414, 431, 501))
    yield Requests("connect", line("CONNECT h.example:443 HTTP/1.1"), [], (400, 403, 405, 501))
    yield Requests("connect-with-body", line("CONNECT h.example:443 HTTP/1.1", HOST + "Content-Length: 5\r\n",
                                             "hello"),
                   [], (400, 403, 405, 501))
    yield Requests("trace", line("TRACE /a HTTP/1.1"), [], (400, 403, 405, 501))
    yield Requests("trace-with-body", line("TRACE /a HTTP/1.1", HOST + "Content-Length: 5\r\n", "hello"), [],
                   (400, 403, 405, 501))
    yield Requests("track", line("TRACK /a HTTP/1.1"), [], (400, 405, 501))
    yield Requests("pri", line("PRI * HTTP/2.0", "", "SM\r\n\r\n"), [], (400, 505))


def separator_bytes():
    """One space on either side of the target, nothing else."""
    for byte in EVERY_BYTE:
        if byte == 0x20:
            continue
        if byte not in TCHAR:
            yield Requests("first-" + byte_name(byte), line("GET%c/a HTTP/1.1" % byte), [], BAD)
        yield Requests("second-" + byte_name(byte), line("GET /a%cHTTP/1.1" % byte), [], BAD)
    for name, text in (("double-first", "GET  /a HTTP/1.1"), ("double-second", "GET /a  HTTP/1.1"),
                       ("before", " GET /a HTTP/1.1"), ("behind", "GET /a HTTP/1.1 "),
                       ("tab-behind", "GET /a HTTP/1.1\t"),
                       ("in-target", "GET /a b HTTP/1.1"),
                       ("two-lines-in-one", "GET /a HTTP/1.1 /smuggled HTTP/1.1"),
                       ("no-target", "GET HTTP/1.1"), ("empty-target", "GET  HTTP/1.1"), ("method-alone", "GET"),
                       ("nul-before", "\0GET /a HTTP/1.1"), ("bom-before", "\xef\xbb\xbfGET /a HTTP/1.1")):
        yield Requests(name, line(text), [], BAD)
    yield Requests("second-line-for-a-field", "GET /a HTTP/1.1\r\n" + SMUGGLED, [], BAD)


def versions():
    for text in ("HTTP/1.", "HTTP/1", "HTTP/", "HTTP", "HTTP/.1", "HTTP/11.1", "HTTP/01.1", "HTTP/1.01",
                 "HTTP/1.10",
                 "HTTP/1.1x", "HTTP/1.1.1", "HTTP/1,1", "HTTP/+1.1", "HTTP/1.+1", "HTTP/-1.1", "HTTP/4294967297.1",
                 "HTTP/1.4294967297", "HTTP/1.257", "HTP/1.1", "http/1.1", "Http/1.1", "HTTP\\1.1", "HTTPS/1.1",
                 "RTSP/1.0", "ICE/1.0", "ICY/1.1", "HTTP/0.9", "HTTP/2.0", "HTTP/2", "HTTP/3.0", "HTTP/9.9",
                 "HTTP/1.2",
                 "HTTP/1.9", "HTTP/\xb2.1", "HTTP /1.1", "HTTP/ 1.1", "HTTP/1.1\0", "H\0TTP/1.1"):
        yield Requests(text.encode("latin-1").hex(), line("GET /a " + text), [], (400, 505))
    yield Requests("none", "GET /a\r\n\r\n", [], (400, 505))
    yield Requests("none-with-fields", line("GET /a"), [], (400, 505))
    yield Requests("none-with-space", line("GET /a "), [], (400, 505))


def line_ends():
    """CR LF ends a line, nothing else does, and one empty line at most comes before a request."""
    for name, data in (("lf", "GET /a HTTP/1.1\n" + HOST + "\r\n"), ("cr", "GET /a HTTP/1.1\r" + HOST + "\r\n"),
                       ("cr-cr-lf", "GET /a HTTP/1.1\r\r\n" + HOST + "\r\n"),
                       ("lf-cr", "GET /a HTTP/1.1\n\r" + HOST + "\r\n"),
                       ("all-lf", "GET /a HTTP/1.1\nHost: h.example\n\n"),
                       ("in-target", "GET /a\nHTTP/1.1\r\n" + HOST + "\r\n"),
                       ("in-target-with-host", "GET /a\r\nHost: h.example HTTP/1.1\r\n" + HOST + "\r\n"),
                       ("vt", "GET /a HTTP/1.1\v" + HOST + "\r\n"), ("nel", "GET /a HTTP/1.1\x85" + HOST + "\r\n"),
                       ("two-empty-before", "\r\n\r\n" + NEXT), ("lf-before", "\n" + NEXT),
                       ("cr-before", "\r" + NEXT),
                       ("cr-cr-lf-before", "\r\r\n" + NEXT), ("fifty-before", "\r\n" * 50 + NEXT),
                       ("space-line-before", " \r\n" + NEXT),
                       ("proxy-v1", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + NEXT),
                       ("proxy-v2", "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + "\x01" * 12 + NEXT),
                       ("tls", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + "r" * 40)):
        yield Requests(name, data, [], BAD)
    yield Requests("one-empty-before", "\r\n" + NEXT, ["GET /next"])
    yield Requests("one-empty-between", post("Content-Length: 2\r\n", "ab\r\n" + NEXT),
                   [("POST /p", "ab"), "GET /next"])
    yield Requests("two-empty-between", get(HOST) + "\r\n\r\n" + NEXT, ["GET /a"], BAD)
    yield Requests("lf-between", get(HOST) + "\n" + NEXT, ["GET /a"], BAD)


# --- the target (RFC 9112, 3.2, and RFC 3986) -----------------------------------------------------------------------------


def target_bytes():
    for byte in EVERY_BYTE:
        if byte in b" %":
            continue
        target = "/a%cb" % byte
        if byte in URI_BYTES:
            yield Requests("path-" + byte_name(byte), line("GET %s HTTP/1.1" % target), ["GET " + target])
        elif byte not in b"[]|":  # which clients do send, and which divide nothing
            yield Requests("path-" + byte_name(byte), line("GET %s HTTP/1.1" % target), [], BAD)
        target = "/a?%cb" % byte
        if byte in URI_BYTES:
            yield Requests("query-" + byte_name(byte), line("GET %s HTTP/1.1" % target), ["GET " + target])
        elif byte < 0x21 or byte >= 0x7f or byte in b'"#<>':
            yield Requests("query-" + byte_name(byte), line("GET %s HTTP/1.1" % target), [], BAD)
    for name, target in (("crlf", "/a%0d%0aX-Injected:%201"), ("letters", "/%41%62"), ("query", "/a?b=%zz&c=%"),
                         ("overlong", "/a%c0%afb"), ("utf8", "/%e2%82%ac"), ("dots-in-query", "/a?../../b")):
        yield Requests("encoded-" + name, line("GET %s HTTP/1.1" % target), ["GET " + target])
    for name, target in (("nul", "/a%00b"), ("half", "/a%4"), ("none", "/a%"), ("letters", "/a%zz"),
                         ("slash", "/a%2fb"),
                         ("backslash", "/a%5cb"), ("dots", "/a/%2e%2e/b"), ("dot-and-code", "/a/.%2e/b"),
                         ("dots-with-parameter", "/a/..;/b"), ("climbs", "/../a"), ("climbs-late", "/a/../../b")):
        yield Requests("refused-" + name, line("GET %s HTTP/1.1" % target), [], BAD)


def target_forms():
    for name, target, seen in (("plain", "http://h.example/a?b", "/a?b"), ("without-path", "http://h.example", "/"),
                               ("query-alone", "http://h.example?b", "/?b"), ("upper", "HTTP://H.EXAMPLE/a", "/a"),
                               ("port", "http://h.example:80/a", "/a")):
        yield Requests("absolute-" + name, line("GET %s HTTP/1.1" % target), ["GET " + seen])
    for target in ("http://h.example:81/", "http://other.example/", "http:///a", "http://", "http:/a", "http:a",
                   "ftp://h.example/",
                   "http://u@h.example/", "http://u:p@h.example/", "http://h.example:/", "http://h.example:x/",
                   "http://h.example:99999/", "http://h.example#f", "http://[h.example]/",
                   "http://h.example\\@evil/",
                   "a", "a/b", "@evil.example/", "//", "h.example", "h.example:80", ":80", "?a", "#a", "*a", "*/a",
                   "**",
                   "javascript:a", "urn:a", ".", "..", "%2fa", "\\a"):
        if target in ("//", "http://h.example:/"):
            continue  # both are right, if odd
        yield Requests(target.encode().hex(), line("GET %s HTTP/1.1" % target), [], BAD)
    yield Requests("absolute-without-host", get("", "http://h.example/"), [], BAD)
    yield Requests("asterisk-with-get", line("GET * HTTP/1.1"), [], BAD)
    yield Requests("asterisk-with-options", line("OPTIONS * HTTP/1.1"), ["OPTIONS *"])
    yield Requests("asterisk-with-path", line("OPTIONS */a HTTP/1.1"), [], BAD)
    yield Requests("at-the-limit", line("GET /%s HTTP/1.1" % ("a" * 8191)), ["GET /" + "a" * 8191])
    yield Requests("over-the-limit", line("GET /%s HTTP/1.1" % ("a" * 8192)), [], (414,))
    yield Requests("far-over-the-limit", line("GET /%s HTTP/1.1" % ("a" * 70000)), [], (414,))


# --- fields (RFC 9112, 5) -----------------------------------------------------------------------------------------------


def name_bytes():
    for byte in EVERY_BYTE:
        for place, text in (("in", "X%cA: 1\r\n"), ("before", "%cX: 1\r\n"), ("behind", "X%c: 1\r\n")):
            if byte == ord(":"):
                continue
            if byte in TCHAR:
                yield Requests("%s-%02x" % (place, byte), get(HOST + text % byte), ["GET /a"])
            else:
                yield Requests("%s-%02x" % (place, byte), get(HOST + text % byte), [], BAD)
    for name, text in (("empty", ": 1\r\n"), ("empty-hides-a-length", ":\r\nContent-Length: 5\r\n"),
                       ("colons", ":: 1\r\n"),
                       ("no-colon", "X-A\r\n"), ("no-colon-length", "Content-Length 5\r\n"),
                       ("colon-alone", ":\r\n"),
                       ("split", "Transfer-\r\nEncoding: chunked\r\n"), ("two-words", "X A: 1\r\n")):
        yield Requests(name, get(HOST + text), [], BAD)
    for size in (254, 255, 256, 257, 270, 511, 512, 4096):
        yield Requests("long-%d" % size, post("%s: 1\r\nContent-Length: %d\r\n" % ("a" * size, len(SMUGGLED)),
                                              SMUGGLED + NEXT),
                       [("POST /p", SMUGGLED), "GET /next"])
    yield Requests("beyond-any", get(HOST + "a" * 70000 + ": 1\r\n"), [], (431,))


def value_bytes():
    for byte in EVERY_BYTE:
        for place, text in (("in", "X: a%cb\r\n"), ("first", "X: %cb\r\n"), ("last", "X: a%c\r\n"),
                            ("alone", "X:%c\r\n")):
            if byte in FIELD_BYTES:
                yield Requests("%s-%02x" % (place, byte), get(HOST + text % byte), ["GET /a"])
            else:
                yield Requests("%s-%02x" % (place, byte), get(HOST + text % byte), [], BAD)
    yield Requests("empty", get(HOST + "X:\r\n"), ["GET /a"])
    yield Requests("space-around", get(HOST + "X: \t a \t \r\n"), ["GET /a"])
    yield Requests("beyond-any", get(HOST + "X: " + "a" * 70000 + "\r\n"), [], (431,))


def folding():
    for name, text in (("space", "X: a\r\n b\r\n"), ("tab", "X: a\r\n\tb\r\n"),
                       ("length", "X: a\r\n Content-Length: 5\r\n"),
                       ("coding", "X: a\r\n\tTransfer-Encoding: chunked\r\n"), ("nothing", "X: a\r\n \r\n"),
                       ("twice", "X:\r\n \r\n b\r\n"), ("of-length", "Content-Length:\r\n 5\r\n"),
                       ("of-coding", "Transfer-Encoding:\r\n chunked\r\n"),
                       ("of-a-list", "Transfer-Encoding: x\r\n , chunked\r\n"),
                       ("after-an-empty-value", "X:\r\n a\r\n"), ("lf", "X: a\n b\r\n")):
        yield Requests(name, post(text, "hello"), [], BAD)
    for name, text in (("first-space", " X: a\r\n"), ("first-tab", "\tContent-Length: 5\r\n"),
                       ("first-host", " Host: h.example\r\n")):
        yield Requests(name, "POST /p HTTP/1.1\r\n%s%s\r\nhello" % (text, HOST), [], BAD)


def field_line_ends():
    for name, text in (("lf", "X: a\nY: b\r\n"), ("cr", "X: a\rY: b\r\n"), ("cr-lf-cr", "X: a\r\n\rY: b\r\n"),
                       ("cr-cr-lf", "X: a\r\r\n"), ("lf-lf", "X: a\n\n"),
                       ("cr-hides-a-length", "X:\rContent-Length: 5\r\n"),
                       ("cr-in-a-name", "Y\rContent-Length: 5\r\n"), ("nul-cr", "X: a\0\r\n")):
        yield Requests(name, post(text, "hello"), [], BAD)
    for byte in EVERY_BYTE:
        if byte != 0x0a:
            yield Requests("end-cr-" + byte_name(byte), "GET /a HTTP/1.1\r\n%s\r%c%s" % (HOST, byte, SMUGGLED), [],
                           BAD)
    for name, end in (("lf", "\n"), ("cr-cr-lf", "\r\r\n"), ("lf-cr-lf", "\n\r\n"), ("cr-x", "\rX\r\n")):
        yield Requests("end-" + name, "GET /a HTTP/1.1\r\n" + HOST + end + SMUGGLED, [], BAD)
    yield Requests("all-lf", "GET /a HTTP/1.1\r\nHost: h.example\n\n" + SMUGGLED, [], BAD)


def counts():
    def fields(count):
        return HOST + "".join("X-%d: %d\r\n" % (i, i) for i in range(count - 1))

    yield Requests("sixty", get(fields(60)), ["GET /a"])
    yield Requests("at-the-limit", get(fields(100)), ["GET /a"])
    yield Requests("over-the-limit", get(fields(101)), [], (431,))
    yield Requests("three-hundred", get(fields(300)), [], (431,))
    yield Requests("without-end", get(fields(5000)), [], (431,))
    yield Requests("repeated", get(HOST + "X: 1\r\nX: 2\r\nX: 1\r\n"), ["GET /a"])
    yield Requests("empty-lists", get(HOST + "Accept:\r\nAccept-Encoding: ,\r\n"), ["GET /a"])
    yield Requests("many-ranges", get(HOST + "Range: bytes=%s\r\n" % ",".join("0-%d" % i for i in range(300))),
                   ["GET /a"])
    yield Requests("many-options", get(HOST + "Connection: %s\r\n" % ",".join("x%d" % i for i in range(300))), [],
                   BAD)


# --- the host (RFC 9110, 7.2) -----------------------------------------------------------------------------------------------


def hosts():
    for value in ("h.example:8080", "h.example:", "127.0.0.1", "[::1]", "[::1]:80", "a_b.example",
                  "xn--bcher-kva.example",
                  "H.EXAMPLE", "h.example.", "a", "-", "1.2.3", "h%41.example", "h.example:0", "h.example:65535"):
        yield Requests("good-" + value.encode().hex(), get("Host: %s\r\n" % value), ["GET /a"])
    for value in ("", " ", ":80", ":", "h.example, evil.example", "h.example evil.example", "user@h.example",
                  "u:p@h.example",
                  "h.example:8o", "h.example:-1", "h.example:+80", "h.example:80:81", "h.example:65536",
                  "h.example:4294967376",
                  "h.example:99999999999999999999", "h.example: 80", "h.example :80", "::1", "[::1", "::1]", "[]",
                  "[::1]x",
                  "[::1]:x", "[:::1]", "[1.2.3.4]", "[v1.a]", "h.example/", "h.example/evil", "h.example?a",
                  "h.example#f",
                  "h.example\\evil", "http://h.example", "//h.example", "<h.example>", "\"h.example\"",
                  "h{.example", "h^.example",
                  "h|.example", "h`.example", "h.example;", "h.ex\0ample", "h.ex\x7fample", "h\xe9.example",
                  "h.ex%00ample",
                  "h%.example", "h%zz", "h.example%20", "h.example\v"):
        if value == "h.example;":
            continue  # a sub-delim
        yield Requests("bad-" + value.encode("latin-1").hex(), get("Host: %s\r\n" % value), [], BAD)
    yield Requests("missing", get("X: 1\r\n"), [], BAD)
    yield Requests("missing-without-fields", get(""), [], BAD)
    for name, fields in (("twice", HOST + HOST), ("twice-far", HOST + "X: 1\r\nY: 2\r\n" + HOST),
                         ("two", HOST + "Host: evil.example\r\n"), ("two-in-case", HOST + "hOST: evil.example\r\n"),
                         ("two-one-empty", HOST + "Host:\r\n"), ("behind-space", HOST + "Host : evil.example\r\n"),
                         ("folded", "Host: h.example\r\n evil.example\r\n"),
                         ("folded-first", " Host: evil.example\r\n" + HOST)):
        yield Requests(name, get(fields), [], BAD)
    yield Requests("old-twice", get(HOST + HOST, version="HTTP/1.0"), [], BAD)
    yield Requests("old-bad", get("Host: a b\r\n", version="HTTP/1.0"), [], BAD)


# --- Content-Length (RFC 9110, 8.6) -------------------------------------------------------------------------------------------


def length_values():
    for value in ("5", "05", "0005", " 5", "5 ", "\t5", "000000000000000000000000005"):
        yield Requests("good-" + value.encode().hex(), post("Content-Length:%s\r\n" % value, "hello" + NEXT),
                       [("POST /p", "hello"), "GET /next"])
    yield Requests("not-octal", post("Content-Length: 010\r\n", "0123456789" + NEXT),
                   [("POST /p", "0123456789"), "GET /next"])
    for value in ("", "-5", "-0", "+5", "+0", "0x5", "0X5", "5x", "x5", "5.0", "5.", ".5", "5e0", "1_0", "5,5",
                  "5, 5", "5,6", "5,", ",5",
                  "5;a=b", "5 5", "5 6", "1 0", '"5"', "'5'", "5\v", "\v5", "5\f", "\f5", "5\0", "\x005", "5\xa0",
                  "\xa05", "5\x7f",
                  "5\x85", "\xb2", "\xd9\xa5", "\xef\xbc\x95", "0b1", "0o5", "five", "5h", "5L", "5u", "NaN", "inf",
                  "(5)", "5/1",
                  "5%", "%35", "&#53;", "\\5", "5\\", "true", "null", "5:", "=5", "5="):
        yield Requests("bad-" + value.encode("latin-1").hex(),
                       post("Content-Length: %s\r\n" % value, "hello" + SMUGGLED), [], BAD)
    # Whitespace to the RFC, but llhttp and others do not take it for that.
    yield Requests("tab-behind", post("Content-Length: 5\t\r\n", "hello" + SMUGGLED), [], BAD)
    for value in (2 ** 63 - 1, 2 ** 63, 2 ** 63 + 5, 2 ** 64 - 1, 2 ** 64, 2 ** 64 + 1, 2 ** 64 + 5, 2 ** 65 + 5,
                  2 ** 128 + 5,
                  10 ** 19, 10 ** 20, 10 ** 22 * 42 + 5, 10 ** 60):
        yield Requests("over-%d" % value, post("Content-Length: %d\r\n" % value, "hello" + SMUGGLED), [],
                       (400, 413))
    for value in (2 ** 31, 2 ** 32 + 5, 2 ** 40):
        yield Requests("large-%d" % value, post("Content-Length: %d\r\n" % value, "hello" + SMUGGLED), [], PART)


def length_lines():
    for name, fields in (("same", "Content-Length: 5\r\nContent-Length: 5\r\n"),
                         ("same-far", "Content-Length: 5\r\nX: 1\r\nContent-Length: 5\r\n"),
                         ("other-form", "Content-Length: 5\r\nContent-Length: 05\r\n"),
                         ("other", "Content-Length: 5\r\nContent-Length: 6\r\n"),
                         ("other-case", "Content-Length: 5\r\ncontent-length: 6\r\n"),
                         ("zero-first", "Content-Length: 0\r\nContent-Length: 5\r\n"),
                         ("zero-last", "Content-Length: 5\r\nContent-Length: 0\r\n"),
                         ("empty-first", "Content-Length:\r\nContent-Length: 5\r\n"),
                         ("empty-last", "Content-Length: 5\r\nContent-Length:\r\n"),
                         ("three", "Content-Length: 5\r\n" * 3),
                         ("space-before-colon", "Content-Length : 5\r\n"),
                         ("tab-before-colon", "Content-Length\t: 5\r\n"),
                         ("no-colon", "Content-Length 5\r\n"), ("equals", "Content-Length= 5\r\n"),
                         ("cr-before", "X: 1\r\n\rContent-Length: 5\r\n"),
                         ("with-expect", "Expect: 100-continue\r\nContent-Length: 5\r\nContent-Length: 0\r\n")):
        yield Requests(name, post(fields, "hello" + SMUGGLED), [], BAD)
    for byte in EVERY_BYTE:
        if byte in TCHAR or byte == ord(":"):
            continue
        yield Requests("name-behind-%02x" % byte, post("Content-Length%c: 5\r\n" % byte, "hello" + SMUGGLED), [],
                       BAD)
        yield Requests("name-before-%02x" % byte, post("%cContent-Length: 5\r\n" % byte, "hello" + SMUGGLED), [],
                       BAD)
    # Another name is another field: what follows is no body.
    for name, field in (("underscore", "Content_Length: 43"), ("plural", "Content-Lengths: 43"),
                        ("prefixed", "X-Content-Length: 43"),
                        ("quoted", "'Content-Length: 43"), ("dot", "Content.Length: 43")):
        yield Requests("other-name-" + name, post(field + "\r\n", NEXT), ["POST /p", "GET /next"])


# --- Transfer-Encoding (RFC 9112, 6.1) ------------------------------------------------------------------------------------------


def coding_values():
    for value in ("chunked", "CHUNKED", "Chunked", "chunked ", " chunked", "   chunked"):
        yield Requests("good-" + value.encode().hex(), post("Transfer-Encoding:%s\r\n" % value, CHUNKS + NEXT),
                       [("POST /p", "hello"), "GET /next"])
    yield Requests("tab-first", post("Transfer-Encoding:\tchunked\r\n", CHUNKS), [("POST /p", "hello")])
    for value in ("", ",", ", ,", "identity", "gzip", "x", "xchunked", "chunkedx", "x-chunked", "chunked-x",
                  "chunke", "hunked", "chunked chunked",
                  "chunked x", "x chunked", "chunked, chunked", "chunked,chunked", "chunked,", ",chunked",
                  ",,chunked,,", "chunked, identity",
                  "identity, chunked", "chunked, gzip", "gzip, chunked", "cow, chunked", "chunked;", "chunked;q=1",
                  "chunked ; a=b", ";chunked",
                  '"chunked"', "'chunked'", "(chunked)", "<chunked>", "chunked\\", "\\chunked", "chun\\ked",
                  "%63hunked", "chunked%20",
                  "=?utf-8?q?chunked?=", "ch\0unked", "chunked\t;", "chunked:", ":chunked", "= chunked",
                  "chunked/1.0", "\u212aelvin",
                  "c\u0127unked", "chun\xa0ked", "chunk ed", "chun-ked", "0", "true", "x, y, chunked",
                  "chunked\tx"):
        data = value.encode("utf-8").decode("latin-1")
        yield Requests("bad-" + value.encode("utf-8").hex(),
                       post("Transfer-Encoding: %s\r\n" % data, CHUNKS + SMUGGLED), [], UNSERVED)
    for byte in EVERY_BYTE:
        if byte in (0x20, 0x09):
            continue
        yield Requests("byte-before-%02x" % byte, post("Transfer-Encoding: %cchunked\r\n" % byte,
                                                       CHUNKS + SMUGGLED), [], UNSERVED)
        yield Requests("byte-behind-%02x" % byte, post("Transfer-Encoding: chunked%c\r\n" % byte,
                                                       CHUNKS + SMUGGLED), [], UNSERVED)


def coding_lines():
    for name, fields in (("twice", "Transfer-Encoding: chunked\r\n" * 2),
                         ("identity-behind", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
                         ("identity-before", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
                         ("other-before", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"),
                         ("other-behind", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"),
                         ("empty-behind", "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n"),
                         ("empty-before", "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n"),
                         ("other-case", "Transfer-Encoding: chunked\r\ntransfer-encoding: cow\r\n"),
                         ("cr-tail", "Transfer-Encoding: chunked\rX: y\r\n"),
                         ("lf-tail", "Transfer-Encoding: chunked\n\r\n"),
                         ("space-before-colon", "Transfer-Encoding : chunked\r\n"),
                         ("tab-before-colon", "Transfer-Encoding\t: chunked\r\n"),
                         ("word-behind", "Transfer-Encoding x: chunked\r\n"),
                         ("folded", "Transfer-Encoding:\r\n chunked\r\n"),
                         ("folded-tab", "Transfer-Encoding:\r\n\tchunked\r\n"),
                         ("backslash", "Transfer\\Encoding: chunked\r\n"),
                         ("cr-in-name", "Tra\rnsfer-Encoding: chunked\r\n"),
                         ("nul-in-name", "Transfer-Encoding\0: chunked\r\n")):
        yield Requests(name, post(fields, CHUNKS + SMUGGLED), [], UNSERVED)
    for byte in EVERY_BYTE:
        if byte in TCHAR or byte == ord(":"):
            continue
        fields = "Transfer-Encoding%c: chunked\r\nContent-Length: 5\r\n"
        yield Requests("name-behind-%02x" % byte, post(fields % byte, "0\r\n\r\n" + SMUGGLED), [], BAD)
        yield Requests("name-before-%02x" % byte,
                       post("%cTransfer-Encoding: chunked\r\nContent-Length: 5\r\n" % byte, "0\r\n\r\n"), [], BAD)
    for name, fields in (("underscore", "Transfer_Encoding: chunked\r\n"),
                         ("content", "Content-Encoding: chunked\r\n"), ("te", "TE: chunked\r\n"),
                         ("x", "X-Transfer-Encoding: chunked\r\n")):
        yield Requests("other-name-" + name, post(fields + "Content-Length: 5\r\n", "hello" + NEXT),
                       [("POST /p", "hello"), "GET /next"])


def both():
    """Length and coding together are how requests are smuggled: never served (RFC 9112, 6.1)."""
    for value in ("chunked", "CHUNKED", "identity", "", "x", "xchunked", "chunked, gzip", "\vchunked", ",chunked",
                  "chunked;a", "gzip, chunked"):
        for length in ("0", "4", "5", "15", "43"):
            word = value.encode().hex() + "-" + length
            yield Requests("length-first-" + word, post("Content-Length: %s\r\nTransfer-Encoding: %s\r\n" % (length,
                                                                                                             value), CHUNKS + SMUGGLED), [], UNSERVED)
            yield Requests("coding-first-" + word, post("Transfer-Encoding: %s\r\nContent-Length: %s\r\n" % (value,
                                                                                                             length), "0\r\n\r\n" + SMUGGLED), [], UNSERVED)
    yield Requests("length-hides-in-chunks", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                                                  "%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)), [], BAD)
    yield Requests("lf-between", post("Content-Length: 5\r\nTransfer-Encoding: chunked\n", "0\r\n\r\n"), [], BAD)
    for version in ("HTTP/1.0",):
        yield Requests("old", post("Transfer-Encoding: chunked\r\n", CHUNKS + SMUGGLED, version), [],
                       (400, 501, 505))
        yield Requests("old-kept", post("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n",
                                        CHUNKS + SMUGGLED, version), [], (400, 501, 505))
        yield Requests("old-both", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                        "0\r\n\r\n" + SMUGGLED, version), [], (400, 501, 505))


# --- the chunked coding (RFC 9112, 7.1) -------------------------------------------------------------------------------------------


def chunk_sizes():
    for text in ("5", "05", "0005", "000000000000005"):
        yield Requests("good-" + text, chunked("%s\r\nhello\r\n0\r\n\r\n" % text), [("POST /p", "hello")])
    for text in ("0", "00", "000", "0000000000000000"):
        yield Requests("last-" + text, chunked("5\r\nhello\r\n%s\r\n\r\n%s" % (text, NEXT)),
                       [("POST /p", "hello"), "GET /next"])
    for text in ("", "0x5", "0X5", "x5", "+5", "-5", "-0", "5.", "5.0", "5_0", "5h", "g", "0g", "5 5", "5 ", " 5",
                 "\t5", "5\t", "5\v", "\v5", "5\0", "\x005",
                 "5\xa0", "\xef\xbc\x95", "five", "0b5x", "'5'", '"5"', "5,", ",5", "5:", "5=", "(5)", "INVALID!!!",
                 "5\\", "#5", "$5", "%35", "5/"):
        yield Requests("bad-" + text.encode("latin-1").hex(), chunked("%s\r\nhello\r\n0\r\n\r\n" % text + SMUGGLED),
                       [], BAD)
    for text in ("10000000000000005", "100000005" + "0" * 8, "8000000000000000", "7FFFFFFFFFFFFFFF",
                 "FFFFFFFFFFFFFFFF", "FFFFFFFFFFFFFFFFF", "1" + "0" * 31 + "5",
                 "00000000000000005", "0" * 1000 + "5", "FFFFFFFFFFFFFFFB", "1000000000000"):
        yield Requests("over-%s-%d" % (text[:20], len(text)), chunked("%s\r\nhello\r\n0\r\n\r\n" % text + SMUGGLED),
                       [], (400, 413))
    for byte in EVERY_BYTE:
        if chr(byte) in "0123456789abcdefABCDEF;\r":
            continue
        yield Requests("behind-%02x" % byte, chunked("5%c\r\nhello\r\n0\r\n\r\n" % byte + SMUGGLED), [], BAD)
        yield Requests("before-%02x" % byte, chunked("%c5\r\nhello\r\n0\r\n\r\n" % byte + SMUGGLED), [], BAD)


def chunk_extensions():
    for name, text in (("name", "a"), ("value", "a=b"), ("two", "a;b=c"), ("quoted", 'a="b c"'),
                       ("escaped", 'a="\\"\\\\"'), ("semicolon-quoted", 'a="b;c"'),
                       ("empty-quoted", 'a=""')):
        yield Requests(name, chunked("5;%s\r\nhello\r\n0;%s\r\n\r\n%s" % (text, text, NEXT)),
                       [("POST /p", "hello"), "GET /next"])
    for name, text in (("nothing", ""), ("no-name", "=b"), ("no-value", "a="), ("open-quote", 'a="b'),
                       ("quote-in-token", 'a=b"c"'), ("quote-tail", 'a="b"c'),
                       ("crlf-quoted", 'a="\r\n"'), ("lf", "a\nb"), ("cr", "a\rb"), ("cr-cr", "a\r"),
                       ("nul", "a\0"), ("control", "a=\x01"), ("del", "a=\x7f"),
                       ("colon", "a:b"), ("comma", "a,b"), ("at", "a@b"), ("two-equals", "a==b"),
                       ("two-semicolons", ";a"), ("tail-semicolon", "a;"),
                       ("escape-cr", 'a="\\\r"'), ("latin", "\xe9"), ("lf-first", "\n")):
        yield Requests("bad-" + name, chunked("5;%s\r\nhello\r\n0\r\n\r\n%s" % (text, SMUGGLED)), [], BAD)
    for name, text in (("space-before", "5 ;a"), ("space-behind", "5; a"), ("space-around-equals", "5;a = b"),
                       ("tab", "5\t;a")):
        yield Requests(name, chunked("%s\r\nhello\r\n0\r\n\r\n" % text), [], BAD)
    yield Requests("long", chunked("5;%s\r\nhello\r\n0\r\n\r\n" % ("e" * 70000)), [], (400, 413, 431))
    yield Requests("long-value", chunked('5;a="%s"\r\nhello\r\n0\r\n\r\n' % ("e" * 70000)), [], (400, 413, 431))
    yield Requests("many-small", chunked("1;%s\r\nx\r\n" % ("e" * 900) * 90 + "0\r\n\r\n"), [], (400, 413, 431))


def chunk_lines():
    for name, body in (("lf", "5\nhello\r\n0\r\n\r\n"), ("cr", "5\rhello\r\n0\r\n\r\n"),
                       ("cr-x", "5\rXhello\r\n0\r\n\r\n"), ("cr-cr-lf", "5\r\r\nhello\r\n0\r\n\r\n"),
                       ("lf-lf", "5\n\nhello\r\n0\r\n\r\n"),
                       ("cr-cr-semicolon", "5\r\r;a\r\n02\r\n2d\r\n0\r\n\r\n"),
                       ("extension-lf", "2;\nxx\r\n4c\r\n0\r\n\r\n"),
                       ("extension-lf-size", "5;a\nhello\r\n0\r\n\r\n"), ("nothing", "hello\r\n0\r\n\r\n"),
                       ("empty-line", "\r\n5\r\nhello\r\n0\r\n\r\n")):
        yield Requests("size-" + name, chunked(body + SMUGGLED), [], BAD)
    for name, text in (("lf", "\n"), ("cr", "\r"), ("none", ""), ("cr-x", "\rX"), ("x", "XX"), ("more", "!!\r\n"),
                       ("empty-line", "\r\n\r\n"), ("cr-cr-lf", "\r\r\n"), ("nul", "\0\r\n"),
                       ("space", " \r\n")):
        yield Requests("data-" + name, chunked("5\r\nhello%s0\r\n\r\n" % text + SMUGGLED), [], BAD)
    for byte in EVERY_BYTE:
        if byte != 0x0d:
            yield Requests("data-byte-%02x" % byte, chunked("5\r\nhello%c\n0\r\n\r\n" % byte + SMUGGLED), [], BAD)
        if byte != 0x0a:
            yield Requests("data-cr-byte-%02x" % byte, chunked("5\r\nhello\r%c0\r\n\r\n" % byte + SMUGGLED), [],
                           BAD)
            yield Requests("end-cr-byte-%02x" % byte, chunked("5\r\nhello\r\n0\r\n\r%c" % byte + SMUGGLED), [], BAD)
    for name, end in (("lf", "0\r\n\n"), ("lf-lf", "0\n\n"), ("cr-x", "0\r\n\rX"), ("lf-only", "0\n\r\n"),
                      ("minus", "-0\r\n\r\n"), ("cr-cr", "0\r\r\n\r\n")):
        yield Requests("end-" + name, chunked("5\r\nhello\r\n" + end + SMUGGLED), [], BAD)


def trailers():
    for name, text in (("one", "X-Sum: 1\r\n"), ("empty-value", "X-Sum:\r\n"), ("two", "X-A: 1\r\nX-B: 2\r\n"),
                       ("length", "Content-Length: 99\r\n"),
                       ("coding", "Transfer-Encoding: chunked\r\n"), ("host", "Host: evil.example\r\n"),
                       ("authorization", "Authorization: Basic eDp5\r\n"),
                       ("connection", "Connection: close\r\n"), ("type", "Content-Type: text/evil\r\n"),
                       ("cookie", "Cookie: a=b\r\n"), ("expect", "Expect: x\r\n")):
        yield Requests(name, chunked("5\r\nhello\r\n0\r\n%s\r\n%s" % (text, NEXT)),
                       [("POST /p", "hello"), "GET /next"])
    for name, text in (("no-name", ": 1\r\n"), ("no-colon", "X\r\n"), ("space-before-colon", "X : 1\r\n"),
                       ("folded", "X: a\r\n b\r\n"), ("space-first", " X: a\r\n"), ("lf", "X: a\n"),
                       ("cr", "X: a\rY: b\r\n"), ("nul", "X: \0\r\n"), ("control", "X: \x01\r\n"),
                       ("name-nul", "X\0: 1\r\n"), ("request", SMUGGLED)):
        yield Requests("bad-" + name, chunked("5\r\nhello\r\n0\r\n%s\r\n%s" % (text, SMUGGLED)), [], BAD)
    yield Requests("large", chunked("5\r\nhello\r\n0\r\nX: %s\r\n\r\n" % ("a" * 70000)), [], (400, 413, 431))
    yield Requests("many", chunked("5\r\nhello\r\n0\r\n%s\r\n" % ("X: a\r\n" * 300)), [], (400, 413, 431))


# --- connections (RFC 9110, 7.6, and RFC 9112, 9) -----------------------------------------------------------------------------------


def connections():
    for value in ("close", "Close", "keep-alive, close", "close, keep-alive", "x, close", " close", "close\t",
                  ",close,", "close , x"):
        yield Requests("close-" + value.encode().hex(), get(HOST + "Connection: %s\r\n" % value) + SMUGGLED,
                       ["GET /a"], CLOSE)
    yield Requests("close-in-two-lines", get(HOST + "Connection: x\r\nConnection: close\r\n") + SMUGGLED,
                   ["GET /a"], CLOSE)
    yield Requests("close-with-body", post("Connection: close\r\nContent-Length: 5\r\n", "hello" + SMUGGLED),
                   [("POST /p", "hello")], CLOSE)
    for value in ("keep-alive", "x", "", "closed", "xclose", "host", "Authorization", "Via", "X-Forwarded-For",
                  "Content-Length", "Transfer-Encoding", "Connection"):
        yield Requests("kept-" + value.encode().hex(),
                       get(HOST + "Connection: %s\r\nAuthorization: x\r\n" % value) + NEXT, ["GET /a", "GET /next"])
    yield Requests("coding-nominated", post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
                                            CHUNKS + NEXT), [("POST /p", "hello"), "GET /next"])
    yield Requests("h2c",
                   get(HOST + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n") + NEXT, ["GET /a", "GET /next"])
    yield Requests("websocket-refused",
                   get(HOST + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") + NEXT,
                   ["GET /a", "GET /next"])
    yield Requests("websocket-too-early",
                   get(HOST + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n") + "\x81\x85\x01\x02\x03\x04abcde", ["GET /a"], BAD)
    for value in ("200-ok", "100-continue, x", "y 100-continue", "100-continued", "x", "", "100",
                  "\"100-continue\""):
        yield Requests("expect-" + value.encode().hex(),
                       post("Expect: %s\r\nContent-Length: 5\r\n" % value, "hello" + SMUGGLED), [], (400, 417))
    yield Requests("expect-two", post("Expect: 100-continue\r\nExpect: x\r\nContent-Length: 5\r\n", "hello"), [],
                   (400, 417))
    yield Requests("expect-without-body", get(HOST + "Expect: 100-continue\r\n") + NEXT, ["GET /a", "GET /next"])
    yield Requests("expect-old", post("Expect: x\r\nContent-Length: 5\r\n", "hello", "HTTP/1.0"),
                   [("POST /p", "hello")], CLOSE)


def errors_behind_good_requests():
    """A refusal ends the connection: nothing behind it counts, all before it does."""
    for name, bad in (("line", "GET  /b HTTP/1.1\r\n" + HOST + "\r\n"), ("host", get("X: 1\r\n")),
                      ("both", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", CHUNKS)),
                      ("chunk", chunked("x\r\n")), ("garbage", "\x01\x02\x03\r\n\r\n")):
        yield Requests("after-get-" + name, get(HOST) + bad + SMUGGLED, ["GET /a"], BAD)
        yield Requests("after-post-" + name, post("Content-Length: 5\r\n", "hello") + bad + SMUGGLED,
                       [("POST /p", "hello")], BAD)
        yield Requests("after-chunked-" + name, chunked(CHUNKS) + bad + SMUGGLED, [("POST /p", "hello")], BAD)
        yield Requests("after-five-" + name, get(HOST) * 5 + bad + SMUGGLED, ["GET /a"] * 5, BAD)


ALL = checked([plain, bodies_that_look_like_requests, method_bytes, separator_bytes, versions, line_ends,
               target_bytes, target_forms, name_bytes, value_bytes, folding,
               field_line_ends, counts, hosts, length_values, length_lines, coding_values, coding_lines, both,
               chunk_sizes, chunk_extensions, chunk_lines, trailers,
               connections, errors_behind_good_requests])
