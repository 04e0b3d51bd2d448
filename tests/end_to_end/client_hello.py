"""ClientHellos byte by byte, good ones and hundreds that are not (RFC 5246, RFC 8446), with the alerts that some must get."""

import os
import random
import struct

UNEXPECTED, OVERFLOW, FAILURE, ILLEGAL, DECODE, VERSION, FALLBACK, NO_NAME, NO_PROTOCOL, MISSING = (
    10, 22, 40, 47, 50, 70, 86, 112, 120, 109)

AEAD = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8)
# A point on X25519 and one on P-256 (its generator).
X25519 = bytes(range(1, 33))
P256 = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                     "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")


def vector(width, data):
    return len(data).to_bytes(width, "big") + data


def words(*values):
    return b"".join(struct.pack(">H", value) for value in values)


def extension(kind, data):
    return words(kind) + vector(2, data)


def server_name(name):
    return extension(0, vector(2, b"\0" + vector(2, name)))


def key_shares(*shares):
    return extension(51, vector(2, b"".join(words(group) + vector(2, key) for group, key in shares)))


def extensions(name=b"one.example", **replaced):
    """What a client of today sends, by name; None leaves one out."""
    parts = {
        "name": server_name(name),
        "master": extension(23, b""),
        "renegotiation": extension(0xFF01, b"\0"),
        "groups": extension(10, vector(2, words(29, 23, 24))),
        "points": extension(11, b"\1\0"),
        "alpn": extension(16, vector(2, vector(1, b"http/1.1"))),
        "algorithms": extension(13, vector(2, words(0x0403, 0x0804, 0x0401, 0x0503))),
        "shares": key_shares((29, X25519)),
        "modes": extension(45, b"\1\1"),
        "versions": extension(43, b"\4" + words(0x0304, 0x0303)),
    }
    parts.update(replaced)
    return [part for part in parts.values() if part is not None]


def body(version=0x0303, session=bytes(32), suites=words(*AEAD), methods=b"\0", parts=None, tail=b""):
    """A ClientHello without its head; parts None: no extensions at all."""
    text = words(version) + bytes(range(32)) + vector(1, session) + vector(2, suites) + vector(1, methods)
    return text + (vector(2, b"".join(parts)) if parts is not None else b"") + tail


def message(content, kind=1, length=None):
    return bytes([kind]) + (len(content) if length is None else length).to_bytes(3, "big") + content


def record(content, kind=22, version=0x0301, length=None):
    return bytes([kind]) + words(version, len(content) if length is None else length) + content


def records(content, size):
    return b"".join(record(content[i:i + size]) for i in range(0, len(content), size))


def hello(**options):
    options.setdefault("parts", extensions())
    return record(message(body(**options)))


def old_hello(**options):
    """Of a client that knows nothing of TLS 1.3."""
    return hello(parts=extensions(versions=None, shares=None, modes=None), **options)


def with_(**replaced):
    return hello(parts=extensions(**replaced))


def good():
    """These get an answer: what the others are measured by."""
    yield "as of today", hello()
    yield "TLS 1.2", old_hello()
    yield "a byte in each record", records(message(body(parts=extensions())), 1)
    yield "P-256 with a key", with_(shares=key_shares((23, P256)))
    yield "no key of a group that is known", with_(
        groups=extension(10, vector(2, words(0x6399, 29))), shares=key_shares((0x6399, bytes(1184))))
    yield "names that nobody knows (GREASE)", hello(
        suites=words(0x0A0A, *AEAD, 0xFAFA), parts=[extension(0x1A1A, b""), *extensions(
            groups=extension(10, vector(2, words(0x4A4A, 29))), versions=extension(43, b"\6" + words(0x3A3A, 0x0304, 0x0303)),
            shares=key_shares((0x4A4A, b"\0"), (29, X25519))), extension(0xEAEA, b"\0")])
    yield "15 KiB of padding", hello(parts=[*extensions(), extension(21, bytes(15000))])
    yield "an encrypted hello (ECH, GREASE)", hello(parts=[*extensions(), extension(0xFE0D, b"\0\0\1\0\1\7\0\0" + bytes(300))])


def truncated():
    whole = hello()
    for size in range(1, len(whole)):
        yield "the first %d bytes" % size, whole[:size], ()


