"""Reload in place: what changed holds from the next request on, what did not goes on untouched, a bad file changes
nothing."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

from harness import (PATIENCE, Case, Greenway, answering, executable, http_config, main, run_command, sanitized, tcp_config,
                     settled, wait_for)
from test_upgrade import ASK, switching
from wire import dial, get, ok


def named(text):
    return answering(lambda request: ok(text))


def mirror(wire, upstream):
    wire.sock.settimeout(None)
    while wire.more():
        wire.send(wire.take(len(wire.buffer)))


def threads(proxy):
    """How many workers there are; their threads are the process's but for its own and its helpers'."""
    return len(os.listdir("/proc/%d/task" % proxy.pid))


class Reloading(Case):
    def reload(self, proxy, config=None, good=True):
        if config is not None:
            self.write("greenway.ini", config)
        done = lambda: sum(bool(re.search(r"greenway: (reloaded |.*nothing was changed)", line)) for line in proxy.lines)
        before = done()
        proxy.signal(signal.SIGHUP)
        wait_for(lambda: done() > before, lambda: "the reload's end; greenway said:\n" + proxy.stderr())
        last = [line for line in proxy.lines if "reloaded " in line or "nothing was changed" in line][-1]
        self.assertEqual("reloaded " in last, good, proxy.stderr())
        return last

    def talks(self, wire):
        wire.send(b"ping")
        self.assertEqual(wire.exactly(4), b"ping")

    def body(self, proxy, target="/", listener=None):
        with proxy.dial(listener) as wire:
            return wire.exchange(get(target)).body


class Requests(Reloading):
    def test_next_request_on_a_kept_connection_lives_by_the_new_file(self):
        one, two = self.upstream(named(b"one")), self.upstream(named(b"two"))
        proxy = self.proxy(one)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/")).body, b"one")
            self.reload(proxy, http_config(self.folder, two))
            answer = wire.exchange(get("/"))
            self.assertEqual(answer.body, b"two")
            self.assertNotIn("close", answer.tokens("Connection"))
            self.reload(proxy, http_config(self.folder, two, extra="[route old]\npath = /*\nrespond = 410 gone\n"))
            self.assertEqual(wire.exchange(get("/")).status, 410)
        self.assertEqual(len([line for line in proxy.lines if "listening on" in line]), 1)

    def test_request_under_way_ends_by_the_old_file(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def slow(request):
            gate.wait(60)
            return ok(b"old")
        old, new = self.upstream(answering(slow)), self.upstream(named(b"new"))
        proxy = self.proxy(old)
        with proxy.dial() as wire:
            wire.send(get("/"))
            old.wait_requests(1)
            self.reload(proxy, http_config(self.folder, new))
            self.reload(proxy)
            self.assertEqual(self.body(proxy), b"new")
            gate.set()
            self.assertEqual(wire.final().body, b"old")
            self.assertEqual(wire.exchange(get("/")).body, b"new")
        old.wait_live(0)  # the server that is gone is left alone

    def test_servers_that_stay_keep_their_connections(self):
        one, two = self.upstream(named(b"one")), self.upstream(named(b"two"))
        proxy = self.proxy(one)
        for _ in range(3):
            self.assertEqual(self.body(proxy), b"one")
        self.assertEqual(one.connections, 1)
        self.reload(proxy, http_config(self.folder, one, two, upstream="timeout_read = 9s\n"))
        self.assertEqual({self.body(proxy) for _ in range(4)}, {b"one", b"two"})
        self.reload(proxy, http_config(self.folder, two, one))
        self.assertEqual({self.body(proxy) for _ in range(4)}, {b"one", b"two"})
        self.assertEqual((one.connections, two.connections), (1, 1))
        self.reload(proxy, http_config(self.folder, two))
        self.assertEqual({self.body(proxy) for _ in range(4)}, {b"two"})
        one.wait_live(0)
        self.assertEqual(two.connections, 1)

    def test_files_that_keys_name_are_read_again(self):
        app = self.upstream()
        users = self.write("users", self.user("alice", "first"))
        page = self.write("page.html", "<p>first</p>")
        config = http_config(self.folder, app, listener="error_page = 404 %s\n" % page,
                             extra="[route in]\npath = =/in\nupstream = app\nbasic_auth = %s\n"
                                   "[route no]\npath = =/no\nrespond = 404\n" % users)
        proxy = self.greenway(config)

        def status(password):
            return int(self.curl("-o", "/dev/null", "-w", "%{http_code}", "-u", "alice:" + password,
                                 proxy.url("/in")).stdout)
        self.assertEqual((status("first"), status("second")), (200, 401))
        self.write("users", "nonsense\n")
        self.reload(proxy, good=False)
        self.assertIn(users, proxy.stderr())
        self.assertEqual((status("first"), status("second")), (200, 401))
        self.write("users", self.user("alice", "second"))
        self.reload(proxy)
        self.assertEqual((status("first"), status("second")), (401, 200))

    def user(self, name, password):
        return subprocess.run([executable(), "hash-password", name], input=password + "\n", text=True, check=True,
                              capture_output=True).stdout


class Listeners(Reloading):
    def test_added_and_removed(self):
        app = self.upstream()
        base = http_config(self.folder, app, extra="")
        more = base + "[listener more]\nbind = 127.0.0.1:0\nupstream = app\n"
        proxy = self.greenway(base)
        self.reload(proxy, more)
        wait_for(lambda: "more" in proxy.ports, "the new listener")
        port = proxy.ports["more"]
        with proxy.dial("more") as idle, proxy.dial() as kept:
            self.assertEqual(idle.exchange(get("/")).status, 200)
            self.assertEqual(kept.exchange(get("/")).status, 200)
            self.reload(proxy, base)
            self.assertEqual(idle.ending(), ("fin", b""))
            wait_for(lambda: self.refused(port), "the removed listener to refuse connections")
            self.assertEqual(kept.exchange(get("/")).status, 200)

    def refused(self, port):
        try:
            dial(("127.0.0.1", port), 5).close()
        except ConnectionRefusedError:
            return True
        return False

    def test_removed_listener_lets_requests_finish_and_says_close(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def slow(request):
            gate.wait(60)
            return ok(b"late")
        app = self.upstream(answering(slow))
        base = http_config(self.folder, app)
        proxy = self.greenway(base + "[listener more]\nbind = 127.0.0.1:0\nupstream = app\n", listeners=2)
        with proxy.dial("more") as wire:
            wire.send(get("/"))
            app.wait_requests(1)
            self.reload(proxy, base)
            gate.set()
            answer = wire.final()
            self.assertEqual(answer.body, b"late")
            self.assertIn("close", answer.tokens("Connection"))
            self.assertTrue(wire.closed_cleanly())

    def test_address_in_use_refuses_the_whole_reload(self):
        one, two = self.upstream(named(b"one")), self.upstream(named(b"two"))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            proxy = self.proxy(one)
            self.reload(proxy, http_config(self.folder, two) +
                        "[listener a]\nbind = 127.0.0.1:0\nupstream = app\n"
                        "[listener b]\nbind = 127.0.0.1:%d\nupstream = app\n" % port, good=False)
            self.assertRegex(proxy.stderr(), r"greenway\.ini:\d+: cannot listen on 127\.0\.0\.1:%d: another process "
                                             r"is using that address" % port)
            self.assertEqual(self.body(proxy), b"one")
        self.reload(proxy, http_config(self.folder, two))
        self.assertEqual(self.body(proxy), b"two")

    def test_address_moves_to_another_section(self):
        proxy = self.proxy(self.upstream())
        port = proxy.port
        config = http_config(self.folder, self.upstream()).replace("127.0.0.1:0", "127.0.0.1:%d" % port)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/")).status, 200)
            self.reload(proxy, config)  # the port that the kernel chose, spelled out
            self.assertEqual(wire.exchange(get("/")).status, 200)
            self.reload(proxy, config.replace("web", "other"))
            self.assertEqual(wire.exchange(get("/")).status, 200)  # the same socket, under another name
        self.assertEqual([entry["listener"] for entry in proxy.access_log(3)], ["web", "web", "other"])

    def test_overlapping_address_is_told_apart_from_a_foreign_one(self):
        app = self.upstream()
        proxy = self.proxy(app)
        self.reload(proxy, http_config(self.folder, app).replace("127.0.0.1:0", ":%d" % proxy.port), good=False)
        self.assertIn("under another address that overlaps it", proxy.stderr())

    def test_file_in_the_place_of_a_socket_is_left_alone(self):
        """Neither at the start of a listener nor at its end is anything removed that is no socket."""
        app, path = self.upstream(), self.path("precious")
        base = http_config(self.folder, app)
        local = base + "[listener local]\nbind = unix:%s\nupstream = app\n" % path
        self.write("precious", "kept")
        proxy = self.greenway(base)
        self.reload(proxy, local, good=False)
        self.assertIn("which is no socket", proxy.stderr())
        os.unlink(path)
        self.reload(proxy, local)
        os.unlink(path)
        self.write("precious", "kept")
        self.reload(proxy, base)
        with open(path) as file:
            self.assertEqual(file.read(), "kept")

    def test_unix_socket_comes_and_goes(self):
        app = self.upstream()
        path = self.path("in.sock")
        base = http_config(self.folder, app)
        proxy = self.greenway(base)
        for _ in range(2):
            self.reload(proxy, base + "[listener local]\nbind = unix:%s\nupstream = app\n" % path)
            out = self.curl("--unix-socket", path, "http://h.example/").stdout
            self.assertEqual(out, b"hello")
            self.reload(proxy)
            self.assertTrue(os.path.exists(path))
            self.reload(proxy, base)
            self.assertFalse(os.path.exists(path))


class Tunnels(Reloading):
    def test_tunnels_outlive_reloads_of_everything_else(self):
        upstream = self.upstream(switching)
        base = http_config(self.folder, upstream)
        proxy = self.greenway(base)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/ws", extra=ASK)).status, 101)
            self.talks(wire)
            for i in range(5):
                self.reload(proxy, base + "[route r%d]\npath = /r%d/*\nupstream = app\nmax_body = %dk\n" % (i, i, i + 1))
                self.talks(wire)
            wire.finish()
            self.assertEqual(wire.ending(), ("fin", b"<end>"))
        self.assertEqual(proxy.access_log(1)[0]["status"], 101)

    def test_tcp_tunnel_lives_on_with_its_server_and_ends_without(self):
        one, two = self.upstream(mirror), self.upstream(mirror)
        grace = dict(greenway="reload_grace = 100ms\n")
        proxy = self.greenway(tcp_config(self.folder, one, **grace))
        with proxy.dial() as wire:
            self.talks(wire)
            self.reload(proxy, tcp_config(self.folder, one, two, **grace))
            self.talks(wire)
            self.reload(proxy, tcp_config(self.folder, two, **grace))
            wire.ending()
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"].split()[0]), ("cut_by_reload", "reload_grace"))

    def test_removed_listener_gives_its_tunnels_their_time(self):
        upstream = self.upstream(mirror)
        base = tcp_config(self.folder, upstream, greenway="reload_grace = 1h\n")
        proxy = self.greenway(base + "[listener more]\nbind = 127.0.0.1:0\nprotocol = tcp\nupstream = app\n", listeners=2)
        with proxy.dial("more") as wire:
            self.talks(wire)
            self.reload(proxy, base)
            self.talks(wire)
            wire.finish()
            self.assertEqual(wire.ending(), ("fin", b""))


class Workers(Reloading):
    def config(self, app, workers, protocol="http"):
        form = http_config if protocol == "http" else tcp_config
        return form(self.folder, app).replace("workers = 1", "workers = %d" % workers)

    def test_more_and_fewer_under_load(self):
        app = self.upstream()
        proxy = self.greenway(self.config(app, 1))
        wait_for(lambda: threads(proxy) > 1, "the worker to start")
        one = settled(lambda: threads(proxy))
        stop, failures, count = threading.Event(), [], [0]

        def load():
            while not stop.is_set():
                try:
                    with proxy.dial() as wire:
                        for _ in range(3):
                            answer = wire.exchange(get("/"))
                            if answer.status != 200:
                                failures.append(answer)
                            count[0] += 1
                            if "close" in answer.tokens("Connection"):
                                break
                except Exception as error:
                    failures.append(error)
        clients = [threading.Thread(target=load) for _ in range(4)]
        for client in clients:
            client.start()
        try:
            for workers in (4, 2, 3, 1, 4, 1):
                seen = count[0]
                self.reload(proxy, self.config(app, workers))
                wait_for(lambda: threads(proxy) == one + workers - 1, lambda: "%d workers; threads: %d, at first: %d" % (workers, threads(proxy), one))
                wait_for(lambda: count[0] > seen + 20, "more requests")
        finally:
            stop.set()
            for client in clients:
                client.join()
        self.assertEqual(failures, [])

    def test_tunnels_stay_in_a_worker_that_retires(self):
        app = self.upstream(mirror)
        proxy = self.greenway(self.config(app, 3, "tcp"))
        wires = [proxy.dial() for _ in range(12)]
        for wire in wires:
            self.addCleanup(wire.close)
            self.talks(wire)
        for workers in (1, 2, 1):
            self.reload(proxy, self.config(app, workers, "tcp"))
            for wire in wires:
                self.talks(wire)
        with proxy.dial() as wire:
            self.talks(wire)
        before = threads(proxy)
        for wire in wires:
            wire.finish()
            self.assertEqual(wire.ending(), ("fin", b""))
        self.assertGreater(before, 0)


class Differences(Reloading):
    def test_log_has_a_line_for_each_section(self):
        one, two = self.upstream(), self.upstream()
        proxy = self.proxy(one, extra="[route old]\npath = =/old\nrespond = 410\n")
        self.reload(proxy)
        self.assertNotRegex(proxy.stderr(), r"greenway: (warning: )?\[")
        self.reload(proxy, http_config(self.folder, two, listener="max_body = 3m\ntimeout_body = 9s\n",
                                       extra="[route new]\npath = =/new\nrespond = 410\n"))
        for line in ("[listener web] changed: max_body, timeout_body", "[route old] removed", "[route new] added",
                     "[upstream app] changed: server"):
            self.assertEqual(proxy.lines.count("greenway: " + line), 1, proxy.stderr())
        self.assertEqual(self.body(proxy), b"hello")
        self.reload(proxy, http_config(self.folder, two, listener="max_bodi = 3m\n"), good=False)
        self.assertEqual(sum(line.startswith("greenway: [") for line in proxy.lines), 4)

    def test_many_sections_are_counted(self):
        app = self.upstream()
        proxy = self.proxy(app)
        self.reload(proxy, http_config(self.folder, app, extra="".join(
            "[route r%d]\npath = =/r%d\nrespond = 404\n" % (i, i) for i in range(150))))
        self.assertEqual(sum(line.endswith("] added") for line in proxy.lines), 100)
        self.assertIn("greenway: and 50 more sections", proxy.lines)

    def test_what_only_a_start_reads_is_named(self):
        app = self.upstream()
        proxy = self.proxy(app)
        self.reload(proxy, http_config(self.folder, app, greenway="core_dumps = on\npid_file = %s\n" % self.path("pid")))
        for key in ("core_dumps", "pid_file"):
            self.assertRegex(proxy.stderr(), r"warning: \S+greenway\.ini:\d+: \[greenway\] %s: .*only a restart" % key)
        # Who serves was said on the command line (the harness does, for root), and stays said.
        self.assertNotIn("user", proxy.stderr())
        self.assertFalse(os.path.exists(self.path("pid")))

    def test_command_prints_them(self):
        old = self.write("old.ini", "[listener a]\nbind = :8080, :8081\nupstream = u\n[upstream u]\nserver = h:1\n")
        new = self.write("new.ini", "[listener a]\nbind = :8081, :8082\nupstream = u\nmax_connections = 7\n"
                                    "[upstream u]\nserver = h:1\n[upstream v]\nserver = h:2\n")
        status, out, err = run_command("check", new, "--against", old)
        self.assertEqual((status, out.split("\n")[1:]), (0, [
            "[listener a] changed", "  bind: - :8080", "  bind: + :8082", "  max_connections: 10000 -> 7",
            "[upstream v] added", ""]), err)
        status, out, _ = run_command("check", "--against", new, new)
        self.assertEqual((status, out.split("\n")[1]), (0, "nothing is different"))
        for arguments in ((new, "--against"), (new, "--against", "--against", old, "--against", old),
                          (new, "--against", self.path("none.ini"))):
            status, out, err = run_command("check", *arguments)
            self.assertEqual(status, 2)
            self.assertNotEqual(err, "")


class ServiceManager(Reloading):
    def test_is_told_of_each_reload(self):
        path = self.path("notify")
        app = self.upstream()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(PATIENCE)
            config = self.write("greenway.ini", http_config(self.folder, app))
            proxy = Greenway(self.folder, ["run", "-c", config], env={**os.environ, "NOTIFY_SOCKET": path})
            self.addCleanup(proxy.stop)
            self.assertIn(b"READY=1", manager.recv(4096))
            for good in (True, False):
                began = time.clock_gettime(time.CLOCK_MONOTONIC)
                self.reload(proxy, http_config(self.folder, app) + ("" if good else "nonsense\n"), good=good)
                lines = manager.recv(4096).decode().split("\n")
                self.assertEqual(lines[0], "RELOADING=1")
                stamp = int(re.fullmatch(r"MONOTONIC_USEC=(\d+)", lines[1]).group(1)) / 1e6
                self.assertTrue(began - 0.001 <= stamp <= time.clock_gettime(time.CLOCK_MONOTONIC))
                ready = manager.recv(4096).decode()
                self.assertTrue(ready.startswith("READY=1\n"), ready)
                self.assertEqual("failed" in ready, not good)


class BadFiles(Reloading):
    def test_bad_file_changes_nothing_and_names_every_error(self):
        app = self.upstream()
        good = http_config(self.folder, app)
        proxy = self.greenway(good)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/")).status, 200)
            self.reload(proxy, good + "[route x]\npaht = /\nupstream = nowhere\n", good=False)
            self.assertRegex(proxy.stderr(), r"greenway\.ini:\d+: \[route x\] paht: .*path")
            self.assertRegex(proxy.stderr(), r"greenway\.ini:\d+: .*nowhere")
            self.assertEqual(wire.exchange(get("/")).status, 200)
            os.unlink(self.path("greenway.ini"))
            self.reload(proxy, good=False)
            self.assertEqual(wire.exchange(get("/")).status, 200)
            self.reload(proxy, good)
            self.assertEqual(wire.exchange(get("/")).status, 200)

    def test_many_reloads_leave_nothing_behind(self):
        app = self.upstream()
        good = http_config(self.folder, app, extra="".join(
            "[route r%d]\npath = /r%d/*\nupstream = app\nmax_body = 1k\n" % (i, i) for i in range(200)))
        proxy = self.greenway(good)
        with proxy.dial() as wire:
            for _ in range(10):
                self.reload(proxy)
            wire.exchange(get("/"))
            memory, fds, tasks = proxy.rss(), proxy.fds(), threads(proxy)
            for _ in range(100):
                self.reload(proxy)
                self.assertEqual(wire.exchange(get("/")).status, 200)
            self.assertEqual((proxy.fds(), threads(proxy)), (fds, tasks))
            if not sanitized():
                self.assertLess(proxy.rss() - memory, 1 << 20)


if __name__ == "__main__":
    main()
