"""Who the process is once it listens, what it gives up, and that everything still works then."""

import os
import re
import signal
import subprocess
import unittest

from harness import Case, Greenway, answering, echo, executable, main, sanitized, wait_for
from patience import PATIENCE
from upstream import idle
from wire import get, ok, post

ROOT = os.geteuid() == 0
NOBODY = 65534
LOW_PORTS = 1 << 10  # CAP_NET_BIND_SERVICE


def low_port():
    """A port below 1024 that nobody uses."""
    import socket
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise unittest.SkipTest("no port below 1024 is free")


class Status:
    """What the kernel says of a process."""

    def __init__(self, pid):
        with open("/proc/%d/status" % pid) as file:
            self.text = file.read()

    def field(self, name):
        return re.search(r"^%s:\s*(.*)$" % name, self.text, re.M).group(1).split()

    def ids(self):
        return {int(one) for one in self.field("Uid") + self.field("Gid")}

    def capabilities(self):
        return int(self.field("CapPrm")[0], 16) | int(self.field("CapEff")[0], 16)


def started(proxy):
    """Once there are workers, all has been given up that is going to be."""
    wait_for(lambda: int(Status(proxy.pid).field("Threads")[0]) > 2, "the workers to start")
    return proxy


class PrivilegesCase(Case):
    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path("logs"))
        os.chmod(self.path("logs"), 0o777)

    def config(self, greenway="", listener="", bind="127.0.0.1:0", app="127.0.0.1:9", extra=""):
        return ("[greenway]\nworkers = 2\nshutdown_grace = 5s\naccess_log = %s/logs/access.log\n%s\n[listener web]\n"
                "bind = %s\nupstream = app\n%s\n[upstream app]\nserver = %s\n%s"
                % (self.folder, greenway, bind, listener, app, extra))

    def start(self, config, *options, user=None, listeners=1):
        """Greenway as whoever runs the tests, without the harness's word on who is to serve."""
        arguments = ["run", *options, "-c", self.write("greenway.ini", config)]
        if user is not None:
            arguments += ["--user", user]
        proxy = started(Greenway(self.folder, arguments, listeners, plain=True))
        proxy.access_path = self.path("logs/access.log")
        self.addCleanup(proxy.stop)
        return proxy

    def refused(self, config, *options, **more):
        """It does not start; what it said."""
        done = subprocess.run([executable(), "run", *options, "-c", self.write("greenway.ini", config)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, **more)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("listening", done.stderr)
        return done.stderr

    def app(self):
        return self.upstream(answering(lambda request: ok(b"hello")))


@unittest.skipUnless(ROOT, "only root can give something up")
class Root(PrivilegesCase):
    def test_root_has_to_say_who(self):
        said = self.refused(self.config())
        self.assertIn("user = NAME", said)
        self.assertIn("user = root", said)

    def test_becomes_a_user(self):
        proxy = self.start(self.config("user = nobody", app=self.app().server))
        self.assertEqual(proxy.exchange(get("/")).body, b"hello")
        status = Status(proxy.pid)
        self.assertEqual(status.ids(), {NOBODY})
        self.assertNotIn("0", status.field("Groups"))
        self.assertEqual(status.capabilities(), 0)
        self.assertEqual(int(status.field("CapBnd")[0], 16), 0)
        self.assertEqual(status.field("NoNewPrivs"), ["1"])
        for task in os.listdir("/proc/%d/task" % proxy.pid):
            with open("/proc/%d/task/%s/status" % (proxy.pid, task)) as file:
                self.assertRegex(file.read(), r"Uid:\s*65534\s+65534\s+65534\s+65534")

    def test_by_number(self):
        proxy = self.start(self.config("user = 54321\ngroup = 54322", app=self.app().server))
        self.assertEqual(proxy.exchange(get("/")).body, b"hello")
        status = Status(proxy.pid)
        self.assertEqual(status.field("Uid"), ["54321"] * 4)
        self.assertEqual(status.field("Gid"), ["54322"] * 4)
        self.assertEqual(status.field("Groups"), ["54322"])

    def test_command_line_has_the_last_word(self):
        proxy = self.start(self.config("user = daemon"), user="nobody")
        self.assertEqual(Status(proxy.pid).ids(), {NOBODY})

    def test_without_a_file(self):
        proxy = started(Greenway(self.folder, ["reverse", "127.0.0.1:0", self.app().server], plain=True))
        self.addCleanup(proxy.stop)
        self.assertEqual(proxy.exchange(get("/")).body, b"hello")
        self.assertEqual(Status(proxy.pid).ids(), {NOBODY})

    def test_stays_root_if_told(self):
        proxy = self.start(self.config("user = root", app=self.app().server))
        self.assertEqual(Status(proxy.pid).ids(), {0})
        self.assertEqual(proxy.exchange(get("/")).body, b"hello")

    def test_low_port(self):
        """Bound before the user changes; the one capability stays so that a reload can do the same."""
        for keys, kept in (("", LOW_PORTS), ("low_ports = off", 0)):
            with self.subTest(keys=keys):
                port = low_port()
                proxy = self.start(self.config("user = nobody\n" + keys, bind="127.0.0.1:%d" % port, app=self.app().server))
                self.assertEqual(proxy.exchange(get("/")).body, b"hello")
                status = Status(proxy.pid)
                self.assertEqual(status.capabilities(), kept)
                self.assertEqual(int(status.field("CapBnd")[0], 16), kept)
                proxy.stop()

    def test_low_ports_on_without_one(self):
        proxy = self.start(self.config("user = nobody\nlow_ports = on"))
        self.assertEqual(Status(proxy.pid).capabilities(), LOW_PORTS)

    def test_logs_belong_to_the_user(self):
        proxy = self.start(self.config("user = nobody", app=self.app().server))
        proxy.exchange(get("/"))
        proxy.access_log(1)
        self.assertEqual(os.stat(proxy.access_path).st_uid, NOBODY)
        os.rename(proxy.access_path, proxy.access_path + ".1")
        proxy.signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(proxy.access_path), "the log to be opened again")
        self.assertEqual(os.stat(proxy.access_path).st_uid, NOBODY)

    def test_users_that_are_none(self):
        for keys, word in (("user = no-such-user-here", "no-such-user-here"), ("user = 54321", "group"),
                           ("user = nobody\ngroup = no-such-group", "no-such-group")):
            with self.subTest(keys=keys):
                said = self.refused(self.config(keys))
                self.assertIn(word, said)
                self.assertIn("greenway.ini:", said)
        self.assertIn("no-such", self.refused(self.config(), "--user", "no-such"))

    def test_core_dumps(self):
        """The files of a process that cannot be dumped belong to root, whoever it runs as."""
        for keys, owner in (("", 0), ("core_dumps = on", NOBODY)):
            with self.subTest(keys=keys):
                if sanitized() and not keys:
                    continue  # the leak checker has to look in
                proxy = self.start(self.config("user = nobody\n" + keys))
                self.assertEqual(os.stat("/proc/%d/fd" % proxy.pid).st_uid, owner)
                proxy.stop()


