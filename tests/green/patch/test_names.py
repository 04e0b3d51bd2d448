#!/usr/bin/env python3
"""The list of hooked functions, what the library exports and what the page says are the same.

    test_names.py HOOKED_H LIBRARY PAGE
"""

import re
import subprocess
import sys

hooked, library, page = sys.argv[1:4]
rows = re.findall(r"^GREEN_HOOKED(?:_VARIADIC)?\((\w+), [^,]*, (\w+),", open(hooked).read(), re.M)
aliases = re.findall(r"^GREEN_HOOKED_ALIAS\(\w+, (\w+)\)", open(hooked).read(), re.M)
names = {name for _, name in rows}
assert len(rows) == len(names) > 200, "a function is listed twice, or hardly any was found"

exported = {line.split()[-1].split("@")[0]
            for line in subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True,
                                       text=True).stdout.splitlines()}
functions = {name for name in exported if not name.startswith("green_")}
assert functions == names | set(aliases), "exported, listed: %s" % (functions ^ (names | set(aliases)))
missing = {"green_real_" + name for name in names} - exported
assert not missing, "no real function: %s" % missing


def base(name):
    """As the page has it: without the forms of larger files, of callers' buffers and of _FORTIFY_SOURCE."""
    name = re.sub(r"^__(\w+?)(_chk|_2|)$", r"\1", name)
    name = name.replace("v64v2", "v2").replace("64", "")
    return re.sub(r"_r$", "", name)


said = {}
for family, words in re.findall(r"^\| `(\w+)` \| [^|]* \| (.*) \|$", open(page).read(), re.M):
    said[family.upper()] = {base(word) for text in re.findall(r"`([^`]*)`", words) for word in text.split()} - {""}
listed = {}
for family, name in rows:
    if not re.match(r"__pthread_", name):  # what pthread_cleanup_push() calls
        listed.setdefault(family, set()).add(base(name))
assert said.keys() == listed.keys(), said.keys() ^ listed.keys()
for family in listed:
    assert listed[family] == said[family], "%s: not in the page: %s; only in the page: %s" % (
        family, sorted(listed[family] - said[family]), sorted(said[family] - listed[family]))
print("%d functions" % len(names))
