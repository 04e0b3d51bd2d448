"""What is told by the control socket and changes everything: reload, upgrade; what outlives them; certificates."""

import time

from certificates import Authority
from control_client import Controlled, Refused, dial_control
from harness import answering, http_config, main, run_command, wait_for
from test_binary_upgrade import UpgradeCase, alive
from test_control_life import listens
from test_reload import Reloading, named
from wire import get, ok


class Controls(Controlled, Reloading):
    def setUp(self):
        super().setUp()
        self.apps = [self.upstream(named(name)) for name in (b"one", b"two")]

    def config(self, *servers, workers=1, greenway="", **sections):
        text = http_config(self.folder, *(servers or self.apps), greenway=self.control_key() + "\n" + greenway, **sections)
        return text.replace("workers = 1", "workers = %d" % workers)

    def start(self, *servers, **options):
        self.gateway = self.greenway(self.config(*servers, **options))
        self.control = self.dial_control()
        return self.gateway

    def change(self, *servers, **options):
        self.write("greenway.ini", self.config(*servers, **options))

    def refused(self, command):
        """The lines of a refusal's text, and its JSON."""
        self.control.send(command + "\n")
        lines = self.control.lines()
        self.assertTrue(lines[0].startswith("error: "), lines)
        return lines

    def servers(self):
        return {row["server"]: (row["state"], row["weight"]) for row in self.control.json("servers")["servers"]}


class Reload(Controls):
    def test_it_reloads(self):
        proxy = self.start(self.apps[0])
        self.change(self.apps[1])
        answer = self.control.json("reload")
        self.assertTrue(any(line.startswith("[upstream app] changed: server") for line in answer["lines"]), answer)
        self.assertIn("reloaded " + self.path("greenway.ini"), answer["lines"][-1])
        self.assertEqual(self.body(proxy), b"two")

    def test_dry_run(self):
        """Says what would change, with the values, and changes nothing."""
        proxy = self.start(self.apps[0])
        self.assertEqual(self.control.json("reload --dry-run"), {"lines": ["nothing would change"]})
        self.change(self.apps[1], listener="timeout_head = 7s")
        for lines in (self.control.text("reload --dry-run"), self.control.json("reload --dry-run")["lines"]):
            self.assertIn("[upstream app] changed", lines)
            self.assertTrue(any(line.startswith("  server: ") and self.apps[1].server in line for line in lines), lines)
            self.assertTrue(any(line.startswith("  timeout_head: ") and line.endswith(" -> 7s") for line in lines), lines)
        self.assertEqual(self.body(proxy), b"one")

    def test_long_values_are_shown_whole(self):
        self.start(self.apps[0])
        self.change(self.apps[0], listener="response_header = set X-Long %s" % ("y" * 900))
        self.assertIn("y" * 900, "".join(self.control.text("reload --dry-run")))

    def test_all_that_is_wrong_comes_to_the_caller(self):
        proxy = self.start()
        self.write("greenway.ini", self.config(greenway="nonsense = 1\nshutdown_grace = x"))
        for command, what in (("reload", "nothing was changed"), ("reload --dry-run", "nothing would be changed")):
            lines = self.refused(command)
            self.assertIn(what, lines[0])
            for word in ("nonsense", "shutdown_grace"):
                self.assertTrue(any(self.path("greenway.ini") + ":" in line and word in line for line in lines[1:]), lines)
            self.control.send("json %s\n" % command)
            answer, = self.control.lines()
            self.assertTrue(answer.startswith('{"error":'), answer)
            self.assertIn("nonsense", answer)
        self.assertEqual(proxy.exchange(get("/")).status, 200)

    def test_an_address_that_is_taken(self):
        """Known only when it is tried: a dry run does not bind."""
        self.start()
        taken = self.upstream()
        with open(self.path("greenway.ini")) as file:
            config = file.read()
        self.write("greenway.ini", config + "[listener more]\nbind = %s\nupstream = app\n" % taken.server)
        self.assertTrue(any("using that address" in line for line in self.refused("reload")))

    def test_command_line(self):
        self.start()
        place = ("-s", self.control_path())
        status, out, err = run_command("ctl", *place, "reload", "--dry-run")
        self.assertEqual((status, out, err), (0, "nothing would change\n", ""))
        self.write("greenway.ini", "[nonsense]\n")
        status, out, err = run_command("ctl", *place, "reload")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("greenway: nothing was changed", err)
        self.assertIn("nonsense", err)
        status, _, err = run_command("ctl", *place, "reload", "--nonsense")
        self.assertEqual(status, 1)
        self.assertIn("--dry-run", err)

    def test_many_at_once(self):
        """They wait for one another; nobody waits for ever, and a client that leaves is not missed."""
        proxy = self.start(self.apps[0])
        clients = [self.dial_control() for _ in range(8)]
        for client in clients:
            client.send("json reload\n")
        clients[3].close()
        for i, client in enumerate(clients):
            if i != 3:
                self.assertIn("reloaded", client.lines()[0])
        self.assertEqual(self.body(proxy), b"one")


