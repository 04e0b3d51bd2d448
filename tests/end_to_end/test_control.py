"""The control socket: every command in both forms, orders that act, hostile and clumsy clients, `greenway ctl`."""

import grp
import json
import os
import signal
import socket
import stat
import subprocess
import threading

from control_client import Controlled, Refused, dial_control
from harness import PATIENCE, Case, answering, executable, main, run_command, tcp_config, wait_for
from test_upgrade import ASK, switching
from wire import dial, get, ok


class ControlCase(Controlled, Case):
    def setUp(self):
        super().setUp()
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)

    def respond(self, request):
        if request.target.startswith("/held"):
            self.gate.wait(120)
        return ok(b"x" * 1000)

    def start(self, *servers, **sections):
        self.app = self.upstream(answering(self.respond))
        sections["greenway"] = self.control_key() + "\n" + sections.get("greenway", "")
        self.gateway = self.proxy(*(servers or (self.app,)), **sections)
        self.control = self.dial_control()
        return self.gateway


class Commands(ControlCase):
    def test_every_command_answers_in_both_forms(self):
        proxy = self.start()
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/")).status, 200)
            names = [row["command"].partition("[")[0].strip() for row in self.control.json("help")["commands"]]
            self.assertIn("status", names)
            plain = [name for name in names if name == name.lower() and name not in ("trace", "upgrade")]
            self.assertGreater(len(plain), 8)
            for name in plain:
                answer = self.control.json(name)
                self.assertIsInstance(answer, dict, name)
                text = self.control.text(name)
                self.assertTrue(text and all(text), (name, text))
                for key, value in answer.items():
                    if isinstance(value, list) and value and isinstance(value[0], dict):
                        header = [line for line in text if line.split() and set(line.split()) <= set(value[0])]
                        self.assertTrue(header, (name, key, text))

    def test_every_command_has_its_place_in_the_manual(self):
        self.start()
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/control.md")) as file:
            headings = [line[4:].strip() for line in file if line.startswith("### ")]
        self.assertEqual(sorted(headings), sorted(row["command"] for row in self.control.json("help")["commands"]))

    def test_status(self):
        proxy = self.start()
        with proxy.dial() as wire:
            wire.exchange(get("/"))
            status = self.control.json("status")
            self.assertEqual(status["pid"], proxy.pid)
            self.assertEqual(status["state"], "running")
            self.assertEqual(status["connections"], 1)
            self.assertEqual(status["file"], self.path("greenway.ini"))
            self.assertGreaterEqual(status["uptime_s"], 0)
            self.assertLess(status["descriptors"], status["max_descriptors"])
            worker, = status["workers"]
            self.assertEqual((worker["worker"], worker["state"], worker["connections"]), (0, "running", 1))
            self.assertGreaterEqual(worker["greenlets"], 2)

    def test_listeners_and_upstreams(self):
        proxy = self.start(extra="[upstream other]\nserver = 127.0.0.1:1\n[route r]\npath = /other/*\nupstream = other\n")
        with proxy.dial() as wire:
            wire.exchange(get("/"))
            wire.exchange(get("/other/"))
            listener, = self.control.json("listeners")["listeners"]
            self.assertEqual((listener["listener"], listener["protocol"], listener["connections"]), ("web", "http", 1))
            self.assertEqual(listener["addresses"], "127.0.0.1:%d" % proxy.port)
            app, other = self.control.json("upstreams")["upstreams"]
            self.assertEqual((app["upstream"], app["requests"], app["failures"], app["idle"]), ("app", 1, 0, 1))
            self.assertEqual((other["upstream"], other["requests"], other["failures"]), ("other", 0, 1))
            server, = self.control.json("servers app")["servers"]
            self.assertEqual((server["server"], server["state"], server["weight"]), (self.app.server, "enabled", 1))
            self.assertEqual(len(self.control.json("servers")["servers"]), 2)

    def test_refusals_name_what_is_wrong(self):
        self.start()
        for command, says in (("nonsense", "no command 'nonsense'"), ("statu", "did you mean 'status'"),
                              ("status now", "status takes nothing"), ("drain app", "drain takes UPSTREAM SERVER"),
                              ("drain nowhere x", "no upstream 'nowhere'"), ("drain app x", "no server 'x'"),
                              ("weight app %s 0" % self.app.server, "from 1 to 256"),
                              ("weight app %s 99999999999999999999999" % self.app.server, "from 1 to 256"),
                              ("weight app %s 1.5" % self.app.server, "from 1 to 256"),
                              ("servers nowhere", "no upstream 'nowhere'"), ("connections kill me", "no connection's number"),
                              ("connections kill 0", "no connection's number"), ("connections kill 99999", "no connection 99999"),
                              ("connections limit=0", "from 1 to"), ("connections client=1.2.3.4.5", "client"),
                              ("connections colour=red", "listener=NAME"), ("sessions", "half a command: there is 'sessions top'"), ("log", "'log level'"),
                              ("sessions top by=colour", "by=bytes"), ("log level loud", "error, warning, notice and info"),
                              ("greenlets green", "stacks"), ("reload now", "--dry-run"), ("upgrade now", "nothing behind it"),
                              ("status" + " x" * 20, "too many words"), ("sta\x01tus", "control characters")):
            for ask in (self.control.text, self.control.json):
                with self.assertRaises(Refused) as refusal:
                    ask(command)
                if "client=" not in command:
                    self.assertIn(says, str(refusal.exception))
        self.assertEqual(self.control.json("status")["state"], "running")

    def test_greenlets(self):
        self.start()
        lines = self.control.json("greenlets")["lines"]
        self.assertGreaterEqual(sum(line.startswith("thread ") for line in lines), 2)
        self.assertTrue(any('"accept" waits for readable descriptor' in line for line in lines), lines)
        self.assertGreater(len(self.control.text("greenlets stacks")), len(lines))

    def test_log_level(self):
        proxy = self.start()
        self.assertEqual(self.control.json("log level"), {"level": "info"})
        self.assertEqual(self.control.json("log level error"), {"level": "error"})
        self.assertEqual(self.control.text("log level"), ["level: error"])
        proxy.signal()
        self.assertEqual(proxy.wait(), 0)
        self.assertNotIn("draining", proxy.stderr())

    def test_reopen(self):
        proxy = self.start()
        proxy.exchange(get("/1"))
        proxy.access_log(1)
        os.rename(proxy.access_path, proxy.access_path + ".1")
        self.control.json("logs reopen")
        proxy.exchange(get("/2"))
        self.assertEqual([entry["path"] if "path" in entry else entry["target"] for entry in proxy.access_log(1)], ["/2"])


