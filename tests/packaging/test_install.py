"""What `meson install` puts into place, looked at and used as it lies there.

    test_install.py MESON BUILD_FOLDER VERSION
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

MESON, BUILD, VERSION = sys.argv[1:4]


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, timeout=120, **options)
    if done.returncode != 0:
        raise AssertionError("%s: %d\n%s%s" % (command, done.returncode, done.stdout, done.stderr))
    return done.stdout + done.stderr


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="greenway-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        run(MESON, "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", cls.root)
        cls.greenway = cls.one("bin/greenway")
        cls.environment = dict(os.environ, PATH="%s:%s" % (cls.greenway.parent, os.environ["PATH"]))

    @classmethod
    def one(cls, ending):
        found = [path for path in cls.root.rglob("*") if str(path).endswith("/" + ending)]
        assert len(found) == 1, "%s is there %d times" % (ending, len(found))
        return found[0]

    def commands(self):
        return re.findall(r"^  ([a-z][a-z-]+)\b", run(self.greenway, "--help"), re.M)

    def keys(self):
        return set(re.findall(r"^  ([a-z][a-z0-9_]+) ", run(self.greenway, "help"), re.M)) \
            - set(self.commands())

    def test_executable(self):
        self.assertEqual(run(self.greenway, "version"), "greenway %s\n" % VERSION)

    def test_default_configuration(self):
        """It is right, and a second installation leaves alone what an administrator made of it."""
        ini = self.one("etc/greenway/greenway.ini")
        self.assertIn("is good", run(self.greenway, "check", ini))
        ini.write_text("; mine\n" + ini.read_text())
        run(MESON, "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", self.root)
        self.assertTrue(ini.read_text().startswith("; mine\n"))

    def test_examples(self):
        folder = self.one("greenway/examples/reverse.ini").parent
        for example in folder.glob("*.ini"):
            with self.subTest(example=example.name):
                self.assertIn("is good", run(self.greenway, "check", example))

    def test_manual_pages(self):
        """They are all there, formatted without a warning, and name what they should."""
        pages = {"greenway.1": self.commands(), "greenway.ini.5": self.keys(),
                 "libgreen.3": ["green_spawn", "green_listen", "green_channel_new"]}
        for name, words in pages.items():
            with self.subTest(page=name):
                page = self.one("man%s/%s" % (name[-1], name))
                done = subprocess.run(["groff", "-man", "-t", "-ww", "-Tutf8", "-P-cbou", page], check=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
                self.assertEqual(done.stderr, "")
                missing = [word for word in words if not re.search(r"(?<![\w])%s(?!\w)" % re.escape(word), done.stdout)]
                self.assertEqual(missing, [])

    def complete(self, *words):
        """What bash would offer for the last word."""
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _greenway;'
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        path = self.one("bash-completion/completions/greenway")
        return set(run("bash", "-c", script, "bash", path, *words, env=self.environment).split("\n")) - {""}

    def test_completion(self):
        self.assertEqual(self.complete("greenway", ""), {*self.commands(), "--help", "--version"})
        self.assertEqual(self.complete("greenway", "ch"), {"check"})
        offered = self.complete("greenway", "help", "")
        self.assertLessEqual(self.keys() | {"listener", "greenway", *self.commands()}, offered)
        self.assertEqual(self.complete("greenway", "help", "shutdown_g"), {"shutdown_grace"})
        self.assertEqual(self.complete("greenway", "check", "--e"), {"--effective"})
        self.assertLessEqual({"--header", "--from", "--listener", "-H"}, self.complete("greenway", "explain", "-"))
        offered = self.complete("greenway", "ctl", "")
        self.assertLessEqual({"status", "drain", "connections", "log", "logs", "reload"}, offered)
        self.assertEqual(self.complete("greenway", "ctl", "--json", "-s", "/x", "log", ""), {"level"})
        self.assertEqual(self.complete("greenway", "ctl", "connections", "k"), {"kill"})
        self.assertLessEqual({"-s", "--socket", "--json"}, self.complete("greenway", "ctl", "-"))
        self.assertLessEqual({"--interval", "--config"}, self.complete("greenway", "top", "-"))
        ini = self.one("etc/greenway/greenway.ini")
        self.assertIn(str(ini), self.complete("greenway", "run", "-c", str(ini)[:-3]))

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_completion_is_zsh(self):
        run("zsh", "-n", self.one("site-functions/_greenway"))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_unit(self):
        """systemd finds nothing wrong with it, and little that it could still forbid."""
        unit = self.root / "greenway.service"
        text = self.one("system/greenway.service").read_text()
        binary = re.search(r"^ExecStart=(\S+)", text, re.M).group(1)
        self.assertTrue((self.root / binary.lstrip("/")).exists(), binary)
        unit.write_text(text.replace(binary, str(self.greenway)))
        self.assertEqual(run("systemd-analyze", "verify", "--man=no", unit).strip(), "")
        said = run("systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", unit)
        print(said.strip().split("\n")[-1])

    def test_users_and_folders(self):
        self.assertIn("greenway", self.one("sysusers.d/greenway.conf").read_text())
        self.assertIn("/var/log/greenway", self.one("tmpfiles.d/greenway.conf").read_text())
        self.assertIn("/var/log/greenway", self.one("logrotate.d/greenway").read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv[:1])
