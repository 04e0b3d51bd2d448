"""A network of the test's own: a namespace with nothing but loopback, where packets can be dropped and links made slow
without anybody else noticing. It ends with the test's processes."""

import os
import shutil
import subprocess
import sys

MARK = "GREENWAY_TEST_NAMESPACE"
TOOLS = ("unshare", "ip", "nft", "tc")
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def enter():
    """Runs the program once more, inside a namespace. Returns there; outside only if there cannot be one, and why."""
    os.environ["PATH"] = os.environ.get("PATH", "") + ":" + SBIN
    if os.environ.get(MARK):
        run("ip", "link", "set", "lo", "up")
        return None
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return "not installed: " + ", ".join(missing)
    last = ""
    for unshare in (["unshare", "-n"], ["unshare", "-n", "-r"]):
        tried = subprocess.run([*unshare, "nft", "list", "ruleset"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if tried.returncode == 0:
            os.environ[MARK] = "1"
            os.execvp("unshare", [*unshare, sys.executable, *sys.argv])
        last = tried.stderr.strip()
    return "no network namespace can be made here: " + last


def run(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError("%s: %s" % (" ".join(argv), done.stderr))


class Rules:
    """Of nft, for what arrives (everything does, on loopback). In force until clear()."""

    def __init__(self):
        run("nft", "add table inet trouble")
        run("nft", "add chain inet trouble in { type filter hook input priority 0; }")

    def add(self, *rules):
        for rule in rules:
            run("nft", "add rule inet trouble in " + rule)

    def silence(self, port):
        """Nothing goes to or comes from a server any more: its machine has no power."""
        self.add("tcp dport %d drop" % port, "tcp sport %d drop" % port)

    def clear(self):
        run("nft", "flush chain inet trouble in")

    def end(self):
        run("nft", "delete table inet trouble")