class Connections(ControlCase):
    def list(self, options=""):
        return self.control.json("connections " + options)["connections"]

    def only(self, state):
        rows = wait_for(lambda: [row for row in self.list() if row["state"] == state],
                        lambda: "a connection that is %s; there are %r" % (state, self.list()))
        self.assertEqual(len(rows), 1)
        return rows[0]

    def test_states(self):
        proxy = self.start()
        with proxy.dial() as idle, proxy.dial() as reading, proxy.dial() as waiting:
            self.assertEqual(idle.exchange(get("/idle")).status, 200)
            reading.send("GET /half HTTP/1.1\r\n")
            waiting.send(get("/held/path?q=1", host="held.example"))
            self.app.wait_requests(2)
            row = self.only("idle")
            self.assertEqual((row["requests"], row["bytes_out"], row["listener"]), (1, 1000, "web"))
            self.assertEqual((row["method"], row["upstream"]), (None, None))
            row = self.only("reading")
            self.assertEqual(row["client"], "127.0.0.1:%d" % reading.sock.getsockname()[1])
            row = self.only("waiting")
            self.assertEqual((row["method"], row["host"], row["path"]), ("GET", "held.example", "/held/path?q=1"))
            self.assertEqual((row["upstream"], row["server"]), ("app", self.app.server))
            self.assertEqual(len(set(row["id"] for row in self.list())), 3)

    def test_tunnel_and_its_bytes(self):
        self.app = self.upstream(switching)
        proxy = self.proxy(self.app, greenway=self.control_key())
        self.control = self.dial_control()
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/ws", extra=ASK)).status, 101)
            wire.send(b"y" * 5000)
            wire.exactly(5000)
            row = self.only("tunnel")
            self.assertEqual((row["path"], row["bytes_in"], row["bytes_out"]), ("/ws", 5000, 5000))
            self.control.json("connections kill %d" % row["id"])
            self.assertEqual(wire.ending()[1], b"")
        self.assertEqual(proxy.access_log(1)[0]["reason"], "killed")
        wait_for(lambda: not self.list(), "the connection's end")

    def test_tcp(self):
        self.app = self.upstream(lambda wire, upstream: wire.send(wire.exactly(10)) or wire.more())
        proxy = self.greenway(tcp_config(self.folder, self.app, greenway=self.control_key()))
        self.control = self.dial_control()
        with proxy.dial() as wire:
            wire.send(b"0123456789")
            wire.exactly(10)
            row = self.only("tunnel")
            self.assertEqual((row["bytes_in"], row["bytes_out"], row["upstream"]), (10, 10, "app"))
            self.control.json("connections kill %d" % row["id"])
            wire.ending()
        self.assertEqual(proxy.access_log(1)[0]["reason"], "killed")

    def test_kill_of_each_state(self):
        proxy = self.start()
        with proxy.dial() as idle, proxy.dial() as reading, proxy.dial() as waiting:
            idle.exchange(get("/idle"))
            reading.send("GET /half HTTP/1.1\r\n")
            waiting.send(get("/held"))
            self.app.wait_requests(2)
            for wire, state in ((idle, "idle"), (reading, "reading"), (waiting, "waiting")):
                self.control.json("connections kill %d" % self.only(state)["id"])
                self.assertEqual(wire.ending()[1], b"", state)
        wait_for(lambda: not self.list(), "the end of all connections")
        wait_for(lambda: any(entry["reason"] == "killed" for entry in proxy.access_log(2)), "the reason in the log")
        self.assertEqual(proxy.exchange(get("/after")).status, 200)

    def test_filters_and_limit(self):
        proxy = self.start(extra="[listener second]\nbind = 127.0.0.1:0\nupstream = app\n")
        wait_for(lambda: "second" in proxy.ports, "the second listener")
        wires = [proxy.dial("web" if i % 3 else "second") for i in range(9)]
        try:
            for wire in wires:
                wire.exchange(get("/"))
            self.assertEqual(len(self.list("listener=second")), 3)
            self.assertEqual(len(self.list("listener=web")), 6)
            self.assertEqual(len(self.list("client=127.0.0.0/8")), 9)
            self.assertEqual(self.list("client=10.0.0.0/8"), [])
            self.assertEqual(self.list("state=tunnel"), [])
            answer = self.control.json("connections limit=4")
            self.assertEqual((len(answer["connections"]), answer["shown"], answer["matching"]), (4, 4, 9))
            ids = [row["id"] for row in answer["connections"]]
            self.assertEqual(ids, sorted(ids, reverse=True))
            self.assertEqual(self.control.json("connections client=10.0.0.0/8 limit=1")["matching"], 0)
        finally:
            for wire in wires:
                wire.close()

    def test_hostile_targets_are_shown_harmless(self):
        proxy = self.start()
        with proxy.dial() as wire:
            wire.send(b"GET /held/\xc3\xa4\xff?" + b"z" * 500 + b" HTTP/1.1\r\nHost: h.example\r\n\r\n")
            row = wait_for(lambda: [r for r in self.list() if r["state"] != "idle"] or
                           [e for e in proxy.access_lines()], "the request")
            text = "\n".join(self.control.text("connections"))
            self.assertTrue(all(c.isprintable() or c == "\n" for c in text), text)
            self.assertTrue(row)

    def test_busiest(self):
        proxy = self.start()
        with proxy.dial() as much, proxy.dial() as little, proxy.dial(source=("127.0.0.2", 0)) as other:
            for _ in range(20):
                much.exchange(get("/"))
            little.exchange(get("/"))
            other.exchange(get("/"))
            top = self.control.json("sessions top")
            self.assertEqual([row["bytes"] for row in top["connections"]], [20000, 1000, 1000])
            self.assertEqual([(row["client"], row["connections"], row["requests"]) for row in top["clients"]],
                             [("127.0.0.1", 2, 21), ("127.0.0.2", 1, 1)])
            self.assertEqual(len(self.control.json("sessions top by=requests limit=1")["connections"]), 1)


