#!/usr/bin/env python3
"""Holds docs/gevent.md and docs/libgreen.md against what there is.

    docs/check_names.py green API GREEN_FOLDER PAGE...  each green_* and GREEN_* name on the pages is in a public header
    docs/check_names.py gevent PAGE             each public name of the installed gevent is on the page (77: no gevent)

The page's form: "## gevent.event, gevent.x" begins the tables of these modules, "### Event, Other" within it those of
the members of these classes. Names stand in backticks in the first column of a table; `SO_*` stands for many.
"""

import fnmatch
import importlib
import inspect
import pathlib
import pkgutil
import re
import subprocess
import sys
import warnings

# Not for those who use gevent: its tests, its two event loops, what begins with an underscore.
PRIVATE = {"tests", "testing", "libev", "libuv"}

# What gevent's classes inherit from Python's and hand on as their own interface.
INHERITED = {"_socket", "socket", "_ssl", "ssl", "greenlet", "_queue", "queue", "subprocess", "concurrent.futures._base",
             "selectors"}


def complain(what, names):
    for name in names:
        print("%s: %s" % (what, name), file=sys.stderr)
    return 1 if names else 0


# --- libgreen's names ----------------------------------------------------------------------------------------------


def check_green(api, folder, pages):
    public = subprocess.run([sys.executable, api, folder, "--names"], check=True, stdout=subprocess.PIPE,
                            universal_newlines=True).stdout.split()
    assert len(public) > 500, "docs/api.py knows of no names"
    for header in pathlib.Path(folder).rglob("*.h"):  # of the environment, as comments tell of them
        public += re.findall(r"\b(GREEN_[A-Z_]+)=", header.read_text())
    status = 0
    for page in pages:
        with open(page) as f:
            used = set(re.findall(r"\b(?:green|GREEN)_\w+\*?", f.read()))
        assert used, "%s has no names" % page
        status |= complain("%s: no such name in a public header" % page,
                           sorted(name for name in used if not fnmatch.filter(public, name)))
    return status


# --- gevent's names ------------------------------------------------------------------------------------------------


def read_page(page):
    """{(module, class or ""): [names and patterns]}"""
    names, modules, classes = {}, [], [""]
    with open(page) as f:
        for line in f:
            if line.startswith("## "):
                modules, classes = line[3:].strip().replace("`", "").split(", "), [""]
            elif line.startswith("### "):
                classes = line[4:].strip().replace("`", "").split(", ")
            elif line.startswith("| "):
                found = re.findall(r"`([^`]+)`", line.split("|")[1])
                for module in modules:
                    for owner in classes:
                        names.setdefault((module, owner), []).extend(found)
    return names


def public_modules(gevent):
    yield "gevent", gevent
    for info in pkgutil.walk_packages(gevent.__path__, "gevent.", onerror=lambda name: None):
        parts = info.name.split(".")[1:]
        if any(part.startswith("_") or part in PRIVATE for part in parts):
            continue
        try:
            yield info.name, importlib.import_module(info.name)
        except ImportError:  # dnspython is not there, or it is for Windows
            pass


def public_names(name, module):
    listed = getattr(module, "__all__", None)
    for key, value in vars(module).items():
        here = key in listed if listed is not None else True
        if not key.startswith("_") and not inspect.ismodule(value) and (here or getattr(value, "__module__", "") == name):
            yield key, value


def members(cls):
    for base in cls.__mro__:
        if base.__module__.split(".")[0] == "gevent" or base.__module__ in INHERITED:
            for key in vars(base):
                if not key.startswith("_"):
                    yield key, {owner.__name__ for owner in cls.__mro__}


def has(names, module, owners, name):
    return any(fnmatch.fnmatchcase(name, pattern)
               for owner in owners for pattern in names.get((module, owner), []))


def check_gevent(page):
    warnings.simplefilter("ignore")
    try:
        gevent = importlib.import_module("gevent")
    except ImportError:
        return 77
    names, missing, seen = read_page(page), set(), 0
    anywhere = {}
    for (_, owner), found in names.items():
        anywhere.setdefault(owner, []).extend(found)
    for module, contents in public_modules(gevent):
        if (module, "") not in names:
            missing.add(module)
            continue
        for name, value in public_names(module, contents):
            seen += 1
            if not has(names, module, {""}, name):
                missing.add("%s.%s" % (module, name))
            if inspect.isclass(value) and value.__module__.split(".")[0] == "gevent":
                for member, owners in members(value):
                    seen += 1
                    if not any(fnmatch.fnmatchcase(member, p) for o in owners | {name} for p in anywhere.get(o, [])):
                        missing.add("%s.%s.%s" % (module, name, member))
    for name in dir(gevent.config):
        if not name.startswith("_") and name not in names.get(("gevent", "config"), []):
            missing.add("gevent.config." + name)
    assert seen > 1000, "gevent's names were not found"
    return complain("%s: not on the page" % page, sorted(missing))


def main():
    if sys.argv[1] == "green":
        return check_green(sys.argv[2], sys.argv[3], sys.argv[4:])
    return check_gevent(sys.argv[2])


sys.exit(main())
