"""Very many mutated requests and answers through greenway, in little time (see storm.c).

GREENWAY_STORM_REQUESTS says how many, GREENWAY_STORM_SEED which.
"""

import json
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "end_to_end"))
sys.dont_write_bytecode = True

from harness import Case, SMALL, main, sanitized, settled, wait_for

REQUESTS = int(os.environ.get("GREENWAY_STORM_REQUESTS") or (5000 if SMALL else 20000))
SEED = os.environ.get("GREENWAY_STORM_SEED") or "1"
TIMEOUTS = "timeout_head = 5s\ntimeout_body = 5s\ntimeout_linger = 2s\n"


class Storm(Case):
    def test_storm(self):
        storm = subprocess.Popen([os.environ["GREENWAY_STORM"], str(REQUESTS), SEED], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(storm.wait)
        self.addCleanup(storm.kill)
        server = "127.0.0.1:" + storm.stdout.readline().strip()
        proxy = self.proxy(server, upstream="timeout_response = 30s\ntimeout_read = 30s",
                           extra="[timeouts]\n" + TIMEOUTS)
        with socket.create_connection(("127.0.0.1", proxy.port)) as sock:  # once it is answered the worker has all it needs
            sock.sendall(b"?\r\n\r\n")
            self.assertTrue(sock.recv(100))
        fds, memory = settled(proxy.fds), proxy.rss()
        told, _ = storm.communicate("%d\n" % proxy.port)
        self.assertEqual(storm.returncode, 0, "the storm found something: see above")
        seen = json.loads(told)
        print(seen, "resident: %d KiB more" % ((proxy.rss() - memory) // 1024))
        self.assertGreaterEqual(seen["requests"], REQUESTS)
        for what in ("at_the_server", "answered", "refused", "mutated_answers"):
            self.assertGreater(seen[what], REQUESTS // 100, what)
        wait_for(lambda: proxy.fds() <= fds, lambda: "%d descriptors to be closed" % (proxy.fds() - fds))
        if not sanitized():
            self.assertLess(proxy.rss() - memory, 32 << 20)


if __name__ == "__main__":
    main()