class Servers(ControlCase):
    def setUp(self):
        super().setUp()
        self.apps = [self.upstream(answering(self.respond)) for _ in range(2)]
        self.start(*self.apps)

    def ask(self, times):
        before = [len(app.requests) for app in self.apps]
        with self.gateway.dial() as wire:
            for _ in range(times):
                self.assertEqual(wire.exchange(get("/")).status, 200)
        return [len(app.requests) - n for app, n in zip(self.apps, before)]

    def server(self, app):
        return next(row for row in self.control.json("servers app")["servers"] if row["server"] == app.server)

    def test_drain_and_enable(self):
        self.assertEqual(self.ask(10), [5, 5])
        with self.gateway.dial() as held, self.gateway.dial() as held_too:
            held.send(get("/held"))
            held_too.send(get("/held"))
            wait_for(lambda: all("/held" in app.targets() for app in self.apps), "a request at each server")
            self.control.json("drain app " + self.apps[0].server)
            row = self.server(self.apps[0])
            self.assertEqual((row["state"], row["active"], row["idle"]), ("draining", 1, 0))
            self.assertEqual(self.ask(10), [0, 10])
            self.gate.set()
            self.assertEqual([wire.response().status for wire in (held, held_too)], [200, 200])
        wait_for(lambda: self.server(self.apps[0])["state"] == "drained", "the server to be drained")
        self.control.json("enable app " + self.apps[0].server)
        self.assertEqual(self.ask(10), [5, 5])

    def test_all_disabled(self):
        for app in self.apps:
            self.control.json("disable app " + app.server)
        answer = self.gateway.exchange(get("/"))
        self.assertEqual(answer.status, 503)
        self.assertEqual(self.gateway.access_log(1)[0]["reason"], "servers_disabled")
        self.assertEqual([row["state"] for row in self.control.json("servers")["servers"]], ["disabled"] * 2)
        self.control.json("enable app " + self.apps[1].server)
        self.assertEqual(self.ask(4), [0, 4])

    def test_weight(self):
        self.control.json("weight app %s 3" % self.apps[0].server)
        self.assertEqual(self.ask(20), [15, 5])
        self.assertEqual(self.server(self.apps[0])["weight"], 3)
        self.control.json("weight app %s configured" % self.apps[0].server)
        self.assertEqual(self.ask(20), [10, 10])
        self.assertEqual(self.server(self.apps[0])["weight"], 1)

    def test_one_server_alone(self):
        proxy = self.proxy(self.app, greenway="control = %s" % self.path("second.sock"))
        with dial_control(self.path("second.sock")) as control:
            control.json("drain app " + self.app.server)
            self.assertEqual(proxy.exchange(get("/")).status, 503)
            control.json("enable app " + self.app.server)
            self.assertEqual(proxy.exchange(get("/")).status, 200)

    def test_all_workers_obey(self):
        proxy = self.proxy(*self.apps, greenway="control = %s\n" % self.path("second.sock"))
        proxy.stop()
        with open(self.path("greenway.ini")) as file:
            config = file.read().replace("workers = 1", "workers = 3")
        proxy = self.greenway(config)
        before = len(self.apps[0].requests)
        with dial_control(self.path("second.sock")) as control:
            control.json("drain app " + self.apps[0].server)
            self.assertEqual(len(control.json("status")["workers"]), 3)
        for _ in range(30):
            self.assertEqual(proxy.exchange(get("/")).status, 200)
        self.assertEqual(len(self.apps[0].requests), before)


