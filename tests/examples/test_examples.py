"""The examples as their users see them: started with a free port, talked to over sockets, ended by a signal."""

import http.server
import os
import select
import signal
import socket
import subprocess
import threading
import unittest
import urllib.request

EXAMPLE = os.environ["EXAMPLE"]
PATIENCE = 30


def run(*arguments):
    return subprocess.run([EXAMPLE, *arguments], capture_output=True, text=True, timeout=PATIENCE)


class Server:
    """A server example, on a port of its own choice."""

    def __enter__(self):
        self.process = subprocess.Popen([EXAMPLE, "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:"), line
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.stdout.close()
        if error[0] is None:
            assert status == 0, status

    def dial(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)


class Examples(unittest.TestCase):
    def lines(self, sock):
        stream = sock.makefile("r", encoding="utf-8", newline="\n")
        self.addCleanup(stream.close)
        return stream

    def test_echo_server(self):
        with Server() as server, server.dial() as one, server.dial() as two:
            two.sendall(b"second")
            one.sendall(b"first")
            self.assertEqual(one.recv(100), b"first")
            self.assertEqual(two.recv(100), b"second")
            one.shutdown(socket.SHUT_WR)
            self.assertEqual(one.recv(100), b"")
        self.assertEqual(run("a", "b").returncode, 2)
        self.assertIn("invalid", run("nonsense").stderr.lower())

    def test_chat_server(self):
        with Server() as server, server.dial() as ann, server.dial() as bob:
            hers, his = self.lines(ann), self.lines(bob)
            self.assertEqual(hers.readline(), "your name?\n")
            self.assertEqual(his.readline(), "your name?\n")
            ann.sendall(b"ann\n")
            bob.sendall(b"bob\r\n")
            # Whose name was read last is heard by the other one; then both are members.
            heard, _, _ = select.select([ann, bob], [], [], PATIENCE)
            if ann in heard:
                self.assertEqual(hers.readline(), "bob is here\n")
            else:
                self.assertEqual(his.readline(), "ann is here\n")
            ann.sendall(b"hello\n")
            self.assertEqual(his.readline(), "ann: hello\n")
            bob.sendall(b"hi\n")
            self.assertEqual(hers.readline(), "bob: hi\n")
            bob.shutdown(socket.SHUT_RDWR)
            self.assertEqual(hers.readline(), "bob has left\n")

    def test_pusher(self):
        with Server() as server, server.dial() as news, server.dial() as other:
            base = "http://127.0.0.1:%d" % server.port
            streams = []
            for sock, topic in ((news, "/news"), (other, "/other")):
                sock.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % topic.encode())
                stream = self.lines(sock)
                self.assertEqual(stream.readline(), "HTTP/1.1 200 OK\r\n")
                while stream.readline() != "\r\n":
                    pass
                streams.append(stream)
            count = urllib.request.urlopen(base + "/news", b"one\ntwo", timeout=PATIENCE).read()
            self.assertEqual(count, b"1\n")
            stream = streams[0]
            seen = ""
            while "data: two\n\n" not in seen:
                line = stream.readline()
                self.assertTrue(line)
                seen += line
            self.assertIn("data: one\ndata: two\n\n", seen)
            self.assertEqual(urllib.request.urlopen(base + "/nobody", b"x", timeout=PATIENCE).read(), b"0\n")

    def test_port_scanner(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            result = run("-n", "50", str(max(1, port - 100)), str(min(65535, port + 100)))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("%d open\n" % port, result.stdout)
        result = run(str(port))
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        for arguments in (("0",), ("2", "1"), ("1", "65536"), ("-n", "0"), ("1", "2", "3")):
            self.assertEqual(run(*arguments).returncode, 2)

    def test_url_fetcher(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b"x" * 1000
                self.send_response(404 if self.path == "/missing" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, \
                socket.create_server(("127.0.0.1", 0)) as silent:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                base = "http://127.0.0.1:%d" % server.server_port
                result = run(base + "/a", base + "/missing")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(base + "/a: 200, 1000 bytes", result.stdout)
                self.assertIn(base + "/missing: 404, 1000 bytes", result.stdout)
                slow = "http://127.0.0.1:%d/" % silent.getsockname()[1]
                result = run(slow, base + "/b", "nonsense")
                self.assertEqual(result.returncode, 1)
                self.assertIn(base + "/b: 200", result.stdout)
                self.assertIn(slow + ": not there after 2 s", result.stdout)
                self.assertIn("nonsense: ", result.stdout)
            finally:
                server.shutdown()
                thread.join()
        self.assertEqual(run().returncode, 2)


if __name__ == "__main__":
    unittest.main()
