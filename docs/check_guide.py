#!/usr/bin/env python3
"""Compiles what docs/libgreen.md shows, against an installed libgreen.

    docs/check_guide.py BUILD_FOLDER MESON COMPILER PAGE...

Installs the library, its headers and libgreen.pc into a folder that is removed again, and takes from there what
pkg-config says. Each fragment (```c) is compiled by itself, as strictly as the project's own sources. Those with a main()
are linked, and where the page goes on with ```text they are run and have to print just that.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

FRAGMENT = re.compile(r"^```c\n(.*?)^```$(?:(?:(?!^```)[^\n]*\n)*?^```text\n(.*?)^```$)?", re.M | re.S)
HEADERS = "".join("#include <%s.h>\n" % name for name in ("green", "errno", "signal", "stdio", "stdlib", "string"))
STRICT = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-unused-function"]


def output(command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True, **more).stdout


def install(build, meson, root):
    """Where it was installed: what pkg-config needs to know to find it there."""
    output(meson + ["install", "-C", build, "--no-rebuild", "--quiet", "--tags", "devel", "--destdir", root])
    found = list(pathlib.Path(root).rglob("libgreen.pc"))
    assert len(found) == 1, "there is no libgreen.pc among what was installed"
    return dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root, PKG_CONFIG_PATH=str(found[0].parent))


def flags(kind, environment):
    return shlex.split(output(["pkg-config", kind, "libgreen"], env=environment))


def try_fragment(code, expected, compiler, environment, folder):
    source = folder / "fragment.c"
    if re.search(r"^int main\(", code, re.M):
        source.write_text(code)
        output(compiler + STRICT + [str(source), "-o", str(folder / "program")] + flags("--cflags", environment)
               + flags("--libs", environment))
        if expected is not None:
            printed = output([str(folder / "program")], timeout=30)
            assert printed == expected, "it printed %r" % printed
    else:
        source.write_text(HEADERS + code)
        output(compiler + STRICT + ["-c", str(source), "-o", str(folder / "fragment.o")] + flags("--cflags", environment))


def main():
    build, meson, compiler, pages = sys.argv[1], [sys.argv[2]], shlex.split(sys.argv[3]), sys.argv[4:]
    failed = 0
    with tempfile.TemporaryDirectory() as root:
        environment = install(build, meson, root)
        for page in pages:
            fragments = FRAGMENT.findall(pathlib.Path(page).read_text())
            assert fragments, "%s has no fragments" % page
            for code, expected in fragments:
                try:
                    try_fragment(code, expected or None, compiler, environment, pathlib.Path(root))
                except (subprocess.SubprocessError, AssertionError) as error:
                    failed += 1
                    what = "the command failed" if isinstance(error, subprocess.CalledProcessError) else error
                    print("%s, %r: %s" % (page, code.split("\n")[0], what), file=sys.stderr)
            print("%s: %d fragments" % (page, len(fragments)))
    return 1 if failed else 0


sys.exit(main())