class Clients(ControlCase):
    """Clients that do not behave."""

    def setUp(self):
        super().setUp()
        self.start()

    def fine(self):
        with dial_control(self.control_path()) as control:
            self.assertEqual(control.json("status")["state"], "running")
        self.assertEqual(self.gateway.exchange(get("/")).status, 200)

    def test_long_line(self):
        self.control.send(b"x" * 4096)
        self.assertIn("4096 bytes", self.control.lines()[0])
        self.assertEqual(self.control.file.read(), b"")
        self.fine()

    def test_long_line_that_ends(self):
        with self.assertRaises(Refused):
            self.control.text("x" * 4094)
        self.assertEqual(self.control.json("status")["state"], "running")

    def test_garbage(self):
        for garbage in (b"\n\n\r\n  \n", b"\x00\xff\xfe\n", b"json\n", b"json json json status\n", os.urandom(300) + b"\n"):
            with dial_control(self.control_path()) as control:
                control.send(garbage)
                control.sock.shutdown(socket.SHUT_WR)
                control.file.read()
        self.fine()

    def test_empty_lines_are_passed_over(self):
        self.control.send("\n\r\n   \nstatus\n")
        self.assertTrue(self.control.lines()[0].startswith("version: "))

    def test_many_commands_at_once_and_in_pieces(self):
        self.control.send("json status\nstatus\r\njson lis")
        self.assertIn("pid", json.loads(self.control.lines()[0]))
        self.assertTrue(self.control.lines()[0].startswith("version"))
        self.control.send("teners\n")
        self.assertIn("listeners", json.loads(self.control.lines()[0]))

    def test_last_line_without_its_end(self):
        self.control.send("json status")
        self.control.sock.shutdown(socket.SHUT_WR)
        self.assertIn("pid", json.loads(self.control.lines()[0]))
        self.assertEqual(self.control.file.read(), b"")

    def test_twenty_clients(self):
        clients = [self.control] + [self.dial_control() for _ in range(19)]
        turned_away = [client for client in clients[16:] if "16 clients already" in client.lines()[0]]
        self.assertEqual(len(turned_away), 4)
        for client in clients[:16]:
            client.send("json status\n")
        for client in clients[:16]:
            self.assertIn("pid", json.loads(client.lines()[0]))
        clients[3].close()
        wait_for(lambda: not self.turned_away(), "a place to be free again")

    def turned_away(self):
        with dial_control(self.control_path()) as control:
            try:
                control.json("status")
            except (AssertionError, Refused, OSError, ValueError):
                return True
        return False

    def test_client_that_does_not_read_is_given_up(self):
        """Its answers fill its socket: others go on, and it is closed in the end."""
        slow = self.dial_control()
        slow.sock.setblocking(False)
        try:
            for _ in range(100000):
                slow.sock.send(b"help\n" * 200)
        except BlockingIOError:
            pass
        self.fine()
        self.assertEqual(self.control.json("status")["state"], "running")

    def test_clients_that_stall_are_given_up(self):
        """Who says nothing, says half a line, or does not read, in time; who waits between two commands may."""
        self.assertEqual(self.control.json("status")["state"], "running")
        silent, half, slow = [self.dial_control() for _ in range(3)]
        half.send("json sta")
        slow.sock.setblocking(False)
        try:
            for _ in range(100000):
                slow.sock.send(b"help\n" * 200)
        except BlockingIOError:
            pass
        own = lambda: sum('"control" ' in line for line in self.control.json("greenlets")["lines"])
        silent.sock.settimeout(PATIENCE * 2)
        half.sock.settimeout(PATIENCE * 2)
        self.assertEqual(silent.file.read(), b"")
        self.assertEqual(half.file.read(), b"")
        wait_for(lambda: own() == 2, lambda: "the slow client's end: %s" % self.control.json("greenlets"), PATIENCE * 2)
        self.fine()

    def test_client_killed_in_mid_answer(self):
        wires = [self.gateway.dial() for _ in range(200)]
        for wire in wires:
            wire.exchange(get("/"))
        command = [executable(), "ctl", "-s", self.control_path(), "connections", "limit=10000"]
        for _ in range(20):
            reader, writer = os.pipe()
            client = subprocess.Popen(command, stdout=writer, stderr=subprocess.DEVNULL)
            os.close(writer)
            os.read(reader, 10)
            client.kill()
            client.wait()
            os.close(reader)
        raw = self.dial_control()
        raw.send("connections limit=10000\n" * 50)
        raw.sock.recv(1)
        raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raw.close()
        self.fine()
        for wire in wires:
            self.assertEqual(wire.exchange(get("/")).status, 200)
            wire.close()

    def test_shutdown_with_clients(self):
        self.control.send("json sta")
        self.gateway.signal()
        self.assertEqual(self.gateway.wait(), 0)
        self.assertFalse(os.path.exists(self.control_path()))


