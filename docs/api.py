#!/usr/bin/env python3
"""Writes the reference of libgreen, docs/api.md, from the public headers.

    docs/api.py GREEN_FOLDER            prints it
    docs/api.py GREEN_FOLDER --write F  writes it to F
    docs/api.py GREEN_FOLDER --check F  fails when F is not what it would write
    docs/api.py GREEN_FOLDER --names    prints every public name, one a line
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'#include "([^"]+)"')


def public_headers(folder):
    """Those that green.h includes, in its order, and that of libgreen-patch."""
    return INCLUDE.findall((folder / "green.h").read_text()) + ["patch.h"]


def without_private_parts(text):
    """Drops what only libgreen's own sources see, and the lines that say nothing to a reader."""
    lines, depth, skip = [], 0, None
    for line in text.split("\n"):
        if line.startswith(("#if", "#ifdef", "#ifndef")):
            depth += 1
            if "GREEN_INTERNAL" in line and skip is None:
                skip = depth
        shown = skip is None and not re.match(r"#(include|ifndef GREEN_\w+_H$|define GREEN_\w+_H$)", line)
        if shown:
            lines.append(line)
        if line.startswith("#endif"):
            if skip == depth:
                skip = None
            depth -= 1
    while lines and lines[-1].strip() in ("", "#endif"):  # the include guard's
        lines.pop()
    return lines


def blocks(lines):
    """Pieces between blank lines outside of comments and braces."""
    block, depth, comment = [], 0, False
    for line in lines:
        if not line.strip() and not comment and depth == 0:
            if block:
                yield block
            block = []
            continue
        block.append(line)
        code = re.sub(r"/\*.*?\*/", "", line)
        if comment:
            comment = "*/" not in line
        elif "/*" in code:
            comment = True
            code = code[:code.index("/*")]
        if not comment:
            depth += code.count("{") - code.count("}")
    if block:
        yield block


def split_comment(block):
    """The comment that a block opens with, and the rest."""
    if not block[0].startswith("/*"):
        return [], block
    for end, line in enumerate(block):
        if "*/" in line:
            return block[:end + 1], block[end + 1:]
    return block, []


def prose(comment):
    """A comment as Markdown; what is indented in it is code."""
    text = "\n".join(comment).strip()
    text = text[2:-2]
    lines = [re.sub(r"^ ?\* ?", "", line) if line.lstrip().startswith("*") else line.strip()
             for line in text.split("\n")]
    return "\n".join(line.rstrip() for line in lines).strip("\n ")


def section(folder, header):
    out = ["## %s" % header, ""]
    first = True
    for block in blocks(without_private_parts((folder / header).read_text())):
        comment, code = split_comment(block)
        text = prose(comment) if comment else ""
        if first and comment and not code:
            out += [text, ""]
        elif re.match(r"-{3,}.*-{3,}$", text.replace("\n", "")):
            out += ["### " + text.strip("- ").capitalize(), ""]
        else:
            if code:
                out += ["```c"] + code + ["```", ""]
            if text:
                out += [text, ""]
        first = False
    return out


def reference(folder):
    out = ["# libgreen: the reference", "",
           "<!-- Written by docs/api.py from the headers in green/: change those, then ninja -C build docs. -->", ""]
    out += [prose(split_comment((folder / "green.h").read_text().split("\n"))[0]), ""]
    out += ["Headers: " + ", ".join("[%s](#%s)" % (h, re.sub(r"[^a-z0-9_-]", "", h)) for h in public_headers(folder)),
            ""]
    for header in public_headers(folder):
        out += section(folder, header)
    return "\n".join(out).rstrip() + "\n"


def names(folder):
    found = set()
    for header in public_headers(folder):
        code = "\n".join(without_private_parts((folder / header).read_text()))
        code = re.sub(r"/\*.*?\*/", "", code, flags=re.S)
        found.update(re.findall(r"\b(?:green|GREEN)_\w+", code))
    return sorted(found)


def main():
    folder = pathlib.Path(sys.argv[1])
    if sys.argv[2:] == ["--names"]:
        print("\n".join(names(folder)))
        return 0
    text = reference(folder)
    if len(sys.argv) == 4 and sys.argv[2] == "--write":
        pathlib.Path(sys.argv[3]).write_text(text)
        return 0
    if len(sys.argv) == 4 and sys.argv[2] == "--check":
        if pathlib.Path(sys.argv[3]).read_text() == text:
            return 0
        print("%s is out of date: ninja -C build docs" % sys.argv[3], file=sys.stderr)
        return 1
    sys.stdout.write(text)
    return 0


sys.exit(main())
