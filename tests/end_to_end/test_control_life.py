"""The control socket while greenway changes: reloads, binary upgrades, the sandbox, and the file that it is."""

import os
import signal
import stat
import unittest

from control_client import Controlled, dial_control
from harness import answering, http_config, main, wait_for
from test_binary_upgrade import UpgradeCase, alive
from test_privileges import PrivilegesCase, Status
from test_reload import Reloading
from wire import get, ok

ROOT = os.geteuid() == 0


def listens(path):
    """Whether somebody answers there."""
    try:
        with dial_control(path) as control:
            return control.json("status")["pid"]
    except OSError:
        return None


class Reloads(Controlled, Reloading):
    def setUp(self):
        super().setUp()
        self.app = self.upstream(answering(lambda request: ok(b"app")))
        self.other = self.path("other.sock")

    def config(self, *keys, app=None):
        return http_config(self.folder, app or self.app, greenway="\n".join(keys))

    def test_nothing_changes(self):
        proxy = self.greenway(self.config(self.control_key()))
        before = os.stat(self.control_path())
        with dial_control(self.control_path()) as control:
            self.reload(proxy, self.config(self.control_key(), "shutdown_grace = 9s"))
            self.assertEqual(control.json("status")["pid"], proxy.pid)
        self.assertEqual(os.stat(self.control_path()).st_ino, before.st_ino)
        self.assertEqual(listens(self.control_path()), proxy.pid)

    def test_it_moves(self):
        """Who is there may stay; who comes finds it at the new place, and nothing at the old one."""
        proxy = self.greenway(self.config(self.control_key()))
        with dial_control(self.control_path()) as control:
            self.reload(proxy, self.config("control = " + self.other))
            self.assertEqual(control.json("status")["pid"], proxy.pid)
            self.assertFalse(os.path.exists(self.control_path()))
            self.assertEqual(listens(self.other), proxy.pid)
            self.assertEqual(stat.S_IMODE(os.stat(self.other).st_mode), 0o600)
        proxy.stop()
        self.assertFalse(os.path.exists(self.other))

    def test_it_comes_and_goes(self):
        proxy = self.greenway(self.config())
        self.reload(proxy, self.config(self.control_key()))
        self.assertEqual(listens(self.control_path()), proxy.pid)
        self.reload(proxy, self.config())
        self.assertFalse(os.path.exists(self.control_path()))
        self.reload(proxy, self.config(self.control_key()))
        self.assertEqual(listens(self.control_path()), proxy.pid)

    def test_a_place_that_is_taken_changes_nothing(self):
        proxy = self.greenway(self.config(self.control_key()))
        self.write("other.sock", "precious")
        gone = self.upstream(answering(lambda request: ok(b"gone")))
        self.reload(proxy, self.config("control = " + self.other, app=gone), good=False)
        self.assertIn("greenway.ini:5: control: there is something at " + self.other, proxy.stderr())
        self.assertEqual(self.body(proxy), b"app")
        self.assertEqual(listens(self.control_path()), proxy.pid)
        self.assertNotIn("is gone", proxy.stderr())
        with open(self.other) as file:
            self.assertEqual(file.read(), "precious")

    def test_the_group_changes(self):
        proxy = self.greenway(self.config(self.control_key()))
        mode = lambda: stat.S_IMODE(os.stat(self.control_path()).st_mode)
        self.reload(proxy, self.config(self.control_key(), "control_group = %d" % os.getgid()))
        self.assertEqual(mode(), 0o660)
        self.reload(proxy, self.config(self.control_key(), "control_group = no-such-group-here"), good=False)
        self.assertEqual(mode(), 0o660)
        self.reload(proxy, self.config(self.control_key()))
        self.assertEqual(mode(), 0o600)


