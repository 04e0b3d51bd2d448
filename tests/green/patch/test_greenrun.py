#!/usr/bin/env python3
"""greenrun with programs that know nothing of it.

    test_greenrun.py GREENRUN LIBRARY ECHO_THREADS [NAME OF A TEST...]
"""

import http.server
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
GREENRUN, LIBRARY, ECHO = sys.argv[1:4]
PATIENCE = 100
CONNECTIONS = 200 if os.environ.get("GREEN_TEST_SANITIZED") else 2000


def run(*arguments, **more):
    return subprocess.run([GREENRUN, "--library=" + LIBRARY] + list(arguments), capture_output=True, text=True,
                          timeout=PATIENCE, **more)


class Options(unittest.TestCase):
    def test_help(self):
        r = run("--help")
        self.assertEqual(r.returncode, 0)
        self.assertIn("--threads", r.stdout)

    def test_mistakes(self):
        for arguments, said in ([["--patch=net,disk", "true"], "'disk'"], [["--what", "true"], "--help"], [[], "which program"]):
            r = run(*arguments)
            self.assertEqual(r.returncode, 2, arguments)
            self.assertIn(said, r.stderr)
        r = subprocess.run([GREENRUN, "--library=/nowhere", "true"], capture_output=True, text=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn("/nowhere", r.stderr)

    def test_every_family(self):
        """Those that the library knows are known here."""
        for family in ("net", "sleep", "dns", "process", "sync", "threads", "file", "stdio", "default", "none"):
            r = run("--patch=" + family, "sh", "-c", "echo $GREEN_PATCH")
            self.assertEqual((r.returncode, r.stdout, r.stderr), (0, family + "\n", ""))

    def test_no_program(self):
        self.assertEqual(run("/nowhere/at-all").returncode, 127)
        self.assertEqual(run("/etc/passwd").returncode, 126)

    def test_status_and_environment(self):
        r = run("--threads", "--patch=net", "sh", "-c", "echo $GREEN_PATCH; exit 7")
        self.assertEqual((r.returncode, r.stdout), (7, "net,threads\n"))

    @unittest.skipUnless(os.path.exists("/sbin/ldconfig"), "no static program at hand")
    def test_static(self):
        r = run("/sbin/ldconfig", "--version")
        self.assertEqual(r.returncode, 1)
        self.assertIn("statically", r.stderr)

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("setcap"), "not root, or no setcap")
    def test_capabilities(self):
        """The dynamic linker ignores what is preloaded then, except for root."""
        with tempfile.TemporaryDirectory(prefix="green-") as folder:
            program = shutil.copy("/bin/true", folder)
            os.chmod(folder, 0o755)
            if subprocess.run(["setcap", "cap_net_raw+ep", program], stderr=subprocess.DEVNULL).returncode != 0:
                self.skipTest("no capabilities on this file system")
            tools = [shutil.copy(path, folder) for path in (GREENRUN, LIBRARY)]  # where anybody may execute them
            r = subprocess.run([tools[0], "--library=" + tools[1], program], capture_output=True, text=True, user="nobody",
                               timeout=PATIENCE)
            self.assertEqual(r.returncode, 1)
            self.assertIn("capabilities", r.stderr)
            self.assertEqual(run(program).returncode, 0)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello from a page\n" * 5000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *what):
        pass


