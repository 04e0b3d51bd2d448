"""One GiB in each direction through curl and nginx: the bytes are the same and the memory stays flat."""

import hashlib
import os
import random
import subprocess
import threading

from harness import SMALL, Case, main, sanitized
from patience import PATIENCE
from wire import get

MEBIBYTE = 1024 * 1024
SIZE = (128 if SMALL else 1024) * MEBIBYTE
BOUND = 4 * MEBIBYTE


def checksum(read):
    state = hashlib.sha1()
    while True:
        block = read(MEBIBYTE)
        if not block:
            return state.hexdigest()
        state.update(block)


def fill(path, size):
    """A file whose blocks are all different; returns its checksum."""
    state = hashlib.sha1()
    block = bytearray(random.Random(size).randbytes(MEBIBYTE))
    with open(path, "wb") as file:
        for number in range(size // MEBIBYTE):
            block[:8] = number.to_bytes(8, "big")
            block[500000:500008] = (number * 7919).to_bytes(8, "big")
            state.update(block)
            file.write(block)
    return state.hexdigest()


class Large(Case):
    def setUp(self):
        super().setUp()
        self.server = self.nginx("dav_methods PUT; client_max_body_size 0; client_body_buffer_size 1m;")

    def curl_checksum(self, *arguments):
        """The checksum of what curl receives, without keeping it."""
        curl = subprocess.Popen(["curl", "-sS", "-f", "--noproxy", "*", "--max-time", str(int(PATIENCE * 10)),
                                 *arguments], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        try:
            found = checksum(curl.stdout.read)
        finally:
            curl.stdout.close()
            self.assertEqual(curl.wait(), 0)
        return found

    def flat(self, proxy, before):
        if not sanitized():
            self.assertLess(proxy.rss() - before, BOUND, "memory grows with the body")

    def test_download(self):
        expected = fill(self.server.www + "/file", SIZE)
        proxy = self.proxy(self.server)
        before = proxy.rss()
        self.assertEqual(self.curl_checksum(proxy.url("/file")), expected)
        self.flat(proxy, before)
        entry = proxy.access_log(1)[0]
        self.assertEqual(entry["status"], 200)
        self.assertGreaterEqual(entry["bytes_out"], SIZE)

    def upload(self, *extra):
        expected = fill(self.path("file"), SIZE)
        proxy = self.proxy(self.server, extra="[limits]\nmax_body = 0\n[timeouts]\ntimeout_response = 5m\n")
        before = proxy.rss()
        self.curl("-f", "-T", self.path("file"), *extra, proxy.url("/uploaded"))
        with open(self.server.www + "/uploaded", "rb") as file:
            self.assertEqual(checksum(file.read), expected)
        self.flat(proxy, before)
        self.assertGreaterEqual(proxy.access_log(1)[0]["bytes_in"], SIZE)

    def test_upload(self):
        self.upload()

    def test_upload_chunked(self):
        self.upload("-H", "Transfer-Encoding: chunked")

    def test_both_ways_at_once(self):
        size = SIZE // 4
        down = fill(self.server.www + "/file", size)
        up = fill(self.path("file"), size)
        proxy = self.proxy(self.server, extra="[limits]\nmax_body = 0\n[timeouts]\ntimeout_response = 5m\n")
        failures = []

        def upload(number):
            try:
                self.curl("-f", "-T", self.path("file"), proxy.url("/up%d" % number))
            except BaseException as error:
                failures.append(error)
        uploads = [threading.Thread(target=upload, args=(number,)) for number in range(2)]
        for thread in uploads:
            thread.start()
        for _ in range(2):
            self.assertEqual(self.curl_checksum(proxy.url("/file")), down)
        for thread in uploads:
            thread.join()
        self.assertEqual(failures, [])
        for number in range(2):
            with open(self.server.www + "/up%d" % number, "rb") as file:
                self.assertEqual(checksum(file.read), up)

    def test_ranges_and_conditions_pass(self):
        expected = os.urandom(MEBIBYTE)
        with open(self.server.www + "/part", "wb") as file:
            file.write(expected)
        proxy = self.proxy(self.server)
        part = self.curl("-r", "1000-200999", proxy.url("/part"))
        self.assertTrue(part.stdout == expected[1000:201000])
        whole = proxy.exchange(get("/part"))
        self.assertTrue(whole.body == expected)
        same = proxy.exchange(get("/part", extra="If-None-Match: %s\r\n" % whole.get("ETag")))
        self.assertEqual((same.status, same.body), (304, b""))


if __name__ == "__main__":
    main()
