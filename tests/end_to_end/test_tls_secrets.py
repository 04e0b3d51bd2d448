"""What a look into the memory of the running process finds of secrets: keys are there as numbers, for they are used, but no
copy of what was read from their files."""

import os
import unittest

from certificates import Authority, secure
from harness import Case, main, sanitized, wait_for
from wire import get


def lines_of_key(path):
    """The middle lines of the private keys in a PEM file."""
    with open(path, "rb") as file:
        text = file.read()
    lines = text[text.index(b"-----BEGIN PRIVATE KEY"):].split(b"\n")
    return [line for line in lines if len(line) >= 24 and not line.startswith(b"-")]


@unittest.skipIf(sanitized(), "sanitizers have terabytes to look through")
class Secrets(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)

    def memory(self, pid):
        """All that the process can write to, piece by piece."""
        with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
            for line in maps:
                place, rights = line.split()[:2]
                if not rights.startswith("rw") or "[v" in line:
                    continue
                begin, end = (int(number, 16) for number in place.split("-"))
                for at in range(begin, end, 1 << 24):
                    try:
                        memory.seek(at)
                        yield memory.read(min(end, at + (1 << 24)) - at)
                    except OSError:
                        pass  # a guard, or it has gone meanwhile

    def found(self, pid, secrets):
        """Those of the secrets that are in its memory."""
        left, seen = set(secrets), set()
        for piece in self.memory(pid):
            seen |= {secret for secret in left if secret in piece}
            left -= seen
        return seen

    def readable(self, pid):
        try:
            next(self.memory(pid))
            return True
        except (PermissionError, StopIteration):
            return False

    def test_no_copies_of_keys(self):
        one, two = self.ca.issue("one.example"), self.ca.issue("one.example", kind="rsa")
        client = self.ca.issue(subject="gateway")
        other = self.ca.issue("two.example", separate=True)
        no_tls = self.upstream(lambda wire, upstream: None)  # closes at once: the certificate for it has been read, and that is all
        proxy = self.proxy(no_tls, listener="certificate = %s, %s\n" % (one, two),
                           upstream="tls = on\ntls_certificate = %s\n" % client, greenway="certificate_watch = 100ms", extra="""
[listener other]
bind = 127.0.0.1:0
certificate = %s
certificate_key = %s.secret
upstream = app
""" % (other, other))
        if not self.readable(proxy.pid):
            self.skipTest("the memory of the process cannot be read by this user")
        secrets = [line for path in (one, two, client, other + ".secret") for line in lines_of_key(path)]
        self.assertGreater(len(secrets), 20)
        self.assertTrue(self.found(proxy.pid, [b"greenway.ini"]), "the memory does not show what must be in it")
        with secure(proxy.dial(), self.ca.client(), "one.example") as wire:
            wire.exchange(get("/", host="one.example"))
        self.assertEqual(self.found(proxy.pid, secrets), set())
        os.utime(one)
        wait_for(lambda: "were read again" in proxy.stderr(), lambda: "the second reading: " + proxy.stderr())
        self.assertEqual(self.found(proxy.pid, secrets), set())


if __name__ == "__main__":
    main()
