"""Every n-th allocation fails, under load: requests fail with a word or an end, the process lives and recovers."""

import mmap
import os
import struct
import threading

from harness import Case, answering, echo, http_config, main, sanitized, wait_for
from wire import get, post

FEATURES = ("request_header = set X-Id ${request_id}\nresponse_header = set X-Path ${path}\nrequest_id = on\n"
            "trace_context = generate\nlog_format = {\"agent\": \"${header:User-Agent}\", \"status\": ${status}}\n"
            "compress = gzip\nrequest_buffering = on\nmax_body = 1m\n")


class NoMemory(Case):
    def setUp(self):
        super().setUp()
        if sanitized():
            self.skipTest("a sanitizer has allocators of its own")
        if not os.environ.get("FAIL_ALLOC_LIBRARY"):
            self.skipTest("FAIL_ALLOC_LIBRARY does not name the library to preload")
        with open(self.path("fail"), "wb+") as file:
            file.write(bytes(8))
            file.flush()
            self.shared = mmap.mmap(file.fileno(), 8)

    def every(self, n):
        self.shared[0:4] = struct.pack("I", n)

    def failures(self):
        return struct.unpack("I", self.shared[4:8])[0]

    def start(self, listener):
        os.environ.update(LD_PRELOAD=os.environ["FAIL_ALLOC_LIBRARY"], FAIL_ALLOC=self.path("fail"))
        try:
            return self.greenway(http_config(self.folder, self.upstream(answering(echo)),
                                             listener=listener).replace("log_format = json\n", ""))
        finally:
            del os.environ["LD_PRELOAD"], os.environ["FAIL_ALLOC"]

    def load(self, proxy, seen):
        for number in range(40):
            try:
                with proxy.dial() as wire:
                    for request in (get("/%d" % number, extra="User-Agent: x\r\nAccept-Encoding: gzip\r\n"),
                                    post("/p", b"x" * 20000)):
                        seen.append(wire.exchange(request).status)
            except Exception:  # the connection ended in some way
                seen.append(None)

    def served(self, proxy):
        try:
            return proxy.exchange(post("/", b"x" * 1000)).status == 200
        except Exception:
            return False

    def check(self, listener):
        proxy = self.start(listener)
        self.assertTrue(self.served(proxy))
        for n in (3, 10, 40, 150):
            before, seen = self.failures(), []
            self.every(n)
            threads = [threading.Thread(target=self.load, args=(proxy, seen)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.every(0)
            self.assertLessEqual(set(seen), {200, 500, 502, 503, None})
            self.assertGreater(self.failures(), before)
            self.assertIsNone(proxy.process.poll(), proxy.stderr())
            wait_for(lambda: self.served(proxy), lambda: "an answer; it said:\n" + proxy.stderr())
        for _ in range(20):
            self.assertTrue(self.served(proxy))

    def test_plain(self):
        self.check("")

    def test_with_everything(self):
        self.check(FEATURES)


if __name__ == "__main__":
    main()