def wrong_lengths():
    content = body(parts=extensions())
    for length in (0, 1, len(content) - 1):
        yield "a message that says %d" % length, record(message(content, length=length)), ()
    for length in (len(content) + 1, 0x1FFFF, 0xFFFFFF):
        yield "a message that says %d" % length, record(message(content, length=length)), ()
    whole = message(content)
    for length in (0, 1, 3, 4, 5, len(whole) - 1):
        yield "a record that says %d" % length, record(whole, length=length), ()
    for length in (16384 + 2049, 0x7FFF, 0xFFFF):
        yield "a record that says %d" % length, record(whole, length=length), (OVERFLOW, DECODE)
    for change in (-2, -1, 1, 2, 1000):
        parts = b"".join(extensions())
        yield "extensions of %+d" % change, record(message(
            body(tail=words(len(parts) + change & 0xFFFF) + parts))), (DECODE,)
    for tail in (b"\0", b"\0\0\0", bytes(100)):
        yield "%d bytes behind it" % len(tail), hello(tail=tail), (DECODE,)
    yield "a session of 33", hello(session=bytes(33)), (DECODE, ILLEGAL)
    yield "a session of 255", hello(session=bytes(255)), (DECODE, ILLEGAL)
    yield "half a cipher", hello(suites=words(*AEAD) + b"\x13"), (DECODE, ILLEGAL)
    yield "no ciphers", hello(suites=b""), (DECODE, ILLEGAL)
    yield "no compression", hello(methods=b""), (DECODE, ILLEGAL)
    yield "nothing", record(message(b"")), (DECODE,)
    yield "an empty record", record(b""), ()


def versions():
    for version in (0x0000, 0x0100, 0x0200, 0x0400, 0x0500, 0x7F00, 0xFEFF, 0xFFFF):
        yield "records of %04x" % version, record(message(body(parts=extensions())), version=version), ()
    for version in (0x0002, 0x0200, 0x0300, 0x0301, 0x0302):
        yield "a hello of %04x" % version, old_hello(version=version), (VERSION, FAILURE)
    for content in (b"", b"\0", b"\1\3", b"\3\3\4\3", b"\2\3\4\0", b"\2\3\1", b"\2\3\0", b"\2\3\2", b"\2\x7f\x1c", b"\2\x0a\x0a",
                    b"\4\3\1\3\2"):
        yield "supported_versions %s" % content.hex(), with_(versions=extension(43, content)), (VERSION, DECODE, ILLEGAL)
    yield "a fallback that nobody needs", old_hello(suites=words(*AEAD, 0x5600)), (FALLBACK,)


def ciphers():
    for name, suites in (("unknown", (0x0A0A, 0xFFFE)), ("NULL", (0, 1, 2, 0xC006)), ("export", (3, 6, 8, 0x14)),
                         ("RC4", (4, 5, 0xC007)), ("3DES", (10, 0xC008)), ("anonymous", (0x34, 0xC018, 0xA6)),
                         ("CBC", (0x2F, 0x35, 0xC009, 0xC00A, 0xC023, 0xC024, 0xC027)), ("static RSA", (0x9C, 0x9D)),
                         ("DHE", (0x9E, 0x9F)), ("RSA's", (0xC02F, 0xC030)), ("PSK", (0xA8, 0xAA, 0xD001)),
                         ("signals only", (0x00FF, 0x5600))):
        yield "ciphers: %s" % name, old_hello(suites=words(*suites)), (FAILURE, FALLBACK)
    yield "ciphers of TLS 1.2 in 1.3", hello(suites=words(0xC02B), parts=extensions(versions=extension(43, b"\2\3\4"))), (FAILURE,)
    for methods in (b"\1", b"\x40", b"\1\2\3"):
        yield "compression %s" % methods.hex(), hello(methods=methods), (DECODE, ILLEGAL)
    yield "compression beside none", hello(methods=b"\0\1"), (ILLEGAL,)