class Programs(unittest.TestCase):
    """They do what they do without it."""

    @unittest.skipUnless(shutil.which("curl"), "no curl")
    def test_curl(self):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                url = "http://localhost:%d/" % server.server_address[1]
                for options in ([], ["--threads"]):  # its resolver is a thread
                    r = run(*options, "curl", "-sS", "--no-progress-meter", "--parallel", url, url)
                    self.assertEqual((r.returncode, r.stderr, len(r.stdout)), (0, "", 2 * 18 * 5000))
            finally:
                server.shutdown()

    def test_shell(self):
        r = run("--threads", "sh", "-c", "seq 1000 | sort -n | tail -1; sleep 0.01; (echo sub); wait")
        self.assertEqual((r.returncode, r.stdout), (0, "1000\nsub\n"))

    def test_threads_of_python(self):
        program = """
import queue, threading, time, subprocess, os, concurrent.futures
local, q, found, ended = threading.local(), queue.Queue(), [], threading.Event()
together, lock = threading.Barrier(50), threading.RLock()
def work(i):
    local.value = i
    together.wait()
    time.sleep(0.01)
    with lock:
        with lock:
            found.append((local.value, threading.get_ident()))
    q.put(i)
threads = [threading.Thread(target=work, args=(i,)) for i in range(50)]
for t in threads: t.start()
for t in threads: t.join()
assert sorted(v for v, _ in found) == list(range(50)) and len({i for _, i in found}) == 50
assert sorted(q.get(timeout=5) for _ in threads) == list(range(50))
assert not ended.wait(0.02)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    assert list(pool.map(lambda n: subprocess.run(["sh", "-c", "exit %d" % n]).returncode, range(8))) == list(range(8))
pid = os.fork()
if pid == 0:
    t = threading.Thread(target=time.sleep, args=(0.01,)); t.start(); t.join(); os._exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
print("threads of the system:", len(os.listdir("/proc/self/task")))
"""
        r = run("--threads", "/usr/bin/python3", "-c", program)
        self.assertEqual((r.stderr, r.returncode), ("", 0))
        self.assertEqual(r.stdout, "threads of the system: 1\n")

    def test_signal_ends_a_call_of_the_main_thread(self):
        program = """
import signal, socket, threading, time, os
def stop(*_): raise SystemExit(9)
signal.signal(signal.SIGTERM, stop)
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print("ready", flush=True)
s.accept()
"""
        process = subprocess.Popen([GREENRUN, "--library=" + LIBRARY, "--threads", "/usr/bin/python3", "-c", program],
                                   stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(process.stdout.readline(), "ready\n")
            end = time.monotonic() + PATIENCE
            while process.poll() is None and time.monotonic() < end:  # it may not have come to accept() yet
                process.terminate()
                time.sleep(0.05)
            self.assertEqual(process.returncode, 9)
        finally:
            process.kill()
            process.communicate()


class Servers(unittest.TestCase):
    """A thread for each connection: one thread of the system serves them all."""

    def serve(self, *command, rounds=3, threads=1):
        """How much memory it has with all connections open, in KiB."""
        wanted = CONNECTIONS + 100
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < wanted:
            self.skipTest("no more than %d descriptors" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        run_by = [GREENRUN, "--library=" + LIBRARY, "--threads"] if threads == 1 else []
        server = subprocess.Popen(run_by + list(command), stdout=subprocess.PIPE, text=True)
        try:
            port = server.stdout.readline().strip()
            client = subprocess.Popen([ECHO, "ask", port, str(CONNECTIONS), str(rounds)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
            try:
                self.assertRegex(client.stdout.readline(), r"^\d+$")
                status = pathlib.Path("/proc/%d/status" % server.pid).read_text()
                self.assertEqual(re.search(r"Threads:\s*(\d+)", status).group(1), str(threads))
                resident = int(re.search(r"VmRSS:\s*(\d+)", status).group(1))
            finally:
                client.communicate("\n", timeout=PATIENCE)
            self.assertEqual(client.returncode, 0)
        finally:
            server.kill()
            server.communicate()
        return resident

    def test_c(self):
        resident = self.serve(ECHO, "serve")
        processes = resource.getrlimit(resource.RLIMIT_NPROC)[0]
        if 0 <= processes < 2 * CONNECTIONS:
            self.skipTest("no more than %d threads, to compare with" % processes)
        native = self.serve(ECHO, "serve", threads=CONNECTIONS + 1)
        print("%d connections: %d kB, with threads %d kB" % (CONNECTIONS, resident, native), file=sys.stderr)
        if os.environ.get("GREEN_TEST_SWITCH") != "ucontext":  # whose contexts take a page more each
            self.assertLess(resident, native)

    def test_python(self):
        self.serve("/usr/bin/python3", str(HERE / "threading_server.py"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[4:])