class Socket(ControlCase):
    def mode(self):
        return stat.S_IMODE(os.stat(self.control_path()).st_mode)

    def test_mode(self):
        before = os.umask(0)
        try:
            self.start()
        finally:
            os.umask(before)
        self.assertEqual(self.mode(), 0o600)

    def test_group(self):
        group = grp.getgrgid(os.getgid())
        self.start(greenway="control_group = %s" % group.gr_name)
        self.assertEqual(self.mode(), 0o660)
        self.assertEqual(os.stat(self.control_path()).st_gid, group.gr_gid)

    def refused(self, config, *says):
        status, _, stderr = run_command("run", "-c", self.write("refused.ini", config))
        self.assertEqual(status, 1 if "[listener" in config else 2, stderr)
        for words in says:
            self.assertIn(words, stderr)

    def config(self, keys):
        return "[greenway]\naccess_log = off\n%s\n[listener web]\nbind = 127.0.0.1:0\nupstream = app\n" \
               "[upstream app]\nserver = 127.0.0.1:1\n" % keys

    def test_unknown_group(self):
        self.refused(self.config(self.control_key() + "\ncontrol_group = no-such-group-here"), "refused.ini:4",
                     "no group 'no-such-group-here'")
        self.assertFalse(os.path.exists(self.control_path()))

    def test_live_socket_is_refused(self):
        self.start()
        self.refused(self.config(self.control_key()), "refused.ini:3", "another greenway")
        self.assertEqual(self.control.json("status")["state"], "running")

    def test_stale_socket_is_replaced(self):
        proxy = self.start()
        proxy.statuses = (-signal.SIGKILL,)
        proxy.signal(signal.SIGKILL)
        proxy.wait()
        self.assertTrue(os.path.exists(self.control_path()))
        self.start()
        self.assertEqual(self.control.json("status")["pid"], self.gateway.pid)

    def test_something_else_is_left_alone(self):
        self.write("control.sock", "precious")
        self.refused(self.config(self.control_key()), "already")
        with open(self.control_path()) as file:
            self.assertEqual(file.read(), "precious")

    def test_missing_folder(self):
        self.refused(self.config("control = %s" % self.path("no/such/c.sock")), "folder", "does not exist")

    def test_somebody_elses_socket_is_not_removed_at_the_end(self):
        proxy = self.start()
        os.unlink(self.control_path())
        other = socket.socket(socket.AF_UNIX)
        self.addCleanup(other.close)
        other.bind(self.control_path())
        proxy.signal()
        self.assertEqual(proxy.wait(), 0)
        self.assertTrue(os.path.exists(self.control_path()))

    def test_off(self):
        proxy = self.proxy(self.upstream(), greenway="control = off")
        self.assertEqual(proxy.exchange(get("/")).status, 200)

    def test_wrong_keys(self):
        for keys, says in (("control = here", "no '/'"), ("control = /" + "x" * 120, "too long"),
                           ("control = /tmp/", "a folder"), ("control_group = adm", "no control socket"),
                           ("control = /x/y\ncontrol_group = a b", "group")):
            status, _, stderr = run_command("check", self.write("wrong.ini", self.config(keys)))
            self.assertEqual(status, 2, keys)
            self.assertIn(says, stderr)


