"""Starts and stops the greenway under test and watches what it says; the base class of every test here.

GREENWAY names the executable; GREENWAY_TEST_KEEP=1 keeps the folders of the tests, logs included. A test writes a
configuration, gets a running proxy whose ports were chosen by the kernel, and at its end the proxy must stop with
status 0 and without a sanitizer report, whatever the test did to it.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

from nginx import Nginx
from patience import PATIENCE, SCALE, SMALL, settled, wait_for
from upstream import Upstream, answering, echo
from wire import dial

__all__ = ["Case", "Greenway", "PATIENCE", "SCALE", "SMALL", "Upstream", "answering", "echo", "http_config",
           "main", "run_command", "sanitized", "settled", "tcp_config", "wait_for"]

LISTENING = re.compile(r"greenway: listening on (\S+) \((\w+), listener ([\w.-]+)\)")
ALARM = re.compile(r"ERROR: AddressSanitizer|runtime error:|LeakSanitizer|ThreadSanitizer|\bBUG\b|"
                   r"Assertion .* failed")


def executable():
    path = os.environ.get("GREENWAY")
    if not path:
        raise unittest.SkipTest("GREENWAY does not name the executable under test")
    return path


def sanitized():
    """Whether the executable is instrumented: memory bounds mean nothing then."""
    with open(executable(), "rb") as file:
        program = file.read()
        return b"__asan_init" in program or b"__tsan_init" in program


def started_by(arguments):
    """Root has to say who is to serve, and the folders of the tests are root's."""
    if os.geteuid() != 0 or "--user" in arguments or not arguments or arguments[0] not in ("run", "reverse", "tcp", "forward"):
        return arguments
    return [arguments[0], "--user", "root", *arguments[1:]]


