#!/usr/bin/env python3
"""Which of the cases in cases.txt the tests claim, and which calls that can wait test_generic has a row for.

    count.py SOURCE_ROOT TEST_GENERIC

Fails when a case is claimed by no test and does not say why it does not apply, when a test claims a case that does not
exist, and when a public function with a deadline has neither a row nor a line in calls.txt, or calls.txt is out of date.
"""
import pathlib
import re
import subprocess
import sys

NUMBERS = r"\d+(?:\s*(?:,\s*and|,|and|to)\s*\d+)*"


def listed(path):
    """number -> (sentence, "does not apply" or None)"""
    cases = {}
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        number, text = line.split(None, 1)
        sentence, reason, _ = re.match(r"(.*?)(?:(does not apply): (.+))?$", text).groups()
        if int(number) in cases:
            sys.exit(f"{path.name}: {number} is there twice")
        cases[int(number)] = (sentence.strip(), reason)
    return cases


def expand(text):
    """'9 to 12, 15 and 20' -> 9 10 11 12 15 20"""
    for first, last in re.findall(r"(\d+)(?:\s*to\s*(\d+))?", text):
        yield from range(int(first), int(last or first) + 1)


def claims(root):
    """number -> the files that claim it in a comment"""
    claimed = {}
    for path in sorted(root.rglob("*.[ch]")) + sorted(root.rglob("*.py")):
        if path.parent.name == "conformance":
            continue
        text = path.read_text()
        comments = re.findall(r"/\*.*?\*/", text, re.S) if path.suffix != ".py" else re.findall(r"#.*", text)
        for comment in comments:
            plain = re.sub(r"\([^()]*\)", "", re.sub(r"\n \*", "\n", comment))
            inside = " ".join(re.findall(r"\(([^()]*)\)", comment))
            for words in (plain, inside):
                for match in re.findall(rf"\bcases?\s+({NUMBERS})", words, re.I):
                    for number in expand(match):
                        claimed.setdefault(number, set()).add(str(path.relative_to(root)))
    return claimed


def waiting_calls(root):
    """Public functions whose last argument is a deadline."""
    umbrella = (root / "green.h").read_text()
    for header in re.findall(r'#include "([^"]+)"', umbrella):
        text = re.sub(r"/\*.*?\*/", "", (root / header).read_text(), flags=re.S)
        for name in re.findall(r"\b(green_(?!_)[a-z0-9_]+)\s*\([^;{}]*?\bgreen_time (?:deadline|when)\)\s*"
                               r"(?:GREEN_MUST_CHECK\s*)?[;{]", text):
            yield name


def main():
    source, generic = pathlib.Path(sys.argv[1]), sys.argv[2]
    tests = source / "tests" / "green"
    cases = listed(tests / "conformance" / "cases.txt")
    claimed = claims(tests)
    complaints = [f"case {n} is claimed in {', '.join(sorted(files))}, and there is no such case"
                  for n, files in sorted(claimed.items()) if n not in cases]
    complaints += [f"case {n} is missing in cases.txt" for n in range(1, max(cases)) if n not in cases]
    complaints += [f"case {n} is not covered: {sentence}"
                   for n, (sentence, reason) in sorted(cases.items()) if n not in claimed and not reason]

    rows = subprocess.run([generic, "list"], check=True, capture_output=True, text=True).stdout.splitlines()
    have = {row.split(",")[0] for row in rows}
    without = dict(line.split(None, 1) for line in (tests / "conformance" / "calls.txt").read_text().splitlines()
                   if line.strip() and not line.startswith("#"))
    waiting = set(waiting_calls(source / "green"))
    complaints += [f"{name} can wait and has no row in tests/green/conformance/calls_*.c"
                   for name in sorted(waiting - have - set(without))]
    complaints += [f"calls.txt: {name} {'has a row' if name in have else 'is no call that waits'}"
                   for name in sorted(without) if name in have or name not in waiting]

    left = [reason for n, (_, reason) in cases.items() if n not in claimed]
    covered = sum(1 for n in cases if n in claimed)
    print(f"{covered} of {len(cases)} cases covered, {left.count('does not apply')} not applicable; "
          f"{len(waiting & have)} of {len(waiting)} calls that wait have rows")
    for complaint in sorted(set(complaints)):
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
