"""The control socket while all workers are busy: how long `status` takes, and that nothing else suffers."""

import shutil
import subprocess
import time
import unittest

from control_client import Controlled
from harness import SCALE, Case, main, wait_for

ASKED = 50


@unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
class Load(Controlled, Case):
    def start(self):
        nginx = self.nginx("location / { return 200 'a small body'; }")
        config = ("[greenway]\nworkers = 2\naccess_log = off\n%s\n[listener web]\nbind = 127.0.0.1:0\nupstream = app\n"
                  "[upstream app]\nserver = %s\n" % (self.control_key(), nginx.server))
        self.gateway = self.greenway(config)
        wrk = subprocess.Popen(["wrk", "-t1", "-c64", "-d30s", self.gateway.url()], stdout=subprocess.PIPE, text=True)
        self.addCleanup(wrk.stdout.close)
        self.addCleanup(wrk.wait)
        self.addCleanup(wrk.kill)
        self.control = self.dial_control()
        wait_for(lambda: min(w["requests"] for w in self.control.json("status")["workers"]) > 100, "load on both workers")
        return wrk

    def test_status_at_full_load(self):
        wrk = self.start()
        times = []
        before = self.control.json("status")["requests"]
        for _ in range(ASKED):
            begin = time.monotonic()
            status = self.control.json("status")
            times.append(time.monotonic() - begin)
            self.assertNotIn("no answer", [worker["state"] for worker in status["workers"]])
            time.sleep(0.02)  # questions come now and then: not a wait for anything
        self.assertIsNone(wrk.poll())
        self.assertGreater(status["requests"], before)
        times.sort()
        print("status at full load: median %.1f ms, worst %.1f ms of %d" %
              (times[ASKED // 2] * 1e3, times[-1] * 1e3, ASKED), flush=True)
        self.assertLess(times[ASKED // 2], 1 * SCALE)

    def test_everything_else_at_full_load(self):
        self.start()
        for command in ("listeners", "upstreams", "servers", "connections limit=1000", "sessions top", "greenlets"):
            self.assertTrue(self.control.json(command), command)
            self.assertTrue(self.control.text(command), command)
        server = self.control.json("servers")["servers"][0]["server"]
        self.control.json("drain app " + server)
        wait_for(lambda: self.control.json("servers")["servers"][0]["state"] == "drained", "the server to be drained")
        self.control.json("enable app " + server)
        before = self.control.json("status")["requests"]
        wait_for(lambda: self.control.json("status")["requests"] > before + 100, "requests again")
        row = self.control.json("connections limit=1")["connections"][0]
        self.control.json("connections kill %d" % row["id"])
        self.assertEqual(self.control.json("status")["state"], "running")


if __name__ == "__main__":
    main()
