#!/usr/bin/env python3
"""Installs, runs, upgrades and removes the Debian packages, as `./dev deb test` made them.

    tests/packaging/test_deb.py FOLDER_WITH_PACKAGES

All of it happens in a machine made for the purpose: this one's files below an overlay in memory, a systemd of its own, no
network. Nothing of it remains. It wants root, overlayfs and systemd-nspawn; where they are not to be had it says so and
ends with 77.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

LIMIT = 240  # seconds
UNIT = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/bash /root/inside.sh
StandardOutput=file:/root/log
StandardError=file:/root/log
ExecStopPost=/bin/systemctl exit --force
"""


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def skip(why):
    print("the packages are not tried: %s" % why)
    sys.exit(77)


def next_version(package, folder):
    """The same package as if it were a newer one."""
    content = folder / "content"
    run("dpkg-deb", "-R", package, content)
    control = content / "DEBIAN" / "control"
    lines = [line + "+next" if line.startswith("Version:") else line for line in control.read_text().split("\n")]
    control.write_text("\n".join(lines))
    run("dpkg-deb", "--root-owner-group", "-b", content, folder, stdout=subprocess.DEVNULL)
    shutil.rmtree(content)


def mount(folder):
    """A copy of this machine's files that forgets."""
    run("mount", "-t", "tmpfs", "none", folder)
    for name in ("upper", "work", "root"):
        (folder / name).mkdir()
    run("mount", "-t", "overlay", "-o", "lowerdir=/,upperdir=%s,workdir=%s" % (folder / "upper", folder / "work"), "none",
        folder / "root")
    return folder / "root"


def boot(root):
    """Runs inside.sh as the only thing that a systemd does; what it said."""
    command = ["systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--link-journal=no", "--private-network",
               "--kill-signal=SIGKILL", "--console=pipe",
               "--system-call-filter=seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self", "--machine=greenway-test", "-D", root, "--boot", "--",
               "systemd.unit=greenway-test.service"]
    try:
        subprocess.run(command, timeout=LIMIT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as late:
        print("it was not over after %d s; the machine said:\n%s" % (LIMIT, (late.stdout or b"").decode()[-4000:]))
    log = root / "root" / "log"
    return log.read_text(errors="replace") if log.exists() else None


def inside(folder, packages):
    root = mount(folder)
    (root / "root" / "packages" / "new").mkdir(parents=True)
    for package in packages:
        shutil.copy(package, root / "root" / "packages")
        if package.name.startswith("greenway_"):
            next_version(package, root / "root" / "packages" / "new")
    shutil.copy(pathlib.Path(__file__).with_name("inside.sh"), root / "root")
    (root / "etc" / "systemd" / "system" / "greenway-test.service").write_text(UNIT)
    return boot(root)


def main():
    packages = sorted(pathlib.Path(sys.argv[1]).glob("*.deb"))
    assert len(packages) == 2, "there are not two packages in %s" % sys.argv[1]
    if os.geteuid() != 0:
        skip("only root can make a machine for it")
    if not shutil.which("systemd-nspawn"):
        skip("there is no systemd-nspawn")
    if os.environ.get("GREENWAY_NAMESPACE") != "1":  # mounts that end with this process
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable] + sys.argv,
                   dict(os.environ, GREENWAY_NAMESPACE="1"))
    with tempfile.TemporaryDirectory(prefix="greenway-deb-") as name:
        folder = pathlib.Path(name)
        try:
            said = inside(folder, packages)
        except subprocess.CalledProcessError as error:
            skip("this machine cannot make another: %s" % error)
        finally:
            for path in (folder / "root", folder):
                if os.path.ismount(path):
                    run("umount", "--lazy", path)
    if said is None:
        skip("systemd does not start in it")
    if not said.endswith("all is well\n"):
        print(said)
        sys.exit(1)
    print("the packages install, run, are upgraded and go away again")


if __name__ == "__main__":
    main()
