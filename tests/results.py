#!/usr/bin/python3
"""What meson's logs (testlog.json) say of one build's tests, for ./dev.

results.py again LOG             the names of failed tests that may be run once more, a line each: few, and without any
                                 trace of a crash or of a sanitizer's report, which no second run can take back
results.py sum NAME LOG [LOG]    how many passed, how many failed, how many needed a second run; then a line for each of
                                 the latter two kinds with the end of what it printed. NAME is the build's; the second log
                                 is that of the second run.
"""

import json
import os
import re
import sys

LINES = 25
MOST_AGAIN = 3  # where more fail, something is wrong, and not with the tests
# Of assertions those of assert(): Check's own, which quote otherwise, are how its tests fail.
FATAL = re.compile(r"Sanitizer|runtime error:|[Rr]eceived signal|killed by signal|core dumped|Assertion `")


def read(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as log:
        return [json.loads(line) for line in log]


def said(result):
    return (result.get("stdout") or "") + (result.get("stderr") or "")


def failed(results):
    return [r for r in results if r["result"] not in ("OK", "EXPECTEDFAIL", "SKIP")]


def again(path):
    bad = failed(read(path))
    if len(bad) <= MOST_AGAIN and not any(FATAL.search(said(r)) or r["returncode"] < 0 for r in bad):
        for r in bad:
            print(r["name"].split(" / ")[-1])


def tell(build, result, verdict):
    print(f"{build}: {result['name']}: {verdict} after {result['duration']:.1f} s")
    for line in said(result).splitlines()[-LINES:]:
        print(f"    {line[:300]}")


def add_up(build, first, second=None):
    results, repeated = read(first), read(second) if second else []
    if not results:
        print(0, 1, 0, f"{build} did not build", sep="\n")
        return
    bad = failed(results)
    broken = {r["name"] for r in failed(repeated)}
    steady = {r["name"] for r in repeated} - broken
    unsteady = [r for r in bad if r["name"] in steady]
    bad = [r for r in bad if r["name"] not in steady]
    print(sum(r["result"] in ("OK", "EXPECTEDFAIL") for r in results) + len(unsteady))
    print(len(bad))
    print(len(unsteady))
    for r in bad:
        tell(build, r, r["result"])
    for r in unsteady:
        tell(build, r, f"{r['result']}, but not in a second run,")


if sys.argv[1] == "again":
    again(sys.argv[2])
else:
    add_up(*sys.argv[2:])