class Ctl(ControlCase):
    """The command line."""

    def ctl(self, *words):
        return run_command("ctl", *words, env={"XDG_RUNTIME_DIR": self.folder})

    def test_statuses(self):
        self.start()
        status, out, err = self.ctl("-s", self.control_path(), "status")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("pid: %d\n" % self.gateway.pid, out)
        status, out, err = self.ctl("-c", self.path("greenway.ini"), "--json", "status")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(json.loads(out)["pid"], self.gateway.pid)
        status, out, err = self.ctl("-s", self.control_path(), "drain", "app", "x")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("greenway: upstream app has no server 'x'", err)
        status, out, err = self.ctl("--json", "-s", self.control_path(), "nonsense")
        self.assertEqual(status, 1)
        self.assertIn("nonsense", json.loads(out)["error"])
        self.assertEqual(self.ctl("-s", self.control_path(), "sessions", "top")[0], 0)

    def test_usage(self):
        for words, says in (((), "needs a command"), (("-s",), "needs a path"), (("-x", "status"), "no option"),
                            (("-s", "a", "-c", "b", "status"), "not both"), (("-s", "/x", "a\nb"), "end of line"),
                            (("-s", "/x", "y" * 5000), "too long"), (("-s", "/x", ""), "no command")):
            status, out, err = self.ctl(*words)
            self.assertEqual((status, out), (2, ""), words)
            self.assertIn(says, err)

    def test_help_needs_no_server(self):
        status, out, _ = self.ctl("help")
        self.assertEqual(status, 0)
        for word in ("drain UPSTREAM SERVER", "connections", "sessions top"):
            self.assertIn(word, out)
        self.assertEqual(self.ctl("--help")[0], 0)

    def test_not_running(self):
        status, _, err = self.ctl("-s", self.control_path(), "status")
        self.assertEqual(status, 1)
        self.assertIn("no greenway listens at " + self.control_path(), err)
        left = socket.socket(socket.AF_UNIX)
        left.bind(self.control_path())
        left.close()
        status, _, err = self.ctl("-s", self.control_path(), "status")
        self.assertEqual(status, 1)
        self.assertIn("not running", err)

    def test_no_permission(self):
        self.start()
        if os.getuid() != 0:
            self.skipTest("only root can be somebody else")
        os.chmod(self.folder, 0o755)
        done = subprocess.run([executable(), "ctl", "-s", self.control_path(), "status"], capture_output=True, text=True,
                              timeout=PATIENCE, user="nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not open to you", done.stderr)

    def test_file_without_a_socket(self):
        config = self.write("plain.ini", "[listener web]\nbind = 127.0.0.1:0\nupstream = a\n"
                                         "[upstream a]\nserver = 127.0.0.1:1\n")
        status, _, err = self.ctl("-c", config, "status")
        self.assertEqual(status, 1)
        self.assertIn("add `control = ", err)
        status, _, err = self.ctl("-c", self.path("missing.ini"), "status")
        self.assertEqual(status, 1)
        self.assertIn("missing.ini", err)

    def test_socket_of_the_user(self):
        os.mkdir(self.path("greenway"))
        self.app = self.upstream()
        proxy = self.proxy(self.app, greenway="control = %s" % self.path("greenway/control.sock"))
        if os.path.exists("/run/greenway/control.sock") or os.path.exists("/etc/greenway/greenway.ini"):
            self.skipTest("this machine has a greenway of its own")
        status, out, _ = self.ctl("--json", "status")
        self.assertEqual((status, json.loads(out)["pid"]), (0, proxy.pid))

    def test_answer_that_breaks_off(self):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.control_path())
        listener.listen(1)

        def answer():
            peer, _ = listener.accept()
            peer.recv(100)
            peer.sendall(b"version: 1\n")
            peer.close()
        thread = threading.Thread(target=answer)
        thread.start()
        status, out, err = self.ctl("-s", self.control_path(), "status")
        thread.join()
        self.assertEqual((status, out), (1, "version: 1\n"))
        self.assertIn("broke off", err)


if __name__ == "__main__":
    main()