def run_command(*arguments, stdin=None, env=None):
    """Runs greenway to its end: (exit status, stdout, stderr)."""
    done = subprocess.run([executable(), *started_by(arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


class Greenway:
    """One running proxy."""

    def __init__(self, folder, arguments, listeners=1, plain=False, **options):
        """`plain`: the arguments as they are, also for root. The options are those of subprocess."""
        self.folder = folder
        self.lines = []
        self.ports = {}
        self.addresses = []
        self.statuses = (0,)  # the exit statuses that are right at the end
        self.access_path = os.path.join(folder, "access.log")
        self.process = subprocess.Popen([executable(), *(arguments if plain else started_by(arguments))], cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
        self.reader = threading.Thread(target=self.read_stderr, daemon=True)
        self.reader.start()
        try:
            wait_for(lambda: len(self.addresses) >= listeners or not self.reader.is_alive(),
                     lambda: "%d listeners; greenway said:\n%s" % (listeners, self.stderr()))
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        if len(self.addresses) < listeners:
            status = self.process.wait(PATIENCE)
            raise AssertionError("greenway ended with %d before it listened:\n%s" % (status, self.stderr()))

    def read_stderr(self):
        with open(os.path.join(self.folder, "stderr.txt"), "ab") as copy:
            for line in self.process.stderr:
                copy.write(line)
                text = line.decode("utf-8", "replace").rstrip("\n")
                self.lines.append(text)
                found = LISTENING.search(text)
                if found:
                    where, _, name = found.groups()
                    self.addresses.append(where)
                    if not where.startswith("unix:"):
                        self.ports.setdefault(name, int(where.rpartition(":")[2]))
        self.process.stderr.close()

    @property
    def port(self):
        return next(iter(self.ports.values()))

    @property
    def pid(self):
        return self.process.pid

    def url(self, path="/"):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def stderr(self):
        return "\n".join(self.lines)

    def dial(self, listener=None, **options):
        return dial(("127.0.0.1", self.ports[listener] if listener else self.port), **options)

    def exchange(self, request, method="GET"):
        """One request on a connection of its own."""
        with self.dial() as wire:
            return wire.exchange(request, method)

    # --- what it shows of itself -----------------------------------------------------------------------------

    def rss(self):
        """Resident bytes of private memory (pages of files that are mapped do not count)."""
        with open("/proc/%d/status" % self.pid) as file:
            return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) * 1024

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.pid) as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def access_lines(self):
        try:
            with open(self.access_path) as file:
                text = file.read()
        except FileNotFoundError:
            return []
        return text.split("\n")[:-1]

    def access_log(self, count):
        """The access log as objects, once it has at least `count` entries."""
        wait_for(lambda: len(self.access_lines()) >= count,
                 lambda: "%d access log lines; there are:\n%s" % (count, "\n".join(self.access_lines())))
        return [json.loads(line) for line in self.access_lines()]

    # --- its end ---------------------------------------------------------------------------------------------

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        """Waits for the exit and returns the status; everything it wrote has been read then."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError("greenway did not end within %.1f s; it said:\n%s" % (seconds, self.stderr()))
        self.reader.join(PATIENCE)
        return status

    def stop(self):
        """Ends the proxy, twice told where the test left something under way, and checks how it went."""
        if self.process.poll() is None:
            self.signal()
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                self.statuses = (0, 1)
                self.signal()
        try:
            seen = self.wait()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        alarms = [line for line in self.lines if ALARM.search(line)]
        if alarms or seen not in self.statuses:
            raise AssertionError("greenway ended with %r (expected one of %r) and said:\n%s"
                                 % (seen, self.statuses, self.stderr()[-20000:]))


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        executable()
        self.folder = tempfile.mkdtemp(prefix="greenway-test-")
        if os.environ.get("GREENWAY_TEST_KEEP") != "1":
            self.addCleanup(shutil.rmtree, self.folder, True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def upstream(self, script=None, **options):
        server = Upstream(script, **options)
        self.addCleanup(server.stop)
        return server

    def nginx(self, server=""):
        folder = tempfile.mkdtemp(prefix="nginx-", dir=self.folder)
        nginx = Nginx(folder, server)
        self.addCleanup(nginx.stop)
        return nginx

    def greenway(self, config=None, arguments=None, listeners=1):
        """Starts the proxy with this configuration; the test's end stops it."""
        if config is not None:
            arguments = ["run", "-c", self.write("greenway.ini", config)]
        proxy = Greenway(self.folder, arguments, listeners)
        self.addCleanup(proxy.stop)
        return proxy

    def proxy(self, *servers, **sections):
        """The usual proxy: one HTTP listener, one upstream of these servers (Upstream, Nginx or "host:port")."""
        return self.greenway(http_config(self.folder, *servers, **sections))

    def tcp_proxy(self, *servers, **sections):
        return self.greenway(tcp_config(self.folder, *servers, **sections))

    def curl(self, *arguments, check=True):
        """Runs the real curl; its output is bytes."""
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", str(int(PATIENCE * 4)), *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True)
        if check and done.returncode != 0:
            self.fail("curl %s: %d %s" % (" ".join(arguments), done.returncode, done.stderr.decode()))
        return done

    def assert_refused(self, wire, statuses):
        """The proxy answers with one of these statuses, says who refused, and ends the connection."""
        answer = wire.final()
        self.assertIn(answer.status, statuses)
        self.assert_own_page(answer)
        self.assertIn("close", answer.tokens("Connection"))
        self.assertEqual(wire.ending()[1], b"")
        return answer

    def assert_own_page(self, answer):
        """An answer that the proxy itself made, by its Proxy-Status (RFC 9209)."""
        status = answer.get("Proxy-Status")
        self.assertIsNotNone(status, "no Proxy-Status: %r" % answer)
        self.assertRegex(status, r"^[!#$%&'*+.^_`|~0-9A-Za-z:/-]+;.*\berror=[a-z_]+")


def server_lines(servers):
    return "".join("server = %s\n" % (server if isinstance(server, str) else server.server) for server in servers)


def config(protocol, folder, servers, greenway, listener, upstream, extra):
    if "shutdown_grace" not in greenway:
        greenway += "\nshutdown_grace = 5s"
    return ("[greenway]\nworkers = 1\naccess_log = %s/access.log\nlog_format = json\n%s\n"
            "[listener web]\nbind = 127.0.0.1:0\nprotocol = %s\n%s%s\n%s\n%s"
            % (folder, greenway, protocol,
               "upstream = app\n" if servers else "", listener,
               "[upstream app]\n%s%s\n" % (server_lines(servers), upstream) if servers else "", extra))


def http_config(folder, *servers, greenway="", listener="", upstream="", extra=""):
    """A configuration with the listener `web` in front of the upstream `app`; each argument adds lines."""
    return config("http", folder, servers, greenway, listener, upstream, extra)


def tcp_config(folder, *servers, greenway="", listener="", upstream="", extra=""):
    return config("tcp", folder, servers, greenway, listener, upstream, extra)


def main():
    unittest.main(verbosity=2, argv=[sys.argv[0]] + sys.argv[1:])