def bad_extensions():
    name = b"one.example"
    for label, content, alerts in (
            ("empty", b"", (DECODE,)), ("an empty list", b"\0\0", (DECODE,)), ("an empty name", vector(2, b"\0\0\0"), (DECODE,)),
            ("cut", vector(2, b"\0" + vector(2, name))[:-1], (DECODE,)), ("too long", vector(2, b"\0" + vector(2, b"a" * 256)), ()),
            ("with a NUL", vector(2, b"\0" + vector(2, b"one\0.example")), ()), ("another kind", vector(2, b"\1" + vector(2, name)), ()),
            ("two", vector(2, 2 * (b"\0" + vector(2, name))), ())):
        yield "name: %s" % label, with_(name=extension(0, content)), alerts
    for unknown in (b"other.example", b"example", b"a.one.example", b"one.example.", b"*", b"\xff\xfe", b"one.example/", b" "):
        yield "name %r" % unknown, hello(parts=extensions(unknown)), (NO_NAME,)
    for label, content, alerts in (("empty", b"", (DECODE,)), ("an empty list", b"\0\0", (DECODE,)), ("an empty name", b"\0\1\0", (DECODE,)),
                                   ("cut", b"\0\5\4h2", (DECODE,)), ("only h2", b"\0\3\2h2", (NO_PROTOCOL,)),
                                   ("almost", vector(2, vector(1, b"HTTP/1.1")), (NO_PROTOCOL,))):
        yield "alpn: %s" % label, with_(alpn=extension(16, content)), alerts
    for label, content in (("empty", b""), ("an empty list", b"\0\0"), ("half", b"\0\3\0\x1d\0"), ("cut", b"\0\4\0\x1d")):
        yield "groups: %s" % label, with_(groups=extension(10, content)), (DECODE, ILLEGAL)
        yield "algorithms: %s" % label, with_(algorithms=extension(13, content)), (DECODE, ILLEGAL)
    yield "groups: unknown", with_(groups=extension(10, vector(2, words(0x0A0A)))), (FAILURE, ILLEGAL, MISSING)
    yield "algorithms: SHA-1", hello(parts=extensions(algorithms=extension(13, vector(2, words(0x0203, 0x0201))))), (FAILURE,)
    yield "algorithms: RSA's", hello(parts=extensions(algorithms=extension(13, vector(2, words(0x0804))))), (FAILURE,)
    yield "points: compressed only", old_points(b"\1\1"), ()
    yield "points: none", old_points(b"\0"), (DECODE, ILLEGAL)
    for label, shares, alerts in (
            ("cut", extension(51, b"\0\x24\0\x1d\0\x20" + X25519[:-1]), (DECODE, ILLEGAL)), ("short", key_shares((29, X25519[:-1])), (ILLEGAL,)),
            ("long", key_shares((29, X25519 + b"\0")), (ILLEGAL,)), ("no key", key_shares((29, b"")), (DECODE, ILLEGAL)),
            ("zero", key_shares((29, bytes(32))), (ILLEGAL, FAILURE, 80)), ("no point", key_shares((23, b"\4" + bytes(64))), (ILLEGAL,)),
            ("compressed", key_shares((23, b"\2" + P256[1:33])), (ILLEGAL,)), ("empty", extension(51, b""), (DECODE, ILLEGAL))):
        yield "key: %s" % label, with_(shares=shares), alerts
    for label, parts in (("groups", {"groups": None}), ("algorithms", {"algorithms": None}), ("keys", {"shares": None})):
        only = extensions(versions=extension(43, b"\2\3\4"), **parts)
        yield "TLS 1.3 without %s" % label, hello(parts=only), (MISSING, FAILURE)
    for label, part in (("name", server_name(name)), ("versions", extension(43, b"\2\3\4")), ("groups", extension(10, b"\0\2\0\x1d")),
                        ("master secret", extension(23, b"")), ("alpn", extension(16, b"\0\3\2h2"))):
        yield "%s twice" % label, hello(parts=[*extensions(), part]), (ILLEGAL, DECODE)
    for content in (b"", b"\1", b"\2\0", b"\1\0", b"\x0c" + bytes(12)):
        yield "renegotiation %s" % content.hex(), old_with(renegotiation=extension(0xFF01, content)), (DECODE, ILLEGAL, FAILURE)
    yield "master secret with bytes", old_with(master=extension(23, b"\0")), (DECODE, ILLEGAL)
    psk = extension(41, vector(2, vector(2, b"ticket") + bytes(4)) + vector(2, vector(1, bytes(32))))
    yield "a key that is not the last", hello(parts=[psk, *extensions()]), (ILLEGAL,)
    yield "a key without its modes", hello(parts=[*extensions(modes=None), psk]), (MISSING, ILLEGAL)
    for size in (1, 5):
        yield "a key cut to %d" % size, hello(parts=[*extensions(), extension(41, psk[4:4 + size])]), (DECODE, ILLEGAL)
    yield "a key with a short seal", hello(parts=[*extensions(), extension(41, psk[4:-1])]), ()
    yield "a key without its seal", hello(parts=[*extensions(), extension(41, vector(2, vector(2, b"t") + bytes(4)) + b"\0\0")]), ()
    for content in (b"", b"\0", b"\2\1"):
        yield "modes %s" % content.hex(), with_(modes=extension(45, content)), (DECODE, ILLEGAL)
    yield "a cookie that nobody gave", hello(parts=[*extensions(), extension(44, vector(2, b"cookie"))]), ()
    yield "an extension that is cut", hello(parts=[*extensions(), words(0x1234, 10) + b"x"]), (DECODE,)
    yield "half a head of an extension", hello(parts=[*extensions(), b"\x12\x34\0"]), (DECODE,)