class Anybody(PrivilegesCase):
    """Without being root."""

    def setUp(self):
        super().setUp()
        self.options = {"user": "nobody", "group": "nogroup", "extra_groups": []} if ROOT else {}
        os.chmod(self.folder, 0o777)

    def test_needs_no_key(self):
        arguments = ["run", "-c", self.write("greenway.ini", self.config(app=self.app().server))]
        proxy = started(Greenway(self.folder, arguments, plain=True, **self.options))
        self.addCleanup(proxy.stop)
        self.assertEqual(proxy.exchange(get("/")).body, b"hello")
        self.assertEqual(Status(proxy.pid).capabilities(), 0)
        self.assertEqual(Status(proxy.pid).field("NoNewPrivs"), ["1"])

    def test_cannot_become_somebody_else(self):
        said = self.refused(self.config("user = daemon"), **self.options)
        self.assertIn("only root", said)
        self.assertIn("greenway.ini:", said)


class Sandbox(PrivilegesCase):
    def sandboxed(self, greenway="", listeners=1, **sections):
        proxy = self.start(self.config("sandbox = on\n" + greenway, **sections), user="nobody" if ROOT else None,
                           listeners=listeners)
        wait_for(lambda: any("sandbox: " in line for line in proxy.lines), proxy.stderr)
        return proxy

    def test_it_says_what_is_active(self):
        proxy = self.sandboxed()
        self.assertIn("system calls limited (seccomp)", proxy.stderr())
        self.assertEqual(Status(proxy.pid).field("Seccomp"), ["2"])

    def test_off_and_log(self):
        proxy = self.start(self.config("sandbox = off"), user="root" if ROOT else None)
        self.assertEqual(Status(proxy.pid).field("Seccomp"), ["0"])
        self.assertNotIn("sandbox", proxy.stderr())
        proxy.stop()
        proxy = self.start(self.config("sandbox = log"), user="root" if ROOT else None)
        self.assertEqual(Status(proxy.pid).field("Seccomp"), ["2"])
        self.assertIn("the kernel logs", proxy.stderr())

    def test_proxying_by_name(self):
        """Names are looked up in the hosts file and by name servers, bodies go to disk, logs rotate."""
        app = self.upstream(answering(echo))
        proxy = self.sandboxed(app="localhost:%d" % app.port, greenway="temp_path = %s/logs" % self.folder,
                               listener="request_buffering = on\nbuffer_memory = 1k\nmax_body = 1m\ncompress = gzip")
        for _ in range(3):
            self.assertEqual(proxy.exchange(post("/", b"x" * 300000)).body, b"x" * 300000)
        os.rename(proxy.access_path, proxy.access_path + ".1")
        proxy.signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(proxy.access_path), "the log to be opened again")
        proxy.exchange(get("/again"))
        wait_for(lambda: any('"/again"' in line for line in proxy.access_lines()), "its line in the new one")

    def test_files(self):
        """What is below the root is served, through a link that changes; what is elsewhere does not exist."""
        for release in ("one", "two"):
            os.makedirs(self.path("releases/" + release))
            self.write("releases/%s/index.html" % release, release)
        os.symlink("releases/one", self.path("current"))
        proxy = self.sandboxed(extra="[route files]\nroot = %s\n" % self.path("current"))
        self.assertEqual(proxy.exchange(get("/")).body, b"one")
        os.symlink("releases/two", self.path("next"))
        os.rename(self.path("next"), self.path("current"))
        self.assertEqual(proxy.exchange(get("/")).body, b"two")

    def test_tunnels_and_unix_sockets(self):
        def server(wire, upstream):
            wire.head()
            wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            idle(wire)
        app = self.upstream(server)
        os.mkdir(self.path("sockets"))
        os.chmod(self.path("sockets"), 0o777)
        proxy = self.sandboxed(app=app.server, bind="127.0.0.1:0, unix:%s/sockets/web" % self.folder, listeners=2)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/", extra="Connection: Upgrade\r\nUpgrade: websocket\r\n")).status, 101)
        done = self.curl("--unix-socket", self.path("sockets/web"), "-o", "/dev/null", "-w", "%{http_code}", "-H",
                         "Connection: Upgrade", "-H", "Upgrade: websocket", "--max-time", "1", "http://h/", check=False)
        self.assertEqual(done.stdout, b"101")
        proxy.stop()
        self.assertFalse(os.path.exists(self.path("sockets/web")), "the socket is removed at the end")


if __name__ == "__main__":
    main()
