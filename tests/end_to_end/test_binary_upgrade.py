"""SIGUSR2: the executable is started again and takes the listening sockets over; nothing is lost, whatever happens."""

import os
import signal
import threading

from harness import Case, Greenway, answering, executable, main, wait_for
from patience import PATIENCE, SMALL
from wire import Truncated, get, ok

ROOT = os.geteuid() == 0
UPGRADES = 3 if SMALL else int(os.environ.get("GREENWAY_TEST_UPGRADES", "5"))


def alive(pid):
    """It runs, and is no zombie of somebody who does not care."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Service:
    """A proxy that is replaced by others: the one that serves is the one in the pid file."""

    def __init__(self, case, config, user=None):
        self.case = case
        arguments = ["run", "-c", case.write("greenway.ini", config)]
        if user:
            arguments += ["--user", user]
        self.first = Greenway(case.folder, arguments, plain=user is not None)
        self.pids = set()
        case.addCleanup(self.end)
        wait_for(self.pid, lambda: "the pid file; it said: " + self.first.stderr())
        self.port = self.first.port

    def pid(self):
        try:
            with open(self.case.path("run/pid")) as file:
                pid = int(file.read() or 0)
        except (FileNotFoundError, ValueError):
            return None
        if pid:
            self.pids.add(pid)
        return pid or None

    def upgrade(self):
        """One upgrade; the pid of the new process."""
        before = self.pid()
        os.kill(before, signal.SIGUSR2)
        wait_for(lambda: self.pid() not in (None, before), lambda: "a new process; they said: " + self.first.stderr())
        return self.pid()

    def said(self, text):
        return sum(text in line for line in self.first.lines)

    def end(self):
        pid = self.pid()
        if pid and alive(pid):
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not any(alive(one) for one in self.pids), "all processes to end")
        self.first.stop()


class UpgradeCase(Case):
    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        for name in ("run", "logs"):
            os.mkdir(self.path(name))
            os.chmod(self.path(name), 0o777)

    def config(self, app, greenway="", listener="", bind="127.0.0.1:0"):
        return ("[greenway]\nworkers = 2\nshutdown_grace = 20s\npid_file = %s/run/pid\naccess_log = %s/logs/access.log\n%s\n"
                "[listener web]\nbind = %s\nupstream = app\n%s\n[upstream app]\nserver = %s\n"
                % (self.folder, self.folder, greenway, bind, listener, app.server))

    def service(self, app=None, **sections):
        return Service(self, self.config(app or self.upstream(answering(lambda request: ok(b"hello"))), **sections))


class Client(threading.Thread):
    """Asks without a pause, on connections that it keeps for as long as it may; whatever goes wrong is kept."""

    def __init__(self, proxy):
        super().__init__(daemon=True)
        self.proxy, self.answers, self.broken, self.over = proxy, 0, [], False
        self.start()

    def run(self):
        while not self.over:
            try:
                with self.proxy.dial() as wire:
                    while not self.over:
                        answer = wire.exchange(get("/"))
                        if answer.status != 200:
                            self.broken.append(answer.status)
                        self.answers += 1
                        if "close" in answer.tokens("Connection"):
                            break
            except (Truncated, OSError) as error:
                self.broken.append(error)


class Upgrades(UpgradeCase):
    def test_under_load_nothing_fails(self):
        service = self.service()
        clients = [Client(service.first) for _ in range(4)]
        pids = [service.pid()]
        for _ in range(UPGRADES):
            served = sum(client.answers for client in clients)
            wait_for(lambda: sum(client.answers for client in clients) > served + 100, "some load")
            pids.append(service.upgrade())
        for pid in pids[:-1]:
            wait_for(lambda: not alive(pid), "the old processes to end")
        for client in clients:
            client.over = True
        for client in clients:
            client.join(PATIENCE)
        self.assertEqual([client.broken for client in clients], [[]] * len(clients))
        self.assertEqual(len(set(pids)), UPGRADES + 1)

    def test_tunnels_outlive_it(self):
        """A tunnel of the old process goes on within its grace, and a request under way is answered."""
        gate = threading.Event()
        self.addCleanup(gate.set)

        def server(wire, upstream):
            request = wire.head()
            if "/slow" in str(request.target):
                gate.wait(120)
                wire.send(ok(b"late"))
                return
            wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            while wire.more():
                wire.send(wire.take(len(wire.buffer)))
        app = self.upstream(server)
        service = self.service(app)
        old = service.pid()
        with service.first.dial() as tunnel, service.first.dial() as slow:
            ask = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            self.assertEqual(tunnel.exchange(get("/ws", extra=ask)).status, 101)
            slow.send(get("/slow"))
            wait_for(lambda: app.connections >= 2, "both at the server")
            service.upgrade()
            tunnel.send(b"still there")
            self.assertEqual(tunnel.exactly(11), b"still there")
            self.assertTrue(alive(old))
            gate.set()
            self.assertEqual(slow.final().body, b"late")
            tunnel.finish()
            self.assertEqual(tunnel.ending()[1], b"")
        wait_for(lambda: not alive(old), "the old process to end")

    def test_what_waits_in_the_queue_is_served(self):
        """The sockets are the same ones: who has connected and was not accepted yet is, by either process."""
        service = self.service()
        wires = [service.first.dial() for _ in range(100)]
        service.upgrade()
        for wire in wires:
            with wire:
                self.assertEqual(wire.exchange(get("/")).status, 200)

    def test_a_unix_socket_stays(self):
        path = self.path("run/web")
        app = self.upstream(answering(lambda request: ok(b"hello")))
        service = Service(self, self.config(app, bind="127.0.0.1:0, unix:" + path))
        old = service.pid()
        service.upgrade()
        wait_for(lambda: not alive(old), "the old process to end")
        done = self.curl("--unix-socket", path, "http://h/")
        self.assertEqual(done.stdout, b"hello")
        service.end()
        self.assertFalse(os.path.exists(path))
        self.assertFalse(os.path.exists(self.path("run/pid")))

    def test_configuration_is_read_anew(self):
        """Fewer workers, another listener: what is new is bound, all sockets of the old ones are accepted on."""
        service = self.service()
        with open(self.path("greenway.ini")) as file:
            text = file.read()
        self.write("greenway.ini", text.replace("workers = 2", "workers = 1") +
                   "[listener more]\nbind = 127.0.0.1:0\nupstream = app\n")
        old = service.pid()
        service.upgrade()
        wait_for(lambda: not alive(old), "the old process to end")
        self.assertEqual(len(service.first.ports), 2)
        for name in ("web", "more"):
            for _ in range(20):
                with service.first.dial(name) as wire:
                    self.assertEqual(wire.exchange(get("/")).status, 200)


class Servers(UpgradeCase):
    """What is known of servers goes on in the new process."""

    def setUp(self):
        super().setUp()
        self.sick, self.checked = set(), []
        self.names = {}
        for name in "ab":
            server = self.upstream(answering(lambda request, name=name: self.respond(name, request)))
            self.names[server.server] = name

    def respond(self, name, request):
        if request.target == "/healthz":
            self.checked.append(name)
        return (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" if name in self.sick else ok(name.encode()))

    def text(self, keys):
        return ("[greenway]\nworkers = 2\npid_file = %s/run/pid\nshutdown_grace = 20s\n[listener web]\nbind = 127.0.0.1:0\n"
                "upstream = app\n[upstream app]\nserver = %s\n%s\n"
                % (self.folder, ", ".join(self.names), keys))

    def seen(self, service, count=20, extra=""):
        answers = [service.first.exchange(get("/", extra=extra)) for _ in range(count)]
        return {answer.body.decode() if answer.status == 200 else answer.status for answer in answers}

    def test_down_and_up_stay_so(self):
        """Nobody is asked anew, though the configuration says that servers begin as down."""
        self.sick = {"a"}
        service = Service(self, self.text("health_check = GET /healthz every=100ms rise=1 fall=2"))
        wait_for(lambda: service.said("is down"), "the check to find out")
        self.write("greenway.ini", self.text("health_check = GET /healthz every=1h rise=1 fall=2 start=down"))
        old = service.pid()
        service.upgrade()
        wait_for(lambda: not alive(old), "the old process to end")
        self.checked.clear()
        self.assertEqual(self.seen(service), {"b"})
        self.assertEqual(self.checked, [])
        self.assertEqual(service.said("is down"), 1)
        self.sick = set()
        self.write("greenway.ini", self.text("health_check = GET /healthz every=100ms rise=1 fall=2"))
        service.upgrade()
        wait_for(lambda: self.seen(service, 4) == {"a", "b"}, "it to be up again")

    def test_without_checks_nobody_is_down(self):
        self.sick = {"a"}
        service = Service(self, self.text("health_check = GET /healthz every=100ms rise=1 fall=2"))
        wait_for(lambda: service.said("is down"), "the check to find out")
        self.sick = set()
        self.write("greenway.ini", self.text(""))
        old = service.pid()
        service.upgrade()
        wait_for(lambda: not alive(old), "the old process to end")
        self.assertEqual(self.seen(service), {"a", "b"})

    def test_ejected_stay_so(self):
        self.sick = {"a"}
        service = Service(self, self.text("eject_after = 2\neject_time = 1h\neject_time_max = 2h\nretries = 0"))
        wait_for(lambda: 503 not in self.seen(service, 4) or None, "it to be ejected")
        self.sick = set()
        for _ in range(2):
            old = service.pid()
            service.upgrade()
            wait_for(lambda: not alive(old), "the old process to end")
            self.assertEqual(self.seen(service), {"b"})

    def test_clients_stay_where_they_are(self):
        service = Service(self, self.text("sticky = cookie route"))
        first = service.first.exchange(get("/"))
        extra = "Cookie: %s\r\n" % first.get("Set-Cookie").split(";")[0]
        old = service.pid()
        service.upgrade()
        wait_for(lambda: not alive(old), "the old process to end")
        self.assertEqual(self.seen(service, extra=extra), {first.body.decode()})


class Failures(UpgradeCase):
    def unharmed(self, service, text):
        """The old process says why it goes on, and does."""
        before = service.pid()
        wait_for(lambda: service.said(text), lambda: "%r; it said: %s" % (text, service.first.stderr()))
        self.assertEqual(service.pid(), before)
        self.assertEqual(service.first.exchange(get("/")).status, 200)

    def test_bad_configuration(self):
        service = self.service()
        with open(self.path("greenway.ini")) as file:
            text = file.read()
        self.write("greenway.ini", text + "[nonsense]\n")
        os.kill(service.pid(), signal.SIGUSR2)
        self.unharmed(service, "this process goes on")
        self.assertTrue(service.said("nonsense"), "what is wrong is said")
        self.write("greenway.ini", text)
        service.upgrade()
        self.assertEqual(service.first.exchange(get("/")).status, 200)

    def program(self, text):
        """The executable's place, with something else in it."""
        path = self.path("next")
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)
        os.rename(path, self.path("greenway"))

    def hanging(self):
        """The pid of the program that does nothing, once it runs."""
        try:
            with open(self.path("hanging")) as file:
                return int(file.read() or 0)
        except FileNotFoundError:
            return None

    def replaced(self, greenway=""):
        """A service that was started from a link, so that it can be another program the next time."""
        os.symlink(executable(), self.path("greenway"))
        app = self.upstream(answering(lambda request: ok(b"hello")))
        return Linked(self, self.config(app, greenway), self.path("greenway"))

    def test_executables_that_are_none(self):
        service = self.replaced()
        for number, text in enumerate(("#!/bin/sh\nexit 3\n", "no program\n", "#!/no/such/interpreter\n"), 1):
            self.program(text)
            os.kill(service.pid(), signal.SIGUSR2)
            wait_for(lambda: service.said("this process goes on") == number,
                     lambda: "it to go on; it said: " + service.first.stderr())
            self.unharmed(service, "this process goes on")
        os.unlink(self.path("greenway"))
        os.kill(service.pid(), signal.SIGUSR2)
        wait_for(lambda: service.said("this process goes on") == 4, "it to go on without any program")
        os.symlink(executable(), self.path("greenway"))
        service.upgrade()

    def test_one_that_hangs(self):
        """It is given up, and ended; meanwhile another upgrade is refused."""
        service = self.replaced("upgrade_timeout = 2s")
        self.program("#!/bin/sh\necho $$ >%s\nexec sleep 1000\n" % self.path("hanging"))
        os.kill(service.pid(), signal.SIGUSR2)
        pid = wait_for(self.hanging, "the program to run")
        os.kill(service.pid(), signal.SIGUSR2)
        wait_for(lambda: service.said("another upgrade is under way"), "the second to be refused")
        self.unharmed(service, "upgrade_timeout")
        wait_for(lambda: not alive(pid), "the program to be ended")

    def test_told_to_end_meanwhile(self):
        service = self.replaced("upgrade_timeout = 5m")
        self.program("#!/bin/sh\necho $$ >%s\nexec sleep 1000\n" % self.path("hanging"))
        old = service.pid()
        os.kill(old, signal.SIGUSR2)
        pid = wait_for(self.hanging, "the program to run")
        os.kill(old, signal.SIGTERM)
        wait_for(lambda: not alive(old) and not alive(pid), "both to end")

    def test_while_draining(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def server(wire, upstream):
            wire.request()
            gate.wait(120)
            wire.send(ok(b"late"))
        app = self.upstream(server)
        service = self.service(app)
        old = service.pid()
        with service.first.dial() as wire:
            wire.send(get("/"))
            wait_for(lambda: app.live, "the request at the server")
            os.kill(old, signal.SIGTERM)
            wait_for(lambda: service.said("draining"), "the drain")
            os.kill(old, signal.SIGUSR2)
            wait_for(lambda: service.said("is ending"), "the refusal")
            gate.set()
            self.assertEqual(wire.final().body, b"late")
        wait_for(lambda: not alive(old), "the end")

    def test_descriptor_that_is_none(self):
        """The variable of upgrades, set by somebody else, does no harm."""
        proxy = self.greenway(self.config(self.upstream(answering(lambda request: ok(b"hello")))))
        self.assertEqual(proxy.exchange(get("/")).status, 200)
        for value in ("0", "99", "-1", "x", ""):
            other = Greenway(self.folder, ["run", "-c", self.path("greenway.ini")],
                             env=dict(os.environ, GREENWAY_SUCCEEDS=value))
            self.addCleanup(other.stop)
            self.assertEqual(other.exchange(get("/")).status, 200)


class Linked(Service):
    """A service whose executable is a name in the test's folder."""

    def __init__(self, case, config, program):
        os.environ["GREENWAY"], kept = program, os.environ["GREENWAY"]
        try:
            super().__init__(case, config)
        finally:
            os.environ["GREENWAY"] = kept


class Privileged(UpgradeCase):
    def test_privileges_are_those_of_the_first(self):
        """Started by root, the new process becomes the same user, as sandboxed as the old one."""
        if not ROOT:
            self.skipTest("only root can become somebody")
        app = self.upstream(answering(lambda request: ok(b"hello")))
        service = Service(self, self.config(app, greenway="sandbox = on"), user="nobody")
        for _ in range(2):
            pid = service.upgrade()
            with open("/proc/%d/status" % pid) as file:
                status = file.read()
            for line in ("Uid:\t65534\t65534\t65534\t65534", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
                self.assertIn(line, status)
            self.assertEqual(service.first.exchange(get("/")).body, b"hello")

    def test_only_with_a_file(self):
        proxy = Greenway(self.folder, ["reverse", "127.0.0.1:0", self.upstream().server])
        self.addCleanup(proxy.stop)
        with open("/proc/%d/status" % proxy.pid) as file:
            caught = next(line for line in file if line.startswith("SigCgt")).split()[1]
        self.assertEqual(int(caught, 16) >> (signal.SIGUSR2 - 1) & 1, 0)


if __name__ == "__main__":
    main()