def old_with(**replaced):
    return hello(parts=extensions(versions=None, shares=None, modes=None, **replaced))


def old_points(content):
    return old_with(points=extension(11, content))


def no_hello():
    whole = message(body(parts=extensions()))
    for kind in (0, 19, 20, 21, 23, 24, 25, 99, 128, 255):
        yield "a record of type %d" % kind, record(whole, kind=kind), ()
    for kind in (0, 2, 3, 4, 5, 8, 11, 12, 13, 14, 15, 16, 20, 21, 22, 24, 67, 254, 255):
        yield "a message of type %d" % kind, record(message(body(parts=extensions()), kind=kind)), (UNEXPECTED,)
    yield "an alert", record(b"\2\x28", kind=21), ()
    yield "a farewell", record(b"\1\0", kind=21), ()
    yield "warnings", record(b"\1\x5a", kind=21) * 200, ()
    yield "change the cipher", record(b"\1", kind=20) * 40, ()
    yield "heartbeats", record(b"\1\x40\0" + bytes(19), kind=24) * 3, ()
    yield "empty records", record(b"") * 3000, ()
    yield "a hello of SSL 2", bytes.fromhex("802e0100020015000000100100800300800700c00600400200800400800000") + bytes(17), ()
    yield "a hello of SSL 2 for TLS", bytes.fromhex("802b01030300120000001000c02b") + words(*AEAD[4:]) + bytes(32), ()
    yield "SSL 2 without end", b"\xff\xff\x01\x00\x02" + bytes(4096), ()
    yield "two hellos", record(whole) + record(whole), ()
    yield "140 KiB of hello", records(message(body(parts=extensions(), tail=bytes(140000))), 16000), ()
    for name, data in (("zeros", bytes(1000)), ("ones", b"\xff" * 1000), ("SMTP", b"EHLO mail.example\r\n"), ("SSH", b"SSH-2.0-x\r\n"),
                       ("IRC", b"NICK x\r\nUSER x x x x\r\n"), ("a proxy's header", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + record(whole)),
                       ("its second version", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + record(whole)),
                       ("memcached", b"stats\r\n"), ("Redis", b"*1\r\n$4\r\nPING\r\n"), ("PostgreSQL", bytes.fromhex("0000000804d2162f")),
                       ("RDP", bytes.fromhex("0300000b06e00000000000")), ("SMB", bytes.fromhex("00000054ff534d42") + bytes(80)),
                       ("a byte", b"\x16"), ("two", b"\x16\x03")):
        yield name, data, ()


def behind_a_hello():
    """What follows the server's part of the handshake."""
    for name, start in (("1.3", hello()), ("1.2", old_hello())):
        for label, data in (("nonsense", b"\x17\3\3\0\x20" + bytes(32)), ("plain text", b"GET / HTTP/1.1\r\n\r\n"),
                            ("a second hello", start), ("a finish in the clear", record(message(bytes(12), kind=20))),
                            ("a key in the clear", record(message(b"\x20" + X25519, kind=16))), ("an alert", record(b"\2\x2a", kind=21)),
                            ("a changed cipher alone", record(b"\1", kind=20) + record(bytes(40))), ("an empty certificate", record(message(b"\0\0\0\0", kind=11))),
                            ("a record without end", b"\x17\3\3\xff\xff" + bytes(20000)), ("renewed keys", record(message(b"\1", kind=24)))):
            yield "%s, then %s" % (name, label), start, data


def mutated(count, seed=1):
    """Good ones with a few bytes changed, dropped, doubled or exchanged."""
    chance = random.Random(seed)
    models = [data for _, data in good()][:2]
    for number in range(count):
        data = bytearray(chance.choice(models))
        for _ in range(chance.choice((1, 1, 2, 5, 20))):
            at = chance.randrange(len(data))
            what = chance.randrange(5)
            if what == 0:
                data[at] ^= 1 << chance.randrange(8)
            elif what == 1:
                data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
            elif what == 2 and len(data) > 10:
                del data[at:at + chance.choice((1, 2, 5))]
            elif what == 3:
                data[at:at] = data[at:at + chance.choice((1, 2, 40))]
            else:
                data[at:at + 4] = os.urandom(4)
        yield "mutation %d" % number, bytes(data), ()


def bad():
    """(What it is, the bytes, the alerts of which it must get one; none: any, or just the end)."""
    for family in (truncated, wrong_lengths, versions, ciphers, bad_extensions, no_hello):
        yield from family()