class Upgrades(UpgradeCase):
    def setUp(self):
        super().setUp()
        self.socket = self.path("run/control.sock")
        self.key = "control = %s\n" % self.socket

    def moved(self, service, old):
        """An upgrade, and the pid that answers at the socket afterwards."""
        new = service.upgrade()
        self.assertNotEqual(new, old)
        return new

    def test_the_new_process_answers(self):
        """At the very same socket: a client that comes at any moment is answered by one of them."""
        service = self.service(greenway=self.key)
        old = service.pid()
        self.assertEqual(listens(self.socket), old)
        inode = os.stat(self.socket).st_ino
        with dial_control(self.socket) as control, service.first.dial() as wire:
            wire.exchange(get("/"))
            new = self.moved(service, old)
            self.assertEqual(listens(self.socket), new)
            self.assertEqual(os.stat(self.socket).st_ino, inode)
            if alive(old):
                control.send("json status\n")
                answer = control.lines()
                self.assertTrue(answer is None or str(old) in answer[0], answer)
        wait_for(lambda: not alive(old), "the old process to end")
        self.assertEqual(listens(self.socket), new)
        service.end()
        self.assertFalse(os.path.exists(self.socket))

    def test_it_fails(self):
        service = self.service(greenway=self.key)
        with open(self.path("greenway.ini"), "a") as file:
            file.write("[nonsense]\n")
        os.kill(service.pid(), signal.SIGUSR2)
        wait_for(lambda: service.said("the upgrade failed"), service.first.stderr)
        self.assertEqual(listens(self.socket), service.pid())

    def test_it_moves(self):
        service = self.service(greenway=self.key)
        old = service.pid()
        with open(self.path("greenway.ini")) as file:
            config = file.read()
        self.write("greenway.ini", config.replace("control.sock", "moved.sock"))
        new = self.moved(service, old)
        self.assertEqual(listens(self.path("run/moved.sock")), new)
        wait_for(lambda: not alive(old), "the old process to end")
        self.assertFalse(os.path.exists(self.socket))

    @unittest.skipUnless(ROOT, "only root can become somebody else")
    def test_of_a_process_that_gave_its_rights_up(self):
        """It could not make the socket again in root's folder, and need not."""
        os.mkdir(self.path("own"))
        self.socket = self.path("own/control.sock")
        service = self.service(greenway="user = nobody\ncontrol = %s\n" % self.socket)
        old = service.pid()
        self.assertEqual(listens(self.socket), old)
        new = self.moved(service, old)
        self.assertEqual(listens(self.socket), new)


class Sandbox(PrivilegesCase):
    def setUp(self):
        super().setUp()
        for name in ("run", "elsewhere"):
            os.mkdir(self.path(name))
            os.chmod(self.path(name), 0o777)
        self.socket = self.path("run/control.sock")

    def sandboxed(self):
        config = self.config("sandbox = on\ncontrol = %s" % self.socket, app=self.app().server)
        self.proxy = self.start(config, user="nobody" if ROOT else None)
        wait_for(lambda: any("sandbox: " in line for line in self.proxy.lines), self.proxy.stderr)

    def test_every_command(self):
        """Nothing that an operator asks for is beyond what the process may still do."""
        self.sandboxed()
        self.assertEqual(Status(self.proxy.pid).field("Seccomp"), ["2"])
        self.proxy.exchange(get("/"))
        with dial_control(self.socket) as control:
            names = [row["command"].partition("[")[0].strip() for row in control.json("help")["commands"]]
            plain = [name for name in names if name == name.lower() and name != "upgrade"]
            self.assertGreater(len(plain), 8)
            for name in plain:
                control.send("json %s\n" % name)
                self.assertTrue(control.lines(), name)
        self.assertEqual(self.proxy.exchange(get("/")).status, 200)

    def test_it_is_removed_and_moved(self):
        self.sandboxed()
        with open(self.path("greenway.ini")) as file:
            config = file.read()
        self.write("greenway.ini", config.replace("run/control.sock", "run/moved.sock"))
        self.proxy.signal(signal.SIGHUP)
        wait_for(lambda: any("reloaded " in line for line in self.proxy.lines), self.proxy.stderr)
        self.assertFalse(os.path.exists(self.socket))
        self.assertEqual(listens(self.path("run/moved.sock")), self.proxy.pid)
        self.write("greenway.ini", config.replace("run/control.sock", "elsewhere/control.sock"))
        self.proxy.signal(signal.SIGHUP)
        wait_for(lambda: any("nothing was changed" in line for line in self.proxy.lines), self.proxy.stderr)
        if "Landlock" in self.proxy.stderr():
            self.assertIn("outside of what the sandbox", self.proxy.stderr())
        self.assertEqual(listens(self.path("run/moved.sock")), self.proxy.pid)
        self.proxy.stop()
        self.assertEqual(os.listdir(self.path("run")), [])


if __name__ == "__main__":
    main()