class Orders(Controls):
    """What operators want of servers holds for whoever serves."""

    def drained(self, proxy):
        for _ in range(12):
            self.assertEqual(self.body(proxy), b"two")

    def test_new_workers_know(self):
        proxy = self.start()
        self.control.json("drain app " + self.apps[0].server)
        self.control.json("weight app %s 7" % self.apps[1].server)
        self.change(workers=3)
        self.control.json("reload")
        self.assertEqual(len(self.control.json("status")["workers"]), 3)
        self.drained(proxy)
        self.assertEqual(self.servers()[self.apps[1].server], ("enabled", 7))
        self.control.json("enable app " + self.apps[0].server)
        wait_for(lambda: self.body(proxy) == b"one", "the other server")

    def test_in_every_way_to_balance(self):
        for balance in ("random_two", "hash:source", "least_connections"):
            with self.subTest(balance=balance):
                proxy = self.start(upstream="balance = " + balance)
                self.control.json("weight app %s 5" % self.apps[1].server)
                self.control.json("disable app " + self.apps[0].server)
                self.change(workers=2, upstream="balance = " + balance)
                self.control.json("reload")
                self.drained(proxy)
                self.assertEqual(self.servers(), {self.apps[0].server: ("disabled", 1), self.apps[1].server: ("enabled", 5)})
                proxy.stop()

    def test_health(self):
        self.apps[0].stop()
        self.start(upstream="health_check = GET / every=50ms rise=1 fall=1 timeout=5s")
        health = lambda: {row["server"]: row["health"] for row in self.control.json("servers")["servers"]}
        wait_for(lambda: health() == {self.apps[0].server: "down", self.apps[1].server: "up"}, health)

    def test_servers_that_are_reached_in_another_way(self):
        """Nothing else of it lives on, for its connections are of no use."""
        proxy = self.start()
        self.control.json("disable app " + self.apps[0].server)
        self.change(upstream="send_proxy_protocol = v1")
        self.control.json("reload")
        self.assertEqual(self.servers()[self.apps[0].server][0], "disabled")
        self.change()
        self.control.json("reload")
        self.drained(proxy)

    def test_a_server_that_was_removed_begins_anew(self):
        self.start()
        self.control.json("disable app " + self.apps[0].server)
        self.change(self.apps[1])
        self.control.json("reload")
        self.change()
        self.control.json("reload")
        self.assertEqual(self.servers()[self.apps[0].server], ("enabled", 1))


class Upgrade(UpgradeCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("run/control.sock")

    def start(self):
        self.app = self.upstream(answering(lambda request: ok(b"hello")))
        return self.service(self.app, greenway="control = %s\n" % self.socket)

    def test_it_hands_over(self):
        """And what was said of servers and of the log holds in the new process."""
        service = self.start()
        old = service.pid()
        with dial_control(self.socket) as control:
            control.json("disable app " + self.app.server)
            control.json("weight app %s 9" % self.app.server)
            control.json("log level warning")
            new = control.json("upgrade")["pid"]
        self.assertNotEqual(new, old)
        wait_for(lambda: service.pid() == new, "the pid file of the new process")
        self.assertEqual(listens(self.socket), new)
        with dial_control(self.socket) as control:
            row, = control.json("servers")["servers"]
            self.assertEqual((row["state"], row["weight"]), ("disabled", 9))
            self.assertEqual(control.json("log level")["level"], "warning")
            self.assertEqual(service.first.exchange(get("/")).status, 503)
            control.json("enable app " + self.app.server)
            self.assertEqual(service.first.exchange(get("/")).status, 200)
        wait_for(lambda: not alive(old), "the old process to end")

    def test_it_fails(self):
        service = self.start()
        with open(self.path("greenway.ini"), "a") as file:
            file.write("[nonsense]\n")
        with dial_control(self.socket) as control:
            with self.assertRaises(Refused) as refusal:
                control.json("upgrade")
            self.assertIn("this process goes on", str(refusal.exception))
            self.assertEqual(control.json("status")["pid"], service.pid())


class Certificates(Controls):
    def test_they_are_listed(self):
        authority = Authority(self.folder)
        soon = authority.issue("one.example", "*.one.example", file="one.pem", days=7)
        over = authority.issue("two.example", file="two.pem", days=-1, begins=-9)
        self.start(listener="certificate = %s, %s\n" % (soon, over))
        rows = {row["file"]: row for row in self.control.json("certificates")["certificates"]}
        row = rows[soon]
        self.assertEqual((row["listener"], row["names"], row["subject"]), ("web", "one.example, *.one.example", "CN=one.example"))
        self.assertIn(row["days_left"], (6, 7))
        self.assertAlmostEqual(time.mktime(time.strptime(row["expires"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone,
                               time.time() + 7 * 86400, delta=7200)
        self.assertIn(rows[over]["days_left"], (-1, -2))
        self.assertIn("one.example, *.one.example", "\n".join(self.control.text("certificates")))

    def test_none(self):
        self.start()
        self.assertEqual(self.control.json("certificates"), {"certificates": []})
        self.assertEqual(self.control.text("certificates"), ["certificates: none"])


if __name__ == "__main__":
    main()
