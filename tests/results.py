#!/usr/bin/python3
"""Reads meson's testlog.json from standard input: how many passed, how many failed, then the end of what each of the
failed ones printed, a line each. FOLDER, the argument, names the build they belong to."""

import json
import sys

LINES = 25


def main():
    results = [json.loads(line) for line in sys.stdin]
    bad = [r for r in results if r["result"] not in ("OK", "EXPECTEDFAIL", "SKIP")]
    print(sum(r["result"] in ("OK", "EXPECTEDFAIL") for r in results))
    if not results:
        print(1, f"{sys.argv[1]} did not build", sep="\n")
        return
    print(len(bad))
    for r in bad:
        print(f"{sys.argv[1]}: {r['name']}: {r['result']} after {r['duration']:.1f} s")
        said = (r.get("stdout") or "") + (r.get("stderr") or "")
        for line in said.splitlines()[-LINES:]:
            print(f"    {line[:300]}")


main()
